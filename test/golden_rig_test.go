package test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// What versions wrote, and what this one writes it from; see the README there.
const (
	goldenRoot   = "../testdata/golden"
	goldenInputs = "../testdata/golden/inputs"
)

// near is a CDP in the same process, for fake time. script may answer in its place:
// with a status, or 0 to leave it to the CDP.
type near struct {
	*cdptest.CDP
	mu     sync.Mutex
	script func(event map[string]any) int
}

func newNear(ids ...string) *near {
	n := &near{CDP: cdptest.New(cdptest.Options{})}
	for _, id := range ids {
		n.Know(id)
	}
	return n
}

func (n *near) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		_ = r.Body.Close()
	}
	var event map[string]any // none is asked for
	_ = json.Unmarshal(body, &event)
	served := r.Clone(r.Context())
	served.Body, served.RequestURI = io.NopCloser(bytes.NewReader(body)), r.URL.RequestURI()
	answer := httptest.NewRecorder()
	n.mu.Lock()
	defer n.mu.Unlock()
	if status := n.says(event); status > 0 {
		answer.Header().Set("Content-Type", "application/json")
		answer.WriteHeader(status)
		_, _ = answer.WriteString(`{"status":"BAD","error_msg":"said by the golden test"}`)
	} else {
		n.ServeHTTP(answer, served)
	}
	return answer.Result(), nil
}

func (n *near) says(event map[string]any) int {
	if n.script == nil {
		return 0
	}
	return n.script(event)
}

func (n *near) tell(script func(event map[string]any) int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script = script
}

// down is a CDP that takes nothing and makes no browser IDs.
func down(map[string]any) int { return http.StatusServiceUnavailable }

// The sites of golden state.
func goldenSites() []goaltrack.Site {
	return []goaltrack.Site{
		{
			Name: "shop", Hosts: []string{"shop.example"}, Currency: "EUR", TimeZone: "Europe/Berlin",
			CDP: cdp.Direct{BaseURL: "https://cdp.example", ClientKey: "shop-key", PointOfSale: "shop.example"},
		},
		{
			Name: "press", Hosts: []string{"press.example"}, Language: "DE", Currency: "CHF",
			CDP: cdp.Edge{BaseURL: "https://edge.example", ContextID: "press-context", SiteName: "press"},
		},
	}
}

// goldenTracker is a tracker of these sites in fake time.
func goldenTracker(t *testing.T, n *near, adjust ...func(*goaltrack.Config)) *goaltrack.Tracker {
	t.Helper()
	config := goaltrack.Config{
		Sites:    goldenSites(),
		Cookie:   goaltrack.Cookie{Warm: -1},
		Logger:   slog.New(slog.DiscardHandler),
		Delivery: goaltrack.Delivery{HTTPClient: &http.Client{Transport: n}},
	}
	for _, a := range adjust {
		a(&config)
	}
	tracker, err := goaltrack.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return tracker
}

// askSite sends a request of a person's browser to a handler, with these cookies and
// headers. A body is a form.
func askSite(h http.Handler, method, url, body, cookies string, header ...string) http.Header {
	r := httptest.NewRequest(method, url, strings.NewReader(body))
	r.Header.Set("User-Agent", world.Chrome)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	if cookies != "" {
		r.Header.Set("Cookie", cookies)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer.Header()
}

// goldenInput is a text that this version writes golden files from.
func goldenInput(t *testing.T, name string) string {
	t.Helper()
	return readText(t, filepath.Join(goldenInputs, name))
}

// rulesOf are the rules in a file.
func rulesOf(t *testing.T, file string) *goaltrack.Rules {
	t.Helper()
	rules, err := goaltrack.LoadRules(file)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// inJSON writes a value for people, each attribute on a line of its own.
func inJSON(t *testing.T, v any) string {
	t.Helper()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

// fromJSON reads a golden file, in which nothing may be unknown.
func fromJSON(t *testing.T, file string, into any) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(readText(t, file)))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func writeGolden(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
