package goaltrack

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/queue"
)

// tracked is one request on its way: what Handler knows about it and decides.
type tracked struct {
	t     *Tracker
	site  *site
	rules *Rules
	r     *http.Request
	rec   recorder
	tee   bodyTee
	x     exchange

	candidates []candidate
	inline     [4]candidate // room for most requests' candidates
	navigation bool         // a person went to a page
	gate       fate         // fired or fateBot: others are not tracked
	former     string       // the cookie of a former name that the ID was in
	secure     bool         // the browser would keep a Secure cookie
	store      storing      // what the answer says about caches
	inner      *http.Request
	orderKey   string // of events without an ID
	formType   string // Content-Type of the form

	// mu guards what handlers reach through the Tracker's methods, which may
	// be called from goroutines of theirs.
	mu        sync.Mutex
	id        string // browser ID, "" while there is none
	fresh     bool   // the ID was taken from the pool for this request
	committed bool
	ended     bool
	raised    []raised
	confirmed []string
	rejected  []string
	app       map[string]any
}

// candidate is a goal whose path and method match.
type candidate struct {
	trigger *trigger
	early   fate // fired, or why it is known before the handler runs not to count
}

// viewGoal is the name under which page views are counted.
const viewGoal = "VIEW"

var viewTrigger = &trigger{kind: triggerView}

func (t *trigger) name() string {
	if t.goal == nil {
		return viewGoal
	}
	return t.goal.Name
}

type trackedKey struct{}

// trackedOf finds the request's tracked, if this tracker made one.
func (t *Tracker) trackedOf(r *http.Request) *tracked {
	tr, _ := r.Context().Value(trackedKey{}).(*tracked)
	if tr == nil || tr.t != t {
		return nil
	}
	return tr
}

// interest decides whether the request concerns anybody. It returns nil if not,
// and the request then goes on untouched. What keeps a goal from counting
// before the handler has even run is accounted for here.
func (t *Tracker) interest(r *http.Request) (tr *tracked) {
	defer t.recovered("request", func() { tr = nil })
	rules := t.rules.Load()
	path := t.path(r)
	var found [8]*trigger
	triggers := rules.index.find(r.Method, path, found[:0])
	navigation := t.wantsPages() && isNavigation(r)
	if len(triggers) == 0 && !navigation {
		return nil
	}
	s := t.siteOf(r.Host, path)
	if s == nil || t.trackedOf(r) != nil {
		return nil
	}
	gate := t.gate(r)
	if gate != fired && !t.overlooked(gate, triggers, navigation) {
		return nil
	}
	tr = t.track(s, r, path)
	tr.rules, tr.navigation, tr.gate = rules, navigation, gate
	tr.candidates = tr.inline[:0]
	open := navigation && gate == fired
	if navigation && t.config.Views == ViewsServer && gate == fired {
		tr.candidates = append(tr.candidates, candidate{trigger: viewTrigger})
	}
	for _, g := range triggers {
		c := candidate{trigger: g, early: g.judgeGate(gate)}
		if c.early == fired {
			c.early = g.goal.judgeEarly(&tr.x)
		}
		open = open || c.early == fired
		tr.candidates = append(tr.candidates, c)
	}
	if !open {
		for _, c := range tr.candidates {
			tr.decide(c.trigger, c.early, "")
		}
		return nil
	}
	tr.keepHeader()
	return tr
}

// track notes what is needed of a request, while nobody can have changed it.
func (t *Tracker) track(s *site, r *http.Request, path string) *tracked {
	tr := &tracked{t: t, site: s, r: r, inner: r}
	x := &tr.x
	x.method, x.host, x.path, x.rawQuery, x.header = r.Method, r.Host, path, r.URL.RawQuery, r.Header
	x.userAgent = userAgent(r)
	x.referer, _ = first(r.Header["Referer"])
	x.mobileHint, _ = first(r.Header["Sec-Ch-Ua-Mobile"])
	x.navigation, x.formFate = mayBePage(r.Header), pending
	tr.id, tr.former = s.cookie.read(r.Header)
	tr.secure = tr.id != "" || isSecure(r)
	return tr
}

// wantsPages reports whether pages matter even without a goal.
func (t *Tracker) wantsPages() bool {
	return !t.config.DryRun && t.config.Cookie.Create != CreateGoal || t.config.Views == ViewsServer
}

// overlooked accounts for goals that the gate keeps from counting. It reports
// true if one of them may count all the same: a form by a suspected bot, if its
// rule says so.
func (t *Tracker) overlooked(gate fate, triggers []*trigger, navigation bool) bool {
	for _, g := range triggers {
		if g.judgeGate(gate) == fired {
			return true
		}
	}
	for _, g := range triggers {
		t.ledger.decide(g.name(), gate, "", "")
	}
	if navigation && t.config.Views == ViewsServer {
		t.ledger.decide(viewGoal, gate, "", "")
	}
	return false
}

// judgeGate turns the gate's verdict into one on this goal.
func (t *trigger) judgeGate(gate fate) fate {
	if gate == fateBot && t.kind == triggerSubmit && t.goal.Bots == "count" {
		return fired
	}
	return gate
}

// keepHeader lets go of the request's header, which belongs to the handler from
// here on, and keeps a copy if a goal reads it later.
func (tr *tracked) keepHeader() {
	tr.x.header = nil
	for _, c := range tr.candidates {
		if c.trigger.goal != nil && c.trigger.goal.readsHeader {
			tr.x.header = tr.r.Header.Clone()
			return
		}
	}
}

// serve runs the handler. A panic of his, http.ErrAbortHandler among them, goes
// through untouched; nothing is sent for it.
func (tr *tracked) serve(w http.ResponseWriter, next http.Handler) {
	tr.rec.init(w, tr)
	r := tr.r.WithContext(context.WithValue(tr.r.Context(), trackedKey{}, tr))
	tr.watchForm(r)
	tr.inner = r
	returned := false
	defer func() {
		copyBack(r, tr.r)
		if !returned {
			tr.end(fatePanicked)
		}
		tr.tee.release()
	}()
	next.ServeHTTP(tr.rec.writer(), r)
	returned = true
	tr.rec.finish()
	tr.conclude()
}

// watchForm tees the body of r if an open candidate reads form fields.
func (tr *tracked) watchForm(r *http.Request) {
	for _, c := range tr.candidates {
		if c.early != fired || c.trigger.goal == nil || len(c.trigger.goal.formFields) == 0 {
			continue
		}
		tr.formType = r.Header.Get("Content-Type")
		fate, ok := tr.tee.start(r, formLimit, &tr.t.forms, false)
		if ok {
			r.Body = &tr.tee
		} else {
			tr.x.formFate = formFates[fate]
		}
		return
	}
}

// formFates are the fates of goals by what became of the form.
var formFates = map[teeFate]fate{
	formComplete:   fired,
	formNoBody:     fired, // an empty form, of which no field is present
	formUnread:     fateFormUnread,
	formTooLarge:   fateFormTooLarge,
	formOverBudget: fateFormOverBudget,
	formEncoded:    fateFormEncoded,
	formNotAForm:   fateFormNotAForm,
}

// readForm takes over the fields that open candidates name.
func (tr *tracked) readForm(body []byte) {
	var want []string
	for _, c := range tr.candidates {
		if g := c.trigger.goal; g != nil && c.early == fired && len(g.formFields) > 0 {
			if want == nil {
				want = g.formFields
			} else {
				want = append(want[:len(want):len(want)], g.formFields...)
			}
		}
	}
	tr.x.form = scanForm(tr.formType, body, want)
	tr.x.formFate = fired
}

// beforeHeader is the moment of truth: status and Location are known, and
// cookies can still be set. It implements headerHook.
func (tr *tracked) beforeHeader(status int) {
	defer tr.t.recovered("header", func() {})
	h := tr.rec.Header()
	tr.x.status = status
	tr.x.responseHeader = h
	tr.x.location, _ = first(h["Location"])
	tr.x.contentType, tr.x.typeKnown = first(h["Content-Type"])
	for _, c := range tr.candidates {
		if g := c.trigger.goal; g != nil && g.readsAnswer() {
			tr.x.responseHeader = h.Clone()
			break
		}
	}
	if !tr.x.typeKnown {
		tr.rec.wantSniff = tr.awaitsType()
	}
	if !tr.t.config.DryRun {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		tr.x.app = tr.app
		tr.committed = true
		tr.setCookies(h)
	}
}

func (tr *tracked) awaitsType() bool {
	for _, c := range tr.candidates {
		if k := c.trigger.kind; c.early == fired && (k == triggerVisit || k == triggerView) {
			return true
		}
	}
	return false
}

// readsAnswer reports whether the goal looks at the answer's header.
func (g *goal) readsAnswer() bool {
	for i := range g.late {
		if k := g.late[i].from.kind; k == sourceResponseHeader || k == sourceResponseType {
			return true
		}
	}
	for i := range g.data {
		if g.data[i].from.kind == sourceResponseHeader {
			return true
		}
	}
	return g.value.from.kind == sourceResponseHeader
}

// setCookies sets, renews, replaces or migrates the browser-ID cookie, if this
// answer may carry it. tr.mu is held.
func (tr *tracked) setCookies(h http.Header) {
	c, status := &tr.site.cookie, tr.x.status
	tr.store = storingOf(h)
	if status >= http.StatusBadRequest || status == http.StatusSwitchingProtocols || c.isSet(h) {
		return
	}
	store := tr.store
	set := tr.fresh
	if tr.id != "" && !tr.fresh {
		if id := tr.site.line.replaced.get(tr.id); id != "" {
			tr.id, set = id, true
		}
		set = set || tr.former != "" || tr.navigation && store == storePrivate
	}
	if tr.id == "" && tr.wantsID() {
		switch {
		case !tr.secure:
			tr.t.ledger.note("cookie_insecure")
		case store == storePublic:
			tr.t.ledger.note("cookie_public_answer")
		default:
			if tr.id = tr.site.line.ids.take(); tr.id == "" {
				tr.t.ledger.note("id_not_ready")
			} else {
				tr.fresh, set = true, true
			}
		}
	}
	if !set {
		return
	}
	if store == storePublic {
		tr.t.ledger.note("cookie_public_answer")
		return
	}
	if store == storeUnsaid {
		h.Set("Cache-Control", "private")
	}
	c.set(h, tr.id)
	if tr.former != "" {
		c.remove(h, tr.former)
	}
}

// wantsID reports whether this answer is reason enough to make a guest.
func (tr *tracked) wantsID() bool {
	switch tr.t.config.Cookie.Create {
	case CreateNever:
		return false
	case CreateVisit:
		if tr.navigation && tr.gate == fired && (!tr.x.typeKnown || isHTML(tr.x.contentType)) {
			return true
		}
	}
	tr.peekForm()
	for i := range tr.candidates {
		c := &tr.candidates[i]
		if c.trigger.kind == triggerView {
			continue
		}
		if f := tr.judge(c); f == fired || f == pending {
			return true
		}
	}
	return false
}

// peekForm reads the form as soon as the handler has, which it usually has by
// the time it answers.
func (tr *tracked) peekForm() {
	if tr.x.formFate != pending {
		return
	}
	if body, ok := tr.tee.snapshot(); ok && tr.tee.body != nil {
		tr.readForm(body)
	}
}

// judge decides on one candidate with what is known so far.
func (tr *tracked) judge(c *candidate) fate {
	if c.early != fired {
		return c.early
	}
	g := c.trigger.goal
	if g == nil {
		return c.trigger.judgeLate(&tr.x, nil)
	}
	for _, name := range tr.rejected {
		if name == g.Name {
			return fateRejected
		}
	}
	for _, name := range tr.confirmed {
		if name == g.Name {
			return g.judgeConditions(&tr.x)
		}
	}
	return c.trigger.judgeLate(&tr.x, tr.rules.failure)
}

// conclude decides, after the handler returned normally, and hands the events
// over. It must not wait: the client may not have its answer yet.
func (tr *tracked) conclude() {
	defer tr.t.recovered("conclusion", func() {})
	switch err := tr.r.Context().Err(); {
	case errors.Is(err, context.DeadlineExceeded):
		tr.end(fateTimedOut) // an http.TimeoutHandler around us has answered in our place
		return
	case tr.rec.hijacked:
		tr.endAnswered(fateHijacked)
		return
	}
	if !tr.x.typeKnown {
		tr.x.contentType, tr.x.typeKnown = tr.rec.contentType(), true
	}
	if tr.x.formFate == pending && tr.tee.body != nil {
		body, fate := tr.tee.seal()
		if tr.x.formFate = formFates[fate]; tr.x.formFate == fired {
			tr.readForm(body)
		}
	}
	tr.x.route = routeOf(tr.inner, tr.x.path)
	tr.endAnswered(fired)
}

// end gives every candidate the same fate; what the handler raised is dropped.
func (tr *tracked) end(f fate) {
	tr.mu.Lock()
	tr.ended = true
	tr.mu.Unlock()
	for _, c := range tr.candidates {
		if c.early != fired {
			tr.decide(c.trigger, c.early, "")
		} else {
			tr.decide(c.trigger, f, "")
		}
	}
	for _, raised := range tr.raised {
		tr.decide(&raised.goal.triggers[0], f, "")
	}
}

// endAnswered settles every candidate, with their own verdict if f is fired,
// and sends what fired.
func (tr *tracked) endAnswered(f fate) {
	tr.mu.Lock()
	tr.ended = true // from here on the handler's goroutines change nothing
	tr.x.app = tr.app
	tr.mu.Unlock()
	gone := tr.r.Context().Err() != nil
	for i := range tr.candidates {
		c := &tr.candidates[i]
		verdict := f
		if f == fired || c.early != fired {
			verdict = tr.judge(c)
		}
		note := ""
		if gone && verdict == fired {
			// The answer to a double click is lost with its request, yet the
			// application did accept the form. A page nobody saw is no visit.
			if note = fateClientGone.String(); c.trigger.kind == triggerVisit || c.trigger.kind == triggerView {
				verdict = fateClientGone
			}
		}
		if verdict == fired {
			verdict = tr.emit(c.trigger, nil)
		}
		tr.decide(c.trigger, verdict, note)
	}
	for _, raised := range tr.raised {
		g := &raised.goal.triggers[0]
		tr.decide(g, tr.emit(g, raised.data), "")
	}
}

func (tr *tracked) decide(g *trigger, f fate, note string) {
	if f == fired && tr.gate == fateBot {
		note = "bot_counted"
	}
	tr.t.ledger.decide(g.name(), f, tr.id, note)
}

// emit makes the event of a goal that fired and offers it to the queue.
func (tr *tracked) emit(g *trigger, data Data) fate {
	if f := tr.mayEmit(g); f != fired {
		return f
	}
	var e cdp.Event
	if g.goal == nil {
		e = tr.site.viewOf(&tr.x, tr.page(g))
	} else {
		f := fired
		if e, f = tr.eventOf(g, data); f != fired {
			return f
		}
	}
	e.BrowserID = tr.id
	return tr.t.enqueue(tr.site, g, &e, tr.key(), tr.x.userAgent)
}

// eventOf fills in the variables of the goal's templates and makes its event.
func (tr *tracked) eventOf(g *trigger, data Data) (cdp.Event, fate) {
	x := &tr.x
	if x.varNames = g.path.names; len(x.varNames) > 0 {
		x.vars, _ = g.path.capture(x.path, x.vars[:0])
	}
	if s := &g.goal.success; s.kind == successRedirectTo {
		s.judge(x, nil)
	}
	if g.kind == triggerCode {
		own := *x
		own.app = data
		x = &own
	}
	return tr.site.eventOf(g.goal, x, tr.page(g), data)
}

// mayEmit refuses events that could only be sent by making a guest where none
// may be made: one for each page view of a browser that keeps no cookie.
func (tr *tracked) mayEmit(g *trigger) fate {
	create := tr.t.config.Cookie.Create
	switch {
	case tr.id != "" || tr.t.config.DryRun:
		return fired
	case create == CreateNever, tr.x.status >= http.StatusBadRequest:
		return fateNoBrowserID
	case !tr.secure:
		return fateInsecure
	case g.kind == triggerView && (create == CreateGoal || tr.store == storePublic):
		return fateNoBrowserID
	}
	return fired
}

// key orders the visitor's events. One without an ID is ordered by its request.
func (tr *tracked) key() string {
	if tr.id != "" {
		return tr.id
	}
	if tr.orderKey == "" {
		tr.orderKey = "request-" + strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // Only has to differ.
	}
	return tr.orderKey
}

// page names the page of an event: for a form, the page it was on; otherwise
// the last fixed segment of the path's template, if one is known, so that no ID
// becomes a page; otherwise the last segment of the path.
func (tr *tracked) page(g *trigger) string {
	if g.kind == triggerSubmit {
		if page, ok := submitPage(&tr.x); ok {
			return page
		}
	}
	if g.path.last != "" {
		return g.path.last
	}
	for _, c := range tr.candidates {
		if c.early == fired && c.trigger.kind == triggerVisit && c.trigger.path.last != "" {
			return c.trigger.path.last // a VIEW is on the page that a rule describes
		}
	}
	if last := lastLiteral(routeTemplate(tr.inner, tr.x.path)); last != "" {
		return last
	}
	return pageName(tr.x.path)
}

// enqueue encodes an event and offers it to the queue.
func (t *Tracker) enqueue(s *site, g *trigger, e *cdp.Event, key, userAgent string) fate {
	now := time.Now()
	e.RequestedAt = now
	if t.config.BeforeSend != nil {
		if f := t.beforeSend(e); f != fired {
			return f
		}
	}
	body, f := s.encode(e, g.name(), userAgent, t.config.NoEventID)
	if f != fired || t.sender == nil {
		return f
	}
	return t.sender.offer(context.Background(), queue.Item{Body: body, Key: key, Priority: g.priority(), Time: now})
}

// beforeSend lets the configuration look at the event, and checks what it made
// of it.
func (t *Tracker) beforeSend(e *cdp.Event) (f fate) {
	defer t.recovered("BeforeSend", func() { f = fateBeforeSend })
	if !t.config.BeforeSend(e) {
		return fateBeforeSend
	}
	if e.Validate() != nil {
		return fateEventInvalid
	}
	return fired
}

// priority: page visits are refused first when the queue fills, goals with a
// value last.
func (t *trigger) priority() queue.Priority {
	switch {
	case t.goal != nil && t.goal.value.set:
		return queue.High
	case t.kind == triggerView || t.kind == triggerVisit:
		return queue.Low
	}
	return queue.Normal
}

// routeOf names the route that served the request: the name or template of a
// gorilla/mux route, or the pattern of an http.ServeMux.
func routeOf(r *http.Request, path string) string {
	if route := mux.CurrentRoute(r); route != nil {
		if name := route.GetName(); name != "" {
			return name
		}
	}
	return routeTemplate(r, path)
}

// routeTemplate is the path template of the route that served the request, if
// it stands for the whole path.
func routeTemplate(r *http.Request, path string) string {
	template := ""
	if route := mux.CurrentRoute(r); route != nil {
		template, _ = route.GetPathTemplate()
	} else if template = r.Pattern; template != "" {
		if i := strings.IndexByte(template, '/'); i >= 0 {
			template = strings.TrimSuffix(template[i:], "{$}")
		}
	}
	if strings.Count(trimPath(template), "/") != strings.Count(trimPath(path), "/") || strings.Contains(template, "...}") {
		return ""
	}
	return template
}
