package rule

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// An answer may have the status of success and be none of the application's to the
// form. A firewall answers 202 in its place, a request only asks whether a form would be
// accepted, and a script is told in a header where to lead the browser.

// onlyAsks reports whether a form is sent as it is being filled in, to hear what is wrong
// with it. Nothing is done with it, and the answer may be 204 if nothing is wrong:
// Laravel (https://laravel.com/docs/precognition), Unpoly
// (https://unpoly.com/X-Up-Validate).
func onlyAsks(h http.Header) bool {
	v, _ := web.First(h["Precognition"])
	return strings.EqualFold(v, "true") || len(h["X-Up-Validate"]) > 0
}

// standIn is the header by which a firewall says that it answered in place of the site, ""
// if none did. That of AWS asks with 202 for a proof that a browser sent the request
// (https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-actions.html),
// and Cloudflare's may have any status
// (https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/).
func standIn(h http.Header) string {
	for _, name := range [...]string{"X-Amzn-Waf-Action", "Cf-Mitigated", "X-Vercel-Mitigated"} {
		if len(h[name]) > 0 {
			return name
		}
	}
	return ""
}

// isNoAnswer reports whether what was answered says nothing of the form.
func (x *Exchange) isNoAnswer() bool {
	switch by := standIn(x.responseHeader); {
	case by != "":
		x.refusal = &refusal{kind: refusedStandIn, word: by}
	case x.onlyAsks:
		x.refusal = &refusal{kind: refusedAsks}
	default:
		return false
	}
	return true
}

// scriptTarget is where a script leads the browser, whatever the status. htmx leads to an
// address (https://htmx.org/headers/hx-redirect/), or to one that may be a member of JSON
// (https://htmx.org/headers/hx-location/); it looks at the latter first. Remix leads by a 204
// (https://github.com/remix-run/remix/blob/remix%402.0.0/packages/remix-server-runtime/server.ts).
func scriptTarget(h http.Header) (to string, ok bool) {
	if to, ok = web.First(h["Hx-Location"]); ok {
		var location struct{ Path string }
		if json.Unmarshal([]byte(to), &location) == nil {
			to = location.Path
		}
		return to, true
	}
	for _, name := range [...]string{"Hx-Redirect", "X-Remix-Redirect", "X-Ic-Redirect", "X-Redirect", "X-Redirect-To", "X-Redirect-Url", "X-Redirect-Location", "X-Ajax-Redirect", "X-Location"} {
		if to, ok = web.First(h[name]); ok {
			return to, true
		}
	}
	return "", false
}

// leadsToRefusal reports whether an answer of 2xx leads a browser by script to a log-in or
// error page, or to an address that says that the form failed. It may lead back to the
// form, or home: success: says that 2xx is success.
func (x *Exchange) leadsToRefusal(pages *failurePages, leaves bool) bool {
	to, ok := scriptTarget(x.responseHeader)
	if !ok || x.status/100 != 2 || x.judgeTarget(to, pages, leaves) == Fires {
		return false
	}
	if slices.Contains([]refusalKind{refusedList, refusedQuery, refusedBack, refusedWord}, x.refusal.kind) {
		return true
	}
	x.refusal = nil
	return false
}
