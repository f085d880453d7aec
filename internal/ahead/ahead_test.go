package ahead

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestShownOnce(t *testing.T) {
	p := New[string]()
	k := Key{p.VisitorOf("site", "id"), p.PageOf("host", "/a", "")}
	p.Begin(k, 0).Hold("a", 1)
	if !p.Any() || !p.Has(k.Page) || !p.Shows(k, false) {
		t.Fatal("the page is not kept")
	}
	if what, ok := p.Show(k); !ok || what != "a" {
		t.Fatalf("got %q, %t", what, ok)
	}
	if _, ok := p.Show(k); ok || p.Any() || p.Has(k.Page) {
		t.Error("the page is shown twice")
	}
}

// TestShownWhileFetched: a page may be shown before its handler has returned.
func TestShownWhileFetched(t *testing.T) {
	p := New[string]()
	k := Key{1, 2}
	f := p.Begin(k, 0)
	if p.Shows(k, false) {
		t.Error("it has something to hand out")
	}
	if _, ok := p.Show(k); ok {
		t.Error("it is handed out")
	}
	if !f.Hold("a", 1) || p.Any() {
		t.Error("nobody learns that it is shown")
	}
}

// TestAskedForAgain: what was asked for once more meanwhile is not kept, whether the
// first answer is there or not.
func TestAskedForAgain(t *testing.T) {
	p := New[string]()
	k := Key{1, 2}
	f := p.Begin(k, 0)
	p.Drop(k)
	if f.Hold("a", 1) || p.Any() {
		t.Error("it is kept")
	}
	p.Begin(k, 0).Hold("b", 1)
	p.Drop(k)
	first, second := p.Begin(k, 0), p.Begin(k, 0)
	first.Hold("c", 1)
	second.Hold("d", 1)
	if what, ok := p.Show(k); !ok || what != "d" {
		t.Errorf("got %q, %t", what, ok)
	}
	p.Begin(k, 0).Forget()
	if p.Any() {
		t.Error("a page without goals stays")
	}
}

func TestBounds(t *testing.T) {
	t.Run("a visitor", func(t *testing.T) {
		p := New[int]()
		for i := range PerVisitor + 1 {
			p.Begin(Key{1, Page(i)}, 0).Hold(i, 1)
		}
		if _, ok := p.Show(Key{1, 0}); ok {
			t.Error("the oldest is still there")
		}
		if _, ok := p.Show(Key{1, 1}); !ok {
			t.Error("the second is gone")
		}
	})
	t.Run("all", func(t *testing.T) {
		p := New[int]()
		for i := range Most + 1 {
			p.Begin(Key{Visitor(i), 1}, 0).Hold(i, 1)
		}
		if n := p.total.Load(); n != Most || len(p.visitors) != Most {
			t.Errorf("%d pages, %d visitors", n, len(p.visitors))
		}
	})
	t.Run("bytes", func(t *testing.T) {
		p := New[int]()
		for i := range 3 {
			p.Begin(Key{Visitor(i), 1}, 0).Hold(i, MostBytes/2)
		}
		if n := p.total.Load(); n != 2 || p.bytes != MostBytes {
			t.Errorf("%d pages of %d bytes", n, p.bytes)
		}
		p.Begin(Key{9, 1}, 0).Hold(9, MostBytes+1)
		if p.Any() || p.bytes != 0 {
			t.Error("one that is too large is kept")
		}
	})
}

func TestTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New[int]()
		p.Begin(Key{1, 1}, 0).Hold(1, 1)
		time.Sleep(Time / 2)
		p.Begin(Key{1, 2}, 0).Hold(2, 1)
		slow := p.Begin(Key{1, 3}, 0)
		time.Sleep(Time/2 + time.Second)
		synctest.Wait()
		if _, ok := p.Show(Key{1, 1}); ok || p.total.Load() != 2 {
			t.Error("the first is still there")
		}
		time.Sleep(Time)
		synctest.Wait()
		if p.Any() || slow.Hold(3, 1) || p.Any() {
			t.Error("something is still there")
		}
		p.Begin(Key{1, 4}, 0).Hold(4, 1)
		time.Sleep(Time)
		synctest.Wait()
		if p.Any() {
			t.Error("the timer does not come back")
		}
	})
}

func TestClose(t *testing.T) {
	p := New[int]()
	f := p.Begin(Key{1, 1}, 0)
	p.Close()
	if f.Hold(1, 1) || p.Any() || p.Begin(Key{1, 2}, 0) != nil {
		t.Error("something is kept after Close")
	}
	f.Forget()
	New[int]().Close()
}

func TestManyAtOnce(t *testing.T) {
	p := New[int]()
	var shown [64]int
	var all sync.WaitGroup
	for i := range shown {
		k := Key{Visitor(i % 4), Page(i)}
		p.Begin(k, 0).Hold(i, 1)
		for range 4 {
			all.Go(func() {
				if p.Shows(k, false) {
					if _, ok := p.Show(k); ok {
						shown[i]++
					}
				}
			})
		}
	}
	all.Wait()
	for i, n := range shown {
		if n != 1 {
			t.Errorf("page %d was shown %d times", i, n)
		}
	}
}

// TestNobodyPushesOutOthers: a network that fetches pages under names that it makes up
// takes its own share, and the pages of others stay. When nearly all is taken, others
// still find room.
func TestNobodyPushesOutOthers(t *testing.T) {
	const size = 2 << 10
	p := New[string]()
	theirs := Key{1, 1}
	p.Begin(theirs, 1).Hold("theirs", size)
	for network := range uint64(3) {
		for i := range Visitor(2 * Most) {
			p.Begin(Key{Visitor: 1000 + i + Visitor(network)<<32, Page: 2}, 2+network).Hold("made up", size)
		}
	}
	if _, ok := p.Show(theirs); !ok {
		t.Error("one network pushed out the page of another")
	}
	if p.bytes > MostBytes {
		t.Errorf("%d bytes are kept", p.bytes)
	}
	late := Key{2, 1}
	p.Begin(late, 9).Hold("late", size)
	if _, ok := p.Show(late); !ok {
		t.Error("there is no room for whoever comes later")
	}
	p.Close()
	if p.bytes != 0 || p.Any() {
		t.Errorf("%d bytes are left", p.bytes)
	}
}
