package goaltest

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// patience is how long events may take to the CDP of a test. A machine that does too much may
// stop for half a minute.
const patience = 2 * time.Minute

// Site is an application with a tracker around it, and the CDP to which that sends. It
// ends with its test. Its methods may be called by several goroutines.
type Site struct {
	// CDP has what arrived.
	CDP *cdptest.Server
	// Tracker is the one around the application.
	Tracker *goaltrack.Tracker

	tb      testing.TB
	handler http.Handler
}

// NewSite puts a tracker around an application. The CDP is one of package cdptest, and
// takes the place of the CDP in each of config.Sites. Without sites, there is one, with
// the language EN and the currency EUR. Without a logger, nothing is logged. Without
// Delivery.Timeout, no event is given up, and so sent again, because the machine that runs
// the test is slow. All else in config is as in [goaltrack.New]. If that returns an error,
// the test ends.
func NewSite(tb testing.TB, config goaltrack.Config, app http.Handler) *Site {
	tb.Helper()
	s := &Site{CDP: cdptest.NewServer(tb, cdptest.Options{}), tb: tb}
	config.Sites = slices.Clone(config.Sites)
	if len(config.Sites) == 0 {
		config.Sites = []goaltrack.Site{{Language: "EN", Currency: "EUR"}}
	}
	for i := range config.Sites {
		config.Sites[i].CDP = s.CDP.Direct()
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Delivery.Timeout == 0 {
		config.Delivery.Timeout = 2 * patience // and half of it for a browser ID
	}
	var err error
	if s.Tracker, err = goaltrack.New(config); err != nil {
		tb.Fatalf("goaltest: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, _ = s.Tracker.Close(ctx) // what was lost is for the test to ask
	})
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	if err := s.Tracker.Ready(ctx); err != nil {
		tb.Fatalf("goaltest: %v", err)
	}
	s.handler = s.Tracker.Handler(app)
	return s
}

// ServeHTTP is the application with the tracker around it.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Browser makes the browser of a visitor who was never here.
func (s *Site) Browser() *Browser {
	s.tb.Helper()
	return NewBrowser(s.tb, s)
}

// Expect waits until all that counted has reached the CDP, and begins an expectation:
//
//	site.Expect("CONTACT_SENT").With("topic", "sales").Once()
//	site.Expect("PRICING_VIEWED").Never()
//
// The type is that of the event: the goal's name, or VIEW, IDENTITY and so on.
func (s *Site) Expect(eventType string) *cdptest.Expectation {
	s.tb.Helper()
	ctx, cancel := context.WithTimeout(s.tb.Context(), patience)
	defer cancel()
	if account, err := s.Tracker.Flush(ctx); err != nil {
		s.tb.Errorf("goaltest: not everything was sent: %v\n%v", err, account)
	}
	return s.CDP.Expect(s.tb, eventType)
}

// Fates says what became of a goal until now, such as "fired 2, bot 1". It is "none" if
// nothing was decided. docs/operations.md explains each name. If an expectation is not met,
// this says why.
func (s *Site) Fates(goal string) string { return Fates(s.Tracker, goal) }

// Fates is [Site.Fates] for any tracker.
func Fates(tracker *goaltrack.Tracker, goal string) string {
	for _, g := range tracker.Snapshot().Goals {
		if g.Goal != goal {
			continue
		}
		var parts []string
		if g.Fired > 0 {
			parts = append(parts, fmt.Sprint("fired ", g.Fired))
		}
		for _, fate := range slices.Sorted(maps.Keys(g.NotFired)) {
			parts = append(parts, fmt.Sprint(fate, " ", g.NotFired[fate]))
		}
		if parts != nil {
			return strings.Join(parts, ", ")
		}
	}
	return "none"
}
