package goaltrack

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/rule"
)

func dryTracker(t *testing.T, rules string, adjust func(*Config)) *Tracker {
	t.Helper()
	parsed, err := ParseRules([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	c := Config{
		Sites: []Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}}},
		Rules: parsed, DryRun: true, Logger: slog.New(slog.DiscardHandler),
	}
	if adjust != nil {
		adjust(&c)
	}
	tracker, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return tracker
}

func browserRequest(method, path, body string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Cookie", "bid_key="+oldID)
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return r
}

// TestNeverAddsAPanicOfItsOwn breaks the tracker itself, in each part of a
// request. The site goes on as if it were not there, and the fault is noted. What was to be
// known of the broken part is not known, and the goals say so.
func TestNeverAddsAPanicOfItsOwn(t *testing.T) {
	const rules = `{version: 1, goals: [
		{goal: FORM_SENT, submit: /form, success: 200, if: {form.a: present}},
		{goal: SAVED, submit: /form, success: {response.json.ok: absent}}]}`
	const written = `{"b": 1}`
	for _, test := range []struct {
		part     string
		sabotage func(*Tracker)
		within   func(*tracked) // while the handler runs
		want     string         // the reasons, "" where nobody is left to tell them
	}{
		{"request", func(t *Tracker) { t.agents = nil }, nil, ""},
		{"header", func(t *Tracker) { t.config.DryRun, t.config.Cookie.Create = false, CreateGoal; t.sites[0].line = nil }, nil, ""},
		{"conclusion", nil, func(tr *tracked) { tr.site = nil }, ""},
		{"body", func(t *Tracker) { t.names = nil }, nil, "0 map[form_read_outside:1], 1 map[]"},
		{"body", nil, func(tr *tracked) { setField(tr.body, brokenForm{}, "tee", "form") }, "0 map[form_read_outside:1], 1 map[]"},
		{"answer", nil, func(tr *tracked) {
			setField(&tr.rec, make([]byte, scan.AnswerLimit+1), "rec", "answer", "kept")
		}, "1 map[], 0 map[answer_unreadable:1]"},
	} {
		for _, end := range []string{"returns", "panics"} {
			t.Run(test.part+", handler "+end, func(t *testing.T) {
				tracker := dryTracker(t, rules, nil)
				if test.sabotage != nil {
					test.sabotage(tracker)
				}
				handler := tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if test.within != nil {
						w.Header().Set("Content-Type", "application/json")
						w.WriteHeader(http.StatusOK)
						test.within(tracker.trackedOf(r))
					}
					_, _ = io.WriteString(w, r.FormValue("a"))
					if end == "panics" {
						panic("the handler's own")
					}
				}))
				rec := httptest.NewRecorder()
				func() {
					defer func() {
						if p := recover(); (p != nil) != (end == "panics") || p != nil && p != "the handler's own" {
							t.Errorf("panic %v", p)
						}
					}()
					r := browserRequest(http.MethodPost, "/form", "a="+url.QueryEscape(written))
					r.Header.Set("Cookie", "bid_key="+oldID)
					handler.ServeHTTP(rec, r)
				}()
				if rec.Code != http.StatusOK || rec.Body.String() != written {
					t.Errorf("%d %q", rec.Code, rec.Body)
				}
				if notes, _ := tracker.ledger.history(); notes["panic_"+test.part] != 1 && (test.part != "conclusion" || end == "returns") {
					t.Errorf("notes %v", notes)
				}
				sent, saved := tracker.ledger.goal("FORM_SENT", ""), tracker.ledger.goal("SAVED", "")
				if got := fmt.Sprint(sent.Fired, " ", sent.NotFired, ", ", saved.Fired, " ", saved.NotFired); test.want != "" && end == "returns" && got != test.want {
					t.Errorf("%s, want %s", got, test.want)
				}
				if held := tracker.forms.Held(); held != 0 {
					t.Errorf("%d bytes of forms are still held", held)
				}
			})
		}
	}
}

// brokenForm is a reader of forms with a fault.
type brokenForm struct{ scan.Stream }

func (brokenForm) Write([]byte) { panic("our own") }

// setField breaks what no code outside can break.
func setField(of, value any, path ...string) {
	f := reflect.ValueOf(of).Elem()
	for _, name := range path {
		if f = f.FieldByName(name); f.Kind() == reflect.Pointer && name != path[len(path)-1] {
			f = f.Elem()
		}
	}
	reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem().Set(reflect.ValueOf(value))
}

// TestFaultWhileAPanicPasses: a fault of ours while the handler's panic is on
// its way neither replaces nor swallows it.
func TestFaultWhileAPanicPasses(t *testing.T) {
	tracker := dryTracker(t, "{version: 1, goals: [{goal: FORM_SENT, submit: /form, data: {a: $form.a}}]}", nil)
	handler := tracker.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = r.FormValue("a")
		tracker.ledger.goals.Store(nil)
		panic(http.ErrAbortHandler)
	}))
	defer func() {
		p := recover()
		if err, _ := p.(error); !errors.Is(err, http.ErrAbortHandler) {
			t.Errorf("panic %v", p)
		}
		if held := tracker.forms.Held(); held != 0 {
			t.Errorf("%d bytes of forms are still held", held)
		}
	}()
	handler.ServeHTTP(httptest.NewRecorder(), browserRequest(http.MethodPost, "/form", "a=b"))
}

// TestNeverHoldsMoreThanItsBudget: when all forms together would be too much,
// the handlers get theirs and the goals say why they do not count.
func TestNeverHoldsMoreThanItsBudget(t *testing.T) {
	tracker := dryTracker(t, "{version: 1, goals: [{goal: FORM_SENT, submit: /form, if: {form.a: present}}]}", nil)
	tracker.forms.Limit = 1500 // room for one
	var inner http.Handler
	depth := 0
	inner = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := r.FormValue("a"); len(v) != 600 {
			t.Errorf("the handler got %d bytes", len(v))
		}
		if depth++; depth < 3 { // while the forms before it are still held
			tracker.Handler(inner).ServeHTTP(httptest.NewRecorder(), browserRequest(http.MethodPost, "/form", "a="+strings.Repeat("x", 600)))
		}
		w.WriteHeader(http.StatusCreated)
	})
	tracker.Handler(inner).ServeHTTP(httptest.NewRecorder(), browserRequest(http.MethodPost, "/form", "a="+strings.Repeat("x", 600)))
	got := tracker.ledger.goal("FORM_SENT", "")
	if got.Fired != 1 || got.NotFired["form_over_budget"] != 2 {
		t.Errorf("fired %d, not fired %v", got.Fired, got.NotFired)
	}
	if held := tracker.forms.Held(); held != 0 {
		t.Errorf("%d bytes are still held", held)
	}
}

func TestRouteDescribes(t *testing.T) {
	for _, c := range []struct{ template, path, want string }{
		{"/products/{id}", "/products/42", "/products/{id}"},
		{"/products/{id}/", "/products/42", "/products/{id}/"},
		{"/products/", "/products/42", ""},
		{"/", "/products/42", ""},
		{"/", "/", "/"},
		{"/files/{path...}", "/files/a", ""},
		{"", "/products", ""},
	} {
		if got := (route{"", c.template}).describes(c.path); got != c.want {
			t.Errorf("%s for %s: %q, want %q", c.template, c.path, got, c.want)
		}
	}
}

// TestHandlersGoOnWhileTheRequestEnds: what a goroutine of the handler says while
// the request ends belongs to the request or comes after it, and counts once
// either way.
func TestHandlersGoOnWhileTheRequestEnds(t *testing.T) {
	const requests, calls = 100, 40 // which is fewer than one request keeps
	s := openShop(t, "{version: 1, goals: [{goal: RAISED, code: true}, {goal: SENT, submit: /form, success: confirmed}]}", nil)
	var talking sync.WaitGroup
	s.handler = s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := make(chan struct{})
		talking.Go(func() {
			for i := range calls {
				for what, err := range map[string]error{
					"Trigger":  s.tracker.Trigger(r, "RAISED", nil),
					"Confirm":  s.tracker.Confirm(r, "SENT"),
					"Set":      s.tracker.Set(r, "key", i),
					"Identify": s.tracker.Identify(r, cdp.Identity{Email: "a@b.example", Identifiers: []cdp.Identifier{{Provider: "email", ID: "a@b.example"}}}),
				} {
					if err != nil {
						t.Errorf("%s: %v", what, err)
					}
				}
				if i == calls/4 {
					close(begun)
				}
			}
		})
		<-begun
		w.WriteHeader(http.StatusNoContent)
	}))
	for range requests {
		s.do(http.MethodPost, "/form")
	}
	talking.Wait()
	s.expect("RAISED", requests*calls, "", 0)
	s.expect("IDENTITY", requests*calls, "", 0)
	s.expect("SENT", requests, "", 0)
}

// TestHandlersGoOnWhileGoalsAreCounted: what a handler's goroutine says when all is decided does
// not meet what the request notes of goals that count once, or that were fetched ahead.
func TestHandlersGoOnWhileGoalsAreCounted(t *testing.T) {
	const requests = 200
	for name, c := range map[string]struct {
		method string
		header http.Header
		goal   string
	}{
		"counted once":  {http.MethodPost, nil, "SENT"},
		"fetched ahead": {http.MethodGet, http.Header{"Sec-Purpose": {"prefetch"}}, "SEEN"},
	} {
		t.Run(name, func(t *testing.T) {
			s := openShop(t, "{version: 1, goals: [{goal: RAISED, code: true}, {goal: SENT, submit: /form, success: 200, count: once per session}, {goal: SEEN, visit: /form, count: once per session}]}", nil)
			var talking sync.WaitGroup
			s.handler = s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/form" {
					return
				}
				file := browserRequest(http.MethodGet, "https://shop.example/late.css", "") // which tells that the page is shown
				file.Header = http.Header{"Cookie": r.Header["Cookie"], "User-Agent": r.Header["User-Agent"], "Referer": {"https://shop.example/form"}, "Sec-Fetch-Dest": {"style"}, "Sec-Fetch-Mode": {"no-cors"}}
				s.handler.ServeHTTP(httptest.NewRecorder(), file)
				w.Header().Set("Cache-Control", "public") // else the goal is counted with the header
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(http.StatusOK)
				talking.Go(func() {
					if err := s.tracker.Trigger(r, "RAISED", nil); err != nil && !errors.Is(err, ErrRefused) {
						t.Error(err)
					}
				})
			}))
			s.header = c.header
			for range requests {
				s.do(c.method, "/form")
			}
			talking.Wait()
			s.expect(c.goal, 1, "", 0)
		})
	}
}

// TestEncodeBounds: an event of more than 32 KiB is none, and of a user agent 512 bytes are kept.
func TestEncodeBounds(t *testing.T) {
	s := &site{Site: Site{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}}}
	e := cdp.Event{Type: "A", Page: strings.Repeat("x", events.Most)}
	if _, f := s.encode(&e, rule.View, "", &Config{}, ""); f != fateEventInvalid {
		t.Errorf("an event of more than 32 KiB: %v", f)
	}
	e.Page = "page"
	for _, noID := range []bool{false, true} {
		body, f := s.encode(&e, rule.View, strings.Repeat("u", 10_000), &Config{NoEventID: noID}, "")
		if f != fired || strings.Contains(string(body), ext.EventID) == noID || len(body) > 2_000 {
			t.Errorf("%v: %s", f, body)
		}
	}
}

// TestGateAllocs: with all of the gate in use, letting a known visitor in costs
// no memory.
func TestGateAllocs(t *testing.T) {
	const groups = "OptanonAlertBoxClosed=2026-03-02T10:35:32.804Z; OptanonConsent=version=202602.1.0&groups=C0001%3A1%2CC0002%3A1%2CC0004%3A"
	tracker := dryTracker(t, "{version: 1, goals: [{goal: SEEN, visit: /page, consent: analytics}]}", func(c *Config) {
		c.Consent, c.ConsentHoldBy = ConsentOneTrust(OneTrust{}), "session"
		c.Bots = Bots{Allow: []string{"a*b"}, Deny: []string{"HeadlessChrome"}}
		c.Staff, c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	for answer, want := range map[string]fate{"1": fired, "0": fateConsentRefused, "2": fateConsentUnknown} {
		r := browserRequest(http.MethodGet, "/page?a=b", "")
		r.Header.Set("Cookie", groups+answer+"; session=0123456789abcdef; bid_key="+oldID)
		r.Header.Set("X-Forwarded-For", "198.51.100.7")
		r.Header.Set("X-Forwarded-Host", "shop.example")
		var e entry
		if n := testing.AllocsPerRun(100, func() {
			e = tracker.gate(r, "/page")
			_ = tracker.host(r)
		}); n > 0 {
			t.Errorf("%v: %v allocations", want, n)
		}
		if e.fate(consent.All) != want || e.fate(consent.Analytics) != allowed {
			t.Errorf("required %v, analytics %v; want %v and fired", e.fate(consent.All), e.fate(consent.Analytics), want)
		}
	}
}
