// Package world is where most tests of goaltrack begin. A world is a site on a live
// server, the tracker around it, a strict CDP, and visitors with cookies. A test says
// what differs from the simplest world, lets visitors come, and then asks what
// became of the goals:
//
//	func TestPricing(t *testing.T) {
//		w := world.New(t, "{version: 1, goals: [{goal: PRICING_VIEWED, visit: /pricing}]}", http.HandlerFunc(world.HTML))
//		v := w.Visitor().Meet() // a browser that the CDP knows
//		v.Get("/pricing")
//		v.Get("/pricing", "User-Agent", "Googlebot/2.1")
//		w.Expect("PRICING_VIEWED", "fired 1, bot 1")
//		w.CDP.Expect(t, "PRICING_VIEWED").From(world.Known).Once()
//	}
//
// Everything ends with the test, and then the account must balance: what was
// accepted is delivered, or lost under a name. [Setup] is for worlds that need more
// than rules, a site and a configuration. The package is for tests that use
// goaltrack's public API. Tests inside package goaltrack cannot import it.
package world

import (
	"context"
	"errors"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/goaltest"
	"github.com/goaltrack/goaltrack/queue"
)

// World is a site, the tracker around it, and the CDP to which it reports.
// Every fault fails the test.
type World struct {
	*testing.T
	CDP     *cdptest.Server
	Tracker *goaltrack.Tracker
	Site    *httptest.Server
}

// patience is for what must come. It is longer than a busy machine ever stops, and shorter than
// "go test" waits, so that a test can say what did not come.
const patience = 5 * time.Minute

// Close closes a tracker, which gives up after ten seconds if nobody says how long it may take.
func Close(tracker *goaltrack.Tracker) (goaltrack.Account, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return tracker.Close(ctx)
}

// End closes everything and checks the account.
func (w *World) End() {
	w.Site.Close()
	account, err := Close(w.Tracker)
	if err != nil {
		w.Errorf("Close: %v\n%v", err, account)
	}
	if !account.Balanced() {
		w.Errorf("the account does not balance:\n%v", account)
	}
}

// CloseNow closes everything without waiting for deliveries, and checks the
// account.
func (w *World) CloseNow() goaltrack.Account {
	w.Helper()
	w.Site.Close()
	ctx, cancel := context.WithCancel(w.Context())
	cancel()
	account, _ := w.Tracker.Close(ctx)
	if !account.Balanced() {
		w.Errorf("the account does not balance:\n%v", account)
	}
	return account
}

// Released waits until a spool's directory is free, after CloseNow: that gives the disk a
// second, and a disk that others use may need more.
func Released(t *testing.T, dir string) {
	t.Helper()
	for {
		spool, err := queue.OpenSpool(dir, queue.SpoolOptions{})
		if err == nil {
			_ = spool.Close(t.Context())
			return
		}
		if !errors.Is(err, queue.ErrLocked) || t.Context().Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Flush waits until all is delivered.
func (w *World) Flush() goaltrack.Account {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), patience)
	defer cancel()
	account, err := w.Tracker.Flush(ctx)
	if err != nil {
		w.Fatalf("Flush: %v\n%v", err, account)
	}
	return account
}

// Done waits until every handler has returned and every event is delivered. A
// client may have its answer before that.
func (w *World) Done() goaltrack.Account {
	w.Helper()
	w.Site.Close()
	return w.Flush()
}

// Fates says how the decisions about a goal ended: "fired 2, bot 1", or "none".
func (w *World) Fates(goal string) string { return goaltest.Fates(w.Tracker, goal) }

// Expect compares the fates of a goal when every handler has returned.
func (w *World) Expect(goal, want string) {
	w.Helper()
	w.Done()
	if got := w.Fates(goal); got != want {
		w.Errorf("%s: %s, want %s", goal, got, want)
	}
}

// Note returns how often the snapshot counts a note.
func (w *World) Note(what string) uint64 { return w.Tracker.Snapshot().Notes[what] }
