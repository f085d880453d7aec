package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/page"
)

// TestProxyRelay: with --relay the proxy takes what an SDK sends, below its path nothing
// reaches the site, and what is beside the path does.
func TestProxyRelay(t *testing.T) {
	const id = "11111111-2222-4333-8444-555555555555"
	for _, path := range []string{"", "/_x"} {
		var asked []string
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.URL.Path)
			_, _ = io.WriteString(w, "the site")
		}))
		defer site.Close()
		stand := cdptest.NewServer(t, cdptest.Options{})
		stand.Know(id)
		args := []string{
			"proxy", "--listen=127.0.0.1:0", "--to=" + site.URL, "--rules=" + write(t, "goals.yaml", rules), "--cdp=" + stand.URL,
			"--client-key=" + cdptest.TestClientKey, "--pos=" + cdptest.TestPointOfSale, "--relay", "--relay-forward-ip", "--page-path=" + path,
		}
		r, at := start(t, args...), path
		if at == "" {
			at = page.DefaultPath
		}
		ask := func(method, path, body string) (int, string) {
			req, err := http.NewRequestWithContext(t.Context(), method, r.url+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header = http.Header{
				"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}, "Cookie": {"bid_" + cdptest.TestClientKey + "=" + id + "; session=SECRET"},
				"User-Agent": {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"},
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			text, _ := io.ReadAll(res.Body)
			return res.StatusCode, string(text)
		}
		event := `{"type":"CLICKED","browser_id":"` + id + `","client_key":"` + cdptest.TestClientKey + `","pos":"` + cdptest.TestPointOfSale + `"}`
		if code, body := ask(http.MethodPost, at+"/r/v1.2/events", event); code != http.StatusCreated || !strings.Contains(body, `"status":"OK"`) {
			t.Errorf("%s: %d %s", at, code, body)
		}
		for _, below := range []string{at, at + "/", at + "/r", at + "/r/", at + "/other", at + "/r/index.html"} {
			if code, body := ask(http.MethodGet, below, ""); code != http.StatusNotFound || body == "the site" {
				t.Errorf("%s: %d %s", below, code, body)
			}
		}
		if code, body := ask(http.MethodGet, at+"ndless", ""); code != http.StatusOK || body != "the site" {
			t.Errorf("beside it: %d %s", code, body)
		}
		if code, _ := r.stop(); code != exitOK {
			t.Errorf("exit code %d\n%s", code, r.stderr)
		}
		if !slices.Equal(asked, []string{at + "ndless"}) {
			t.Errorf("the site was asked for %q", asked)
		}
		stand.Expect(t, "CLICKED").From(id).Once()
		if got := stand.Events()[0].Header; got.Get("X-Forwarded-For") != "127.0.0.1" || got["Cookie"] != nil {
			t.Errorf("the event came with %v", got)
		}
	}
}

// TestRelaySettings: what makes no sense is said before the proxy starts.
func TestRelaySettings(t *testing.T) {
	goals := write(t, "goals.yaml", rules)
	for flag, want := range map[string]string{
		"--page-path=/a":                 "--page-path: it needs --page or --relay",
		"--relay-forward-ip":             "--relay-forward-ip: it needs --relay",
		"--relay-identity":               "--relay-identity: it needs --relay",
		"--relay-search-without-consent": "--relay-search-without-consent: it needs --relay",
	} {
		args := []string{"proxy", "--check", "--to=http://127.0.0.1:9", "--rules=" + goals, "--region=eu", "--client-key=k", "--pos=p", flag}
		if code, _, stderr := outcome(t, args, nil); code == exitOK || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d\n%s", flag, code, stderr)
		}
	}
}

// TestDoctorAsksForTheLocation: with --ask-location it sends two events with addresses of
// other countries. Without, it says what that would be for.
func TestDoctorAsksForTheLocation(t *testing.T) {
	const question = "the visitor's address"
	stand := cdptest.NewServer(t, cdptest.Options{})
	args := []string{"--cdp=" + stand.URL, "--client-key=key", "--pos=shop"}
	_, found := consult(t, args...)
	if f := found[question]; f.Verdict != notAsked || !strings.Contains(f.Advice, "--ask-location") {
		t.Errorf("without the flag: %+v", f)
	}
	for _, r := range stand.Requests() {
		if r.Header["X-Forwarded-For"] != nil {
			t.Error("it sends an address without being asked")
		}
	}
	_, found = consult(t, append(args, "--ask-location")...)
	f := found[question]
	var from []string
	for _, r := range stand.Requests() {
		if r.Kind == cdptest.Sends && bytes.Contains(r.Body, []byte(question)) {
			from = append(from, r.Header.Get("X-Forwarded-For"))
		}
	}
	if f.Verdict != learned || !slices.Equal(from, []string{places[0].address, places[1].address}) || !strings.Contains(f.Found, places[1].country) {
		t.Errorf("%+v; the events came from %q", f, from)
	}
}
