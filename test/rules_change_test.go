package test

import (
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestRulesChangeWhileTheSiteRuns also runs under the race detector.
func TestRulesChangeWhileTheSiteRuns(t *testing.T) {
	one := world.MustParse(t, "{version: 1, goals: [{goal: ONE, visit: /page}, {goal: CALLED, code: true}]}")
	two := world.MustParse(t, "{version: 1, goals: [{goal: TWO, visit: /page}, {goal: CALLED, code: true}]}")
	w := world.New(t, "", http.HandlerFunc(world.HTML), func(c *goaltrack.Config) { c.Rules = one })
	v := w.Visitor().Meet()
	v.Get("/page")
	const visits = 50
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range visits {
				v.Get("/page")
			}
		})
	}
	for i := range 200 {
		if err := w.Tracker.SetRules([]*goaltrack.Rules{one, two}[i%2]); err != nil {
			t.Error(err)
		}
	}
	wg.Wait()
	account := w.Done()
	if account.Fired != 4*visits+1 || account.Delivered != account.Fired {
		t.Errorf("account:\n%v", account)
	}
}

func TestRequestsEndUnderTheirRules(t *testing.T) {
	var w *world.World
	site := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		next := world.MustParse(t, "{version: 1, goals: [{goal: OTHER, visit: /page}]}")
		if err := w.Tracker.SetRules(next); err != nil {
			t.Error(err)
		}
		if err := errors.Join(w.Tracker.Trigger(r, "RAISED", nil), w.Tracker.Confirm(r, "FORM_SENT")); err != nil {
			t.Errorf("the rules the request began with are gone: %v", err)
		}
		world.HTML(rw, r)
	})
	w = world.New(t, "{version: 1, goals: [{goal: FORM_SENT, submit: /form, success: confirmed}, {goal: RAISED, code: true}]}", site)
	w.Visitor().Meet().Post("/form", "a=b")
	w.Done()
	w.CDP.Expect(t, "FORM_SENT").Once()
	w.CDP.Expect(t, "RAISED").Once()
}

func TestRulesRefused(t *testing.T) {
	w := world.New(t, "{version: 1, goals: [{goal: ONE, visit: /page}]}", http.HandlerFunc(world.HTML), func(c *goaltrack.Config) { c.Sites[0].Currency = "" })
	for _, rules := range []*goaltrack.Rules{nil, world.MustParse(t, "{version: 1, goals: [{goal: TWO, visit: /page, value: 5}]}")} {
		if err := w.Tracker.SetRules(rules); !errors.Is(err, goaltrack.ErrInvalid) {
			t.Errorf("error %v, want ErrInvalid", err)
		}
	}
	w.Visitor().Meet().Get("/page")
	w.Expect("ONE", "fired 1")
	w.Expect("TWO", "none")
}
