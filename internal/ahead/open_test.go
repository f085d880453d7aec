package ahead

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestOpen: while a page is open in a tab, only what is sure of its copy shows that.
func TestOpen(t *testing.T) {
	k := Key{1, 2}
	for name, c := range map[string]struct {
		before, after func(p *Pages[int])
		shows         bool // by what may come from another tab
	}{
		"never opened":         {nil, nil, true},
		"opened":               {func(p *Pages[int]) { p.Opened(k) }, nil, false},
		"opened later":         {nil, func(p *Pages[int]) { p.Opened(k) }, false},
		"something comes":      {func(p *Pages[int]) { p.Lives(k) }, nil, false},
		"it comes later":       {nil, func(p *Pages[int]) { p.Lives(k) }, true}, // perhaps from the copy
		"left":                 {func(p *Pages[int]) { p.Opened(k); p.Left(k) }, nil, true},
		"left once too often":  {func(p *Pages[int]) { p.Left(k); p.Opened(k); p.Left(k); p.Left(k); p.Opened(k) }, nil, false},
		"left in one of two":   {func(p *Pages[int]) { p.Opened(k); p.Opened(k); p.Left(k) }, nil, false},
		"left in both":         {func(p *Pages[int]) { p.Opened(k); p.Opened(k); p.Left(k); p.Left(k) }, nil, true},
		"left, with a request": {func(p *Pages[int]) { p.Opened(k); p.Lives(k); p.Left(k) }, nil, true},
		"left since":           {func(p *Pages[int]) { p.Opened(k) }, func(p *Pages[int]) { p.Left(k) }, false},
		"in very many tabs": {func(p *Pages[int]) {
			for range 100 {
				p.Opened(k)
			}
			for range 100 {
				p.Left(k)
			}
		}, nil, false},
		"another page":    {func(p *Pages[int]) { p.Opened(Key{1, 3}) }, nil, true},
		"another visitor": {func(p *Pages[int]) { p.Opened(Key{3, 2}) }, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			fetch := func() (*Pages[int], *Fetch[int]) {
				p := New[int]()
				t.Cleanup(p.Close)
				if c.before != nil {
					c.before(p)
				}
				f := p.Begin(k, 0)
				if c.after != nil {
					c.after(p)
				}
				return p, f
			}
			p, f := fetch()
			f.Hold(7, 1)
			if p.Shows(k, false) != c.shows {
				t.Errorf("shown: %t, want %t", !c.shows, c.shows)
			}
			if !p.Shows(k, true) {
				t.Error("its own script does not show it")
			}
			if what, ok := p.Show(k); !ok || what != 7 {
				t.Error("it is gone")
			}
			p, f = fetch()
			p.Shows(k, false)
			if f.Hold(7, 1) != c.shows {
				t.Errorf("shown while it was fetched: %t, want %t", !c.shows, c.shows)
			}
		})
	}
}

// TestOpenPageTells: a page that was opened just now may be the one that says that it is shown.
func TestOpenPageTells(t *testing.T) {
	k := Key{1, 2}
	for name, c := range map[string]struct {
		before, meanwhile func(p *Pages[int])
		want              [2]bool // whether the first and the second word are the copy's
	}{
		"never opened":       {nil, nil, [2]bool{true, true}},
		"opened":             {func(p *Pages[int]) { p.Opened(k) }, nil, [2]bool{false, true}},
		"opened, and said":   {func(p *Pages[int]) { p.Opened(k); p.Tells(k) }, nil, [2]bool{true, true}},
		"opened again":       {func(p *Pages[int]) { p.Opened(k); p.Tells(k); p.Opened(k) }, nil, [2]bool{false, true}},
		"opened long ago":    {func(p *Pages[int]) { p.Opened(k); time.Sleep(3 * openStep) }, nil, [2]bool{true, true}},
		"opened in between":  {nil, func(p *Pages[int]) { p.Opened(k) }, [2]bool{false, true}},
		"said without a tab": {func(p *Pages[int]) { p.Tells(k) }, nil, [2]bool{true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New[int]()
				defer p.Close()
				if c.before != nil {
					c.before(p)
				}
				p.Begin(k, 0).Hold(7, 1)
				if c.meanwhile != nil {
					c.meanwhile(p)
				}
				for i, want := range c.want {
					if p.Tells(k) != want {
						t.Errorf("word %d is the copy's: %t, want %t", i+1, !want, want)
					}
				}
				p.Drop(k)
				if p.Tells(k) {
					t.Error("there is no copy")
				}
			})
		})
	}
}

// TestOpenTime: a page is open for half an hour after the last that is known of it. Much later
// it is not open again.
func TestOpenTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New[int]()
		defer p.Close()
		k := Key{1, 2}
		open := func() bool {
			p.Begin(k, 0).Hold(1, 1)
			defer p.Drop(k)
			return !p.Shows(k, false)
		}
		p.Opened(k)
		time.Sleep(OpenTime - openStep)
		if !open() {
			t.Error("it is forgotten too early")
		}
		p.Lives(k)
		time.Sleep(OpenTime - openStep)
		if !open() {
			t.Error("it is forgotten though something came from it")
		}
		for range 4 * int(24*time.Hour/OpenTime) {
			time.Sleep(OpenTime + openStep)
			if open() {
				t.Fatal("it is open for ever")
			}
		}
	})
}

// TestOpenBounds: what one visitor opens takes the room of about thirty pages, and nothing from
// most others. The newest are remembered.
func TestOpenBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New[int]()
		defer p.Close()
		for i := range Visitor(1000) {
			p.Opened(Key{hashOf(i), 1})
		}
		kept := func() (n int) {
			for i := range Visitor(1000) {
				if open, _ := p.opened.has(Key{hashOf(i), 1}); open {
					n++
				}
			}
			return n
		}
		if kept() < 1 {
			t.Fatal("nothing is kept")
		}
		before := kept()
		time.Sleep(time.Minute)
		for i := range Page(100_000) {
			p.Opened(Key{77, hashOf(i)})
		}
		if lost := before - kept(); lost > openWays*openPerGroup {
			t.Errorf("one visitor took the room of %d pages of others", lost)
		}
		if open, _ := p.opened.has(Key{77, hashOf(Page(99_999))}); !open {
			t.Error("the newest is forgotten")
		}
	})
}

// hashOf is a number as it comes out of a hash.
func hashOf[N ~uint64](n N) N { return n * 0x9e3779b97f4a7c15 }

func TestOpenAtOnce(t *testing.T) {
	p := New[int]()
	defer p.Close()
	var all sync.WaitGroup
	for i := range Page(8) {
		all.Go(func() {
			for range 100 {
				p.Opened(Key{1, i})
				p.Begin(Key{1, i}, 0).Hold(1, 1)
				if p.Shows(Key{1, i}, false) {
					t.Error("it is open, and shown all the same")
				}
				p.Lives(Key{1, i})
				p.Left(Key{1, i})
			}
		})
	}
	all.Wait()
}

// BenchmarkOpened is what a page costs that may be fetched ahead one day.
func BenchmarkOpened(b *testing.B) {
	p := New[int]()
	defer p.Close()
	for i := 0; b.Loop(); i++ {
		p.Opened(Key{hashOf(Visitor(i % 100)), Page(i % 7)})
	}
}
