package world

import (
	"context"

	"github.com/goaltrack/goaltrack/queue"
)

// Sink is a queue that takes everything and hands out nothing, so that a measurement is of
// the request alone.
type Sink struct{}

// Append implements [queue.Queue].
func (*Sink) Append(context.Context, ...queue.Item) error { return nil }

// Receive implements [queue.Queue]. It waits until ctx ends.
func (*Sink) Receive(ctx context.Context, _ int) ([]queue.Delivery, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Stats implements [queue.Queue].
func (*Sink) Stats() queue.Stats { return queue.Stats{} }

// Close implements [queue.Queue].
func (*Sink) Close(context.Context) error { return nil }
