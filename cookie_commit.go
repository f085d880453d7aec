package goaltrack

import (
	"net/http"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/caching"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/idpool"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// visitorOf reads who the visitor is. An ID that forget: true has ended counts as
// absent. It may come back from a tab that was still loading, or because the answer
// could not delete it.
func (s *site) visitorOf(sent web.Cookies) brought {
	b := s.cookie.read(sent)
	if b.id != "" && s.tenant.forgotten.Has(b.id) {
		b.id, b.stale = "", len(s.cookie.removals) > 1
		b.forgotten = true
	}
	return b
}

// BrowserID returns the visitor's browser ID. It returns "" if the visitor has
// none, or may not be counted; for this, consent to every category is needed.
// On a page that makes a new visitor's ID, it returns the ID that the answer's
// cookie will carry. The first call takes that ID, and may wait for it if
// Cookie.Wait is set.
//
// BrowserID does not change r, because another goroutine may be reading its
// header. If other code looks for the ID in the request's cookies, add it with
// r.AddCookie. Its name is what CookieName of the site's CDP returns.
func (t *Tracker) BrowserID(r *http.Request) string {
	if tr := t.trackedOf(r); tr != nil {
		if tr.unasked != allowed {
			return ""
		}
		return tr.browserID()
	}
	path := t.path(r)
	s := t.siteOf(t.host(r), path)
	if s == nil {
		return ""
	}
	e := t.gate(r, path)
	if e.fate(consent.All) != allowed {
		return ""
	}
	return s.visitorOf(e.cookies).id
}

func (tr *tracked) browserID() string {
	tr.told.mu.Lock()
	defer tr.told.mu.Unlock()
	if tr.told.id == "" && !tr.told.committed && !tr.told.ended && tr.navigation && tr.unasked == allowed &&
		tr.t.creates() == CreateVisit && !tr.isDry() && tr.told.unkept == allowed && !tr.stranger {
		tr.takeIDLocked()
	}
	return tr.told.id
}

// setCookiesLocked sets, renews, replaces, migrates or deletes the browser-ID cookie,
// if this answer may carry it.
func (tr *tracked) setCookiesLocked(h http.Header) {
	c := &tr.site.cookie
	tr.store = caching.Of(tr.status, h)
	theirs, set := c.setByApp(h)
	if theirs != "" {
		tr.told.id, tr.told.recognised = theirs, true // one person, one guest
	}
	if !tr.told.recognised {
		return // their cookie is read and set for what may count, and that is nothing
	}
	if !carriesCookies(tr.status) {
		return
	}
	if tr.leaving = tr.forgetIfEndsLocked(); set {
		return
	}
	set, remove := tr.cookieNowLocked()
	if !set && !remove {
		return
	}
	if tr.store == caching.Public {
		tr.t.ledger.note("cookie_public_answer")
		return
	}
	tr.store.MakePrivate(h)
	if remove {
		c.remove(h, tr.told.brought)
		return
	}
	c.set(h, tr.told.id, tr.told.brought)
}

// carriesCookies reports whether an answer of that status is one to set cookies
// with.
func carriesCookies(status int) bool {
	return status < http.StatusBadRequest && status != http.StatusSwitchingProtocols
}

// cookieNowLocked decides whether the ID is set in a cookie now, or the cookie
// deleted.
func (tr *tracked) cookieNowLocked() (set, remove bool) {
	line, b := tr.site.line, &tr.told.brought
	if tr.leaving {
		return false, b.id != "" || b.forgotten
	}
	if b.id != "" && tr.site.tenant.forgotten.Has(b.id) {
		return false, false // while the handler ran: another answer has seen to the cookie
	}
	set = tr.told.fresh
	if tr.told.unkept == fateCookieDomain {
		if tr.told.id == "" && tr.wantsIDLocked() {
			tr.t.ledger.note(fateCookieDomain.String())
			tr.t.withoutID.Add(1)
		}
		return false, false
	}
	if tr.told.id != "" && !tr.told.fresh {
		// Where the visit cookie was held back or is left alone, it could not be sealed for another ID.
		if id := line.Replacement(tr.told.id); id != "" && !tr.withheld && tr.entry.absent != fatePrefetch {
			tr.told.id, set, b.stale = id, true, len(tr.site.cookie.removals) > 1
		}
		set = set || b.unsettled || b.quoted || tr.navigation && tr.store == caching.Private
	}
	// A client that has left would not keep the ID, so none is taken.
	if tr.told.id == "" && tr.r.Context().Err() == nil && tr.wantsIDLocked() {
		switch {
		case tr.told.unkept != allowed:
			tr.t.ledger.note("cookie_" + tr.told.unkept.String())
		case tr.store == caching.Public:
			tr.t.ledger.note("cookie_public_answer")
		case tr.takeIDLocked():
			return true, false
		default:
			tr.t.ledger.note("id_not_ready")
		}
		tr.t.withoutID.Add(1)
	}
	return set, b.forgotten && !set && tr.navigation
}

// takeIDLocked takes an ID for this visitor from the pool, if there is one or, as far
// as Cookie.Wait allows, will soon be one. Everything of this request that needs
// the lock waits as long: it would need the ID.
func (tr *tracked) takeIDLocked() bool {
	want := idpool.Want{Network: tr.networkLocked(), Form: tr.r.Method != http.MethodGet && tr.r.Method != http.MethodHead}
	id := tr.site.line.IDs.TakeWithin(tr.r.Context(), tr.t.config.Cookie.Wait, want)
	if id == "" {
		return false
	}
	tr.told.id, tr.told.fresh = id, true
	tr.site.spend(fact.IDGiven)
	return true
}

// creates says when IDs are made: for goals alone, if this month may have no more for
// visits.
func (t *Tracker) creates() Create {
	create := t.config.Cookie.Create
	if create == CreateVisit && t.budget.IDsSpent() {
		return CreateGoal
	}
	return create
}

// spend notes something that a contract with Sitecore counts.
func (s *site) spend(what string) {
	s.budget.Spend(what)
	if s.facts.Sink != nil {
		s.facts.Spent(what)
	}
}

// wantsIDLocked reports whether this answer is reason enough to make a guest.
func (tr *tracked) wantsIDLocked() bool {
	switch create := tr.t.creates(); {
	case create == CreateNever:
		return false
	case tr.stranger:
		return slices.ContainsFunc(tr.candidates, func(c candidate) bool {
			f, open := tr.judgeLocked(&c)
			return c.cause.Terms().CountsBots && !c.waits && !c.cause.IsDraft() && (f == fired || open)
		})
	case create == CreateVisit:
		if tr.navigation && tr.unasked == allowed && tr.x.MayBeHTML() {
			return true
		}
	}
	if len(tr.told.saidLocked().identities) > 0 && tr.unasked == allowed {
		return true
	}
	return tr.releases || tr.navigation && tr.showsPage() || tr.mayFireLocked(false)
}

// mayFireLocked reports whether a goal fires, as far as can be said before the handler
// has returned; drafts says whether one that is not sent is enough.
func (tr *tracked) mayFireLocked(drafts bool) bool {
	tr.peekFormLocked()
	for i := range tr.candidates {
		c := &tr.candidates[i]
		if c.cause == rule.View || c.waits || !drafts && c.cause.IsDraft() {
			continue
		}
		if f, open := tr.judgeLocked(c); f == fired || open {
			return true
		}
	}
	return slices.ContainsFunc(tr.told.saidLocked().raised, func(r raised) bool {
		return (drafts || !r.cause.IsDraft()) && tr.raisedFiresLocked(r)
	})
}

// A goal with forget: true ends a visitor's profile on this browser, as a
// log-out does: whoever comes next is another guest. The cookie is deleted with
// the answer, which every instance of a site understands. An instance also
// remembers the ID, because a cookie cannot serve two cases. In one, the goal
// was decided after the header was written. In the other, an answer that was
// under way at the same time brings the old cookie back.

// forgetIfEndsLocked remembers that the ID is not to be used any more, if a goal that ends the
// profile is known to count. It reports whether one is. It is called before the header is
// written.
func (tr *tracked) forgetIfEndsLocked() bool {
	for i := range tr.candidates {
		c := &tr.candidates[i]
		if !c.cause.Ends() {
			continue
		}
		tr.peekFormLocked()
		// A page whose type is not known yet is taken for one, as net/http
		// will most likely find: the cookie can only be deleted now.
		if f, open := tr.judgeLocked(c); f == fired || open && c.cause.IsPage() && tr.navigation {
			tr.forgetLocked()
			return true
		}
	}
	return slices.ContainsFunc(tr.told.saidLocked().raised, func(r raised) bool {
		ends := r.cause.Ends() && tr.raisedFiresLocked(r)
		if ends {
			tr.forgetLocked()
		}
		return ends
	})
}

// forgetLocked remembers that the visitor's ID is not to be used by later requests.
// What happened in this one is still theirs.
func (tr *tracked) forgetLocked() { tr.site.forget(tr.told.brought.id) }

func (s *site) forget(id string) {
	if s.line != nil && id != "" && !s.tenant.forgotten.Has(id) {
		s.tenant.forgotten.Put(strings.Clone(id), "-")
	}
}
