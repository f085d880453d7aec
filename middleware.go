package goaltrack

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/internal/caching"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/navigation"
	"github.com/goaltrack/goaltrack/internal/tap"
	"github.com/goaltrack/goaltrack/internal/watched"
	"github.com/goaltrack/goaltrack/rule"
)

// The way of a request, and where each step is written down:
//
//  1. Candidates: the goals whose path and method match, and whether a person goes to
//     a page (address.go; package rule finds the goals).
//  2. Nobody is interested: the handler gets writer and request untouched.
//  3. The gate: opt-out, GPC, machines, colleagues, consent, prefetch. Whoever may
//     not be counted gets a reason with a name (gate.go, consent.go and the
//     files after it). What is fetched ahead may count when it is shown (ahead.go).
//  4. The visit: the browser ID of the cookie, and the visit cookie (track.go,
//     cookie.go).
//  5. The handler runs, with a writer that is watched, and a body that is copied if
//     a goal reads it (track.go). It may speak to the Tracker (handler_api.go).
//  6. Header commit: what can be decided is decided while cookies can still be set
//     (decide.go, cookie_commit.go, past.go, count_commit.go). What earlier requests left
//     to wait is sent, if this one says that it may.
//  7. The handler has returned normally: the rest is decided, and the events are
//     handed to the queue (emit.go, views.go, sender.go). Nothing waits for the CDP.

// Handler wraps a handler: a whole site or one route. As a method value it is a
// middleware for gorilla/mux, and for every router that takes
// func(http.Handler) http.Handler.
//
// If no rule can match a request, the handler gets the writer and the request
// untouched. If a request is decided before the handler runs, such as a bot's,
// the writer stays untouched. A request that passes two Handlers counts once.
// The inner one then learns the route that a router between them chose.
//
// Put Handler outside of whatever reads the body, such as CSRF protection. If
// something outside has read a body, the tracker can see it only as a form that
// net/http has parsed.
func (t *Tracker) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch tr := t.interest(r, next); {
		case tr == nil:
			next.ServeHTTP(w, r)
		case tr.told.ended:
			tr.pass(w, next)
		default:
			tr.serve(w, next)
		}
	})
}

// interest is what there is to do before the handler runs: steps 1 to 4. It
// returns nil if the request concerns nobody, and the request then goes on
// untouched. If all goals of a request are decided before the handler runs, it
// is accounted for here and marked as ended. So the same tracker, mounted
// further in, does not count it again.
func (t *Tracker) interest(r *http.Request, next http.Handler) (tr *tracked) {
	defer t.recovered("request", func() { tr = nil })

	// 1. Candidates.
	rules := t.rules.Load()
	path, other := t.paths(r)
	segments := path
	if r.URL.RawPath != "" { // rare
		segments = t.segments(r, path, next)
	}
	var found [9]*rule.Cause // room for most requests' candidates
	goals := rules.Find(r.Method, segments, t.config.Env, found[:0])
	switch {
	case other != "":
		goals = t.findOther(rules, r, other, goals)
	case r.URL.RawPath != "" && len(goals) == 0 && segments == path:
		t.noteSlash(r, rules)
	}
	goes := (len(goals) > 0 || t.wantsPages()) && navigation.Is(r)
	soft := r.Method == http.MethodGet && (len(goals) > 0 || t.config.Views == ViewsServer) &&
		(navigation.IsSoft(r.Header, t.askedPath(r), r.URL.RawQuery) || !goes && navigation.IsFetchedAhead(r.Header))
	toPage := goes || soft

	// 2. Nobody is interested.
	clues := t.cluesOf(r, toPage)
	clues.aside = len(goals) == 0 && !toPage
	if clues.aside && clues.from == 0 && (t.config.Preview == nil || !t.isWatchedForm(r)) {
		return nil
	}
	if sc := t.scripts.Load(); sc != nil && sc.owns(r.URL.Path) {
		return nil
	}
	if outer := t.trackedOf(r); outer != nil {
		outer.told.meet(r)
		return nil
	}
	return t.enter(r, &aim{rules: rules, path: path, other: other, segments: segments, soft: soft, toPage: toPage, clues: clues}, goals)
}

// aim is what a request is for, by its address and by what the browser says.
type aim struct {
	rules    *Rules // in force when it came
	path     string // as rules see it
	other    string // the path that it may be for in its place, "" for none
	segments string // the path by which goals are found
	soft     bool   // a script may have fetched the page
	toPage   bool   // a person goes to a page
	clues    clues
}

// enter is steps 3 and 4, for a request that may concern somebody. Most requests never come
// to it. So it is not a part of interest, whose stack every request pays for. The
// candidates are not a part of aim, because their room would then be on the heap.
func (t *Tracker) enter(r *http.Request, a *aim, goals []*rule.Cause) *tracked {
	s := t.siteOf(t.host(r), a.path)
	if s == nil {
		return nil
	}
	rules, toPage := a.rules, a.toPage
	views := t.config.Views == ViewsServer
	if toPage && views {
		goals = slices.Insert(goals, 0, rule.View)
	}

	// 3. The gate.
	e := t.gate(r, a.path)
	watched := t.watch(e.cookies)
	if watched.Dry() {
		e.heldBy = "" // nothing is held, and nothing let go
	}
	releases := t.applyAnswer(s, &e)
	var ahead *aheadRole
	if !watched.Dry() {
		ahead = t.aheadRoleOf(s, r, &e, a.clues, goals)
	}
	open := releases || ahead != nil || toPage && e.fate(consent.All) == allowed && t.wantsPages()
	if !open && !e.admitsAny(goals) {
		return t.turnAway(r, s, a, &e, watched, goals)
	}

	// 4. The visit.
	tr := t.track(s, r, a.segments, rules)
	tr.watched = watched
	tr.admit(r, &e)
	tr.navigation, tr.soft, tr.releases, tr.ahead = toPage, a.soft, releases, ahead
	if toPage && (views || tr.facts != nil) {
		tr.askedFor(r)
	}
	if a.soft || a.other != "" {
		tr.x.Fetched(a.soft, a.other)
	}
	if toPage && tr.facts != nil {
		tr.x.Consider(rule.View) // whether it is a page is asked in the end
	}
	tr.candidates = tr.inline[:0]
	for _, g := range goals {
		open = tr.consider(g) || open
	}
	if !open {
		tr.told.cookieless = true
		tr.noteOpenLocked()
		tr.end(fired) // every candidate has its reason already
	}
	return tr
}

// turnAway is for a request of which the gate lets nothing through.
func (t *Tracker) turnAway(r *http.Request, s *site, a *aim, e *entry, watched *watched.Request, goals []*rule.Cause) *tracked {
	if watched != nil && (!a.clues.aside || t.isWatchedForm(r)) {
		t.track(s, r, a.segments, a.rules).showRefused(watched, e, goals)
	}
	if a.clues.aside {
		return nil
	}
	if watched.Dry() {
		return t.refuseDry(r, s, a.rules, e, goals, a.toPage)
	}
	if a.toPage {
		t.reportPageRefused(s, e.fate(consent.All))
		t.noteRefused(r, e.fate(consent.All))
	}
	return t.refuse(r, s, a.rules, e, goals)
}

// consider adds a goal to the candidates and reports whether it may count.
func (tr *tracked) consider(g *rule.Cause) bool {
	c := candidate{cause: g}
	if c.early, c.waits = tr.entry.admits(g); c.early == allowed {
		if r := tr.x.Consider(g); r != rule.Fires {
			tr.refusedEarly(&c, r)
		}
	}
	tr.candidates = append(tr.candidates, c)
	return c.early == allowed
}

// refusedEarly notes why the rule of a candidate does not hold, whatever the answer will be.
func (tr *tracked) refusedEarly(c *candidate, r rule.Reason) {
	c.early = fateOf(r)
	if m, ok := tr.x.Missed(r); ok && !c.waits {
		c.miss = &m
	}
	tr.explain(c.cause, c.early)
	if c.waits && tr.ahead.fetches() {
		c.early = fatePrefetch // nobody looks, and that goes before what the rule says
	}
}

// refuse accounts for a request that the gate keeps from counting. Nothing is
// kept of it, not even the visitor's ID.
func (t *Tracker) refuse(r *http.Request, s *site, rules *Rules, e *entry, goals []*rule.Cause) *tracked {
	for i, g := range goals {
		if !slices.ContainsFunc(goals[:i], g.SameGoal) {
			f, _ := e.admits(g)
			t.ledger.decide(time.Now(), g.Name(), f, "", "")
			t.reportRefused(s, g, f)
			t.firsts.log(f, t.config.Logger)
		}
	}
	tr := new(tracked)
	tr.t, tr.r, tr.rules, tr.entry, tr.unasked = t, r, rules, *e, e.fate(consent.All)
	tr.told.ended, tr.told.cookieless = true, true
	if !t.config.DryRun && e.withdraws(rules) && s.sends(e.cookies) {
		tr.withdrawal = s
	}
	return tr
}

// refuseDry is refuse for a request that somebody only looks at: it counts for nothing, and
// changes no cookie.
func (t *Tracker) refuseDry(r *http.Request, s *site, rules *Rules, e *entry, goals []*rule.Cause, toPage bool) *tracked {
	seen := *e
	seen.no = fatePreview
	if toPage {
		t.reportPageRefused(s, fatePreview)
	}
	tr := t.refuse(r, s, rules, &seen, goals)
	tr.withdrawal = nil
	return tr
}

// wantsPages reports whether pages matter even without a goal.
func (t *Tracker) wantsPages() bool {
	return !t.config.DryRun && t.config.Cookie.Create != CreateGoal || t.config.Views == ViewsServer || t.holds.Any() || t.config.Report != nil || t.config.Preview != nil
}

// pass runs the handler of a request that is decided already, with its own
// writer.
func (tr *tracked) pass(w http.ResponseWriter, next http.Handler) {
	r := tr.mark()
	defer tap.CopyBack(&tr.context, r, tr.r)
	if tr.withdrawal == nil {
		next.ServeHTTP(w, r)
		return
	}
	tr.rec.Init(w, tr.r, (*withdrawal)(tr))
	next.ServeHTTP(tr.rec.Writer(), r)
	tr.rec.Finish()
}

// serve is step 5: it runs the handler. A panic of the handler's, http.ErrAbortHandler
// among them, goes through untouched; nothing of this request is sent then.
func (tr *tracked) serve(w http.ResponseWriter, next http.Handler) {
	tr.rec.Init(w, tr.r, tr)
	r := tr.mark()
	tr.teeForm(r)
	returned := false
	defer func() {
		tap.CopyBack(&tr.context, r, tr.r)
		defer tr.giveBack() // last, and even if end fails: end reads the form and uses the places
		if !returned {
			tr.end(fatePanicked)
		}
	}()
	next.ServeHTTP(tr.rec.Writer(), r)
	returned = true
	if tr.unanswered = tr.leftUnanswered(); tr.unanswered {
		// The header is somebody else's, and may become that of an error, even
		// if it is written by way of the recorder.
		tr.rec.Mute()
		tr.told.mu.Lock()
		tr.told.cookieless = true
		tr.told.mu.Unlock()
	} else {
		tr.rec.Finish()
	}
	tr.conclude()
	tr.t.await(context.Background(), tr.awaited)
}

// BeforeHeader is step 6, the moment of truth: status and Location are known, and
// cookies can still be set. It implements [tap.Hook].
//
// The order matters. The ID comes first, as all that follows is sent for it. Then what was
// held until the visitor agreed, and what is shown that was fetched ahead: both happened
// before this request. Then the visit cookie, which has to hold what these counted. With
// DryRun there is no queue that they could go to, and for a dry preview enter has neither.
func (tr *tracked) BeforeHeader(status int) {
	defer tr.t.recovered("header", func() {})
	h := tr.rec.Header()
	tr.told.mu.Lock()
	defer tr.told.mu.Unlock()
	tr.status = status
	if tr.cached {
		status = http.StatusNotModified // which says to browsers that they show a copy
	}
	restarts := len(h["Critical-Ch"]) > 0 && tr.restartsLocked(h)
	kept := tr.x.Answered(status, h, restarts, tr.routeNow)
	if kept == nil {
		kept = tr.readPage(h)
	}
	tr.rec.Keep(kept)
	if restarts {
		defer func() { tr.t.hintless.Add(tr.told.id) }() // who may be new
	}
	if tr.x.AwaitsType() {
		if kind := tr.beginsAs(); kind != "" {
			tr.x.Typed(kind)
		} else {
			tr.rec.Sniff()
		}
	}
	tr.x.Set(tr.told.saidLocked().app)
	tr.told.committed = true
	if tr.ahead.isAside() && !tr.releases {
		tr.showLocked()
		return
	}
	if tr.releases || tr.showsPage() || !tr.told.recognised && tr.mayFireLocked(true) {
		tr.recogniseLateLocked()
	}
	dry := tr.isDry()
	if dry {
		tr.store = caching.Of(status, h)
		tr.told.assumed = tr.told.recognised && tr.keepsIDLocked() && tr.wantsIDLocked()
	} else {
		tr.setCookiesLocked(h)
	}
	tr.noteShownLocked()
	tr.releaseLocked()
	tr.showLocked()
	tr.noteOpenLocked()
	if !dry {
		tr.keepVisitLocked(h)
		tr.dropVisitLocked(h)
	}
}

// beginsAs is the answer's type, if its first bytes tell it. Known now, a page or a file can
// still be counted in the cookie.
func (tr *tracked) beginsAs() string {
	if !tr.rules.Past().Used {
		return ""
	}
	return tr.rec.BeginsAs()
}

// conclude is step 7: it decides, after the handler returned normally, and hands
// the events over. It must not wait: the client may not have its answer yet.
func (tr *tracked) conclude() {
	defer tr.t.recovered("conclusion", func() {})
	if errors.Is(tr.r.Context().Err(), context.DeadlineExceeded) {
		tr.end(fateTimedOut) // an http.TimeoutHandler around us has answered in our place
		return
	}
	tr.endTelling()
	if tr.rec.Hijacked() {
		tr.endAnswered(fateHijacked)
		return
	}
	if tr.x.AwaitsType() {
		tr.x.Typed(tr.rec.ContentType())
	}
	tr.sealForm()
	tr.endAnswered(fired)
}
