package goaltrack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/goaltrack/goaltrack/queue"
)

// holding is a memory queue of which the sender gets nothing.
type holding struct{ *queue.Memory }

func (h *holding) Receive(ctx context.Context, _ int) ([]queue.Delivery, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (h *holding) take(t *testing.T) {
	t.Helper()
	got, err := h.Memory.Receive(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range got {
		d.Ack()
	}
}

// rooms tells how many events without a value would fit.
func (h *holding) rooms() (n int) {
	for {
		room, err := h.Reserve(queue.Normal, 1)
		if err != nil {
			return n
		}
		defer room.Release()
		n++
	}
}

const whoRules = `
version: 1
goals:
  - { goal: SESSION, submit: /session, count: once per session }
  - { goal: KNOWN, submit: /known, count: once per session, value: 1, currency: EUR, identityProvider: email, identify: { email: $query.email, verified: true } }
  - { goal: OTHER, submit: /other }
  - { goal: PAID, code: true, count: once per visitor }
  - { goal: RAISED, code: true, count: once per session }
`

// TestCountedOnceIfTheQueueIsFull: what cannot be offered does not count, and
// counts when there is room. A goal that says who the visitor is needs room for
// both events.
func TestCountedOnceIfTheQueueIsFull(t *testing.T) {
	for goal, target := range map[string]string{"SESSION": "/session", "KNOWN": "/known?email=a@b.example"} {
		t.Run(goal, func(t *testing.T) {
			held := &holding{Memory: queue.NewMemory(2, 1<<20)}
			s := openShop(t, whoRules, func(c *Config) { c.Delivery.Queue = held })
			s.do(http.MethodPost, "/other")
			if line := s.do(http.MethodPost, target); line != "" {
				t.Errorf("the count is in the cookie: %q", line)
			}
			s.expect(goal, 0, "queue_full", 1)
			held.take(t)
			if line := s.do(http.MethodPost, target); line == "" {
				t.Error("the count is not in the cookie")
			}
			s.expect(goal, 1, "queue_full", 1)
			s.do(http.MethodPost, target)
			s.expect(goal, 1, "already_counted", 1)
		})
	}
}

// TestRoomIsGivenBack, whatever becomes of the request.
func TestRoomIsGivenBack(t *testing.T) {
	for goal, c := range map[string]struct {
		target string
		events int
	}{
		"SESSION": {"/session", 1},
		"KNOWN":   {"/known?email=a@b.example", 2},
	} {
		testRoomIsGivenBack(t, goal, whoRules, c.target, c.events)
		testRoomIsGivenBack(t, goal, "defaults: { connector: cdp4s }\n"+whoRules, c.target, c.events+1)
	}
}

func testRoomIsGivenBack(t *testing.T, goal, rules, target string, events int) {
	t.Helper()
	for name, after := range map[string]func(*Tracker, *http.Request){
		"rejected": func(t *Tracker, r *http.Request) { _ = t.Reject(r, goal) },
		"panicked": func(*Tracker, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(fmt.Sprintf("%s, %d events, %s", goal, events, name), func(t *testing.T) {
			held := &holding{Memory: queue.NewMemory(10, 1<<20)}
			s := openShop(t, rules, func(c *Config) { c.Delivery.Queue = held })
			s.handler = s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusNoContent)
				if n := held.rooms(); n != 9-events {
					t.Errorf("there is room for %d more, want %d", n, 9-events)
				}
				after(s.tracker, r)
			}))
			func() {
				defer func() { _ = recover() }()
				s.do(http.MethodPost, target)
			}()
			if n := held.rooms(); n != 9 { // of 10, 95 % for what has no value
				t.Errorf("there is room for %d afterwards, want 9", n)
			}
		})
	}
}

// TestSentOnceIfTheQueueIsFull is TestCountedOnceIfTheQueueIsFull for a goal that is
// sent for a visitor who is not there.
func TestSentOnceIfTheQueueIsFull(t *testing.T) {
	held := &holding{Memory: queue.NewMemory(2, 1<<20)}
	s := openShop(t, whoRules, func(c *Config) { c.Delivery.Queue = held })
	send := func() error { return s.tracker.Send(t.Context(), Visitor{BrowserID: oldID}, "PAID", nil) }
	s.do(http.MethodPost, "/other")
	if err := send(); !errors.Is(err, ErrRefused) {
		t.Errorf("the queue is full: %v", err)
	}
	s.expect("PAID", 0, "queue_full", 1)
	held.take(t)
	for range 2 {
		if err := send(); err != nil {
			t.Error(err)
		}
	}
	s.expect("PAID", 1, "already_counted", 1)
}

// TestCountedOnceByTwoAtATime: what counted in another request of the visitor, after
// this one has looked what did, does not count again.
func TestCountedOnceByTwoAtATime(t *testing.T) {
	s := openShop(t, whoRules, nil)
	s.handler = s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent) // SESSION is looked up with it
		if r.URL.Path == "/session" {
			s.do(http.MethodPost, "/other")
		}
		if err := s.tracker.Trigger(r, "RAISED", nil); err != nil {
			t.Error(err)
		}
	}))
	s.do(http.MethodPost, "/session")
	s.expect("SESSION", 1, "already_counted", 0)
	s.expect("RAISED", 1, "already_counted", 1)
}
