package script

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o Once
		for i, want := range []bool{true, false, false} {
			if got := o.Meet(1); got != want {
				t.Errorf("time %d: %t", i, got)
			}
		}
		time.Sleep(onceLife - time.Second)
		o.Meet(2)
		if o.Meet(1) {
			t.Error("it is forgotten too early")
		}
		time.Sleep(2 * onceLife)
		if !o.Meet(1) {
			t.Error("it is never forgotten")
		}
		for i := range uint64(10 * onceMost) {
			o.Meet(10 + i)
		}
		if n := len(o.ids.now) + len(o.ids.before); n > 2*onceMost {
			t.Errorf("%d are kept", n)
		}
	})
}

func TestSightings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s Sightings
		want := func(what string, page uint64, shown, sure bool) {
			t.Helper()
			if got, isSure := s.Take(page); got != shown || isSure != sure {
				t.Errorf("%s: shown %t, sure %t", what, got, isSure)
			}
		}
		want("of none", 1, false, true)
		s.Note(1)
		s.Note(1)
		want("the first time", 1, true, true)
		time.Sleep(sightingsLife)
		want("the second time, later", 1, true, true)
		want("the third time", 1, false, true)
		s.Note(1)
		time.Sleep(2 * sightingsLife)
		want("much later", 1, false, true)

		for i := range uint64(3 * sightingsMost) {
			s.Note(10 + i)
		}
		if n := len(s.pages.now) + len(s.pages.before); n > 2*sightingsMost {
			t.Errorf("%d are kept", n)
		}
		want("one that may have been forgotten", 10, false, false)
		time.Sleep(2 * sightingsLife)
		want("when all is old", 10, false, true)
	})
}
