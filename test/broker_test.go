package test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
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
// name, and what the queue had taken is delivered.
func TestFault31BrokerFails(t *testing.T) {
	down := errors.New("dial tcp: connection refused")
	for _, tc := range []struct {
		name string
		fail func(context.Context) error
		want string
	}{
		{"down", func(context.Context) error { return down }, "fired 2, queue_full 1"},
		{"slow", func(context.Context) error { <-time.After(20 * time.Millisecond); return nil }, "fired 3"},
		{"never answers", func(ctx context.Context) error {
			if end, ok := ctx.Deadline(); !ok || time.Until(end) > time.Second {
				t.Errorf("it may take until %v", end)
				return down
			}
			<-ctx.Done()
			return ctx.Err()
		}, "fired 2, queue_full 1"},
		{"stream deleted", func(context.Context) error { return queue.ErrClosed }, "fired 2, closed 1"},
		{"full", func(context.Context) error { return queue.ErrFull }, "fired 2, queue_full 1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := &broker{Memory: queue.NewMemory(100, 1<<20)}
			site := http.NewServeMux()
			site.Handle("POST /form", world.Answer(http.StatusSeeOther, "Location", "/thanks"))
			w := world.Setup{Rules: world.EachTrigger, Site: site, Config: func(c *goaltrack.Config, _ *cdptest.Server) {
				c.Delivery.Queue = b
			}}.Start(t)
			v := w.Visitor()
			for _, fail := range []func(context.Context) error{nil, tc.fail, nil} {
				b.fails.Store(&fail)
				if fail == nil {
					b.fails.Store(nil)
				}
				if res := v.Post("/form", "email=a%40b.example"); res.StatusCode != http.StatusSeeOther {
					t.Errorf("the form was answered %s", res.Status)
				}
			}
			w.Expect("FORM_SENT", tc.want)
		})
	}
}
