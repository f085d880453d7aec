package script

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
)

func TestOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, w := NewOnce(), fair.Who{Visitor: 1, Network: 1}
		o.met.Buckets = few
		for i, want := range []bool{true, false, false} {
			if got := o.Meet(w, 1); got != want {
				t.Errorf("time %d: %t", i, got)
			}
		}
		if !o.Meet(fair.Who{Visitor: 2, Network: 1}, 1) {
			t.Error("an ID is not the visitor's own")
		}
		time.Sleep(onceLife - time.Second)
		o.Meet(w, 2)
		if o.Meet(w, 1) {
			t.Error("it is forgotten too early")
		}
		for i := range uint64(2000) {
			o.Meet(fair.Who{Visitor: hash(i), Network: 2}, hash(i))
		}
		if o.Meet(w, 1) {
			t.Error("it is forgotten for what another network told")
		}
		time.Sleep(2 * onceLife)
		if !o.Meet(w, 1) {
			t.Error("it is never forgotten")
		}
	})
}

// few buckets are full soon.
const few = 1 << 6

// hash is a number as it comes out of a hash.
func hash(n uint64) uint64 { return (n + 1) * 0x9e3779b97f4a7c15 }

func TestSightings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, w := NewSightings(), fair.Who{Visitor: 1, Network: 1}
		want := func(what string, w fair.Who, page uint64, shown, sure bool) {
			t.Helper()
			if got, isSure := s.Take(w, page); got != shown || isSure != sure {
				t.Errorf("%s: shown %t, sure %t", what, got, isSure)
			}
		}
		want("of none", w, 1, false, true)
		s.Note(w, 1)
		s.Note(w, 1)
		want("of another visitor", fair.Who{Visitor: 2, Network: 1}, 1, false, true)
		want("the first time", w, 1, true, true)
		time.Sleep(sightingsLife)
		want("the second time, later, from elsewhere", fair.Who{Visitor: 1, Network: 2}, 1, true, true)
		want("the third time", w, 1, false, true)
		s.Note(w, 1)
		time.Sleep(2 * sightingsLife)
		want("much later", w, 1, false, true)
		for range 1000 {
			s.Note(fair.Who{}, 1)
		}
		for range 255 { // there is no room for more
			want("to many whom nobody knows", fair.Who{}, 1, true, true)
		}
		want("to nobody any more", fair.Who{}, 1, false, true)
	})
}

// TestSightingsOfMany: of whoever is shown very many pages, some are forgotten, and it is known
// of which that may be. Of others nothing is forgotten, and they are sure.
func TestSightingsOfMany(t *testing.T) {
	const many, most = 2000, 8 * few
	for name, c := range map[string]struct {
		who  func(i uint64) (w fair.Who, page uint64)
		lost int // at most so many of the pages of 20 others are forgotten, which are in its buckets
	}{
		"many visitors of one network":            {func(i uint64) (fair.Who, uint64) { return fair.Who{Visitor: hash(i), Network: 9}, 7 }, 0},
		"many visitors whose pages are their own": {func(i uint64) (fair.Who, uint64) { return fair.Who{Visitor: hash(i), Network: 9}, hash(i) }, 0},
		"many pages of one visitor":               {func(i uint64) (fair.Who, uint64) { return fair.Who{Visitor: 9, Network: 9}, hash(i) }, 0},
		"many pages of nobody known":              {func(i uint64) (fair.Who, uint64) { return fair.Who{Network: 9}, hash(i) }, 0},
		"one visitor of many networks":            {func(i uint64) (fair.Who, uint64) { return fair.Who{Visitor: 9, Network: hash(i)}, hash(i) }, 5},
		"all from one address":                    {func(i uint64) (fair.Who, uint64) { return fair.Who{Visitor: hash(i), Network: 1}, 7 }, 20},
		"from nobody knows where":                 {func(i uint64) (fair.Who, uint64) { return fair.Who{Visitor: hash(i)}, 7 }, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewSightings()
				s.pages.Buckets = few
				other := func(i uint64) fair.Who { return fair.Who{Visitor: hash(1_000_000 + i), Network: 1} }
				for i := range uint64(20) {
					s.Note(other(i), 7)
				}
				time.Sleep(time.Minute)
				for i := range uint64(many) {
					s.Note(c.who(i))
				}
				forgotten := 0
				for i := range uint64(20) {
					shown, sure := s.Take(other(i), 7)
					if !shown && sure {
						t.Fatal("it was shown, and may count again")
					}
					if !shown {
						forgotten++
					}
				}
				if forgotten > c.lost {
					t.Errorf("%d pages of others are forgotten", forgotten)
				}
				unsure := 0
				for i := range uint64(1000) {
					if _, sure := s.Take(other(200+i), 7); !sure {
						unsure++
					}
				}
				if unsure > 5 {
					t.Errorf("%d of 1000 pages that a cache answered are unsure", unsure)
				}
				shown := 0
				for i := range uint64(many) {
					was, sure := s.Take(c.who(i))
					if !was && sure {
						t.Fatal("a page of theirs was shown, and may count again")
					}
					if was {
						shown++
					}
				}
				if shown > most {
					t.Errorf("%d are kept", shown)
				}
				time.Sleep(2 * sightingsLife)
				if _, sure := s.Take(c.who(3)); !sure {
					t.Error("it is never sure again")
				}
			})
		})
	}
}
