package goaltrack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/queue"
)

// holding is a memory queue of which the sender gets nothing.
type holding struct{ *queue.Memory }

func (h *holding) Receive(ctx context.Context, _ int) ([]queue.Delivery, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (h *holding) take(t *testing.T) {
	t.Helper()
	got, err := h.Memory.Receive(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range got {
		d.Ack()
	}
}

// rooms tells how many events without a value would fit.
func (h *holding) rooms() (n int) {
	for {
		room, err := h.Reserve(queue.Normal, 1)
		if err != nil {
			return n
		}
		defer room.Release()
		n++
	}
}

const whoRules = `
version: 1
goals:
  - { goal: SESSION, submit: /session, count: once per session }
  - { goal: KNOWN, submit: /known, count: once per session, value: 1, currency: EUR, identityProvider: email, identify: { email: $query.email, verified: true } }
  - { goal: OTHER, submit: /other }
  - { goal: PAID, code: true, count: once per visitor }
  - { goal: RAISED, code: true, count: once per session }
`

// TestCountedOnceIfTheQueueIsFull: what cannot be offered does not count, and
// counts when there is room. A goal that says who the visitor is needs room for
// both events.
func TestCountedOnceIfTheQueueIsFull(t *testing.T) {
	for goal, target := range map[string]string{"SESSION": "/session", "KNOWN": "/known?email=a@b.example"} {
		t.Run(goal, func(t *testing.T) {
			held := &holding{Memory: queue.NewMemory(2, 1<<20)}
			s := openShop(t, whoRules, func(c *Config) { c.Delivery.Queue = held })
			s.do(http.MethodPost, "/other")
			if line := s.do(http.MethodPost, target); line != "" {
				t.Errorf("the count is in the cookie: %q", line)
			}
			s.expect(goal, 0, "queue_full", 1)
			held.take(t)
			if line := s.do(http.MethodPost, target); line == "" {
				t.Error("the count is not in the cookie")
			}
			s.expect(goal, 1, "queue_full", 1)
			s.do(http.MethodPost, target)
			s.expect(goal, 1, "already_counted", 1)
		})
	}
}

// TestRoomIsGivenBack, whatever becomes of the request.
func TestRoomIsGivenBack(t *testing.T) {
	for goal, c := range map[string]struct {
		target string
		events int
	}{
		"SESSION": {"/session", 1},
		"KNOWN":   {"/known?email=a@b.example", 2},
	} {
		testRoomIsGivenBack(t, goal, whoRules, c.target, c.events)
		testRoomIsGivenBack(t, goal, "defaults: { connector: cdp4s }\n"+whoRules, c.target, c.events+1)
	}
}

func testRoomIsGivenBack(t *testing.T, goal, rules, target string, events int) {
	t.Helper()
	for name, after := range map[string]func(*Tracker, *http.Request){
		"rejected": func(t *Tracker, r *http.Request) { _ = t.Reject(r, goal) },
		"panicked": func(*Tracker, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(fmt.Sprintf("%s, %d events, %s", goal, events, name), func(t *testing.T) {
			held := &holding{Memory: queue.NewMemory(10, 1<<20)}
			s := openShop(t, rules, func(c *Config) { c.Delivery.Queue = held })
			s.handler = s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusNoContent)
				if n := held.rooms(); n != 9-events {
					t.Errorf("there is room for %d more, want %d", n, 9-events)
				}
				after(s.tracker, r)
			}))
			func() {
				defer func() { _ = recover() }()
				s.do(http.MethodPost, target)
			}()
			if n := held.rooms(); n != 9 { // of 10, 95 % for what has no value
				t.Errorf("there is room for %d afterwards, want 9", n)
			}
		})
	}
}

// TestSentOnceIfTheQueueIsFull is TestCountedOnceIfTheQueueIsFull for a goal that is
// sent for a visitor who is not there.
func TestSentOnceIfTheQueueIsFull(t *testing.T) {
	held := &holding{Memory: queue.NewMemory(2, 1<<20)}
	s := openShop(t, whoRules, func(c *Config) { c.Delivery.Queue = held })
	send := func() error { return s.tracker.Send(t.Context(), Visitor{BrowserID: oldID}, "PAID", nil) }
	s.do(http.MethodPost, "/other")
	if err := send(); !errors.Is(err, ErrRefused) {
		t.Errorf("the queue is full: %v", err)
	}
	s.expect("PAID", 0, "queue_full", 1)
	held.take(t)
	for range 2 {
		if err := send(); err != nil {
			t.Error(err)
		}
	}
	s.expect("PAID", 1, "already_counted", 1)
}

// TestCountedOnceByTwoAtATime: what counted in another request of the visitor, after
// this one has looked what did, does not count again.
func TestCountedOnceByTwoAtATime(t *testing.T) {
	s := openShop(t, whoRules, nil)
	s.handler = s.tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent) // SESSION is looked up with it
		if r.URL.Path == "/session" {
			s.do(http.MethodPost, "/other")
		}
		if err := s.tracker.Trigger(r, "RAISED", nil); err != nil {
			t.Error(err)
		}
	}))
	s.do(http.MethodPost, "/session")
	s.expect("SESSION", 1, "already_counted", 0)
	s.expect("RAISED", 1, "already_counted", 1)
}

const pastRules = `
version: 1
goals:
  - { goal: PAGE, visit: "/**" }
  - { goal: WEBINAR, visit: /webinar }
  - { goal: THIRD_PAGE, visit: /x, after: { PAGE: 2 } }
  - { goal: LATELY, visit: /x, after: { WEBINAR: { within: 10 days } } }
  - { goal: EVER, visit: /x, after: { WEBINAR: ever } }
  - { goal: NEVER, visit: /x, not after: { WEBINAR: ever } }
  - { goal: RARE, visit: /x, not after: { PAGE: 3 } }
`

// fired is which goals have counted since it was asked last.
func (s *shop) fired() string {
	var list []string
	for _, g := range s.tracker.Snapshot().Goals {
		if n := g.Fired - s.counted[g.Goal]; n > 0 && g.Goal != "PAGE" && g.Goal != "WEBINAR" {
			list = append(list, fmt.Sprintf("%s:%d", g.Goal, n))
		}
		if s.counted == nil {
			s.counted = map[string]uint64{}
		}
		s.counted[g.Goal] = g.Fired
	}
	return strings.Join(list, " ")
}

// TestEarlierSessions: what happened there is known by the cookie alone, on any instance,
// for as long as the rule says.
func TestEarlierSessions(t *testing.T) {
	const day = 24 * time.Hour
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, pastRules, nil)
		for i, step := range []struct {
			later time.Duration
			page  string
			want  string
		}{
			{0, "/x", "NEVER:1 RARE:1"},
			{0, "/x", "NEVER:1 RARE:1"},
			{0, "/x", "THIRD_PAGE:1 NEVER:1 RARE:1"},
			{0, "/webinar", ""},
			{0, "/x", "THIRD_PAGE:1 LATELY:1 EVER:1"},
			{day, "/x", "LATELY:1 EVER:1 RARE:1"},
			{9 * day, "/x", "LATELY:1 EVER:1 RARE:1"},
			{time.Minute, "/x", "EVER:1 RARE:1"},
			{20 * day, "/x", "EVER:1 RARE:1"},
		} {
			pass(step.later)
			s.forget()
			s.visit(step.page)
			if got := s.fired(); got != step.want {
				t.Errorf("step %d, %s: %s, want %s", i, step.page, got, step.want)
			}
		}
	})
}

// TestForeignVisitCookieSaysNothing: a cookie that is not the visitor's says nothing, whatever is
// wrong with it, and neither does one after its visitor has another ID.
func TestForeignVisitCookieSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, pastRules, nil)
		s.visit("/webinar")
		s.fired()
		name, mine := "", ""
		for n, v := range s.cookies {
			if strings.HasPrefix(n, "gt_") {
				name, mine = n, v
			}
		}
		for what, change := range map[string]func(){
			"of another": func() { s.cookies["bid_key"] = "99999999-2222-4333-8444-555555555555" },
			"cut":        func() { s.cookies[name] = mine[:len(mine)-4] },
			"forged":     func() { s.cookies[name] = mine[:len(mine)-1] + string('A'+(mine[len(mine)-1]+1)%26) },
			"without":    func() { delete(s.cookies, name) },
			"of a time to come": func() {
				s.cookies[name] = "99" + mine[2:]
				s.cookies["bid_key"] = "99999999-2222-4333-8444-555555555556"
			},
		} {
			s.cookies = map[string]string{"bid_key": oldID, name: mine}
			s.forget()
			change()
			s.visit("/x")
			if got := s.fired(); got != "NEVER:1 RARE:1" {
				t.Errorf("%s: %s", what, got)
			}
		}
		s.cookies = map[string]string{"bid_key": oldID, name: mine}
		s.forget()
		if s.visit("/x"); s.fired() != "LATELY:1 EVER:1 RARE:1" {
			t.Error("the visitor's own cookie says nothing")
		}
	})
}

// TestPastOfTwoTabs: of two answers at once the last cookie wins. Then something is
// forgotten on another instance, and nothing is made up.
func TestPastOfTwoTabs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, pastRules, nil)
		s.visit("/other")
		before := maps.Clone(s.cookies)
		s.visit("/other")
		s.cookies = maps.Clone(before) // the second answer was overtaken
		s.visit("/x")                  // and this process knows of both
		if got := s.fired(); got != "THIRD_PAGE:1 NEVER:1 RARE:1" {
			t.Errorf("one process: %s", got)
		}
		s.cookies = maps.Clone(before)
		s.forget()
		s.visit("/x")
		if got := s.fired(); got != "NEVER:1 RARE:1" {
			t.Errorf("two processes: %s", got)
		}
	})
}

// TestPastForgotten: what there was no room for keeps goals from counting, by name, and a
// cookie stays as small as it may be.
func TestPastForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = visit.MaxHappened + 5
		var rules strings.Builder
		rules.WriteString("goals:\n")
		for i := range n {
			fmt.Fprintf(&rules, "  - { goal: P_%d, visit: /p/%d }\n  - { goal: EVER_%d, visit: /e/%d, after: { P_%d: ever } }\n  - { goal: NOT_%d, visit: /n/%d, not after: { P_%d: ever } }\n", i, i, i, i, i, i, i, i)
		}
		s := openShop(t, rules.String(), nil)
		for i := range n {
			if v := s.visit(fmt.Sprint("/p/", i)); len(v) > 900 {
				t.Fatalf("after %d goals the cookie takes %d bytes", i, len(v))
			}
			pass(time.Minute)
		}
		s.forget()
		for i := range n {
			s.visit(fmt.Sprint("/e/", i))
			s.visit(fmt.Sprint("/n/", i))
			ever, not := fmt.Sprint("EVER_", i), fmt.Sprint("NOT_", i)
			if i < n-visit.MaxHappened {
				s.expect(ever, 0, "past_forgotten", 1)
				s.expect(not, 0, "past_forgotten", 1)
			} else {
				s.expect(ever, 1, "not_after", 0)
				s.expect(not, 0, "came_before", 1)
			}
		}
	})
}

// TestPastNeedsConsent: nothing is remembered of a visitor who has not agreed, and who
// takes it back loses what was.
func TestPastNeedsConsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, pastRules, func(c *Config) { c.Consent = ConsentCookie("consent", "yes") })
		s.visit("/webinar")
		s.cookies["consent"] = "yes"
		s.visit("/x")
		if got := s.fired(); got != "NEVER:1 RARE:1" {
			t.Errorf("before the answer: %s", got)
		}
		s.visit("/webinar")
		s.cookies["consent"] = "no"
		s.visit("/other")
		for name, value := range s.cookies {
			if value == "" { // it was deleted
				delete(s.cookies, name)
			}
		}
		if len(s.cookies) != 1 {
			t.Errorf("after the No there is still %v", s.cookies)
		}
		s.cookies["consent"], s.cookies["bid_key"] = "yes", "99999999-2222-4333-8444-555555555555"
		s.visit("/x")
		if got := s.fired(); got != "NEVER:1 RARE:1" {
			t.Errorf("after the No: %s", got)
		}
	})
}

// TestPastOfOtherRules: rules that ask nothing any more take what they asked for out of the
// cookie.
func TestPastOfOtherRules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, pastRules, nil)
		s.visit("/webinar")
		long := len(s.visit("/webinar"))
		rules, err := ParseRules([]byte("goals:\n  - { goal: ONCE, visit: /x, count: once per session }\n"))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.tracker.SetRules(rules); err != nil {
			t.Fatal(err)
		}
		s.forget()
		if short := len(s.visit("/x")); short == 0 || short >= long {
			t.Errorf("%d bytes, before %d", short, long)
		}
	})
}

const sessionRules = `
version: 1
goals:
  - { goal: FIRST, visit: /x, session: 1 }
  - { goal: SECOND, visit: /x, session: 2 }
  - { goal: LATER, visit: /x, session: ">= 3" }
  - { goal: SPRING, visit: /x, if: { first.campaign: spring } }
`

// TestNumberOfSession: sessions are counted by the cookie alone. Of a visitor who may have
// been there before, nobody knows it at first.
func TestNumberOfSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, sessionRules, nil)
		for i, step := range []struct {
			later      time.Duration
			page, want string
		}{
			{0, "/x", ""}, // has an ID, and so may have been there
			{0, "/x", ""},
			{time.Hour, "/x?utm_campaign=spring", "SECOND:1 SPRING:1"},
			{10 * time.Minute, "/x", "SECOND:1 SPRING:1"},
			{time.Hour, "/x?utm_campaign=autumn", "LATER:1 SPRING:1"},
			{time.Hour, "/other", ""},
			{0, "/x", "LATER:1 SPRING:1"},
		} {
			pass(step.later)
			s.forget()
			s.visit(step.page)
			if got := s.fired(); got != step.want {
				t.Errorf("step %d, %s: %s, want %s", i, step.page, got, step.want)
			}
		}
		s.expect("FIRST", 0, "other_session", 6)
		s.expect("SPRING", 4, "condition", 2)
	})
}

// TestNumberOfSessionUnknown: who may have been there before is in no first session, whatever
// kept the cookies back.
func TestNumberOfSessionUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, sessionRules+"  - { goal: TOLD, code: true, session: 1, count: once per day }\n  - { goal: POSTED, submit: /post, session: 1 }\n", func(c *Config) { c.DryRun = true })
		if err := s.tracker.Send(t.Context(), Visitor{BrowserID: oldID}, "TOLD", nil); err != nil {
			t.Error(err)
		}
		s.expect("TOLD", 0, "other_session", 1)
		s.cookies = map[string]string{s.tracker.sites[0].visits.Name: "29000000." + strings.Repeat("A", 120)}
		s.visit("/x")
		s.cookies = map[string]string{}
		s.header.Set("Sec-Fetch-Site", "cross-site")
		s.do(http.MethodPost, "/post")
		s.expect("FIRST", 0, "other_session", 1)
		s.expect("POSTED", 0, "other_session", 1)
		s.header.Del("Sec-Fetch-Site")
		s.cookies = map[string]string{}
		s.do(http.MethodPost, "/post")
		s.expect("POSTED", 1, "other_session", 1)
	})
}

// TestNumberOfSessionThatGoesOn, as this process knows, though the cookie could not be moved.
func TestNumberOfSessionThatGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, sessionRules+"  - { goal: ONCE, visit: /once, count: once per session }\n", nil)
		s.visit("/x")
		pass(time.Hour)
		s.visit("/x")
		pass(15 * time.Minute)
		s.visit("/once?public")
		pass(10 * time.Minute)
		s.visit("/x")
		if got := s.fired(); got != "SECOND:2 ONCE:1" {
			t.Error(got)
		}
	})
}

// TestPastOfPausedGoal: it still knows what happened before it was paused.
func TestPastOfPausedGoal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, pastRules, nil)
		s.visit("/webinar")
		s.fired()
		rest, _, _ := strings.Cut(pastRules, "  - { goal: EVER")
		for _, status := range []string{"paused", "live"} {
			rules, err := ParseRules([]byte(rest + "  - { goal: NEVER, visit: /x, not after: { WEBINAR: ever }, status: " + status + " }\n"))
			if err == nil {
				err = s.tracker.SetRules(rules)
			}
			if err != nil {
				t.Fatal(err)
			}
			pass(20 * 24 * time.Hour)
			s.forget()
			s.visit("/x")
			if got := s.fired(); got != "" {
				t.Errorf("%s: %s", status, got)
			}
		}
		s.expect("NEVER", 0, "came_before", 1)
	})
}

// TestNumberOfSessionInMemory: a process remembers it of browsers that keep no cookie.
func TestNumberOfSessionInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openShop(t, sessionRules+"  - { goal: ONCE, visit: /x, count: once per session }\n", nil)
		for range 4 {
			s.cookies = map[string]string{"bid_key": oldID}
			s.visit("/x")
			s.cookies = map[string]string{"bid_key": oldID}
			s.visit("/x")
			pass(time.Hour)
		}
		if got := s.fired(); got != "SECOND:2 LATER:4 ONCE:4" {
			t.Error(got)
		}
	})
}
