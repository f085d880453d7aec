package fair

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func newSlots() *Slots[int] {
	return &Slots[int]{Buckets: 64, Life: time.Minute, Step: time.Second, Doubts: true}
}

// put remembers a thing, and has reports whether it is remembered, and whether it is in doubt.
func put(s *Slots[int], group, thing, network uint64) {
	seat := s.Go(group, thing)
	defer seat.Leave()
	if seat.Find() == nil {
		seat.Put(network)
	}
}

func has(s *Slots[int], group, thing, network uint64) (known, doubted bool) {
	seat := s.Go(group, thing)
	defer seat.Leave()
	return seat.Find() != nil, seat.Doubted(network)
}

// in is the n-th of the things of a group that are all in one bucket.
func in(s *Slots[int], group uint64, n int) uint64 {
	for thing := uint64(1); ; thing++ {
		seat := s.Go(group, thing)
		seat.Leave()
		if seat.number%perGroup != 0 {
			continue
		}
		if n--; n < 0 {
			return thing
		}
	}
}

// TestSlotsShares: a bucket is shared out among networks when it is full.
func TestSlotsShares(t *testing.T) {
	alone := []uint64{5, 5, 5, 5, 5, 5, 5, 5}
	for name, c := range map[string]struct {
		before []uint64 // the networks of what is there, the oldest first
		more   []uint64 // of what comes
		gone   []int    // which of before is forgotten
	}{
		"there is room":                        {alone[:7], []uint64{5}, nil},
		"one network has all":                  {alone, []uint64{5, 5}, []int{0, 1}},
		"from nobody knows where":              {make([]uint64, 8), []uint64{0, 0}, []int{0, 1}},
		"another comes":                        {alone, []uint64{6}, []int{0}},
		"it has its quarter":                   {[]uint64{1, 2, 3, 4, 6, 6, 7, 8}, []uint64{6, 6}, []int{4, 5}},
		"it has less":                          {[]uint64{1, 2, 3, 4, 6, 9, 7, 8}, []uint64{6}, []int{0}},
		"it takes what is more than a quarter": {[]uint64{1, 2, 5, 5, 5, 5, 3, 4}, []uint64{6, 6, 6}, []int{2, 3}},
		"many of one each":                     {[]uint64{1, 2, 3, 4, 5, 6, 7, 8}, []uint64{9, 10}, []int{0, 1}},
		"a stranger beside one network":        {[]uint64{0, 5, 5, 5, 0, 0, 0, 0}, []uint64{0}, []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSlots()
				for i, network := range c.before {
					put(s, 1, in(s, 1, i), network)
					time.Sleep(time.Second)
				}
				for i, network := range c.more {
					put(s, 1, in(s, 1, 100+i), network)
					time.Sleep(time.Second)
				}
				left := map[int]bool{}
				for _, i := range c.gone {
					left[i] = true
				}
				for i := range c.before {
					known, doubted := has(s, 1, in(s, 1, i), 77)
					if known == left[i] || doubted != left[i] {
						t.Errorf("the thing at %d: known %t, in doubt %t", i, known, doubted)
					}
				}
				if known, _ := has(s, 1, in(s, 1, 100+len(c.more)-1), 1); !known {
					t.Error("the newest is not known")
				}
			})
		})
	}
}

// TestSlotsTime: a thing is known until its time is over, and in doubt for as long.
func TestSlotsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSlots()
		if s.Used() {
			t.Error("it takes memory before it is used")
		}
		put(s, 1, 1, 5)
		time.Sleep(s.Life)
		if known, _ := has(s, 1, 1, 5); !known || !s.Used() {
			t.Error("it is forgotten too early")
		}
		time.Sleep(2 * s.Step)
		if known, doubted := has(s, 1, 1, 5); known || doubted {
			t.Errorf("known %t, in doubt %t", known, doubted)
		}
		for i := range uint64(1000) {
			put(s, 1, i, 5)
		}
		time.Sleep(s.Life - s.Step)
		for i := range uint64(1000) {
			if known, doubted := has(s, 1, i, 5); !known && !doubted {
				t.Fatalf("%d is forgotten without a doubt", i)
			}
		}
		time.Sleep(2 * s.Life)
		if _, doubted := has(s, 1, 1, 5); doubted {
			t.Error("it is in doubt for ever")
		}
		put(s, 7, 7, 5)
		time.Sleep(s.Step << 16)
		if known, _ := has(s, 7, 7, 5); known {
			t.Error("it comes back when time begins again")
		}
	})
}

// TestDoubtsOfOneNetwork: a network that forgets more than there is room for is in doubt by
// itself, and nobody else.
func TestDoubtsOfOneNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d doubts
		d.add(time.Minute, 1, 5)
		d.now.networks[5] = doubtsPerNetwork - 1000
		for i := range uint64(2000) {
			d.add(time.Minute, (i+2)*0x9e3779b97f4a7c15>>16, 5)
		}
		others := 0
		for i := range uint64(10_000) {
			if d.has(time.Minute, i*0xff51afd7ed558ccd>>16, 6) {
				others++
			}
		}
		if others > 0 {
			t.Errorf("%d of 10,000 things of others are in doubt", others)
		}
		if !d.has(time.Minute, 1<<40, 5) {
			t.Error("what the network asks for is sure")
		}
		time.Sleep(2 * time.Minute)
		if d.has(time.Minute, 1<<40, 5) {
			t.Error("it is never sure again")
		}
	})
}

func TestSlotsAtOnce(*testing.T) {
	s := newSlots()
	var all sync.WaitGroup
	for i := range uint64(4) {
		all.Go(func() {
			for n := range uint64(500) {
				put(s, n, n, i)
				has(s, n, n, i)
			}
		})
	}
	all.Wait()
}
