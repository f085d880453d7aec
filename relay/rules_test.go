package relay_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/fact"
)

// TestRulesOnEvents: what a script sends can make a goal happen, by its type, its page and
// its attributes. The goal stands behind the event.
func TestRulesOnEvents(t *testing.T) {
	const rules = `
version: 1
goals:
  - goal: DEMO_ASKED
    event: CLICKED
    on: /products/{id}
    data: { product: $path.id, button: $event.button }
    count: once per visitor
  - goal: OFFER_SEEN
    event: OFFER
    if: { event.plan: pro }
`
	told := &facts{}
	rd := open(t, setup{rules: rules, config: func(c *goaltrack.Config) { c.Report = told }})
	v := rd.known()
	post(v, rd.url("events"), rd.say("CLICKED", ours, `"ext":{"button":"top"}`))
	post(v, rd.url("events"), rd.say("CLICKED", ours, `"ext":{"button":"bottom"}`))
	post(v, rd.url("events"), rd.say("OFFER", ours, `"ext":{"plan":"free"}`))
	post(v, rd.url("events"), rd.say("OFFER", ours, `"ext":{"plan":"pro"}`))
	v.Header.Set("Referer", rd.Site.URL+"/about")
	post(v, rd.url("events"), rd.say("CLICKED", ours, `"ext":{"button":"about"}`))
	rd.Done()
	for goal, want := range map[string]string{"DEMO_ASKED": "fired 1, already_counted 1, other_page 1", "OFFER_SEEN": "fired 1, condition 1", "relayed": "fired 5"} {
		if got := rd.Fates(goal); got != want {
			t.Errorf("%s: %s, want %s", goal, got, want)
		}
	}
	rd.CDP.Expect(t, "DEMO_ASKED").From(ours).With("product", "42").With("button", "top").Once()
	var types []string
	for _, e := range rd.CDP.Events() {
		types = append(types, e.Type)
	}
	if want := strings.Fields("CLICKED DEMO_ASKED CLICKED OFFER OFFER OFFER_SEEN CLICKED"); !slices.Equal(types, want) {
		t.Errorf("%s arrived, want %s", types, want)
	}
	counted := 0
	for _, f := range told.list {
		if f.Kind == fact.Decision && f.Goal == "DEMO_ASKED" && f.Reason == fact.Fired {
			counted++
			if f.Page == "" || f.Browser == [16]byte{} {
				t.Errorf("%+v", f)
			}
		}
	}
	if counted != 1 {
		t.Errorf("a report is told of %d", counted)
	}
}

// TestRulesWithLessConsent: an event that may not be sent can make a goal happen that needs
// less.
func TestRulesWithLessConsent(t *testing.T) {
	const rules = "{version: 1, goals: [{goal: CLICKED_FOR_US, event: CLICKED, consent: analytics}]}"
	rd := open(t, setup{rules: rules, config: func(c *goaltrack.Config) { c.GPC = goaltrack.GPCMarketing }})
	post(rd.known(), rd.url("events"), rd.say("CLICKED", ours), "Sec-Gpc", "1")
	rd.Done()
	if got := fmt.Sprint(rd.Fates("CLICKED_FOR_US"), ", ", rd.Fates("relayed")); got != "fired 1, gpc 1" {
		t.Errorf("%s", got)
	}
	if e := rd.CDP.Events(); len(e) != 1 || e[0].Type != "CLICKED_FOR_US" {
		t.Errorf("%v arrived", e)
	}
}

// onlyLooks has every browser looked at, and none of their requests count.
type onlyLooks struct{}

func (onlyLooks) Cookie() string                  { return "gt_preview" }
func (onlyLooks) Watch(string) fact.Watcher       { return onlyLooks{} }
func (onlyLooks) Answered(string, string, string) {}
func (onlyLooks) Dry() bool                       { return true }
func (onlyLooks) Sends(fact.Sent)                 {}
func (onlyLooks) Saw(fact.Seen)                   {}

// TestRulesInDryPreview: what a script sends in a dry preview makes nothing wait for the
// visitor's consent either, which would be sent when the preview is over.
func TestRulesInDryPreview(t *testing.T) {
	const rules = "{version: 1, goals: [{goal: DEMO_ASKED, event: CLICKED}]}"
	for name, c := range map[string]struct{ cookies, want string }{
		"dry":     {"; gt_preview=a", "preview 1"},
		"not dry": {"", "fired 1"},
	} {
		t.Run(name, func(t *testing.T) {
			rd := open(t, setup{rules: rules, config: func(c *goaltrack.Config) {
				c.Preview, c.ConsentHoldBy = onlyLooks{}, "session"
				c.Consent = func(r *http.Request) goaltrack.Consent {
					if _, err := r.Cookie("agreed"); err != nil {
						return goaltrack.ConsentUnknown
					}
					return goaltrack.ConsentGranted
				}
			}})
			cookies := rd.cookie() + "=" + ours + "; session=0123456789abcdef"
			rd.CDP.Know(ours)
			v := rd.browser()
			v.Header.Set("Cookie", cookies+c.cookies)
			post(v, rd.url("events"), rd.say("CLICKED", ours))
			later := rd.Visitor()
			later.Header.Set("Cookie", cookies+"; agreed=1")
			later.Get("/pricing")
			rd.Done()
			if got := rd.Fates("DEMO_ASKED"); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}
