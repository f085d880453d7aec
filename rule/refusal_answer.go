package rule

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
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
		status := respondedStatus(x.responseHeader)
		if status < http.StatusBadRequest {
			return false
		}
		x.refusal = &refusal{kind: refusedTold, word: strconv.Itoa(status)}
	}
	return true
}

// respondedStatus is the status that ASP.NET's log-in had in mind for a script, 0 if it says
// nothing. Its answer has 200
// (https://github.com/aspnet/AspNetKatana/blob/main/src/Microsoft.Owin.Security.Cookies/Provider/DefaultBehavior.cs).
func respondedStatus(h http.Header) int {
	v, ok := web.First(h["X-Responded-Json"])
	if !ok {
		return 0
	}
	var told struct{ Status int }
	_ = json.Unmarshal([]byte(v), &told)
	return told.Status
}

// refreshTarget is where the header Refresh leads a browser at once, as CodeIgniter's
// redirect('/login', 'refresh') does
// (https://html.spec.whatwg.org/multipage/semantics.html#attr-meta-http-equiv-refresh). A page
// that is shown for a while may say that the form was accepted.
func refreshTarget(h http.Header) (to string, ok bool) {
	v, _ := web.First(h["Refresh"])
	i := strings.IndexAny(v, ";, \t")
	if i < 0 || strings.Trim(v[:i], "0.") != "" {
		return "", false
	}
	to = strings.TrimLeft(v[i:], ";, \t")
	if name, rest, ok := strings.Cut(to, "="); ok && strings.EqualFold(strings.TrimSpace(name), "url") {
		to = strings.TrimSpace(rest)
	}
	if to != "" && (to[0] == '"' || to[0] == '\'') {
		to, _, _ = strings.Cut(to[1:], to[:1])
	}
	return to, to != ""
}

// scriptTarget is where a script leads the browser, whatever the status. Remix leads by a 204
// (https://github.com/remix-run/remix/blob/remix%402.0.0/packages/remix-server-runtime/server.ts).
// Server actions of Next.js say beside the address how it is to be opened: /thanks;push.
func scriptTarget(h http.Header) (to string, ok bool) {
	if to, ok = pageTarget(h); ok {
		return to, true
	}
	if to, ok = web.First(h["X-Action-Redirect"]); ok {
		return strings.TrimSuffix(strings.TrimSuffix(to, ";push"), ";replace"), true
	}
	for _, name := range [...]string{"X-Remix-Redirect", "X-Ic-Redirect", "X-Redirect", "X-Redirect-To", "X-Redirect-Url", "X-Redirect-Location", "X-Ajax-Redirect", "X-Location", "Ajax-Location", "Spring-Redirect-Url"} {
		if to, ok = web.First(h[name]); ok {
			return to, true
		}
	}
	return "", false
}

// pageTarget is where htmx or Next.js lead from a page that they fetched. htmx leads to an
// address (https://htmx.org/headers/hx-redirect/), or to one that may be a member of JSON
// (https://htmx.org/headers/hx-location/); it looks at the latter first. Other headers mean
// something to nobody there, or something else: X-Location: Berlin.
func pageTarget(h http.Header) (to string, ok bool) {
	if to, ok = web.First(h["Hx-Location"]); ok {
		var location struct{ Path string }
		if json.Unmarshal([]byte(to), &location) == nil {
			to = location.Path
		}
		return to, true
	}
	if to, ok = web.First(h["Hx-Redirect"]); ok {
		return to, true
	}
	return web.First(h["X-Nextjs-Redirect"])
}

// leadsToRefusal reports whether an answer that has the status of success leads a browser to
// a log-in or error page, or to an address that says that the form failed, by its redirect
// or by script. It may lead back to the form, home, or to another site: success: says that
// the status is enough.
func (x *Exchange) leadsToRefusal(pages *failurePages, leaves bool) bool {
	to := x.location
	if to == "" || !web.IsRedirect(x.status) {
		var ok bool
		if to, ok = scriptTarget(x.responseHeader); !ok {
			to, ok = refreshTarget(x.responseHeader)
		}
		if !ok || x.status >= http.StatusBadRequest {
			return false
		}
	}
	if x.judgeTarget(to, pages, leaves) == Fires {
		return false
	}
	if path, query, ok := x.resolve(to); ok && x.refusal.kind != refusedQuery {
		if says := sayingOf(query, x.path, path); says.failed {
			x.refusal = &refusal{kind: refusedSays, word: says.word}
			x.refusal.hide()
			return true
		}
	}
	if slices.Contains([]refusalKind{refusedList, refusedQuery, refusedBack, refusedWord}, x.refusal.kind) {
		return true
	}
	x.refusal = nil
	return false
}
