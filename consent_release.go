package goaltrack

import (
	"context"
	"net/http"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/rule"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
)

// holdBy returns the value of the cookie by which goals are held, "" if nothing
// can be held for this visitor.
func (t *Tracker) holdBy(h http.Header) string {
	return web.CookieValue(h, t.config.ConsentHoldBy, func(v string) bool { return len(v) >= leastHoldBy && len(v) <= urlpath.MaxLength })
}

// answered tells what was held for this visitor what he says now. It reports
// whether he has agreed to some of it.
func (t *Tracker) answered(s *site, e *entry) bool {
	return e.holds != "" && t.holds.any() && t.holds.answered(t.holds.key(s, e.holds), e)
}

// send sends the event of a goal that fired, if count: and after: let it, or
// holds it. They are not asked about what is held: what happened before is in a
// cookie.
func (tr *tracked) send(g *rule.Cause, data Data, at *ruling, isHeld bool) fate {
	if !isHeld {
		return tr.tallied(g, data, at)
	}
	e, f := tr.eventOfLocked(g, data)
	if f != fired {
		return f
	}
	name, r := g.Counted(tr.exchangeFor(data), time.Now(), tr.site.zone)
	if r != rule.Fires {
		return fateOf(r)
	}
	return tr.keep(g, data, &e, name)
}

// keep holds an event until the visitor agrees.
func (tr *tracked) keep(g *rule.Cause, data Data, e *cdp.Event, name visit.Counted) fate {
	who, f := tr.identityOf(g, data, e)
	if f != fired {
		return f
	}
	items, f := tr.t.items(guest{site: tr.site, userAgent: tr.userAgent, rules: tr.rules.Hash()}, g, parcel{e, who})
	if f != fired {
		return f
	}
	return tr.t.holds.add(&held{visitor: tr.t.holds.key(tr.site, tr.entry.holds), trigger: g, counted: name, items: items})
}

// releaseLocked sends what was held for the visitor, before anything of this request.
// It waits for another one if this one's answer cannot carry his browser ID: what
// they did before they agreed and what they do afterwards shall be one guest's.
func (tr *tracked) releaseLocked() {
	if !tr.releases || !tr.keepsIDLocked() {
		return
	}
	for _, one := range tr.t.holds.take(tr.t.holds.key(tr.site, tr.entry.holds), &tr.entry) {
		f := tr.sendHeldLocked(one)
		tr.t.ledger.settle(one.trigger.Name(), f, tr.told.id, "held")
	}
}

// keepsIDLocked reports whether the visitor has a browser ID, or gets one with this
// answer if there is one ready.
func (tr *tracked) keepsIDLocked() bool {
	return tr.told.id != "" || tr.t.config.DryRun ||
		tr.t.config.Cookie.Create != CreateNever && tr.told.secure && tr.store != storePublic &&
			carriesCookies(tr.status) && tr.r.Context().Err() == nil
}

// sendHeldLocked queues one event under the visitor's ID, if count: and after: let it.
// It keeps the time at which it happened.
func (tr *tracked) sendHeldLocked(one *held) (f fate) {
	defer tr.t.recovered("release", func() { f = fateEventInvalid })
	now := time.Now()
	p, g := tr.pastLocked(), one.trigger.Past()
	if g.Remembered() {
		p.id = tr.told.id
		p.open(now)
		r := p.rule(g, one.since, func() (visit.Counted, rule.Reason) { return one.counted, rule.Fires }, nil)
		defer func() {
			if f != fired {
				p.undo(r.counted, one.since)
			}
			p.end(one.since)
			p.happened, p.released = nil, true
		}()
		if r.fate != fired {
			return r.fate
		}
	}
	for i := range one.items {
		body, err := deliver.WithBrowserID(one.items[i].Body, tr.told.id)
		if err != nil {
			return fateEventInvalid
		}
		one.items[i].Body = body
		one.items[i].Resent = now // until now nobody could send it
	}
	return tr.t.offer(context.Background(), one.items, tr.told.keyLocked(), tr.awaits())
}
