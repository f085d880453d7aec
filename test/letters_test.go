package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/queue"
)

// deadOne is a tracker with one dead letter for each visitor of /bad.
func deadOnes(t *testing.T, visitors int) (*goaltrack.Tracker, *wire) {
	t.Helper()
	tracker, cdp := faked(t, snapshotRules)
	cdp.tell(func(typ string) (int, error) {
		if typ == "BAD" {
			return 422, nil
		}
		return 201, nil
	})
	for v := range visitors {
		page(tracker, v, "/bad")
	}
	page(tracker, 0, "/good")
	flushed(t, tracker)
	return tracker, cdp
}

func flushed(t *testing.T, tracker *goaltrack.Tracker) goaltrack.Account {
	t.Helper()
	account, err := tracker.Flush(t.Context())
	if err != nil || !account.Balanced() {
		t.Fatalf("%v\n%v", err, account)
	}
	return account
}

func TestDeadLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, _ := deadOnes(t, 1)
		begin := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		letters := tracker.DeadLetters()
		if len(letters) != 1 {
			t.Fatalf("%+v", letters)
		}
		got := letters[0]
		if !got.Happened.Equal(begin) || !got.Died.Equal(begin.Add(50*time.Millisecond)) {
			t.Errorf("%+v", got)
		}
		got.Happened, got.Died = time.Time{}, time.Time{}
		if want := (goaltrack.DeadLetter{Goal: "BAD", Site: "shop", Reason: "rejected_422", Status: 422, Explanation: "OK", Browser: "00000000"}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		if b, err := json.Marshal(letters); err != nil || strings.Contains(string(b), "-0000-4000-8000-") {
			t.Errorf("%s, %v", b, err)
		}
		if _, err := tracker.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if again := tracker.DeadLetters(); !slices.Equal(again, letters) {
			t.Errorf("after Close: %+v", again)
		}
	})
}

func TestResend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, cdp := deadOnes(t, 6)
		n, err := tracker.Resend(func(goaltrack.DeadLetter) bool { return false })
		if n != 0 || err != nil || len(tracker.DeadLetters()) != 6 {
			t.Errorf("none wanted: %d, %v", n, err)
		}
		cdp.tell(nil)
		n, err = tracker.Resend(func(l goaltrack.DeadLetter) bool {
			if l.Browser == "00000005" {
				panic("choose")
			}
			return l.Status == 422 && l.Browser != "00000000"
		})
		if n != 4 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		a := flushed(t, tracker)
		if a.Accepted != 7 || a.Recovered != 4 || a.Delivered != 5 || a.Dead["rejected_422"] != 6 {
			t.Errorf("%v", a)
		}
		var left []string
		for _, l := range tracker.DeadLetters() {
			left = append(left, l.Browser)
		}
		slices.Sort(left) // they died at the same time
		if want := []string{"00000000", "00000005"}; !slices.Equal(left, want) {
			t.Errorf("left are %v, want %v", left, want)
		}
		if n := tracker.Snapshot().Notes["panic_Resend"]; n != 1 {
			t.Errorf("%d panics", n)
		}
		if _, err := tracker.Close(t.Context()); err != nil {
			t.Error(err)
		}
		n, err = tracker.Resend(func(goaltrack.DeadLetter) bool { return true })
		if n != 0 || !errors.Is(err, goaltrack.ErrClosed) || !errors.Is(err, goaltrack.ErrRefused) {
			t.Errorf("after Close: %d, %v", n, err)
		}
	})
}

// A letter that is resent may be sent again as often as any other, however often
// and however long ago it was tried.
func TestResendBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, cdp := faked(t, snapshotRules)
		cdp.tell(func(string) (int, error) { return 504, nil })
		page(tracker, 1, "/slow")
		flushed(t, tracker)
		sends := tracker.Snapshot().Delivery[0].Sends
		bubble.Pass(time.Hour) // more than MaxAge
		for round := range 2 {
			if n, err := tracker.Resend(func(l goaltrack.DeadLetter) bool { return l.Reason == "unknown" }); n != 1 || err != nil {
				t.Errorf("%d, %v", n, err)
			}
			a := flushed(t, tracker)
			if a.Dead["unknown"] != uint64(2+round) || a.Recovered != uint64(1+round) {
				t.Errorf("%v", a)
			}
			if got := tracker.Snapshot().Delivery[0].Sends; sends != 3 || got != uint64(6+3*round) {
				t.Errorf("%d sends, then %d", sends, got)
			}
		}
		cdp.tell(func(string) (int, error) { return 503, nil })
		if n, err := tracker.Resend(func(goaltrack.DeadLetter) bool { return true }); n != 1 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		bubble.Pass(5 * time.Minute) // half of MaxAge: it is as young as it was resent
		if a := tracker.Snapshot(); a.Waiting != 1 {
			t.Errorf("%v", a.Account)
		}
		cdp.tell(nil)
		if a, err := tracker.Close(t.Context()); err != nil || a.Delivered != 1 || !a.Balanced() {
			t.Errorf("%v, %v", a, err)
		}
	})
}

// The letters are bounded, the oldest go first.
func TestDeadLettersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, cdp := faked(t, snapshotRules)
		cdp.tell(func(typ string) (int, error) {
			if typ == "BAD" {
				return 422, nil
			}
			return 201, nil
		})
		for v := range 300 {
			page(tracker, v, "/bad")
			page(tracker, v, "/good") // or so many in a row would be taken for a wrong key
			flushed(t, tracker)
		}
		letters := tracker.DeadLetters()
		if n := len(letters); n != 256 || tracker.Snapshot().Queue.DeadLetters != 256 {
			t.Fatalf("%d letters", n)
		}
		if first := letters[0].Browser; first != fmt.Sprintf("%08x", 300-256) {
			t.Errorf("the first is %s", first)
		}
		if _, err := tracker.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// letterless is a queue that keeps no dead letters.
type letterless struct{ queue.Queue }

func TestResendWithoutLetters(t *testing.T) {
	all := func(goaltrack.DeadLetter) bool { return true }
	tracker, _ := faked(t, snapshotRules, func(c *goaltrack.Config) { c.Delivery.Queue = letterless{queue.NewMemory(10, 1000)} })
	if n, err := tracker.Resend(all); n != 0 || !errors.Is(err, errors.ErrUnsupported) || len(tracker.DeadLetters()) != 0 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := world.Close(tracker); err != nil {
		t.Error(err)
	}
	dry, _ := faked(t, snapshotRules, func(c *goaltrack.Config) { c.DryRun = true })
	if n, err := dry.Resend(all); n != 0 || err != nil || dry.DeadLetters() != nil {
		t.Errorf("%d, %v", n, err)
	}
}
