package goaltrack

import (
	"crypto/rand"
	"crypto/sha256"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/rule"

	linked "container/list"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/queue"
)

// holds keeps the events of visitors who have not answered the consent question
// yet, because the page on which it is asked is where most visits begin. They
// stay in this process, are bounded, and leave in one of four ways: the visitor
// agrees, he refuses, their time is up, or the tracker is closed.
//
// A visitor is known by a cookie that the site has set for purposes of its own.
// Its value is kept as a hash under a key that the process makes for itself.
type holds struct {
	ledger *ledger
	secret [sha256.Size]byte
	count  atomic.Int64 // events held; while there are none, no request asks for more

	mu       sync.Mutex
	closed   bool
	visitors map[holdKey][]*held
	byTime   linked.List // of *held, the oldest first
	bytes    int
	timer    *time.Timer // for the oldest
}

// The bounds of what is held.
const (
	holdEvents  = 20      // of one visitor
	holdBytes   = 4 << 20 // in all
	holdTime    = 30 * time.Minute
	holdExtra   = 512 // what an event takes beside its text, roughly
	leastHoldBy = 16  // a shorter value cannot tell one visitor from another
)

// holdKey is a visitor of a site.
type holdKey struct {
	site    *site
	visitor [sha256.Size]byte
}

// held is what one decision would have sent.
type held struct {
	visitor holdKey
	trigger *rule.Cause
	counted visit.Counted // the name under which the goal counts once
	items   []queue.Item
	since   time.Time
	size    int
	place   *linked.Element
}

func newHolds(l *ledger) *holds {
	h := &holds{ledger: l, visitors: make(map[holdKey][]*held)}
	_, _ = rand.Read(h.secret[:]) // it never fails
	return h
}

// any reports whether anything is held.
func (h *holds) any() bool { return h.count.Load() > 0 }

// key makes a visitor's key of his cookie's value.
func (h *holds) key(s *site, value string) holdKey {
	var buf [sha256.Size + urlpath.MaxLength]byte
	text := append(append(buf[:0], h.secret[:]...), value...)
	return holdKey{s, sha256.Sum256(text)}
}

// add holds an event, and counts it as held, or says why not.
func (h *holds) add(one *held) fate {
	one.size = holdExtra
	for _, item := range one.items {
		one.size += len(item.Body)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return fateConsentUnknown
	case len(h.visitors[one.visitor]) >= holdEvents, h.bytes+one.size > holdBytes:
		return fateConsentHoldFull
	}
	one.since = time.Now()
	one.place = h.byTime.PushBack(one)
	h.visitors[one.visitor] = append(h.visitors[one.visitor], one)
	h.bytes += one.size
	h.count.Add(1)
	if h.byTime.Len() == 1 {
		h.timer = time.AfterFunc(holdTime, h.expire)
	}
	h.ledger.decide(one.trigger.Name(), fateHeld, "", "")
	return fateHeld
}

// answered tells what the visitor says now. What he has refused is dropped; the
// result is whether he has agreed to something, which take then hands out.
func (h *holds) answered(visitor holdKey, e *entry) (agreed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sift(visitor, func(one *held) bool {
		switch f := e.judge(one.trigger.Terms().Need); f {
		case fired:
			agreed = true
		case fateOptOut, fateGPC, fateConsentRefused:
			h.ledger.settle(one.trigger.Name(), f, "", "held")
			return true
		}
		return false
	})
	return agreed
}

// take hands out what the visitor has agreed to, in the order it happened. They
// stay counted as held until the caller settles them.
func (h *holds) take(visitor holdKey, e *entry) (agreed []*held) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sift(visitor, func(one *held) bool {
		if e.judge(one.trigger.Terms().Need) != fired {
			return false
		}
		agreed = append(agreed, one)
		return true
	})
	return agreed
}

// sift removes those of a visitor's events for which out reports true. The lock
// is held.
func (h *holds) sift(visitor holdKey, out func(*held) bool) {
	all := h.visitors[visitor]
	kept := all[:0]
	for _, one := range all {
		if !out(one) {
			kept = append(kept, one)
			continue
		}
		h.byTime.Remove(one.place)
		h.bytes -= one.size
		h.count.Add(-1)
	}
	clear(all[len(kept):])
	if len(kept) == 0 {
		delete(h.visitors, visitor)
	} else {
		h.visitors[visitor] = kept
	}
	if h.byTime.Len() == 0 && h.timer != nil {
		h.timer.Stop()
	}
}

// expire drops what was held long enough, and comes back for the rest.
func (h *holds) expire() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for now := time.Now(); ; {
		front := h.byTime.Front()
		if front == nil || h.closed {
			return
		}
		oldest := front.Value.(*held) //nolint:forcetypeassert // Nothing else is put there.
		if wait := oldest.since.Add(holdTime).Sub(now); wait > 0 {
			h.timer = time.AfterFunc(wait, h.expire)
			return
		}
		h.drop(oldest, fateConsentExpired)
	}
}

// drop gives up one event. The lock is held.
func (h *holds) drop(one *held, f fate) {
	h.sift(one.visitor, func(other *held) bool { return other == one })
	h.ledger.settle(one.trigger.Name(), f, "", "held")
}

// close gives up all that is held: the visitors never answered.
func (h *holds) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for front := h.byTime.Front(); front != nil; front = h.byTime.Front() {
		h.drop(front.Value.(*held), fateConsentUnknown) //nolint:forcetypeassert // Nothing else is put there.
	}
}
