package rule

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/internal/web"
)

// judgeLate tests the answer, then the conditions that needed it. pages are what
// failure: says. It returns fires, a reason, or pending.
func (t *Cause) judgeLate(x *Exchange, pages *failurePages) Reason {
	confirmed := t.kind == triggerSubmit && x.confirmed // whatever the answer looks like
	if x.unanswered && !confirmed {
		return reasonNothingWritten
	}
	var f Reason
	switch t.kind {
	case triggerVisit, triggerView:
		f = judgePage(x)
	case triggerDownload:
		f = judgeDownload(x)
	case triggerSubmit:
		if f = t.goal.success.judge(x, pages); confirmed {
			f = Fires
		}
	}
	if f != Fires || t.goal == nil {
		return f
	}
	return t.judgeConditions(x)
}

// judgeConditions tests the conditions that had to wait for the answer.
func (t *Cause) judgeConditions(x *Exchange) Reason {
	g := t.goal
	body := t.bodyFate(x)
	if body != Fires && body != pending {
		return body
	}
	verdict := body
	for i := range g.late {
		c := &g.late[i]
		if (c.from.kind == sourceForm || c.from.kind == sourceJSON) && body == pending {
			continue
		}
		switch f := c.holds(x); f {
		case Fires:
		case pending:
			verdict = pending
		default:
			return f
		}
	}
	switch {
	case verdict != Fires:
		return verdict
	case t.form != "" && !t.named(x):
		return reasonOtherForm
	case !t.understands(x):
		return reasonFormNotAForm
	}
	return x.judgeData(&g.needs)
}

// judgePage: a page was shown if the answer is 200 with HTML, or a 304, which
// tells a browser to show the copy it has.
func judgePage(x *Exchange) Reason {
	switch {
	case !x.navigation:
		return reasonNotNavigation
	case x.status == http.StatusNotModified:
		return Fires
	case x.status != http.StatusOK:
		return reasonStatus
	case !x.typeKnown:
		return pending
	case !web.IsHTML(x.contentType) && (!x.soft || !isPageData(x.contentType)):
		return reasonNotHTML
	}
	return Fires
}

// isPageData reports whether a script can make a page of the answer: the JSON
// and the component streams that Next.js navigates with.
func isPageData(contentType string) bool {
	mime, _, _ := strings.Cut(contentType, ";")
	mime = strings.TrimSpace(mime)
	return strings.EqualFold(mime, "application/json") || strings.EqualFold(mime, "text/x-component")
}

// smallRange is the size under which a range is taken for a probe: Safari asks
// for bytes=0-1 before it plays or shows a file.
const smallRange = 1 << 10

// judgeDownload counts a download at its start, so that the many ranges of a
// resumed or streamed file count once.
func judgeDownload(x *Exchange) Reason {
	switch x.status {
	case http.StatusOK:
		return Fires
	case http.StatusPartialContent:
		first, last, size, ok := contentRange(x.responseHeader.Get("Content-Range"))
		if !ok || first != 0 || last < min(smallRange, size)-1 {
			return reasonRange
		}
		return Fires
	}
	return reasonStatus
}

// contentRange reads "bytes 0-1023/4096" (RFC 9110, section 14.4). An unknown
// size, "*", is taken for a large one.
func contentRange(s string) (first, last, size int64, ok bool) {
	unit, s, _ := strings.Cut(s, " ")
	span, total, ok1 := strings.Cut(s, "/")
	from, to, ok2 := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	size, err3 := strconv.ParseInt(total, 10, 64)
	if total == "*" {
		size, err3 = 1<<62, nil
	}
	ok = ok1 && ok2 && err1 == nil && err2 == nil && err3 == nil && first <= last && last < size
	return first, last, size, ok && strings.EqualFold(unit, "bytes")
}

// lookup reads a source. ok is false if the exchange has no such value.
func (x *Exchange) lookup(s *source) (v string, ok bool) {
	switch s.kind {
	case sourceLiteral:
		return s.text, true
	case sourcePath:
		return named(x.varNames, x.vars, s.name)
	case sourceRedirect:
		return named(x.redirectNames, x.redirect, s.name)
	case sourceQuery:
		return web.QueryValue(x.rawQuery, s.name)
	case sourceForm:
		return x.form.Get(s.name)
	case sourceHeader:
		return web.First(x.header[s.name])
	case sourceCookie:
		v = web.CookieValue(x.header, s.name, nil)
		return v, v != ""
	case sourceResponseHeader:
		if v, ok = web.First(x.responseHeader[s.name]); !ok && s.ofType() {
			return x.contentType, x.contentType != ""
		}
		return v, ok
	case sourceApp:
		return textOf(x.app[s.name])
	case sourceJSON:
		return textOf(x.json.Member(s.name))
	case sourceResponseJSON:
		return textOf(x.answer.Member(s.name))
	case sourceUTM:
		if s.ofVisit && len(x.origin.UTM) > 0 {
			return x.origin.Param(s.name)
		}
		return web.QueryValue(x.rawQuery, "utm_"+s.name)
	case sourceReferrer:
		if s.ofVisit && x.origin.Known {
			return x.origin.Referrer, x.origin.Referrer != ""
		}
		v = x.otherSite()
		return v, v != ""
	case sourceWholePath:
		return x.path, true
	case sourceHost:
		return web.HostOnly(x.host), true
	case sourceRoute:
		return x.route, x.route != ""
	case sourceResponseType:
		mime, _, _ := strings.Cut(x.contentType, ";")
		return strings.TrimSpace(mime), mime != ""
	}
	return "", false
}

// holdsMany reports a list or an object that is not empty, which has no text
// but is there all the same.
func (x *Exchange) holdsMany(s *source) bool {
	v, _ := x.lookupTyped(s)
	switch v := v.(type) {
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return false
}

// tooLong reports a form field that was there and is longer than any rule reads.
func (x *Exchange) tooLong(s *source) bool {
	return s.kind == sourceForm && x.form.TooLong(s.name)
}

// lookupTyped reads a source whose values have types of their own.
func (x *Exchange) lookupTyped(s *source) (v any, typed bool) {
	switch s.kind {
	case sourceApp:
		v = x.app[s.name]
	case sourceJSON:
		v = x.json.Member(s.name)
	case sourceResponseJSON:
		v = x.answer.Member(s.name)
	default:
		return nil, false
	}
	return v, true
}

// textOf writes a value of some type as text, the way JSON does. Lists and
// objects have none.
func textOf(v any) (string, bool) {
	if v == nil {
		return "", false
	}
	s, err := scalarText(v)
	return s, err == nil
}

// otherSite is the Referer, if it is of another host.
func (x *Exchange) otherSite() string {
	if x.referer == "" || len(x.referer) > maxInput || !utf8.ValidString(x.referer) {
		return ""
	}
	u, err := url.Parse(x.referer)
	if err != nil || u.Host == "" || strings.EqualFold(web.HostOnly(u.Host), web.HostOnly(x.host)) {
		return ""
	}
	return x.referer
}

func named(names, values []string, name string) (string, bool) {
	for i, n := range names {
		if n == name && i < len(values) {
			return values[i], true
		}
	}
	return "", false
}
