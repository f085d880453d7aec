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

// tracked is one request on its way: what Handler knows about it and decides.
type tracked struct {
	t      *Tracker
	site   *site
	rules  *Rules
	r      *http.Request
	rec    tap.Recorder
	tee    tap.Body
	x      rule.Exchange
	status int // of the answer

	candidates      []candidate
	inline          [3]candidate // room for most requests' candidates
	context         requestContext
	entry           entry
	navigation      bool     // a person went to a page
	gate            fate     // what entry says to what goaltrack does of its own accord
	releases        bool     // the visitor has agreed to what was held for him
	recognised      bool     // the visitor's cookies were looked at
	cookies         []string // the request's, to look later
	withdrawal      *site    // whose cookies are to be deleted: he said no, and his browser still sends them
	brought         brought  // what the visitor's cookies said
	secure          bool     // the browser would keep a Secure cookie
	cookieless      bool     // no cookie can be set any more for whoever has none
	leaving         bool     // a goal with forget: is known to count
	store           storing  // what the answer says about caches
	withheld        bool     // the browser may have kept the visit cookie back
	past            past
	inner           *http.Request
	awaited         *deliver.Awaited // the request's events, with Delivery.Wait
	path, userAgent string           // as the rules see them
	unanswered      bool             // nothing was written, and nobody here knows what will be
	answerRead      bool             // a goal that may count reads the body of the answer

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
	trigger *rule.Cause
	early   fate      // fired, or why it is known before the handler runs not to count
	miss    rule.Miss // early is one, if isMiss
	isMiss  bool
	held    bool   // only the visitor's consent is missing
	counted bool   // it fired, so that alternatives of its goal need not
	ruling  ruling // on its goal; see rulingOf
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
		tr.cookieless = true
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
	tr := &tracked{t: t, site: s, r: r, inner: r, rules: rules}
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
	host := tr.t.host(r)
	tr.secure = tr.secure || isSecure(r, host)
	tr.withheld = tr.rules.Past().Used && visit.IsWithheld(r, host)
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
	tr := &tracked{t: t, r: r, rules: rules, entry: *e, gate: e.judge(consent.All), ended: true, cookieless: true}
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
	if tr.unanswered = tr.leftUnanswered(); tr.unanswered {
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
