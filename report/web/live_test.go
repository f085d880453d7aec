package web

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/live"
)

// refusedForm is a decision with words of others in it.
var refusedForm = fact.Fact{
	Kind: fact.Decision, Site: "shop", Zone: time.UTC, Goal: "CONTACT_SENT", Reason: "not_successful",
	NearMiss: "answered 303 to </td><script>alert(1)</script>\r\n\r\ndata: x", Time: time.Now(),
}

func livePages(t *testing.T, list *live.List, authorize func(*http.Request) bool) http.Handler {
	t.Helper()
	store := storeOf(t, fact.Fact{Kind: fact.Visit, Site: "shop", Zone: time.UTC, Reason: fact.Fired, Time: time.Now()})
	pages, err := New(Options{Store: store, Authorize: authorize, Live: list})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func TestLivePageNeedsNoScript(t *testing.T) {
	list := live.New(live.Options{AtOnce: true})
	pages := livePages(t, list, Open)
	if body := get(t, pages, "/live", http.StatusOK); !strings.Contains(body, say("live.none")) {
		t.Errorf("an empty list:\n%s", body)
	}
	list.Report(refusedForm)
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/live", http.NoBody))
	body := w.Body.String()
	if !strings.Contains(body, "<code>not_successful</code>") || !strings.Contains(body, "answered 303 to &lt;/td&gt;") {
		t.Errorf("without the decision:\n%s", body)
	}
	if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "script-src 'self'") || strings.Contains(got, "unsafe") {
		t.Errorf("policy %q", got)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if n := strings.Count(body, "<script"); n != 1 {
		t.Errorf("%d scripts", n)
	}
}

func TestLiveListIsForThoseWhoMayLook(t *testing.T) {
	pages := livePages(t, live.New(live.Options{}), func(*http.Request) bool { return false })
	for _, path := range []string{"/live", "/live/events", "/live.js"} {
		get(t, pages, path, http.StatusForbidden)
	}
	var mail bytes.Buffer
	if err := WriteOverview(t.Context(), &mail, storeOf(t), report.Query{}); err != nil || strings.Contains(mail.String(), "/live") {
		t.Errorf("%v; the page that stands alone has the list", err)
	}
	without := livePages(t, nil, Open)
	get(t, without, "/live", http.StatusNotFound)
	if body := get(t, without, "/", http.StatusOK); strings.Contains(body, "/live") {
		t.Error("a page without a list leads to it")
	}
}

// follow asks for the events of a live list, and returns their lines.
func follow(t *testing.T, url string, lastID string) *bufio.Scanner {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/live/events?after=0", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if got := res.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("%s %s", res.Status, got)
	}
	return bufio.NewScanner(res.Body)
}

// next reads an event with decisions.
func next(t *testing.T, lines *bufio.Scanner) (id, data string) {
	t.Helper()
	for lines.Scan() {
		switch name, text, _ := strings.Cut(lines.Text(), ": "); name {
		case "id":
			id = text
		case "data":
			data = text
		case "":
			if data != "" {
				return id, data
			}
		}
	}
	t.Fatalf("the events ended: %v", lines.Err())
	return "", ""
}

func TestLiveEvents(t *testing.T) {
	list := live.New(live.Options{AtOnce: true})
	server := httptest.NewServer(livePages(t, list, Open))
	defer server.Close()
	lines := follow(t, server.URL, "")
	list.Report(refusedForm)
	id, data := next(t, lines)
	if id != "1" || !strings.HasPrefix(data, "<tr>") || strings.Contains(data, "<script") || !strings.Contains(data, "data: x") {
		t.Errorf("event %s: %s", id, data)
	}
	fired := refusedForm
	fired.Reason, fired.Page = fact.Fired, "/contact"
	list.Report(fired)
	if id, data = next(t, lines); id != "2" || !strings.Contains(data, say("live.fired")) || !strings.Contains(data, "/contact") {
		t.Errorf("event %s: %s", id, data)
	}
	if id, _ = next(t, follow(t, server.URL, "1")); id != "2" {
		t.Errorf("whoever has 1 is told %s", id)
	}
	list.Close()
	for lines.Scan() { // ends
	}
	if err := lines.Err(); err != nil {
		t.Errorf("the events do not end well: %v", err)
	}
}

func TestLiveEventsAreBounded(t *testing.T) {
	list := live.New(live.Options{})
	server := httptest.NewServer(livePages(t, list, Open))
	defer server.Close()
	defer list.Close()
	for range live.MostFollowers {
		follow(t, server.URL, "")
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/live/events", http.NoBody)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %s %v", res.Status, res.Header)
	}
}

// A reader who takes nothing must not be waited for.
func TestLiveEventsOfReaderWhoIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		list := live.New(live.Options{})
		pages := livePages(t, list, Open)
		w := &deafWriter{ResponseRecorder: httptest.NewRecorder()}
		pages.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/live/events", http.NoBody)) // returns
		if w.deadline.IsZero() {
			t.Error("no deadline for writing")
		}
	})
}

type deafWriter struct {
	*httptest.ResponseRecorder

	deadline time.Time
}

func (w *deafWriter) SetWriteDeadline(at time.Time) error { w.deadline = at; return nil }

func (w *deafWriter) Write([]byte) (int, error) { return 0, http.ErrHandlerTimeout }
