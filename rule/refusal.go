package rule

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

// A refused form is answered with a redirect as often as an accepted one, and only the
// address tells them apart. It leads back to the form, to an error page, or to a log-in
// page since the session has ended. What is not known to be elsewhere is no success,
// since a goal may be lost but never invented.

// refusal is why a redirect is no success by itself.
type refusal struct {
	kind refusalKind
	word string // that says so, in the path or the query; of refusedHost the host that was asked
	to   string // where it leads, as led writes it; of refusedHost //host
	// public is the host by which the browser knows the site, if it says so. Of
	// refusedHost only.
	public string
}

type refusalKind uint8

const (
	refusedNot     refusalKind = iota
	refusedHost                // to another host, or to no address
	refusedNowhere             // without a Location
	refusedForm                // back to where the form was sent
	refusedPage                // back to the page that the form was on
	refusedStep                // back to an earlier step of it, or to a page with the form
	refusedList                // to a page under failure:
	refusedQuery               // the query says that it failed
	refusedBack                // the query leads back to the form later on
	refusedWord                // the path is that of a log-in or error page
	refusedHome                // perhaps to a log-in page: doubtful
	refusedSays                // to the page under success:, by an address that says that it failed
	refusedStandIn             // a firewall answered
	refusedAsks                // nobody asked the site to do anything with the form
	refusedTold                // a header tells scripts of another status
)

// failurePages are what failure: says: pages that refused forms lead to, beside those
// that are known by their words, and pages that are none in spite of them.
type failurePages struct{ listed, spared []urlpath.Template }

// add reads a line of failure:.
func (f *failurePages) add(text string) error {
	path, spared := strings.CutPrefix(text, "!")
	if rest, ok := strings.CutPrefix(text, "not "); ok && !spared {
		return &advice{"failure: " + text + " is not understood", `write "!` + strings.TrimSpace(rest) + `"`}
	}
	t, err := urlpath.Parse(strings.TrimSpace(path))
	list, other := &f.listed, f.spared
	if spared {
		if a, ok := errors.AsType[*urlpath.Fault](err); ok && strings.HasPrefix(a.Hint, "write /") {
			a.Hint = `write "!` + strings.TrimPrefix(a.Hint, "write ") + `"`
		}
		list, other = &f.spared, f.listed
	}
	*list = append(*list, t)
	if err == nil && slices.ContainsFunc(other, func(o urlpath.Template) bool { return samePath(o.Text, t.Text) }) {
		return &advice{"failure: has " + t.Text + " and !" + t.Text, "leave one of them out"}
	}
	return err
}

func (f *failurePages) lists(path string) bool  { return f != nil && matchesPath(f.listed, path) }
func (f *failurePages) spares(path string) bool { return f != nil && matchesPath(f.spared, path) }

func matchesPath(list []urlpath.Template, path string) bool {
	for i := range list {
		if _, ok := list[i].Capture(path, nil); ok {
			return true
		}
	}
	return false
}

// judgeRedirect judges the answer of a goal that does not name the page to which accepted
// forms lead. It is to be a 302 or 303 to another page of the same host. What leaves says
// is that of the goal's success.
func (x *Exchange) judgeRedirect(pages *failurePages, leaves bool) Reason {
	if x.status != http.StatusFound && x.status != http.StatusSeeOther {
		return ReasonNotSuccessful
	}
	return x.judgeTarget(x.location, pages, leaves)
}

// judgeTarget is judgeRedirect for an address to which a browser is led.
func (x *Exchange) judgeTarget(location string, pages *failurePages, leaves bool) Reason {
	path, query, ok := x.resolve(location)
	if !ok {
		x.refuseHost()
		return ReasonNotSuccessful
	}
	r := x.refused(path, query, pages, leaves)
	if r.kind == refusedNot {
		r = x.restSays(location, path, leaves)
	}
	if r.kind == refusedNot {
		return Fires
	}
	r.to = plainLead(path)
	if r.kind == refusedQuery || r.kind == refusedBack {
		r.hide()
	}
	why := r // which need not be kept otherwise
	if x.refusal = &why; r.kind == refusedHome {
		return ReasonDoubtfulRedirect
	}
	return ReasonNotSuccessful
}

// hide leaves out what a visitor may have written.
func (r *refusal) hide() {
	if isPrivate(r.word) {
		r.word = "the query"
	}
}

// refused tells why a redirect to a page of this site is no success.
func (x *Exchange) refused(path, query string, pages *failurePages, leaves bool) refusal {
	page, pageQuery := x.formPage()
	says := sayingOf(query, x.path, path)
	switch {
	case x.isForm(path):
		return refusal{kind: refusedForm}
	case says.failed:
		return refusal{kind: refusedQuery, word: says.word}
	case page != "" && sameAddress(path, page) && !x.saysNew(says, pageQuery):
		return refusal{kind: refusedPage}
	}
	if x.isStepBack(path, page) {
		return refusal{kind: refusedStep}
	}
	if name := x.leadsBack(query, page); name != "" {
		return refusal{kind: refusedBack, word: name}
	}
	switch {
	case pages.spares(path):
		return refusal{}
	case pages.lists(path):
		return refusal{kind: refusedList}
	case isHome(path) || isHome(urlpath.CutPrefix(path, x.stripped())):
		if says.accepted || leaves {
			return refusal{}
		}
		return refusal{kind: refusedHome}
	}
	kind, word := refusalWord(path, x.path, page)
	if kind == wordOther {
		kind, word = queryWord(query)
	}
	if kind == wordError || kind != wordOther && !leaves {
		return refusal{kind: refusedWord, word: word}
	}
	return refusal{}
}

// isForm reports whether a path is the one to which the form was sent.
func (x *Exchange) isForm(path string) bool {
	if sameAddress(path, urlpath.CutPrefix(x.path, x.address().prefix)) {
		return true
	}
	stripped := x.stripped()
	return stripped != "" && sameAddress(urlpath.CutPrefix(path, stripped), x.path)
}

// stripped is what was taken off the path inside the server before goaltrack saw
// it, as http.StripPrefix does, if no setting says it: "" if nothing was. It is
// the end of the address that stayed.
func (x *Exchange) stripped() string {
	whole, ok := x.askedFor()
	if !ok {
		return ""
	}
	prefix, ok := strings.CutSuffix(urlpath.Trim(whole), urlpath.Trim(x.path))
	if !ok {
		return ""
	}
	return prefix
}

// askedFor is the path in the request line. ok is false if it is the one that
// rules see, or a setting says what they see.
func (x *Exchange) askedFor() (path string, ok bool) {
	if x.requestURI == "" || x.address().prefix != "" {
		return "", false
	}
	target, _, _ := strings.Cut(x.requestURI, "?")
	if target == x.path {
		return "", false // the usual case
	}
	u, err := url.ParseRequestURI(x.requestURI)
	if err != nil || u.Path == "" {
		return "", false
	}
	path = urlpath.Normal(u.Path)
	return path, !samePath(path, x.path)
}

// sameAddress compares paths of pages. It is the same page in another language,
// to which some applications lead whoever asked for none, and under the name of
// the file that servers show for a directory.
func sameAddress(a, b string) bool { return samePath(barePath(a), barePath(b)) }

// isHome reports whether a path is the site's home page, perhaps in a language:
// where applications lead to from anywhere, and where some have their log-in.
func isHome(path string) bool { return barePath(path) == "" }

// barePath is a path without the language at its beginning and the name of a
// directory's file at its end: "" for the home page.
func barePath(path string) string {
	path = urlpath.Trim(path)
	for range 2 { // /en, /ch/de
		if segment, tail := urlpath.NextSegment(path); urlpath.IsLanguage(segment) {
			path = tail
		}
	}
	for range 2 { // /contact/index/index in Magento
		last := strings.LastIndexByte(path, '/')
		if last < 0 || !isHomeFile(path[last+1:]) {
			break
		}
		path = path[:last]
	}
	return path
}

// isHomeFile recognises what servers show for a directory, and what frameworks
// do: index.php, Default.aspx, index.do, index.
func isHomeFile(name string) bool {
	if name == "" || name[0]|0x20 != 'i' && name[0]|0x20 != 'd' {
		return false // the usual case
	}
	name, ending, _ := strings.Cut(name, ".")
	return (strings.EqualFold(name, "index") || strings.EqualFold(name, "default") && ending != "") && len(ending) <= len("xhtml")
}

// inWords says why, and what to write if it was a success after all. host is the
// one asked, "" if it is not known.
func (r *refusal) inWords(host string) (what, hint string) {
	if r == nil {
		return "", ""
	}
	word := strconv.Quote(r.word)
	switch r.kind {
	case refusedNot:
		return "", ""
	case refusedNowhere:
		return "it does not say where to", ""
	case refusedHost:
		return r.hostInWords(host)
	case refusedForm:
		return "that is the form itself", "if accepted forms lead there too, only the application can tell: success: confirmed"
	case refusedStandIn:
		return "the header " + r.word + " says that a firewall answered in place of the site", ""
	case refusedTold:
		return "the header X-Responded-JSON tells scripts that the status is " + r.word, ""
	case refusedAsks:
		return "the form was only checked while somebody filled it in", ""
	case refusedSays:
		return word + " there says that it failed", `if this is success, look at the whole address: success: { response.header.Location: "~ ` + r.word + `=" }`
	case refusedPage:
		what = "that is the page the form was on"
	case refusedStep:
		what = "that may be the page the form was on, or an earlier step"
	case refusedList:
		what = "failure: names that page"
	case refusedQuery:
		what = word + " there says that it failed"
	case refusedBack:
		what = word + " there leads back to the form"
	case refusedWord:
		what = word + " is a word of log-in and error pages"
	case refusedHome:
		what = "that may be the home page or a log-in page"
	}
	if r.to != "/" && strings.Trim(r.to, "/*") == "" { // which every page is
		return what, "if this is success, name that page under success:"
	}
	return what, "if this is success, write success: redirect to " + r.to
}
