package rule

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
)

// success says which answer means that the application accepted a form.
// A server sees what no page script can: whether the form was accepted. A plain
// 200 is not taken for success, since a form shown again with its errors
// usually answers 200.
type success struct {
	kind   successKind
	status int              // exact, or the hundreds of a class
	target urlpath.Template // of a redirect
	answer []condition      // on the answer, for successIf
	// leaves: whoever is led to the home page or to a log-in page has left, as
	// the goal says.
	leaves bool
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
	case hasTarget && (head == "redirect" || isStatus && web.IsRedirect(status)):
		t, err := urlpath.Parse(target)
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

// htmxTarget is where htmx leads a browser, whatever the status: to an address
// (https://htmx.org/headers/hx-redirect/), or to one that may be a member of
// JSON (https://htmx.org/headers/hx-location/), which it looks at first.
func htmxTarget(h http.Header) (to string, ok bool) {
	if to, ok = web.First(h["Hx-Location"]); !ok {
		return web.First(h["Hx-Redirect"])
	}
	var location struct{ Path string }
	if json.Unmarshal([]byte(to), &location) == nil {
		to = location.Path
	}
	return to, true
}

// judge tells whether the answer in x is a success, and fills the variables of
// the redirect target.
func (s *success) judge(x *Exchange, pages *failurePages) Reason {
	if x.refusal = (refusal{}); x.blind {
		return s.guess(x, pages)
	}
	switch s.kind {
	case successConfirmed:
		return reasonNotConfirmed
	case successIf:
		return s.judgeAnswer(x, pages)
	case successStatus:
		return succeeds(x.status == s.status)
	case successClass:
		return succeeds(x.status/100 == s.status)
	case successRedirectTo:
		if s.status != 0 && x.status != s.status || !web.IsRedirect(x.status) {
			return reasonNotSuccessful
		}
		path, _, ok := x.redirectTarget()
		if !ok {
			x.refuseHost()
			return reasonNotSuccessful
		}
		values, ok := s.target.Capture(path, x.redirect[:0])
		x.redirect, x.redirectNames = values, s.target.Names
		return succeeds(ok)
	case successDefault:
		switch x.status {
		case http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
			if to, ok := htmxTarget(x.responseHeader); ok {
				return x.judgeTarget(to, pages, s.leaves)
			}
			return Fires
		}
	}
	return x.judgeRedirect(pages, s.leaves)
}

// guess judges what a log tells: the status, and rarely where a redirect leads.
func (s *success) guess(x *Exchange, pages *failurePages) Reason {
	switch {
	case s.kind == successIf:
		x.guessed = true
		return s.judgeAnswer(x, pages)
	case s.kind == successConfirmed:
		x.guessed = true
		return succeeds(x.status < http.StatusBadRequest)
	case x.location != "" || !web.IsRedirect(x.status):
		x.blind = false
		defer func() { x.blind = true }()
		return s.judge(x, pages)
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

func succeeds(ok bool) Reason {
	if ok {
		return Fires
	}
	return reasonNotSuccessful
}

// redirectTarget resolves Location against the request and returns its path, as
// rules see it, and its query. ok is false for another host and for what is not
// an address.
func (x *Exchange) redirectTarget() (path, rawQuery string, ok bool) { return x.resolve(x.location) }

// resolve is redirectTarget for any address.
func (x *Exchange) resolve(location string) (path, rawQuery string, ok bool) {
	location = strings.Trim(location, " \t")
	if location == "" || len(location) > maxInput {
		return "", "", false
	}
	if urlpath.IsPlain(location) {
		path, rawQuery, _ = strings.Cut(location, "?")
		return x.ownPath(path), rawQuery, true
	}
	target, err := url.Parse(slashed(location))
	if err != nil {
		return "", "", false
	}
	target = (&url.URL{Scheme: "http", Host: x.host, Path: x.wholePath()}).ResolveReference(target)
	if target.Scheme != "http" && target.Scheme != "https" || !x.sameHost(target.Host) {
		return "", "", false
	}
	return x.ownPath(target.Path), target.RawQuery, true
}

// sameHost reports whether a host, perhaps with a port, is the one asked. A log
// that does not tell which that was is taken to be of one site.
func (x *Exchange) sameHost(host string) bool {
	return x.anyHost || strings.EqualFold(web.HostOnly(host), web.HostOnly(x.host))
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
	a, b = urlpath.Trim(a), urlpath.Trim(b)
	if utf8.ValidString(a) && utf8.ValidString(b) {
		return strings.EqualFold(a, b)
	}
	return string(urlpath.AppendFold(nil, a)) == string(urlpath.AppendFold(nil, b))
}
