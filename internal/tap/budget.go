package tap

import (
	"sync"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/scan"
)

// Budget bounds what several Body values hold at once. It is safe for concurrent use,
// and must not be copied.
//
// Nobody can take it from the others:
//
//   - Bodies that hold more than 4 KiB have half of it, all together. So a usual form
//     always finds room, whatever uploads are under way.
//   - A visitor and a network have at most their share; see package fair.
//   - A budget without room for sixteen of the largest bodies is not shared out. The
//     two points before do not hold then.
//   - When there is no room, a body that makes no progress gives its own back. That is
//     one of which nothing came for five seconds, or one that is slower than 1 KiB a
//     second after its first five. Otherwise a byte now and then would keep it. One
//     that is whole gives its room back if its request goes on for a minute before it
//     has an answer.
//
// To find room, a few of the bodies are looked at, in turn. The clock is that of the
// process, which no client can change.
type Budget struct {
	Limit int64       // in bytes; to be set before it is used
	Fault func(p any) // told of a panic of goaltrack's own while it looked at a body; nil for nobody

	mu    sync.Mutex
	room  fair.Room
	held  int64
	large int64    // of these, by bodies that hold more than smallBody
	hand  *bodyTee // one of the ring of bodies that hold something: the next to be looked at
}

const (
	smallBody   = 4 << 10
	patience    = 5 * time.Second
	pace        = 1 << 10 // bytes a second
	wholeFor    = time.Minute
	looks       = 128 // at other bodies, to find room for one
	ownBodies   = 4   // of the largest size, of one visitor, while there is enough room
	someBodies  = 16  // of the largest size have to fit, for the budget to be shared out
	nothingHeld = 0
)

// take reserves room so that t, whose lock is held, can hold size bytes. It reports
// false, and reserves nothing, if there is none.
func (b *Budget) take(t *bodyTee, size int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.room.Size, b.room.Least = b.Limit, int64(ownBodies*t.limit)
	more := int64(size - t.taken)
	// Where it is full, the stalled make room: only the shares count.
	asked := fair.Asked{Amount: more, Used: min(b.held, b.Limit/4*3)}
	if t.taken == nothingHeld {
		asked.Events = 1
	}
	now := time.Now()
	for left := looks; !b.fits(t, size); left-- {
		if left == 0 || !b.look(t, now) {
			return false
		}
	}
	if b.isShared(t) {
		if _, ok := b.room.Enter(t.who, asked); !ok {
			return false
		}
	}
	if t.taken == nothingHeld {
		b.link(t)
	}
	b.count(t, -1)
	t.taken = size
	b.count(t, 1)
	return true
}

// count adds what a body holds, or takes it off.
func (b *Budget) count(t *bodyTee, times int64) {
	b.held += times * int64(t.taken)
	if t.taken > smallBody {
		b.large += times * int64(t.taken)
	}
}

// fits reports whether there is room for a body to hold size bytes.
func (b *Budget) fits(t *bodyTee, size int) bool {
	if b.held+int64(size-t.taken) > b.Limit {
		return false
	}
	if size <= smallBody || !b.isShared(t) {
		return true
	}
	large := b.large
	if t.taken > smallBody {
		large -= int64(t.taken)
	}
	return large+int64(size) <= b.Limit/2
}

// isShared reports whether the budget is large enough to be shared out.
func (b *Budget) isShared(t *bodyTee) bool { return b.Limit >= int64(someBodies*t.limit) }

// look looks at the next body, and takes its room from it if it makes no progress. It
// reports whether there was one to look at.
func (b *Budget) look(t *bodyTee, now time.Time) bool {
	other := b.hand
	if other == nil {
		return false
	}
	b.hand = other.next
	// Whoever has its lock is using it now, or waits for this budget.
	if other == t || !other.mu.TryLock() {
		return true
	}
	defer other.mu.Unlock()
	if other.stalls(now) {
		other.fate = scan.OverBudget
		clear(other.kept)
		other.forget()
		b.release(other)
	}
	return true
}

// give returns what t holds, whose lock is held.
func (b *Budget) give(t *bodyTee) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.release(t)
}

func (b *Budget) release(t *bodyTee) {
	if t.taken == nothingHeld {
		return
	}
	b.count(t, -1)
	b.room.Leave(t.who, false, 1, int64(t.taken))
	t.taken = nothingHeld
	b.unlink(t)
}

// link puts a body into the ring, where it is looked at last.
func (b *Budget) link(t *bodyTee) {
	if b.hand == nil {
		t.next, t.prev = t, t
		b.hand = t
		return
	}
	t.next, t.prev = b.hand, b.hand.prev
	t.prev.next, t.next.prev = t, t
}

func (b *Budget) unlink(t *bodyTee) {
	t.prev.next, t.next.prev = t.next, t.prev
	if b.hand == t {
		b.hand = t.next
	}
	if t.next == t {
		b.hand = nil
	}
	t.next, t.prev = nil, nil
}

// Held returns how many bytes are held now.
func (b *Budget) Held() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.held
}
