package deliver

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// The rows of docs/reliability.md about the network that are a matter of time:
// fake time, and a CDP in memory.

// TestFault02AnHourDown offers a hundred events a second during an outage of an
// hour. What the queue has room for is delivered afterwards; the rest is refused
// by name, visits before goals and goals before those with a value; memory does
// not grow meanwhile.
func TestFault02AnHourDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, script(errRefused))
		r.cdp().took = time.Millisecond
		begin, refused := time.Now(), map[queue.Priority]int{}
		offer := func(n int) {
			id, p := visitorID(n%7000), queue.Priority(n%3-1)
			item := queue.Item{Body: testEvent("shop", fmt.Sprint("E", n), id), Key: id, Priority: p, Time: time.Now()}
			switch err := r.Sender.offer(t.Context(), 0, item); {
			case err == nil:
				r.offered++
			case errors.Is(err, queue.ErrFull):
				refused[p]++
			default:
				t.Fatal(err)
			}
		}
		heap := func() uint64 {
			var m runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		var early uint64
		for second := range 3600 {
			for i := range 100 {
				offer(100*second + i)
			}
			bubble.Pass(time.Second)
			if second == 600 {
				early = heap()
			}
		}
		grown := int64(heap()) - int64(early)
		probes := len(r.cdp().all())
		a := r.balanced()
		t.Logf("%d offered, refused: visits %d, goals %d, goals with a value %d; %d waiting, dead %v; %d sends in the hour, the heap grew by %d KB in the last 50 minutes",
			r.offered+refused[queue.Low]+refused[queue.Normal]+refused[queue.High], refused[queue.Low], refused[queue.Normal], refused[queue.High],
			a.Waiting, a.Dead, probes, grown>>10)
		// A second of an answer each millisecond, and then one every sixteenth of
		// the silence: 16 ln(960) of them, and one a minute.
		if probes > 420 {
			t.Errorf("%d sends in the hour", probes)
		}
		if grown > 2<<20 {
			t.Errorf("the heap grew by %d bytes", grown)
		}
		if a.Waiting < 9900 || a.Waiting > 10_000 || refused[queue.Low] <= refused[queue.Normal] || refused[queue.Normal] <= refused[queue.High] {
			t.Errorf("%d waiting", a.Waiting)
		}
		if s := r.States()[0].State; s != "down" {
			t.Errorf("state %q", s)
		}

		r.cdp().tell(nil)
		up := time.Now()
		r.settle()
		if b := r.account(); b.Delivered != a.Waiting {
			t.Errorf("%d waited, %d were delivered: %s", a.Waiting, b.Delivered, b)
		}
		for i, c := range r.cdp().all()[probes:] { // the ramp
			together := 0
			for _, other := range r.cdp().all()[probes:min(probes+100, len(r.cdp().all()))] {
				if !other.start.After(c.start) && other.end.After(c.start) {
					together++
				}
			}
			if together > min(i+1, 16) {
				t.Fatalf("%d at once when event %d went", together, i)
			}
			if i == 50 {
				break
			}
		}
		if first := r.cdp().all()[probes].start; first.Sub(up) > time.Minute {
			t.Errorf("the first event after the outage went %v later", first.Sub(up))
		}
		if time.Since(begin) > 70*time.Minute {
			t.Errorf("all was delivered after %v", time.Since(begin))
		}
	})
}

// TestFault02AnHourDownWithASpool is scaled 1:100: an event a second, and a spool
// of 512 KiB. All that has room is on the disk, within the bound, and delivered
// afterwards, however old; the rest is refused by name.
func TestFault02AnHourDownWithASpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bound = 512 << 10
		dir := t.TempDir()
		spool, err := queue.OpenSpool(dir, queue.SpoolOptions{Bytes: bound})
		if err != nil {
			t.Fatal(err)
		}
		r := newRigOn(t, spool, Options{MaxAge: 72 * time.Hour}, script(errRefused))
		r.cdp().took = time.Millisecond
		refused := 0
		for n := range 3600 {
			id := visitorID(n % 70)
			item := queue.Item{Body: testEvent("shop", fmt.Sprint("E", n), id), Key: id, Time: time.Now()}
			switch err := r.Sender.offer(t.Context(), 0, item); {
			case err == nil:
				r.offered++
			case errors.Is(err, queue.ErrFull):
				refused++
			default:
				t.Fatal(err)
			}
			bubble.Pass(time.Second)
		}
		a := r.balanced()
		if a.Waiting != uint64(3600-refused) || refused == 0 || spool.Stats().Bytes > bound {
			t.Errorf("%d waiting, %d refused, %d bytes", a.Waiting, refused, spool.Stats().Bytes)
		}
		r.cdp().tell(nil)
		r.settle()
		r.wantDelivered(3600 - refused)
		t.Logf("%d of 3,600 refused; the files had to hold %d bytes", refused, bound)
	})
}

func TestFault03SlowAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, nil)
		r.cdp().took = 9 * time.Second
		r.offerMany(0, 160)
		// All workers at once, but for the first seconds, in which the line finds
		// out whether it works.
		if took := r.settle(); took < 90*time.Second || took > 110*time.Second {
			t.Errorf("it took %v", took)
		}
		r.wantDelivered(160)
		if n := len(r.cdp().all()); n != 160 || r.cdp().highest != 16 {
			t.Errorf("%d sends, %d at once", n, r.cdp().highest)
		}
	})
}

// TestFault06Bursts: half of all answers are failures for a minute. What surely
// was not processed is all delivered; what may have been is given up after three
// sends, and counted.
func TestFault06Bursts(t *testing.T) {
	for _, tc := range []struct {
		name   string
		faults []error
		lost   bool
	}{
		{"503", []error{status(503)}, false},
		{"500 and 502", []error{status(500), status(502)}, true},
		{"all kinds", []error{status(500), status(503), errReset, errRefused, status(429)}, true},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			r := newRig(t, Options{}, nil)
			r.cdp().tell(func(c *call) error {
				if c.start.Minute() < 1 && rand.N(2) == 0 {
					return tc.faults[rand.N(len(tc.faults))]
				}
				return nil
			})
			for v := range 1200 {
				bubble.Pass(50 * time.Millisecond)
				r.offer(v, fmt.Sprint("E", v))
			}
			r.settle()
			a := r.account()
			t.Logf("%d sends for 1,200 events; %s", len(r.cdp().all()), a)
			if !tc.lost && a.Delivered != 1200 || a.Delivered+a.Dead["unknown"] != 1200 || a.Dead["unknown"] > 1200/5 {
				t.Errorf("%s", a)
			}
		})
	}
}
