package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
)

// TestOutages: an outage of a site has one mark when it begins, with the time at which
// nothing was accepted any more, and one when it is over.
func TestOutages(t *testing.T) {
	o := outages{}
	begun := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for i, test := range []struct{ states, want string }{
		{"ok ok", ""},
		{"slow ok", ""},
		{"down ok", "12:00 shop the CDP does not answer, so events wait"},
		{"down held", "12:00 press the CDP refuses this sender, so events wait"},
		{"slow held", ""}, // one event is tried, and that is not over yet
		{"ok stuck", "12:50 shop events are delivered again"},
		{"ok ok", "13:00 press events are delivered again"},
		{"ok ok", ""},
	} {
		words := strings.Fields(test.states)
		states := []goaltrack.SiteState{{Site: "shop", State: words[0]}, {Site: "press", State: words[1]}}
		for j := range states {
			if states[j].State != "ok" {
				states[j].SilentSince = begun
			}
		}
		var got []string
		for _, m := range o.look(states, begun.Add(time.Duration(i)*10*time.Minute)) {
			got = append(got, fmt.Sprint(m.Time.Format("15:04"), " ", m.Site, " ", m.Text))
		}
		if s := strings.Join(got, "; "); s != test.want {
			t.Errorf("%d. %s: %q, want %q", i, test.states, s, test.want)
		}
	}
}
