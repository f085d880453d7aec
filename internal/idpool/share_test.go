package idpool

import (
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
)

// TestIDsAreShared: sixty new visitors a second of one client leave IDs for the others,
// and, if nobody knows who comes from where, for those who send a form.
func TestIDsAreShared(t *testing.T) {
	for _, tc := range []struct {
		name   string
		client Want
		each   time.Duration // another newcomer
		other  func(i int) Want
		least  int // of a hundred of them
	}{
		{"visits of others", Want{Network: 66}, 500 * time.Millisecond, func(i int) Want { return Want{Network: uint64(1000 + i)} }, 97},
		{"many visits of others", Want{Network: 66}, 100 * time.Millisecond, func(i int) Want { return Want{Network: uint64(1000 + i%40)} }, 97},
		{"forms of others, beside forms", Want{Network: 66, Form: true}, 100 * time.Millisecond, func(i int) Want { return Want{Network: uint64(1000 + i%40), Form: true} }, 97},
		{"forms, from nowhere", Want{}, 100 * time.Millisecond, func(int) Want { return Want{Form: true} }, 97},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			r := newPoolRig(t, 2, 300*time.Millisecond, NewBucket(20, 200))
			<-r.warm
			got, all, clients := 0, 0, 0
			next := time.Now()
			for began := time.Now(); time.Since(began) < 2*time.Minute; {
				if r.Take(tc.client) != "" {
					clients++
				}
				if !time.Now().Before(next) {
					next = next.Add(tc.each)
					if all++; r.Take(tc.other(all)) != "" {
						got++
					}
				}
				bubble.Pass(time.Second / 60)
			}
			t.Logf("%d of %d others got one, and the client %d", got, all, clients)
			if got < all*tc.least/100 {
				t.Errorf("%d of %d others got an ID", got, all)
			}
			if made := r.made.Load(); made > 200+20*121 {
				t.Errorf("%d IDs were made in two minutes", made)
			}
		})
	}
}

// TestPageViewsLeaveIDs: a worker gets none of the last IDs for a page view.
func TestPageViewsLeaveIDs(t *testing.T) {
	bubble.Run(t, "", func(t *testing.T) {
		r := newPoolRig(t, 0, time.Millisecond, NewBucket(0.001, 100))
		got := map[bool]int{}
		for range 200 {
			if id, _ := r.Get(t.Context(), false); id != "" {
				got[false]++
			}
		}
		for range 200 {
			if id, _ := r.Get(t.Context(), true); id != "" {
				got[true]++
			}
		}
		if got[false] != 77 || got[true] != 23 {
			t.Errorf("page views got %d, and forms %d", got[false], got[true])
		}
	})
}
