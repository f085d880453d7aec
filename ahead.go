package goaltrack

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/agent"
	"github.com/goaltrack/goaltrack/internal/ahead"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/navigation"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// A page that a browser fetches before anybody looks at it is no visit, and has the
// reason prefetch. If it is shown later, most browsers do not ask for it again. So what
// it would count is kept for five minutes, and counts when something tells that it is
// shown. An example:
//
//	rules    PRICING_VIEWED: visit /pricing
//	visitor  has the browser ID 9f..., and looks at /home
//	fetch    GET /pricing, Sec-Purpose: prefetch, from /home. fetchAhead finds who it
//	         is; the gate lets everything through but for the prefetch. The handler
//	         runs, the rule holds, and keepAhead keeps the event. The decision is
//	         "prefetch".
//	click    The browser shows its copy, and asks for nothing.
//	file     GET /a.css, Referer: /pricing, without Sec-Purpose. cluesOf finds the page
//	         in Referer. With the header, showLocked sends PRICING_VIEWED. That is a
//	         decision of its own: "fired".
//	or       GET /pricing without Sec-Purpose: the browser did not use its copy. What
//	         was kept is dropped, and this request counts.
//	or       Nothing for five minutes: nobody looked. "prefetch" was all.
//
// What always holds:
//
//  1. Nothing is kept of a visitor who may not be counted, nor of one whom no cookie
//     tells apart. When it is to count, the gate is asked again.
//  2. One page that was shown counts once, however many requests tell of it.
//  3. A page that was fetched from itself is not kept, as a link to the home page on the
//     home page: what names it as Referer tells nothing. Neither does it of a page that the
//     visitor has open in another tab; only the page's own script does, then.
//  4. The answer to a file carries no cookie for it. What count: has to remember is
//     remembered by this process, and by the visit cookie from the next page on.

// keptGoal is what one goal counts when a page is shown that was fetched ahead.
type keptGoal struct {
	cause     *rule.Cause
	event     cdp.Event
	path      string // of the page
	identity  *cdp.Event
	counted   visit.Counted
	items     []uint32 // that its event names of the cart
	userAgent string
	rules     string
	fact      *fact.Fact // what a report is told
}

// keptPage is what a page counts that was fetched ahead.
type keptPage struct {
	site  *site
	goals []keptGoal
	visit *fact.Fact // what a report is told of the page
	from  ahead.Page // the page that it takes the place of, 0 if nothing is sure of it
}

// clues are what a request tells of pages that were fetched ahead. The zero value is nothing.
type clues struct {
	from   ahead.Page // it was made on this page, so that somebody looks at it
	surely bool       // at the copy that was fetched ahead, and not in another tab
	to     ahead.Page // it is for this page, so that it counts by itself
	aside  bool       // it is for nothing that counts
}

// aheadRole is what a request has to do with pages that were fetched ahead.
type aheadRole struct {
	shows      ahead.Key              // this page is shown
	owesCookie bool                   // the visitor is to get the visit cookie, for what counted with a file
	aside      bool                   // the request is for nothing else that counts
	fetch      *ahead.Fetch[keptPage] // the request's own page is fetched ahead
	keeps      keptPage               // what that counts when it is shown
}

// tells reports whether something counts with this request that was fetched ahead.
func (f *aheadRole) tells() bool { return f != nil && (f.owesCookie || f.shows != (ahead.Key{})) }

// fetches reports whether what this request counts is kept.
func (f *aheadRole) fetches() bool { return f != nil && f.fetch != nil }

// isAside reports whether the request only tells of another page.
func (f *aheadRole) isAside() bool { return f != nil && f.aside }

// showsPage reports whether the request's answer is looked at, and tells that another
// page was.
func (tr *tracked) showsPage() bool { return tr.ahead.tells() && tr.entry.absent == allowed }

// cluesOf looks whether a request tells of a page that somebody fetched ahead. A
// prerendered page fetches its files ahead, too, and says so.
func (t *Tracker) cluesOf(r *http.Request, goesToPage bool) (c clues) {
	if !t.ahead.Any() {
		return c // the usual case
	}
	return t.cluesOfAny(r, goesToPage)
}

// cluesOfAny is cluesOf while pages wait that were fetched ahead.
func (t *Tracker) cluesOfAny(r *http.Request, goesToPage bool) (c clues) {
	if navigation.IsPrefetch(r.Header) {
		return c
	}
	if c.from = t.refererAhead(r); c.from != 0 && !t.ahead.Has(c.from) {
		c.from = 0
	}
	if goesToPage && !navigation.IsSoftPrefetch(r.Header) {
		if c.to = t.pageAhead(r); c.to == c.from || !t.ahead.Has(c.to) && !t.ahead.Has(t.owedCookie()) {
			c.to = 0
		}
	}
	return c
}

// owedCookie stands for the visit cookie that a visitor is to get with their next page.
func (t *Tracker) owedCookie() ahead.Page { return t.ahead.PageOf("", "", "") }

// visitorAhead is who sent a request, 0 if no cookie of ours tells.
func (t *Tracker) visitorAhead(s *site, sent web.Cookies) ahead.Visitor {
	if id := s.visitorOf(sent).id; id != "" {
		return t.ahead.VisitorOf(s.cookie.name, id)
	}
	if _, sealed, ok := visit.Split(s.visits.Find(sent)[0]); ok {
		return t.ahead.VisitorOf(s.visits.Name, sealed)
	}
	return 0
}

// fetchAhead begins to keep what the pages of a request count that was made ahead, if
// only that is against it. It is nil if nothing may be kept.
func (t *Tracker) fetchAhead(s *site, r *http.Request, e *entry, goals []*rule.Cause, aside bool) *ahead.Fetch[keptPage] {
	counted := s.facts.Sink != nil && !aside && e.fate(consent.All) == fatePrefetch // the page itself, in a report
	if e.absent != fatePrefetch || !counted && !slices.ContainsFunc(goals, e.awaitsSight) {
		return nil
	}
	page := t.pageAhead(r)
	who := t.visitorAhead(s, e.cookies)
	if who == 0 || page == t.refererAhead(r) || e.agent == agent.Machine {
		return nil
	}
	return t.ahead.Begin(ahead.Key{Visitor: who, Page: page}, t.network(r))
}

// aheadRoleOf finds out what a request has to do with pages that were fetched ahead; nil is
// nothing. It begins to keep a page that is fetched ahead, and e learns whether goals of the
// request may be kept.
func (t *Tracker) aheadRoleOf(s *site, r *http.Request, e *entry, c clues, goals []*rule.Cause) *aheadRole {
	if c.from|c.to == 0 && e.absent != fatePrefetch {
		return nil // the usual case
	}
	f := &aheadRole{aside: c.aside}
	f.shows, f.owesCookie = t.takeShown(s, e, c)
	f.fetch = t.fetchAhead(s, r, e, goals, c.aside)
	if e.ahead = f.fetch != nil; !e.ahead && !f.tells() {
		return nil
	}
	if e.ahead && navigation.Replaces(r.Header) {
		f.keeps.from = t.refererAhead(r)
	}
	return f
}

// takeShown finds the page that is shown by what a request tells. The page that the request is
// for is kept no more, since it counts by itself; nor is the visit cookie that was owed.
func (t *Tracker) takeShown(s *site, e *entry, c clues) (shows ahead.Key, owesCookie bool) {
	if !e.looking().mayCount(t.rules.Load()) || e.absent == fatePrefetch && e.agent == agent.Machine {
		return shows, false
	}
	who := t.visitorAhead(s, e.cookies)
	if who == 0 {
		return shows, false
	}
	if k := (ahead.Key{Visitor: who, Page: c.from}); c.from != 0 && t.ahead.Shows(k, c.surely) {
		shows = k
	}
	if c.to != 0 {
		t.ahead.Drop(ahead.Key{Visitor: who, Page: c.to})
		_, owesCookie = t.ahead.Show(ahead.Key{Visitor: who, Page: t.owedCookie()})
	}
	return shows, owesCookie
}

// keepAhead keeps the event of a goal until the page is shown.
func (tr *tracked) keepAhead(g *rule.Cause) {
	tr.told.mu.Lock()
	tr.recogniseLateLocked()
	tr.told.mu.Unlock()
	var e cdp.Event
	if tr.eventOfLocked(&e, g, nil, tr.t.ledger.note) != fired {
		return
	}
	identity, f := tr.identityOf(g, nil, &e)
	if f != fired {
		return
	}
	name, r := g.Counted(&tr.x, time.Now(), tr.site.zone)
	if r != rule.Fires {
		return
	}
	events.Detach(&e)
	if identity != nil {
		events.Detach(identity)
	}
	tr.facts.Sent(&e)
	tr.ahead.keeps.goals = append(tr.ahead.keeps.goals, keptGoal{
		cause: g, event: e, path: strings.Clone(tr.path), identity: identity, counted: name, items: g.CartItems(&tr.x),
		userAgent: strings.Clone(tr.entry.userAgent), rules: tr.rules.Hash(), fact: tr.factAhead(g),
	})
}

// endAhead is called when all goals of a request that was made ahead are decided.
func (tr *tracked) endAhead() {
	f := tr.ahead
	if !f.fetches() {
		return
	}
	defer f.fetch.Forget()
	if tr.facts != nil && tr.navigation {
		if r, _ := rule.View.Judge(&tr.x, false); r == rule.Fires {
			f.keeps.visit = tr.factAhead(rule.View)
		}
	}
	if len(f.keeps.goals) == 0 && f.keeps.visit == nil {
		return
	}
	f.keeps.site = tr.site
	size := heldExtra
	for i := range f.keeps.goals {
		one := &f.keeps.goals[i]
		size += heldExtra + len(one.event.AppendJSON(nil, tr.site.CDP))
		if one.identity != nil {
			size += heldExtra + len(one.identity.AppendJSON(nil, tr.site.CDP))
		}
	}
	if f.fetch.Hold(f.keeps, size) { // it was shown meanwhile
		tr.told.mu.Lock() // a goroutine of the handler may ask for the order key
		defer tr.told.mu.Unlock()
		tr.noteSightLocked(f.fetch.Key(), f.keeps.from)
		tr.sendShownLocked(f.keeps)
	}
}

// noteSightLocked notes that a page is open that was fetched ahead, and which one is not any
// more.
func (tr *tracked) noteSightLocked(k ahead.Key, instead ahead.Page) {
	tr.t.ahead.Opened(k, tr.networkLocked())
	if instead != 0 {
		tr.t.ahead.Left(ahead.Key{Visitor: k.Visitor, Page: instead})
	}
}

// noteOpenLocked notes that the visitor has a page open, if it is one that may count when it
// is fetched ahead. What names it as its Referer from then on may come from its tab.
func (tr *tracked) noteOpenLocked() {
	t, r := tr.t, tr.r
	counts, used := tr.mayCountAhead(), t.ahead.Used()
	if !counts && !used || !tr.opensPage() {
		return
	}
	who := tr.visitorAheadLocked()
	if who == 0 {
		return
	}
	page, from := tr.pageAhead(), ahead.Page(0)
	replaces := tr.soft && navigation.Replaces(r.Header)
	if (replaces || used) && !tr.cached {
		from = t.refererAhead(r)
	}
	switch {
	case from == 0:
	case replaces && from == page:
		return // the same page in the same tab
	case replaces:
		t.ahead.Left(ahead.Key{Visitor: who, Page: from})
	default:
		t.ahead.Lives(ahead.Key{Visitor: who, Page: from}, tr.networkLocked()) // the link may open another tab
	}
	if counts {
		t.ahead.Opened(ahead.Key{Visitor: who, Page: page}, tr.networkLocked())
	}
}

// mayCountAhead reports whether the page could be one of which something is kept.
func (tr *tracked) mayCountAhead() bool {
	if tr.facts != nil || tr.r.Method != http.MethodGet {
		return true
	}
	for i := range tr.candidates {
		if tr.candidates[i].cause.IsPage() {
			return true
		}
	}
	return false
}

// opensPage reports whether the visitor is shown the answer, in a tab or in a frame.
func (tr *tracked) opensPage() bool {
	switch tr.status {
	case 0, http.StatusOK, http.StatusNotModified: // 0 while it is not known
	default:
		if !tr.cached {
			return false
		}
	}
	return tr.entry.absent != fatePrefetch && (tr.navigation || navigation.ShowsDocument(tr.r.Header)) && tr.entry.mayCount(tr.rules)
}

// visitorAheadLocked is visitorAhead for a visitor who may have got their ID just now.
func (tr *tracked) visitorAheadLocked() ahead.Visitor {
	if tr.told.id != "" {
		return tr.t.ahead.VisitorOf(tr.site.cookie.name, tr.told.id)
	}
	return tr.t.visitorAhead(tr.site, tr.entry.cookies)
}

// heldExtra is what an event takes beside its text, roughly.
const heldExtra = 1 << 10

// showLocked sends what counts because the request tells that its page is shown, before
// anything of the request itself. If the visitor has no browser ID yet, and gets none
// with this answer, it waits for another one.
func (tr *tracked) showLocked() {
	if !tr.ahead.tells() {
		return
	}
	tr.recogniseLateLocked()
	if tr.ahead.owesCookie && tr.rules.Past().Used {
		p := tr.pastLocked()
		p.id = tr.told.id
		p.open(time.Now())
		p.released = true
	}
	if tr.told.id == "" && !tr.t.config.DryRun {
		return
	}
	if page, ok := tr.t.ahead.Show(tr.ahead.shows); ok {
		if sc := tr.t.scripts.Load(); sc != nil && !tr.script {
			sc.sightings.Note(sighting(tr.ahead.shows, tr.networkLocked())) // its script will say it, too
		}
		tr.noteSightLocked(tr.ahead.shows, page.from)
		tr.sendShownLocked(page)
	}
}

// sendShownLocked decides on the goals of a page that is shown, and sends them.
func (tr *tracked) sendShownLocked(page keptPage) {
	remembers := false
	page.site.reportShown(page.visit, tr.entry.looking().fate(consent.All), tr.told.id)
	for i := range page.goals {
		one := &page.goals[i]
		f := tr.entry.looking().fate(one.cause.Terms().Need)
		if f == fired {
			f = tr.sendOneShownLocked(page.site, one)
			remembers = remembers || f == fired && one.cause.Past().Remembered()
		}
		tr.t.ledger.decide(tr.now(), one.cause.Name(), f, tr.told.id, "fetched_ahead")
		page.site.reportShown(one.fact, f, tr.told.id)
	}
	switch {
	case !remembers:
	case tr.navigation && tr.entry.absent == allowed:
		tr.pastLocked().released = true
	default:
		if owed := tr.t.ahead.Begin(ahead.Key{Visitor: tr.t.visitorAhead(tr.site, tr.entry.cookies), Page: tr.t.owedCookie()}, tr.networkLocked()); owed != nil {
			owed.Hold(keptPage{}, heldExtra)
		}
	}
}

func (tr *tracked) sendOneShownLocked(s *site, one *keptGoal) (f fate) {
	defer tr.t.recovered("shown", func() { f = fateEventInvalid })
	tl := &tr.told
	send := func() fate {
		claim, f := tr.claimLocked(twinOf(one.cause, &one.event, one.path), 0)
		if f != fired {
			return f
		}
		of := guest{site: s, id: tl.id, key: tl.keyLocked(), network: tr.networkLocked(), userAgent: one.userAgent, rules: one.rules, at: tr.now()}
		if f = tr.t.enqueue(context.Background(), of, one.cause, parcel{&one.event, one.identity}, tr.awaits(), places{}); f != fired {
			claim.Withdraw()
		}
		return f
	}
	p := tr.pastLocked()
	if s != tr.site {
		p = &past{t: tr.t, site: s, asker: tr, needs: tr.rules.Past(), maybe: true}
	}
	p.id = tl.id
	return p.countLate(one.cause.Past(), one.counted, one.items, time.Now(), send)
}
