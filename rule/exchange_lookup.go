package rule

import (
	"strings"
	"unicode/utf8"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
)

// nameOf is the name under which the exchange has what a source reads: its own, or the
// same in another spelling; see source.decomposed.
func (x *Exchange) nameOf(s *source) string {
	if s.decomposed == "" {
		return s.name // the usual case
	}
	has := false
	switch s.kind {
	case sourceQuery:
		_, has = web.QueryValue(x.rawQuery, s.decomposed)
	case sourceForm:
		_, has = x.form.Get(s.decomposed)
		has = has || x.form.TooLong(s.decomposed)
	case sourceApp:
		has = x.app[s.decomposed] != nil
	case sourceJSON:
		has = x.json.Member(s.decomposed) != nil
	case sourceResponseJSON:
		has = x.answer.Member(s.decomposed) != nil
	case sourceEvent:
		has = x.told.attribute(s.decomposed) != nil
	default: // in an address it is composed, and in a header there are no letters
	}
	if has {
		return s.decomposed
	}
	return s.name
}

// lookup reads a source. ok is false if the exchange has no such value.
func (x *Exchange) lookup(s *source) (v string, ok bool) {
	switch s.kind {
	case sourceLiteral:
		return s.text, true
	case sourcePath:
		return x.vars.get(s.name)
	case sourceRedirect:
		return x.redirect.get(s.name)
	case sourceQuery:
		return web.QueryValue(x.rawQuery, x.nameOf(s))
	case sourceForm:
		return x.form.Get(x.nameOf(s))
	case sourceHeader:
		return web.First(x.header[s.name])
	case sourceCookie:
		v = web.CookiesOf(x.header).Value(s.name, nil)
		return v, v != ""
	case sourceResponseHeader:
		if v, ok = web.First(x.responseHeader[s.name]); !ok && s.ofType() {
			return x.contentType, x.contentType != ""
		}
		return v, ok
	case sourceApp:
		return textOf(x.app[x.nameOf(s)])
	case sourceJSON:
		return textOf(x.json.Member(x.nameOf(s)))
	case sourceResponseJSON:
		return textOf(x.answer.Member(x.nameOf(s)))
	case sourceUTM:
		if s.ofVisit && x.origin != nil && len(x.origin.UTM) > 0 {
			return x.origin.Param(s.name)
		}
		return web.QueryValue(x.rawQuery, "utm_"+s.name)
	case sourceReferrer:
		if s.ofVisit && x.origin != nil && x.origin.Known {
			return x.origin.Referrer, x.origin.Referrer != ""
		}
		v = x.otherSite()
		return v, v != ""
	case sourceFirst:
		return x.lookupFirst(s.name)
	case sourceElement:
		return x.told.data(s.name)
	case sourceEvent:
		return textOf(x.told.attribute(x.nameOf(s)))
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

// others are the values of a field before its last, which lookup returns.
func (x *Exchange) others(s *source) []string {
	if s.kind != sourceForm {
		return nil
	}
	return x.form.Others(x.nameOf(s))
}

// lookupTyped reads a source whose values have types of their own.
func (x *Exchange) lookupTyped(s *source) (v any, typed bool) {
	switch s.kind {
	case sourceApp:
		v = x.app[x.nameOf(s)]
	case sourceJSON:
		v = x.json.Member(x.nameOf(s))
	case sourceResponseJSON:
		v = x.answer.Member(x.nameOf(s))
	case sourceEvent:
		v = x.told.attribute(x.nameOf(s))
	default:
		return nil, false
	}
	return v, true
}

// collect reads what goes into an event: a valid text, or "" if there is none.
func (x *Exchange) collect(s *source) (v string, r Reason) {
	v, _ = x.lookup(s)
	if len(v) > maxCollected || x.tooLong(s) {
		return "", ReasonValueTooLong
	}
	return cleanText(v), Fires
}

// hasMany reports a list or an object that is not empty, which has no text
// but is there all the same.
func (x *Exchange) hasMany(s *source) bool {
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
	return s.kind == sourceForm && x.form.TooLong(x.nameOf(s))
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

// cleanText makes a visitor's text fit for JSON.
func cleanText(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// maxInput bounds what is compared or sent from a request: a longer value fails
// its condition, so that no visitor can make a regular expression slow.
const maxInput = urlpath.MaxLength

// maxCollected bounds a value that goes into an event.
const maxCollected = 1 << 10
