package test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const apiRules = `
version: 1
goals:
  - { goal: PAGE_VISITED, visit: /page }
  - { goal: FORM_SENT, submit: /form, success: confirmed, data: { plan: $app.plan, seats: $app.seats } }
  - { goal: FORM_GUESSED, submit: /guess }
  - { goal: ORDER_PAID, code: true, data: { shop: main, id: $app.id } }
`

// handlerWorld runs f as the handler of every request.
func handlerWorld(t *testing.T, f func(w *world.World, rw http.ResponseWriter, r *http.Request), adjust ...func(*goaltrack.Config)) *world.World {
	t.Helper()
	var w *world.World
	w = world.New(t, apiRules, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { f(w, rw, r) }), adjust...)
	return w
}

func TestTrigger(t *testing.T) {
	for name, path := range map[string]string{"on a request that is followed": "/page", "on one that is not": "/other"} {
		t.Run(name, func(t *testing.T) {
			w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
				data := goaltrack.Data{"id": "A-1", "total": 12.5, "items": 3, "express": true}
				if err := w.Tracker.Trigger(r, "ORDER_PAID", data); err != nil {
					t.Error(err)
				}
				data["total"] = "changed afterwards"
				world.HTML(rw, r)
			}, func(c *goaltrack.Config) { c.Cookie.Create = goaltrack.CreateGoal })
			w.Visitor().Meet().Get(path)
			w.Expect("ORDER_PAID", "fired 1")
			e := w.CDP.Expect(t, "ORDER_PAID").From(world.Known).With("id", "A-1").With("total", 12.5).With("items", 3).With("express", true).With("shop", "main").Once()
			if e.UserAgent != world.Chrome {
				t.Errorf("user agent %q", e.UserAgent)
			}
		})
	}
}

// TestTriggerLater: a goroutine of the handler raises goals when the answer is
// long gone; they belong to the ID that the answer made.
func TestTriggerLater(t *testing.T) {
	answered := make(chan struct{})
	var wg sync.WaitGroup
	w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
		wg.Go(func() {
			<-answered
			if err := w.Tracker.Trigger(r, "ORDER_PAID", nil); err != nil {
				t.Error(err)
			}
		})
		world.HTML(rw, r)
	})
	v := w.Visitor()
	v.Get("/page")
	w.Site.Close()
	close(answered)
	wg.Wait()
	w.Expect("ORDER_PAID", "fired 1")
	w.CDP.Expect(t, "ORDER_PAID").From(v.ID()).Once()
	if n := w.CDP.Made(); n > 3 { // the visitor's, and those kept ready
		t.Errorf("%d guests", n)
	}
}

func TestTriggerOften(t *testing.T) {
	w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 8 {
					if err := w.Tracker.Trigger(r, "ORDER_PAID", nil); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for range 3 { // more than a request holds until it has ended
			if err := w.Tracker.Trigger(r, "ORDER_PAID", nil); err != nil {
				t.Error(err)
			}
		}
		w.Flush()
		w.CDP.Expect(t, "ORDER_PAID").Times(3)
		rw.WriteHeader(http.StatusCreated)
	}, func(c *goaltrack.Config) { c.Cookie.Create, c.Cookie.Warm = goaltrack.CreateGoal, -1 })
	w.Visitor().Post("/guess", "a=b")
	w.Expect("ORDER_PAID", "fired 67")
	ids := make(map[string]bool)
	for _, e := range w.CDP.Expect(t, "ORDER_PAID").Times(67) {
		ids[e.BrowserID] = true
	}
	if len(ids) != 1 {
		t.Errorf("one visitor became %d guests", len(ids))
	}
}

// TestTriggerAndGate: nothing is sent for a visitor who may not be counted.
func TestTriggerAndGate(t *testing.T) {
	for _, path := range []string{"/page", "/other"} {
		for want, header := range map[string][]string{
			"gpc 1":           {"Sec-Gpc", "1"},
			"bot 1":           {"User-Agent", "Googlebot/2.1"},
			"no_browser_id 1": {"Cookie", ""},
		} {
			t.Run(path+" "+want, func(t *testing.T) {
				w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
					err := w.Tracker.Trigger(r, "ORDER_PAID", nil)
					if refused := want == "no_browser_id 1" && path == "/other"; errors.Is(err, goaltrack.ErrRefused) != refused {
						t.Errorf("error %v", err)
					}
					if id := w.Tracker.BrowserID(r); id != "" {
						t.Errorf("ID %s", id)
					}
					world.HTML(rw, r)
				}, func(c *goaltrack.Config) { c.Cookie.Create = goaltrack.CreateNever })
				method := map[string]string{"/page": http.MethodGet, "/other": http.MethodPost}[path]
				w.Visitor().Meet().Do(method, path, "", header...)
				w.Expect("ORDER_PAID", want)
			})
		}
	}
}

func TestDataIsChecked(t *testing.T) {
	many := goaltrack.Data{}
	for i := range 50 {
		many[fmt.Sprint("a", i)] = i
	}
	w := handlerWorld(t, func(w *world.World, _ http.ResponseWriter, r *http.Request) {
		for name, data := range map[string]goaltrack.Data{
			"a list":              {"list": []string{"a"}},
			"a map":               {"map": map[string]any{"a": 1}},
			"nil":                 {"nothing": nil},
			"a name with a space": {"order id": 1},
			"an empty name":       {"": 1},
			"a name of ours":      {"eventId": "x"},
			"not a number":        {"n": math.NaN()},
			"too many":            many,
		} {
			if err := w.Tracker.Trigger(r, "ORDER_PAID", data); !errors.Is(err, goaltrack.ErrInvalid) {
				t.Errorf("Trigger with %s: %v", name, err)
			}
			if err := w.Tracker.Send(r.Context(), goaltrack.Visitor{BrowserID: world.Known}, "ORDER_PAID", data); !errors.Is(err, goaltrack.ErrInvalid) {
				t.Errorf("Send with %s: %v", name, err)
			}
		}
		for key, value := range map[string]any{"list": []int{1}, "order id": 1, "f": func() {}} {
			if err := w.Tracker.Set(r, key, value); !errors.Is(err, goaltrack.ErrInvalid) {
				t.Errorf("Set %s: %v", key, err)
			}
		}
		for _, goal := range []string{"PAGE_VISITED", "NOBODY_KNOWS", ""} {
			if err := w.Tracker.Trigger(r, goal, nil); !errors.Is(err, goaltrack.ErrUnknownGoal) {
				t.Errorf("Trigger %s: %v", goal, err)
			}
			if err := w.Tracker.Send(r.Context(), goaltrack.Visitor{BrowserID: world.Known}, goal, nil); !errors.Is(err, goaltrack.ErrUnknownGoal) {
				t.Errorf("Send %s: %v", goal, err)
			}
		}
		for _, err := range []error{w.Tracker.Confirm(r, "NOBODY_KNOWS"), w.Tracker.Reject(r, "NOBODY_KNOWS")} {
			if !errors.Is(err, goaltrack.ErrUnknownGoal) {
				t.Errorf("Confirm or Reject: %v", err)
			}
		}
	})
	w.Visitor().Meet().Get("/page")
	w.Expect("ORDER_PAID", "none")
}

func TestSend(t *testing.T) {
	w := world.Setup{Rules: apiRules, Site: http.HandlerFunc(world.HTML), Config: func(c *goaltrack.Config, s *cdptest.Server) {
		second := s.Direct()
		second.PointOfSale = "second"
		c.Sites = append(c.Sites, goaltrack.Site{CDP: second, PathPrefix: "/second"})
	}}.Start(t)
	w.CDP.Know(world.Known)
	for name, c := range map[string]struct {
		visitor goaltrack.Visitor
		want    error
	}{
		"no ID":          {goaltrack.Visitor{Site: "shop"}, goaltrack.ErrInvalid},
		"no UUID":        {goaltrack.Visitor{Site: "shop", BrowserID: "undefined"}, goaltrack.ErrInvalid},
		"no site of two": {goaltrack.Visitor{BrowserID: world.Known}, goaltrack.ErrInvalid},
		"unknown site":   {goaltrack.Visitor{Site: "third", BrowserID: world.Known}, goaltrack.ErrInvalid},
		"a visitor":      {goaltrack.Visitor{Site: "second", BrowserID: world.Known, UserAgent: world.Chrome}, nil},
	} {
		if err := w.Tracker.Send(t.Context(), c.visitor, "ORDER_PAID", goaltrack.Data{"id": "A-1"}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for site, want := range map[string]string{"": "Visitor.Site is needed: the sites are shop, second", "third": `no site is named "third"; the sites are shop, second`} {
		if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{Site: site, BrowserID: world.Known}, "ORDER_PAID", nil); err == nil || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Tracker.Send(ended, goaltrack.Visitor{Site: "shop", BrowserID: world.Known}, "ORDER_PAID", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	w.Flush()
	if e := w.CDP.Expect(t, "ORDER_PAID").From(world.Known).With("id", "A-1").Once(); e.PointOfSale != "second" || e.UserAgent != world.Chrome {
		t.Errorf("%s by %s", e.Raw, e.UserAgent)
	}
}

func TestOverruling(t *testing.T) {
	for name, c := range map[string]struct {
		path    string
		handler func(tr *goaltrack.Tracker, rw http.ResponseWriter, r *http.Request) error
		goal    string
		want    string
	}{
		"confirmed": {"/form", func(tr *goaltrack.Tracker, _ http.ResponseWriter, r *http.Request) error {
			return tr.Confirm(r, "FORM_SENT")
		}, "FORM_SENT", "fired 1"},
		"not confirmed": {"/form", func(*goaltrack.Tracker, http.ResponseWriter, *http.Request) error { return nil }, "FORM_SENT", "not_confirmed 1"},
		"confirmed in vain": {"/form", func(tr *goaltrack.Tracker, _ http.ResponseWriter, r *http.Request) error {
			return errors.Join(tr.Confirm(r, "FORM_SENT"), tr.Reject(r, "FORM_SENT"))
		}, "FORM_SENT", "rejected_by_handler 1"},
		"after the answer": {"/form", func(tr *goaltrack.Tracker, rw http.ResponseWriter, r *http.Request) error {
			world.HTML(rw, r)
			return errors.Join(http.NewResponseController(rw).Flush(), tr.Confirm(r, "FORM_SENT"))
		}, "FORM_SENT", "fired 1"},
		"a plain 200 confirmed": {"/guess", func(tr *goaltrack.Tracker, _ http.ResponseWriter, r *http.Request) error {
			return tr.Confirm(r, "FORM_GUESSED")
		}, "FORM_GUESSED", "fired 1"},
		"a 201 rejected": {"/guess", func(tr *goaltrack.Tracker, rw http.ResponseWriter, r *http.Request) error {
			rw.WriteHeader(http.StatusCreated)
			return tr.Reject(r, "FORM_GUESSED")
		}, "FORM_GUESSED", "rejected_by_handler 1"},
		"on a request not followed": {"/other", func(tr *goaltrack.Tracker, _ http.ResponseWriter, r *http.Request) error {
			return errors.Join(tr.Confirm(r, "FORM_SENT"), tr.Reject(r, "FORM_SENT"), tr.Set(r, "plan", "pro"))
		}, "FORM_SENT", "none"},
	} {
		t.Run(name, func(t *testing.T) {
			w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
				if err := c.handler(w.Tracker, rw, r); err != nil {
					t.Error(err)
				}
			})
			w.Visitor().Meet().Post(c.path, "a=b")
			w.Expect(c.goal, c.want)
		})
	}
}

func TestSet(t *testing.T) {
	w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
		err := errors.Join(w.Tracker.Set(r, "plan", "basic"), w.Tracker.Set(r, "seats", 5), w.Tracker.Set(r, "unnamed", "s3cret"))
		rw.WriteHeader(http.StatusCreated)
		_, _ = rw.Write([]byte("ok"))
		err = errors.Join(err, http.NewResponseController(rw).Flush(), w.Tracker.Set(r, "plan", "pro"), w.Tracker.Confirm(r, "FORM_SENT"))
		for i := range 100 { // bounded, and said so by nothing but the rules that miss them
			err = errors.Join(err, w.Tracker.Set(r, fmt.Sprint("more", i), i))
		}
		if err != nil {
			t.Error(err)
		}
	})
	w.Visitor().Meet().Post("/form", "a=b")
	w.Done()
	e := w.CDP.Expect(t, "FORM_SENT").With("plan", "pro").With("seats", 5).Once()
	if strings.Contains(string(e.Raw), "s3cret") || strings.Contains(string(e.Raw), "more") {
		t.Errorf("event %s", e.Raw)
	}
}

func TestBrowserID(t *testing.T) {
	ids := make(chan string, 3)
	w := handlerWorld(t, func(w *world.World, rw http.ResponseWriter, r *http.Request) {
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { ids <- w.Tracker.BrowserID(r) })
		}
		wg.Wait()
		world.HTML(rw, r)
		ids <- w.Tracker.BrowserID(r)
	})
	v := w.Visitor()
	v.Get("/page")
	if a, b, c := <-ids, <-ids, <-ids; a == "" || a != b || b != c || a != v.ID() {
		t.Errorf("the handler saw %q, %q and %q, the cookie says %q", a, b, c, v.ID())
	}
	v.Post("/other", "a=b") // not followed: read from the cookie
	if a, b, c := <-ids, <-ids, <-ids; a != v.ID() || a != b || b != c {
		t.Errorf("the handler saw %q, %q and %q, the cookie says %q", a, b, c, v.ID())
	}
	v.Post("/other", "a=b", "Sec-Gpc", "1")
	if a, b, c := <-ids, <-ids, <-ids; a != "" || b != "" || c != "" {
		t.Errorf("with an opt-out the handler saw %q, %q and %q", a, b, c)
	}
}
