package goaltrack

import (
	linked "container/list"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/caching"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/fair"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

// holds keeps the events of visitors who have not answered the consent question
// yet, because most visits begin on the page that asks it. They stay in this
// process and are bounded. They leave in one of four ways: the visitor agrees
// or refuses, the time of the events is up, or the tracker is closed.
//
// A visitor is known by a cookie that the site has set for purposes of its own.
// Its value is kept as a hash under a key that the process makes for itself.
type holds struct {
	ledger *ledger
	secret [sha256.Size]byte
	total  atomic.Int64 // events held; while there are none, no request asks for more

	mu       sync.Mutex
	closed   bool
	visitors map[holdKey][]*held
	byTime   linked.List // of *held, the oldest first
	bytes    int
	room     fair.Room   // shares the bytes out
	timer    *time.Timer // for the oldest

	// Of byTime, those of visitors who were not here again since, and of those who
	// were: who makes up a session for each form usually does not come back. Where
	// there is no room, the oldest of the first go; of the others, only if they have
	// more than half.
	strangers, returned linked.List
	returnedBytes       int
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
	twin    twin // what a script may tell as well
	since   time.Time
	fact    *fact.Fact // what Config.Report is told when it is settled; nil without one
	size    int
	back    bool // the visitor was here again
	place   *linked.Element
	among   *linked.Element // of strangers, or of returned
}

// name is whose it is, for the share of the room.
func (k *holdKey) name() uint64 { return binary.BigEndian.Uint64(k.visitor[:]) }

func newHolds(l *ledger) *holds {
	h := &holds{ledger: l, visitors: make(map[holdKey][]*held)}
	h.room.Size = holdBytes
	_, _ = rand.Read(h.secret[:]) // it never fails
	return h
}

// any reports whether anything is held.
func (h *holds) any() bool { return h.total.Load() > 0 }

// key makes a visitor's key of their cookie's value.
func (h *holds) key(s *site, value string) holdKey {
	var buf [sha256.Size + urlpath.MaxLength]byte
	text := append(append(buf[:0], h.secret[:]...), value...)
	return holdKey{s, sha256.Sum256(text)}
}

// add holds an event of a visitor from a network, and counts it as held, or says why not.
func (h *holds) add(network uint64, one *held) fate {
	one.size = holdExtra + len(one.twin.which[0]) + len(one.twin.which[1])
	for _, item := range one.items {
		one.size += len(item.Body)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed:
		return fateConsentUnknown
	case len(h.visitors[one.visitor]) >= holdEvents, one.size > holdBytes:
		return fateConsentHoldFull
	}
	// There is always room, see makeRoom: only the shares count.
	asked := fair.Asked{Events: 1, Amount: int64(one.size), Used: int64(min(h.bytes, holdBytes/4*3))}
	if _, ok := h.room.Enter(fair.Who{Visitor: one.visitor.name(), Network: network}, asked); !ok {
		return fateConsentHoldFull
	}
	h.makeRoom(one.size)
	one.since = time.Now()
	one.place = h.byTime.PushBack(one)
	one.among = h.strangers.PushBack(one)
	h.visitors[one.visitor] = append(h.visitors[one.visitor], one)
	h.bytes += one.size
	h.total.Add(1)
	if h.byTime.Len() == 1 {
		h.timer = time.AfterFunc(holdTime, h.expire)
	}
	h.ledger.decide(time.Now(), one.trigger.Name(), fateHeld, "", "")
	return fateHeld
}

// makeRoom drops the oldest of those who were not here again, until there is room. The
// lock is held.
func (h *holds) makeRoom(size int) {
	for h.bytes+size > holdBytes {
		oldest := h.strangers.Front()
		if oldest == nil || h.returnedBytes > holdBytes/2 {
			oldest = h.returned.Front()
		}
		h.drop(oldest.Value.(*held), fateConsentHoldFull) //nolint:forcetypeassert // Nothing else is put there.
		h.ledger.holds.Happens()
	}
}

// comesBack notes that a visitor is here again. The lock is held.
func (h *holds) comesBack(visitor holdKey) {
	for _, one := range h.visitors[visitor] {
		if !one.back {
			h.strangers.Remove(one.among)
			one.among, one.back = h.returned.PushBack(one), true
			h.returnedBytes += one.size
		}
	}
}

// apply applies what the visitor says now. What they have refused is dropped; the
// result is whether they have agreed to something, which take then hands out.
func (h *holds) apply(visitor holdKey, e *entry) (agreed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.comesBack(visitor)
	h.sift(visitor, func(one *held) bool {
		switch f := e.fate(one.trigger.Terms().Need); f {
		case fired:
			agreed = true
		case fateOptOut, fateGPC, fateConsentRefused:
			h.ledger.settle(one.trigger.Name(), f, "", "held")
			one.tell(f, "")
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
		if e.fate(one.trigger.Terms().Need) != fired {
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
		if one.back {
			h.returned.Remove(one.among)
			h.returnedBytes -= one.size
		} else {
			h.strangers.Remove(one.among)
		}
		h.room.Settle(visitor.name(), false, 1, int64(one.size))
		h.bytes -= one.size
		h.total.Add(-1)
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
	one.tell(f, "")
}

// close gives up all that is held: the visitors never answered.
func (h *holds) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	h.room.Close()
	for front := h.byTime.Front(); front != nil; front = h.byTime.Front() {
		h.drop(front.Value.(*held), fateConsentUnknown) //nolint:forcetypeassert // Nothing else is put there.
	}
}

// holdBy returns the value of the cookie by which goals are held, "" if nothing
// can be held for this visitor.
func (t *Tracker) holdBy(sent web.Cookies) string {
	return sent.Value(t.config.ConsentHoldBy, func(v string) bool { return len(v) >= leastHoldBy && len(v) <= urlpath.MaxLength })
}

// agrees applies what the visitor says now to what was held for them. It reports
// whether they have agreed to some of it.
func (t *Tracker) agrees(s *site, e *entry) bool {
	return e.heldBy != "" && t.holds.any() && t.holds.apply(t.holds.key(s, e.heldBy), e)
}

// send sends the event of a goal that fired, if count: and after: let it, or
// holds it. They are not asked about what is held: what happened before is in a
// cookie.
func (tr *tracked) send(g *rule.Cause, data Data, at *ruling, waits bool) fate {
	if !waits {
		return tr.sendCounted(g, data, at)
	}
	if tr.ahead.fetches() {
		tr.keepAhead(g)
		return fatePrefetch
	}
	var e cdp.Event
	if f := tr.eventOfLocked(&e, g, data, tr.t.ledger.note); f != fired {
		return f
	}
	name, r := g.Counted(tr.exchangeFor(data), time.Now(), tr.site.zone)
	if r != rule.Fires {
		return fateOf(r)
	}
	if g.Identifies() {
		tr.t.ledger.note("identity_not_held")
	}
	return tr.hold(g, &e, name)
}

// hold holds an event until the visitor agrees. It holds what happened and never who
// the visitor is: whoever typed that had agreed to nothing.
func (tr *tracked) hold(g *rule.Cause, e *cdp.Event, name visit.Counted) fate {
	items, f := tr.t.items(guest{site: tr.site, userAgent: tr.entry.userAgent, rules: tr.rules.Hash()}, g, parcel{event: e})
	if f != fired {
		return f
	}
	tr.facts.Sent(e)
	f = tr.t.holds.add(tr.network(), &held{
		visitor: tr.t.holds.key(tr.site, tr.entry.heldBy), trigger: g, counted: name, items: items, twin: twinOf(g, e, tr.path).detached(), fact: tr.factHeld(g),
	})
	tr.facts.Waits(f == fateHeld && g == rule.View)
	return f
}

// releaseLocked sends what was held for the visitor, before anything of this request.
// It waits for another one if this one's answer cannot carry their browser ID: what
// they did before they agreed and what they do afterwards shall be one guest's.
func (tr *tracked) releaseLocked() {
	if !tr.releases || !tr.keepsIDLocked() {
		return
	}
	for _, one := range tr.t.holds.take(tr.t.holds.key(tr.site, tr.entry.heldBy), &tr.entry) {
		f := tr.sendHeldLocked(one)
		tr.t.ledger.settle(one.trigger.Name(), f, tr.told.id, "held")
		one.tell(f, tr.told.id)
	}
}

// keepsIDLocked reports whether the visitor has a browser ID, or gets one with this
// answer if there is one ready.
func (tr *tracked) keepsIDLocked() bool {
	return tr.told.id != "" ||
		tr.t.config.Cookie.Create != CreateNever && !tr.stranger && tr.told.unkept == fired && tr.store != caching.Public &&
			carriesCookies(tr.status) && tr.r.Context().Err() == nil
}

// sendHeldLocked queues one event under the visitor's ID, if count: and after: let it.
// It keeps the time at which it happened.
func (tr *tracked) sendHeldLocked(one *held) (f fate) {
	defer tr.t.recovered("release", func() { f = fateEventInvalid })
	p, g := tr.pastLocked(), one.trigger.Past()
	p.id = tr.told.id
	p.released = p.released || g.Remembered()
	return p.countLate(g, one.counted, nil, one.since, func() fate { return tr.queueHeldLocked(one) })
}

// queueHeldLocked queues the event, unless a script has told it since the visitor agreed.
func (tr *tracked) queueHeldLocked(one *held) fate {
	for i := range one.items {
		body, err := deliver.WithBrowserID(one.items[i].Body, tr.told.id)
		if err != nil {
			return fateEventInvalid
		}
		one.items[i].Body = body
		one.items[i].Resent = time.Now() // until now nobody could send it
	}
	claim, f := tr.claim(one.twin, time.Since(one.since))
	if f != fired {
		return f
	}
	if f = tr.t.offer(context.Background(), one.items, tr.told.keyLocked(), tr.networkLocked(), tr.awaits()); f != fired {
		claim.Withdraw()
	}
	return f
}
