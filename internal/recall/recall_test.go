package recall

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/visit"
)

// TestVisitMemoryIsBounded in visitors and in time, and one network takes no place from
// others, however many visitors it makes up.
func TestVisitMemoryIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		buckets, some int    // how many come first
		others        int    // how many come later
		from          uint64 // their network, 0 for one of each
		least, most   int    // so many of the first are known then
	}{
		"as many as there should be":       {buckets, 1000, 9000, 0, 950, 1000},
		"far more":                         {128, 20, 8000, 0, 0, 1},
		"far more, made up by one network": {128, 20, 8000, 7, 20, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := OfBuckets(c.buckets)
				keep := func(*visit.Visit) *visit.Visit { return &visit.Visit{Start: 1, Last: 1} }
				network := uint64(0)
				from := func() uint64 { return network }
				id := func(i int) uint64 { return m.Key("shop", string([]byte{byte(i), byte(i >> 8), byte(i >> 16)})) }
				known := func() (n int) {
					for i := range c.some {
						m.Change(id(i), from, func(v *visit.Visit) *visit.Visit {
							if v != nil {
								n++
							}
							return nil
						})
					}
					return n
				}
				for i := range c.some + c.others {
					if network = c.from; i < c.some || c.from == 0 {
						network = uint64(1000 + i)
					}
					m.Change(id(i), from, keep)
					if i%1000 == 999 {
						time.Sleep(time.Minute)
					}
				}
				if n := known(); n < c.least || n > c.most {
					t.Errorf("%d of %d are known", n, c.some)
				}
				time.Sleep(life + 2*step)
				if n := known(); n > 0 {
					t.Errorf("%d are known for more than a day", n)
				}
			})
		})
	}
}
