package test

import (
	"cmp"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/golden"
	"github.com/goaltrack/goaltrack/queue"
)

// TestGoldenSpool: a spool that a tracker of any version left behind is delivered
// to the last event, its dead letters can be read, and sent again.
func TestGoldenSpool(t *testing.T) {
	golden.Kind{Name: "spool", Write: writeGoldenSpool, Read: readGoldenSpool}.Test(t, goldenRoot)
}

// These visitors are known to the CDP; who refuses and who is silent is told by
// their ID.
const (
	ann     = "aaaaaaaa-0000-4000-8000-000000000001"
	bob     = "bbbbbbbb-0000-4000-8000-000000000002"
	blocked = "cccccccc-0000-4000-8000-000000000003"
	silent  = "dddddddd-0000-4000-8000-000000000004"
	waited  = "eeeeeeee-0000-4000-8000-000000000005"
)

// writeGoldenSpool has three trackers, one after the other, write a spool. Its files
// are stored compressed: each is 8 MiB, nearly all zeros.
func writeGoldenSpool(t *testing.T, dir string) {
	spool := t.TempDir()
	rules := rulesOf(t, filepath.Join(goldenInputs, "spool.yaml"))
	synctest.Test(t, func(t *testing.T) {
		n := newNear(ann, bob, blocked, silent, waited)
		with := func(use func(*goaltrack.Tracker, http.Handler), adjust func(*goaltrack.Config)) {
			tracker := goldenTracker(t, n, func(c *goaltrack.Config) {
				c.Rules, c.Delivery.SpoolDir, c.RulesHash = rules, spool, true
				adjust(c)
			})
			use(tracker, tracker.Handler(goldenSite(t, tracker)))
			now, cancel := context.WithCancel(t.Context())
			cancel()
			if a, _ := tracker.Close(now); !a.Balanced() {
				t.Errorf("the account does not balance:\n%v", a)
			}
		}
		with(func(tracker *goaltrack.Tracker, site http.Handler) {
			n.tell(choosy)
			leaveLetters(t, tracker, site)
		}, func(c *goaltrack.Config) { c.Delivery.MaxAge = 10 * time.Minute })
		n.tell(down)
		with(func(tracker *goaltrack.Tracker, site http.Handler) {
			leaveWaiting(t, tracker, site)
		}, func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
		with(func(_ *goaltrack.Tracker, site http.Handler) {
			askSite(site, "GET", "https://shop.example/prices", "", "bid_shop-key="+waited)
		}, func(c *goaltrack.Config) { c.Delivery.Wait = time.Second })
	})
	awaited := 0
	if err := queue.InspectSpool(spool, func(e queue.SpoolEntry) error {
		if !e.Dead && e.Body[1]&4 != 0 { // see internal/deliver/envelope.go
			awaited++
		}
		return nil
	}); err != nil || awaited != 1 {
		t.Errorf("%d events are awaited (%v)", awaited, err)
	}
	for _, name := range segmentsIn(t, spool, "") {
		pack(t, filepath.Join(spool, name), filepath.Join(dir, name+".gz"))
	}
}

// goldenSite is the site whose spool this is.
func goldenSite(t *testing.T, tracker *goaltrack.Tracker) http.HandlerFunc {
	to := map[string]string{"/callback": "/thanks", "/login": "/account", "/pay": "/orders/A-1001"}
	return func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.URL.Path == "/pay" {
			for key, value := range map[string]any{
				"email": "Ann@Example.com", "total": 24.5,
				"items": []cdp.OrderItem{{Type: "TEA", ReferenceID: "T-1", ProductID: "green-tea", Name: "Green tea", Price: 12.25, Quantity: 2, Currency: "EUR"}},
			} {
				if err := tracker.Set(r, key, value); err != nil {
					t.Error(err)
				}
			}
		}
		if location := to[r.URL.Path]; location != "" {
			http.Redirect(w, r, location, http.StatusSeeOther)
			return
		}
		if strings.HasSuffix(r.URL.Path, ".pdf") {
			w.Header().Set("Content-Type", "application/pdf")
		}
		_, _ = io.WriteString(w, "<!doctype html><p>A page.")
	}
}

// choosy is a CDP that has something against some events.
func choosy(event map[string]any) int {
	switch {
	case event["browser_id"] == blocked:
		return http.StatusForbidden
	case event["browser_id"] == silent:
		return http.StatusServiceUnavailable
	case event["type"] == "CALLBACK":
		return http.StatusBadRequest
	case event["type"] == "GUIDE":
		return http.StatusGatewayTimeout
	}
	return 0
}

// leaveLetters has events die of every reason while others are delivered.
func leaveLetters(t *testing.T, tracker *goaltrack.Tracker, site http.Handler) {
	bid := "bid_shop-key="
	askSite(site, "GET", "https://shop.example/prices", "", bid+silent)
	askSite(site, "POST", "https://shop.example/callback", "topic=tea", bid+ann)
	askSite(site, "GET", "https://shop.example/guide.pdf", "", bid+ann)
	askSite(site, "GET", "https://shop.example/prices", "", bid+blocked)
	for range 30 {
		askSite(site, "GET", "https://shop.example/prices", "", bid+bob)
		bubble.Pass(30 * time.Second)
	}
	dead := tracker.Snapshot().Dead
	for _, reason := range []string{"blocked", "rejected_400", "unknown", "expired"} {
		if dead[reason] != 1 {
			t.Errorf("%d events died as %s: %v", dead[reason], reason, dead)
		}
	}
}

// leaveWaiting has every kind of event wait.
func leaveWaiting(t *testing.T, tracker *goaltrack.Tracker, site http.Handler) {
	shop, press := "https://shop.example", "https://press.example"
	askSite(site, "GET", shop+"/seat?utm_source=mail", "", "bid_shop-key="+ann, "Referer", "https://news.example/tea")
	askSite(site, "POST", shop+"/login", "email=Ann%40Example.com&customer=4711&name=Ann", "bid_shop-key="+ann)
	askSite(site, "POST", shop+"/pay", "a=b", "bid_shop-key="+ann)
	askSite(site, "GET", shop+"/offer", "", "bid_shop-key="+bob)
	// Two visitors without a browser ID:
	askSite(site, "GET", shop+"/prices", "", "")
	askSite(site, "POST", shop+"/login", "email=carl%40example.com&customer=4712", "")
	askSite(site, "GET", press+"/prices", "", "sc_cid="+bob)
	if err := tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: bob, Site: "press", UserAgent: "Phone/1.0"}, "CALLED", goaltrack.Data{"minutes": 7.5, "agent": "Zoë"}); err != nil {
		t.Error(err)
	}
	bubble.Pass(time.Second)
	for _, g := range tracker.Snapshot().Goals {
		if want := g.Goal != "CALLBACK" && g.Goal != "GUIDE"; g.Fired > 0 != want {
			t.Errorf("%s fired %d times, %v", g.Goal, g.Fired, g.NotFired)
		}
	}
}

// spoolMeaning is what a spool means.
type spoolMeaning struct {
	Recovered uint64                 `json:"recovered"`
	Letters   []goaltrack.DeadLetter `json:"letters"`
	Delivered []deliveredEvent       `json:"delivered"`
	Account   string                 `json:"account"`
	Resent    []deliveredEvent       `json:"resent"`
	After     string                 `json:"after"`
}

type deliveredEvent struct {
	UserAgent string         `json:"userAgent"`
	Edge      bool           `json:"edge,omitempty"`
	Event     map[string]any `json:"event"`
}

// readGoldenSpool opens a copy with a tracker that has no rules, an hour after it
// was written, and then sends the dead letters again.
func readGoldenSpool(t *testing.T, dir string) golden.Texts {
	spool := t.TempDir()
	for _, name := range segmentsIn(t, dir, ".gz") {
		unpack(t, filepath.Join(dir, name), filepath.Join(spool, strings.TrimSuffix(name, ".gz")))
	}
	var m spoolMeaning
	synctest.Test(t, func(t *testing.T) {
		bubble.Pass(2 * time.Hour)
		n := newNear(ann, bob, blocked, silent, waited)
		tracker := goldenTracker(t, n, func(c *goaltrack.Config) { c.Delivery.SpoolDir, c.Delivery.SpoolRequired = spool, true })
		opened := time.Now() // what is too late by now may be a letter already
		m.Letters = slices.DeleteFunc(tracker.DeadLetters(), func(l goaltrack.DeadLetter) bool { return !l.Died.Before(opened) })
		a := flushed(t, tracker)
		m.Recovered, m.Account = a.Recovered, a.String()
		m.Delivered = deliveredEvents(n.Events(), n.Browsers())
		n.Reset()
		for _, id := range []string{ann, blocked, silent} {
			n.Know(id)
		}
		if _, err := tracker.Resend(func(l goaltrack.DeadLetter) bool { return l.Reason != "late" }); err != nil {
			t.Error(err)
		}
		m.After = flushed(t, tracker).String()
		m.Resent = deliveredEvents(n.Events(), nil)
		slices.SortFunc(m.Resent, byText) // letters come in any order
		if s := tracker.Snapshot().Queue; s.Damage != "" || s.Degraded != "" || s.DeadLetters != 1 {
			t.Errorf("%+v", s)
		}
		if _, err := tracker.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for i := range m.Letters {
		l := &m.Letters[i]
		l.Happened, l.Died = l.Happened.UTC(), l.Died.UTC()
	}
	slices.SortFunc(m.Letters, func(a, b goaltrack.DeadLetter) int { return cmp.Compare(a.Reason, b.Reason) })
	return golden.Texts{"meaning.json": inJSON(t, m)}
}

// deliveredEvents are events as the CDP took them, those of one visitor of a site in
// the order in which they came. IDs that it made are new each time.
func deliveredEvents(events []cdptest.Event, made []string) []deliveredEvent {
	ofVisitor := map[string][]deliveredEvent{}
	for _, e := range events {
		if slices.Contains(made, e.BrowserID) {
			e.Body["browser_id"] = "made by the CDP"
		}
		edge := strings.Contains(e.Query, "press-context")
		key := fmt.Sprint(e.BrowserID, edge)
		ofVisitor[key] = append(ofVisitor[key], deliveredEvent{e.UserAgent, edge, e.Body})
	}
	var visitors [][]deliveredEvent
	for _, list := range ofVisitor {
		visitors = append(visitors, list)
	}
	slices.SortFunc(visitors, byText)
	return slices.Concat(visitors...)
}

func byText[T any](a, b T) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) }

// segmentsIn are the names of a spool's files.
func segmentsIn(t *testing.T, dir, ending string) (names []string) {
	t.Helper()
	for _, kind := range []string{"*.seg", "*.dead"} {
		paths, err := filepath.Glob(filepath.Join(dir, kind+ending))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no files %s in %s (%v)", kind, dir, err)
		}
		for _, p := range paths {
			names = append(names, filepath.Base(p))
		}
	}
	return names
}

func pack(t *testing.T, from, to string) {
	t.Helper()
	through(t, from, to, func(r io.Reader, w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := io.Copy(z, r); err != nil {
			return err
		}
		return z.Close()
	})
}

func unpack(t *testing.T, from, to string) {
	t.Helper()
	through(t, from, to, func(r io.Reader, w io.Writer) error {
		z, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, z)
		return err
	})
}

func through(t *testing.T, from, to string, do func(io.Reader, io.Writer) error) {
	t.Helper()
	r, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	w, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if err := do(r, w); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}
