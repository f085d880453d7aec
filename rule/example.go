package rule

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/navigation"
	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/web"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

// Example is one request and its answer, for trying rules out.
type Example struct {
	Method string // default GET
	Host   string // default: one on which the goal counts
	Path   string // with its query, default "/"
	// PathPrefix is taken off addresses, as Config.PathPrefix is. Default: what
	// Header says in X-Forwarded-Prefix.
	PathPrefix string
	Form       url.Values
	JSON       string // a JSON body; there is no form then
	Header     http.Header
	Route      string
	App        map[string]any // what the handler sets

	Status       int // default 200
	Location     string
	AnswerHeader http.Header
	ContentType  string // default: JSON with AnswerJSON, else by the ending of the path, else text/html
	AnswerJSON   string
	Confirmed    bool // the application confirmed the form
}

// ParseExample reads a line such as
//
//	POST /contact topic=sales message="Call me" -> 303 /thanks
//
// Before the arrow stand method, path and the fields of the form. A name may
// also say what else it is: json.user.plan=pro, header.X-Kind=a, cookie.k=v,
// app.total=12, host=shop.example, route=contact; form.host=a is a field again.
// After the arrow stand the status, where it redirects to, and perhaps "confirmed",
// type=application/json, response.header.X-Kind=a and response.json.ok=true; an
// answer with response.json is JSON, unless type says something else. How it was
// compressed is response.header.Content-Encoding=br. Without an arrow the answer
// is 200.
func ParseExample(line string) (Example, error) {
	e := Example{Form: url.Values{}, Header: http.Header{}, AnswerHeader: http.Header{}, App: map[string]any{}, Status: http.StatusOK}
	words, err := splitWords(line)
	if err != nil {
		return e, err
	}
	if len(words) < 2 || !isMethod(words[0]) || !strings.HasPrefix(words[1], "/") {
		return e, fmt.Errorf("%q does not begin with a method and a path, such as GET /pricing", line)
	}
	e.Method, e.Path = words[0], words[1]
	body, answer := map[string]any{}, map[string]any{}
	words = words[2:]
	for len(words) > 0 && words[0] != "->" {
		if err := e.request(words[0], body); err != nil {
			return e, err
		}
		words = words[1:]
	}
	if len(words) > 0 {
		if err := e.answer(words[1:], answer); err != nil {
			return e, err
		}
	}
	if len(body) > 0 && len(e.Form) > 0 {
		return e, fmt.Errorf("%q has a form and JSON, and a request has one body", line)
	}
	e.JSON, e.AnswerJSON = encodeBody(body), encodeBody(answer)
	return e, nil
}

func isMethod(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// request reads one word of the request.
func (e *Example) request(word string, body map[string]any) error {
	name, value, ok := strings.Cut(word, "=")
	if !ok || name == "" {
		return fmt.Errorf("%q is no field=value", word)
	}
	kind, rest, dotted := strings.Cut(name, ".")
	switch {
	case name == "host":
		e.Host = value
	case name == "route":
		e.Route = value
	case dotted && kind == "form":
		e.Form.Add(rest, value)
	case dotted && kind == "json":
		putMember(body, rest, value)
	case dotted && kind == "header":
		e.Header.Add(rest, value)
	case dotted && kind == "cookie":
		e.Header.Add("Cookie", rest+"="+value)
	case dotted && kind == "app":
		e.App[rest] = scalarOf(value)
	default:
		e.Form.Add(name, value)
	}
	return nil
}

// answer reads what stands after the arrow.
func (e *Example) answer(words []string, body map[string]any) error {
	if len(words) == 0 {
		return errors.New("a status is missing after ->")
	}
	var err error
	if e.Status, err = strconv.Atoi(words[0]); err != nil || e.Status < 100 || e.Status > 999 {
		return fmt.Errorf("%q is no status", words[0])
	}
	for _, word := range words[1:] {
		name, value, ok := strings.Cut(word, "=")
		switch {
		case word == "confirmed":
			e.Confirmed = true
		case ok && name == "type":
			e.ContentType = value
		case ok && strings.HasPrefix(name, "response.header."):
			e.AnswerHeader.Add(strings.TrimPrefix(name, "response.header."), value)
		case ok && strings.HasPrefix(name, "response.json."):
			putMember(body, strings.TrimPrefix(name, "response.json."), value)
		case e.Location == "" && (strings.ContainsAny(word[:min(1, len(word))], `/.?#\`) || strings.Contains(word, "://")):
			e.Location = word
		default:
			return fmt.Errorf("%q is neither where the answer redirects to nor response.header.x=value", word)
		}
	}
	return nil
}

// splitWords cuts at spaces that are not between quotes.
func splitWords(line string) (words []string, err error) {
	var word strings.Builder
	quoted, started := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, started = !quoted, true
		case !quoted && (r == ' ' || r == '\t'):
			if started {
				words = append(words, word.String())
				word.Reset()
			}
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is opened and never closed in %q", line)
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

// scalarOf reads a number, true or false as what it is.
func scalarOf(s string) any {
	var v any
	if json.Unmarshal([]byte(s), &v) == nil {
		switch v.(type) {
		case float64, bool:
			return v
		}
	}
	return s
}

// putMember puts a value at a path such as "user.plan".
func putMember(object map[string]any, at, value string) {
	for {
		name, rest, nested := strings.Cut(at, ".")
		if !nested {
			object[name] = scalarOf(value)
			return
		}
		inner, ok := object[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			object[name] = inner
		}
		object, at = inner, rest
	}
}

func encodeBody(object map[string]any) string {
	if len(object) == 0 {
		return ""
	}
	b, err := json.Marshal(object)
	if err != nil {
		return ""
	}
	return string(b)
}

// Exchange is the example as the evaluation sees it.
func (e Example) exchange() Exchange {
	x := Exchange{
		method: e.Method, host: e.Host, header: e.Header, location: e.Location, status: e.Status, route: e.Route,
		responseHeader: e.AnswerHeader, contentType: e.ContentType, app: e.App,
		typeKnown: true, formFate: Fires, confirmed: e.Confirmed,
	}
	if e.Location != "" && len(x.responseHeader["Location"]) == 0 {
		x.responseHeader = x.responseHeader.Clone()
		if x.responseHeader == nil {
			x.responseHeader = http.Header{}
		}
		x.responseHeader.Set("Location", e.Location)
	}
	x.method = cmp.Or(x.method, http.MethodGet)
	x.status = cmp.Or(x.status, http.StatusOK)
	x.path, x.rawQuery, _ = strings.Cut(e.Path, "?")
	if p, err := url.PathUnescape(x.path); err == nil {
		x.path = p
	}
	x.path = cmp.Or(x.path, "/")
	if x.prefix = urlpath.NormalPrefix(e.PathPrefix); x.prefix == "" && len(x.header[urlpath.ForwardedPrefix]) > 0 {
		x.prefix = urlpath.ReadPrefix(x.header[urlpath.ForwardedPrefix]) // an example is believed
	}
	whole := urlpath.Normal(x.path)
	x.path = urlpath.CutPrefix(whole, x.prefix)
	x.taken = urlpath.CutOff(whole, x.path)
	x.soft = navigation.IsSoft(x.header, x.path)
	x.navigation = navigation.MayBePage(x.header) || x.soft
	x.path = navigation.PageOf(x.path)
	if x.contentType == "" {
		x.contentType = e.usualType(x.path, x.status)
	}
	e.body(&x)
	x.answer = scan.Given(x.status, x.contentType, e.AnswerHeader, e.AnswerJSON)
	x.referer = e.Header.Get("Referer")
	x.userAgent = e.Header.Get("User-Agent")
	return x
}

// body fills in the body as a browser would send it: JSON if there is any, and
// otherwise a form. A Content-Type and a Content-Encoding among the headers win.
func (e *Example) body(x *Exchange) {
	text, contentType := e.JSON, "application/json"
	if e.JSON == "" {
		text, contentType = e.Form.Encode(), "application/x-www-form-urlencoded"
	}
	if text == "" {
		return // no body, of which no field is present
	}
	if t := e.Header.Get("Content-Type"); t != "" {
		contentType = t
	}
	x.formKind = scan.KindOf(contentType)
	switch {
	case x.formKind == scan.KindNone:
		x.formFate = reasonFormNotAForm
	case scan.IsEncoded(e.Header):
		x.formFate = reasonFormEncoded
	case len(text) > scan.BodyLimit:
		x.formFate = reasonFormTooLarge
	case x.formKind == scan.KindJSON:
		x.json.Text = []byte(text)
	case e.JSON == "":
		x.form = scan.Pick(e.Form, slices.Collect(maps.Keys(e.Form)))
	}
}

// usualType is the type of an answer that does not say: JSON if it has members,
// none without a body, else what the path looks like.
func (e *Example) usualType(page string, status int) string {
	switch {
	case e.AnswerJSON != "":
		return "application/json"
	case !scan.HasBody(status) || web.IsRedirect(status):
		return ""
	}
	return typeByPath(page)
}

// pageEndings are those of programs that answer with pages. Package mime reads
// the operating system's tables too, some of which call them source code.
var pageEndings = []string{".asp", ".aspx", ".cfm", ".cgi", ".do", ".jsp", ".php", ".pl", ".py"}

// typeByPath guesses the type of an answer: HTML, unless the path ends in
// something else.
func typeByPath(p string) string {
	ending := strings.ToLower(path.Ext(p))
	if t := mime.TypeByExtension(ending); t != "" && !slices.Contains(pageEndings, ending) {
		return t
	}
	return "text/html"
}

// sometime is a moment at which the goal counts. An example says what is asked
// and answered, not when: it must not fail before a campaign begins, nor when
// it is over.
func (l *limits) sometime() time.Time {
	if l.from.IsZero() && !l.until.IsZero() {
		return l.until.Add(-time.Second)
	}
	return l.from // zero means now, which is as good as any
}

// CheckExamples tries the examples of every goal and returns those that do not
// come out as the rule says, with what the goal made of them. Goals that are
// paused, or whose time has not come or is over, are tried as if they counted.
func (rs *Set) CheckExamples() []Fault {
	var at [2]int
	f := &faults{file: rs.file, at: func(int, string) (int, int) { return at[0], at[1] }}
	for _, g := range rs.goals {
		f.name = g.Name
		places := g.examplesAt
		for _, side := range []struct {
			key    string
			lines  []string
			counts bool
		}{{"counts", g.Examples.Counts, true}, {"ignores", g.Examples.Ignores, false}} {
			for _, line := range side.lines {
				at, places = places[0], places[1:]
				e, err := ParseExample(line)
				if err != nil {
					f.add("", err)
					continue
				}
				x := e.exchange()
				v := rs.explain(g, &x, g.limits.sometime())
				if v.Fired != side.counts {
					f.hint("", outcomeOf(line, v), "")
				}
			}
		}
	}
	return f.list
}

// placeExamples notes where the examples stand.
func (g *goal) placeExamples(f *faults) {
	for _, side := range []struct {
		key   string
		lines []string
	}{{"counts", g.Examples.Counts}, {"ignores", g.Examples.Ignores}} {
		for n := range side.lines {
			line, column := f.at(f.goal, "examples."+side.key+"."+strconv.Itoa(n))
			g.examplesAt = append(g.examplesAt, [2]int{line, column})
		}
	}
}

func outcomeOf(line string, v Verdict) string {
	if v.Fired {
		return fmt.Sprintf("the example %q is under ignores:, and it counts", line)
	}
	return fmt.Sprintf("the example %q does not count: %s", line, v.Reason)
}
