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
		"opened":               {func(p *Pages[int]) { p.Opened(k, 0) }, nil, false},
		"opened later":         {nil, func(p *Pages[int]) { p.Opened(k, 0) }, false},
		"something comes":      {func(p *Pages[int]) { p.Lives(k, 0) }, nil, false},
		"it comes later":       {nil, func(p *Pages[int]) { p.Lives(k, 0) }, true}, // perhaps from the copy
		"left":                 {func(p *Pages[int]) { p.Opened(k, 0); p.Left(k) }, nil, true},
		"left once too often":  {func(p *Pages[int]) { p.Left(k); p.Opened(k, 0); p.Left(k); p.Left(k); p.Opened(k, 0) }, nil, false},
		"left in one of two":   {func(p *Pages[int]) { p.Opened(k, 0); p.Opened(k, 0); p.Left(k) }, nil, false},
		"left in both":         {func(p *Pages[int]) { p.Opened(k, 0); p.Opened(k, 0); p.Left(k); p.Left(k) }, nil, true},
		"left, with a request": {func(p *Pages[int]) { p.Opened(k, 0); p.Lives(k, 0); p.Left(k) }, nil, true},
		"left since":           {func(p *Pages[int]) { p.Opened(k, 0) }, func(p *Pages[int]) { p.Left(k) }, false},
		"in very many tabs": {func(p *Pages[int]) {
			for range 100 {
				p.Opened(k, 0)
			}
			for range 100 {
				p.Left(k)
			}
		}, nil, false},
		"another page":    {func(p *Pages[int]) { p.Opened(Key{1, 3}, 0) }, nil, true},
		"another visitor": {func(p *Pages[int]) { p.Opened(Key{3, 2}, 0) }, nil, true},
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
		"opened":             {func(p *Pages[int]) { p.Opened(k, 0) }, nil, [2]bool{false, true}},
		"opened, and said":   {func(p *Pages[int]) { p.Opened(k, 0); p.Tells(k) }, nil, [2]bool{true, true}},
		"opened again":       {func(p *Pages[int]) { p.Opened(k, 0); p.Tells(k); p.Opened(k, 0) }, nil, [2]bool{false, true}},
		"opened long ago":    {func(p *Pages[int]) { p.Opened(k, 0); time.Sleep(3 * openStep) }, nil, [2]bool{true, true}},
		"opened in between":  {nil, func(p *Pages[int]) { p.Opened(k, 0) }, [2]bool{false, true}},
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
		p.Opened(k, 0)
		time.Sleep(OpenTime - openStep)
		if !open() {
			t.Error("it is forgotten too early")
		}
		p.Lives(k, 0)
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
			p.Opened(Key{hashOf(i), 1}, 0)
		}
		kept := func() (n int) {
			for i := range Visitor(1000) {
				if open, _ := p.opened.has(Key{hashOf(i), 1}, 0); open {
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
			p.Opened(Key{77, hashOf(i)}, 0)
		}
		if lost := before - kept(); lost > 32 {
			t.Errorf("one visitor took the room of %d pages of others", lost)
		}
		if open, _ := p.opened.has(Key{77, hashOf(Page(99_999))}, 0); !open {
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
				p.Opened(Key{1, i}, 0)
				p.Begin(Key{1, i}, 0).Hold(1, 1)
				if p.Shows(Key{1, i}, false) {
					t.Error("it is open, and shown all the same")
				}
				p.Lives(Key{1, i}, 0)
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
		p.Opened(Key{hashOf(Visitor(i % 100)), Page(i % 7)}, 0)
	}
}

// TestManyPagesOfOneNetworkKeepOthersOpen: one network that opens very many pages, under whatever names, has those of
// others neither forgotten nor in doubt. Where all come from one address, the newest are known.
// What was forgotten counts as open.
func TestManyPagesOfOneNetworkKeepOthersOpen(t *testing.T) {
	const many, others = 2000, 20
	for name, c := range map[string]struct {
		key    func(i uint64) (Key, uint64)
		theirs uint64 // the network of the others
		lost   int    // at most so many of 20 are forgotten, which are in its buckets
	}{
		"many visitors":                {func(i uint64) (Key, uint64) { return Key{hashOf(Visitor(i)), 1}, 9 }, 1, 0},
		"many visitors and pages":      {func(i uint64) (Key, uint64) { return Key{hashOf(Visitor(i)), hashOf(Page(i))}, 9 }, 1, 0},
		"one visitor":                  {func(i uint64) (Key, uint64) { return Key{9, hashOf(Page(i))}, 9 }, 1, 0},
		"one visitor of many networks": {func(i uint64) (Key, uint64) { return Key{9, hashOf(Page(i))}, hashOf(i) }, 1, 5},
		"all have one address":         {func(i uint64) (Key, uint64) { return Key{hashOf(Visitor(i)), 1}, 1 }, 1, 20},
		"nobody knows where from":      {func(i uint64) (Key, uint64) { return Key{hashOf(Visitor(i)), 1}, 0 }, 0, 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New[int]()
				p.opened.Buckets = 1 << 6
				defer p.Close()
				other := func(i int) Key { return Key{hashOf(Visitor(1_000_000 + i)), 3} }
				for i := range others {
					p.Opened(other(i), c.theirs)
				}
				time.Sleep(time.Minute)
				for i := range uint64(many) {
					p.Opened(c.key(i))
				}
				for i := range others {
					if open, _ := p.opened.has(other(i), c.theirs); !open {
						t.Fatal("an open page is taken for closed")
					}
				}
				for i := range others {
					p.Left(other(i)) // of what is in doubt, nobody knows
				}
				left := 0
				for i := range others {
					if open, _ := p.opened.has(other(i), c.theirs); !open {
						left++
					}
				}
				if others-left > c.lost {
					t.Errorf("%d of %d pages of others were remembered", left, others)
				}
				if open, _ := p.opened.has(Key{5, 5}, c.theirs); open {
					t.Error("a page that nobody has opened is open")
				}
				k, network := c.key(many - 1)
				if open, _ := p.opened.has(k, network); !open {
					t.Error("the newest is not known")
				}
			})
		})
	}
}
