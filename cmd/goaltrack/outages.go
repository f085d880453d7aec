package main

import (
	"cmp"
	"context"
	"time"

	"github.com/goaltrack/goaltrack"
	reports "github.com/goaltrack/goaltrack/report"
)

// outages are the sites whose events wait, as the report's marks say.
type outages map[string]bool

// outageWords say what the states of [goaltrack.SiteState] mean that are an outage.
var outageWords = map[string]string{
	"down":  "the CDP does not answer, so events wait",
	"held":  "the CDP refuses this sender, so events wait",
	"stuck": "the disk of the queue hangs, so events wait",
}

// outageOver is the mark of the end.
const outageOver = "events are delivered again"

// look returns the marks of what began and what ended since it was asked last.
func (o outages) look(states []goaltrack.SiteState, now time.Time) (marks []reports.Mark) {
	for i := range states {
		s := &states[i]
		words, out := outageWords[s.State]
		m := reports.Mark{Time: now, Site: s.Site, Kind: reports.MarkOutage, Text: cmp.Or(words, outageOver)}
		switch {
		case out && !o[s.Site]:
			if !s.SilentSince.IsZero() {
				m.Time = s.SilentSince
			}
			marks = append(marks, m)
			o[s.Site] = true
		case s.State == "ok" && o[s.Site]:
			marks = append(marks, m)
			delete(o, s.Site)
		}
	}
	return marks
}

// outagesEvery is how often delivery is looked at. An outage is one only after minutes.
const outagesEvery = 10 * time.Second

// watch marks outages of delivery in the report until ctx ends. states are those of the
// present tracker.
func (r *reporting) watch(ctx context.Context, states func() []goaltrack.SiteState) {
	if r == nil {
		return
	}
	ticker := time.NewTicker(outagesEvery)
	defer ticker.Stop()
	for o := (outages{}); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for _, m := range o.look(states(), time.Now()) {
			r.recorder.Mark(m)
		}
	}
}
