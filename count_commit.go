package goaltrack

import (
	"net/http"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

// lookBack reads the visit cookie as the browser sent it, if a rule asks for
// what happened before.
func (tr *tracked) lookBack(h http.Header) {
	if tr.rules.Past().Used {
		tr.past.values = tr.site.visits.Find(h)
		if tr.brought.forgotten { // then the visit was that of the one who left
			tr.past.values = [2]string{}
		}
	}
}

// rulingOf is where a candidate's ruling is kept: that of the first of its goal's.
func (tr *tracked) rulingOf(i int) *ruling {
	for j := range tr.candidates[:i] {
		if tr.candidates[i].trigger.SameGoal(tr.candidates[j].trigger) {
			return &tr.candidates[j].ruling
		}
	}
	return &tr.candidates[i].ruling
}

// keepVisit is the visit cookie's part of the header: goals that are known to
// count are written into it, and pages keep the session going. tr.mu is held.
func (tr *tracked) keepVisit(h http.Header) {
	if !tr.rules.Past().Used || !tr.recognised || !tr.mayKeepVisit(h) {
		return
	}
	now := time.Now()
	tr.past.id = tr.id
	if tr.countEarly(now) || tr.past.released {
		tr.sealVisit(h, now)
		return
	}
	if tr.navigation && tr.gate == fired && tr.x.MayBeHTML() {
		tr.moveVisit(h, now)
	}
}

// mayKeepVisit reports whether this answer may carry the cookie and the browser
// would take it. What counts all the same is remembered by this process alone.
func (tr *tracked) mayKeepVisit(h http.Header) bool {
	return carriesCookies(tr.status) && tr.secure && !tr.withheld && !tr.leaving && tr.store != storePublic &&
		tr.r.Context().Err() == nil && !setsCookie(h, tr.site.visits.Name)
}

// countEarly decides on the goals that are known to fire, and reports whether
// the visit has changed, or was sealed with a former key. The others are decided
// when the handler has returned.
func (tr *tracked) countEarly(now time.Time) (changed bool) {
	count := func(g *rule.Cause, data Data, at *ruling, judge func() fate) {
		if !g.Past().Remembered() || at.done || judge() != fired {
			return
		}
		if tr.mayEmit(g) != fired {
			return
		}
		place, f := tr.draft(g, data)
		if f != fired {
			return // not yet, or not at all
		}
		r := tr.past.judge(g, tr.exchangeFor(data), now, func() fate { return tr.keepRooms(g, &place) })
		if reason, ok := r.fate.ofRules(); ok && reason.IsOfValue() {
			return // the handler may say it later
		}
		switch r.fate {
		case fired:
			r.rooms = place.rooms
		default:
			place.rooms.release()
		}
		*at = r
		changed = changed || r.fate == fired && r.counted != (visit.Counted{})
	}
	if slices.ContainsFunc(tr.candidates, func(c candidate) bool {
		return c.early == fired && c.trigger.Past().Remembered()
	}) {
		tr.peekForm()
	}
	for i := range tr.candidates {
		c := &tr.candidates[i]
		if !c.held {
			count(c.trigger, nil, tr.rulingOf(i), func() fate { f, _ := tr.judge(c); return f })
		}
	}
	for i := range tr.raised {
		r := &tr.raised[i]
		if tr.raisedFires(*r) {
			count(r.goal, r.data, &r.ruling, func() fate { return fired })
		}
	}
	return changed || len(tr.past.happened) > 0 || tr.past.former
}

// place is how much room the events of a goal need in the queue.
type place struct {
	event, who int // bytes; 0 if there is none
	rooms      rooms
}

// draft makes the events of a goal of what is known, only to see whether that
// can be done and how large they are.
func (tr *tracked) draft(g *rule.Cause, data Data) (p place, f fate) {
	e, f := tr.eventOf(g, data)
	if f != fired {
		return p, f
	}
	key := max(len(tr.id), len("request-0123456789abc"))
	size := func(e *cdp.Event) int {
		body, failed := tr.site.encode(e, g, tr.userAgent, &tr.t.config, tr.rules.Hash())
		if failed != fired {
			f = failed
		}
		return len(body) + key
	}
	e.BrowserID, e.RequestedAt = tr.id, time.Now()
	p.event = size(&e)
	who, failed := tr.site.identityOf(g, tr.exchangeFor(data), &e, func(string) {})
	if who != nil {
		who.BrowserID, who.RequestedAt = e.BrowserID, e.RequestedAt
		p.who = size(who)
	}
	if f == fired {
		f = failed
	}
	return p, f
}

// keepRooms keeps the place in the queue.
func (tr *tracked) keepRooms(g *rule.Cause, p *place) fate {
	sender := tr.t.sender
	if sender == nil || g.IsDraft() {
		return fired
	}
	var err error
	if p.rooms.event, err = sender.Reserve(tr.site.line, tr.id, priorityOf(g), p.event); err == nil && p.who > 0 {
		p.rooms.who, err = sender.Reserve(tr.site.line, tr.id, queue.High, p.who)
	}
	return queueFate(err)
}

// releaseRooms gives the places back that were kept and not used.
func (tr *tracked) releaseRooms() {
	for i := range tr.candidates {
		tr.candidates[i].ruling.rooms.release()
	}
	for i := range tr.raised {
		tr.raised[i].ruling.rooms.release()
	}
}

// sealVisit writes the visit, with what happened in this request.
func (tr *tracked) sealVisit(h http.Header, now time.Time) {
	c, v := &tr.site.visits, tr.past.visit
	if tr.past.began && tr.navigation && tr.gate == fired {
		if o := tr.x.Origin(tr.rules.Past()); o.Known {
			v.Origin = o
		}
	}
	if len(tr.past.happened) > 0 {
		v = v.Clone()
		v.Advance(tr.past.happened, now)
	}
	payload, whole := v.Encode(c.Room, tr.rules.Past().Once)
	if !whole {
		tr.t.ledger.note("visit_full")
	}
	value, err := c.Seal(payload, visit.Minute(now))
	if err != nil {
		tr.t.ledger.note("visit_not_sealed")
		return
	}
	tr.setVisit(h, value)
}

// dropVisit deletes the visit cookies of somebody who ends his profile, or has,
// and whose browser-ID cookie this answer may change. tr.mu is held.
func (tr *tracked) dropVisit(h http.Header) {
	ends := tr.leaving || tr.brought.forgotten && (tr.fresh || tr.navigation)
	if !ends || !carriesCookies(tr.status) || tr.store == storePublic {
		return
	}
	sent := http.Header{"Cookie": tr.cookies}
	for _, name := range tr.site.tenant.visits {
		if (tr.withheld || web.HasCookie(sent, name)) && !setsCookie(h, name) {
			tr.makePrivate(h)
			tr.site.cookie.delete(h, name)
		}
	}
}

func (tr *tracked) setVisit(h http.Header, value string) {
	tr.makePrivate(h)
	tr.site.visits.Set(h, value)
}

// moveVisit notes that the session goes on, or where a new one came from.
func (tr *tracked) moveVisit(h http.Header, now time.Time) {
	c, minute := &tr.site.visits, visit.Minute(now)
	value := tr.past.values[0]
	if tr.past.values[1] != "" { // only the seal tells which is good
		tr.past.open(now)
		value = tr.past.came
	}
	last, sealed, ok := visit.Split(value)
	switch {
	case ok && c.GoesOn(last, minute):
		if minute-last >= visit.MoveEvery && c.Fits(value) {
			tr.setVisit(h, visit.Format(minute, sealed))
		}
	case tr.rules.Past().WantsOrigin(tr.t.config.Env):
		// A cookie that no key opens may be another instance's, which has a
		// newer key: it is not worth losing.
		if tr.past.open(now); tr.past.began && (tr.past.came != "" || tr.past.values[0] == "") {
			tr.sealVisit(h, now)
		}
	}
}

// tallied sends a goal that fired, if count: and after: let it.
func (tr *tracked) tallied(g *rule.Cause, data Data, at *ruling) fate {
	if !tr.recognised {
		tr.mu.Lock()
		tr.recogniseLate()
		tr.mu.Unlock()
	}
	if !g.Past().Remembered() {
		return tr.emit(g, data, rooms{})
	}
	now, early := time.Now(), at.done
	if !early {
		tr.past.id = tr.id
		*at = tr.past.judge(g, tr.exchangeFor(data), now, nil)
	}
	if at.fate != fired {
		return at.fate
	}
	f := tr.emit(g, data, at.rooms)
	if !early && f != fired && f != fateDraft {
		tr.past.undo(at.counted, now)
	}
	return f
}
