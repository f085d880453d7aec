package visit

import (
	"testing"
	"testing/synctest"
	"time"
)

// TestVisitMemoryIsBounded in visitors and in time.
func TestVisitMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		keep := func(*Visit) *Visit { return &Visit{Start: 1, Last: 1} }
		known := func(key uint64) (is bool) {
			m.Change(key, time.Now(), func(v *Visit) *Visit { is = v != nil; return nil })
			return is
		}
		for key := range uint64(memoryVisits) {
			m.Change(key, time.Now(), keep)
		}
		m.Change(0, time.Now(), keep) // who comes again is not the least recent
		m.Change(memoryVisits, time.Now(), keep)
		if len(m.visits) != memoryVisits || m.order.Len() != memoryVisits || !known(0) || known(1) || !known(2) || !known(memoryVisits) {
			t.Errorf("%d visits, %d in order; the first is known: %t, the second: %t", len(m.visits), m.order.Len(), known(0), known(1))
		}
		<-time.After(memoryAge)
		if known(0) {
			t.Error("a visit is remembered for more than a day")
		}
	})
}
