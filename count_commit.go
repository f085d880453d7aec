package goaltrack

import (
	"net/http"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/caching"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/facts"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

// This file is step 6 for count: and after:. What counts once is written into the
// visit cookie, and a cookie can only go with the header, before the handler has
// returned. An example, with a form that counts once per session:
//
//	rules    FORM_SENT: submit /contact, count: once per session
//	visitor  has the browser ID 9f..., and a visit cookie that says: the session
//	         began at 12:00, and nothing counted in it
//	request  POST /contact at 12:10
//	answer   303 to /thanks. At WriteHeader the handler has read the form, and so
//	         the rule is known to hold.
//	now      countEarlyLocked makes the event once to see how long it is (measureLocked),
//	         keeps room for it in the queue (keepPlacesLocked), and notes the goal in
//	         the visit. sealVisitLocked puts Set-Cookie into the header.
//	later    The handler returns. sendCounted sees that the ruling is there, and puts
//	         the event in the place that was kept.
//	or       The handler panics. takeBack takes the goal out of this process's memory,
//	         and giveBack gives the room back. The cookie that has left stays.
//	again    POST /contact at 12:20, with the new cookie: already_counted.
//
// What always holds:
//
//  1. A goal that is in the cookie has a place in the queue until it is sent, if the
//     queue can keep places (queue.Reserver).
//  2. A ruling is made once. Whoever finds it done keeps to it.
//  3. A goal that cannot be judged yet stays without a ruling, and is decided when the
//     handler has returned. Then this process alone remembers that it counted.
//  4. No answer carries the cookie that a shared cache may keep, or that comes from a
//     goal with forget:.
//  5. Places that are not used are given back, however the request ends.

// visitsSentLocked are the visit cookies as the browser sent them, if a rule asks for
// what happened before.
func (tr *tracked) visitsSentLocked() (values [2]string) {
	if tr.rules.Past().Used && !tr.told.brought.forgotten { // else the visit was that of the one who left
		values = tr.site.visits.Find(tr.entry.cookies)
	}
	return values
}

// rulingOfLocked is where a candidate's ruling is kept: with the first
// candidate of its goal. It is nil for a goal that asks nothing about the past.
func (tr *tracked) rulingOfLocked(i int) *ruling {
	g := tr.candidates[i].cause
	if !g.Past().Remembered() {
		return nil
	}
	s := tr.told.seldomLocked()
	if s.rulings == nil {
		s.rulings = append(s.inline[:0], make([]ruling, len(tr.candidates))...)
	}
	return &s.rulings[slices.IndexFunc(tr.candidates, func(c candidate) bool { return g.SameGoal(c.cause) })]
}

// countedEarly reports whether a candidate's goal is in the visit cookie that left
// with the header.
func (tr *tracked) countedEarly(i int) bool {
	r := tr.rulingOfLocked(i)
	return r != nil && r.counted != (visit.Counted{})
}

// keepVisitLocked is the visit cookie's part of the header: goals that are known to
// count are written into it, and pages keep the session going.
func (tr *tracked) keepVisitLocked(h http.Header) {
	if !tr.rules.Past().Used || !tr.told.recognised || tr.entry.absent == fatePrefetch {
		return
	}
	now, another := time.Now(), tr.told.brought.id != tr.told.id
	counts := another || tr.told.seldom.Load() != nil || slices.ContainsFunc(tr.candidates, func(c candidate) bool { return c.cause.Past().Remembered() })
	if !counts && tr.visitRestsLocked(now) || !tr.mayKeepVisitLocked(h) {
		return
	}
	if counts {
		p := tr.pastLocked()
		p.id = tr.told.id
		if tr.countEarlyLocked(now) || p.released || another && p.values[0] != "" && tr.opensLocked(now) {
			tr.sealVisitLocked(h, now)
			return
		}
		if another {
			tr.shareLocked(h, 0, now) // what other sites know of the visitor
		}
	}
	if tr.navigation && tr.unasked == allowed && tr.x.MayBeHTML() {
		tr.moveVisitLocked(h, now)
	}
}

// mayKeepVisitLocked reports whether this answer may carry the cookie and the browser
// would take it. What counts all the same is remembered by this process alone.
func (tr *tracked) mayKeepVisitLocked(h http.Header) bool {
	return carriesCookies(tr.status) && tr.told.unkept == allowed && !tr.withheld && !tr.leaving && tr.store != caching.Public &&
		tr.r.Context().Err() == nil && !setsCookie(h, tr.site.visits.Name)
}

// countEarlyLocked decides on the goals that are known to fire, and reports whether
// the visit has changed, or was sealed with a former key. The others are decided
// when the handler has returned.
func (tr *tracked) countEarlyLocked(now time.Time) (changed bool) {
	if slices.ContainsFunc(tr.candidates, func(c candidate) bool {
		return c.early == allowed && c.cause.Past().Remembered()
	}) {
		tr.peekFormLocked()
	}
	for i := range tr.candidates {
		c, at := &tr.candidates[i], tr.rulingOfLocked(i)
		if c.waits || at == nil || at.done {
			continue
		}
		if f, _ := tr.judgeLocked(c); f == fired {
			changed = tr.countNowLocked(c.cause, nil, at, now) || changed
		}
	}
	said := tr.told.saidLocked()
	for i := range said.raised {
		r := &said.raised[i]
		if r.cause.Past().Remembered() && !r.ruling.done && tr.raisedFiresLocked(*r) {
			changed = tr.countNowLocked(r.cause, r.data, &r.ruling, now) || changed
		}
	}
	p := tr.pastLocked()
	return changed || len(p.happened) > 0 || p.anew
}

// opensLocked reports whether the visit cookie is one of this visitor.
func (tr *tracked) opensLocked(now time.Time) bool {
	p := tr.pastLocked()
	p.id = tr.told.id
	p.open(now)
	return p.came != ""
}

// countNowLocked decides by the past on a goal whose rule holds, if its events can
// be made now and the queue has room for them. It reports whether the visit has
// changed. If it leaves the ruling as it was, the goal is decided later.
func (tr *tracked) countNowLocked(g *rule.Cause, data Data, slot *ruling, now time.Time) (changed bool) {
	if tr.mayEmitLocked(g) != fired {
		return false
	}
	needed, f := tr.measureLocked(g, data)
	if f != fired {
		return false // not yet, or not at all
	}
	var reserved places
	r := tr.pastLocked().judge(g, tr.exchangeFor(data), now, func() (f fate) {
		reserved, f = tr.keepPlacesLocked(g, needed)
		return f
	})
	if reason, ok := r.fate.ofRules(); ok && reason.IsOfValue() {
		return false // the handler may say it later
	}
	if r.fate == fired {
		r.places = reserved
	} else {
		reserved.giveBack()
	}
	*slot = r
	return r.fate == fired && r.counted != (visit.Counted{}) || r.carried
}

// lengths are those of the events of a goal in the queue, in bytes; 0 if there is none.
type lengths struct{ event, identity, connected int }

// measureLocked makes the events of a goal of what is known, only to see whether that
// can be done and how long they are.
func (tr *tracked) measureLocked(g *rule.Cause, data Data) (n lengths, f fate) {
	var e cdp.Event
	if f = tr.eventOfLocked(&e, g, data, func(string) {}); f != fired {
		return n, f
	}
	key := max(len(tr.told.id), len("request-0123456789abc"))
	length := func(e *cdp.Event) int {
		body, failed := tr.site.encode(e, g, tr.entry.userAgent, &tr.t.config, tr.rules.Hash())
		if failed != fired {
			f = failed
		}
		return len(body) + key
	}
	e.BrowserID, e.RequestedAt = tr.told.id, time.Now()
	identity, failed := tr.site.identityOf(g, tr.exchangeFor(data), &e, func(string) {})
	connected := events.Connected(g, &e)
	n.event = length(&e)
	if connected != nil {
		connected.BrowserID, connected.RequestedAt = e.BrowserID, e.RequestedAt
		n.connected = length(connected)
	}
	if identity != nil {
		identity.BrowserID, identity.RequestedAt = e.BrowserID, e.RequestedAt
		n.identity = length(identity)
	}
	if f == fired {
		f = failed
	}
	return n, f
}

// keepPlacesLocked keeps the places of a goal's events in the queue. Those that it got are
// the caller's, also if it did not get all.
func (tr *tracked) keepPlacesLocked(g *rule.Cause, n lengths) (reserved places, f fate) {
	sender := tr.t.sender
	if sender == nil || g.IsDraft() {
		return reserved, fired
	}
	var err error
	key, network := tr.told.keyLocked(), tr.networkLocked()
	if reserved.event, err = sender.Reserve(tr.site.line, key, network, priorityOf(g), n.event); err == nil && n.identity > 0 {
		reserved.identity, err = sender.Reserve(tr.site.line, key, network, queue.High, n.identity)
	}
	if err == nil && n.connected > 0 {
		reserved.connected, err = sender.Reserve(tr.site.line, key, network, priorityOf(g), n.connected)
	}
	return reserved, queueFate(err)
}

// giveBackPlaces gives the places back that were kept and not used.
func (s *seldom) giveBackPlaces() {
	for i := range s.rulings {
		s.rulings[i].places.giveBack()
	}
	for i := range s.raised {
		s.raised[i].ruling.places.giveBack()
	}
}

// sealVisitLocked writes the visit, with what happened in this request.
func (tr *tracked) sealVisitLocked(h http.Header, now time.Time) {
	c, p := &tr.site.visits, tr.pastLocked()
	v := p.visit
	if p.began && tr.navigation && tr.unasked == allowed {
		if o := tr.facts.Origin(&tr.x, tr.rules.Past()); o.Known {
			v.Origin = o
		}
	}
	if len(p.happened) > 0 {
		v = v.Clone()
		v.Advance(p.happened, now)
	}
	if tr.showsVariantLocked(h) {
		v = v.Clone() // this request's own variants are not those of before
		facts.Show(v, h, tr.namedVariantLocked(h))
	}
	payload, whole := v.Encode(c.Room, p.needs)
	if room := tr.shareLocked(h, len(payload), now); room < len(payload) {
		payload, whole = v.Encode(room, p.needs)
	}
	if !whole {
		tr.t.ledger.note("visit_full")
	}
	value, err := c.Seal(payload, tr.told.id, visit.Minute(now))
	if err != nil {
		tr.t.ledger.note("visit_not_sealed")
		return
	}
	tr.setVisit(h, value)
}

// shareLocked says how long the payload of the visit may be beside the visit cookies of
// other sites, which the browser sends along. What becomes of those goes with the
// answer, too.
func (tr *tracked) shareLocked(h http.Header, payload int, now time.Time) (room int) {
	if len(tr.t.sites) == 1 {
		return tr.site.visits.Room
	}
	room, changes := visit.Share(&tr.site.visits, payload, tr.besideLocked(h), visit.Minute(now))
	for _, c := range changes {
		tr.store.MakePrivate(h)
		if c.Value == "" {
			tr.site.cookie.delete(h, c.Name)
			tr.t.ledger.note("visit_dropped")
		} else {
			c.Set(h, c.Value)
		}
	}
	return room
}

func (tr *tracked) besideLocked(h http.Header) (list []visit.Beside) {
	for _, s := range tr.t.sites {
		if s == tr.site || setsCookie(h, s.visits.Name) {
			continue
		}
		b := visit.Beside{Cookie: &s.visits, Values: s.visits.Find(tr.entry.cookies), Needs: tr.rules.Past()}
		switch {
		case b.Values[0] == "":
			continue
		case s.tenant == tr.site.tenant:
			b.From, b.To = tr.told.brought.id, tr.told.id
		default:
			b.From = s.visitorOf(tr.entry.cookies).id
			b.To = b.From
		}
		list = append(list, b)
	}
	return list
}

// dropVisitLocked deletes the visit cookies of somebody who ends their profile, or has,
// and whose browser-ID cookie this answer may change.
func (tr *tracked) dropVisitLocked(h http.Header) {
	ends := tr.leaving || tr.told.brought.forgotten && (tr.told.fresh || tr.navigation)
	if !ends || !carriesCookies(tr.status) || tr.store == caching.Public {
		return
	}
	for _, name := range tr.site.tenant.visits {
		if (tr.withheld || tr.entry.cookies.Has(name)) && !setsCookie(h, name) {
			tr.store.MakePrivate(h)
			tr.site.cookie.delete(h, name)
		}
	}
}

func (tr *tracked) setVisit(h http.Header, value string) {
	tr.store.MakePrivate(h)
	tr.site.visits.Set(h, value)
}

// visitRestsLocked reports whether the visit cookie need not be written though the
// visitor sees a page: the minute in it is new enough, as on nearly all pages.
func (tr *tracked) visitRestsLocked(now time.Time) bool {
	values, minute := tr.visitsSentLocked(), visit.Minute(now)
	last, _, ok := visit.Split(values[0])
	return ok && values[1] == "" && minute-last < visit.MoveEvery && tr.site.visits.GoesOn(last, minute) && !visit.IsForeign(values[0], tr.told.id)
}

// moveVisitLocked notes that the session goes on, or where a new one came from.
func (tr *tracked) moveVisitLocked(h http.Header, now time.Time) {
	c, minute := &tr.site.visits, visit.Minute(now)
	values, anew := tr.visitsSentLocked(), false
	value := values[0]
	if values[1] != "" || visit.IsForeign(value, tr.told.id) { // only the seal tells which is good
		p := tr.pastLocked()
		p.id = tr.told.id
		p.open(now)
		value, anew = p.came, p.anew
	}
	last, sealed, ok := visit.Split(value)
	switch {
	case anew && c.GoesOn(last, minute):
		tr.sealVisitLocked(h, now)
	case ok && c.GoesOn(last, minute):
		switch {
		case minute-last < visit.MoveEvery:
		case tr.showsVariantLocked(h) && tr.opensLocked(now):
			tr.sealVisitLocked(h, now)
		case c.Fits(value):
			tr.setVisit(h, visit.Format(minute, sealed))
		}
	case tr.rules.Past().WantsBegin(tr.t.config.Env):
		// A cookie that no key opens may be another instance's, which has a
		// newer key: it is not worth losing.
		p := tr.pastLocked()
		p.id = tr.told.id
		if p.open(now); p.began && (p.came != "" || p.values[0] == "") {
			tr.sealVisitLocked(h, now)
		}
	}
}

// sendCounted sends a goal that fired, if count: and after: let it.
func (tr *tracked) sendCounted(g *rule.Cause, data Data, slot *ruling) fate {
	if !tr.told.recognised {
		tr.told.mu.Lock()
		tr.recogniseLateLocked()
		tr.told.mu.Unlock()
	}
	if !g.Past().Remembered() {
		return tr.emit(g, data, places{})
	}
	now, early, p := time.Now(), slot.done, tr.pastLocked()
	if !early {
		p.id = tr.told.id
		*slot = p.judge(g, tr.exchangeFor(data), now, nil)
	}
	if slot.fate != fired {
		return slot.fate
	}
	f := tr.emit(g, data, slot.places)
	if !early && f != fired && f != fateDraft {
		p.undo(slot, now)
		p.lacked(g.Past(), f)
	}
	return f
}
