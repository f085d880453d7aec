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
	const some = 1000
	for name, c := range map[string]struct {
		others int    // visitors who come later
		from   uint64 // their network, 0 for one of each
		least  int    // of those who came first, so many are known
		most   int
	}{
		"as many as there should be":       {10_000 - some, 0, some * 95 / 100, some},
		"far more":                         {250_000, 0, 0, some / 50},
		"far more, made up by one network": {100_000, 7, some, some},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := New()
				keep := func(*visit.Visit) *visit.Visit { return &visit.Visit{Start: 1, Last: 1} }
				network := uint64(0)
				from := func() uint64 { return network }
				id := func(i int) uint64 { return m.Key("shop", string([]byte{byte(i), byte(i >> 8), byte(i >> 16)})) }
				known := func() (n int) {
					for i := range some {
						m.Change(id(i), from, func(v *visit.Visit) *visit.Visit {
							if v != nil {
								n++
							}
							return nil
						})
					}
					return n
				}
				for i := range some + c.others {
					if network = c.from; i < some || c.from == 0 {
						network = uint64(1000 + i)
					}
					m.Change(id(i), from, keep)
					if i%1000 == 999 {
						time.Sleep(time.Minute)
					}
				}
				if n := known(); n < c.least || n > c.most {
					t.Errorf("%d of %d are known", n, some)
				}
				time.Sleep(life + 2*step)
				if n := known(); n > 0 {
					t.Errorf("%d are known for more than a day", n)
				}
			})
		})
	}
}
