package deliver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// Ten genuine events a second from forty visitors, beside a client who offers two
// thousand a second, for a minute of fake time and with a CDP that takes 200 a second. Nobody
// was here before.
func TestOneClientCannotTakeTheQueue(t *testing.T) {
	const second = 1000
	for _, tc := range []struct {
		name    string
		ids     int // of the client, 0: none
		network uint64
		spool   bool
		window  int // of the spool. 64 times as many are handed out, and then no other
	}{
		{name: "one ID", ids: 1, network: 66},
		{name: "a thousand IDs", ids: 1000, network: 66},
		{name: "no ID", network: 66},
		{name: "one ID, from nowhere", ids: 1},
		{name: "a thousand IDs, from nowhere", ids: 1000},
		{name: "a thousand IDs, on disk", ids: 1000, network: 66, spool: true, window: 250},
		{name: "a thousand IDs, from nowhere, on disk", ids: 1000, spool: true, window: 250},
		{name: "one ID, on disk", ids: 1, network: 66, spool: true, window: 10},
		{name: "one ID, from nowhere, on disk", ids: 1, spool: true, window: 10},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			if testing.Short() && (tc.spool || tc.ids != 1000 || tc.network == 0) {
				t.Skip("each case offers 40,000 events; with -short, one is enough to find a race")
			}
			var r *rig
			if o := (Options{QueueBytes: 1 << 30}); tc.spool {
				spool, err := queue.OpenSpool(t.TempDir(), queue.SpoolOptions{Window: tc.window})
				if err != nil {
					t.Fatal(err)
				}
				r = newRigOn(t, spool, o, nil)
			} else {
				r = newRig(t, Options{}, nil)
			}
			r.cdp().took = 80 * time.Millisecond
			began := map[string]time.Time{}
			offer := func(goal, key, id string, network uint64) bool {
				err := r.Offer(t.Context(), nil, network, queue.Item{Body: testEvent("shop", goal, id), Key: key, Time: time.Now()})
				switch {
				case err == nil:
					r.offered++
					began[goal] = time.Now()
					return true
				case !errors.Is(err, queue.ErrFull):
					t.Fatal(err)
				}
				return false
			}
			refused, n := 0, 0
			lasts := 20 // more than twice as many as are handed out, and four times what memory has room for
			if tc.window == 10 {
				lasts = 10 // thirty times as many
			}
			for tick := range lasts * second / 5 { // every 5 ms
				for range 2000 / 200 {
					n++
					key, id := fmt.Sprint("request-", n), ""
					if tc.ids > 0 {
						key = visitorID(100 + n%tc.ids)
						id = key
					}
					offer("EVIL", key, id, tc.network)
				}
				if tick%20 == 0 {
					v := tick / 20 % 40
					if !offer(fmt.Sprint("GOOD", tick), visitorID(v), visitorID(v), cmp.Or(tc.network/66*uint64(1000+v), 0)) {
						refused++
					}
				}
				bubble.Pass(5 * time.Millisecond)
			}
			bubble.Pass(3 * time.Second)
			var delays []time.Duration
			for _, c := range r.cdp().all() {
				if len(c.goal) > 4 && c.goal[:4] == "GOOD" {
					delays = append(delays, c.start.Sub(began[c.goal]))
				}
			}
			slices.Sort(delays)
			if refused > 0 || len(delays) < lasts*99/10 || delays[len(delays)*95/100] > 2*time.Second {
				t.Errorf("of %d %d were refused, %d came; 95 %% of them within %v", 10*lasts, refused, len(delays), delays[len(delays)*95/100])
			}
			t.Logf("%d came, p50 %v, p95 %v, max %v; %d events of the client wait", len(delays), delays[len(delays)/2], delays[len(delays)*95/100], delays[len(delays)-1], r.Stats().Waiting)
			if tc.spool {
				return
			}
			if n := r.logs.Count(logCrowded); n != 1 {
				t.Errorf("%d lines say that a share is used up", n)
			}
			if n := r.logs.Count(logFull); n != 0 {
				t.Errorf("the queue was full: %q", r.logs.Lines())
			}
		})
	}
}

// TestPageViewsLeaveRoomForOrders: a thousand visitors whose pages fill the queue can
// still place their orders.
func TestPageViewsLeaveRoomForOrders(t *testing.T) {
	bubble.Run(t, "", func(t *testing.T) {
		r := newRig(t, Options{}, script(errRefused))
		offer := func(v int, p queue.Priority) bool {
			id := visitorID(v)
			err := r.Offer(t.Context(), nil, 0, queue.Item{Body: testEvent("shop", "SENT", id), Key: id, Time: time.Now(), Priority: p})
			if err == nil {
				r.offered++
			}
			return err == nil
		}
		for range 20 {
			for v := range 1000 {
				offer(v, queue.Low)
			}
		}
		orders := 0
		for v := range 1000 {
			if offer(v, queue.High) {
				orders++
			}
		}
		if orders != 1000 {
			t.Errorf("%d of 1,000 orders were taken", orders)
		}
	})
}

// TestNobodyFramesAVisitor: whoever uses up the share of a browser ID uses up that of
// their own network.
func TestNobodyFramesAVisitor(t *testing.T) {
	bubble.Run(t, "", func(t *testing.T) {
		r := newRig(t, Options{}, script(errRefused))
		id := visitorID(1)
		offer := func(network uint64) error {
			err := r.Offer(t.Context(), nil, network, queue.Item{Body: testEvent("shop", "SENT", id), Key: id, Time: time.Now()})
			if err == nil {
				r.offered++
			}
			return err
		}
		var err error
		for range 1000 {
			err = offer(66)
		}
		if !errors.Is(err, ErrVisitorFull) {
			t.Errorf("the other is told %v", err)
		}
		if err := offer(7); err != nil {
			t.Errorf("the visitor is refused: %v", err)
		}
		if _, err := r.Reserve(r.lines[0], id, 66, queue.Normal, 100); !errors.Is(err, ErrVisitorFull) {
			t.Errorf("a place is kept for the other: %v", err)
		}
		place, err := r.Reserve(r.lines[0], id, 7, queue.Normal, 100)
		if err != nil {
			t.Error(err)
		}
		place.Release()
		place.Release()
	})
}

// TestPlacesCount: a place that is kept counts as the visitor's until it is given back,
// and what is delivered counts no more.
func TestPlacesCount(t *testing.T) {
	bubble.Run(t, "", func(t *testing.T) {
		var open atomic.Bool
		r := newRig(t, Options{}, func(*call) error {
			if open.Load() {
				return nil
			}
			return errRefused
		})
		id := visitorID(1)
		var places []*Place
		for range 1000 {
			if place, err := r.Reserve(r.lines[0], id, 7, queue.Normal, 100); err == nil {
				places = append(places, place)
			}
		}
		if len(places) != leastEvents {
			t.Fatalf("%d places are kept for one visitor", len(places))
		}
		item := queue.Item{Body: testEvent("shop", "SENT", id), Key: id, Time: time.Now(), Room: places[0].Room()}
		if err := r.Offer(t.Context(), nil, 7, item); err != nil {
			t.Errorf("an event with a place: %v", err)
		}
		r.offered++
		for _, p := range places {
			p.Release()
		}
		for range leastEvents - 1 {
			item.Room = nil
			if err := r.Offer(t.Context(), nil, 7, item); err != nil {
				t.Fatal(err)
			}
			r.offered++
		}
		if err := r.Offer(t.Context(), nil, 7, item); !errors.Is(err, ErrVisitorFull) {
			t.Errorf("one more: %v", err)
		}
		open.Store(true)
		r.settle()
		if n := r.shares.room.Ahead(); n != 0 {
			t.Errorf("%d go before nobody", n)
		}
		if err := r.Offer(context.Background(), nil, 7, item); err != nil {
			t.Errorf("after all were delivered: %v", err)
		}
		r.offered++
	})
}
