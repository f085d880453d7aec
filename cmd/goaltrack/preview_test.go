package main

import (
	"bytes"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// TestPreviewOfProxy: a link of the admin pages marks a browser at the site, which then
// shows what becomes of its requests.
func TestPreviewOfProxy(t *testing.T) {
	p := reportingProxy(t, "--admin=127.0.0.1:0", "--currency=EUR")
	_, page := look(t, http.MethodGet, p.admin+"/preview?dry=1&address="+p.url+"/pricing")
	link := regexp.MustCompile(`/pricing\?gt_preview=[A-Za-z0-9_-]+`).FindString(page)
	if link == "" {
		t.Fatalf("no link:\n%s", page)
	}
	v := newBrowser(t)
	ask := func(method, path string, header http.Header) (string, *http.Response) {
		r := request(t, method, p.url, path, nil, header)
		response := do(t, v, r)
		var b bytes.Buffer
		_, _ = b.ReadFrom(response.Body)
		return b.String(), response
	}
	if body, _ := ask(http.MethodGet, link, navigation); !strings.Contains(body, "Begin") {
		t.Fatalf("what the link asks:\n%s", body)
	}
	header := navigation.Clone()
	header.Set("Sec-Fetch-Site", "same-origin")
	_, response := ask(http.MethodPost, link, header)
	mark := response.Header.Get("Set-Cookie")
	if !strings.HasPrefix(mark, "gt_preview=") {
		t.Fatalf("%s %v", response.Status, response.Header)
	}
	header.Set("Cookie", strings.SplitN(mark, ";", 2)[0])
	ask(http.MethodGet, "/pricing", header)
	if body, _ := ask(http.MethodGet, "/?gt_preview=show", header); !strings.Contains(body, "GET /pricing") || !strings.Contains(body, "PRICED") || !strings.Contains(body, "This would be sent.") {
		t.Errorf("shown:\n%s", body)
	}
}

// TestDryPreviewSendsNothing: in a dry preview nothing goes out by any way, also by none of
// those of scripts: no event of a page view, a form, a script's collector or the relay, no
// call that the relay passes on, no message to --notify, and no browser ID is made. What would
// be sent is shown.
func TestDryPreviewSendsNothing(t *testing.T) {
	const dryRules = `
version: 1
goals:
  - { goal: PRICED, visit: /pricing }
  - { goal: SENT, submit: /contact, success: 303, data: { topic: $form.topic } }
  - { goal: DEMO_CLICKED, click: book-demo, on: "/products/{id}", data: { product: $path.id } }
  - { goal: SCRIPTED, event: CLICKED }
`
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Redirect(w, r, "/thanks", http.StatusSeeOther)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1>A page</h1>")
	}))
	defer site.Close()
	stand := cdptest.NewServer(t, cdptest.Options{})
	var left, ids atomic.Int64 // requests that left the proxy, and those of them for browser IDs
	cdp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/create.json") {
			ids.Add(1)
		} else {
			left.Add(1)
		}
		stand.ServeHTTP(w, r)
	}))
	defer cdp.Close()
	p := start(t, "proxy", "--listen=127.0.0.1:0", "--to="+site.URL, "--rules="+write(t, "goals.yaml", dryRules), "--cdp="+cdp.URL,
		"--client-key="+cdptest.TestClientKey, "--pos="+cdptest.TestPointOfSale, "--views=server", "--page", "--relay", "--relay-identity", "--admin=127.0.0.1:0", "--notify="+cdp.URL, "--webhook-secret="+testSecret)
	_, made := look(t, http.MethodGet, p.admin+"/preview?dry=1&address="+p.url+"/")
	link := regexp.MustCompile(`/\?gt_preview=[A-Za-z0-9_-]+`).FindString(made)
	v := newBrowser(t)
	header := navigation.Clone()
	header.Set("Sec-Fetch-Site", "same-origin")
	ask := func(method, path, body, kind, cookie string) string {
		h := header.Clone()
		h.Set("Cookie", cookie)
		h.Set("Referer", p.url+"/products/7")
		if h.Set("Content-Type", kind); kind == "application/json" {
			h.Set("Sec-Fetch-Mode", "cors")
			h.Set("Sec-Fetch-Dest", "empty")
		}
		response := do(t, v, request(t, method, p.url, path, strings.NewReader(body), h))
		text, _ := io.ReadAll(response.Body)
		if set := response.Header["Set-Cookie"]; len(set) > 0 && !strings.HasPrefix(set[0], "gt_preview=") {
			t.Errorf("%s sets %q", path, set)
		}
		return strings.Join(response.Header["Set-Cookie"], "") + string(text)
	}
	mark, _, _ := strings.Cut(ask(http.MethodPost, link, "", "text/plain", ""), ";")
	const id = "11111111-2222-4333-8444-555555555555"
	stand.Know(id)
	event := func(typ, more string) string {
		return `{"type":"` + typ + `","browser_id":"` + id + `","client_key":"` + cdptest.TestClientKey + `","pos":"` + cdptest.TestPointOfSale + `"` + more + `}`
	}
	for _, cookie := range []string{mark, mark + "; bid_" + cdptest.TestClientKey + "=" + id} {
		for _, c := range []struct{ method, path, body, kind string }{
			{http.MethodGet, "/pricing", "", "text/html"},
			{http.MethodPost, "/contact", "topic=tea", "application/x-www-form-urlencoded"},
			{http.MethodPost, "/goals/e/c", `{"g":"DEMO_CLICKED","i":"event-01` + cookie[len(cookie)-3:] + `","u":"/products/7","d":{}}`, "application/json"},
			{http.MethodPost, "/goals/e/c", `{"g":"","i":"event-02","u":"/pricing","d":{}}`, "application/json"},
			{http.MethodPost, "/goals/e/c", `{"g":"","i":"event-03","u":"/pricing","d":{}}`, "application/json"}, // a page that a cache answered
			{http.MethodPost, "/goals/e/r/v1.2/events", event("CLICKED", `,"ext":{"button":"buy"}`), "application/json"},
			{http.MethodPost, "/goals/e/r/v1.2/events", event("IDENTITY", `,"email":"ann@example.com","identifiers":[{"id":"ann@example.com","provider":"email"}]`), "application/json"},
			{http.MethodGet, "/goals/e/r/v1.2/browser/create.json?client_key=" + cdptest.TestClientKey + "&message=%7B%7D", "", "application/json"},
			{http.MethodGet, "/goals/e/r/v1.2/browser/" + id + "/show.json?client_key=" + cdptest.TestClientKey + "&api_token=" + cdptest.TestClientKey, "", "application/json"},
			{http.MethodPost, "/goals/e/r/v2/callFlows", `{"clientKey":"` + cdptest.TestClientKey + `","pointOfSale":"` + cdptest.TestPointOfSale + `","browserId":"` + id + `","friendlyId":"a"}`, "application/json"},
		} {
			ask(c.method, c.path, c.body, c.kind, cookie)
		}
	}
	shown := html.UnescapeString(ask(http.MethodGet, "/?gt_preview=show", "", "text/html", mark))
	for _, want := range []string{
		`"type":"PRICED"`, `"type":"VIEW"`, `"type":"SENT"`, `"topic":"tea"`, `"type":"DEMO_CLICKED"`, `"product":"7"`, `"type":"CLICKED"`, `"button":"buy"`,
		`"type":"SCRIPTED"`, `"type":"IDENTITY"`, `"email":"***"`, "This would be sent.",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("it does not show %s", want)
		}
	}
	for _, not := range []string{"This was sent", "ann@example.com", "delivered"} {
		if strings.Contains(shown, not) {
			t.Errorf("it shows %s", not)
		}
	}
	if t.Failed() {
		t.Log(shown)
	}
	code, out := p.stop()
	if code != exitOK || !strings.Contains(out, "fired 0") || !strings.Contains(out, "accepted 0") {
		t.Errorf("exit code %d\n%s\n%s", code, out, p.stderr)
	}
	if n, made := left.Load(), ids.Load(); n != 0 || made > 2 { // two are made at the start
		t.Errorf("%d requests left the proxy, and %d IDs were made", n, made)
	}
}

// TestPreviewKey: it is that of the site, or made once and kept for nobody else to read.
func TestPreviewKey(t *testing.T) {
	own := bytes.Repeat([]byte{7}, 32)
	if key, err := previewKey(t.TempDir(), []goaltrack.Key{{Hash: own}}); err != nil || !bytes.Equal(key, own) {
		t.Errorf("with keys: %x, %v", key, err)
	}
	dir := t.TempDir()
	first, err := previewKey(dir, nil)
	again, err2 := previewKey(dir, nil)
	info, err3 := os.Stat(filepath.Join(dir, "preview.key"))
	if err != nil || err2 != nil || err3 != nil || !bytes.Equal(first, again) || info.Mode().Perm() != 0o600 {
		t.Errorf("%x, then %x; %v %v %v %v", first, again, err, err2, err3, info.Mode())
	}
	if other, err := previewKey("", nil); err != nil || bytes.Equal(other, first) || len(other) != 32 {
		t.Errorf("without a directory: %x, %v", other, err)
	}
	for name, content := range map[string][]byte{"short": {1}, "empty": {}} {
		bad := t.TempDir()
		if err := os.WriteFile(filepath.Join(bad, "preview.key"), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := previewKey(bad, nil); err == nil || len(key) != 32 {
			t.Errorf("%s: %x, %v", name, key, err)
		}
	}
}
