package goaltrack

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/navigation"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/tap"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
)

// tracked is one request on its way: what Handler knows about it and decides.
type tracked struct {
	t     *Tracker
	site  *site
	rules *Rules
	r     *http.Request
	rec   tap.Recorder
	tee   tap.Body
	x     exchange

	candidates []candidate
	inline     [3]candidate // room for most requests' candidates
	inlineVars [2]string    // and for most paths' variables
	context    requestContext
	entry      entry
	navigation bool     // a person went to a page
	gate       fate     // what entry says to what goaltrack does of its own accord
	releases   bool     // the visitor has agreed to what was held for him
	recognised bool     // the visitor's cookies were looked at
	cookies    []string // the request's, to look later
	withdrawal *site    // whose cookies are to be deleted: he said no, and his browser still sends them
	brought    brought  // what the visitor's cookies said
	secure     bool     // the browser would keep a Secure cookie
	cookieless bool     // no cookie can be set any more for whoever has none
	leaving    bool     // a goal with forget: is known to count
	store      storing  // what the answer says about caches
	withheld   bool     // the browser may have kept the visit cookie back
	past       past
	inner      *http.Request
	awaited    *deliver.Awaited // the request's events, with Delivery.Wait
	formType   string           // Content-Type of the form

	// mu guards what handlers reach through the Tracker's methods, which may
	// be called from goroutines of theirs.
	mu         sync.Mutex
	id         string // browser ID, "" while there is none
	orderKey   string // see key
	fresh      bool   // the ID was taken from the pool for this request
	committed  bool
	ended      bool // all is decided, which may be so before the handler runs
	route      route
	identities []cdp.Event // from Identify, to be sent before the goals
	raised     []raised
	confirmed  []string
	rejected   []string
	app        map[string]any
}

// candidate is a goal whose path and method match.
type candidate struct {
	trigger *trigger
	early   fate       // fired, or why it is known before the handler runs not to count
	failed  *condition // that did not hold early
	held    bool       // only the visitor's consent is missing
	counted bool       // it fired, so that alternatives of its goal need not
	ruling  ruling     // on its goal; see rulingOf
}

// The names under which page views and the handlers' own identities are counted.
const (
	viewGoal     = "VIEW"
	identityGoal = "IDENTITY"
)

var (
	viewTrigger     = &trigger{kind: triggerView}
	identityTrigger = &trigger{kind: triggerIdentity}
)

// trackedKey marks a request as seen, by each tracker for itself: two around
// one handler do not disturb each other.
type trackedKey struct{ t *Tracker }

// requestContext is the context of the request that the handler gets. It is a
// part of tracked, so that it needs no memory of its own.
type requestContext struct {
	context.Context
	tr *tracked
}

// Value implements [context.Context].
func (c *requestContext) Value(key any) any {
	if k, ok := key.(trackedKey); ok && k.t == c.tr.t {
		return c.tr
	}
	return c.Context.Value(key)
}

// trackedOf finds the request's tracked, if this tracker made one.
func (t *Tracker) trackedOf(r *http.Request) *tracked {
	tr, _ := r.Context().Value(trackedKey{t}).(*tracked)
	return tr
}

// interest decides whether the request concerns anybody. It returns nil if not,
// and the request then goes on untouched. A request whose goals are all
// decided before the handler has run is accounted for here and marked as ended,
// so that the same tracker mounted further in does not count it again.
func (t *Tracker) interest(r *http.Request) (tr *tracked) {
	defer t.recovered("request", func() { tr = nil })
	rules := t.rules.Load()
	path := t.path(r)
	var found [8]*trigger
	triggers := rules.index.Find(r.Method, path, found[:0])
	if rules.hasEnv {
		triggers = slices.DeleteFunc(triggers, func(g *trigger) bool { return !g.goal.hasEnv(t.config.Env) })
	}
	soft := r.Method == http.MethodGet && (len(triggers) > 0 || t.config.Views == ViewsServer) && navigation.IsSoft(r.Header, t.askedPath(r))
	pages := t.wantsPages()
	navigation := (pages || len(triggers) > 0) && (soft || navigation.Is(r))
	if len(triggers) == 0 && !navigation {
		return nil
	}
	if outer := t.trackedOf(r); outer != nil {
		outer.meet(r)
		return nil
	}
	s := t.siteOf(t.host(r), path)
	if s == nil {
		return nil
	}
	e := t.gate(r, path)
	releases := t.answered(s, &e)
	open := releases || pages && navigation && e.judge(consent.All) == fired
	if !open && !t.mayCount(&e, triggers, navigation) {
		return t.refuse(r, s, rules, &e, triggers, navigation)
	}
	tr = t.track(s, r, path, rules)
	tr.admit(r, &e)
	tr.navigation, tr.releases = navigation, releases
	tr.x.soft = soft
	tr.x.navigation = tr.x.navigation || soft
	tr.candidates = tr.inline[:0]
	if navigation && t.config.Views == ViewsServer {
		c := candidate{trigger: viewTrigger}
		c.early, c.held = viewTrigger.judgeGate(&e)
		open = open || c.early == fired
		tr.candidates = append(tr.candidates, c)
	}
	for _, g := range triggers {
		c := candidate{trigger: g}
		if c.early, c.held = g.judgeGate(&e); c.early == fired {
			tr.x.failed = nil
			c.early = fateOf(g.goal.judgeEarly(&tr.x))
			c.failed = tr.x.failed
		}
		open = open || c.early == fired
		tr.candidates = append(tr.candidates, c)
	}
	if !open {
		tr.cookieless = true
		tr.end(fired) // every candidate has its reason already
		return tr
	}
	tr.keepHeader()
	return tr
}

// track notes what is needed of a request, while nobody can have changed it.
func (t *Tracker) track(s *site, r *http.Request, path string, rules *Rules) *tracked {
	tr := &tracked{t: t, site: s, r: r, inner: r, rules: rules}
	x := &tr.x
	x.method, x.host, x.path, x.rawQuery, x.header = r.Method, t.host(r), path, r.URL.RawQuery, r.Header
	if t.config.Path == nil {
		x.requestURI = r.RequestURI
	}
	if x.prefix = t.prefix(r); x.prefix != "" && t.config.Path == nil {
		x.taken = urlpath.CutOff(urlpath.Normal(r.URL.Path), t.sitePath(r))
	}
	x.userAgent = userAgent(r)
	x.referer, _ = web.First(r.Header["Referer"])
	x.mobileHint, _ = web.First(r.Header["Sec-Ch-Ua-Mobile"])
	x.navigation, x.formFate = navigation.MayBePage(r.Header), pending
	x.vars = tr.inlineVars[:0]
	tr.cookies = r.Header["Cookie"]
	tr.past.t, tr.past.site = t, s
	return tr
}

// admit notes what the gate said, and who the visitor is if goaltrack may ask
// that of its own accord.
func (tr *tracked) admit(r *http.Request, e *entry) {
	tr.entry, tr.gate = *e, e.judge(consent.All)
	if tr.gate == fired {
		tr.recognise(r.Header)
	}
	tr.secure = tr.secure || isSecure(r, tr.x.host)
	tr.withheld = tr.rules.past.used && visit.IsWithheld(r, tr.x.host)
}

// recognise reads the cookies by which the visitor is known, once. That is an
// access to his device, so it is only done if something may count.
func (tr *tracked) recognise(h http.Header) {
	tr.recognised = true
	tr.brought = tr.site.visitorOf(h)
	tr.id = tr.brought.id
	tr.secure = tr.secure || tr.id != ""
	tr.lookBack(h)
}

// recogniseLate is recognise for a goal that fires where goaltrack may do nothing
// of its own accord. The handler has the request's header by then. tr.mu is held.
func (tr *tracked) recogniseLate() {
	if !tr.recognised {
		tr.recognise(http.Header{"Cookie": tr.cookies})
	}
}

// wantsPages reports whether pages matter even without a goal.
func (t *Tracker) wantsPages() bool {
	return !t.config.DryRun && t.config.Cookie.Create != CreateGoal || t.config.Views == ViewsServer || t.holds.any()
}

// refuse accounts for a request that the gate keeps from counting. Nothing is
// kept of it, not even the visitor's ID.
func (t *Tracker) refuse(r *http.Request, s *site, rules *Rules, e *entry, triggers []*trigger, navigation bool) *tracked {
	for i, g := range triggers {
		if !slices.ContainsFunc(triggers[:i], g.sameGoal) {
			f, _ := g.judgeGate(e)
			t.ledger.decide(g.name(), f, "", "")
		}
	}
	if navigation && t.config.Views == ViewsServer {
		f, _ := viewTrigger.judgeGate(e)
		t.ledger.decide(viewGoal, f, "", "")
	}
	tr := &tracked{t: t, r: r, rules: rules, entry: *e, gate: e.judge(consent.All), ended: true, cookieless: true}
	if !t.config.DryRun && e.withdraws(rules) && s.sends(r.Header) {
		tr.withdrawal, tr.cookies = s, r.Header["Cookie"]
	}
	return tr
}

// mayCount reports whether the gate lets anything through or holds it.
func (t *Tracker) mayCount(e *entry, triggers []*trigger, navigation bool) bool {
	if navigation && t.config.Views == ViewsServer {
		if f, _ := viewTrigger.judgeGate(e); f == fired {
			return true
		}
	}
	return slices.ContainsFunc(triggers, func(g *trigger) bool {
		f, _ := g.judgeGate(e)
		return f == fired
	})
}

// judgeGate turns what the gate says into a verdict on this goal: a form by a
// suspected bot counts if its rule says so, and what only lacks the visitor's
// answer may be held until he gives it.
func (t *trigger) judgeGate(e *entry) (f fate, held bool) {
	switch f = e.judge(t.need()); {
	case f == fateBot && t.countsBots():
		return fired, false
	case f == fateConsentUnknown && e.holds != "" && t.mayBeHeld():
		return e.absent, e.absent == fired
	}
	return f, false
}

// keepHeader lets go of the request's header, which belongs to the handler from
// here on, and keeps a copy if a goal reads it later.
func (tr *tracked) keepHeader() {
	tr.x.header = nil
	for _, c := range tr.candidates {
		if c.trigger.goal != nil && c.trigger.goal.needs.header {
			tr.x.header = tr.r.Header.Clone()
			return
		}
	}
}

// mark returns the request that the handler gets.
func (tr *tracked) mark() *http.Request {
	tr.context = requestContext{tr.r.Context(), tr}
	tr.inner = tr.r.WithContext(&tr.context)
	return tr.inner
}

// meet notes the route when the same tracker is mounted further in, where a
// router has told it.
func (tr *tracked) meet(r *http.Request) {
	rt := routeOf(r)
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if !tr.ended && rt != (route{}) {
		tr.route = rt
	}
}

// pass runs the handler of a request that is decided already, with its own
// writer.
func (tr *tracked) pass(w http.ResponseWriter, next http.Handler) {
	r := tr.mark()
	defer tap.CopyBack(r, tr.r)
	if tr.withdrawal == nil {
		next.ServeHTTP(w, r)
		return
	}
	tr.rec.Init(w, (*withdrawal)(tr))
	next.ServeHTTP(tr.rec.Writer(), r)
	tr.rec.Finish()
}

// serve runs the handler. A panic of his, http.ErrAbortHandler among them, goes
// through untouched; nothing is sent for it.
func (tr *tracked) serve(w http.ResponseWriter, next http.Handler) {
	tr.rec.Init(w, tr)
	r := tr.mark()
	tr.watchForm(r)
	returned := false
	defer func() {
		tap.CopyBack(r, tr.r)
		defer tr.tee.Release()
		defer tr.releaseRooms()
		if !returned {
			tr.end(fatePanicked)
		}
	}()
	next.ServeHTTP(tr.rec.Writer(), r)
	returned = true
	if tr.x.unanswered = tr.unanswered(); tr.x.unanswered {
		// The header is somebody else's, and may become that of an error, even
		// if it is written by way of the recorder.
		tr.rec.Mute()
		tr.cookieless = true
	} else {
		tr.rec.Finish()
	}
	tr.conclude()
	tr.t.await(context.Background(), tr.awaited)
}
