package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// someID is the browser ID of visitor n.
func someID(n int) string { return fmt.Sprintf("%08d-2222-4333-8444-555555555555", n) }

// visits has a known visitor look at a page, and returns the ID that the answer
// sets, "" if none.
func visits(h http.Handler, id string) string {
	r := httptest.NewRequest(http.MethodGet, "https://shop.example/page", nil)
	r.Header.Set("User-Agent", world.Chrome)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Cookie", bid+"="+id)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.Name == bid {
			return c.Value
		}
	}
	return ""
}

// TestACDPThatKnowsNobody: a wrong tenant answers 404 for every visitor. No
// cookie is replaced, for an hour; everything is held, and delivered under the
// old IDs when the tenant is right again. On fake time.
func TestACDPThatKnowsNobody(t *testing.T) {
	const visitors = 60
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, func(config *goaltrack.Config) {
			config.Rules = world.MustParse(t, world.EachTrigger)
			config.Cookie.Warm = -1
		})
		private := c.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "private") // so that every answer may carry the cookie
			world.HTML(w, r)
		}))
		for i := range visitors {
			visits(private, someID(i))
			<-time.After(time.Minute)
		}
		if s := c.tracker.Snapshot(); s.Delivery[0].State != "held" || s.Waiting != visitors || len(s.Dead) > 0 {
			t.Errorf("%s, state %s", s.Account, s.Delivery[0].State)
		}
		for i := range visitors {
			if got := visits(private, someID(i)); got != someID(i) {
				t.Errorf("visitor %d has %s now", i, got)
			}
			c.cdp.Know(someID(i)) // the tenant is right again
		}
		account, err := c.tracker.Flush(t.Context())
		if err != nil || account.Delivered != 2*visitors || !account.Balanced() {
			t.Errorf("%s, %v", account, err)
		}
		for i := range visitors {
			if n := len(c.cdp.EventsOf(someID(i))); n != 2 {
				t.Errorf("%d events of visitor %d", n, i)
			}
		}
		if c.cdp.Made() != 0 || c.tracker.Snapshot().Notes["id_replaced"] != 0 {
			t.Errorf("%d guests made, notes %v", c.cdp.Made(), c.tracker.Snapshot().Notes)
		}
	})
}

// TestAForgottenIDAmongGoodOnes: the CDP has deleted one visitor. Their event
// is delivered once, under a new ID. Their next page puts that ID into their
// cookie, and no cookie of the host alone is left beside it.
func TestAForgottenIDAmongGoodOnes(t *testing.T) {
	w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML), func(c *goaltrack.Config) {
		c.Cookie.Warm, c.Cookie.Domain = -1, "127.0.0.1"
	})
	for i := range 20 {
		w.CDP.Know(someID(i))
		w.Visitor().Get("/page", "Cookie", bid+"="+someID(i))
	}
	w.Flush()
	const gone = 777
	first := w.Visitor().Get("/page", "Cookie", bid+"="+someID(gone))
	if got := first.Header["Set-Cookie"]; got != nil {
		t.Errorf("the first page sets %q", got)
	}
	w.Flush()
	made := w.CDP.Browsers()
	fresh := made[len(made)-1]
	w.CDP.Expect(t, "PAGE_VISITED").From(fresh).Once()

	const end = "; SameSite=None; Secure; Path=/"
	want := []string{bid + "=; Max-Age=0" + end, bid + "=" + fresh + "; Max-Age=63072000" + end + "; Domain=127.0.0.1"}
	next := w.Visitor().Get("/page", "Cookie", bid+"="+someID(gone))
	if got := next.Header["Set-Cookie"]; !slices.Equal(got, want) || next.Header.Get("Cache-Control") != "private" {
		t.Errorf("the next page sets %q, want %q", got, want)
	}
	for i := range 20 {
		if got := w.Visitor().Get("/page", "Cookie", bid+"="+someID(i)).Header["Set-Cookie"]; got != nil {
			t.Errorf("visitor %d got %q", i, got)
		}
	}
	w.Done()
	w.CDP.Expect(t, "PAGE_VISITED").From(fresh).Times(2)
	if n := len(w.CDP.Events()); n != 42 || w.CDP.Made() != 1 || w.Note("id_replaced") != 1 {
		t.Errorf("%d events, %d guests, notes %v", n, w.CDP.Made(), w.Tracker.Snapshot().Notes)
	}
}

// TestOneGuestForOneRequest: two events of a visitor who has no ID share the one
// that the worker makes, also when that is limited for a while. On fake time, so that
// all of them come at once.
func TestOneGuestForOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCrowd(t, func(config *goaltrack.Config) {
			config.Rules = world.MustParse(t, world.EachTrigger+"  - { goal: FORM_SENT_TOO, submit: /form }\n")
			config.Cookie = goaltrack.Cookie{Warm: -1, CreatePerSecond: 100, CreateBurst: 1, Create: goaltrack.CreateGoal}
		})
		handler := c.tracker.Handler(world.Answer(http.StatusSeeOther, "Location", "/thanks"))
		const visitors = 10
		for range visitors {
			r := httptest.NewRequest(http.MethodPost, "https://shop.example/form", strings.NewReader("email=a"))
			r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "User-Agent": {world.Chrome}, "Sec-Fetch-Site": {"none"}}
			handler.ServeHTTP(httptest.NewRecorder(), r)
		}
		account, err := c.tracker.Flush(t.Context())
		if err != nil || account.Delivered != 2*visitors || len(account.Dead) > 0 {
			t.Errorf("%s, %v", account, err)
		}
		both := map[string]int{}
		for _, e := range c.cdp.Events() {
			both[e.BrowserID]++
		}
		for id, n := range both {
			if n != 2 {
				t.Errorf("%s has %d events", id, n)
			}
		}
		if notes := c.tracker.Snapshot().Notes; len(both) != visitors || notes["id_limited"] == 0 {
			t.Errorf("%d visitors became %d guests, notes %v", visitors, len(both), notes)
		}
	})
}
