package goaltrack

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/internal/ahead"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/fair"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/script"
	"github.com/goaltrack/goaltrack/rule"
)

// What the script of a page tells goes the way of a request, through package page. An
// example:
//
//	rules    DEMO_CLICKED: click "#hero a.demo", on /products/{id}
//	visitor  has the browser ID 9f..., and looks at /products/7
//	click    POST /goals/e/c {"g":"DEMO_CLICKED","i":"1b...","u":"/products/7"}. Package
//	         page looks at the form of it, and calls Tell.
//	Tell     finds the rule, asks the gate as for the page itself, and whether the visitor
//	         tells too much, or this for a second time. Then it raises the goal on the
//	         request, whose handler answers 204: count:, cookies and queue are as ever.
//	shown    {"g":"","i":"2c...","u":"/pricing"}. If the page was fetched ahead, what it
//	         counts is let go of (ahead.go). If this process has shown it, it has counted
//	         already. Else a cache answered, and it counts as a 304 would: by the rules for
//	         visits.
//
// What always holds:
//
//  1. Nothing that the script says is believed but that it happened: the page decides no
//     value, no currency and no identity.
//  2. A name that no rule has is counted under one reason, and kept nowhere.
//  3. A page that the server has shown does not count again, and neither does one of which
//     that is not known for sure.

// inPage is a Tracker as package page sees it.
type inPage Tracker

func init() {
	script.Serve(func(tracker any) script.Tracker {
		t, _ := tracker.(*Tracker)
		return (*inPage)(t)
	})
}

// scripts is what a tracker with package page remembers.
type scripts struct {
	own       []string // the paths that are package page's
	visitors  *fair.Pace
	networks  *fair.Pace
	once      *script.Once
	sightings *script.Sightings
	goals     script.Goals
}

// The bounds of what scripts may tell. Package fair gives each a quarter.
const (
	beaconsPerVisitor = 4 * 10 // a second
	beaconsAtOnce     = 4 * 30
	beaconsPerNetwork = 4 * 50
	beaconsOfNetwork  = 4 * 200 // at once
)

// owns reports whether a path is package page's.
func (sc *scripts) owns(path string) bool {
	return slices.ContainsFunc(sc.own, func(own string) bool { return urlpath.IsOrBelow(path, own) })
}

// Own implements [script.Tracker].
func (p *inPage) Own(path string) {
	for {
		before := p.scripts.Load()
		sc := &scripts{
			visitors: fair.NewPace(beaconsPerVisitor, beaconsAtOnce), networks: fair.NewPace(beaconsPerNetwork, beaconsOfNetwork),
			once: script.NewOnce(), sightings: script.NewSightings(),
		}
		if before != nil && before.owns(path) {
			return
		}
		if before != nil {
			sc.own = slices.Clone(before.own)
		}
		sc.own = append(sc.own, path)
		if p.scripts.CompareAndSwap(before, sc) {
			return
		}
	}
}

// Derive implements [script.Tracker].
func (p *inPage) Derive(purpose string) (made [8]byte, ok bool) {
	if len(p.config.Keys) == 0 {
		return made, false
	}
	mac := hmac.New(sha256.New, p.config.Keys[0].Hash)
	_, _ = mac.Write([]byte("goaltrack " + purpose))
	copy(made[:], mac.Sum(nil))
	return made, true
}

// Environment implements [script.Tracker].
func (p *inPage) Environment() string {
	var text strings.Builder
	text.WriteString(strconv.Quote(p.config.Env))
	for _, s := range p.sites {
		fmt.Fprintf(&text, " %+v", s.CDP)
	}
	return text.String()
}

// Host implements [script.Tracker].
func (p *inPage) Host(r *http.Request) string { return (*Tracker)(p).host(r) }

// Note implements [script.Tracker].
func (p *inPage) Note(reason string) { p.ledger.note(reason) }

// Several implements [script.Tracker].
func (p *inPage) Several() {
	p.config.Logger.Warn("goaltrack: several processes serve the pages of one visitor; pages that a cache answered do not count from now on (page_unsure)")
}

// Page implements [script.Tracker].
func (p *inPage) Page(r *http.Request, whole bool) (l script.Look) {
	t := (*Tracker)(p)
	defer t.recovered("page", func() { l = script.Look{} })
	rules, host, path := t.rules.Load(), t.host(r), t.path(r)
	if t.siteOf(host, path) == nil && !whole {
		return l
	}
	e := t.gate(r, path)
	e.absent = e.looking().absent // the script waits until the page is shown
	l = script.Look{Rules: rules, Asked: t.config.Consent != nil, GPC: t.config.GPC == GPCRefuse, OptOut: t.config.OptOutCookie, Prefix: t.prefix(r)}
	admits := func(g *rule.Cause) bool {
		f, waits := e.admits(g)
		return f == allowed && !waits
	}
	goals := &t.scripts.Load().goals
	if whole {
		l.Goals = goals.Where(rules, host, "", t.config.Env, admits)
		l.Visits = goals.Visits(rules) && e.mayCount(rules)
	} else {
		l.Goals = goals.Where(rules, host, path, t.config.Env, admits)
		l.Visits = slices.ContainsFunc(rules.Find(http.MethodGet, path, t.config.Env, nil), func(g *rule.Cause) bool { return g.IsPage() && admits(g) })
	}
	l.Shown = l.Visits || (t.config.Views == ViewsServer || t.config.Report != nil) && e.fate(consent.All) == allowed
	return l
}

// Tell implements [script.Tracker].
func (p *inPage) Tell(w http.ResponseWriter, r *http.Request, m *script.Message) {
	t := (*Tracker)(p)
	b := newBeacon(t, r, m)
	tr := b.follow()
	if tr == nil {
		noContent(w, r)
		return
	}
	if tr.told.ended {
		tr.pass(w, http.HandlerFunc(noContent))
		return
	}
	tr.serve(w, http.HandlerFunc(noContent))
}

// noContent answers what a script told.
func noContent(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// newBeacon makes the request as it would have been for the page itself. Its header is that
// of the request, but for a page that is shown.
func newBeacon(t *Tracker, r *http.Request, m *script.Message) *beacon {
	b := &beacon{Message: m, t: t, r: r, asked: *r, address: url.URL{Path: m.Path, RawQuery: m.Query}}
	page := &b.asked
	b.page = page
	page.Method, page.Body, page.ContentLength = http.MethodGet, http.NoBody, 0
	page.RequestURI = m.Path
	page.URL = &b.address
	if strings.Contains(m.Path, "%") {
		if path, err := url.PathUnescape(m.Path); err == nil {
			page.URL.Path, page.URL.RawPath = path, m.Path
		}
	}
	if m.Goal != "" {
		return b
	}
	page.Header = make(http.Header, len(r.Header))
	for name, lines := range r.Header {
		switch name {
		case "Referer", "Origin", "Content-Type", "Content-Length", "Accept":
		default:
			page.Header[name] = lines
		}
	}
	maps.Copy(page.Header, goesToPage)
	return b
}

// goesToPage is what a browser says when a person goes to a page.
var goesToPage = map[string][]string{"Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"}, "Accept": {"text/html"}}

// beacon is what a script tells, on its way.
type beacon struct {
	*script.Message
	t    *Tracker
	r    *http.Request
	page *http.Request // as if it were for the page: asked

	asked   http.Request
	address url.URL // of asked
}

// follow makes the request of it, with what counts; nil if nothing does.
func (b *beacon) follow() (tr *tracked) {
	t := b.t
	defer t.recovered("page", func() { tr = nil })
	path := t.path(b.page)
	s := t.siteOf(t.host(b.r), path)
	if s == nil {
		t.ledger.note("page_no_site")
		return nil
	}
	e := t.gate(b.page, path)
	e.heldBy = "" // a script tells nothing before the visitor agreed
	if b.Goal == "" {
		return b.shown(s, &e)
	}
	return b.happened(s, &e, path)
}

// happened is for a goal that happened in the page.
func (b *beacon) happened(s *site, e *entry, path string) *tracked {
	t, rules := b.t, b.t.rules.Load()
	tr := t.track(s, b.page, path, rules)
	tr.watched = t.watch(e.cookies)
	tr.x = *tr.x.Telling(b.Told(path))
	g, reason := rules.Reported(&tr.x, b.Goal)
	if g == nil {
		t.ledger.note(reason.String())
		return nil
	}
	tr.entry, tr.unasked = *e, e.fate(consent.All)
	f := fateOf(reason)
	if f == fired {
		f = e.fate(g.Terms().Need)
		if f != fired {
			return t.refuse(b.page, s, rules, e, []*rule.Cause{g})
		}
		f = b.bounds(s, e)
	}
	if f != fired {
		tr.decide(g, f, "")
		tr.showWatched()
		return nil
	}
	tr.admit(b.page, e)
	tr.stranger = false // by Origin or Sec-Fetch-Site, a page of the site sent it
	tr.x.Consider(g)    // so that what the rule reads is kept
	tr.told.seldomLocked().raised = []raised{{cause: g}}
	return tr
}

// bounds says whether the visitor tells too much, or something for the second time.
func (b *beacon) bounds(s *site, e *entry) fate {
	t := b.t
	sc, w := t.scripts.Load(), fair.Who{Visitor: t.names.Visitor(s.visitorOf(e.cookies).id), Network: t.network(b.r)}
	switch {
	case !sc.networks.Take(w.Network, true), !sc.visitors.Take(w.Name(), true):
		return fateTooFast
	case !sc.once.Meet(w, t.names.Visitor(b.ID)):
		return fateRepeated
	}
	return fired
}

// shown is for the page itself, which is shown.
func (b *beacon) shown(s *site, e *entry) *tracked {
	t, rules := b.t, b.t.rules.Load()
	if !e.mayCount(rules) {
		return nil // a page by itself is no goal of which anybody asks why it did not count
	}
	if f := b.bounds(s, e); f != fired {
		t.ledger.note(f.String())
		return nil
	}
	k, network := ahead.Key{Visitor: t.visitorAhead(s, e.cookies), Page: t.pageAhead(b.page)}, t.network(b.r)
	// If another process has named its script, the browser may have asked that one for the page,
	// though this one knows of a copy.
	if k.Visitor != 0 && !b.Another && !t.watch(e.cookies).Dry() && t.ahead.Tells(k) {
		return b.release(s, e, k)
	}
	sc := t.scripts.Load()
	was, sure := sc.sightings.Take(sighting(k, network))
	if b.Soft {
		return nil // the server was asked for it, or will be
	}
	if !was && k.Visitor != 0 { // they may have got their ID since
		var also bool
		was, also = sc.sightings.Take(sighting(ahead.Key{Page: k.Page}, network))
		sure = sure && also
	}
	switch {
	case was:
		return nil
	case !sure, b.Elsewhere:
		t.ledger.note("page_unsure")
		return nil
	}
	tr := t.interest(b.page, http.HandlerFunc(noContent))
	if tr != nil {
		tr.cached = true
	}
	return tr
}

// release lets go of what a page counts that was fetched ahead.
func (b *beacon) release(s *site, e *entry, k ahead.Key) *tracked {
	t := b.t
	f := t.aheadRoleOf(s, b.page, e, clues{from: k.Page, surely: true, aside: true}, nil)
	if f == nil {
		return nil // it is still being fetched, and counts when it is there
	}
	tr := t.track(s, b.page, t.path(b.page), t.rules.Load())
	tr.admit(b.page, e)
	tr.ahead, tr.script = f, true
	return tr
}

// sighting is a page that a visitor from a network was shown.
func sighting(k ahead.Key, network uint64) (w fair.Who, page uint64) {
	return fair.Who{Visitor: uint64(k.Visitor), Network: network}, uint64(k.Page)
}

// noteShownLocked notes that the server shows a page, before the browser has any of it.
func (tr *tracked) noteShownLocked() {
	sc := tr.t.scripts.Load()
	if sc == nil || !tr.navigation || tr.cached || tr.entry.absent == fatePrefetch ||
		tr.status != http.StatusOK && tr.status != http.StatusNotModified {
		return
	}
	k := ahead.Key{Page: tr.t.pageAhead(tr.r)}
	if tr.told.id != "" {
		k.Visitor = tr.t.ahead.VisitorOf(tr.site.cookie.name, tr.told.id)
	}
	sc.sightings.Note(sighting(k, tr.networkLocked()))
}

// noteRefused notes that the server shows a page to somebody who may not be counted.
// Nothing else is kept of them. If they agree on this page, it still does not count, because
// it was shown before they did.
func (t *Tracker) noteRefused(r *http.Request, f fate) {
	if sc := t.scripts.Load(); sc != nil && (f == fateConsentUnknown || f == fateConsentRefused) {
		sc.sightings.Note(sighting(ahead.Key{Page: t.pageAhead(r)}, t.network(r)))
	}
}

// close forgets who told something.
func (sc *scripts) close() {
	if sc != nil {
		sc.visitors.Close()
		sc.networks.Close()
	}
}
