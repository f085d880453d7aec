package goaltrack

import (
	"net/http"
	"slices"

	"github.com/goaltrack/goaltrack/internal/caching"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/web"
)

// withdrawal is a request of a visitor who says no while their browser still sends
// our cookies: they agreed once, and do not any more. Nothing is counted, and
// the cookies are deleted with the answer, if it may carry that.
type withdrawal tracked

// withdraws reports whether the visitor has said no and nothing may count that
// would use our cookies. A goal that needs no consent is such a use.
func (e *entry) withdraws(rules *Rules) bool {
	switch e.no {
	case fateOptOut, fateGPC:
		return true
	case fired:
	default:
		return false // an editor or a machine, who may have an opinion of their own elsewhere
	}
	refused := false
	for n := range consent.Needs {
		if n != consent.All && !rules.Needs(n) {
			continue
		}
		switch e.said(n) {
		case fired:
			return false
		case fateConsentRefused, fateGPC:
			refused = true
		}
	}
	return refused
}

// ownCookies are the names under which the site's visitors are known, there and
// on other sites of the tenant.
func (s *site) ownCookies() []string {
	return slices.Concat([]string{s.cookie.name}, s.tenant.visits, s.cookie.legacy)
}

// sends reports whether the browser sends one of them, whatever is in it.
func (s *site) sends(h http.Header) bool {
	return len(h["Cookie"]) > 0 && slices.ContainsFunc(s.ownCookies(), func(name string) bool { return web.HasCookie(h, name) })
}

// BeforeHeader implements [tap.Hook].
func (wd *withdrawal) BeforeHeader(status int) {
	defer wd.t.recovered("header", func() {})
	s, h := wd.withdrawal, wd.rec.Header()
	sent := http.Header{"Cookie": wd.cookies}
	names := slices.DeleteFunc(s.ownCookies(), func(name string) bool { return !web.HasCookie(sent, name) || setsCookie(h, name) })
	if len(names) == 0 || !carriesCookies(status) {
		return
	}
	if wd.store = caching.Of(status, h); wd.store == caching.Public {
		wd.t.ledger.note("cookie_public_answer")
		return
	}
	wd.store.MakePrivate(h)
	for _, name := range names {
		s.cookie.delete(h, name)
	}
	wd.t.ledger.note("cookie_withdrawn")
}
