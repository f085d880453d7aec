package deliver

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// waits is the synchronous mode (Options.Wait): it tells requests that their
// events have met their fate. An event carries its number through the queue in
// its envelope. One that another process queued has a number, too; numbers begin
// anywhere, so that it is nobody's here.
type waits struct {
	limit time.Duration

	mu       sync.Mutex
	last     uint64
	byNumber map[uint64]*Awaited
}

// Awaited are the events of one request.
type Awaited struct {
	numbers []uint64
	left    int           // how many have not met their fate; waits.mu guards it
	done    chan struct{} // closed when none is left, nil until somebody waits
}

// await makes a request wait for these events, which are about to be queued.
func (w *waits) await(a *Awaited, items []queue.Item) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range items {
		w.last++
		items[i].Body = markAwaited(items[i].Body, w.last)
		w.byNumber[w.last] = a
		a.numbers = append(a.numbers, w.last)
		a.left++
	}
}

// met says that an event has met its fate.
func (w *waits) met(number uint64) {
	if number == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	a := w.byNumber[number]
	if a == nil {
		return
	}
	delete(w.byNumber, number)
	if a.left--; a.left == 0 && a.done != nil {
		close(a.done)
	}
}

// Wait returns when all of the request's events have met their fate, when the
// limit or ctx is over, or when the sender has ended. It reports whether all
// have met their fate.
func (s *Sender) Wait(ctx context.Context, a *Awaited) bool {
	w := &s.waits
	w.mu.Lock()
	if a.left == 0 {
		w.mu.Unlock()
		return true
	}
	a.done = make(chan struct{})
	w.mu.Unlock()
	timer := time.NewTimer(w.limit)
	defer timer.Stop()
	select {
	case <-a.done:
		return true
	case <-timer.C:
	case <-ctx.Done():
	case <-s.done:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range a.numbers {
		delete(w.byNumber, n)
	}
	return a.left == 0
}

// The number is at the end of an item, so that it can be added to one that is
// encoded already.
const awaitedSize = 8

func markAwaited(item []byte, number uint64) []byte {
	item = binary.BigEndian.AppendUint64(item, number)
	item[1] |= flagAwaited
	return item
}
