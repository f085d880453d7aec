package goaltrack

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/agent"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/navigation"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/proxies"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// entry is what the gate says of a request: to each goal, by the consent that
// the goal needs.
type entry struct {
	no      fate    // against every goal: the visitor said no, or is none; else allowed
	gpc     bool    // against goals that need consent to marketing
	consent Consent // the visitor's answer
	absent  fate    // nobody is looking, or nobody is there; else allowed
	// ahead says that what counts when the page is shown is kept until then.
	ahead bool
	// agent is the verdict on userAgent, which is the request's, as far as it is kept.
	agent     agent.Verdict
	userAgent string
	cookies   web.Cookies // as the browser sent them, to look later
	// heldBy is the value of the cookie that ConsentHoldBy names, "" if goals
	// are not held. Goals are held by it until the visitor has answered.
	heldBy string
}

// fate says whether something may count that needs this consent: allowed, or the
// first reason against, in the order a person would give them.
func (e *entry) fate(n consent.Need) fate {
	if f := e.said(n); f != allowed {
		return f
	}
	return e.absent
}

// said is what the visitor says to it, whether anybody is there or not.
func (e *entry) said(n consent.Need) fate {
	switch {
	case e.no != allowed:
		return e.no
	case e.gpc && (n == consent.All || n == consent.Marketing):
		return fateGPC
	}
	return e.consent.fate(n)
}

// gate looks at the visitor and the request. path is the path that rules see.
func (t *Tracker) gate(r *http.Request, path string) (e entry) {
	e.cookies, e.userAgent = web.CookiesOf(r.Header), userAgent(r)
	if e.no, e.gpc = t.optsOut(r, e.cookies); e.no == allowed {
		e.no = t.ignores(r, path, e.cookies)
	}
	if e.no == allowed {
		e.consent = t.consent(r)
	}
	if t.config.ConsentHoldBy != "" && (e.no == allowed && e.consent.open() || t.holds.Any()) {
		e.heldBy = t.holdBy(e.cookies)
	}
	if e.no != allowed {
		return e
	}
	e.agent = t.agents.Of(e.userAgent)
	switch {
	case r.Method == http.MethodGet && (navigation.IsPrefetch(r.Header) || navigation.IsSoftPrefetch(r.Header)):
		e.absent = fatePrefetch
	case e.agent == agent.Machine:
		e.absent = fateBot
	case r.Method == http.MethodGet && navigation.IsOfWorker(r.Header):
		e.absent = fatePrefetch
	}
	return e
}

// optsOut reports whether the visitor said no, without being asked: to everything, or
// to marketing alone.
func (t *Tracker) optsOut(r *http.Request, sent web.Cookies) (no fate, marketing bool) {
	if sent.Value(t.config.OptOutCookie, saysYes) != "" {
		return fateOptOut, false
	}
	if t.config.GPC == GPCIgnore || !hasGPC(r.Header) {
		return allowed, false
	}
	if t.config.GPC == GPCMarketing {
		return allowed, true
	}
	return fateGPC, false
}

// hasGPC reports whether the browser sends the Global Privacy Control.
func hasGPC(h http.Header) bool {
	for _, line := range h["Sec-Gpc"] {
		for v := range strings.SplitSeq(line, ",") { // a proxy may have put two lines together
			if strings.TrimSpace(v) == "1" {
				return true
			}
		}
	}
	return false
}

// refuses is what a visitor with the Global Privacy Control refuses.
func (g GPC) refuses() consent.Answer {
	switch g {
	case GPCMarketing:
		return consent.Mixed(consent.Unknown, consent.Refused)
	case GPCIgnore:
		return consent.Unknown
	case GPCRefuse:
	}
	return consent.Refused
}

// saysYes reads the value of the opt-out cookie.
func saysYes(v string) bool {
	v = web.CookieText(v)
	return v != "" && v != "0" && v != "false"
}

func userAgent(r *http.Request) string {
	ua, _ := web.First(r.Header["User-Agent"])
	return web.CutUserAgent(ua)
}

// admits turns what the gate says into a verdict on a goal. A form by a
// suspected bot counts if its rule says so. A goal that lacks only the
// visitor's answer may be held until it comes, and one of a page that was fetched
// ahead until the page is shown.
func (e *entry) admits(g *rule.Cause) (f fate, waits bool) {
	terms := g.Terms()
	switch f = e.fate(terms.Need); {
	case f == fateBot && terms.CountsBots:
		return allowed, false
	case f == fatePrefetch && e.ahead && e.awaitsSight(g):
		return allowed, true
	case f == fateConsentUnknown && e.heldBy != "" && terms.MayWait:
		return e.absent, e.absent == allowed
	}
	return f, false
}

// admitsAny reports whether the gate lets one of the goals through, or holds it.
func (e *entry) admitsAny(goals []*rule.Cause) bool {
	return slices.ContainsFunc(goals, func(g *rule.Cause) bool {
		f, _ := e.admits(g)
		return f == allowed
	})
}

// awaitsSight reports whether a goal counts when the page is shown that the request is
// for. A goal with forget: true does not: by then the browser may have another visitor.
func (e *entry) awaitsSight(g *rule.Cause) bool {
	return g.IsPage() && !g.Ends() && e.fate(g.Terms().Need) == fatePrefetch
}

// looking is what the gate says if somebody looks at the page from which a request comes,
// whether or not they look at what it is for.
func (e *entry) looking() *entry {
	if e.absent != fatePrefetch {
		return e
	}
	looks := *e
	looks.absent = allowed
	return &looks
}

// mayCount reports whether something may count for which a cookie is read.
func (e *entry) mayCount(rules *Rules) bool {
	for n := range consent.Needs {
		if (n == consent.All || rules.Needs(n)) && e.fate(n) == allowed {
			return true
		}
	}
	return false
}

// Ignore says which requests count for nothing although a rule matches them: no
// goal, no page view, no browser ID. In each list, nil means the default. A
// list that is empty but not nil means none.
type Ignore struct {
	// HealthPaths are the paths of health checks, whose reason is health_check.
	// They are whole paths; case and a slash at the end do not matter. Default:
	// /health, /healthz, /livez, /readyz, /ping, /api/health, /api/healthz
	// (which Sitecore's starter kits use) and /actuator/health. Names that may
	// be pages, such as /status, are not among them.
	HealthPaths []string

	// EditorPaths are the paths, with all paths below them, where editors work
	// and previews are made. Their reason is editor. Default: /sitecore and
	// /api/editing, the paths of Sitecore's own tools and of its editing
	// endpoints in rendering hosts.
	EditorPaths []string

	// EditorModes are query parameters and cookies by which Sitecore marks
	// pages that it shows to editors. A cookie has the name alone, or after the
	// site's name (website#sc_mode). Any value except "normal" has the reason
	// editor. Default: sc_mode.
	EditorModes []string
}

func (g Ignore) withDefaults() Ignore {
	or := func(list, standard []string) []string {
		if list == nil {
			return standard
		}
		return slices.Clone(list)
	}
	paths := func(list, standard []string) []string {
		list = or(list, standard)
		for i, p := range list {
			list[i] = urlpath.Normal(p) // it is a copy, or was made below
		}
		return list
	}
	return Ignore{
		HealthPaths: paths(g.HealthPaths, web.HealthPaths()),
		EditorPaths: paths(g.EditorPaths, web.EditorPaths()),
		EditorModes: or(g.EditorModes, web.EditorModes()),
	}
}

func (g *Ignore) validate() error {
	var errs configFaults
	for _, list := range []struct {
		name, example string
		paths         []string
	}{{"HealthPaths", "/healthz", g.HealthPaths}, {"EditorPaths", "/sitecore", g.EditorPaths}} {
		for _, p := range list.paths {
			if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "?#*{") {
				errs.add("Ignore.%s: %q is not a path such as %s", list.name, p, list.example)
			}
		}
	}
	for _, m := range g.EditorModes {
		if !web.ValidToken(m) {
			errs.add("Ignore.EditorModes: %q is not the name of a parameter and a cookie", m)
		}
	}
	return errors.Join(errs...)
}

// ignores reports whether the request is a machine's or a colleague's.
func (t *Tracker) ignores(r *http.Request, path string, sent web.Cookies) fate {
	g := &t.config.Ignore
	if page := urlpath.Trim(path); t.health.MayHave(len(page)) && slices.ContainsFunc(g.HealthPaths, func(p string) bool {
		p = urlpath.Trim(p)
		return len(p) == len(page) && strings.EqualFold(p, page)
	}) {
		return fateHealthCheck
	}
	for _, p := range g.EditorPaths {
		if urlpath.IsOrBelow(path, p) {
			return fateEditor
		}
	}
	for _, m := range g.EditorModes {
		if inMode(r.URL.RawQuery, sent, m) {
			return fateEditor
		}
	}
	if len(t.config.Staff) > 0 && proxies.In(t.config.Staff, t.client(r)) {
		return fateStaff
	}
	return allowed
}

func lengthsOfPaths(paths []string) (l web.Lengths) {
	for _, p := range paths {
		l.Add(urlpath.Trim(p))
	}
	return l
}

// inMode reports whether the request is for a page as editors see it.
func inMode(rawQuery string, sent web.Cookies, mode string) bool {
	if strings.Contains(rawQuery, mode) {
		if v, ok := web.QueryValue(rawQuery, mode); ok {
			return web.IsEditing(v) // a query overrules the cookie, as it does in Sitecore
		}
	}
	for _, line := range sent {
		if !strings.Contains(line, mode) {
			continue // the usual case
		}
		for pair := range strings.SplitSeq(line, ";") {
			name, v, _ := strings.Cut(strings.TrimLeft(pair, " \t"), "=")
			if _, after, ok := strings.Cut(name, "#"); ok {
				name = after
			}
			if name == mode && web.IsEditing(v) {
				return true
			}
		}
	}
	return false
}

// Bots corrects the verdicts on user agents. docs/agents.md says how they are
// reached. Each entry is a part of a user agent, in which * stands for any text:
// "HeadlessChrome", "Pingdom*bot". Case does not matter. Only the first 512 bytes
// of a user agent are looked at. New refuses an entry without text or with more
// than 512 bytes, and a list of more than 256.
type Bots struct {
	// Allow are not bots, whatever they look like: a customer's procurement
	// program, or a browser that is wrongly suspected. Default: none.
	Allow []string
	// Deny are bots, even if Allow has them as well: a monitor, a test suite. A
	// bot that is counted does more harm than a visitor who is not. Default:
	// none.
	Deny []string
}

// maxBotPatterns bounds a list, since each new user agent is held against all.
const maxBotPatterns = 256

func (b *Bots) validate() error {
	var errs configFaults
	for _, list := range []struct {
		name     string
		patterns []string
	}{{"Allow", b.Allow}, {"Deny", b.Deny}} {
		if len(list.patterns) > maxBotPatterns {
			errs.add("Bots.%s: more than %d entries", list.name, maxBotPatterns)
		}
		for _, p := range list.patterns {
			if strings.Trim(p, "* ") == "" || len(p) > web.MaxUserAgent {
				errs.add("Bots.%s: %.40q is no part of a user agent, of at most %d bytes, with * for any text", list.name, p, web.MaxUserAgent)
			}
		}
	}
	return errors.Join(errs...)
}
