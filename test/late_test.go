package test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/logbook"
	"github.com/goaltrack/goaltrack/internal/world"
)

// outage is a CDP that does not answer for a while, and remembers the types of the events
// that it took.
type outage struct {
	mu    sync.Mutex
	down  bool
	types []string
}

func (o *outage) RoundTrip(r *http.Request) (*http.Response, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w := httptest.NewRecorder()
	if o.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return w.Result(), nil
	}
	var e struct{ Type string }
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		return nil, err
	}
	o.types = append(o.types, e.Type)
	w.WriteHeader(http.StatusCreated)
	_, _ = w.WriteString(`{"status":"OK"}`)
	return w.Result(), nil
}

func (o *outage) end() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = false
}

const lateRules = `
goals:
  - { goal: SEEN, visit: /seen }
  - { goal: STARTED, visit: /started, used by: [journey] }
  - { goal: ORDERED, code: true, identityProvider: email, identify: { email: $app.email }, order: { id: $app.id, total: $app.total, itemType: TEA } }
`

// TestAnHourLate: the CDP is down for an hour. Afterwards come the orders, the identities
// and the goals, but neither page views nor what starts a journey; these are named.
func TestAnHourLate(t *testing.T) {
	for name, tc := range map[string]struct {
		session, down time.Duration
		want          string
		late          uint64
	}{
		"the usual session":  {0, time.Hour, "IDENTITY ORDER_CHECKOUT SEEN", 3},
		"within the session": {0, 15 * time.Minute, "IDENTITY ORDER_CHECKOUT SEEN STARTED VIEW VIEW", 0},
		"a longer session":   {2 * time.Hour, time.Hour, "IDENTITY ORDER_CHECKOUT SEEN STARTED VIEW VIEW", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := &outage{down: true}
				tracker, _ := faked(t, lateRules, func(c *goaltrack.Config) {
					c.Views, c.Sites[0].SessionLength = goaltrack.ViewsServer, tc.session
					c.Delivery.MaxAge, c.Delivery.HTTPClient = 72*time.Hour, &http.Client{Transport: transport}
				})
				page(tracker, 1, "/seen")
				page(tracker, 1, "/started")
				paid := goaltrack.Data{"email": "a@b.example", "id": "1", "total": 5.0}
				if err := tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "ORDERED", paid); err != nil {
					t.Fatal(err)
				}
				bubble.Pass(tc.down)
				transport.end()
				bubble.Pass(time.Hour / 2)
				account, err := tracker.Flush(t.Context())
				if err != nil || !account.Balanced() || account.Dead["late"] != tc.late {
					t.Errorf("%v, %v", account, err)
				}
				if _, err := tracker.Close(t.Context()); err != nil {
					t.Error(err)
				}
				slices.Sort(transport.types)
				if got := strings.Join(transport.types, " "); got != tc.want {
					t.Errorf("the CDP got %s, want %s", got, tc.want)
				}
			})
		})
	}
}

// TestGoalsOfAnotherSession: New and SetRules warn of goals whose pos: or channel: is not
// the site's, in one line for each way in which they differ.
func TestGoalsOfAnotherSession(t *testing.T) {
	logs := &logbook.Book{}
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{
			{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}, Hosts: []string{"shop.example"}},
			{CDP: cdp.Edge{ContextID: "context", SiteName: "blog"}, Hosts: []string{"blog.example"}, Channel: "auto"},
		},
		Rules:  world.MustParse(t, "goals:\n  - { goal: A, visit: /a, hosts: [shop.example], pos: Shop }\n  - { goal: B, visit: /b, hosts: [shop.example], pos: Shop }\n  - { goal: C, visit: /c, pos: blog, hosts: [blog.example] }\n"),
		DryRun: true, Logger: slog.New(logs),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = tracker.Close(context.Background()) }()
	lines := func() []string { return logs.About("another session") }
	if got := lines(); len(got) != 1 || !strings.Contains(got[0], "pos: Shop") || !strings.Contains(got[0], "[A B]") {
		t.Errorf("at the start: %q", got)
	}
	if err := tracker.SetRules(world.MustParse(t, "goals:\n  - { goal: D, visit: /d, channel: WEB }\n")); err != nil {
		t.Fatal(err)
	}
	if got := lines(); len(got) != 2 || !strings.Contains(got[1], "channel: WEB") || !strings.Contains(got[1], "blog") {
		t.Errorf("with other rules: %q", got)
	}
}
