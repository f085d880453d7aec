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

// stuckQueue is a queue of somebody else's. When it is told to, it goes on only when the test
// says so, whatever the context.
type stuckQueue struct {
	*queue.Memory
	call string
	hang chan struct{}
}

func (q *stuckQueue) Append(ctx context.Context, items ...queue.Item) error {
	if q.call == "Append" {
		<-q.hang
	}
	return q.Memory.Append(ctx, items...)
}

func (q *stuckQueue) Reserve(p queue.Priority, bytes int64) (*queue.Room, error) {
	if q.call == "Reserve" {
		<-q.hang
	}
	return q.Memory.Reserve(p, bytes)
}

// TestCloseDespiteAnIntakeThatHangs: Close returns when its context ends, later requests are
// refused at once, and all that was accepted is in the account. The one call that hangs ends
// when the queue lets it, and is refused by name.
func TestCloseDespiteAnIntakeThatHangs(t *testing.T) {
	for _, call := range []string{"Append", "Reserve"} {
		bubble.Run(t, call, func(t *testing.T) {
			q := &stuckQueue{Memory: queue.NewMemory(100, 1<<20), hang: make(chan struct{})}
			r := newRigOn(t, q, Options{AppendWait: 100 * time.Millisecond}, nil)
			r.offerMany(0, 10)
			r.settle()
			q.call = call
			stuck := make(chan error, 1)
			enter := func() error {
				if call == "Reserve" {
					place, err := r.Reserve(r.lines[0], visitorID(1), 0, queue.High, 10)
					place.Release()
					return err
				}
				return r.Offer(t.Context(), nil, 0, queue.Item{Body: testEvent("shop", "LATE", visitorID(1)), Key: visitorID(1), Time: time.Now()})
			}
			go func() { stuck <- enter() }()
			synctest.Wait()

			begin := time.Now()
			closed := make(chan error, 1)
			go func() { closed <- r.close(3 * time.Second) }()
			synctest.Wait()
			if err := enter(); !errors.Is(err, queue.ErrClosed) || time.Since(begin) > 0 {
				t.Errorf("while Close waits: %v after %v", err, time.Since(begin))
			}
			if err := <-closed; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Close: %v", err)
			}
			if took := time.Since(begin); took < 3*time.Second || took > 3*time.Second+closeGrace {
				t.Errorf("Close took %v", took)
			}
			if err := enter(); !errors.Is(err, queue.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
			if a := r.balanced(); a.Accepted != 10 || a.Delivered != 10 {
				t.Errorf("%s", a)
			}
			close(q.hang)
			if err := <-stuck; !errors.Is(err, queue.ErrClosed) {
				t.Errorf("the call that hung: %v", err)
			}
			if a := r.balanced(); a.Accepted != 10 || a.Waiting != 0 {
				t.Errorf("%s", a)
			}
		})
	}
}

// TestCloseWaitsForTheIntake: what is on its way into the queue is delivered if there is time.
func TestCloseWaitsForTheIntake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &stuckQueue{Memory: queue.NewMemory(100, 1<<20), call: "Append", hang: make(chan struct{})}
		r := newRigOn(t, q, Options{}, nil)
		for v := range 3 {
			go func() {
				if err := r.Offer(t.Context(), nil, 0, queue.Item{Body: testEvent("shop", "SENT", visitorID(v)), Key: visitorID(v), Time: time.Now()}); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		time.AfterFunc(time.Second, func() { close(q.hang) })
		r.offered = 3
		if err := r.close(10 * time.Second); err != nil {
			t.Error(err)
		}
		if a := r.balanced(); a.Delivered != 3 {
			t.Errorf("%s", a)
		}
	})
}
