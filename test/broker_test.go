package test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/goaltest"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/queue"
)

// broker is an engine somewhere else, as far as a test can be one: what it
// takes is in memory, and the way to it fails as told.
type broker struct {
	*queue.Memory
	fails atomic.Pointer[func(context.Context) error]
}

func (b *broker) Append(ctx context.Context, items ...queue.Item) error {
	if fail := b.fails.Load(); fail != nil {
		if err := (*fail)(ctx); err != nil {
			return err
		}
	}
	return b.Memory.Append(ctx, items...)
}

// TestFault31BrokerFails: a queue that lives on another machine is down, slow,
// gone or full. The site answers all the same, what is refused is refused by
// name, and what the queue had taken is delivered. On fake time, as a request waits a
// tenth of a second at most.
func TestFault31BrokerFails(t *testing.T) {
	down := errors.New("dial tcp: connection refused")
	for _, tc := range []struct {
		name string
		fail func(context.Context) error
		want string
	}{
		{"down", func(context.Context) error { return down }, "fired 2, queue_failed 1"},
		{"slow", func(context.Context) error { <-time.After(20 * time.Millisecond); return nil }, "fired 3"},
		{"never answers", func(ctx context.Context) error {
			if end, ok := ctx.Deadline(); !ok || time.Until(end) > time.Second {
				t.Errorf("it may take until %v", end)
				return down
			}
			<-ctx.Done()
			return ctx.Err()
		}, "fired 2, queue_failed 1"},
		{"stream deleted", func(context.Context) error { return queue.ErrClosed }, "fired 2, closed 1"},
		{"full", func(context.Context) error { return queue.ErrFull }, "fired 2, queue_full 1"},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			b := &broker{Memory: queue.NewMemory(100, 1<<20)}
			tracker, _ := faked(t, world.EachTrigger, func(c *goaltrack.Config) { c.Delivery.Queue = b })
			site := tracker.Handler(world.Answer(http.StatusSeeOther, "Location", "/thanks"))
			for _, fail := range []func(context.Context) error{nil, tc.fail, nil} {
				b.fails.Store(&fail)
				if fail == nil {
					b.fails.Store(nil)
				}
				r := httptest.NewRequest(http.MethodPost, "https://shop.example/form", strings.NewReader("email=a%40b.example"))
				r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {world.Chrome}, "Cookie": {"bid_k=" + world.Known}}
				w := httptest.NewRecorder()
				if site.ServeHTTP(w, r); w.Code != http.StatusSeeOther {
					t.Errorf("the form was answered %d", w.Code)
				}
			}
			if account, err := tracker.Close(t.Context()); err != nil || !account.Balanced() || account.Delivered != account.Fired {
				t.Errorf("%v\n%v", err, account)
			}
			if got := goaltest.Fates(tracker, "FORM_SENT"); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

// TestSendSaysWhoGaveUp: the error is that of the context only if the queue waited for that,
// and not if the queue failed while it ended.
func TestSendSaysWhoGaveUp(t *testing.T) {
	down := errors.New("dial tcp: connection refused")
	for _, tc := range []struct {
		name string
		fail func(context.Context) error
		is   error
		want string
	}{
		{"the queue waited", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, context.DeadlineExceeded, "timed_out 1"},
		{"it failed at the end", func(ctx context.Context) error { <-ctx.Done(); return down }, goaltrack.ErrRefused, "queue_failed 1"},
		{"it was full at the end", func(ctx context.Context) error { <-ctx.Done(); return queue.ErrFull }, goaltrack.ErrRefused, "queue_full 1"},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			b := &broker{Memory: queue.NewMemory(100, 1<<20)}
			b.fails.Store(&tc.fail)
			tracker, _ := faked(t, "{version: 1, goals: [{goal: ORDER_PAID, code: true}]}", func(c *goaltrack.Config) { c.Delivery.Queue = b })
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			if err := tracker.Send(ctx, goaltrack.Visitor{BrowserID: world.Known}, "ORDER_PAID", nil); !errors.Is(err, tc.is) || !errors.Is(tc.is, context.DeadlineExceeded) && errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the error is %v, want %v", err, tc.is)
			}
			if got := goaltest.Fates(tracker, "ORDER_PAID"); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if _, err := tracker.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestCloseDespiteABrokerThatHangs: a queue whose Append never returns holds up the request
// that called it, and neither Close nor the requests that come then.
func TestCloseDespiteABrokerThatHangs(t *testing.T) {
	bubble.Run(t, "", func(t *testing.T) {
		b, hang := &broker{Memory: queue.NewMemory(100, 1<<20)}, make(chan struct{})
		fail := func(context.Context) error { <-hang; return errors.New("gone") }
		b.fails.Store(&fail)
		tracker, _ := faked(t, world.EachTrigger, func(c *goaltrack.Config) { c.Delivery.Queue = b })
		site := tracker.Handler(world.Answer(http.StatusSeeOther, "Location", "/thanks"))
		send := func() {
			r := httptest.NewRequest(http.MethodPost, "https://shop.example/form", strings.NewReader("email=a%40b.example"))
			r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {world.Chrome}, "Cookie": {"bid_k=" + world.Known}}
			site.ServeHTTP(httptest.NewRecorder(), r)
		}
		stuck := make(chan struct{})
		go func() { defer close(stuck); send() }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		if _, err := tracker.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 3*time.Second {
			t.Errorf("Close: %v after %v", err, time.Since(begin))
		}
		begin = time.Now()
		if send(); time.Since(begin) > 0 {
			t.Errorf("a request took %v after Close", time.Since(begin))
		}
		close(hang)
		<-stuck
		if got := goaltest.Fates(tracker, "FORM_SENT"); got != "closed 1, queue_failed 1" {
			t.Error(got)
		}
	})
}
