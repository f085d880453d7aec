package goaltrack

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// success says which answer means that the application accepted a form.
// A server sees what no page script can: whether the form was accepted. A plain
// 200 is not taken for success, since a form shown again with its errors
// usually answers 200.
type success struct {
	kind   successKind
	status int         // exact, or the hundreds of a class
	target template    // of a redirect
	answer []condition // on the answer, for successIf
}

type successKind uint8

const (
	// successDefault is a redirect elsewhere, or 201, 202 or 204.
	successDefault successKind = iota
	successRedirect
	successRedirectTo
	successStatus
	successClass
	successConfirmed // only Tracker.Confirm
	successIf        // conditions on the answer
)

// parseSuccess reads the words after success:. isStatus tells the forms
// "303 to /path" and "redirect to /path" from the rest.
func parseSuccess(s string) (success, error) {
	head, target, hasTarget := strings.Cut(s, " to ")
	head, target = strings.TrimSpace(head), strings.TrimSpace(target)
	status, err := strconv.Atoi(head)
	isStatus := err == nil && status >= 200 && status <= 599
	switch {
	case s == "":
		return success{}, nil
	case hasTarget && (head == "redirect" || isStatus && isRedirect(status)):
		t, err := parseTemplate(target)
		return success{kind: successRedirectTo, status: status, target: t}, err
	case hasTarget && isStatus:
		return success{}, &advice{fmt.Sprintf("success: %d is no redirect", status), "write redirect to " + target}
	case s == "redirect":
		return success{kind: successRedirect}, nil
	case strings.HasSuffix(s, " to") || strings.HasPrefix(head, "redirect /"):
		return success{}, &advice{fmt.Sprintf("success: %q lacks its path or its \"to\"", s), "for example redirect to /thanks"}
	case s == "confirmed":
		return success{kind: successConfirmed}, nil
	case isStatus:
		return success{kind: successStatus, status: status}, nil
	case len(s) == 3 && s[1:] == "xx" && s[0] >= '2' && s[0] <= '5':
		return success{kind: successClass, status: int(s[0] - '0')}, nil
	}
	return success{}, &advice{fmt.Sprintf("success: %q is not understood", s), "redirect, redirect to /thanks, 303 to /thanks, 200, 2xx or confirmed"}
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// judge tells whether the answer in x is a success, and fills the variables of
// the redirect target.
func (s *success) judge(x *exchange, failure []template) fate {
	if x.blind {
		return s.guess(x, failure)
	}
	switch s.kind {
	case successConfirmed:
		return fateNotConfirmed
	case successIf:
		return s.judgeAnswer(x, failure)
	case successStatus:
		return succeeds(x.status == s.status)
	case successClass:
		return succeeds(x.status/100 == s.status)
	case successRedirectTo:
		if s.status != 0 && x.status != s.status || !isRedirect(x.status) {
			return fateNotSuccessful
		}
		path, ok := x.redirectPath()
		if !ok {
			return fateNotSuccessful
		}
		values, ok := s.target.capture(path, x.redirect[:0])
		x.redirect, x.redirectNames = values, s.target.names
		return succeeds(ok)
	case successDefault:
		switch x.status {
		case http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
			return fired
		}
	}
	return succeeds(x.redirectsElsewhere(failure))
}

// guess judges what a log tells: the status, and rarely where a redirect leads.
func (s *success) guess(x *exchange, failure []template) fate {
	known := *x
	known.blind = false
	switch {
	case s.kind == successIf:
		x.guessed = true
		return s.judgeAnswer(x, failure)
	case s.kind == successConfirmed:
		x.guessed = true
		return succeeds(x.status < http.StatusBadRequest)
	case x.location != "" || !isRedirect(x.status):
		return s.judge(&known, nil)
	case s.kind == successStatus:
		return succeeds(x.status == s.status)
	case s.kind == successClass:
		return succeeds(x.status/100 == s.status)
	case s.kind == successRedirectTo:
		x.guessed = true
		return succeeds(s.status == 0 || s.status == x.status)
	}
	x.guessed = true
	return succeeds(x.status == http.StatusFound || x.status == http.StatusSeeOther)
}

func succeeds(ok bool) fate {
	if ok {
		return fired
	}
	return fateNotSuccessful
}

// redirectsElsewhere tells whether the answer is a 302 or 303 to another page
// of the same host that is not one of the failure pages. A redirect back to the
// form ("/contact?error=1") is no success.
func (x *exchange) redirectsElsewhere(failure []template) bool {
	if x.status != http.StatusFound && x.status != http.StatusSeeOther {
		return false
	}
	path, ok := x.redirectPath()
	if !ok || samePath(path, x.path) {
		return false
	}
	for i := range failure {
		if _, ok := failure[i].capture(path, nil); ok {
			return false
		}
	}
	return true
}

// redirectPath resolves Location against the request and returns its path, as
// rules see it. ok is false for another host and for what is not an address.
func (x *exchange) redirectPath() (path string, ok bool) {
	location := strings.Trim(x.location, " \t")
	if location == "" || len(location) > maxInput {
		return "", false
	}
	if isPlainPath(location) {
		path, _, _ = strings.Cut(location, "?")
		return x.ownPath(path), true
	}
	target, err := url.Parse(slashed(location))
	if err != nil {
		return "", false
	}
	target = (&url.URL{Scheme: "http", Host: x.host, Path: x.wholePath()}).ResolveReference(target)
	if target.Scheme != "http" && target.Scheme != "https" || !strings.EqualFold(hostOnly(target.Host), hostOnly(x.host)) {
		return "", false
	}
	return x.ownPath(target.Path), true
}

// isPlainPath recognises the common Location, a path with perhaps a query,
// which needs no parsing.
func isPlainPath(location string) bool {
	if location[0] != '/' {
		return false
	}
	for i := 1; i < len(location); i++ {
		switch c := location[i]; {
		case c == '?':
			return strings.IndexFunc(location[i:], func(r rune) bool { return r <= ' ' || r == '#' || r == 0x7f }) < 0
		case c <= ' ', c >= 0x7f, c == '%', c == '\\', c == '#':
			return false
		case (c == '/' || c == '.') && location[i-1] == '/':
			return false // another host, an empty segment, a dot segment
		}
	}
	return true
}

// slashed turns the backslashes before the query into slashes, as browsers do
// (https://url.spec.whatwg.org/#url-parsing): /\evil.example leads elsewhere.
func slashed(location string) string {
	end := strings.IndexAny(location, "?#")
	if end < 0 {
		end = len(location)
	}
	return strings.ReplaceAll(location[:end], `\`, "/") + location[end:]
}

// samePath compares paths without regard to case and to a slash at the end.
func samePath(a, b string) bool {
	return string(appendFold(nil, trimPath(a))) == string(appendFold(nil, trimPath(b)))
}

// hostOnly cuts the port off a Host header.
func hostOnly(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.IndexByte(host[i:], ']') < 0 {
		return host[:i]
	}
	return host
}
