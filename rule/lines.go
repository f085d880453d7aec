package rule

import (
	"fmt"
	"time"
)

// lines are where keys of a goal stand in the rule file, for those who ask why the goal
// did not count. Each is 0 if the goal was made in Go, or does not have the key.
type lines struct{ success, hosts, from, until, count, after, notAfter, value, order, data int }

// placeLines notes where the keys of the goal stand.
func (g *goal) placeLines(f *faults) {
	for _, at := range []struct {
		key   string
		given bool
		line  *int
	}{
		{"success", g.Success != "" || g.SuccessIf != nil, &g.lines.success},
		{"hosts", len(g.Hosts) > 0, &g.lines.hosts},
		{"from", g.From != "", &g.lines.from},
		{"until", g.Until != "", &g.lines.until},
		{"count", g.Count != "", &g.lines.count},
		{"after", len(g.After) > 0, &g.lines.after},
		{"not after", len(g.NotAfter) > 0, &g.lines.notAfter},
		{"value", g.value.set, &g.lines.value},
		{"order", g.order != nil, &g.lines.order},
		{"data", len(g.data) > 0, &g.lines.data},
	} {
		if at.given {
			*at.line, _ = f.at(f.goal, at.key, 0)
		}
	}
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
		return atLine(g.lines.from, "the date is outside from: and until:, since from: "+g.From+" is yet to come")
	}
	return atLine(g.lines.until, "the date is outside from: and until:, since until: "+g.Until+" is over")
}
