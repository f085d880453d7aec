package hold

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// book is a store of texts, and what it gave up.
type book struct {
	*Store[string]
	gone []string
}

func newBook() *book {
	b := &book{}
	b.Store = New(func(thing string, why Why) { b.gone = append(b.gone, fmt.Sprint(thing, " ", why)) })
	return b
}

func (b *book) add(t *testing.T, visitor, thing string, size int, want Why) {
	t.Helper()
	taken := false
	if why := b.Add(b.Key("shop", visitor), 0, thing, size, func() { taken = true }); why != want || taken != (want == Held) {
		t.Errorf("%s of %s: %v, want %v; taken %t", thing, visitor, why, want, taken)
	}
}

// take hands out what begins with a text.
func (b *book) take(visitor, begin string) []string {
	return b.Take(b.Key("shop", visitor), func(thing string) bool { return thing[:len(begin)] == begin })
}

func TestAnswer(t *testing.T) {
	b := newBook()
	for _, thing := range []string{"analytics 1", "marketing 1", "analytics 2", "ads 1"} {
		b.add(t, "ann", thing, Extra, Held)
	}
	b.add(t, "bob", "analytics 3", Extra, Held)
	var seen []string
	b.Return(b.Key("shop", "ann"), func(thing string) bool {
		seen = append(seen, thing)
		return thing == "ads 1"
	})
	if want := []string{"analytics 1", "marketing 1", "analytics 2", "ads 1"}; !slices.Equal(seen, want) {
		t.Errorf("shown: %q", seen)
	}
	if got := b.take("ann", "analytics"); !slices.Equal(got, []string{"analytics 1", "analytics 2"}) {
		t.Errorf("taken: %q", got)
	}
	if got := b.Take(b.Key("blog", "bob"), func(string) bool { return true }); got != nil {
		t.Errorf("another site got %q", got)
	}
	if got := b.take("ann", ""); !slices.Equal(got, []string{"marketing 1"}) {
		t.Errorf("taken: %q", got)
	}
	if got := b.take("bob", ""); len(got) != 1 || b.Any() || b.gone != nil {
		t.Errorf("taken: %q; anything left %t; given up %q", got, b.Any(), b.gone)
	}
}

func TestBounds(t *testing.T) {
	b := newBook()
	for i := range perVisitor {
		b.add(t, "ann", fmt.Sprint("a", i), Extra, Held)
	}
	b.add(t, "ann", "one more", Extra, Full)
	b.add(t, "bob", "too large", MostBytes+1, Full)
	// Of two networks' visitors, those go first who were not here again.
	b.Return(b.Key("shop", "ann"), func(string) bool { return false })
	for i := 0; len(b.gone) == 0 && i < 1000; i++ {
		b.add(t, fmt.Sprint("visitor ", i), fmt.Sprint("v", i), MostBytes/64, Held)
	}
	if !slices.Equal(b.gone, []string{fmt.Sprint("v0 ", Full)}) {
		t.Errorf("given up: %q", b.gone)
	}
	if got := b.take("ann", ""); len(got) != perVisitor {
		t.Errorf("of who was here again, %d are left", len(got))
	}
}

func TestPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBook()
		b.add(t, "ann", "first", Extra, Held)
		time.Sleep(Patience / 2)
		b.add(t, "ann", "second", Extra, Held)
		time.Sleep(Patience / 2)
		synctest.Wait()
		if !slices.Equal(b.gone, []string{fmt.Sprint("first ", Expired)}) {
			t.Errorf("after its time: %q", b.gone)
		}
		b.Close()
		if !slices.Equal(b.gone[1:], []string{fmt.Sprint("second ", Closed)}) {
			t.Errorf("closed: %q", b.gone)
		}
		b.add(t, "ann", "third", Extra, Closed)
	})
}

// TestToldMayUseTheStore: whoever is told that something was given up may take their time, and
// ask the store, without holding up others. Close returns when all is told.
func TestToldMayUseTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s *Store[string]
		var mu sync.Mutex
		told := map[string]Why{}
		s = New(func(thing string, why Why) {
			if thing == "first" {
				if why := s.Add(s.Key("shop", "somebody else"), 0, "third", Extra, func() {}); why != Held {
					t.Errorf("not held: %v", why)
				}
			}
			time.Sleep(time.Minute) // which holds up nobody
			mu.Lock()
			defer mu.Unlock()
			told[thing] = why
		})
		began := time.Now()
		for _, thing := range []string{"first", "second"} {
			s.Add(s.Key("shop", thing), 0, thing, Extra, func() {})
		}
		time.Sleep(Patience) // both expire, and are told one after the other
		s.Take(s.Key("shop", "nobody"), func(string) bool { return true })
		if waited := time.Since(began) - Patience; waited > 0 {
			t.Errorf("a request waited for %s", waited)
		}
		time.Sleep(time.Second)
		s.Close()
		want := map[string]Why{"first": Expired, "second": Expired, "third": Closed}
		if !maps.Equal(told, want) {
			t.Errorf("told before Close returned: %v, want %v", told, want)
		}
	})
}
