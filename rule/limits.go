package rule

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/hostname"
	"github.com/goaltrack/goaltrack/internal/spelling"
	"github.com/goaltrack/goaltrack/internal/web"
)

// The values of status:.
const (
	statusLive   = "live"
	statusDraft  = "draft"
	statusPaused = "paused"
)

// limits is when and where a goal counts.
type limits struct {
	from, until time.Time // until is exclusive; zero: no limit
	hosts       []string
	late        lateness
}

func (l *limits) judge(x *Exchange, now time.Time) Reason {
	switch {
	case !l.holdsAt(now):
		return ReasonNotNow
	case len(l.hosts) > 0 && (!x.blind || x.host != "") && !x.isNone() && !hostname.In(l.hosts, web.HostOnly(x.host)):
		return ReasonOtherHost
	}
	return Fires
}

// holdsAt reports whether the goal counts at a time; zero means now.
func (l *limits) holdsAt(now time.Time) bool {
	if now.IsZero() && !l.always() {
		now = time.Now()
	}
	return (l.from.IsZero() || !now.Before(l.from)) && (l.until.IsZero() || now.Before(l.until))
}

func (g *goal) compileLimits(f *faults) {
	oneOf := func(key, v string, allowed ...string) {
		if v != "" && !slices.Contains(allowed, v) {
			f.hint(key, fmt.Sprintf("%s: %q is not understood", key, v), strings.Join(allowed, ", "))
		}
	}
	oneOf("status", g.Status, statusLive, statusDraft, statusPaused)
	oneOf("consent", g.Consent, consent.Words[:]...)
	g.need = consent.Need(max(slices.Index(consent.Words[:], g.Consent), 0)) //nolint:gosec // One of four.
	oneOf("late", g.Late, "send", "drop")
	g.compileLate(f)
	g.compileExpect(f)
	for _, h := range g.Hosts {
		switch unseen := spelling.Unseen(h); {
		case unseen != "":
			f.hint("hosts", fmt.Sprintf("%q has %s", h, unseen), "type it anew, without that")
		case !web.ValidHost(h):
			f.hint("hosts", fmt.Sprintf("%q is not a host name", h), hostHint(h))
		}
	}
	for _, h := range g.Hosts {
		g.limits.hosts = append(g.limits.hosts, hostname.Plain(h))
	}
	g.compileTimes(f)
	g.compileCount(f)
	g.compileAfter(f)
}

func (g *goal) compileTimes(f *faults) {
	zone := time.UTC
	if g.Timezone != "" {
		var err error
		if zone, err = web.LoadZone(g.Timezone); err != nil {
			f.hint("timezone", fmt.Sprintf("timezone: %q is not known", g.Timezone), "for example Europe/Berlin")
			return
		}
		g.past.Zone = zone
	}
	parse := func(key, text string, more int) time.Time {
		if text == "" {
			return time.Time{}
		}
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t
		}
		for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", time.DateOnly} {
			if t, err := time.Parse(layout, text); err == nil {
				if layout == time.DateOnly {
					t = t.AddDate(0, 0, more)
				}
				return whenClocksShow(t, zone)
			}
		}
		f.hint(key, fmt.Sprintf("%s: %q is not a date", key, text), dateHint(text))
		return time.Time{}
	}
	g.limits.from = parse("from", g.From, 0)
	until := parse("until", g.Until, 1) // a day is meant to its end
	g.limits.until = until
	if !until.IsZero() && !g.limits.from.Before(until) {
		f.hint("until", "until: lies before from:, so the goal never counts", "")
	}
}

// whenClocksShow is when the clocks of a zone show a time, which is given in UTC. If they go
// forward over it, it is when they do: in some zones there is no midnight on that day.
func whenClocksShow(wanted time.Time, zone *time.Location) time.Time {
	t := time.Date(wanted.Year(), wanted.Month(), wanted.Day(), wanted.Hour(), wanted.Minute(), 0, 0, zone)
	_, offset := t.Zone()
	switch shown := t.Unix() + int64(offset); {
	case shown < wanted.Unix():
		_, t = t.ZoneBounds()
	case shown > wanted.Unix():
		t, _ = t.ZoneBounds()
	}
	return t
}

// sometime is a moment at which the goal counts. An example says what is asked
// and answered, not when: it must not fail before a campaign begins, nor when
// it is over.
func (l *limits) sometime() time.Time {
	if l.from.IsZero() && !l.until.IsZero() {
		return l.until.Add(-1)
	}
	return l.from // zero means now, which is as good as any
}

// always reports whether there are no dates.
func (l *limits) always() bool { return l.from.IsZero() && l.until.IsZero() }
