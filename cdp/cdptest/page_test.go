package cdptest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

func TestPage(t *testing.T) {
	s := start(t, cdptest.Options{PointsOfSale: []string{"shop"}})
	if g := call(t, "GET", s.URL+"/", ""); g.status != 200 || !strings.Contains(g.text, "No events yet.") {
		t.Errorf("empty: %d %s", g.status, g.text)
	}
	if g := call(t, "GET", s.URL+"/events.json", ""); g.status != 200 || g.text != "[]\n" {
		t.Errorf("empty JSON: %d %s", g.status, g.text)
	}
	call(t, "POST", s.URL+direct, event("page", `"<script>alert(1)</script>"`, "ext", `{"topic":"sales","n":1,"eventId":"e1"}`),
		"User-Agent", "goaltrack/1.0 (x)")
	call(t, "POST", s.URL+direct, event("type", `"VIEW"`, "pos", `"Shop"`), "User-Agent", "Mozilla/5.0 (X11)")
	call(t, "POST", s.URL+direct+"?secret=1", event("type", `"lower"`))

	g := call(t, "GET", s.URL+"/", "")
	for _, part := range []string{
		"<title>2 events - ", "http-equiv=\"refresh\" content=\"2\"", "<html lang=\"en\">", "scope=\"col\"",
		"&lt;script&gt;", "<code>topic=&#34;sales&#34;</code>", "<code>n=1</code>", `<tr class="goal">`, `<tr class="view">`, "1 goal, 1 page view", "<summary>goaltrack, IDs</summary>",
		"<summary>browser, IDs</summary>", "<strong>VIEW</strong> <span class=\"lost\">(lost: &#34;Shop&#34;)</span>", "<dt>eventId</dt>", "1 event of those below lost",
		"POST /v1.2/events</th>", "type &#34;lower&#34; must be upper-case",
	} {
		if !strings.Contains(g.text, part) {
			t.Errorf("the page lacks %q", part)
		}
	}
	if strings.Contains(g.text, "<script") || strings.Contains(g.text, "secret") || strings.Index(g.text, ">VIEW") > strings.Index(g.text, ">CONTACT_SENT") {
		t.Errorf("script, query, or the wrong order:\n%s", g.text)
	}
	_, rest, _ := strings.Cut(g.text, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	policy := "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	for name, want := range map[string]string{
		"Content-Security-Policy": policy, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Referrer-Policy": "no-referrer", "Content-Type": "text/html; charset=utf-8",
	} {
		if got := g.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if g := call(t, "GET", s.URL+"/?still", ""); strings.Contains(g.text, "http-equiv") || !strings.Contains(g.text, `href="?"`) {
		t.Errorf("cannot be stopped:\n%s", g.text)
	}
	if g := call(t, "HEAD", s.URL+"/", ""); g.status != 200 || g.text != "" {
		t.Errorf("HEAD: %d", g.status)
	}
	if g := call(t, "POST", s.URL+"/", ""); g.status != 405 || g.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", g.status)
	}
	if n := len(s.Requests()); n != 3 {
		t.Errorf("%d requests recorded: the page is none", n)
	}
}

func TestPageJSON(t *testing.T) {
	c := cdptest.New(cdptest.Options{})
	c.Know(knownID)
	for i := range 205 {
		put(t, c, event("ext", fmt.Sprintf(`{"i":%d}`, i)))
	}
	w := httptest.NewRecorder()
	http.StripPrefix("/cdp", c).ServeHTTP(w, request(t, "GET", "/cdp/events.json", ""))
	var rows []map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &rows); err != nil || w.Header().Get("Content-Type") != "application/json" {
		t.Fatal(err, w.Header())
	}
	if len(rows) != 200 || rows[0]["ext"].(map[string]any)["i"] != 204.0 || rows[199]["ext"].(map[string]any)["i"] != 5.0 {
		t.Errorf("%d events, the first %v", len(rows), rows[0])
	}
	for _, name := range []string{"time", "type", "page", "browser_id", "pos", "user_agent", "lost", "ref"} {
		if _, ok := rows[0][name]; !ok {
			t.Errorf("no %s", name)
		}
	}
	if rows[0]["user_agent"] != "none" {
		t.Errorf("user agent %v", rows[0]["user_agent"])
	}
}
