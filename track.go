package goaltrack

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/agent"
	"github.com/goaltrack/goaltrack/internal/caching"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/facts"
	"github.com/goaltrack/goaltrack/internal/navigation"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/tap"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/watched"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// tracked is one request on its way, in three parts: who may touch what, and
// when. It is one piece of memory, so that a request costs one allocation.
type tracked struct {
	known   // before the handler runs; then it is only read, by anybody
	decided // by the goroutine that serves the request, and by no other
	told    told
	context requestContext
	lent    http.Request // what the handler gets
	inline  [3]candidate // room for most requests' candidates
}

// known is what is found out before the handler runs.
type known struct {
	t     *Tracker
	site  *site
	rules *Rules
	r     *http.Request
	inner *http.Request // what the handler gets

	path       string // as the rules see it
	entry      entry
	unasked    fate             // what entry says to what goaltrack does unasked: IDs, page views, facts
	navigation bool             // a person went to a page
	soft       bool             // a script may have fetched the page
	stranger   bool             // the visitor has no ID, and no browser sends such a request: it makes no guest
	releases   bool             // the visitor has agreed to what was held for them
	withheld   bool             // the browser may have kept the visit cookie back
	answerRead bool             // a goal that may count reads the body of the answer
	script     bool             // the script of a page says that the page is shown
	facts      *facts.Request   // what Config.Report is told; nil without one
	ahead      *aheadRole       // nil for nearly all requests
	watched    *watched.Request // nil for nearly all: somebody wants to see what becomes of it
	withdrawal *site            // whose cookies are to be deleted: the visitor said no, and their browser still sends them
}

// decided is what comes of the request.
type decided struct {
	rec        tap.Recorder
	x          rule.Exchange
	body       *tap.Body // of the request; nil if nobody watches it
	candidates []candidate
	awaited    *deliver.Awaited // the request's events, with Delivery.Wait
	status     int              // of the answer
	store      caching.Storing  // what the answer says about caches
	at         time.Time        // when the handler had returned; see now
	leaving    bool             // a goal with forget: is known to count
	unanswered bool             // nothing was written, and nobody here knows what will be
	cached     bool             // the script of a page says so, and a cache answered the request for it
}

// told is what handlers reach through the Tracker's methods, which may be called
// from goroutines of theirs. Whoever touches it holds mu, with two exceptions.
// Before the handler runs nobody else has it. Once ended is set, handlers change
// nothing but the order key, and the request's goroutine has the rest without mu. It may
// still make seldom, whose past and rulings nobody else reads. A method whose name ends
// in Locked needs one of the three.
//
// With the header, mu is held while the queue takes what was held or fetched ahead: for as
// long as Cookie.Wait and Delivery.SpoolWait allow, and while BeforeSend runs. So long, other
// goroutines of the same request wait that tell or ask something.
type told struct {
	mu        sync.Mutex
	committed bool // the header is about to be written
	ended     bool // all is decided, which may be so before the handler runs

	recognised bool    // the visitor's cookies were looked at
	fresh      bool    // the ID was taken from the pool for this request
	assumed    bool    // with DryRun: a live site would have taken one
	unkept     fate    // why the browser would not keep our cookies; allowed if it would
	cookieless bool    // no cookie can be set any more for whoever has none
	located    bool    // network was looked up
	brought    brought // what the visitor's cookies said
	id         string  // browser ID, "" while there is none
	network    uint64  // see networkLocked
	orderKey   string  // see key
	route      route
	seldom     atomic.Pointer[seldom] // nil until it is needed
}

// seldom is what few requests need: those under rules that ask for the past, and
// those whose handlers say something.
type seldom struct {
	said
	// variant is the one that the address names, while nobody can have changed it.
	variant string
	page    *scan.Tee // the beginning of the page, to look for scripts in it
	past    past
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
	variant    string // of the page
	app        map[string]any
}

// withBody is a request of which it is known at once that it has a body.
type withBody struct {
	request tracked
	body    tap.Body
}

// candidate is a goal whose path and method match.
type candidate struct {
	cause *rule.Cause
	miss  *rule.Miss // how it nearly counted, nil if that is not worth telling
	early fate       // allowed, or why it is known before the handler runs not to count
	waits bool       // its event is kept until the visitor agrees, or until the page is shown
	fired bool       // it fired, so that alternatives of its goal need not
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

// track notes what is needed of a request, while nobody can have changed it.
func (t *Tracker) track(s *site, r *http.Request, path string, rules *Rules) *tracked {
	tr := newTracked(r)
	tr.t, tr.site, tr.r, tr.inner, tr.rules, tr.path = t, s, r, r, rules, path
	prefix, taken, asked := t.prefix(r), "", ""
	if t.config.Path == nil {
		asked = r.RequestURI
		if prefix != "" {
			taken = urlpath.CutOff(urlpath.Normal(r.URL.Path), t.sitePath(r))
		}
	}
	tr.x.Begin(r, t.host(r), path, prefix, taken, asked)
	if s.facts.Sink != nil {
		tr.facts = s.facts.Begin(r)
	}
	return tr
}

// newTracked makes room for a request and, if it has a body, for the copy of that, in
// one allocation. A request of HTTP/2 without a body has an r.Body all the same, but
// the length 0.
func newTracked(r *http.Request) *tracked {
	if r.ContentLength == 0 {
		return new(tracked)
	}
	both := new(withBody)
	both.request.body = &both.body
	return &both.request
}

// seldomLocked is what few requests need, of one that does.
func (tl *told) seldomLocked() *seldom {
	s := tl.seldom.Load()
	if s == nil {
		s = new(seldom)
		tl.seldom.Store(s)
	}
	return s
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
	if s := tl.seldom.Load(); s != nil {
		return s.said
	}
	return said{}
}

// pastLocked is what the visitor did before.
func (tr *tracked) pastLocked() *past {
	p := &tr.told.seldomLocked().past
	p.t, p.site, p.asker, p.needs, p.maybe = tr.t, tr.site, tr, tr.rules.Past(), tr.withheld
	if p.first == nil && len(p.needs.First) > 0 {
		p.first = tr.firstOrigin
	}
	if !p.looked && tr.told.recognised {
		p.looked, p.brought, p.values = true, tr.told.brought.id, tr.visitsSentLocked()
	}
	return p
}

// firstOrigin is where the request came from, as far as goals ask that of a visitor's first
// session.
func (tr *tracked) firstOrigin() visit.Origin {
	n := tr.rules.Past()
	if !tr.navigation || tr.unasked != allowed {
		return visit.Origin{}
	}
	return tr.x.Origin(&visit.Needs{UTM: n.FirstUTM, Referrer: n.FirstReferrer, Origins: n.First})
}

// admit notes what the gate said, and who the visitor is if goaltrack may ask
// that of its own accord.
func (tr *tracked) admit(r *http.Request, e *entry) {
	tr.entry, tr.unasked = *e, e.fate(consent.All)
	if tr.unasked == allowed {
		tr.recogniseLocked()
	}
	tr.stranger = tr.told.id == "" && e.agent != agent.Allowed && !navigation.MayBeBrowser(r.Header)
	host := tr.t.host(r)
	tr.told.unkept = tr.unkeptAt(r, host)
	tr.withheld = tr.rules.Past().Used && visit.IsWithheld(r, host)
}

// unkeptAt says why the browser would not keep our cookies, allowed if it would.
func (tr *tracked) unkeptAt(r *http.Request, host string) fate {
	switch {
	case !tr.site.cookie.covers(host) && !tr.site.cookie.isAskedByProxy(r, host):
		return fateCookieDomain
	case tr.told.id == "" && !web.KeepsSecure(r, host):
		return fateInsecure
	}
	return allowed
}

// recogniseLocked reads the cookies by which the visitor is known, once. That is
// an access to their device, so it is only done if something may count.
func (tr *tracked) recogniseLocked() {
	tr.told.recognised = true
	tr.told.brought = tr.site.visitorOf(tr.entry.cookies)
	tr.told.id = tr.told.brought.id
	if tr.told.id != "" && tr.told.unkept == fateInsecure {
		tr.told.unkept = allowed // it kept one
	}
}

// recogniseLateLocked is recogniseLocked for a goal that fires where goaltrack may do
// nothing of its own accord. It does nothing if the cookies were read already.
func (tr *tracked) recogniseLateLocked() {
	if !tr.told.recognised {
		tr.recogniseLocked()
	}
}

// mark returns the request that the handler gets.
func (tr *tracked) mark() *http.Request {
	tr.context = requestContext{tr.r.Context(), tr}
	tr.inner = tap.LendIn(&tr.context, &tr.lent, tr.r)
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

// giveBack gives back what was kept for the request, which has ended: memory of its
// form, and places in the queue.
func (tr *tracked) giveBack() {
	if tr.body != nil {
		defer tr.body.Release()
	}
	if s := tr.told.seldom.Load(); s != nil {
		s.giveBackPlaces()
	}
}

// AskReadable wraps a reverse proxy inside [Tracker.Handler], and belongs
// nowhere else: tracker.Handler(tracker.AskReadable(proxy)). It makes the site
// behind the proxy answer in an encoding that goaltrack can read. Without it, a
// browser also accepts others, such as br, and the site uses them.
//
// It changes a request only if a rule that may count reads the body of the
// answer (response.json.x). The proxy then gets a copy of the request. Its
// Accept-Encoding keeps gzip, deflate and identity, as far as the client
// accepts them, with the client's weights. If the client accepts none of them,
// the request stays as it came, and the goal is lost as answer_unreadable. It
// is safe for concurrent use.
func (t *Tracker) AskReadable(proxy http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tr := t.trackedOf(r)
		if tr == nil || !tr.readsAnswer() {
			proxy.ServeHTTP(w, r)
			return
		}
		accept, changed := t.readable(r.Header["Accept-Encoding"])
		if !changed {
			proxy.ServeHTTP(w, r)
			return
		}
		asked := tap.Lend(r.Context(), r)
		asked.Header = r.Header.Clone()
		asked.Header.Set("Accept-Encoding", accept)
		defer func() {
			asked.Header = r.Header // nobody outside asked for these encodings
			tap.CopyBack(r.Context(), asked, r)
		}()
		proxy.ServeHTTP(w, asked)
	})
}

// readsAnswer reports whether a candidate that may yet count reads the body of
// the answer.
func (tr *tracked) readsAnswer() bool {
	tl := &tr.told
	tl.mu.Lock()
	ended := tl.ended
	tl.mu.Unlock()
	return !ended && tr.answerRead
}

// A request has one body, and each goal is judged by it alone: what another
// goal reads of it changes nothing. A goal that reads form. needs a form, and
// one that reads json. needs JSON. A goal that reads both takes either, and the
// fields of the other kind are then absent. A request without a body has no
// fields.

// teeForm tees the body of r if a goal that may count reads a body of its kind.
func (tr *tracked) teeForm(r *http.Request) {
	defer tr.t.recovered("body", func() { tr.body = nil; tr.x.Body(scan.ReadOutside, scan.Kept{}) })
	kinds, fields, answer := tr.x.Serve()
	if tr.answerRead = answer; kinds == (scan.Kinds{}) {
		return
	}
	if kinds.Form && tr.takeParsed(r) {
		return
	}
	if tr.body == nil {
		tr.body = new(tap.Body)
	}
	who := tr.whoLocked()
	if outcome, ok := tr.body.Start(r, tr.t.config.Forms.BodyBytes, &tr.t.forms, who, kinds, fields); ok {
		r.Body = tr.body.Reader()
	} else {
		tr.x.Body(outcome, scan.Kept{})
	}
}

// Something outside of goaltrack may have read the body already. It may be a
// middleware that looks for its CSRF token or a method override in the form
// (https://github.com/gorilla/csrf/issues/67). Others log bodies
// (https://github.com/labstack/echo/issues/2600). If the form was left parsed,
// the fields are taken from there. If not, nobody can say what the form held,
// and what nobody has seen is not absent.

// takeParsed takes the fields from a form that is parsed already. It reports false
// if there is none.
func (tr *tracked) takeParsed(r *http.Request) bool {
	contentType, _ := web.First(r.Header["Content-Type"])
	form := tap.ParsedForm(r, scan.KindOf(contentType))
	if form == nil {
		return false
	}
	tr.x.Parsed(form.Value, func() bool { return tap.IsWhole(r, form) })
	return true
}
