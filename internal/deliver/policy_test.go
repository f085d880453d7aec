package deliver

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// script answers each event by its number of sends; the last answer stays.
func script(answers ...error) func(*call) error {
	return func(c *call) error { return answers[min(c.try, len(answers))-1] }
}

func TestWhatAnAnswerMeans(t *testing.T) {
	type fates = map[string]uint64
	for _, tc := range []struct {
		name       string
		options    Options
		answer     func(*call) error
		sends      int
		dead       fates
		duplicates uint64
	}{
		{"accepted", Options{}, script(nil), 1, nil, 0},
		{"503 then well", Options{}, script(status(503), nil), 2, nil, 0},
		{"408 425 429 then well", Options{}, script(status(408), status(425), status(429), nil), 4, nil, 0},
		{"refused connections do not wear out", Options{}, script(errRefused, errRefused, errRefused, errRefused, errRefused, errRefused, nil), 7, nil, 0},
		{"500 then well", Options{}, script(status(500), nil), 2, nil, 1},
		{"reset, 503, then well: one doubt", Options{}, script(errReset, status(503), nil), 3, nil, 1},
		{"502 504 reset", Options{}, script(status(502), status(504), errReset), 3, fates{"unknown": 1}, 2},
		{"two in all", Options{UnknownAttempts: 2}, script(errReset), 2, fates{"unknown": 1}, 1},
		{"never again", Options{UnknownAttempts: 1}, script(errReset), 1, fates{"unknown": 1}, 0},
		{"400", Options{}, script(status(400)), 1, fates{"rejected_400": 1}, 0},
		{"413 after a reset", Options{}, script(errReset, status(413)), 2, fates{"rejected_413": 1}, 0},
		{"422", Options{}, script(status(422)), 1, fates{"rejected_422": 1}, 0},
		{"200 that says no", Options{}, script(status(200)), 1, fates{"rejected_200": 1}, 0},
		{"did not even leave", Options{}, script(&cdp.Error{Outcome: cdp.EventBad}), 1, fates{"event_invalid": 1}, 0},
		{"a transport that panics", Options{}, func(*call) error { panic("oh") }, 3, fates{"unknown": 1}, 2},
		{"an error of no known kind", Options{}, script(errors.New("what")), 3, fates{"unknown": 1}, 2},
		{"an event that is refused and then taken", Options{}, script(status(403), status(403), nil), 3, nil, 0},
		{"a redirect is no delivery", Options{}, script(status(302), nil), 2, nil, 0},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			r := newRig(t, tc.options, tc.answer)
			r.offer(1, "A")
			r.settle()
			if n := len(r.cdp().all()); n != tc.sends {
				t.Errorf("%d sends, want %d", n, tc.sends)
			}
			if tc.dead == nil {
				tc.dead = fates{}
			}
			r.wantDead(tc.dead)
			if got := r.account().PossibleDuplicates; got != tc.duplicates {
				t.Errorf("%d possible duplicates, want %d", got, tc.duplicates)
			}
		})
	}
}

func TestWhatCannotBeReadIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, nil)
		for _, body := range [][]byte{nil, []byte("x"), {envelopeVersion + 1, 0, 0, 0, 0}, {envelopeVersion, 0, 0, 0, 0, '{', '}'}} {
			r.offerItem(queue.Item{Body: body, Key: "k", Time: time.Now()})
		}
		r.offerItem(queue.Item{Body: testEvent("elsewhere", "A", visitorID(1)), Key: "k", Time: time.Now()})
		r.offer(1, "B")
		r.settle()
		r.wantDead(map[string]uint64{"unreadable": 4, "unknown_site": 1})
		r.wantDelivered(1)
	})
}

func TestNotProcessedEndsWithItsAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, script(status(503)))
		r.offerMany(0, 3)
		took := r.settle()
		r.wantDead(map[string]uint64{"expired": 3})
		if took < 10*time.Minute || took > 20*time.Minute {
			t.Errorf("given up after %v, not soon after 10 minutes", took)
		}
	})
}

func TestLateEventsSayWhenTheyHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		happened := time.Now()
		r := newRig(t, Options{}, func(*call) error {
			if time.Since(happened) < 2*time.Minute {
				return status(503)
			}
			return nil
		})
		r.offer(1, "A")
		r.settle()
		calls := r.cdp().of("A")
		first, last := calls[0].body, calls[len(calls)-1].body
		if first["ext"] != nil {
			t.Errorf("the first attempt says it is late: %v", first)
		}
		want := map[string]any{"occurredAt": happened.UTC().Format(time.RFC3339), "late": true}
		if got := fmt.Sprint(last["ext"]); got != fmt.Sprint(want) {
			t.Errorf("ext %v, want %v", got, want)
		}
	})
}

func TestRetryAfterPausesTheWholeLine(t *testing.T) {
	for _, tc := range []struct {
		asked, maxAge, pause time.Duration
	}{
		{30 * time.Second, 10 * time.Minute, 30 * time.Second},
		{time.Hour, 10 * time.Minute, 5 * time.Minute},
		{1e9 * time.Second, 72 * time.Hour, time.Hour},
	} {
		bubble.Run(t, tc.asked.String(), func(t *testing.T) {
			var end time.Time // of the pause
			var broken int
			r := newRig(t, Options{MaxAge: tc.maxAge, Workers: 1}, func(c *call) error {
				switch {
				case end.IsZero():
					end = time.Now().Add(tc.pause)
					return retryIn(429, tc.asked)
				case c.start.Before(end):
					broken++
				}
				return nil
			})
			r.offerMany(0, 20)
			bubble.Pass(tc.pause / 2)
			if s := r.States()[0].State; s != "paused" {
				t.Errorf("state %q", s)
			}
			r.offerMany(20, 20) // those that come during the pause wait, too
			r.settle()
			r.wantDelivered(40)
			if second := r.cdp().all()[1].start; broken > 0 || second.Sub(end) > time.Second {
				t.Errorf("%d sent during the pause; it ended %v late", broken, second.Sub(end))
			}
		})
	}
}

// TestSilence: a CDP that does not answer is asked at growing intervals, one event
// at a time, and when it is back the requests grow one by one.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Workers: 8, BackoffBase: time.Hour, BackoffMax: time.Hour, MaxAge: 100 * time.Hour}, script(errRefused))
		r.offerMany(0, 100)
		bubble.Pass(1100 * time.Millisecond)
		if s := r.States()[0]; s.State != "slow" || s.SilentSince.IsZero() {
			t.Errorf("%+v", s)
		}
		burst := len(r.cdp().all())
		bubble.Pass(time.Hour)
		calls := r.cdp().all()
		probes := calls[burst:]
		if n := len(probes); n < 60 || n > 16*7+60 {
			t.Errorf("%d probes in an hour", n)
		}
		for i, p := range probes[1:] {
			silence := p.start.Sub(calls[0].start)
			if gap, want := p.start.Sub(probes[i].end), min(silence/16, time.Minute); (gap - want).Abs() > 50*time.Millisecond+want/10 {
				t.Errorf("%v after the start of the silence, a probe came %v after the one before", silence, gap)
			}
		}
		if n := r.logs.Count("does not answer"); n != 1 || r.States()[0].State != "down" {
			t.Errorf("%d lines about the outage, state %q", n, r.States()[0].State)
		}

		r.cdp().tell(nil)
		before := len(r.cdp().all())
		r.settle()
		r.wantDelivered(100)
		for i, c := range r.cdp().all()[before:] { // the ramp
			together := 0
			for _, other := range r.cdp().all()[before:] {
				if !other.start.After(c.start) && other.end.After(c.start) {
					together++
				}
			}
			if limit := min(i+1, 8); together > limit {
				t.Errorf("%d at once when event %d went", together, i)
			}
		}
		if n := r.logs.Count("answers again"); n != 1 || !r.States()[0].SilentSince.IsZero() {
			t.Errorf("%d lines about its end", n)
		}
	})
}

func TestManyRejectedAlikeAreNotTheEventsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{Workers: 1}, script(status(400)))
		r.offerMany(0, 100)
		bubble.Pass(72 * time.Hour)
		r.wantDead(map[string]uint64{"rejected_400": 19})
		if s := r.States()[0].State; s != "held" {
			t.Errorf("state %q", s)
		}
		r.cdp().tell(nil)
		r.settle()
		r.wantDelivered(81)
	})
}

func TestMixedRejectionsAreTheEventsFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, func(c *call) error {
			if c.goal == "GOOD" {
				return nil
			}
			return status(400 + 22*(int(c.id[7])%2)) // 400 and 422 in turn
		})
		r.offerMany(0, 100)
		bubble.Pass(time.Minute)
		if n := len(r.account().Dead); n != 2 {
			t.Errorf("%d reasons: %s", n, r.account())
		}
		for range 100 {
			r.offer(777, "GOOD") // which shows that it is the others' fault
			bubble.Pass(time.Second)
		}
		r.settle()
		r.wantDead(map[string]uint64{"rejected_400": 50, "rejected_422": 50})
	})
}

func TestEventsThatDoNotLeaveHoldNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, script(&cdp.Error{Outcome: cdp.EventBad}))
		r.offerMany(0, 100)
		if took := r.settle(); took > 6*time.Second { // one at a time: nothing shows yet that the line works
			t.Errorf("it took %v", took)
		}
		r.wantDead(map[string]uint64{"event_invalid": 100})
		if n := r.logs.Count("refuses"); n > 0 {
			t.Errorf("%d lines accuse the CDP", n)
		}
	})
}

func TestUnknownAttemptsAreCountedAcrossRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []error
		for range 10 {
			tries = append(tries, status(503), errReset)
		}
		r := newRig(t, Options{}, script(tries...))
		r.offer(1, "A")
		r.settle()
		r.wantDead(map[string]uint64{"unknown": 1})
		if n := len(r.cdp().all()); n != 6 {
			t.Errorf("%d sends, want 3 of unknown outcome and 3 not processed", n)
		}
	})
}
