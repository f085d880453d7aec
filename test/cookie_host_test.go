package test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestCookieDomainElsewhere: browsers refuse a cookie whose Domain does not cover the
// host (RFC 6265, section 5.3, step 6). So each page would make a guest. The host that
// a proxy in front asks for may be another than that of the browser.
func TestCookieDomainElsewhere(t *testing.T) {
	for name, c := range map[string]struct {
		domain string
		header []string
		want   bool // an ID is made
	}{
		"the domain":                        {"shop.example", []string{"Host", "shop.example"}, true},
		"below it":                          {"shop.example", []string{"Host", "www.shop.example:8443"}, true},
		"with a dot before it":              {".shop.example", []string{"Host", "www.shop.example"}, true},
		"in capitals":                       {"shop.example", []string{"Host", "WWW.Shop.Example"}, true},
		"with a dot at its end":             {"shop.example", []string{"Host", "www.shop.example."}, false},
		"with a dot and a port at its end":  {"shop.example", []string{"Host", "shop.example.:8443"}, false},
		"a dot at its end, and no domain":   {"", []string{"Host", "shop.example."}, true},
		"a name in code":                    {"xn--mller-kva.example", []string{"Host", "www.xn--mller-kva.example"}, true},
		"no domain":                         {"", []string{"Host", "staging.other.example"}, true},
		"another":                           {"shop.example", []string{"Host", "staging.other.example"}, false},
		"one that ends alike":               {"shop.example", []string{"Host", "workshop.example"}, false},
		"above it":                          {"www.shop.example", []string{"Host", "shop.example"}, false},
		"beside it":                         {"www.shop.example", []string{"Host", "m.shop.example"}, false},
		"an address":                        {"shop.example", []string{"Host", "192.0.2.1"}, false},
		"this machine":                      {"shop.example", nil, false},
		"this machine's other address":      {"127.0.0.1", []string{"Host", "127.0.0.2"}, false},
		"another behind a proxy":            {"shop.example", []string{"Host", "staging.other.example", "X-Forwarded-For", "192.0.2.9"}, false},
		"from a page of the domain":         {"shop.example", []string{"Host", "other.example", "Sec-Fetch-Site", "cross-site", "Referer", "https://shop.example/"}, false},
		"a proxy that says so":              {"shop.example", []string{"Host", "app.other.example", "X-Forwarded-Host", "shop.example"}, true},
		"a proxy that says so in Forwarded": {"shop.example", []string{"Host", "app.other.example", "Forwarded", `for=192.0.2.9;host="www.shop.example"`}, true},
		"a proxy that says another":         {"shop.example", []string{"Host", "app.other.example", "X-Forwarded-Host", "staging.other.example"}, false},
		"a name of the proxy's network":     {"shop.example", []string{"Host", "app:8080", "X-Forwarded-For", "192.0.2.9"}, true},
		"an address of its network":         {"shop.example", []string{"Host", "10.0.0.7:8080", "X-Real-IP", "192.0.2.9"}, true},
		"the browser knows better":          {"shop.example", []string{"Host", "app.other.example", "Sec-Fetch-Site", "same-origin", "Referer", "https://www.shop.example/a"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, "{version: 1, goals: [{goal: PAGE_VISITED, visit: /page, count: once per session}]}", http.HandlerFunc(world.HTML),
				func(config *goaltrack.Config) { config.Cookie.Domain = c.domain })
			header := []string{"Sec-Fetch-Site", "same-origin"} // not followed by a Referer, it says nothing of the host
			v, made := w.Visitor(), w.CDP.Made()
			var set []string
			for range 3 {
				set = append(set, v.Get("/page", append(header, c.header...)...).Header["Set-Cookie"]...)
			}
			w.Done()
			if c.want {
				if len(set) == 0 || w.Fates("PAGE_VISITED") == "cookie_domain 3" {
					t.Errorf("Set-Cookie %q, %s", set, w.Fates("PAGE_VISITED"))
				}
				return
			}
			if len(set) > 0 || w.Fates("PAGE_VISITED") != "cookie_domain 3" || w.Note("cookie_domain") != 3 || w.CDP.Made() != made {
				t.Errorf("Set-Cookie %q, %s, notes %v, %d guests", set, w.Fates("PAGE_VISITED"), w.Tracker.Snapshot().Notes, w.CDP.Made()-made)
			}
		})
	}
}

// TestCookieDomainIsTold once in the log.
func TestCookieDomainIsTold(t *testing.T) {
	var log syncBuffer
	s := world.Setup{Rules: world.EachTrigger, Site: http.HandlerFunc(world.HTML), Log: &log}
	s.Config = func(config *goaltrack.Config, _ *cdptest.Server) { config.Cookie.Domain = "shop.example" }
	w := s.Start(t)
	v := w.Visitor()
	v.Get("/page", "Host", "other.example")
	v.Get("/page", "Host", "other.example")
	w.End()
	if n := strings.Count(log.String(), "(cookie_domain)"); n != 1 {
		t.Errorf("told %d times:\n%s", n, log.String())
	}
}

// TestCookieDomainOfAKnownVisitor: who has an ID, which a script set for the host
// alone, is counted under it.
func TestCookieDomainOfAKnownVisitor(t *testing.T) {
	w := world.New(t, world.EachTrigger, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Cache-Control", "private")
		_, _ = io.WriteString(w, "<!doctype html>")
	}), func(c *goaltrack.Config) { c.Cookie.Domain = "shop.example" })
	if got := w.Visitor().Meet().Get("/page", "Host", "other.example").Header["Set-Cookie"]; got != nil {
		t.Errorf("Set-Cookie %q", got)
	}
	w.Expect("PAGE_VISITED", "fired 1")
	w.CDP.Expect(t, "PAGE_VISITED").From(world.Known).Once()
}

// TestFormerNameReplacesNobody: who can set a cookie for a part of the domain cannot
// give a visitor another ID under a former name.
func TestFormerNameReplacesNobody(t *testing.T) {
	const theirs = "eeeeeeee-2222-4333-8444-555555555555"
	former := "BID_" + cdptest.TestClientKey
	for _, cookie := range []string{
		bid + "=" + world.Known + "; " + former + "=" + theirs,
		former + "=" + theirs + "; " + bid + "=" + world.Known,
		bid + `="` + world.Known + `"; ` + former + "=" + theirs,
		former + "=" + theirs + "; " + bid + "=undefined; " + bid + "=" + world.Known,
	} {
		w := world.New(t, world.EachTrigger, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			world.HTML(w, r)
		}))
		w.CDP.Know(world.Known)
		w.CDP.Know(theirs)
		set := w.Visitor().Get("/page", "Cookie", cookie).Header["Set-Cookie"]
		// The scripts of the SDKs would write the other one over it, so that is deleted.
		if strings.Join(set, "|") != bid+"="+world.Known+tail+"|"+former+"=; Max-Age=0; SameSite=None; Secure; Path=/" {
			t.Errorf("%s: Set-Cookie %q", cookie, set)
		}
		w.Done()
		w.CDP.Expect(t, "PAGE_VISITED").From(world.Known).Once()
	}
}

// TestIDInQuotes is that ID. Scripts would not read it, so it is written anew.
func TestIDInQuotes(t *testing.T) {
	w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML))
	w.CDP.Know(world.Known)
	set := w.Visitor().Get("/page", "Cookie", bid+`="`+world.Known+`"`).Header["Set-Cookie"]
	if strings.Join(set, "|") != bid+"="+world.Known+tail {
		t.Errorf("Set-Cookie %q", set)
	}
	w.Done()
	w.CDP.Expect(t, "PAGE_VISITED").From(world.Known).Once()
}

// TestOptOutInQuotes means what it means without.
func TestOptOutInQuotes(t *testing.T) {
	for value, want := range map[string]string{`"0"`: "fired 1", `"false"`: "fired 1", `""`: "fired 1", `"1"`: "opt_out 1", `"`: "opt_out 1", "1": "opt_out 1"} {
		w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML))
		w.Visitor().Get("/page", "Cookie", "gt_optout="+value)
		w.Expect("PAGE_VISITED", want)
	}
}
