package caching

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// headerOf makes a header of lines such as "Cache-Control: private", with the
// names as they are written.
func headerOf(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ": ")
		h[name] = append(h[name], value)
	}
	return h
}

func TestStoringOf(t *testing.T) {
	for want, rows := range map[Storing][][]string{
		Private: {
			{"Cache-Control: private"},
			{"Cache-Control: no-store"},
			{"Cache-Control: Private"},
			{"Cache-Control: NO-STORE"},
			{"Cache-Control:  \t private \t "},
			{"Cache-Control: max-age=0,private"},
			{"Cache-Control: max-age=0 , private , must-revalidate"},
			{"Cache-Control: ,,private,"},
			{"Cache-Control: max-age=0", "Cache-Control: no-store"},
			{"Cache-Control: ", "Cache-Control: private"},
			{"Cache-Control: no-cache, private"},
			{"Cache-Control: private, no-cache"},
			{"Cache-Control: no-cache", "Cache-Control: private"},
			{"Cache-Control: no-cache, no-store, must-revalidate"},
			{"Cache-Control: public", "Cache-Control: private"}, // the most restrictive holds
			{"Cache-Control: public, max-age=60, no-store"},
			{"Cache-Control: private, s-maxage=60"},
			{"Cache-Control: private, private"},
			{"Cache-Control: private, must-understand"},
			{"Cache-Control: private, max-age=soon"},
			{"Cache-Control: private, max-age = 60"},
			{"Cache-Control: private, foo=;bar, @"},
			{`Cache-Control: foo="a, public, b", private`},
			{`Cache-Control: foo="", private`},
			{`Cache-Control: private="Set-Cookie"`},
			{`Cache-Control: private="set-cookie"`},
			{`Cache-Control: max-age=60, private="X-User , SET-COOKIE"`},
			{`Cache-Control: public, max-age=60, private="Set-Cookie"`},
			{`Cache-Control: no-cache="Set-Cookie"`},
			{`Cache-Control: no-cache="Set-Cookie", max-age=60`},
			{`Cache-Control: public, max-age=60, No-Cache="X-A,set-cookie"`},
			{"Cache-Control: private", "Expires: 0"},
			{"Cache-Control: private", "Expires: Wed, 21 Oct 2037 07:28:00 GMT"},
			{"Cache-Control: private", "Pragma: public"},
			{"Cache-Control: private", "Vary: Cookie"},
			{"cache-control: private"},
			{"Cache-Control: private", "CDN-Cache-Control: no-store"},
			{"Cache-Control: private", "Cdn-Cache-Control: max-age=60", "Cdn-Cache-Control: private"},
			{"Cache-Control: no-store", "Surrogate-Control: No-Store"},
			{"Cache-Control: private", "Edge-Control: no-store, dca=esi"},
			{"Cache-Control: private", "X-Accel-Expires: 0"},
			{"Cache-Control: private", "X-LiteSpeed-Cache-Control: no-store"},
			{"Cache-Control: private", "Surrogate-Key: page", "Cache-Tag: page", "X-Cache: HIT"},
		},
		Unsaid: {
			{},
			{"Pragma: no-cache"},
			{`Etag: "1"`, "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT"},
			{"Vary: *"},
			{"Vary: Cookie"},
			{"X-No-Cache-Control-Here: public"},
			{"Cache-Control: no-cache"},
			{"Cache-Control: No-Cache"},
			{"Cache-Control: no-cache, max-age=0, must-revalidate"},
			{"Cache-Control: max-age=60", "Cache-Control: no-cache"},
			{"Cache-Control: no-cache, no-cache"},
			{"Cache-Control: no-cache", "Pragma: no-cache", "Expires: -1"},
			{`Cache-Control: no-cache, no-cache="X-User"`},
			{`Cache-Control: no-cache="Set-Cookie", no-cache`}, // who heeds only the second keeps the cookie
			{`Cache-Control: no-cache, foo="public"`},
			{"CDN-Cache-Control: no-store"},
			{"Surrogate-Control: private"},
			{"X-Accel-Expires: 0"},
			{"Cache-Control: no-cache", "X-Accel-Expires: 0"},
		},
		Public: {
			{"Cache-Control: public"},
			{"Cache-Control: max-age=60"},
			{"Cache-Control: max-age=0, must-revalidate"},
			{"Cache-Control: s-maxage=60"},
			{"Cache-Control: "},
			{"Cache-Control: ,"},
			{"Cache-Control: immutable"},
			{"Cache-Control: notprivate"},
			{"Cache-Control: private-ish"},
			{"Cache-Control: private;max-age=60"},
			{"Cache-Control: private max-age=60"},
			{"Cache-Control: no_store"},
			{"Cache-Control: no-\u017ftore"}, // a long s folds to s elsewhere
			{"Cache-Control: \u00a0private"},
			{"Cache-Control: no-store=1"},
			{"Cache-Control: private, no-store=?0"},
			{"Cache-Control: public, no-cache"},
			{"Cache-Control: no-cache, public"},
			{"Cache-Control: no-cache", "Cache-Control: public"},
			{"Cache-Control: no-cache, s-maxage=60"},
			{"Cache-Control: no-cache, Proxy-Revalidate"},
			{"Cache-Control: no-store, must-understand"},
			{"Cache-Control: must-understand, no-store, no-cache"},
			{`Cache-Control: no-cache="X-User"`},
			{`Cache-Control: no-cache="X-A, X-B", max-age=60`},
			{`Cache-Control: no-cache="X-Set-Cookie"`},
			{`Cache-Control: no-cache=""`},
			{"Cache-Control: no-cache="},
			{"Cache-Control: no-cache=Set-Cookie"}, // a list is in quotes
			{`Cache-Control: no-cache="X-User", no-cache="Set-Cookie"`},
			{`Cache-Control: no-cache="Set-Cookie", no-cache="X-User"`},
			{`Cache-Control: public, no-cache="Set-Cookie", no-cache`},
			{`Cache-Control: private="X-User"`},
			{`Cache-Control: private="X-User", no-cache`},
			{`Cache-Control: private="X-User", private`},
			{`Cache-Control: private, private="X-User"`},
			{`Cache-Control: private="Set-Cookie", private="X-User"`}, // a cache may heed one alone
			{`Cache-Control: private="X-User", private="Set-Cookie"`},
			{`Cache-Control: private=""`},
			{"Cache-Control: private=1"},
			{`Cache-Control: foo="private"`},
			{`Cache-Control: foo="a, private, b", max-age=60`},
			{`Cache-Control: foo="a", "private"`},
			{`Cache-Control: private, foo="never closed`},
			{`Cache-Control: foo="never closed`, "Cache-Control: private"},
			{`Cache-Control: fo"o, private, b"ar`},
			{`Cache-Control: a"="b, private, "c"`},
			{`Cache-Control: foo="a"b, private`},
			{`Cache-Control: foo="a\"", private`},
			{`Cache-Control: private= "Set-Cookie"`},
			{"Cache-Control: private\x00"},
			{"Cache-Control: private, foo\n"}, // HTTP/2 drops the line
			{"Expires: 0"},
			{"Expires: Wed, 21 Oct 2037 07:28:00 GMT"},
			{"cache-control: public"},
			{"CACHE-CONTROL: public", `Cache-Control: private="X-User"`},
			{"Cache-Control: private", "CDN-Cache-Control: max-age=60"},
			{"Cache-Control: no-store", "CDN-Cache-Control: none"}, // RFC 9213, section 3.1
			{"Cache-Control: no-store", "CDN-Cache-Control: no-cache"},
			{"Cache-Control: private", "CDN-Cache-Control: "},
			{"Cache-Control: private", `CDN-Cache-Control: private, private="X-User"`}, // there, the last counts
			{"Cache-Control: private", "CDN-Cache-Control: no-store, no-store=?0"},
			{"Cache-Control: private", `CDN-Cache-Control: private="Set-Cookie"`},
			{"Cache-Control: private", "CDN-Cache-Control: no-store, must-understand"},
			{"Cache-Control: private", "cdn-cache-control: max-age=60"},
			{"Cache-Control: private", "CDN-Cache-Control: no-store", "Vercel-CDN-Cache-Control: max-age=60"},
			{"Cache-Control: max-age=60", "CDN-Cache-Control: no-store"},
			{"Cdn-Cache-Control: max-age=60"},
			{"Vercel-Cdn-Cache-Control: max-age=60"},
			{"Cloudflare-Cdn-Cache-Control: max-age=60"},
			{"Netlify-Cdn-Cache-Control: public, durable"},
			{"Akamai-Cache-Control: max-age=60"},
			{"Souin-Cache-Control: max-age=60"},
			{"Cache-Control: private", "X-Litespeed-Cache-Control: private, max-age=60"},
			{"Surrogate-Control: max-age=60"},
			{"Cache-Control: private", "Surrogate-Control: max-age=60"},
			{"Cache-Control: private", `Surrogate-Control: content="ESI/1.0"`},
			{"Cache-Control: private", "Surrogate-Control: no-store;abc, max-age=60"},
			{"Cache-Control: private", "Surrogate-Control: no-store, max-age=60;abc"},
			{"Cache-Control: private", "Surrogate-Control: no-store", "Surrogate-Control: max-age=60;abc"},
			{"Cache-Control: private", "Surrogate-Control: no-store-remote"},
			{"Cache-Control: private", "X-Surrogate-Control: max-age=60"},
			{"Cache-Control: private", "Edge-Control: !no-store, max-age=1d"},
			{"Cache-Control: private", "X-Accel-Expires: 60"},
			{"Cache-Control: private", "X-Accel-Expires: @0"},
			{"Cache-Control: private", "X-Accel-Expires: off"}, // nginx takes no such word
			{"Cache-Control: private", "X-Accel-Expires: "},
			{"Cache-Control: private", "X-Accel-Expires: 0", "X-Accel-Expires: 60"},
			{"Cache-Control: private", "X-Reverse-Proxy-Ttl: 60"},
		},
	} {
		for _, row := range rows {
			if got := Of(http.StatusOK, headerOf(row...)); got != want {
				t.Errorf("%q: %d, want %d", row, got, want)
			}
			if got := Of(http.StatusNotModified, headerOf(row...)); got != Public {
				t.Errorf("304, %q: %d", row, got)
			}
		}
	}
	for _, name := range []string{"Cache-Control", "Expires", "Cdn-Cache-Control", "X-Accel-Expires"} {
		if got := Of(http.StatusOK, http.Header{name: nil}); got != Unsaid {
			t.Errorf("%s that is not sent: %d", name, got)
		}
	}
}

// TestMakePrivate: what the application said stays, in its own slice, too.
func TestMakePrivate(t *testing.T) {
	for name, c := range map[string]struct{ lines, want []string }{
		"nothing said":  {nil, []string{"private"}},
		"no-cache":      {[]string{"no-cache"}, []string{"private, no-cache"}},
		"several lines": {[]string{"no-cache", "max-age=0"}, []string{"private, no-cache", "max-age=0"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := http.Header{"Cache-Control": c.lines}
			before := slices.Clone(c.lines)
			s := Of(http.StatusOK, h)
			s.MakePrivate(h)
			s.MakePrivate(h) // for the next cookie
			if got := h["Cache-Control"]; !slices.Equal(got, c.want) {
				t.Errorf("Cache-Control %q, want %q", got, c.want)
			}
			if !slices.Equal(c.lines, before) {
				t.Errorf("the application's own slice is %q", c.lines)
			}
			if got := Of(http.StatusOK, h); got != Private {
				t.Errorf("judged again: %d", got)
			}
		})
	}
}

// TestStoringAllocs: every answer to a person is judged.
func TestStoringAllocs(t *testing.T) {
	h := headerOf(`Cache-Control: max-age=0, no-cache="X-A, Set-Cookie"`, "Content-Type: text/html", "X-Frame-Options: DENY", "CDN-Cache-Control: no-store")
	if n := testing.AllocsPerRun(100, func() { Of(http.StatusOK, h) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
