package deliver

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// troubled is a queue whose letters cannot be written and whose disk hangs, as
// long as the test wants.
type troubled struct {
	*queue.Memory
	noLetters func() bool
	hang      chan struct{} // nil: it does not hang
	hanging   func(call string) bool
}

func (q *troubled) wait(call string) {
	if q.hanging != nil && q.hanging(call) {
		<-q.hang
	}
}

func (q *troubled) Receive(ctx context.Context, n int) ([]queue.Delivery, error) {
	q.wait("Receive")
	got, err := q.Memory.Receive(ctx, n)
	for i, d := range got {
		got[i] = queue.NewDelivery(d.Item, troubledTicket{d, q})
	}
	return got, err
}

func (q *troubled) Close(ctx context.Context) error {
	q.wait("Close")
	return q.Memory.Close(ctx)
}

type troubledTicket struct {
	queue.Delivery
	q *troubled
}

func (t troubledTicket) Ack() {
	t.q.wait("Ack")
	t.Delivery.Ack()
}

func (t troubledTicket) Dead(reason string) bool {
	t.q.wait("Dead")
	return (t.q.noLetters == nil || !t.q.noLetters()) && t.Delivery.Dead(reason)
}

// An event whose letter cannot be written waits for that, uncounted and unsent:
// it dies once, whatever that takes, and holds up nobody, not even its visitor.
func TestALetterThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		q := &troubled{Memory: queue.NewMemory(1000, 1<<20), noLetters: func() bool { return time.Since(begin) < time.Hour }}
		r := newRigOn(t, q, Options{}, func(c *call) error {
			if c.goal == "BAD" {
				return status(400)
			}
			return nil
		})
		r.offer(1, "BAD")
		r.offerItem(queue.Item{Body: []byte("unreadable"), Key: "1", Time: time.Now()})
		r.offer(1, "NEXT")
		r.offer(2, "OTHER")
		bubble.Pass(10 * time.Minute)
		r.wantDelivered(2)
		if a := r.balanced(); len(a.Dead) != 0 || a.Waiting != 2 {
			t.Errorf("no letter was written:\n%s", a)
		}
		r.settle()
		r.wantDead(map[string]uint64{"rejected_400": 1, "unreadable": 1})
		if n := len(r.cdp().of("BAD")); n != 1 || time.Since(begin) < time.Hour {
			t.Errorf("after %v the bad event was sent %d times, want once", time.Since(begin), n)
		}
	})
}

// Close and Snapshot end in time, even if the queue's disk hangs.
func TestNobodyWaitsForAQueueThatHangs(t *testing.T) {
	for _, where := range []string{"Receive", "Ack", "Dead", "Close"} {
		bubble.Run(t, where, func(t *testing.T) {
			began := false
			q := &troubled{Memory: queue.NewMemory(1000, 1<<20), hang: make(chan struct{})}
			q.hanging = func(call string) bool { return call == where && began }
			r := newRigOn(t, q, Options{}, func(c *call) error {
				if c.goal == "BAD" {
					return status(400)
				}
				return nil
			})
			r.offer(1, "GOOD")
			r.settle()
			began = true
			for v := range 10 {
				r.offer(v, []string{"GOOD", "BAD"}[v%2])
			}
			bubble.Pass(time.Second)
			start := time.Now()
			states := r.States()
			if took := time.Since(start); took > statesWait || len(states) != 1 || states[0].Site != "shop" {
				t.Errorf("the states came after %v: %+v", took, states)
			}
			if stuck := where == "Ack" || where == "Dead"; stuck != (states[0].State == "stuck") {
				t.Errorf("the state is %q", states[0].State)
			}
			start = time.Now()
			err := r.close(3 * time.Second)
			if took := time.Since(start); took > 3*time.Second+closeGrace || err == nil {
				t.Errorf("Close returned %v after %v", err, took)
			}
			close(q.hang)
			synctest.Wait()
		})
	}
}

// What a snapshot counts never goes down, and what was delivered was accepted
// before; when all is settled the sums are right to the last event.
func TestSnapshotsUnderLoad(t *testing.T) {
	soon := time.Millisecond
	r := newRig(t, Options{BackoffBase: soon, BackoffMax: soon, ProbeBase: soon, ProbeMax: soon}, func(c *call) error {
		switch c.goal[len(c.goal)-1] {
		case '3':
			if c.try == 1 {
				return errReset
			}
		case '7':
			return status(400)
		}
		return nil
	})
	r.cdp().took = 0
	offered := make(chan struct{})
	go func() {
		defer close(offered)
		for v := range 3000 {
			r.offer(v, fmt.Sprintf("V%d", v))
		}
	}()
	var last Account
	for running := true; running; {
		select {
		case <-offered:
			running = false
		default:
		}
		a := r.account()
		for _, c := range []struct {
			what    string
			was, is uint64
		}{
			{"accepted", last.Accepted, a.Accepted},
			{"delivered", last.Delivered, a.Delivered},
			{"dead", total(last.Dead), total(a.Dead)},
			{"possible duplicates", last.PossibleDuplicates, a.PossibleDuplicates},
		} {
			if c.is < c.was {
				t.Fatalf("%s went from %d to %d", c.what, c.was, c.is)
			}
		}
		last = a
	}
	r.settle()
	if a := r.balanced(); a.Waiting != 0 || a.Delivered+total(a.Dead) != 3000 || a.Delivered == 0 || a.Dead["rejected_400"] == 0 {
		t.Errorf("all is settled:\n%s", a)
	}
}

// Whoever has an event sent again wants it sent, though it is too late by its
// rule (late: drop). It says when it happened.
func TestResendOfWhatMustNotBeLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.NewMemory(10, 1<<20)
		r := newRigOn(t, q, Options{}, script(status(400)))
		e := cdp.Event{BrowserID: visitorID(1), Type: "A", Channel: "WEB", Language: "EN"}
		head := Envelope{Site: "shop", Goal: "A", DropLate: true}
		r.offerItem(queue.Item{Body: e.AppendJSON(head.AppendHead(nil), cdp.Direct{ClientKey: "k", PointOfSale: "p"}), Key: "1", Time: time.Now()})
		r.settle()
		bubble.Pass(time.Hour)
		r.cdp().tell(nil)
		if n, err := q.Resend(func(queue.Letter) bool { return true }); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		r.settle()
		r.wantDelivered(1)
		calls := r.cdp().of("A")
		if ext, _ := calls[len(calls)-1].body["ext"].(map[string]any); ext["late"] != true {
			t.Errorf("it was sent as %v", calls[len(calls)-1].body)
		}
	})
}

// lateQueue takes events before they are on a disk.
type lateQueue struct{ *queue.Memory }

func (q lateQueue) Append(ctx context.Context, items ...queue.Item) error {
	if err := q.Memory.Append(ctx, items...); err != nil {
		return err
	}
	return queue.ErrNotYetOnDisk
}

// TestTheLogSaysThatTheQueueIsFull: and that events are let go before they are on the
// disk. Each is one line when it begins and one when it is over, however many events it
// concerned. A full disk is told by the spool.
func TestTheLogSaysThatTheQueueIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRigOn(t, lateQueue{queue.NewMemory(100, 1<<20)}, Options{}, func(*call) error { return status(503) })
		lines := func(text string, want int) {
			t.Helper()
			synctest.Wait()
			if n := r.logs.Count(text); n != want {
				t.Errorf("%d lines say %q, want %d: %q", n, text, want, r.logs.Lines())
			}
		}
		refused := 0
		for i := range 1000 {
			if r.Offer(t.Context(), nil, 0, queue.Item{Body: []byte("unreadable"), Key: visitorID(i), Time: time.Now()}) != nil {
				refused++
			} else {
				r.offered++
			}
		}
		for i := range 1000 {
			if _, err := r.Reserve(nil, visitorID(i), 0, queue.Low, 10); err != nil {
				refused++
			}
		}
		if refused < 100 {
			t.Fatalf("%d were refused", refused)
		}
		lines("WARN "+logFull, 1)
		lines("WARN "+logEarly, 1)
		bubble.Pass(2 * time.Minute)
		lines("INFO "+logRoom, 1)
		lines("INFO "+logInTime, 1)
		for _, err := range []error{nil, queue.ErrDiskFull, queue.ErrDiskFailed, queue.ErrClosed, queue.ErrTooLarge} {
			_ = r.noteRefusal(err)
		}
		lines(logFull, 1)
		lines(logFailed, 0)
	})
}

// brokenQueue fails as told: by its error, or by its context if there is none.
type brokenQueue struct {
	*queue.Memory
	err error
}

func (q *brokenQueue) Append(ctx context.Context, _ ...queue.Item) error {
	if q.err == nil {
		<-ctx.Done()
		return fmt.Errorf("broker: %w", ctx.Err())
	}
	return q.err
}

// TestTheLogSaysWhyTheQueueFails: once for each time, with the error. A caller that does not
// wait any longer is no fault of the queue.
func TestTheLogSaysWhyTheQueueFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &brokenQueue{Memory: queue.NewMemory(100, 1<<20)}
		r := newRigOn(t, q, Options{AppendWait: time.Second}, nil)
		offer := func(ctx context.Context) error {
			return r.Offer(ctx, nil, 0, queue.Item{Body: []byte("body"), Key: visitorID(1), Time: time.Now()})
		}
		for range 2 {
			for _, want := range []string{"connection refused", "stream gone"} {
				q.err = errors.New(want)
				for range 10 {
					if err := offer(t.Context()); !errors.Is(err, q.err) || errors.Is(err, ErrGivenUp) {
						t.Error(err)
					}
				}
			}
			bubble.Pass(2 * time.Minute)
		}
		q.err = nil
		if err := offer(t.Context()); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrGivenUp) {
			t.Errorf("a queue that never answers: %v", err)
		}
		bubble.Pass(2 * time.Minute)
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := offer(short); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrGivenUp) {
			t.Errorf("a caller that does not wait: %v", err)
		}
		synctest.Wait()
		for text, want := range map[string]int{"WARN " + logFailed: 3, "connection refused": 2, "stream gone": 0, "deadline exceeded": 1, "INFO " + logTakes: 3, logFull: 0} {
			if n := r.logs.Count(text); n != want {
				t.Errorf("%d lines say %q, want %d: %q", n, text, want, r.logs.Lines())
			}
		}
	})
}
