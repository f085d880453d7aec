package goaltrack

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// exchange is what the rules look at: one request and its answer, as values.
// Evaluating goals over it is pure: it knows neither writers nor the CDP, so
// the same evaluation serves the live site, a dry run and an explanation.
type exchange struct {
	// The request as it arrived.
	method, host, path, rawQuery string
	// header is read before the handler runs; afterwards it is a copy, or nil
	// if no goal reads a header or cookie, since the handler may have changed
	// the original.
	header http.Header
	// What every event needs of the header.
	userAgent, referer, mobileHint string
	// navigation says that a person may be looking at the answer as a page:
	// Sec-Fetch-Dest is absent or document.
	navigation bool

	// The answer.
	status         int
	location       string
	responseHeader http.Header
	contentType    string
	typeKnown      bool // contentType is final; false while it may yet be sniffed

	route string // name or template of the route, if a router told
	form  formFields
	// formFate is fired when form holds what the visitor sent, formPending
	// while the handler has not read it all, and otherwise why it cannot be.
	formFate fate
	app      map[string]any

	// Variables captured for the goal being judged.
	vars          []string
	varNames      []string
	redirect      []string
	redirectNames []string
}

// pending is no fate: it says that the decision has to wait until the handler
// has returned, because the form is not read or the type of the answer not
// known yet.
const pending = fateCount

// judgeEarly tests what is known before the handler runs.
func (g *goal) judgeEarly(x *exchange) fate {
	for i := range g.early {
		if f := g.early[i].holds(x); f != fired {
			return f
		}
	}
	return fired
}

// judgeLate tests the answer, then the conditions that needed it. failure are
// the pages of refused forms. It returns fired, a reason, or pending.
func (t *trigger) judgeLate(x *exchange, failure []template) fate {
	var f fate
	switch t.kind {
	case triggerVisit, triggerView:
		f = judgePage(x)
	case triggerDownload:
		f = judgeDownload(x)
	case triggerSubmit:
		f = t.goal.success.judge(x, failure)
	}
	if f != fired || t.goal == nil {
		return f
	}
	return t.goal.judgeConditions(x)
}

func (g *goal) judgeConditions(x *exchange) fate {
	waiting := false
	for i := range g.late {
		c := &g.late[i]
		if c.from.kind == sourceForm && x.formFate != fired {
			if x.formFate != pending {
				return x.formFate
			}
			waiting = true
			continue
		}
		if f := c.holds(x); f != fired {
			return f
		}
	}
	if len(g.formFields) > 0 && x.formFate != fired {
		return x.formFate // a reason, or pending
	}
	if waiting {
		return pending
	}
	return fired
}

// judgePage: a page was shown if the answer is 200 with HTML, or a 304, which
// tells a browser to show the copy it has.
func judgePage(x *exchange) fate {
	switch {
	case !x.navigation:
		return fateNotNavigation
	case x.status == http.StatusNotModified:
		return fired
	case x.status != http.StatusOK:
		return fateStatus
	case !x.typeKnown:
		return pending
	case !isHTML(x.contentType):
		return fateNotHTML
	}
	return fired
}

func isHTML(contentType string) bool {
	mime, _, _ := strings.Cut(contentType, ";")
	mime = strings.TrimSpace(mime)
	return strings.EqualFold(mime, "text/html") || strings.EqualFold(mime, "application/xhtml+xml")
}

// smallRange is the size under which a range is taken for a probe: Safari asks
// for bytes=0-1 before it plays or shows a file.
const smallRange = 1 << 10

// judgeDownload counts a download at its start, so that the many ranges of a
// resumed or streamed file count once.
func judgeDownload(x *exchange) fate {
	switch x.status {
	case http.StatusOK:
		return fired
	case http.StatusPartialContent:
		first, last, size, ok := contentRange(x.responseHeader.Get("Content-Range"))
		if !ok || first != 0 || last-first+1 < min(smallRange, size) {
			return fateRange
		}
		return fired
	}
	return fateStatus
}

// contentRange reads "bytes 0-1023/4096" (RFC 9110, section 14.4). An unknown
// size, "*", is taken for a large one.
func contentRange(s string) (first, last, size int64, ok bool) {
	span, total, ok1 := strings.Cut(strings.TrimPrefix(s, "bytes "), "/")
	from, to, ok2 := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	size, err3 := strconv.ParseInt(total, 10, 64)
	if total == "*" {
		size, err3 = 1<<62, nil
	}
	return first, last, size, ok1 && ok2 && err1 == nil && err2 == nil && err3 == nil && first <= last
}

// lookup reads a source. ok is false if the exchange has no such value.
func (x *exchange) lookup(s *source) (v string, ok bool) {
	switch s.kind {
	case sourceLiteral:
		return s.text, true
	case sourcePath:
		return named(x.varNames, x.vars, s.name)
	case sourceRedirect:
		return named(x.redirectNames, x.redirect, s.name)
	case sourceQuery:
		return queryValue(x.rawQuery, s.name)
	case sourceForm:
		return x.form.get(s.name)
	case sourceHeader:
		return first(x.header[s.name])
	case sourceCookie:
		v = cookieValue(x.header, s.name, nil)
		return v, v != ""
	case sourceResponseHeader:
		return first(x.responseHeader[s.name])
	case sourceApp:
		return x.appText(s.name)
	case sourceWholePath:
		return x.path, true
	case sourceHost:
		return hostOnly(x.host), true
	case sourceRoute:
		return x.route, x.route != ""
	case sourceResponseType:
		mime, _, _ := strings.Cut(x.contentType, ";")
		return strings.TrimSpace(mime), mime != ""
	}
	return "", false
}

// tooLong reports a form field that was there and is longer than any rule reads.
func (x *exchange) tooLong(s *source) bool {
	return s.kind == sourceForm && x.form.tooLong(s.name)
}

func (x *exchange) appText(name string) (string, bool) {
	v, ok := x.app[name]
	if !ok {
		return "", false
	}
	s, err := scalarText(v)
	if err != nil {
		s = fmt.Sprint(v)
	}
	return s, true
}

func named(names, values []string, name string) (string, bool) {
	for i, n := range names {
		if n == name && i < len(values) {
			return values[i], true
		}
	}
	return "", false
}

func first(values []string) (string, bool) {
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// queryValue returns the first value of a query parameter, as url.Values.Get
// would, without decoding the others.
func queryValue(rawQuery, name string) (string, bool) {
	for rawQuery != "" {
		var pair string
		pair, rawQuery, _ = strings.Cut(rawQuery, "&")
		k, v, _ := strings.Cut(pair, "=")
		if strings.IndexByte(pair, ';') >= 0 {
			continue // as net/url since Go 1.17
		}
		if k != name {
			if strings.IndexByte(k, '%') < 0 && strings.IndexByte(k, '+') < 0 {
				continue
			}
			if d, err := url.QueryUnescape(k); err != nil || d != name {
				continue
			}
		}
		if v, err := url.QueryUnescape(v); err == nil {
			return v, true
		}
	}
	return "", false
}
