package goaltrack

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// A minute in which nothing happened has no line.
func TestSummaryOfEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Delivery{QueueEvents: 10, MaxAge: 2 * time.Minute}, nil)
		bubble.Pass(10 * time.Minute)
		r.offerMany(0, 5)
		bubble.Pass(time.Minute)
		bubble.Pass(10 * time.Minute)
		r.cdp().tell(script(status(400)))
		r.offer(5, "BAD")
		bubble.Pass(time.Minute)
		r.cdp().tell(script(errRefused))
		r.offerMany(6, 9)
		for range 3 {
			f := r.sender.offer(t.Context(), queue.Item{Body: testEvent("shop", "A", visitorID(1)), Key: "a"})
			r.ledger.decide("A", f, "", "")
		}
		r.ledger.decide("A", fateBot, "", "")
		bubble.Pass(time.Minute)
		bubble.Pass(time.Minute)
		bubble.Pass(20 * time.Minute)
		r.ledger.note(noteNotYetOnDisk)
		r.ledger.note(noteNotYetOnDisk)
		bubble.Pass(time.Minute)
		want := []string{
			"INFO goaltrack: the last minute delivered=5 waiting=0",
			"WARN goaltrack: the last minute delivered=0 waiting=0 dead=[rejected_400=1]",
			"WARN goaltrack: the last minute delivered=0 waiting=9 oldest=1m0s refused=[queue_full=3]",
			"INFO goaltrack: the last minute delivered=0 waiting=9 oldest=2m0s",
		}
		got := r.logs.About("the last minute")
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if all := strings.Join(got, "\n"); !strings.Contains(all, "dead=[expired=") {
			t.Errorf("nothing expired:\n%s", all)
		}
		if late := got[len(got)-1]; !strings.HasPrefix(late, "WARN ") || !strings.HasSuffix(late, " not_yet_on_disk=2") {
			t.Errorf("%s", late)
		}
		for _, l := range got {
			if strings.Contains(l, visitorID(6)[:8]) {
				t.Errorf("a visitor is named: %s", l)
			}
		}
	})
}
