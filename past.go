package goaltrack

import (
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/rule"
)

// The past decides on count: and after: of a goal whose rule holds. An example:
//
//	rules    CART_SEEN: visit /cart
//	         ORDERED: submit /order, after: CART_SEEN, within: 30m, count: once per
//	         session for $form.order
//	visitor  sends the visit cookie: "session since 12:00, CART_SEEN at 12:05". This
//	         process remembers of the same browser ID: "ORDERED for A-1 at 12:06", of
//	         an answer whose cookie has not come back yet.
//	request  POST /order with order=A-2 at 12:07
//	open     joins the two: the session, CART_SEEN, and ORDERED for A-1.
//	rule     1. after: CART_SEEN was two minutes ago, so the walk goes on.
//	         2. The goal's name in the visit is "ORDERED for A-2", in a short hash.
//	         3. The visit does not have it, so the goal counts, and the visit and this
//	            process have it from now on.
//	again    order=A-2 once more: already_counted. order=A-3: counts.
//	end      ORDERED has happened: a goal with after: ORDERED may follow.
//
// What always holds:
//
//  1. The visit is opened at most once in a request, and only if a goal asks.
//  2. Joining forgets nothing that still matters: what either has of the session that
//     goes on, the whole has.
//  3. Of two requests at the same time one counts: the second look, under the lock of
//     the process's memory, decides.
//  4. A goal that counted and could not be sent is taken back (undo).
//  5. What happens in a request comes before none of its own goals: happened is noted
//     at its end.
//  6. Without a browser ID there is nobody to remember, and the cookie alone decides.
//  7. A cookie opens for the browser ID for which it was sealed. Where the answer gives
//     the visitor another ID, it seals the visit for that.

// past is what is known of a visitor from before this request, and decides by it
// on count: and after:. It is looked up when a goal first asks, and at most once.
type past struct {
	t        *Tracker
	site     *site
	asker    *tracked  // whose past it is; nil without a request
	looked   bool      // brought and values were looked up
	brought  string    // the browser ID that the request has, for which values were sealed
	id       string    // the browser ID from now on, "" if there is none
	values   [2]string // of the visit cookie
	came     string    // the one that opened
	anew     bool      // it has to be sealed anew
	visit    *visit.Visit
	met      bool          // this process knows the visitor
	began    bool          // the session begins with this request
	happened []*visit.Goal // in this request; they come before none of its goals
	released bool          // what was held counted with this request
	needs    *visit.Needs  // what the goals ask
	// maybe says that the visitor may have been here before, though nothing that came with
	// the request says so.
	maybe bool
	// first is where this request came from, if goals ask where visitors first came from.
	first func() visit.Origin
}

// ruling is what count: and after: made of a goal in a request.
type ruling struct {
	done    bool
	fate    fate
	counted visit.Counted
	places  places   // kept in the queue
	added   []uint32 // items that are new in the cart
	carried bool     // the cart of the visit may have changed
}

// open looks the visit up: what the cookie and this process know of it together.
func (p *past) open(now time.Time) *visit.Visit {
	if p.visit != nil {
		return p.visit
	}
	c, minute := &p.site.visits, visit.Minute(now)
	o := c.Open(p.values, p.brought, minute)
	v := o.Visit
	if p.came, p.anew = o.Value, o.Anew; v == nil {
		v = new(visit.Visit)
	}
	if !c.Alive(v, minute) {
		v.Renew(minute)
	}
	v.Last = minute
	p.visit = v
	v.Keep(p.needs, minute)
	if p.brought != p.id {
		p.rememberAs(p.brought, now, nil)
	}
	p.remember(now, nil)
	p.began = v.Fresh
	if p.began && len(p.needs.Sessions) > 0 {
		v.CountSession(o.Visit != nil || p.met, p.maybe || p.brought != "" || p.values[0] != "")
	}
	if p.began && p.first != nil {
		v.CameFirst(p.first(), minute, p.needs)
	}
	return v
}

// remember takes over what this process knows of the visitor, lets change see
// the whole, and keeps that if it says so. Without a browser ID there is nobody
// to remember.
func (p *past) remember(now time.Time, change func() (keep bool)) { p.rememberAs(p.id, now, change) }

func (p *past) rememberAs(id string, now time.Time, change func() (keep bool)) {
	if id == "" {
		if change != nil {
			change()
		}
		return
	}
	p.t.visits.Change(p.t.visits.Key(p.site.Name, id), p.network, func(m *visit.Visit) *visit.Visit {
		v := p.visit
		if m != nil {
			p.met = true
			m.Keep(p.needs, visit.Minute(now))
			alive := p.site.visits.Alive(m, visit.Minute(now))
			v.Absorb(m, alive || !v.Fresh && m.Last >= v.Start)
		}
		if change == nil || !change() {
			return nil
		}
		return v
	})
}

// network is where the visitor comes from, 0 if there is no request.
func (p *past) network() uint64 {
	if p.asker == nil {
		return 0
	}
	return p.asker.networkLocked()
}

// judge decides on count: and after: of a goal whose rule held. If it counts,
// that is noted, unless room, asked last, says that it cannot be sent.
func (p *past) judge(g *rule.Cause, x *rule.Exchange, now time.Time, room func() fate) ruling {
	return p.judgeNamed(g.Past(), g.CartItems(x), now, func() (visit.Counted, rule.Reason) { return g.Counted(x, now, p.site.zone) }, room)
}

// judgeNamed is judge, with the name under which the goal counts told by name.
// items are what its event names of the cart.
func (p *past) judgeNamed(g *visit.Goal, items []uint32, now time.Time, name func() (visit.Counted, rule.Reason), room func() fate) ruling {
	v := p.open(now)
	if bar := v.Bars(g, items, now); bar != visit.NoBar {
		refused := bar == visit.UnknownItem && g.Cart == visit.CartConfirm
		if refused {
			p.remember(now, func() bool { v.Refuse(); return true }) // and so its CHECKOUT is not sent either
		}
		return ruling{done: true, fate: fateOf(rule.ReasonOf(bar)), carried: refused}
	}
	var c visit.Counted
	if g.Scope != visit.PerRequest {
		var r rule.Reason
		if c, r = name(); r != rule.Fires {
			return ruling{done: true, fate: fateOf(r)}
		}
	}
	if g.Leads() && !slices.Contains(p.happened, g) {
		p.happened = append(p.happened, g)
	}
	switch {
	case g.Scope == visit.PerRequest && g.Cart == visit.NoCart:
		return ruling{done: true, fate: fired}
	case c != (visit.Counted{}) && v.Has(c):
		p.remember(now, func() bool { return true }) // the session goes on
		return ruling{done: true, fate: fateAlreadyCounted}
	}
	f := fired
	if room != nil {
		if f = room(); f != fired {
			return ruling{done: true, fate: f}
		}
	}
	var added []uint32
	full := false
	p.remember(now, func() bool {
		if c != (visit.Counted{}) {
			if v.Has(c) { // by a request that is under way at the same time
				f = fateAlreadyCounted
			}
			v.Add(c, g.Keyed)
		}
		if f == fired {
			added, full = v.Carry(g.Cart, items)
		}
		return true
	})
	if full {
		p.t.ledger.note("cart_full")
	}
	if f != fired {
		return ruling{done: true, fate: f}
	}
	return ruling{done: true, fate: fired, counted: c, added: added, carried: g.Cart != visit.NoCart}
}

// countLate decides on count: and after: of a goal whose rule held earlier, at a time,
// and sends it. counted is the name under which it counts.
func (p *past) countLate(g *visit.Goal, counted visit.Counted, items []uint32, at time.Time, send func() fate) (f fate) {
	if !g.Remembered() {
		return send()
	}
	p.open(time.Now())
	r := p.judgeNamed(g, items, at, func() (visit.Counted, rule.Reason) { return counted, rule.Fires }, nil)
	defer func() {
		if f != fired {
			p.undo(&r, at)
		}
		p.end(at)
		p.happened = nil
	}()
	if r.fate != fired {
		return r.fate
	}
	return send()
}

// undo takes back that a goal counted, since it could not be sent.
func (p *past) undo(r *ruling, now time.Time) {
	if r.counted == (visit.Counted{}) && len(r.added) == 0 {
		return
	}
	p.remember(now, func() bool {
		if r.counted != (visit.Counted{}) {
			p.visit.Drop(r.counted, false)
		}
		p.visit.TakeOut(r.added)
		return true
	})
}

// lacked is told that a goal could not be sent. If that was for want of a value that its
// rule asks for, it did not happen either: no other goal comes after it.
func (p *past) lacked(g *visit.Goal, f fate) {
	if r, ok := f.ofRules(); ok && r.IsOfValue() {
		p.happened = slices.DeleteFunc(p.happened, func(h *visit.Goal) bool { return h == g })
	}
}

// end notes what happened in the request.
func (p *past) end(now time.Time) {
	if len(p.happened) == 0 {
		return
	}
	p.remember(now, func() bool { p.visit.Advance(p.happened, now); return true })
}

// send sends a goal of a visitor who is not there.
func (p *past) send(g *rule.Cause, x *rule.Exchange, enqueue func() fate) fate {
	if !g.Past().Remembered() {
		return enqueue()
	}
	now := time.Now()
	r := p.judge(g, x, now, nil)
	if r.fate != fired {
		p.end(now)
		return r.fate
	}
	f := enqueue()
	if f != fired && f != fateDraft {
		p.undo(&r, now)
		p.lacked(g.Past(), f)
	}
	p.end(now)
	return f
}
