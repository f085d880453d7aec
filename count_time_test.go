package goaltrack

import (
	"context"
	"encoding/binary"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/facts"
	"github.com/goaltrack/goaltrack/internal/recall"
	"github.com/goaltrack/goaltrack/internal/visit"
)

// shop is a tracker around a site of pages, with a clock of its own in a
// synctest bubble, and a browser that goes there. Nothing is delivered.
type shop struct {
	*testing.T
	tracker *Tracker
	handler http.Handler
	cookies map[string]string
	header  http.Header
	counted map[string]uint64 // see fired
}

func openShop(t *testing.T, rules string, adjust func(*Config)) *shop {
	t.Helper()
	parsed, err := ParseRules([]byte(rules))
	if err != nil {
		t.Fatal(err)
	}
	s := &shop{T: t, cookies: map[string]string{"bid_key": oldID}, header: http.Header{}}
	config := Config{
		Sites:  []Site{{CDP: cdp.Direct{BaseURL: "http://127.0.0.1:1", ClientKey: "key", PointOfSale: "shop.example"}}},
		Rules:  parsed,
		Keys:   []Key{{Hash: []byte(strings.Repeat("h", 32)), Block: []byte(strings.Repeat("b", 32))}},
		Logger: slog.New(slog.DiscardHandler),
		Cookie: Cookie{Warm: -1},
	}
	if adjust != nil {
		adjust(&config)
	}
	if config.Delivery.Queue == nil {
		config.Delivery.Queue = &sink{}
	}
	if s.tracker, err = New(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = s.tracker.Close(ctx)
	})
	s.handler = s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.RawQuery == "public" {
			w.Header().Set("Cache-Control", "public")
		}
		if r.Method == http.MethodPost {
			_ = r.ParseForm()
			http.Redirect(w, r, "/thanks", http.StatusSeeOther)
		}
	}))
	return s
}

// visit goes to a page and returns what the answer says of the visit cookie.
func (s *shop) visit(target string) string { return s.do(http.MethodGet, target) }

func (s *shop) do(method, target string) string {
	r := httptest.NewRequest(method, "https://shop.example"+target, nil)
	maps.Copy(r.Header, s.header)
	for name, values := range map[string]string{
		"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/143.0.0.0 Safari/537.36", "Accept": "text/html", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate",
	} {
		if r.Header[name] == nil {
			r.Header.Set(name, values)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.cookies)) {
		r.AddCookie(&http.Cookie{Name: name, Value: s.cookies[name]})
	}
	rec := httptest.NewRecorder()
	s.handler.ServeHTTP(rec, r)
	line := ""
	for _, c := range rec.Result().Cookies() {
		s.cookies[c.Name] = c.Value
		if strings.HasPrefix(c.Name, "gt_") {
			line = c.Value
		}
	}
	return line
}

// expect compares how the decisions about a goal have ended so far.
func (s *shop) expect(goal string, fired int, not string, times int) {
	s.Helper()
	known := false
	for _, g := range s.tracker.Snapshot().Goals {
		known = known || g.Goal == goal
		if g.Goal == goal && (g.Fired != uint64(fired) || g.NotFired[not] != uint64(times)) {
			s.Errorf("%s: fired %d, %v; want fired %d, %s %d", goal, g.Fired, g.NotFired, fired, not, times)
		}
	}
	if !known {
		s.Errorf("%s: unknown", goal)
	}
}

const timeRules = `
version: 1
goals:
  - { goal: SESSION, visit: /session, count: once per session }
  - { goal: DAY, visit: /day, count: once per day }
  - { goal: DAY_IN_TOKYO, visit: /day, count: once per day, timezone: Asia/Tokyo }
  - { goal: EVER, visit: /ever, count: once per visitor }
  - { goal: STEP, visit: /step }
  - { goal: IN_TIME, visit: /goal, after: [STEP], within: 10m }
  - { goal: IN_SESSION, visit: /goal, after: [STEP] }
`

// pass lets time pass.
func pass(d time.Duration) { <-time.After(d) }

// forget makes the process forget, so that only the cookie counts.
func (s *shop) forget() { s.tracker.visits = recall.New() }

// TestSession: pages keep a session going; a pause ends it, and so does a day.
func TestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, timeRules, nil)
		s.visit("/session")
		for range 4 {
			pass(19 * time.Minute)
			s.visit("/other")
		}
		s.forget()
		s.visit("/session")
		s.expect("SESSION", 1, "already_counted", 1)
		pass(20 * time.Minute)
		s.visit("/session")
		s.expect("SESSION", 2, "already_counted", 1)
		for range 76 {
			pass(19 * time.Minute)
			s.visit("/other")
		}
		s.visit("/session")
		s.expect("SESSION", 3, "already_counted", 1)
		pass(19 * time.Minute)
		s.visit("/other?public") // its answer cannot move the minute
		pass(19 * time.Minute)
		s.visit("/session")
		s.expect("SESSION", 4, "already_counted", 1)
	})
}

// TestSessionLength is a setting.
func TestSessionLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, timeRules, func(c *Config) { c.Sites[0].SessionLength = 2 * time.Hour })
		s.visit("/session")
		pass(119 * time.Minute)
		s.visit("/session")
		s.expect("SESSION", 1, "already_counted", 1)
		pass(2 * time.Hour)
		s.visit("/session")
		s.expect("SESSION", 2, "already_counted", 1)
	})
}

// TestDay: a day ends at midnight, in the goal's time zone, else in the site's.
func TestDay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it is midnight, in UTC
		s := openShop(t, timeRules, func(c *Config) { c.Sites[0].TimeZone = "America/New_York" })
		s.visit("/day") // 19:00 the day before in New York, 09:00 in Tokyo
		pass(4 * time.Hour)
		s.visit("/day") // 23:00, 13:00
		s.expect("DAY", 1, "already_counted", 1)
		pass(2 * time.Hour)
		s.visit("/day") // 01:00, 15:00
		s.expect("DAY", 2, "already_counted", 1)
		s.expect("DAY_IN_TOKYO", 1, "already_counted", 2)
		pass(9 * time.Hour)
		s.visit("/day") // 10:00, 00:00 of the next day
		s.expect("DAY", 2, "already_counted", 2)
		s.expect("DAY_IN_TOKYO", 2, "already_counted", 2)
	})
}

// TestDaysGoneByMakeRoom: what counted on a day that is over takes no room from
// what counted for ever.
func TestDaysGoneByMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, `
version: 1
goals:
  - { goal: ORDERED, visit: "/orders/{id}", count: once per $path.id }
  - { goal: READ, visit: "/files/{file}", count: once per day for $path.file }
`, nil)
		s.visit("/orders/1")
		for day := range 60 {
			for file := range 3 {
				s.visit("/files/" + strconv.Itoa(10*day+file))
				s.forget()
			}
			pass(24 * time.Hour)
		}
		s.forget()
		s.visit("/orders/1")
		s.expect("ORDERED", 1, "already_counted", 1)
	})
}

// TestWithin: the way from the first goal may take no longer.
func TestWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, timeRules, nil)
		s.visit("/step")
		pass(10 * time.Minute)
		s.visit("/goal")
		s.expect("IN_TIME", 1, "not_after", 0)
		pass(time.Second)
		s.visit("/goal")
		s.expect("IN_TIME", 1, "not_after", 1)
		s.visit("/step")
		s.visit("/goal")
		s.expect("IN_TIME", 2, "not_after", 1)
		s.expect("IN_SESSION", 3, "not_after", 0)
		pass(time.Hour)
		s.visit("/goal")
		s.expect("IN_SESSION", 3, "not_after", 1)
	})
}

// TestVisitCookieLasts for 400 days, and is sealed anew by nothing but counts.
func TestVisitCookieLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, timeRules, nil)
		s.visit("/ever")
		pass(399 * 24 * time.Hour)
		s.visit("/ever")
		s.expect("EVER", 1, "already_counted", 1)
		pass(2 * 24 * time.Hour)
		s.visit("/ever")
		s.expect("EVER", 2, "already_counted", 1)
	})
}

// TestOverlongVisitCookieIsNotSentBack: what is too long to be the visit cookie is not sent back.
func TestOverlongVisitCookieIsNotSentBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, timeRules, nil)
		name := s.tracker.sites[0].visits.Name
		for length, moves := range map[int]bool{896: true, 1012: false} {
			s.cookies[name] = visit.Format(visit.Minute(time.Now())-10, strings.Repeat("A", length))
			if line := s.visit("/other"); (line != "") != moves {
				t.Errorf("%d bytes: %.20q", length, line)
			}
		}
	})
}

// TestMinuteMoves: at most every five minutes, with the sealed part as it was,
// and without cryptography.
func TestMinuteMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, timeRules, nil)
		_, sealed, _ := strings.Cut(s.visit("/session"), ".")
		c := &s.tracker.sites[0].visits
		counting := &countingCodec{Codec: c.Codecs[0]}
		c.Codecs = []securecookie.Codec{counting}
		for minute := range 12 {
			got := s.visit("/other")
			if moved := minute > 0 && minute%5 == 0; moved != (got != "") {
				t.Errorf("minute %d: %q", minute, got)
			} else if moved && got != strconv.FormatInt(time.Now().Unix()/60, 10)+"."+sealed {
				t.Errorf("minute %d: %q, want the seal %q", minute, got, sealed)
			}
			pass(time.Minute)
		}
		s.header.Set("Sec-Fetch-Dest", "image")
		if got := s.visit("/other"); got != "" {
			t.Errorf("an image: %q", got)
		}
		s.header.Del("Sec-Fetch-Dest")
		pass(time.Hour)
		if got := s.visit("/other"); got != "" {
			t.Errorf("after the session: %q", got)
		}
		if counting.calls != 0 {
			t.Errorf("%d times cryptography", counting.calls)
		}
		s.visit("/session")
		if counting.calls != 2 { // opened and sealed, once each
			t.Errorf("a goal that counts: %d times cryptography", counting.calls)
		}
	})
}

// TestVariantMovesAlong: with a report, the visit cookie that a page renews has the variant
// that the page shows. A page does not renew it for that alone, and a visit knows no variant
// of the day before.
func TestVariantMovesAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := new(lastFact)
		s := openShop(t, timeRules, func(c *Config) { c.Report = told })
		s.visit("/session")
		for _, c := range []struct {
			page, goal string
			pause      time.Duration
			moves      bool
			before     int
		}{
			{page: "/other?variantid=B", goal: "/ever", pause: 4 * time.Minute},
			{page: "/other?variantid=B", goal: "/day", pause: 6 * time.Minute, moves: true, before: 1},
			{page: "/day", goal: "/session", pause: time.Hour},
		} {
			pass(c.pause)
			if moved := s.visit(c.page) != ""; c.page != "/day" && moved != c.moves {
				t.Errorf("%s after %v: the cookie is written: %t", c.page, c.pause, moved)
			}
			s.forget()
			s.visit(c.goal)
			if got := len(told.goal.Before); told.goal.Reason != fact.Fired || got != c.before {
				t.Errorf("%s after %v: %+v has %d variants, want %d", c.goal, c.pause, told.goal, got, c.before)
			}
		}
		for now := time.Now().UTC(); now.Hour() != 23 || now.Minute() < 50; now = time.Now().UTC() {
			pass(5 * time.Minute)
		}
		s.visit("/session?variantid=D")
		pass(15 * time.Minute)
		s.forget()
		if s.visit("/day"); told.goal.Reason != fact.Fired || len(told.goal.Before) != 0 {
			t.Errorf("after midnight: %+v", told.goal)
		}
	})
}

// lastFact keeps the last fact about a goal.
type lastFact struct{ goal fact.Fact }

// Report implements [fact.Sink].
func (l *lastFact) Report(f fact.Fact) {
	if f.Kind == fact.Decision {
		l.goal = *facts.Keep(f)
	}
}

// TestFormatOneIsNotWritten: a visit of the former format goes on, and with the first page
// it is sealed in the present one, for its visitor.
func TestFormatOneIsNotWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, timeRules, nil)
		c, now := &s.tracker.sites[0].visits, visit.Minute(time.Now())
		key := s.tracker.config.Keys[0]
		// A session, and nothing that counted in it.
		payload := append(binary.AppendUvarint([]byte{1}, uint64(now)), 0, 0, 0, 0, 0, 0, 0)
		sealed, err := securecookie.New(key.Hash, key.Block).SetSerializer(securecookie.NopEncoder{}).Encode(c.Name, payload)
		if err != nil {
			t.Fatal(err)
		}
		former := visit.Format(now, sealed)
		s.cookies[c.Name] = former
		if c.Open([2]string{former}, oldID, now).Visit == nil {
			t.Fatal("it is no visit")
		}
		got := s.visit("/other")
		if got == "" || visit.IsForeign(got, oldID) || c.Open([2]string{got}, oldID, now).Visit == nil {
			t.Errorf("the page sets %q", got)
		}
		pass(time.Minute)
		if got := s.visit("/other"); got != "" {
			t.Errorf("the next page sets %q", got)
		}
	})
}

// countingCodec counts how often it is used.
type countingCodec struct {
	securecookie.Codec
	calls int
}

func (c *countingCodec) Encode(name string, value any) (string, error) {
	c.calls++
	return c.Codec.Encode(name, value)
}

func (c *countingCodec) Decode(name, value string, dst any) error {
	c.calls++
	return c.Codec.Decode(name, value, dst)
}
