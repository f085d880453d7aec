package test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const connectorRules = `
goals:
  - { goal: SEEN, visit: /seen }
  - { goal: WORTH, visit: /worth, value: 12.5, count: once per session }
  - { goal: DRAFT, visit: /draft, status: draft }
  - { goal: PAID, submit: /pay, success: confirmed, order: { id: $form.id, total: $app.total, payment: Cash }, identify: { email: $form.email, verified: true } }
  - { goal: RAISED, code: true, value: { from: $app.price } }
`

// TestConnector: what FuseIT's CDP4S counts follows each goal that is sent, if the file says
// so, and nothing else.
func TestConnector(t *testing.T) {
	const second = "CDP4SGOAL map[name:%s value:%v]"
	for name, c := range map[string]struct {
		defaults string
		refused  string // by BeforeSend
		want     []string
	}{
		"with": {", connector: cdp4s", "", []string{
			"VIEW", "SEEN", fmt.Sprintf(second, "SEEN", 0), "WORTH", fmt.Sprintf(second, "WORTH", 12.5),
			"IDENTITY", "ORDER_CHECKOUT", fmt.Sprintf(second, "PAID", 7), "RAISED", fmt.Sprintf(second, "RAISED", 3),
		}},
		"refused": {", connector: cdp4s", "CDP4SGOAL", []string{"VIEW", "SEEN", "WORTH", "IDENTITY", "ORDER_CHECKOUT", "RAISED"}},
		"goal refused": {", connector: cdp4s", "WORTH", []string{
			"VIEW", "SEEN", fmt.Sprintf(second, "SEEN", 0),
			"IDENTITY", "ORDER_CHECKOUT", fmt.Sprintf(second, "PAID", 7), "RAISED", fmt.Sprintf(second, "RAISED", 3),
		}},
		"without": {"", "", []string{"VIEW", "SEEN", "WORTH", "IDENTITY", "ORDER_CHECKOUT", "RAISED"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w *world.World
			w = world.Setup{
				Rules: "defaults: { currency: EUR, identityProvider: email" + c.defaults + " }" + connectorRules,
				Site: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodPost {
						_ = r.ParseForm()
						_ = w.Tracker.Set(r, "total", 7)
						_ = w.Tracker.Confirm(r, "PAID")
					}
					world.HTML(rw, r)
				}),
				Config: func(cfg *goaltrack.Config, _ *cdptest.Server) {
					cfg.Views = goaltrack.ViewsServer
					if c.refused != "" {
						cfg.BeforeSend = func(e *cdp.Event) bool { return e.Type != c.refused }
					}
				},
			}.Start(t)
			v := w.Visitor().Meet()
			v.Get("/seen")
			v.Get("/worth")
			v.Get("/worth")
			v.Get("/draft")
			v.Post("/pay", "id=A-1&email=ann@example.com")
			if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "RAISED", goaltrack.Data{"price": 3}); err != nil {
				t.Error(err)
			}
			w.Done()
			var got []string
			for _, e := range w.CDP.Events() {
				text := e.Type
				if goal, has := e.Body["extGoal"]; has {
					text += " " + fmt.Sprint(goal)
				}
				if e.Type != "VIEW" || len(got) == 0 {
					got = append(got, text)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%q\nwant\n%q", got, c.want)
			}
		})
	}
}

// TestConnectorIsHeld with its goal, until the visitor agrees.
func TestConnectorIsHeld(t *testing.T) {
	w := newHolding(t, "defaults: { connector: cdp4s }\ngoals:\n  - { goal: LANDED, visit: /landing }\n", func(c *goaltrack.Config) { c.Views = goaltrack.ViewsOff })
	v := withAnswer(w.Visitor(), "")
	v.Get("/landing")
	if a := w.Flush(); a.Held != 1 || a.Accepted != 0 {
		t.Errorf("held:\n%v", a)
	}
	withAnswer(v, "yes").Get("/")
	if a := w.Done(); a.Held != 0 || a.Fired != 1 || a.Delivered != 2 || !a.Balanced() {
		t.Errorf("released:\n%v", a)
	}
	var got []string
	for _, e := range w.CDP.Events() {
		if got = append(got, e.Type); e.BrowserID != v.ID() {
			t.Errorf("%s is of %s", e.Type, e.BrowserID)
		}
	}
	if !slices.Equal(got, []string{"LANDED", "CDP4SGOAL"}) {
		t.Errorf("arrived %q", got)
	}
}
