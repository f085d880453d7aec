//go:build unix

package main

import (
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// apacheConfig is Apache with mod_cache as it is by default, before the proxy.
const apacheConfig = `
Listen ADDRESS
ServerName localhost
PidFile FOLDER/apache.pid
ErrorLog FOLDER/apache.log
LoadModule mpm_event_module MODULES/mod_mpm_event.so
LoadModule authz_core_module MODULES/mod_authz_core.so
LoadModule proxy_module MODULES/mod_proxy.so
LoadModule proxy_http_module MODULES/mod_proxy_http.so
LoadModule cache_module MODULES/mod_cache.so
LoadModule cache_socache_module MODULES/mod_cache_socache.so
LoadModule socache_shmcb_module MODULES/mod_socache_shmcb.so
CacheSocache shmcb
CacheEnable socache /
CacheDetailHeader on
ProxyPass / PROXY/
`

// apachePage is how the site answers for one page.
type apachePage struct {
	header  []string // name, value, ...
	control string   // Cache-Control of a 304, if it is another
	kept    bool     // Apache keeps what one without cookies got
	cookies bool     // our cookies may come with it
}

var apachePages = map[string]apachePage{
	"nothing-said":               {cookies: true}, // Apache keeps it only with an ETag, a date or a time
	"etag":                       {header: []string{"ETag", `"v1"`}, cookies: true, kept: true},
	"no-cache":                   {header: []string{"Cache-Control", "no-cache", "ETag", `"v1"`}, cookies: true, kept: true},
	"no-cache-max-age":           {header: []string{"Cache-Control", "max-age=0", "Cache-Control", "no-cache", "ETag", `"v1"`}, cookies: true, kept: true},
	"public-no-cache":            {header: []string{"Cache-Control", "public, no-cache", "ETag", `"v1"`}, kept: true},
	"no-cache-s-maxage":          {header: []string{"Cache-Control", "no-cache, s-maxage=60", "ETag", `"v1"`}, kept: true},
	"no-cache-set-cookie":        {header: []string{"Cache-Control", `max-age=60, no-cache="Set-Cookie"`, "ETag", `"v1"`}, cookies: true, kept: true},
	"no-cache-set-cookie-ask":    {header: []string{"Cache-Control", `max-age=0, no-cache="X-A, set-cookie"`, "ETag", `"v1"`}, cookies: true, kept: true},
	"no-cache-other":             {header: []string{"Cache-Control", `max-age=60, no-cache="X-User"`}, kept: true},
	"private":                    {header: []string{"Cache-Control", "private", "ETag", `"v1"`}, cookies: true},
	"private-no-cache":           {header: []string{"Cache-Control", "private, no-cache", "ETag", `"v1"`}, cookies: true},
	"private-in-a-second-line":   {header: []string{"Cache-Control", "public, max-age=60", "Cache-Control", "private"}, cookies: true},
	"private-set-cookie":         {header: []string{"Cache-Control", `max-age=60, private="X-A, Set-Cookie"`}, cookies: true, kept: true},
	"private-other":              {header: []string{"Cache-Control", `max-age=60, private="X-User"`}, kept: true},
	"private-by-the-304":         {header: []string{"Cache-Control", "max-age=0", "ETag", `"v1"`}, control: "private"}, // Apache then asks anew
	"no-store":                   {header: []string{"Cache-Control", "no-store"}, cookies: true},
	"max-age":                    {header: []string{"Cache-Control", "max-age=60"}, kept: true},
	"expires":                    {header: []string{"Expires", "Wed, 21 Oct 2099 07:28:00 GMT"}, kept: true},
	"private-surrogate-control":  {header: []string{"Cache-Control", "private", "Surrogate-Control", "max-age=3600"}},
	"no-store-cdn-cache-control": {header: []string{"Cache-Control", "no-store", "CDN-Cache-Control", "max-age=3600"}},
	"vercel-cdn-cache-control":   {header: []string{"Vercel-CDN-Cache-Control", "max-age=3600", "ETag", `"v1"`}, kept: true},
	"x-accel-expires":            {header: []string{"X-Accel-Expires", "3600", "ETag", `"v1"`}, kept: true},
}

func (p apachePage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html")
	for i := 0; i+1 < len(p.header); i += 2 {
		w.Header().Add(p.header[i], p.header[i+1])
	}
	if tag := w.Header().Get("ETag"); tag != "" && r.Header.Get("If-None-Match") == tag {
		if p.control != "" {
			w.Header().Set("Cache-Control", p.control)
		}
		w.WriteHeader(http.StatusNotModified)
		return
	}
	say(w, "hello")
}

const (
	googlebot = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
	broughtID = "bid_test-key=bbbbbbbb-1111-4111-8111-111111111111"
	leavingID = "bid_test-key=cccccccc-1111-4111-8111-111111111111"
)

// apacheGoers come one after the other, and then all again: who, and what they
// send more than a browser does. "may" and "loses" say which cookies they may get.
var apacheGoers = map[string][][]string{
	"asked nobody": {
		{"a newcomer", "may"},
		{"one who brings an ID", "may", "Cookie", broughtID},
		{"one who opted out", "", "Sec-GPC", "1"},
		{"Googlebot", "", "User-Agent", googlebot},
		{"one who opts out", "loses", "Sec-GPC", "1", "Cookie", leavingID},
		{"another newcomer", "may"},
	},
	"asks for consent": {
		{"one who agreed", "may", "Cookie", "consent=yes"},
		{"one who did not answer", ""},
		{"one who refused", "", "Cookie", "consent=no"},
		{"one whose browser prefetches", "", "Cookie", "consent=yes", "Sec-Purpose", "prefetch"},
		{"one who withdraws", "loses", "Cookie", "consent=no; " + leavingID},
		{"one who agreed and brings an ID", "may", "Cookie", "consent=yes; " + broughtID},
	},
}

// TestApache puts a real Apache before the proxy: bash .ci/conformance runs it.
func TestApache(t *testing.T) {
	program, modules := os.Getenv("GOALTRACK_APACHE"), os.Getenv("GOALTRACK_APACHE_MODULES")
	if program == "" {
		t.Skip("GOALTRACK_APACHE names no Apache; .ci/conformance does")
	}
	mux := http.NewServeMux()
	for name, p := range apachePages {
		mux.Handle("/"+name, p)
	}
	mux.Handle("/", apachePage{})
	site := httptest.NewServer(mux)
	defer site.Close()
	binary := build(t)
	standIn := launch(t, binary, nil, "cdp", "--listen=127.0.0.1:0")
	defer standIn.terminate(t)
	rules := write(t, "goals.yaml", "{version: 1, goals: [{goal: SEEN, visit: /**, count: once per visitor}]}")
	for asks, goers := range apacheGoers {
		args := []string{"proxy", "--listen=127.0.0.1:0", "--to=" + site.URL, "--rules=" + rules, "--cdp=" + standIn.url, "--client-key=test-key", "--pos=shop"}
		if asks == "asks for consent" {
			args = append(args, "--consent-cookie=consent=yes")
		}
		proxy := launch(t, binary, nil, args...)
		apache := startApache(t, program, modules, proxy.url)
		for _, name := range slices.Sorted(maps.Keys(apachePages)) {
			t.Run(name+", the site "+asks, func(t *testing.T) { apachePages[name].tryAll(t, apache, name, goers) })
		}
		proxy.terminate(t)
	}
}

// tryAll sends everybody to the page, and looks whether it was kept at all.
func (p apachePage) tryAll(t *testing.T, apache, name string, goers [][]string) {
	owner := map[string]string{} // whose a cookie's value is
	carried := false
	for _, again := range []string{"", ", once more"} {
		for _, goer := range goers {
			who := goer[0]
			if !slices.Contains(goer, "Cookie") {
				who += again // one without cookies is another person
			}
			carried = visitApache(t, apache+"/"+name, who, goer[1], goer[2:], owner) || carried
		}
	}
	if carried != p.cookies {
		t.Errorf("it carried cookies: %t, want %t", carried, p.cookies)
	}
	bot := navigation.Clone()
	bot.Set("User-Agent", googlebot)
	detail := ""
	for range 2 { // the first fills the cache, if need be
		detail = apacheGet(t, apache+"/"+name, bot).Get("X-Cache-Detail")
		if kept := strings.Contains(detail, "cache hit"); kept && !p.kept {
			t.Errorf("Apache kept it: %s", detail)
		} else if kept {
			return
		}
	}
	if p.kept {
		t.Errorf("Apache kept nothing, so nothing was tried: %s", detail)
	}
}

// visitApache looks at the cookies that one visitor gets, and reports whether they
// are goaltrack's.
func visitApache(t *testing.T, address, who, may string, header []string, owner map[string]string) (ours bool) {
	t.Helper()
	h := navigation.Clone()
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
		if _, id, ok := strings.Cut(header[i+1], "bid_test-key="); ok {
			owner[id] = who
		}
	}
	for _, line := range apacheGet(t, address, h)["Set-Cookie"] {
		name, value, _ := strings.Cut(line, "=")
		value, _, _ = strings.Cut(value, ";")
		if name != "bid_test-key" && !strings.HasPrefix(name, "gt_") {
			continue
		}
		ours = true
		if value == "" && may != "loses" || value != "" && may != "may" {
			t.Errorf("%s gets %q", who, line)
		}
		if other, known := owner[value]; known && value != "" && other != who {
			t.Errorf("%s gets what is %s's: %q", who, other, line)
		}
		owner[value] = who
	}
	return ours
}

func apacheGet(t *testing.T, address string, h http.Header) http.Header {
	t.Helper()
	r, err := http.NewRequestWithContext(deadline(t), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = h
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if !slices.Contains([]int{http.StatusOK, http.StatusNotModified}, res.StatusCode) {
		t.Fatalf("%s: %s", address, res.Status)
	}
	return res.Header
}

// startApache starts Apache on a free port and waits until it answers. It ends with
// the test.
func startApache(t *testing.T, program, modules, proxy string) (address string) {
	t.Helper()
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	_ = free.Close()
	folder := t.TempDir()
	file := filepath.Join(folder, "apache.conf")
	text := strings.NewReplacer("ADDRESS", address, "FOLDER", folder, "MODULES", modules, "PROXY", proxy).Replace(apacheConfig)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	said := &syncBuffer{}
	apache := exec.CommandContext(t.Context(), program, "-C", "ServerRoot "+folder, "-f", file, "-X") // one process, so that none is left behind
	apache.Stdout, apache.Stderr = said, said
	if err := apache.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- apache.Wait() }()
	t.Cleanup(func() { <-ended }) // by the test's context
	for ctx := deadline(t); ctx.Err() == nil; {
		if conn, err := new(net.Dialer).DialContext(ctx, "tcp", address); err == nil {
			_ = conn.Close()
			return "http://" + address
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("Apache ended: %v\n%s", err, said)
		default:
		}
	}
	t.Fatalf("Apache does not listen:\n%s", said)
	return ""
}
