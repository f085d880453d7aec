package rule

import (
	"slices"
	"strconv"
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

// A form may lead back to a page that is neither the address that it was sent to nor the page
// that the Referer names: to an earlier step, since the session has forgotten what was said
// there, or to the page of the form, after a browser that keeps the Referer to itself.

// isStepBack reports whether a path surely or probably is such a page.
func (x *Exchange) isStepBack(path, page string) bool {
	path, form := barePath(path), barePath(x.path)
	switch {
	case isEarlier(path, form), page != "" && isEarlier(path, barePath(page)):
		return true
	case isFormPage(path, form):
		return true
	}
	return x.hidesPage() && path != "" && len(path) < len(form) && samePath(form[:len(path)], path) && form[len(path)] == '/'
}

// hidesPage reports whether the browser does not say which page the form was on. Express sites
// with Helmet say Referrer-Policy: no-referrer, unless told otherwise. With origin, and with
// strict-origin, each page is the home page to the server
// (https://www.w3.org/TR/referrer-policy/#referrer-policies).
func (x *Exchange) hidesPage() bool {
	if x.referer == "" {
		return true
	}
	_, rest, _ := strings.Cut(x.referer, "://")
	if i := strings.IndexByte(rest, '/'); i < 0 || i < len(rest)-1 {
		return false
	}
	policies := x.responseHeader["Referrer-Policy"]
	return slices.ContainsFunc(policies, func(line string) bool {
		last := strings.TrimSpace(line[strings.LastIndexByte(line, ',')+1:]) // the others are for old browsers
		return strings.EqualFold(last, "origin") || strings.EqualFold(last, "strict-origin")
	})
}

// formPages are what frameworks call the page that shows the form of a thing, below the thing
// or beside where the form is sent to: /users/new (Rails), /users/17/edit, /users/create
// (Laravel).
var formPages = []string{"new", "edit", "create", "form"}

func isFormPage(path, form string) bool {
	above, last, ok := cutLast(path)
	if !ok || !slices.ContainsFunc(formPages, func(name string) bool { return strings.EqualFold(name, last) }) {
		return false
	}
	beside, _, _ := cutLast(form)
	return samePath(above, form) || beside != "" && samePath(above, beside)
}

// maxStep is the last number that may be that of a step. Larger ones are IDs.
const maxStep = 30

// isEarlier reports whether two paths are the same but for one number, which is smaller in the
// first: /apply/step-1 and /apply/step-3.
func isEarlier(a, b string) bool {
	earlier := false
	for a != "" && b != "" && a[0] == '/' && b[0] == '/' {
		var x, y string
		x, a = urlpath.NextSegment(a)
		y, b = urlpath.NextSegment(b)
		if strings.EqualFold(x, y) {
			continue
		}
		xs, xn := cutNumber(x)
		ys, yn := cutNumber(y)
		if earlier || !strings.EqualFold(xs, ys) || xn >= yn || xn < 0 || yn > maxStep {
			return false
		}
		earlier = true
	}
	return earlier && a == "" && b == ""
}

// cutNumber cuts the number off the end of a segment, -1 if there is none.
func cutNumber(segment string) (name string, n int) {
	if segment == "" || segment[len(segment)-1] < '0' || segment[len(segment)-1] > '9' {
		return segment, -1 // the usual case
	}
	name = strings.TrimRight(segment, "0123456789")
	digits := segment[len(name):]
	if len(digits) > len("30") {
		return segment, -1
	}
	n, _ = strconv.Atoi(digits)
	return name, n
}

// cutLast cuts a path before its last segment.
func cutLast(path string) (above, last string, ok bool) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}
