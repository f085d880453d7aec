package cdptest_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// put sends an event without a socket.
func put(t *testing.T, c *cdptest.CDP, body string) int {
	t.Helper()
	w := httptest.NewRecorder()
	c.ServeHTTP(w, request(t, "POST", direct, body))
	return w.Code
}

func TestEventFields(t *testing.T) {
	s := start(t, cdptest.Options{})
	body := event("ext", `{"topic":"sales","pages":12,"vip":true}`, "utm_source", `"news"`)
	began := time.Now()
	g := call(t, "POST", s.URL+direct+"?x=1", body, "User-Agent", "test/1", "X-Library-Version", "1.4.3")
	e := s.Events()[0]
	if e.Time.Before(began) || e.Time.After(time.Now()) || e.Header.Get("X-Library-Version") != "1.4.3" {
		t.Errorf("time %v, header %v", e.Time, e.Header)
	}
	e.Time, e.Header = time.Time{}, nil
	if e.Body["utm_source"] != "news" || len(e.Body) != 10 {
		t.Errorf("body %v", e.Body)
	}
	e.Body = nil
	want := cdptest.Event{
		BrowserID: knownID, Type: "CONTACT_SENT", Page: "contact", Channel: "WEB", Language: "EN", Currency: "EUR",
		PointOfSale: "shop", UserAgent: "test/1", Ext: map[string]any{"topic": "sales", "pages": 12.0, "vip": true},
		Raw: []byte(body), Ref: g.members["ref"].(string), Method: "POST", Path: direct, Query: "x=1",
	}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("recorded as\n%+v, want\n%+v", e, want)
	}
	if r := s.Requests()[0]; r.URL != direct+"?x=1" || string(r.Body) != body || r.Status != 201 || r.Refusal != "" {
		t.Errorf("request recorded as %+v", r)
	}
}

func TestKnowAndForget(t *testing.T) {
	c := cdptest.New(cdptest.Options{})
	if status := put(t, c, event()); status != http.StatusNotFound {
		t.Errorf("unknown: %d", status)
	}
	c.Know(knownID)
	c.Know(knownID)
	if status := put(t, c, event()); status != http.StatusCreated {
		t.Errorf("known: %d", status)
	}
	c.Forget(knownID)
	if status := put(t, c, event()); status != http.StatusNotFound {
		t.Errorf("forgotten: %d", status)
	}
	if c.Made() != 0 || len(c.Browsers()) != 0 {
		t.Error("Know is not to count as handing out")
	}
}

func TestTypesAndEventsOf(t *testing.T) {
	c := cdptest.New(cdptest.Options{})
	c.Know(knownID)
	c.Know(unknownID)
	put(t, c, event("type", `"VIEW"`))
	put(t, c, event("type", `"SEARCHED"`, "browser_id", `"`+unknownID+`"`))
	put(t, c, event())
	if got := c.Types(); !slices.Equal(got, []string{"VIEW", "SEARCHED", "CONTACT_SENT"}) {
		t.Errorf("Types: %v", got)
	}
	if got := c.EventsOf(knownID); len(got) != 2 || got[0].Type != "VIEW" || got[1].Type != "CONTACT_SENT" {
		t.Errorf("EventsOf: %v", got)
	}
}

func TestKeep(t *testing.T) {
	c := cdptest.New(cdptest.Options{Keep: 5})
	c.Know(knownID)
	for i := range 12 {
		put(t, c, event("type", fmt.Sprintf(`"E%d"`, i)))
	}
	if got := strings.Join(c.Types(), " "); got != "E7 E8 E9 E10 E11" {
		t.Errorf("kept %s", got)
	}
	if c.Dropped() != 7 || len(c.Requests()) != 5 {
		t.Errorf("dropped %d, kept %d requests", c.Dropped(), len(c.Requests()))
	}
	if events, err := c.WaitEvents(t.Context(), 12); err != nil || len(events) != 5 {
		t.Errorf("WaitEvents: %d kept, %v", len(events), err)
	}
}

func TestReset(t *testing.T) {
	c := cdptest.New(cdptest.Options{})
	c.Know(knownID)
	put(t, c, event("ext", `{"a":1}`))
	c.ServeHTTP(httptest.NewRecorder(), request(t, "GET", "/v1.2/browser/create.json?client_key=k", ""))
	c.Fault(cdptest.Status(500))
	c.Reset()
	if len(c.Events())+len(c.Requests())+len(c.Browsers())+c.Made()+c.Dropped() != 0 {
		t.Error("something is left")
	}
	if status := put(t, c, event()); status != http.StatusNotFound {
		t.Errorf("the browser ID is still known, or the fault there: %d", status)
	}
	c.Know(knownID)
	if status := put(t, c, event("ext", `{"a":"1"}`)); status != http.StatusCreated {
		t.Errorf("the attribute's type is still remembered: %d", status)
	}
}

// TestConcurrency sends from many goroutines while others look, and checks that
// OnEvent is called in order, never twice at once, and may ask back.
func TestConcurrency(t *testing.T) {
	const senders, each = 8, 25
	var s *cdptest.Server
	var seen []string // unguarded on purpose: the race detector is the test
	ready := make(chan struct{})
	s = start(t, cdptest.Options{OnEvent: func(e cdptest.Event) {
		<-ready
		if events := s.Events(); !slices.ContainsFunc(events, func(other cdptest.Event) bool { return other.Ref == e.Ref }) {
			t.Error("called before the event was recorded")
		}
		seen = append(seen, e.Ref)
	}})
	close(ready)
	c := client(t)
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for range each {
				if g, err := do(c, request(t, "POST", s.URL+direct, event("ext", `{"a":1}`))); err != nil || g.status != 201 {
					t.Errorf("answered %d, %v", g.status, err)
				}
				_, _, _ = s.Requests(), s.Types(), s.Browsers()
			}
		})
	}
	events, err := s.WaitEvents(t.Context(), senders*each)
	if err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if len(seen) != senders*each {
		t.Fatalf("OnEvent called %d times", len(seen))
	}
	for i, e := range events {
		if e.Ref != seen[i] {
			t.Fatalf("OnEvent came out of order at %d", i)
		}
	}
}

func TestWaitEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cdptest.New(cdptest.Options{})
		c.Know(knownID)
		go func() {
			for range 3 {
				<-time.After(time.Second)
				put(t, c, event())
			}
			put(t, c, event("type", `"lower"`))
		}()
		began := time.Now()
		var wg sync.WaitGroup
		for n := range 4 { // several wait at once, each for another number
			wg.Go(func() {
				events, err := c.WaitEvents(t.Context(), n)
				if took := time.Since(began); err != nil || len(events) != n || took != time.Duration(n)*time.Second {
					t.Errorf("%d events after %v, %v; want %d", len(events), took, err, n)
				}
			})
		}
		wg.Wait()
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		events, err := c.WaitEvents(ctx, 5)
		if !errors.Is(err, context.DeadlineExceeded) || len(events) != 3 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		for _, part := range []string{
			"3 of 5 events came", `1. CONTACT_SENT on page "contact" from ` + knownID,
			`POST /v1.2/events, answered 400: type "lower" must be upper-case`,
		} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error does not say %q:\n%v", part, err)
			}
		}
		cause := errors.New("the site is down")
		stopped, stop := context.WithCancelCause(t.Context())
		stop(cause)
		if _, err := c.WaitEvents(stopped, 5); !errors.Is(err, cause) {
			t.Errorf("the cause is missing: %v", err)
		}
		if _, err := c.WaitEvents(stopped, 3); err != nil {
			t.Errorf("all there, and yet: %v", err)
		}
	})
}

// TestWaitEventsTellsFaults has faults in the way.
func TestWaitEventsTellsFaults(t *testing.T) {
	s := start(t, cdptest.Options{})
	s.Fault(cdptest.Status(503).Times(1), cdptest.ResetBefore().Times(1))
	for range 2 {
		_, _ = do(client(t), request(t, "POST", s.URL+direct, event()))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.WaitEvents(ctx, 1)
	want := "cdptest: 0 of 1 events came: context canceled\narrived: 0 events\nrefused or unanswered: 2 requests\n" +
		"  POST /v1.2/events, answered 503: a fault\n  POST /v1.2/events, not answered: a fault, or still under way"
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestKindString(t *testing.T) {
	for kind, want := range map[cdptest.Kind]string{
		0: "", cdptest.Creates: "create", cdptest.Shows: "show", cdptest.Sends: "event", cdptest.Others: "other", cdptest.Reads: "guest",
		cdptest.Creates | cdptest.Sends: "create|event",
	} {
		if got := kind.String(); got != want {
			t.Errorf("%d is %q, want %q", kind, got, want)
		}
	}
}

func TestServerSites(t *testing.T) {
	s := cdptest.NewServer(t, cdptest.Options{})
	if d := s.Direct(); d.BaseURL != s.URL || d.ClientKey != "test-key" || d.PointOfSale != "shop" || d.Validate() != nil {
		t.Errorf("direct: %+v, %v", d, d.Validate())
	}
	if e := s.Edge(); e.BaseURL != s.URL || e.ContextID != "test-context" || e.SiteName != "shop" || e.Validate() != nil {
		t.Errorf("edge: %+v, %v", e, e.Validate())
	}
	s = cdptest.NewServer(t, cdptest.Options{
		ClientKeys: []string{"a", "x"}, PointsOfSale: []string{"b"}, ContextIDs: []string{"c"}, SiteNames: []string{"d"},
	})
	if d, e := s.Direct(), s.Edge(); d.ClientKey != "a" || d.PointOfSale != "b" || e.ContextID != "c" || e.SiteName != "d" {
		t.Errorf("not the options' own names: %+v, %+v", d, e)
	}
}
