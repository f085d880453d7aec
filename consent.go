package goaltrack

import (
	"net/http"
	"slices"

	"github.com/goaltrack/goaltrack/internal/caching"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Consent is a visitor's answer to the site's consent question. It has one
// answer for analytics and one for marketing, the two categories that a goal's
// rule may name. Values can be compared. The zero value is unknown for both,
// and unknown is not yes. Make other values by the constants and by
// [MixedConsent] only; a number that has no meaning counts as unknown.
type Consent uint8

// The answers that are the same for both categories.
const (
	ConsentUnknown Consent = Consent(consent.Unknown) // not asked yet, or not answered
	ConsentGranted Consent = Consent(consent.Granted)
	ConsentRefused Consent = Consent(consent.Refused)
)

// MixedConsent makes the answer of a visitor who decided on each category
// separately. It takes the answer for analytics from the first argument and the
// answer for marketing from the second.
//
//	goaltrack.MixedConsent(goaltrack.ConsentGranted, goaltrack.ConsentRefused)
func MixedConsent(analytics, marketing Consent) Consent {
	return Consent(consent.Mixed(consent.Answer(analytics), consent.Answer(marketing)))
}

// Analytics returns the answer for analytics: one of the three constants.
func (c Consent) Analytics() Consent { return Consent(consent.Answer(c).Analytics()) }

// Marketing returns the answer for marketing: one of the three constants.
func (c Consent) Marketing() Consent { return Consent(consent.Answer(c).Marketing()) }

// open reports whether the visitor has yet to answer for a category.
func (c Consent) open() bool {
	return c.Analytics() == ConsentUnknown || c.Marketing() == ConsentUnknown
}

// String returns the answer in words, such as "granted" or "analytics granted,
// marketing refused".
func (c Consent) String() string {
	words := map[Consent]string{ConsentUnknown: "unknown", ConsentGranted: "granted", ConsentRefused: "refused"}
	analytics, marketing := words[c.Analytics()], words[c.Marketing()]
	if analytics == marketing {
		return analytics
	}
	return "analytics " + analytics + ", marketing " + marketing
}

// fate judges the answer by what a goal needs. It returns allowed,
// consent_refused or consent_unknown.
func (c Consent) fate(n consent.Need) fate {
	switch consent.Answer(c).To(n) {
	case consent.Granted:
		return allowed
	case consent.Refused:
		return fateConsentRefused
	}
	return fateConsentUnknown
}

// bothOf joins two answers. One refusal is a refusal, and only two grants are a
// grant.
func bothOf(a, b Consent) Consent {
	return Consent(consent.Join(consent.Answer(a), consent.Answer(b)))
}

// consent asks the reader. Without a reader, consent is granted.
func (t *Tracker) consent(r *http.Request) (c Consent) {
	if t.config.Consent == nil {
		return ConsentGranted
	}
	defer t.recovered("Consent", func() { c = ConsentUnknown })
	return t.config.Consent(r)
}

// Privacy is what a tracker saw of a visitor's choices, and what it decided by them.
// [Tracker.Privacy] makes it, for a page that shows it to the visitor.
type Privacy struct {
	// GPC: the browser sends the Global Privacy Control, whatever Config.GPC makes of it.
	GPC bool

	// OptedOut: the browser sends the cookie of Config.OptOutCookie.
	OptedOut bool

	// Answer is what Config.Consent reads. It is ConsentUnknown without a reader, because
	// then nobody is asked.
	Answer Consent

	// Counts is what may count, by category, after all of the above. Unknown does not.
	Counts Consent

	// Reason is why goals that need consent to everything do not count: opt_out, gpc,
	// consent_refused or consent_unknown. It is "" if they do.
	Reason string
}

// GPCHonored reports whether the Global Privacy Control was seen and marketing is
// refused. The law of California has a site show that since 2026 (11 CCR 7025(c)(6)).
func (p Privacy) GPCHonored() bool { return p.GPC && p.Counts.Marketing() == ConsentRefused }

// Privacy tells what the tracker saw of a visitor's choices, and what it decided by
// them. It may be called for every request, also for one that no goal concerns. It says
// nothing of machines, editors and colleagues. It changes nothing and may be called by
// several goroutines at once. A page that shows the result differs by visitor, so it
// should say "Cache-Control: private".
func (t *Tracker) Privacy(r *http.Request) (p Privacy) {
	var e entry
	e.no, e.gpc = t.optsOut(r, web.CookiesOf(r.Header))
	if tr := t.trackedOf(r); tr != nil && tr.entry.no == allowed {
		e.consent = tr.entry.consent
	} else {
		e.consent = t.consent(r)
	}
	p.GPC, p.OptedOut = hasGPC(r.Header), e.no == fateOptOut
	if t.config.Consent != nil {
		p.Answer = e.consent
	}
	counts := func(n consent.Need) Consent {
		switch e.said(n) {
		case allowed:
			return ConsentGranted
		case fateConsentUnknown:
			return ConsentUnknown
		}
		return ConsentRefused
	}
	p.Counts = MixedConsent(counts(consent.Analytics), counts(consent.Marketing))
	if f := e.said(consent.All); f != allowed {
		p.Reason = f.String()
	}
	return p
}

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
	case allowed:
	default:
		return false // an editor or a machine, who may have an opinion of their own elsewhere
	}
	refused := false
	for n := range consent.Needs {
		if n != consent.All && !rules.Needs(n) {
			continue
		}
		switch e.said(n) {
		case allowed:
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
func (s *site) sends(sent web.Cookies) bool {
	return len(sent) > 0 && slices.ContainsFunc(s.ownCookies(), sent.Has)
}

// BeforeHeader implements [tap.Hook].
func (wd *withdrawal) BeforeHeader(status int) {
	defer wd.t.recovered("header", func() {})
	s, h := wd.withdrawal, wd.rec.Header()
	names := slices.DeleteFunc(s.ownCookies(), func(name string) bool { return !wd.entry.cookies.Has(name) || setsCookie(h, name) })
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
