package rule

import (
	"fmt"
	"time"
)

// spot is a place in the rule file: 0 if the goal was made in Go, or lacks the key.
type spot struct{ line, column int }

// lines are where keys of a goal stand, for those who ask why the goal did not count.
type lines struct {
	trigger, success, session, hosts, env, from, until, count, after, notAfter, value, order, data, sends spot
}

// placeLines notes where the keys of the goal stand.
func (g *goal) placeLines(f *faults) {
	for _, at := range []struct {
		key   string
		given bool
		spot  *spot
	}{
		{g.triggerKey(), true, &g.lines.trigger},
		{"success", g.Success != "" || g.SuccessIf != nil, &g.lines.success},
		{"session", g.Session != "", &g.lines.session},
		{"hosts", len(g.Hosts) > 0, &g.lines.hosts},
		{"env", len(g.Env) > 0, &g.lines.env},
		{"from", g.From != "", &g.lines.from},
		{"until", g.Until != "", &g.lines.until},
		{"count", g.Count != "", &g.lines.count},
		{"after", g.comesAfter(), &g.lines.after},
		{"not after", len(g.NotAfter)+len(g.NotAfterEach) > 0, &g.lines.notAfter},
		{"value", g.value.set, &g.lines.value},
		{"order", g.order != nil, &g.lines.order},
		{"data", len(g.data) > 0, &g.lines.data},
		{"sends", g.Sends != "", &g.lines.sends},
	} {
		if at.given {
			at.spot.line, at.spot.column = f.at(f.goal, at.key, 0)
		}
	}
}

// triggerKey is the key of the goal's trigger.
func (g *goal) triggerKey() string {
	switch {
	case len(g.Any) > 0:
		return "any"
	case g.Visit != "":
		return "visit"
	case g.Submit != (Submit{}):
		return "submit"
	case g.Download != "":
		return "download"
	}
	return "goal"
}

// atLine puts a line of the rule file before what is said about it.
func atLine(line int, text string) string {
	if line == 0 {
		return text
	}
	return fmt.Sprintf("line %d: %s", line, text)
}

// notNow says which date keeps the goal from counting at a time; zero means now.
func (g *goal) notNow(now time.Time) string {
	if now.IsZero() {
		now = time.Now()
	}
	if from := g.limits.from; now.Before(from) {
		return atLine(g.lines.from.line, "the date is outside from: and until:, since from: "+g.From+" is yet to come")
	}
	return atLine(g.lines.until.line, "the date is outside from: and until:, since until: "+g.Until+" is over")
}
