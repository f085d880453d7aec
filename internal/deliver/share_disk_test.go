package deliver

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// smallDisk opens a spool that hands out 6,400 events, and then no other.
func smallDisk(t *testing.T, dir string) *queue.Spool {
	t.Helper()
	spool, err := queue.OpenSpool(dir, queue.SpoolOptions{Window: 100})
	if err != nil {
		t.Fatal(err)
	}
	return spool
}

// TestOneClientCannotTakeTheDisk: a process finds what one client has sent before it began.
// What others send now is delivered at once. So is what they had sent, if the client had
// one browser ID; else it comes in its turn.
func TestOneClientCannotTakeTheDisk(t *testing.T) {
	for _, tc := range []struct {
		name string
		ids  int // of the client, 0: none
		left int // events of others that come at once
	}{
		{"one ID", 1, 20},
		{"a thousand IDs", 1000, 0},
		{"no ID", 0, 0},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			if testing.Short() && tc.ids != 1 {
				t.Skip("with -short, one case is enough to find a race")
			}
			dir := t.TempDir()
			item := func(goal, key, id string) queue.Item {
				return queue.Item{Body: testEvent("shop", goal, id), Key: key, Time: time.Now()}
			}
			var items []queue.Item
			for n := range 8000 {
				key, id := fmt.Sprint("request-", n), ""
				if tc.ids > 0 {
					key = visitorID(100 + n%tc.ids)
					id = key
				}
				items = append(items, item("EVIL", key, id))
			}
			for v := range 20 {
				items = append(items, item(fmt.Sprint("LEFT", v), visitorID(v), visitorID(v)))
			}
			before := smallDisk(t, dir)
			for batch := range slices.Chunk(items, 100) {
				if err := before.Append(t.Context(), batch...); err != nil {
					t.Fatal(err)
				}
			}
			if err := before.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			r := newRigOn(t, smallDisk(t, dir), Options{QueueBytes: 1 << 30}, nil)
			sent := map[string]time.Time{}
			for n := range 50 {
				goal, id := fmt.Sprint("NEW", n), visitorID(5000+n%20)
				if err := r.Offer(t.Context(), nil, uint64(5000+n%20), item(goal, id, id)); err != nil {
					t.Fatal(err)
				}
				r.offered++
				sent[goal] = time.Now()
				bubble.Pass(100 * time.Millisecond)
			}
			came := map[string]int{}
			for _, c := range r.cdp().all() {
				came[strings.TrimRight(c.goal, "0123456789")]++
				if late := c.start.Sub(sent[c.goal]); strings.HasPrefix(c.goal, "NEW") && late > 2*time.Second {
					t.Errorf("%s came after %v", c.goal, late)
				}
			}
			if came["NEW"] < 49 || came["LEFT"] < tc.left {
				t.Errorf("%v came", came)
			}
		})
	}
}

// TestASiteThatCannotSendLeavesTheDisk: the CDP of one site takes nothing, or little, and more
// of its events wait than a spool hands out. The other site goes on at once, the first has no
// more than its share of the window, and all comes in the end.
func TestASiteThatCannotSendLeavesTheDisk(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer func(*call) error
		took   time.Duration // for every answer
		window int           // of the spool, which hands out 64 times as many; the sender has up to 2,500
	}{
		{"refuses connections", func(*call) error { return errRefused }, 0, 64},
		{"asks for a minute", func(*call) error { return retryIn(http.StatusTooManyRequests, time.Minute) }, 0, 20},
		{"takes three a second", nil, 5 * time.Second, 20},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			if testing.Short() && tc.window > 20 {
				t.Skip("4,500 events that come again and again: with -short, the others are enough to find a race")
			}
			backlog := 70 * tc.window
			spool, err := queue.OpenSpool(t.TempDir(), queue.SpoolOptions{Window: tc.window})
			if err != nil {
				t.Fatal(err)
			}
			r := newRigOn(t, spool, Options{QueueBytes: 1 << 30}, nil, "shop", "dead")
			dead := r.cdps["dead"]
			dead.tell(tc.answer)
			dead.takes = func(*call) time.Duration { return tc.took }
			for n := range backlog {
				r.offerTo("dead", n, "DEAD", queue.Normal)
				if n%100 == 0 {
					bubble.Pass(50 * time.Millisecond)
				}
			}
			bubble.Pass(10 * time.Second)
			sent := map[string]time.Time{}
			for n := range 50 {
				goal := fmt.Sprint("NEW", n)
				sent[goal] = time.Now()
				r.offerTo("shop", 20_000+n, goal, queue.Normal)
				bubble.Pass(100 * time.Millisecond)
			}
			calls := r.cdp().all()
			for _, c := range calls {
				if late := c.start.Sub(sent[c.goal]); late > time.Second {
					t.Errorf("%s came after %v", c.goal, late)
				}
			}
			if len(calls) < 49 {
				t.Errorf("%d of 50 came", len(calls))
			}
			r.asks <- func(sc *schedule) {
				if h := &sc.bySite["dead"].health; h.inWindow > sc.share+maxFetched {
					t.Errorf("%d events of the site are in the window, %d of them beyond its share of %d", h.inWindow, h.fetched, sc.share)
				}
			}
			if n := r.Stats().Waiting; n < backlog/2 {
				t.Errorf("only %d wait", n)
			}
			dead.tell(nil)
			dead.mu.Lock()
			dead.takes = nil
			dead.mu.Unlock()
			if took := r.settle(); took > time.Minute {
				t.Errorf("when its CDP takes events again, all are delivered after %v", took)
			}
		})
	}
}

// TestFullWait: what waits for room in the window is looked at less often, the longer nothing of
// its line can be sent.
func TestFullWait(t *testing.T) {
	now := time.Now()
	for _, tc := range []struct {
		name            string
		silence, paused time.Duration
		want            time.Duration
	}{
		{"all is well", 0, 0, fullWait},
		{"a pause is over", 0, -time.Hour, fullWait},
		{"a short silence", 2 * time.Second, 0, 500 * time.Millisecond},
		{"a long silence", time.Hour, 0, maxLineWait},
		{"the rest of a pause", 0, 3 * time.Second, 3 * time.Second},
		{"a pause of an hour", 2 * time.Second, time.Hour, maxLineWait},
	} {
		h := health{pausedUntil: now.Add(tc.paused)}
		if tc.silence > 0 {
			h.gate.since = now.Add(-tc.silence)
		}
		if got := h.fullWait(now); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.name, got, tc.want)
		}
	}
}
