package goaltrack

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/navigation"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// entry is what the gate says of a request: to each goal, by the consent that
// the goal needs.
type entry struct {
	no      fate    // against every goal: the visitor said no, or he is none; else fired
	consent Consent // his answer
	absent  fate    // nobody is looking, or nobody is there; else fired
	// holds is the value of the cookie that ConsentHoldBy names, by which goals
	// are held until the visitor has answered. "" if they are not.
	holds string
}

// judge says whether something may count that needs this consent: fired, or the
// first reason against, in the order a person would give them.
func (e *entry) judge(n consent.Need) fate {
	if e.no != fired {
		return e.no
	}
	if f := e.consent.fate(n); f != fired {
		return f
	}
	return e.absent
}

// gate looks at the visitor and the request. path is the path that rules see.
func (t *Tracker) gate(r *http.Request, path string) (e entry) {
	if e.no = t.refuses(r); e.no == fired {
		e.no = t.ignores(r, path)
	}
	if e.no == fired {
		e.consent = t.consent(r)
	}
	if t.config.ConsentHoldBy != "" && (e.no == fired && e.consent.open() || t.holds.any()) {
		e.holds = t.holdBy(r.Header)
	}
	if e.no != fired {
		return e
	}
	switch {
	case r.Method == http.MethodGet && (navigation.IsPrefetch(r.Header) || navigation.IsSoftPrefetch(r.Header)):
		e.absent = fatePrefetch
	case t.bots.is(userAgent(r)):
		e.absent = fateBot
	}
	return e
}

// refuses reports whether the visitor said no, without being asked.
func (t *Tracker) refuses(r *http.Request) fate {
	if web.CookieValue(r.Header, t.config.OptOutCookie, saysYes) != "" {
		return fateOptOut
	}
	if !t.config.IgnoreGPC {
		if v, _ := web.First(r.Header["Sec-Gpc"]); v == "1" {
			return fateGPC
		}
	}
	return fired
}

// saysYes reads the value of the opt-out cookie.
func saysYes(v string) bool { return v != "" && v != "0" && v != "false" }

func userAgent(r *http.Request) string {
	ua, _ := web.First(r.Header["User-Agent"])
	return web.CutUserAgent(ua)
}

// admits turns what the gate says into a verdict on a goal: a form by a suspected
// bot counts if its rule says so, and what only lacks the visitor's answer may be
// held until it comes.
func (e *entry) admits(g *rule.Cause) (f fate, held bool) {
	terms := g.Terms()
	switch f = e.judge(terms.Need); {
	case f == fateBot && terms.CountsBots:
		return fired, false
	case f == fateConsentUnknown && e.holds != "" && terms.MayWait:
		return e.absent, e.absent == fired
	}
	return f, false
}
