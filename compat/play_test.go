// Package compat tries goaltrack in frameworks as they are, with their own
// adapters. It is its own module, so that users of goaltrack do not download
// them.
package compat

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

const rules = `
version: 1
goals:
  - { goal: SIGNED_UP, submit: /api/signup, success: 2xx }
  - { goal: STATED, submit: /api/signup, success: { response.json.ok: true } }
  - { goal: CONTACT_SENT, submit: /contact }
  - { goal: GOT_FILE, download: '/files/{name}' }
`

const (
	known  = "11111111-2222-4333-8444-555555555555" // a browser ID that the CDP made some other day
	chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"
)

var (
	// told is what becomes of the goals if goaltrack sees every answer.
	told = map[string]string{
		"SIGNED_UP": "fired 1, not_successful 1", "STATED": "fired 1, not_successful 1", "CONTACT_SENT": "fired 1, not_successful 1",
		"GOT_FILE": "fired 1, status 1",
	}
	// untold is what becomes of the goals if refusals are written after
	// goaltrack's part.
	untold = map[string]string{
		"SIGNED_UP": "fired 1, nothing_written 1", "STATED": "fired 1, nothing_written 1", "CONTACT_SENT": "fired 1, nothing_written 1",
		"GOT_FILE": "fired 1, nothing_written 1",
	}
)

// play sends each form twice and asks for each file twice, so that the site
// accepts one and refuses one. It compares what became of the goals, and what
// arrived, with want. The answers are the site's own.
func play(t *testing.T, site func(*goaltrack.Tracker) http.Handler, want map[string]string) {
	t.Helper()
	parsed, err := goaltrack.ParseRules([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	stand := cdptest.NewServer(t, cdptest.Options{})
	stand.Know(known)
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: stand.Direct()}}, Rules: parsed, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(site(tracker))
	defer server.Close()
	for _, ask := range []struct {
		method, path string
		form         url.Values
		status       int
	}{
		{http.MethodPost, "/api/signup", url.Values{"email": {"ada@example.com"}}, http.StatusOK},
		{http.MethodPost, "/api/signup", url.Values{"email": {""}}, http.StatusBadRequest},
		{http.MethodPost, "/contact", url.Values{"email": {"ada@example.com"}}, http.StatusSeeOther},
		{http.MethodPost, "/contact", url.Values{"email": {""}}, http.StatusUnprocessableEntity},
		{http.MethodGet, "/files/a.pdf", nil, http.StatusOK},
		{http.MethodGet, "/files/b.pdf", nil, http.StatusNotFound},
	} {
		if got := send(t, ask.method, server.URL+ask.path, ask.form); got != ask.status {
			t.Errorf("%s %s %v: %d, want %d", ask.method, ask.path, ask.form, got, ask.status)
		}
	}
	server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if account, err := tracker.Close(ctx); err != nil || !account.Balanced() {
		t.Errorf("%v\n%v", err, account)
	}
	arrived := map[string]int{}
	for _, event := range stand.Types() {
		arrived[event]++
	}
	for _, g := range tracker.Snapshot().Goals {
		if what, ok := want[g.Goal]; ok && (fates(g) != what || arrived[g.Goal] != int(g.Fired)) {
			t.Errorf("%s: %s, want %s; %d arrived", g.Goal, fates(g), what, arrived[g.Goal])
		}
	}
}

// fates says how the decisions about a goal ended: "fired 1, status 1".
func fates(g goaltrack.GoalCount) string {
	parts := []string{fmt.Sprint("fired ", g.Fired)}
	for _, fate := range slices.Sorted(maps.Keys(g.NotFired)) {
		parts = append(parts, fmt.Sprint(fate, " ", g.NotFired[fate]))
	}
	return strings.Join(parts, ", ")
}

// send sends a form or asks for a file, as a browser would, and returns the
// status of the answer.
func send(t *testing.T, method, address string, form url.Values) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"User-Agent": {chrome}, "Accept": {"text/html,*/*;q=0.8"}, "Cookie": {"bid_" + cdptest.TestClientKey + "=" + known}}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode
}
