package goaltrack

import (
	"net/http"
	"slices"

	"github.com/goaltrack/goaltrack/rule"
)

// visitorOf reads who the visitor is. An ID that he was to forget is none,
// should it come back: from a tab that was still loading, or because the answer
// could not delete it.
func (s *site) visitorOf(h http.Header) brought {
	b := s.cookie.read(h)
	if b.id != "" && s.tenant.forgotten.Has(b.id) {
		b.id, b.former, b.stale = "", "", len(s.cookie.removals) > 1
		b.forgotten = true
	}
	return b
}

// setCookies sets, renews, replaces, migrates or deletes the browser-ID cookie,
// if this answer may carry it. tr.mu is held.
func (tr *tracked) setCookies(h http.Header) {
	c := &tr.site.cookie
	tr.store = storingOf(tr.status, h)
	theirs, isSet := c.isSet(h)
	if theirs != "" {
		tr.id, tr.recognised = theirs, true // one person, one guest
	}
	if !tr.recognised {
		return // his cookie is read and set for what may count, and that is nothing
	}
	if !carriesCookies(tr.status) {
		return
	}
	if tr.leaving = tr.forgets(); isSet {
		return
	}
	set, remove := tr.cookieNow()
	if !set && !remove {
		return
	}
	if tr.store == storePublic {
		tr.t.ledger.note("cookie_public_answer")
		return
	}
	tr.makePrivate(h)
	if remove {
		c.remove(h, tr.brought)
		return
	}
	c.set(h, tr.id, tr.brought)
}

// carriesCookies reports whether an answer of that status is one to set cookies
// with.
func carriesCookies(status int) bool {
	return status < http.StatusBadRequest && status != http.StatusSwitchingProtocols
}

// cookieNow decides whether tr.id is set in a cookie now, or the cookie deleted.
func (tr *tracked) cookieNow() (set, remove bool) {
	line, b := tr.site.line, &tr.brought
	if tr.leaving {
		return false, b.id != "" || b.forgotten
	}
	if b.id != "" && tr.site.tenant.forgotten.Has(b.id) {
		return false, false // while the handler ran: another answer has seen to the cookie
	}
	set = tr.fresh
	if tr.id != "" && !tr.fresh {
		if id := line.Replacement(tr.id); id != "" {
			tr.id, set, b.stale = id, true, len(tr.site.cookie.removals) > 1
		}
		set = set || b.former != "" || tr.navigation && tr.store == storePrivate
	}
	// Of a client that has left, nobody would keep the ID.
	if tr.id == "" && tr.r.Context().Err() == nil && tr.wantsID() {
		switch {
		case !tr.secure:
			tr.t.ledger.note("cookie_insecure")
		case tr.store == storePublic:
			tr.t.ledger.note("cookie_public_answer")
		case tr.takeID():
			return true, false
		default:
			tr.t.ledger.note("id_not_ready")
		}
	}
	return set, b.forgotten && !set && tr.navigation
}

// takeID takes an ID for this visitor from the pool, if there is one or, as far
// as Cookie.Wait allows, will soon be one. Everything of this request that needs
// tr.mu waits as long: it would need the ID. tr.mu is held.
func (tr *tracked) takeID() bool {
	id := tr.site.line.IDs.TakeWithin(tr.r.Context(), tr.t.config.Cookie.Wait)
	if id == "" {
		return false
	}
	tr.id, tr.fresh = id, true
	return true
}

// wantsID reports whether this answer is reason enough to make a guest.
func (tr *tracked) wantsID() bool {
	switch tr.t.config.Cookie.Create {
	case CreateNever:
		return false
	case CreateVisit:
		if tr.navigation && tr.gate == fired && tr.x.MayBeHTML() {
			return true
		}
	}
	if len(tr.identities) > 0 && tr.gate == fired {
		return true
	}
	return tr.releases || tr.mayFire(false)
}

// mayFire reports whether a goal fires, as far as can be said before the handler
// has returned; drafts says whether one that is not sent is enough. tr.mu is
// held.
func (tr *tracked) mayFire(drafts bool) bool {
	tr.peekForm()
	for i := range tr.candidates {
		c := &tr.candidates[i]
		if c.trigger == rule.View || c.held || !drafts && c.trigger.IsDraft() {
			continue
		}
		if f, open := tr.judge(c); f == fired || open {
			return true
		}
	}
	return slices.ContainsFunc(tr.raised, func(r raised) bool {
		return (drafts || !r.goal.IsDraft()) && tr.raisedFires(r)
	})
}
