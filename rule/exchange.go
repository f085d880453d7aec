package rule

import (
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/internal/navigation"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Exchange is what the rules look at: one request and its answer, as values. A live
// site tells it of them as they happen, in this order:
//
//   - [Exchange.Begin] when the request has come, and [Exchange.Fetched] if a script may
//     have fetched a page;
//   - [Exchange.Consider] for each cause that [Set.Find] found;
//   - [Exchange.Serve] right before the handler runs;
//   - [Exchange.Body], or [Exchange.Parsed], when the handler has read the body, or has
//     returned;
//   - [Exchange.Answered] right before the answer's header is written;
//   - [Exchange.Set] with what the handler sets, [Exchange.Typed], and
//     [Exchange.Ended] when the handler has returned.
//
// [Cause.Judge] may be asked from Answered on. What nobody told is not there: a field
// without a value, a route without a name. An Exchange belongs to one goroutine at a
// time. The zero value is an exchange without a request, for goals raised in code.
type Exchange struct {
	// The request as it arrived.
	method, host, path, rawQuery string
	odd                          *oddAddress // nil for nearly all requests
	// requestURI is as the client wrote it, "" if a setting says what rules see.
	requestURI string
	// header is read before the handler runs; afterwards it is a copy, or nil
	// if no goal reads a header or cookie, since the handler may have changed
	// the original.
	header http.Header
	// What every event needs of the header.
	userAgent, referer, mobileHint string
	// page is that of referer, once pageKnown; see formPage.
	page      struct{ path, rawQuery string }
	pageKnown bool
	// onlyAsks says that the form is checked while somebody fills it in.
	onlyAsks bool
	// resumes says that the header Range asks for another part of a file than its
	// beginning.
	resumes bool
	// navigation says that a person may be looking at the answer as a page:
	// Sec-Fetch-Dest is absent or document.
	navigation bool
	// soft says that a script fetched the page in place of a navigation, and nextData that
	// it fetched the data of which it makes one.
	soft, nextData bool
	// What the browser says of the page from which the request comes: the header
	// Origin, of a form, and Sec-Fetch-Site. See publicHost.
	originHeader, fetchSite string
	route                   string // name or template of the route, if a router told

	// What the goals that may count have to see.
	wants wants

	// The body of the request.
	form scan.Fields
	json *scan.JSON // nil if the body is none
	// bodyType is the Content-Type of the body, and bodyKind what it makes of
	// it; scan.KindNone also if there is no body.
	bodyType string
	bodyKind scan.Kind
	// bodyReason is Fires when form or json has what the visitor sent, pending
	// while the handler has not read it all, and otherwise the reason of goals
	// that read it. What that means to one goal is told by Cause.judgeBody.
	bodyReason Reason

	// The answer.
	typeKnown      bool // contentType is final; false while it may yet be sniffed
	bodied         bool // it has a body
	empty          bool // it surely has none
	unanswered     bool // nothing was written, and nobody here knows what will be
	restarts       bool // the browser throws it away and asks again
	status         int
	location       string
	responseHeader http.Header
	contentType    string
	answer         *scan.Answer // nil while no rule has asked for it

	// What the application, or a script in the page, said.
	app       map[string]any // set by the application, and given to Trigger
	data      map[string]any // given to Trigger, or to Send
	told      *Told          // by a script in the page; nil if none told anything
	confirmed bool           // the application confirmed the form

	// What an example or a log does not tell.
	anyHost bool // it is not known which host was asked
	noHost  bool // an example does not say the host, so that one was taken
	blind   bool // the exchange comes from a log, which does not tell all of it
	guessed bool // something that the log does not tell was taken to hold

	// Where the visitor came from, for sources that ask for it.
	origin *visit.Origin // of the session
	first  *visit.Origin // of the visitor's first session

	// For explanations.
	failed     *condition // the condition that did not hold
	fieldFault string     // what is wrong with a field of the event
	refusal    *refusal   // why a redirect was no success
	unreadWhy  string     // why the answer could not be read

	// Variables captured for the goal being judged.
	vars     variables
	room     [2]string  // for those of most paths
	redirect *variables // nil if no redirect had any
}

// oddAddress is what is to be known of an address beside its path.
type oddAddress struct {
	// pages are the two paths that are possible, nil if there is one; see at.
	pages *[2]string
	// segments is the path by which the goals were found, if a slash in it may stay in
	// its segment, as %2F; else "".
	segments string
	// prefix is what is taken off addresses of the site (see urlpath.CutPrefix),
	// and taken what was taken off this request's.
	prefix, taken string
}

// setOdd notes what is odd about the address, if anything is.
func (x *Exchange) setOdd(odd oddAddress) {
	if x.odd = nil; odd != (oddAddress{}) {
		kept := odd // only now does it need memory
		x.odd = &kept
	}
}

// address is what is odd about the address.
func (x *Exchange) address() oddAddress {
	if x.odd == nil {
		return oddAddress{}
	}
	return *x.odd
}

// variables are what a template captured of a path.
type variables struct {
	of     *urlpath.Template
	values []string
}

// get is the value of a variable, by its name.
func (v *variables) get(name string) (string, bool) {
	if v == nil || v.of == nil {
		return "", false
	}
	for i, n := range v.of.Names {
		if n == name && i < len(v.values) {
			return v.values[i], true
		}
	}
	return "", false
}

// wants is what the goals that may count have to see together, so that nothing else is
// kept. What one goal has to see are its needs.
type wants struct {
	header, answerHeader, answerType, answerJSON, route bool

	body      scan.Kinds
	unsorted  bool     // form is of several goals, which may name the same fields
	form      []string // fields
	described string   // the page that the path of a visit describes
}

// Begin notes what is needed of a request, while nobody can have changed it. It keeps
// r.Header until [Exchange.Serve]. The host and the path are those that rules see. The
// host may have a port. The path is decoded; if the URL has a slash that stays in its
// segment, it is "%2F" there. The prefix is what is taken off the addresses of this site,
// and taken what was taken off this one; both may be "". asked is the address in the
// request line if the path may differ from it, and otherwise "".
func (x *Exchange) Begin(r *http.Request, host, path, prefix, taken, asked string) {
	odd := oddAddress{prefix: prefix, taken: taken}
	if r.URL.RawPath != "" && urlpath.HasEncodedSlash(r.URL.RawPath) { // rare
		odd.segments, path = path, urlpath.PartSlashes(path)
	}
	x.setOdd(odd)
	x.method, x.host, x.path, x.rawQuery, x.header = r.Method, host, path, r.URL.RawQuery, r.Header
	x.requestURI = asked
	agent, _ := web.First(r.Header["User-Agent"])
	x.userAgent = web.CutUserAgent(agent)
	x.referer, _ = web.First(r.Header["Referer"])
	x.mobileHint, _ = web.First(r.Header["Sec-Ch-Ua-Mobile"])
	x.cameBy(r.Header)
	x.navigation, x.bodyReason, x.nextData = navigation.MayBePage(r.Header), pending, navigation.IsNextData(r.URL.Path)
	x.vars.values = x.room[:0]
}

// at turns to the page that a cause is about.
func (x *Exchange) at(c *Cause) {
	pages := x.pages()
	if pages == nil {
		return
	}
	x.path = pages[0]
	if c.goal == nil || !c.byRequest() {
		return
	}
	if _, fits := c.path.Capture(pages[0], nil); !fits {
		x.path = pages[1]
	}
}

// isData reports whether the request is for the data of a page, and nothing tells that
// the visitor goes there: a script may have fetched it ahead.
func (x *Exchange) isData() bool {
	pages := x.pages()
	return pages != nil && !x.soft && x.path == pages[1]
}

// pages are the two paths that are possible, nil if there is one.
func (x *Exchange) pages() *[2]string {
	if x.odd == nil {
		return nil // the usual case
	}
	return x.odd.pages
}

// Fetched is told that a script may have fetched the page. It is soft if that was in place
// of a navigation, as with htmx, Turbo and Next.js; then it is a visit. The address of a
// page's data may not tell which of two pages it is for: other is the second, or "". A
// goal sees the path that its own path fits, and the first one if both do.
func (x *Exchange) Fetched(soft bool, other string) {
	x.soft, x.navigation = soft, soft || x.navigation
	odd := x.address()
	if odd.pages = nil; other != "" {
		odd.pages = &[2]string{x.path, other}
	}
	x.setOdd(odd)
}

// Consider judges what is known of a goal before the handler runs: its times, its hosts,
// and conditions on the request. [Fires] means that it may count yet. Then the exchange
// notes what the goal has to see later; nothing else is kept.
func (x *Exchange) Consider(c *Cause) Reason {
	x.failed = nil
	x.at(c)
	if c.goal != nil {
		if r := c.goal.judgeAt(x, time.Time{}); r != Fires {
			return r
		}
	}
	x.want(c)
	return Fires
}

func (x *Exchange) want(c *Cause) {
	w := &x.wants
	if c.IsPage() {
		w.answerType = true
		if w.described == "" {
			w.described = c.path.Last // a VIEW is on the page that a rule describes
		}
	}
	if c.goal == nil {
		return
	}
	if c.kind == causeDownload {
		w.answerType = true
		asked, _ := web.First(x.header["Range"])
		x.resumes = resumes(asked)
	}
	n := &c.goal.needs
	w.header = w.header || n.header
	w.answerHeader = w.answerHeader || n.answerHeader
	w.answerType = w.answerType || n.answerType
	w.answerJSON = w.answerJSON || n.answerJSON
	w.route = w.route || n.route
	if !c.readsBody() {
		return
	}
	kinds := n.bodies()
	w.body.Form, w.body.JSON = w.body.Form || kinds.Form, w.body.JSON || kinds.JSON
	if len(w.form) == 0 {
		w.form = n.form
	} else {
		w.form, w.unsorted = append(slices.Clip(w.form), n.form...), true
	}
}

// Serve is told that the handler is about to run, to which the header belongs from then
// on. It returns the kinds of body that some goal reads, the fields of a form among
// them, and whether one reads the body of the answer.
func (x *Exchange) Serve() (kinds scan.Kinds, fields []string, answer bool) {
	if x.wants.body != (scan.Kinds{}) {
		x.bodyType, _ = web.First(x.header["Content-Type"])
		x.bodyKind = scan.KindOf(x.bodyType)
	}
	if x.wants.header {
		x.header = x.header.Clone()
	} else {
		x.header = nil
	}
	return x.wants.body, x.formNames(), x.wants.answerJSON
}

// Answered is told the answer's status and header right before they are written. It
// keeps h until the handler returns. If it restarts, the browser will throw the answer
// away and ask again ([ReasonCriticalCH]). The function tells the route of a path, "" if
// none is known. It is asked if a rule wants to know. The result is to be given the body as it
// is written, and is nil if no rule reads that.
func (x *Exchange) Answered(status int, h http.Header, restarts bool, route func(path string) string) *scan.Tee {
	x.status, x.responseHeader, x.restarts = status, h, restarts
	x.location, _ = web.First(h["Location"])
	x.contentType, _ = web.First(h["Content-Type"])
	x.typeKnown = x.contentType != ""
	if x.wants.route {
		x.route = route(x.wholePath())
	}
	if x.wants.answerHeader {
		x.responseHeader = h.Clone()
	}
	if x.wants.answerJSON || x.nextData && x.wants.answerType { // the data of a page, as it comes
		x.answer = new(scan.Answer)
		return x.answer.Expect(status, h)
	}
	return nil
}

// Location returns where the answer leads, as [Exchange.Answered] was told, "" before that.
func (x *Exchange) Location() string { return x.location }

// AwaitsType reports whether the answer's Content-Type matters to a rule and is not
// known yet, since net/http may still detect it.
func (x *Exchange) AwaitsType() bool { return !x.typeKnown && x.wants.answerType }

// Typed is told the Content-Type in the end, "" if there is none. What the header said,
// or an earlier call, stays.
func (x *Exchange) Typed(contentType string) {
	if !x.typeKnown {
		x.contentType, x.typeKnown = contentType, true
	}
}

// MayBeHTML reports whether the answer is HTML or may be found to be.
func (x *Exchange) MayBeHTML() bool { return !x.typeKnown || web.IsHTML(x.contentType) }

// Set is told the values that the application set, for $app. It keeps the map.
func (x *Exchange) Set(app map[string]any) { x.app = app }

// Ended is told that the handler has returned, with the route as in [Exchange.Answered].
// It is bodied if a body was written. It is unanswered if nothing was written, and what
// is around the handler may answer: then only what the application confirmed counts
// ([ReasonNothingWritten]).
func (x *Exchange) Ended(route func(path string) string, bodied, unanswered bool) {
	x.route = route(x.wholePath())
	x.bodied, x.empty, x.unanswered = bodied, !bodied, unanswered
	x.answer.End()
}

// With is a copy of the exchange for a goal that the application raised with data, which
// is read by $app, before what [Exchange.Set] was told. It keeps data, which may not be
// changed any more.
func (x *Exchange) With(data map[string]any) *Exchange {
	own := *x
	own.app = make(map[string]any, len(data)+len(x.app))
	maps.Copy(own.app, x.app)
	maps.Copy(own.app, data)
	own.data = data
	return &own
}

// CameFrom asks origin where the session came from, if the goal wants to know for $utm
// and $referrer. Without it, they are those of the request.
func (x *Exchange) CameFrom(c *Cause, of func() *visit.Visit) {
	if c.goal == nil || !c.goal.needs.origin() && !c.goal.needs.readsFirst() {
		return
	}
	v := of()
	o := v.Origin
	x.origin, x.first = &o, nil
	if f := v.FirstOrigin(); f != nil {
		first := *f
		x.first = &first
	}
}

// isNone reports whether there is no request.
func (x *Exchange) isNone() bool { return x.method == "" }
