package fair

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// hall is a room for 10,000 things of the size 1, as a queue is.
type hall struct {
	*testing.T
	Room
	used int64
}

func newHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{T: t, Room: Room{Size: 10_000}}
	t.Cleanup(h.Close)
	return h
}

// take has somebody take at most n things, one by one, and returns how many they got.
func (h *hall) take(w Who, n int) (got int) {
	for ; got < n; got++ {
		if _, ok := h.Enter(w, Asked{Events: 1, Amount: 1, Used: h.used}); !ok {
			break
		}
		h.used++
	}
	return got
}

func (h *hall) leave(w Who, n int) {
	h.Leave(w, false, n, int64(n))
	h.used -= int64(n)
}

func (h *hall) want(what string, got, least, most int) {
	h.Helper()
	if got < least || got > most {
		h.Errorf("%s: %d, want %d to %d", what, got, least, most)
	}
}

// crowd fills the room with visitors from nowhere who have one thing each.
func (h *hall) crowd(n int) {
	for i := range n {
		h.Force(Who{Visitor: uint64(1_000_000 + i)}, 1, 1)
	}
	h.used += int64(n)
}

// TestVisitorsHaveAFortieth: also if nobody else is there, and by the network they come
// from, so that nobody uses up the share of somebody else.
func TestVisitorsHaveAFortieth(t *testing.T) {
	h := newHall(t)
	victim := Who{Visitor: 1, Network: 10}
	h.want("one visitor", h.take(Who{Visitor: 2}, 1000), 250, 250)
	h.want("another", h.take(Who{Visitor: 3}, 1000), 250, 250)
	h.want("under somebody else's ID", h.take(Who{Visitor: 1, Network: 66}, 1000), 250, 250)
	h.want("who has that ID", h.take(victim, 1000), 250, 250)
	h.leave(victim, 100)
	h.want("after some are settled", h.take(victim, 1000), 100, 100)
	h.leave(victim, 250)
	h.want("after all are settled", h.take(victim, 1000), 250, 250)
}

// TestAUniversityIsNoAttacker: below half full no network is bounded, and above half it
// has a quarter.
func TestAUniversityIsNoAttacker(t *testing.T) {
	h := newHall(t)
	students := 0
	for i := range 10_000 {
		students += h.take(Who{Visitor: uint64(1 + i), Network: 7}, 1)
	}
	h.want("students", students, 5001, 5001)

	h = newHall(t)
	h.crowd(5001)
	students = 0
	for i := range 10_000 {
		students += h.take(Who{Visitor: uint64(1 + i), Network: 7}, 1)
	}
	h.want("students above half", students, 2450, 2500)
	h.want("somebody else", h.take(Who{Visitor: 77_777, Network: 8}, 1), 1, 1)
}

// TestWhoeverHasMostIsRefusedFirst: as the room fills.
func TestWhoeverHasMostIsRefusedFirst(t *testing.T) {
	h := newHall(t)
	much, some, little := Who{Visitor: 1}, Who{Visitor: 2}, Who{Visitor: 3}
	h.take(much, 100)
	h.take(some, 15)
	h.take(little, 1)
	h.crowd(7900 - int(h.used))
	h.want("much", h.take(much, 1), 0, 0)
	h.want("some", h.take(some, 100), 1, 5)
	h.want("little", h.take(little, 1), 1, 1)
	h.crowd(9000 - int(h.used))
	h.want("some, near the end", h.take(some, 1), 0, 0)
	h.want("little, near the end", h.take(little, 10), 1, 1)
	h.want("nothing yet", h.take(Who{Visitor: 4}, 1), 1, 1)
	h.want("nothing yet, from a network that has much", func() int {
		h.Force(Who{Visitor: 5, Network: 9}, 100, 100)
		return h.take(Who{Visitor: 6, Network: 9}, 1)
	}(), 0, 0)
}

// TestWorth: page views of many visitors leave places for their goals with a value.
func TestWorth(t *testing.T) {
	h := newHall(t)
	for worth, full := range map[int8]int64{-1: 7000, 0: 8000, 1: 9000} {
		for range 100 {
			for i := range 1000 {
				if _, ok := h.Enter(Who{Visitor: uint64(1 + i)}, Asked{Events: 1, Amount: 1, Used: h.used, Worth: worth}); ok {
					h.used++
				}
			}
		}
		h.want("filled", int(h.used), int(full)-100, int(full))
		for i := range 1000 {
			h.Settle(uint64(1+i), false, 250, 250)
		}
		h.used = 0
	}
}

// TestThousandIDs: a thousand visitors who take all they can leave room for others, and
// so do a hundred networks.
func TestThousandIDs(t *testing.T) {
	h := newHall(t)
	for range 100 {
		for i := range 1000 {
			h.take(Who{Visitor: uint64(1 + i)}, 1)
		}
	}
	h.want("a thousand IDs", int(h.used), 7900, 8000)

	h = newHall(t)
	for round := range 100 {
		for i := range 10_000 {
			h.take(Who{Visitor: uint64(1 + round*10_000 + i), Network: uint64(1 + i%100)}, 1)
		}
	}
	h.want("a hundred networks", int(h.used), 7900, 8010)
}

// TestWhoGoesFirst: who has little, and whose network has little, and nothing of a
// visitor's goes before what they have already.
func TestWhoGoesFirst(t *testing.T) {
	r := &Room{Size: 10_000}
	t.Cleanup(r.Close)
	ann, flood := Who{Visitor: 1, Network: 1}, Who{Visitor: 2, Network: 2}
	first := func(w Who, queue bool) bool {
		t.Helper()
		f, ok := r.Enter(w, Asked{Events: 1, Amount: 1, Queue: queue, Known: w == ann})
		if !ok {
			t.Errorf("%v was refused", w)
		}
		return f
	}
	if first(flood, false) || first(flood, true) {
		t.Error("one goes before another of the same visitor")
	}
	for i := range firstVisitor {
		if !first(ann, true) {
			t.Errorf("number %d of Ann does not go first", i+1)
		}
	}
	if first(ann, true) {
		t.Error("too many go first")
	}
	r.Settle(1, false, 1, 1)
	if r.Settle(1, true, 1, 1); !first(ann, true) {
		t.Error("again, after some are settled")
	}
	for i := range firstNetwork {
		first(Who{Visitor: uint64(100 + i), Network: 2}, true)
	}
	if first(Who{Visitor: 999, Network: 2}, true) {
		t.Error("a network that has much goes first")
	}
	if stranger := (Who{Visitor: 998}); !first(stranger, true) || first(stranger, true) {
		t.Error("a stranger from nowhere goes first once")
	}
}

// TestWhoFloodsGoesFirstNoMore: as soon as a stranger has something that does not go first,
// or somebody who did no harm more than a little, so has what did. It goes first again when
// the rest is settled. The sums are right, whatever was taken.
func TestWhoFloodsGoesFirstNoMore(t *testing.T) {
	for _, known := range []bool{false, true} {
		r := &Room{Size: 10_000}
		t.Cleanup(r.Close)
		enter := func(name uint64, queue bool) {
			if _, ok := r.Enter(Who{Visitor: name}, Asked{Events: 1, Amount: 1, Queue: queue, Known: known}); !ok {
				t.Error("refused")
			}
		}
		want := func(step string, goes bool, ahead, waiting int64) {
			t.Helper()
			if r.GoesFirst(1) != goes || r.Ahead() != ahead || r.Waiting() != waiting {
				t.Errorf("known %t, %s: goes first %t, %d ahead, %d wait; want %t, %d, %d", known, step, r.GoesFirst(1), r.Ahead(), r.Waiting(), goes, ahead, waiting)
			}
		}
		enter(1, true)
		enter(2, true)
		want("one each", true, 2, 2)
		r.Taken(1, 1)
		want("one is taken", true, 2, 1)
		most := 0
		if known {
			most = firstVisitor
		}
		for range most {
			enter(1, false)
		}
		want("a little waits behind", true, 2, 1)
		enter(1, false)
		want("too much waits behind", false, 1, 1)
		r.Taken(1, -1)
		want("it is given back", false, 1, 1)
		r.Settle(1, false, 1, 1)
		want("again only a little", true, 2, 2)
		r.Taken(1, 1)
		r.Settle(1, true, 1, 1)
		want("it is settled", !known, 1, 1) // a stranger has nothing
		r.Leave(Who{Visitor: 2}, true, 1, 1)
		want("the other has left", !known, 0, 0)
	}
}

// TestNetworksAreForgotten ten minutes after their last request, and those that have
// nothing sooner. What their visitors have counts on for them alone.
func TestNetworksAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHall(t)
		known := func() int {
			h.mu.Lock()
			defer h.mu.Unlock()
			return len(h.networks.all)
		}
		for i := range 100 {
			h.take(Who{Visitor: uint64(i + 1), Network: uint64(i + 1)}, 10)
		}
		h.leave(Who{Visitor: 1, Network: 1}, 10)
		<-time.After(2 * time.Minute)
		synctest.Wait()
		h.want("known after two minutes", known(), 99, 99)
		h.take(Who{Visitor: 2, Network: 2}, 1)
		<-time.After(Forgotten - 2*time.Minute)
		synctest.Wait()
		h.want("known after ten minutes", known(), 1, 1)
		<-time.After(2 * time.Minute)
		synctest.Wait()
		h.want("known after two more", known(), 0, 0)
		for i := range 99 {
			h.Settle(uint64(i+2), false, 11, 11)
		}
		if len(h.visitors) != 0 || h.networks.timer != nil {
			t.Errorf("%d visitors are left", len(h.visitors))
		}
	})
}

// TestRoomIsBounded: however many come, and whatever they do, the memory of it is
// bounded, nothing is below zero, and in the end nothing is left.
func TestRoomIsBounded(t *testing.T) {
	r := &Room{Size: 1 << 40}
	t.Cleanup(r.Close)
	for i := range uint64(known + 5000) {
		r.Enter(Who{Visitor: i + 1, Network: i + 1}, Asked{Events: 1, Amount: 1})
	}
	if len(r.visitors) > known || len(r.networks.all) > known || r.spares > keptSpares {
		t.Errorf("%d visitors, %d networks, %d spares", len(r.visitors), len(r.networks.all), r.spares)
	}

	r = &Room{Size: 1000}
	t.Cleanup(r.Close)
	dice := rand.New(rand.NewPCG(1, 2))
	type stay struct {
		w      Who
		first  bool
		amount int64
	}
	var stays []stay
	used := int64(0)
	for range 200_000 {
		w := Who{uint64(dice.IntN(30)), uint64(dice.IntN(25))}
		if dice.IntN(2) == 0 || len(stays) == 0 {
			a := Asked{Events: 1, Amount: dice.Int64N(5) + 1, Used: used, Queue: dice.IntN(2) == 0}
			if first, ok := r.Enter(w, a); ok {
				stays = append(stays, stay{w, first, a.Amount})
				used += a.Amount
			}
			continue
		}
		i := dice.IntN(len(stays))
		s := stays[i]
		stays[i] = stays[len(stays)-1]
		stays = stays[:len(stays)-1]
		used -= s.amount
		r.Leave(s.w, s.first, 1, s.amount)
	}
	check := func() {
		t.Helper()
		for name, v := range r.visitors {
			events := 0
			for _, p := range v.parts {
				if events += p.events; p.events <= 0 || p.has < 0 {
					t.Fatalf("visitor %d has %d things of %d", name, p.events, p.has)
				}
			}
			if events != v.events || v.behind < 0 || v.behind > v.events {
				t.Fatalf("visitor %d has %d things, and not %d; %d do not go first", name, events, v.events, v.behind)
			}
		}
		for name, n := range r.networks.all {
			if n.is.events < 0 || n.is.has < 0 {
				t.Fatalf("network %d has %d things of %d", name, n.is.events, n.is.has)
			}
		}
	}
	check()
	for _, s := range stays {
		r.Leave(s.w, s.first, 1, s.amount)
	}
	check()
	if len(r.visitors) != 0 {
		t.Errorf("%d visitors are left", len(r.visitors))
	}
	for name, n := range r.networks.all {
		if n.is.events != 0 || n.is.has != 0 {
			t.Errorf("network %d is left with %d things of %d", name, n.is.events, n.is.has)
		}
	}
}

// TestRoomAllocatesNothing for somebody who comes and goes.
func TestRoomAllocatesNothing(t *testing.T) {
	r := &Room{Size: 1000}
	t.Cleanup(r.Close)
	w := Who{Visitor: 1, Network: 2}
	if n := testing.AllocsPerRun(1000, func() {
		first, _ := r.Enter(w, Asked{Events: 1, Amount: 1})
		r.Settle(w.Visitor, first, 1, 1)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNames: one name for what is one network, and others for others.
func TestNames(t *testing.T) {
	n := NewNames()
	for _, tc := range []struct {
		a, b string
		same bool
	}{
		{"203.0.113.7", "203.0.113.7", true},
		{"203.0.113.7", "203.0.113.8", false},
		{"203.0.113.7", "::ffff:203.0.113.7", true},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"fe80::1%eth0", "fe80::1%eth1", true},
	} {
		if same := n.Network(netip.MustParseAddr(tc.a)) == n.Network(netip.MustParseAddr(tc.b)); same != tc.same {
			t.Errorf("%s and %s: %t, want %t", tc.a, tc.b, same, tc.same)
		}
	}
	if n.Network(netip.Addr{}) != 0 || n.Visitor("") != 0 || n.Visitor("a") == 0 || n.Visitor("a") == n.Visitor("b") {
		t.Error("who is nobody")
	}
	if a := netip.MustParseAddr("203.0.113.7"); n.Network(a) == NewNames().Network(a) {
		t.Error("two processes have the same names")
	}
}

func TestIsPublic(t *testing.T) {
	for a, want := range map[string]bool{
		"203.0.113.7": true, "8.8.8.8": true, "::ffff:8.8.8.8": true, "2606:4700::1": true,
		"10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "100.64.0.1": false, "127.0.0.1": false, "169.254.1.1": false,
		"192.0.2.1": false, "::1": false, "fe80::1": false, "fd00::1": false, "::ffff:10.0.0.1": false, "0.0.0.0": false, "224.0.0.1": false,
	} {
		if got := IsPublic(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %t, want %t", a, got, want)
		}
	}
	if IsPublic(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// TestPace: a network has a quarter of what is made, and only if there is little left.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPace(20, 200)
		defer p.Close()
		take := func(network uint64, n int, little bool) (got int) {
			for range n {
				if p.Take(network, little) {
					got++
				}
			}
			return got
		}
		if n := take(1, 1000, false); n != 1000 {
			t.Errorf("%d while there is enough", n)
		}
		if n := take(1, 1000, true); n != 0 {
			t.Errorf("%d when there is little left", n)
		}
		if n := take(2, 1000, true); n != 50 {
			t.Errorf("another network took %d, want 50", n)
		}
		<-time.After(2 * time.Second)
		if n := take(1, 1000, true); n != 10 {
			t.Errorf("%d after two seconds, want 10", n)
		}
		if n := take(0, 1000, true); n != 1000 {
			t.Errorf("whoever comes from nowhere took %d", n)
		}
		<-time.After(2 * time.Minute)
		synctest.Wait()
		if n := len(p.networks.all); n != 0 {
			t.Errorf("%d networks are known", n)
		}
	})
}
