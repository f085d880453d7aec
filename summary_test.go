package goaltrack

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// about returns the lines that contain text, in order.
func (b *logBook) about(text string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.lines), func(l string) bool { return !strings.Contains(l, text) })
}

// A minute in which nothing happened has no line.
func TestSummaryOfEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Delivery{QueueEvents: 10, MaxAge: 2 * time.Minute}, nil)
		after(10 * time.Minute)
		r.offerMany(0, 5)
		after(time.Minute)
		after(10 * time.Minute)
		r.cdp().tell(script(status(400)))
		r.offer(5, "BAD")
		after(time.Minute)
		r.cdp().tell(script(errRefused))
		r.offerMany(6, 9)
		for range 3 {
			f := r.sender.offer(t.Context(), queue.Item{Body: testEvent("shop", "A", visitorID(1)), Key: "a"})
			r.ledger.decide("A", f, "", "")
		}
		r.ledger.decide("A", fateBot, "", "")
		after(time.Minute)
		after(time.Minute)
		after(20 * time.Minute)
		r.ledger.note(noteNotYetOnDisk)
		r.ledger.note(noteNotYetOnDisk)
		after(time.Minute)
		want := []string{
			"INFO goaltrack: the last minute delivered=5 waiting=0",
			"WARN goaltrack: the last minute delivered=0 waiting=0 dead=[rejected_400=1]",
			"WARN goaltrack: the last minute delivered=0 waiting=9 oldest=1m0s refused=[queue_full=3]",
			"INFO goaltrack: the last minute delivered=0 waiting=9 oldest=2m0s",
		}
		got := r.logs.about("the last minute")
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
