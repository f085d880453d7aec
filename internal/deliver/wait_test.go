package deliver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// awaitingRig is a rig with requests that wait for their events.
func awaitingRig(t *testing.T, limit time.Duration, answer func(*call) error) *rig {
	t.Helper()
	return newRigOn(t, queue.NewMemory(4, 1<<20), Options{Wait: limit, BackoffBase: time.Minute}, answer)
}

// request offers events and waits as a request does.
func (r *rig) request(ctx context.Context, goals ...string) (took time.Duration, met bool, refused []error) {
	r.t.Helper()
	a := new(Awaited)
	for _, g := range goals {
		err := r.Offer(r.t.Context(), a, 0, queue.Item{Body: testEvent("shop", g, visitorID(1)), Key: "1", Priority: queue.High, Time: time.Now()})
		if err == nil {
			r.offered++
		}
		refused = append(refused, err)
	}
	begin := time.Now()
	met = r.Wait(ctx, a)
	return time.Since(begin), met, refused
}

func TestWaitForTheFate(t *testing.T) {
	const limit = 5 * time.Second
	for _, tc := range []struct {
		name   string
		goals  []string
		answer func(*call) error
		took   time.Duration
		met    bool
	}{
		{"delivered", []string{"A"}, nil, 50 * time.Millisecond, true},
		{"three of one visitor, one after the other", []string{"A", "B", "C"}, nil, 150 * time.Millisecond, true},
		{"dead", []string{"A"}, script(status(400)), 50 * time.Millisecond, true},
		{"nothing", nil, nil, 0, true},
		{"never", []string{"A"}, script(errRefused), limit, false},
		{"one of two", []string{"A", "B"}, func(c *call) error {
			if c.goal == "B" {
				return errRefused
			}
			return nil
		}, limit, false},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			r := awaitingRig(t, limit, tc.answer)
			took, met, _ := r.request(t.Context(), tc.goals...)
			if took != tc.took || met != tc.met {
				t.Errorf("%v after %v, want %v after %v", met, took, tc.met, tc.took)
			}
			if n := len(r.waits.byNumber); n != 0 {
				t.Errorf("%d are still waited for", n)
			}
		})
	}
}

// What the queue refuses is not waited for, and what others queued neither.
func TestWaitForOnesOwnOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := awaitingRig(t, time.Hour, func(c *call) error {
			if c.goal == "OTHER" {
				return errRefused
			}
			return nil
		})
		r.offer(2, "OTHER")
		bubble.Pass(time.Second)
		took, met, refused := r.request(t.Context(), "A", "B", "C", "D")
		if !met || took > time.Second || refused[2] != nil || !errors.Is(refused[3], queue.ErrFull) {
			t.Errorf("%v after %v, %v", met, took, refused)
		}
	})
}

func TestWaitEndsWithItsContextAndTheSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := awaitingRig(t, time.Hour, script(errRefused))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if took, met, _ := r.request(ctx, "A"); met || took != time.Second {
			t.Errorf("%v after %v", met, took)
		}
		go func() { bubble.Pass(time.Second); _ = r.close(time.Second) }()
		if took, met, _ := r.request(t.Context(), "B"); met || took > 3*time.Second {
			t.Errorf("%v after %v", met, took)
		}
		if took, met, refused := r.request(t.Context(), "C"); !met || took > 0 || !errors.Is(refused[0], queue.ErrClosed) {
			t.Errorf("after Close: %v after %v, %v", met, took, refused)
		}
	})
}

// An event that another process waited for is delivered as any other.
func TestAwaitedByAnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, nil)
		for n := range uint64(3) {
			r.offerItem(queue.Item{Body: markAwaited(testEvent("shop", "A", visitorID(1)), n), Key: "1", Time: time.Now()})
		}
		r.offerItem(queue.Item{Body: []byte{envelopeVersion, flagAwaited, 1}, Key: "1", Time: time.Now()})
		r.settle()
		r.wantDelivered(3)
		r.wantDead(map[string]uint64{"unreadable": 1})
		if calls := r.cdp().of("A"); len(calls) != 3 || calls[0].body["browser_id"] != visitorID(1) {
			t.Errorf("%d calls", len(calls))
		}
	})
}
