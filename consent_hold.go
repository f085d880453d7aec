package goaltrack

import (
	"context"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/caching"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/hold"
	"github.com/goaltrack/goaltrack/internal/twice"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

// Most visits begin on the page that asks for consent. So what would count is held in this
// process until the visitor has answered (Config.ConsentHoldBy). They are known meanwhile by a
// cookie that the site has set for purposes of its own. Package hold bounds what is held.

// held is what one decision would have sent.
type held struct {
	site    *site
	cause   *rule.Cause
	counted visit.Counted // the name under which the goal counts once
	items   []queue.Item
	twin    twice.Thing // what a script may tell as well
	since   time.Time
	fact    *fact.Fact // what Config.Report is told when it is settled; nil without one
}

// size is how much memory it takes, roughly.
func (one *held) size() int {
	size := hold.Extra + one.twin.Size()
	for _, item := range one.items {
		size += len(item.Body)
	}
	return size
}

// newHolds makes the place for what is held.
func newHolds(l *ledger) *hold.Store[*held] {
	return hold.New(func(one *held, why hold.Why) {
		if why == hold.Full {
			l.holds.Happens()
		}
		one.settle(l, fateOfHold(why))
	})
}

// fateOfHold is the fate of what is not held.
func fateOfHold(why hold.Why) fate {
	switch why {
	case hold.Full:
		return fateConsentHoldFull
	case hold.Expired:
		return fateConsentExpired
	case hold.Closed:
		return fateConsentUnknown // the visitor never answered
	case hold.Held:
	}
	return fateHeld
}

// settle gives what was held its fate, without having sent it.
func (one *held) settle(l *ledger, f fate) {
	l.settle(one.cause.Name(), f, "", "held")
	one.report(f, "")
}

// holdBy returns the value of the cookie by which goals are held, "" if nothing
// can be held for this visitor.
func (t *Tracker) holdBy(sent web.Cookies) string {
	return sent.Value(t.config.ConsentHoldBy, func(v string) bool { return len(v) >= hold.Shortest && len(v) <= hold.Longest })
}

// applyAnswer applies what the visitor says now to what was held for them. What they have
// refused is dropped. It reports whether they have agreed to some of it.
func (t *Tracker) applyAnswer(s *site, e *entry) (agreed bool) {
	if e.heldBy == "" || !t.holds.Any() {
		return false
	}
	answer := func(one *held) fate { return e.fate(one.cause.Terms().Need) }
	dropped := t.holds.Return(t.holds.Key(s.Name, e.heldBy), func(one *held) (over bool) {
		switch answer(one) {
		case allowed:
			agreed = true
		case fateOptOut, fateGPC, fateConsentRefused:
			return true
		}
		return false
	})
	for _, one := range dropped {
		one.settle(t.ledger, answer(one))
	}
	return agreed
}

// send sends the event of a goal that fired, if count: and after: let it, or
// holds it. They are not asked about what is held: what happened before is in a
// cookie.
func (tr *tracked) send(g *rule.Cause, data Data, slot *ruling, waits bool) fate {
	if !waits {
		return tr.sendCounted(g, data, slot)
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
	l := tr.t.ledger
	one := &held{
		site: tr.site, cause: g, counted: name, items: items, twin: twinOf(g, e, tr.path).Detached(), since: time.Now(), fact: tr.factHeld(g),
	}
	f = fateOfHold(tr.t.holds.Add(tr.holder(), tr.network(), one, one.size(), func() { l.decide(one.since, g.Name(), fateHeld, "", "") }))
	tr.facts.Waits(f == fateHeld && g == rule.View)
	return f
}

// holder is the visitor as they are known while they have not answered.
func (tr *tracked) holder() hold.Key { return tr.t.holds.Key(tr.site.Name, tr.entry.heldBy) }

// releaseLocked sends what was held for the visitor, before anything of this request.
// It waits for another one if this one's answer cannot carry their browser ID: what
// they did before they agreed and what they do afterwards shall be one guest's.
func (tr *tracked) releaseLocked() {
	if !tr.releases || !tr.keepsIDLocked() {
		return
	}
	agreed := func(one *held) bool { return tr.entry.fate(one.cause.Terms().Need) == allowed }
	for _, one := range tr.t.holds.Take(tr.holder(), agreed) {
		f := tr.sendHeldLocked(one)
		tr.t.ledger.settle(one.cause.Name(), f, tr.told.id, "held")
		one.report(f, tr.told.id)
	}
}

// keepsIDLocked reports whether the visitor has a browser ID, or gets one with this
// answer if there is one ready.
func (tr *tracked) keepsIDLocked() bool {
	return tr.told.id != "" ||
		tr.t.config.Cookie.Create != CreateNever && !tr.stranger && tr.told.unkept == allowed && tr.store != caching.Public &&
			carriesCookies(tr.status) && tr.r.Context().Err() == nil
}

// sendHeldLocked queues one event under the visitor's ID, if count: and after: let it.
// It keeps the time at which it happened.
func (tr *tracked) sendHeldLocked(one *held) (f fate) {
	defer tr.t.recovered("release", func() { f = fateEventInvalid })
	p, g := tr.pastLocked(), one.cause.Past()
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
	claim, f := tr.claimLocked(one.twin, time.Since(one.since))
	if f != fired {
		return f
	}
	if f = tr.t.offer(context.Background(), one.items, tr.told.keyLocked(), tr.networkLocked(), tr.awaits()); f != fired {
		claim.Withdraw()
	}
	return f
}
