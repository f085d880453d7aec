package fair

import (
	"sync"
	"sync/atomic"
)

// Room shares out something that is held for a while and given back. Whoever makes it
// sets the exported fields and changes them no more. All methods are safe for
// concurrent use.
type Room struct {
	Size int64 // of the whole, in whatever it is counted
	// Least is what a visitor may have of a room that is at most half full, even if
	// that is more than a fortieth.
	Least int64

	ahead, waiting atomic.Int64 // see Ahead and Waiting

	mu       sync.Mutex
	visitors map[uint64]*visitor
	networks table[network]
	spare    *visitor // to be used again
	spares   int
}

// keptSpares is how many visitors are kept to be used again.
const keptSpares = 1024

// The shares, in parts of the room.
const (
	visitors = 40 // a visitor has at most a fortieth
	networks = 4  // and a network a quarter, above half
	// At eight tenths nobody gets anything more who has more than a little already. For
	// what is worth less or more than usual it is a tenth less or more.
	fullTenths   = 8
	visitorSlope = 5 // a visitor has at most a fifth of what is left until there,
	networkSlope = 5 // and a network five times as much as is left

	few    = 3    // so many things of a visitor are a little,
	little = 1000 // unless they take more than a thousandth; and that is a little of a network
)

// Who goes first has little there: few of their own, and few of their network.
const (
	firstVisitor = 4
	firstNetwork = 16
)

// visitor is what one has in a room, by the network that it came from.
type visitor struct {
	parts  []part // the oldest first
	one    [1]part
	events int
	behind int      // of these, such as do not go first
	taken  int      // of those that do, how many were taken from the queue
	known  bool     // see Asked
	next   *visitor // of those to be used again
}

// part is what a visitor has from one network.
type part struct {
	net    *network // nil: from none
	events int
	has    int64
}

// network is what all visitors of one have.
type network struct {
	events int
	has    int64
}

// mostParts bounds the networks that one visitor is known by.
const mostParts = 16

// Asked is what somebody wants to have.
type Asked struct {
	Events int   // how many things it is
	Amount int64 // and how much of the room
	Used   int64 // how much of the room all have now
	Worth  int8  // 0 for what is usual, 1 for more, -1 for less
	// Queue says that others wait, and that they may go first.
	Queue bool
	// Known says that they did no harm before. They may have some that go first; others
	// may have nothing yet.
	Known bool
}

// Enter gives somebody what they ask for, if they may have it. With Queue, first says
// that it goes before what others have: they have nothing that does not, and little
// in all.
func (r *Room) Enter(w Who, a Asked) (first, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, net := r.visitors[w.Visitor], r.network(w.Network)
	if !r.may(v, net, a) {
		return false, false
	}
	first = a.Queue && w.Visitor != 0 && (v == nil || a.Known && v.behind == 0 && v.events+a.Events <= firstVisitor) && (net == nil || net.events < firstNetwork)
	r.give(w, a, first)
	return first, true
}

// Force gives somebody something in any case.
func (r *Room) Force(w Who, events int, amount int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.give(w, Asked{Events: events, Amount: amount}, false)
}

// may reports whether somebody may have so much more.
func (r *Room) may(v *visitor, net *network, a Asked) bool {
	var mine part
	if v != nil {
		mine = v.from(net)
	}
	most := max(r.Size/visitors, r.Least)
	if a.Used <= r.Size/2 {
		return mine.has == 0 || mine.has+a.Amount <= most
	}
	left := max(r.Size/10*(fullTenths+int64(a.Worth))-a.Used, 0)
	most = min(most, left/visitorSlope)
	aLittle := mine.events+a.Events <= few && mine.has+a.Amount <= r.Size/little
	if mine.has > 0 && !aLittle && mine.has+a.Amount > most {
		return false
	}
	return net == nil || net.has == 0 || net.has+a.Amount <= max(min(r.Size/networks, left*networkSlope), r.Size/little)
}

// from returns what a visitor has from a network.
func (v *visitor) from(net *network) part {
	for i := range v.parts {
		if v.parts[i].net == net {
			return v.parts[i]
		}
	}
	return part{}
}

// give notes that somebody has more. The lock is held.
func (r *Room) give(w Who, a Asked, first bool) {
	net := r.network(w.Network)
	if net != nil {
		net.events += a.Events
		net.has += a.Amount
	}
	if w.Visitor == 0 {
		return
	}
	v := r.visitors[w.Visitor]
	if v == nil {
		v = r.newVisitor()
		r.visitors[w.Visitor] = v
	}
	r.change(v, func() {
		v.known = v.known || a.Known
		v.events += a.Events
		if !first {
			v.behind += a.Events
		}
	})
	p := v.part(net)
	p.events += a.Events
	p.has += a.Amount
}

// part is where to note what a visitor has from a network.
func (v *visitor) part(net *network) *part {
	for i := range v.parts {
		if v.parts[i].net == net {
			return &v.parts[i]
		}
	}
	if len(v.parts) < mostParts {
		v.parts = append(v.parts, part{net: net})
	}
	return &v.parts[len(v.parts)-1]
}

// network returns the network of a name, nil for no name. The lock is held.
func (r *Room) network(name uint64) *network {
	if name == 0 {
		return nil
	}
	r.networks.weight = func(n *network) int64 { return n.has }
	return r.networks.meet(&r.mu, name, network{})
}

// newVisitor makes a visitor. The lock is held.
func (r *Room) newVisitor() *visitor {
	if r.visitors == nil {
		r.visitors = make(map[uint64]*visitor)
	}
	if len(r.visitors) >= known {
		name := least(r.visitors, func(v *visitor) int64 { return int64(v.events) })
		r.drop(name, r.visitors[name])
	}
	v := r.spare
	if v == nil {
		v = new(visitor)
	} else {
		r.spare, v.next = v.next, nil
		r.spares--
	}
	v.parts = v.one[:0]
	return v
}

// drop forgets a visitor, and what they have counts for nobody any more. The lock is
// held.
func (r *Room) drop(name uint64, v *visitor) {
	delete(r.visitors, name)
	r.change(v, func() { v.events, v.behind = 0, 0 })
	for i := range v.parts {
		if p := &v.parts[i]; p.net != nil {
			p.net.events -= p.events
			p.net.has -= p.has
		}
	}
	*v = visitor{}
	if r.spares < keptSpares {
		v.next = r.spare
		r.spare = v
		r.spares++
	}
}

// Leave takes back what somebody got. first is what Enter said of it.
func (r *Room) Leave(w Who, first bool, events int, amount int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	net := r.networks.get(w.Network)
	v := r.visitors[w.Visitor]
	if v == nil {
		if w.Visitor == 0 && net != nil {
			net.leave(events, amount)
		}
		return
	}
	for i := range v.parts {
		if v.parts[i].net == net {
			r.take(w, v, i, Asked{Events: events, Amount: amount}, first)
			return
		}
	}
	if len(v.parts) > 0 { // their network was forgotten
		r.take(w, v, 0, Asked{Events: events, Amount: amount}, first)
	}
}

// Settle takes back what a visitor got first, whatever network it came from. first is
// what Enter said of it.
func (r *Room) Settle(name uint64, first bool, events int, amount int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.visitors[name]
	if v == nil || len(v.parts) == 0 {
		return
	}
	if first {
		r.change(v, func() { v.taken = max(v.taken-events, 0) })
	}
	r.take(Who{Visitor: name}, v, 0, Asked{Events: events, Amount: amount}, first)
}

// take takes from a part of what a visitor has. The lock is held.
func (r *Room) take(w Who, v *visitor, i int, a Asked, first bool) {
	p := &v.parts[i]
	events, amount := min(a.Events, p.events), min(a.Amount, p.has)
	r.change(v, func() {
		v.events -= events
		if !first {
			v.behind = max(v.behind-events, 0)
		}
	})
	p.events -= events
	p.has -= amount
	if p.net != nil {
		p.net.events -= events
		p.net.has -= amount
	}
	if p.events == 0 {
		if p.net != nil {
			p.net.has -= p.has
		}
		v.parts = append(v.parts[:i], v.parts[i+1:]...)
	}
	if v.events == 0 {
		r.drop(w.Visitor, v)
	}
}

// leave takes back what somebody unknown had.
func (n *network) leave(events int, amount int64) {
	n.events = max(n.events-events, 0)
	n.has = max(n.has-amount, 0)
}

// Close forgets all networks.
func (r *Room) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.networks.close()
}
