package test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestFault22CloseAndEnqueue closes a tracker several times at once while
// requests come. In real time: callers that wait for another's Close wait for
// a mutex.
func TestFault22CloseAndEnqueue(t *testing.T) {
	tracker, _ := faked(t, snapshotRules)
	var requests, closers sync.WaitGroup
	begun, stop := make(chan struct{}, 1000), make(chan struct{})
	for g := range 12 {
		requests.Go(func() {
			for v := 0; ; v++ {
				select {
				case <-stop:
					return
				default:
				}
				page(tracker, g*100_000+v, "/good")
				select {
				case begun <- struct{}{}:
				default:
				}
				runtime.Gosched() // else they take the processors from who delivers
			}
		})
	}
	for range 100 {
		<-begun
	}
	accounts := make([]goaltrack.Account, 4)
	for i := range accounts {
		closers.Go(func() {
			var err error
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			if accounts[i], err = tracker.Close(ctx); err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	}
	closers.Wait()
	page(tracker, 1, "/good")
	close(stop)
	requests.Wait()
	for _, a := range accounts[1:] {
		if !reflect.DeepEqual(a, accounts[0]) {
			t.Errorf("%v\nand\n%v", a, accounts[0])
		}
	}
	a := tracker.Snapshot().Account
	if !a.Balanced() || a.NotFired["closed"] == 0 || a.Fired != a.Accepted || a.Delivered != a.Accepted || a.Waiting != 0 {
		t.Errorf("%v", a)
	}
}

// Without a deadline, Close gives up after ten seconds.
func TestCloseHasADeadlineOfItsOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, cdp := faked(t, snapshotRules)
		cdp.tell(func(string) (int, error) { return 503, nil })
		page(tracker, 1, "/good")
		begin := time.Now()
		a, err := tracker.Close(t.Context())
		if took := time.Since(begin); took > 10*time.Second || took < 9*time.Second {
			t.Errorf("it took %v", took)
		}
		if err == nil || a.Dropped["shutdown"] != 1 || !a.Balanced() {
			t.Errorf("%v, %v", a, err)
		}
		if again, err2 := tracker.Close(t.Context()); !reflect.DeepEqual(again, a) || !errors.Is(err2, err) {
			t.Errorf("again: %v, %v", again, err2)
		}
	})
}

// TestClosedTracker: after Close the site goes on, and nothing counts.
func TestClosedTracker(t *testing.T) {
	w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML))
	first, err := world.Close(w.Tracker)
	if err != nil {
		t.Fatal(err)
	}
	v := w.Visitor().Meet()
	if res := v.Get("/page"); res.StatusCode != http.StatusOK {
		t.Error(res.Status)
	}
	w.Site.Close()
	if got := w.Fates("PAGE_VISITED"); got != "closed 1" {
		t.Errorf("PAGE_VISITED: %s", got)
	}
	if again, err := world.Close(w.Tracker); err != nil || again.Decisions != first.Decisions {
		t.Errorf("Close again: %v\n%v", err, again)
	}
	if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "RAISED", nil); !errors.Is(err, goaltrack.ErrRefused) {
		t.Errorf("Send: %v", err)
	}
}
