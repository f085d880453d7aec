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
	"github.com/goaltrack/goaltrack/rule"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/tap"
	"github.com/goaltrack/goaltrack/internal/visit"
)

// tracked is one request on its way, in three parts: who may touch what, and
// when. It is one piece of memory, so that a request costs one allocation.
type tracked struct {
	known   // before the handler runs; then it is only read, by anybody
	decided // by the goroutine that serves the request, and by no other
	told    told
	context requestContext
	inline  [3]candidate // room for most requests' candidates
}

// known is what is found out before the handler runs.
type known struct {
	t     *Tracker
	site  *site
	rules *Rules
	r     *http.Request
	inner *http.Request // what the handler gets

	cookies         []string // the request's, to look later
	path, userAgent string   // as the rules see them
	entry           entry
	gate            fate  // what entry says to what goaltrack does of its own accord
	navigation      bool  // a person went to a page
	releases        bool  // the visitor has agreed to what was held for them
	withheld        bool  // the browser may have kept the visit cookie back
	answerRead      bool  // a goal that may count reads the body of the answer
	withdrawal      *site // whose cookies are to be deleted: the visitor said no, and their browser still sends them
}

// decided is what comes of the request.
type decided struct {
	rec        tap.Recorder
	x          rule.Exchange
	candidates []candidate
	awaited    *deliver.Awaited // the request's events, with Delivery.Wait
	status     int              // of the answer
	store      storing          // what the answer says about caches
	leaving    bool             // a goal with forget: is known to count
	unanswered bool             // nothing was written, and nobody here knows what will be
}

// told is what handlers reach through the Tracker's methods, which may be called
// from goroutines of theirs. Whoever touches it holds mu, with two exceptions.
// Before the handler runs nobody else has it. Once ended is set, handlers change
// nothing, and the request's goroutine reads without mu. A method whose name ends in
// Locked needs one of the three.
type told struct {
	mu        sync.Mutex
	committed bool // the header is about to be written
	ended     bool // all is decided, which may be so before the handler runs

	id         string  // browser ID, "" while there is none
	orderKey   string  // see key
	fresh      bool    // the ID was taken from the pool for this request
	recognised bool    // the visitor's cookies were looked at
	brought    brought // what they said
	secure     bool    // the browser would keep a Secure cookie
	cookieless bool    // no cookie can be set any more for whoever has none
	route      route
	seldom     *seldom // nil until it is needed
}

// seldom is what few requests need: those with a form, those under rules that ask
// for the past, and those whose handlers say something.
type seldom struct {
	said
	tee  tap.Body
	past past
	// rulings are those on candidates, each at the first one of its goal; see
	// rulingOfLocked.
	rulings []ruling
	inline  [3]ruling // room for most requests' rulings
}

// said is what the handler said.
type said struct {
	identities []cdp.Event // from Identify, to be sent before the goals
	raised     []raised
	confirmed  []string
	rejected   []string
	app        map[string]any
}

// roomy is a request of which it is known at once that it needs what few do.
type roomy struct {
	request tracked
	rest    seldom
}

// candidate is a goal whose path and method match.
type candidate struct {
	trigger *rule.Cause
	early   fate      // fired, or why it is known before the handler runs not to count
	miss    rule.Miss // early is one, if isMiss
	isMiss  bool
	held    bool // only the visitor's consent is missing
	counted bool // it fired, so that alternatives of its goal need not
}

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
	var found [8]*rule.Cause
	triggers := rules.Find(r.Method, path, t.config.Env, found[:0])
	soft := r.Method == http.MethodGet && (len(triggers) > 0 || t.config.Views == ViewsServer) && navigation.IsSoft(r.Header, t.askedPath(r))
	pages := t.wantsPages()
	navigation := (pages || len(triggers) > 0) && (soft || navigation.Is(r))
	if len(triggers) == 0 && !navigation {
		return nil
	}
	if outer := t.trackedOf(r); outer != nil {
		outer.told.meet(r)
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
	if soft {
		tr.x.Soft()
	}
	tr.candidates = tr.inline[:0]
	if navigation && t.config.Views == ViewsServer {
		c := candidate{trigger: rule.View}
		if c.early, c.held = e.admits(rule.View); c.early == fired {
			tr.x.Consider(rule.View)
		}
		open = tr.add(c) || open
	}
	for _, g := range triggers {
		c := candidate{trigger: g}
		if c.early, c.held = e.admits(g); c.early == fired {
			r := tr.x.Consider(g)
			c.early = fateOf(r)
			c.miss, c.isMiss = tr.x.Missed(r)
		}
		open = tr.add(c) || open
	}
	if !open {
		tr.told.cookieless = true
		tr.end(fired) // every candidate has its reason already
		return tr
	}
	return tr
}

// add adds a candidate and reports whether it may count.
func (tr *tracked) add(c candidate) bool {
	tr.candidates = append(tr.candidates, c)
	return c.early == fired
}

// track notes what is needed of a request, while nobody can have changed it.
func (t *Tracker) track(s *site, r *http.Request, path string, rules *Rules) *tracked {
	tr := newTracked(r, rules)
	tr.t, tr.site, tr.r, tr.inner, tr.rules = t, s, r, r, rules
	prefix, taken, asked := t.prefix(r), "", ""
	if t.config.Path == nil {
		asked = r.RequestURI
		if prefix != "" {
			taken = urlpath.CutOff(urlpath.Normal(r.URL.Path), t.sitePath(r))
		}
	}
	tr.path, tr.userAgent = path, userAgent(r)
	tr.x.Begin(r, t.host(r), path, prefix, taken, asked)
	tr.cookies = r.Header["Cookie"]
	return tr
}

// newTracked makes room for a request and, if it will surely be needed, for what
// few requests need, in one allocation. A request of HTTP/2 without a body has an
// r.Body all the same, but the length 0.
func newTracked(r *http.Request, rules *Rules) *tracked {
	if r.ContentLength == 0 && !rules.Past().Used {
		return new(tracked)
	}
	both := new(roomy)
	both.request.told.seldom = &both.rest
	return &both.request
}

// seldomLocked is what few requests need, of one that does.
func (tl *told) seldomLocked() *seldom {
	if tl.seldom == nil {
		tl.seldom = new(seldom)
	}
	return tl.seldom
}

// handlerLocked is where to put what the handler says, nil if it is too late.
func (tl *told) handlerLocked() *said {
	if tl.ended {
		return nil
	}
	return &tl.seldomLocked().said
}

// saidLocked is what the handler said so far.
func (tl *told) saidLocked() said {
	if tl.seldom == nil {
		return said{}
	}
	return tl.seldom.said
}

// pastLocked is what the visitor did before.
func (tr *tracked) pastLocked() *past {
	p := &tr.told.seldomLocked().past
	p.t, p.site = tr.t, tr.site
	return p
}

// admit notes what the gate said, and who the visitor is if goaltrack may ask
// that of its own accord.
func (tr *tracked) admit(r *http.Request, e *entry) {
	tr.entry, tr.gate = *e, e.judge(consent.All)
	if tr.gate == fired {
		tr.recogniseLocked(r.Header)
	}
	host := tr.t.host(r)
	tr.told.secure = tr.told.secure || isSecure(r, host)
	tr.withheld = tr.rules.Past().Used && visit.IsWithheld(r, host)
}

// recogniseLocked reads the cookies by which the visitor is known, once. That is
// an access to their device, so it is only done if something may count.
func (tr *tracked) recogniseLocked(h http.Header) {
	tr.told.recognised = true
	tr.told.brought = tr.site.visitorOf(h)
	tr.told.id = tr.told.brought.id
	tr.told.secure = tr.told.secure || tr.told.id != ""
	tr.lookBackLocked(h)
}

// recogniseLateLocked is recognise for a goal that fires where goaltrack may do nothing
// of its own accord. The handler has the request's header by then..
func (tr *tracked) recogniseLateLocked() {
	if !tr.told.recognised {
		tr.recogniseLocked(http.Header{"Cookie": tr.cookies})
	}
}

// wantsPages reports whether pages matter even without a goal.
func (t *Tracker) wantsPages() bool {
	return !t.config.DryRun && t.config.Cookie.Create != CreateGoal || t.config.Views == ViewsServer || t.holds.any()
}

// refuse accounts for a request that the gate keeps from counting. Nothing is
// kept of it, not even the visitor's ID.
func (t *Tracker) refuse(r *http.Request, s *site, rules *Rules, e *entry, triggers []*rule.Cause, navigation bool) *tracked {
	for i, g := range triggers {
		if !slices.ContainsFunc(triggers[:i], g.SameGoal) {
			f, _ := e.admits(g)
			t.ledger.decide(g.Name(), f, "", "")
		}
	}
	if navigation && t.config.Views == ViewsServer {
		f, _ := e.admits(rule.View)
		t.ledger.decide(rule.View.Name(), f, "", "")
	}
	tr := new(tracked)
	tr.t, tr.r, tr.rules, tr.entry, tr.gate = t, r, rules, *e, e.judge(consent.All)
	tr.told.ended, tr.told.cookieless = true, true
	if !t.config.DryRun && e.withdraws(rules) && s.sends(r.Header) {
		tr.withdrawal, tr.cookies = s, r.Header["Cookie"]
	}
	return tr
}

// mayCount reports whether the gate lets anything through or holds it.
func (t *Tracker) mayCount(e *entry, triggers []*rule.Cause, navigation bool) bool {
	if navigation && t.config.Views == ViewsServer {
		if f, _ := e.admits(rule.View); f == fired {
			return true
		}
	}
	return slices.ContainsFunc(triggers, func(g *rule.Cause) bool {
		f, _ := e.admits(g)
		return f == fired
	})
}

// mark returns the request that the handler gets.
func (tr *tracked) mark() *http.Request {
	tr.context = requestContext{tr.r.Context(), tr}
	tr.inner = tr.r.WithContext(&tr.context)
	return tr.inner
}

// meet notes the route when the same tracker is mounted further in, where a
// router has told it.
func (tl *told) meet(r *http.Request) {
	rt := routeOf(r)
	tl.mu.Lock()
	defer tl.mu.Unlock()
	if !tl.ended && rt != (route{}) {
		tl.route = rt
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
		defer tr.giveBack()
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

// giveBack gives back what was kept for the request: memory of its form, and
// places in the queue.
func (tr *tracked) giveBack() {
	tr.told.mu.Lock()
	s := tr.told.seldom
	tr.told.mu.Unlock()
	if s == nil {
		return
	}
	defer s.tee.Release()
	s.releaseRooms()
}
