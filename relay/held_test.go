package relay_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/goaltest"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/relay"
)

// TestHeldTwice: what was held until the visitor agreed and what the script of the same page
// tells as soon as they do is one page view, and one form, however long they thought about it.
func TestHeldTwice(t *testing.T) {
	const rules = `{version: 1, goals: [{goal: CONTACT_SENT, submit: /contact, sends: FORM, data: {formId: contact, interactionType: SUBMITTED}}]}`
	for name, c := range map[string]struct {
		steps []string // a request and "yes" once they have agreed, an event of a page's script, or a while
		want  map[string]string
	}{
		"the script, then the hold":        {[]string{"GET /a", "5m", "VIEW /a", "GET /b yes"}, map[string]string{"VIEW": "fired 1, view_twice 1", "relayed": "fired 1"}},
		"the script, and much later":       {[]string{"GET /a", "VIEW /a", "20m", "GET /b yes"}, map[string]string{"VIEW": "fired 1, view_twice 1", "relayed": "fired 1"}},
		"the hold, then the script":        {[]string{"GET /a", "5m", "GET /b yes", "VIEW /a"}, map[string]string{"VIEW": "fired 2", "relayed": "view_twice 1"}},
		"no script":                        {[]string{"GET /a", "5m", "GET /b yes"}, map[string]string{"VIEW": "fired 2", "relayed": "none"}},
		"the script of another page":       {[]string{"GET /a", "5m", "VIEW /c", "GET /b yes"}, map[string]string{"VIEW": "fired 2", "relayed": "fired 1"}},
		"a page of before, opened again":   {[]string{"GET /a", "1m", "GET /a", "VIEW /a", "GET /b yes"}, map[string]string{"VIEW": "fired 2, view_twice 1", "relayed": "fired 1"}},
		"the script before the page":       {[]string{"VIEW /a", "1m", "GET /a", "5m", "GET /b yes"}, map[string]string{"VIEW": "fired 2", "relayed": "fired 1"}},
		"a form, of which the script says": {[]string{"POST /contact", "5m", "FORM contact", "GET /b yes"}, map[string]string{"CONTACT_SENT": "form_twice 1", "relayed": "fired 1"}},
		"another form":                     {[]string{"POST /contact", "5m", "FORM club", "GET /b yes"}, map[string]string{"CONTACT_SENT": "fired 1", "relayed": "fired 1"}},
	} {
		bubble.Run(t, name, func(t *testing.T) {
			a := newAnswering(t, rules)
			for _, step := range c.steps {
				if wait, err := time.ParseDuration(step); err == nil {
					time.Sleep(wait)
					continue
				}
				what, of, _ := strings.Cut(step, " ")
				of, yes := strings.CutSuffix(of, " yes")
				switch what {
				case "VIEW":
					a.tell(`"type":"VIEW"`, of)
				case "FORM":
					a.tell(`"type":"FORM","ext":{"formId":"`+of+`","interactionType":"SUBMITTED"}`, "/contact")
				default:
					a.ask(what, of, yes)
				}
			}
			account, err := a.tracker.Close(t.Context())
			if err != nil || !account.Balanced() {
				t.Errorf("%v\n%v", err, account)
			}
			for goal, want := range c.want {
				if got := goaltest.Fates(a.tracker, goal); got != want {
					t.Errorf("%s: %s, want %s", goal, got, want)
				}
			}
		})
	}
}

// answering is a site with a relay whose visitor is asked for consent, without a network.
type answering struct {
	*testing.T
	tracker *goaltrack.Tracker
	site    http.Handler
	cookie  string
}

func newAnswering(t *testing.T, rules string) *answering {
	t.Helper()
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites:   []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: cdptest.TestClientKey, PointOfSale: cdptest.TestPointOfSale}}},
		Rules:   world.MustParse(t, rules),
		Consent: goaltrack.ConsentCookie("answer", "yes"), ConsentHoldBy: "session",
		Views: goaltrack.ViewsServer, DryRun: true, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := relay.New(tracker, relay.Options{})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(relay.Path+"/", handler)
	mux.Handle("/", tracker.Handler(world.Shop()))
	return &answering{t, tracker, mux, "session=0123456789abcdef; bid_" + cdptest.TestClientKey + "=" + ours}
}

// ask is a request of the visitor's browser.
func (a *answering) ask(method, path string, agreed bool) {
	a.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(map[string]string{http.MethodPost: "topic=a"}[method]))
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Referer", "http://example.com/contact")
	}
	a.serve(r, agreed)
}

// tell is an event of the script of a page, which is there when they have agreed.
func (a *answering) tell(event, page string) {
	a.Helper()
	body := `{` + event + `,"browser_id":"` + ours + `","channel":"WEB","client_key":"` + cdptest.TestClientKey + `","currency":"EUR","language":"EN","page":"a","pos":"` + cdptest.TestPointOfSale + `"}`
	r := httptest.NewRequest(http.MethodPost, relay.Path+"/v1.2/events", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", "http://example.com")
	r.Header.Set("Referer", "http://example.com"+page)
	if w := a.serve(r, true); w.Code != http.StatusCreated {
		a.Errorf("%s: %d %s", event, w.Code, w.Body)
	}
}

func (a *answering) serve(r *http.Request, agreed bool) *httptest.ResponseRecorder {
	r.Header.Set("User-Agent", world.Chrome)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Cookie", a.cookie)
	if agreed {
		r.Header.Set("Cookie", a.cookie+"; answer=yes")
	}
	w := httptest.NewRecorder()
	a.site.ServeHTTP(w, r)
	return w
}
