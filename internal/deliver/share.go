package deliver

import (
	"fmt"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/queue"
)

// The share of the queue that a visitor and a network may have is by package fair. It
// also says which events go before what others have there: those of visitors of whom,
// and of whose network, little waits. So a flood delays itself.
//
// An example. Somebody sends forms as fast as they can, under a thousand browser IDs.
// Each ID gets its fortieth of the queue, and less when that fills. Then Ann
// sends a form. Nothing of her waits, so it gets a place, and it goes before the
// thousands that wait. The scheduler takes it from the queue at once, and a worker that
// becomes free takes it next. What does not go first still gets one send in sixteen.
//
// The order of a visitor's events stays: one goes first only if nothing of theirs waits
// that does not. Whoever comes back after a restart is not known, and may overtake what
// the process before has left.

// ErrVisitorFull says that a visitor, or their network, has too much in the queue. It is
// a queue.ErrFull, too.
var ErrVisitorFull = fmt.Errorf("%w: too much of this visitor waits", queue.ErrFull)

// OfTheSite is the network of events that the site itself sends, which no share bounds.
const OfTheSite = ^uint64(0)

// shares shares the queue out.
type shares struct {
	off    bool // nothing is known of the queue, and others may take from it
	names  *fair.Names
	room   fair.Room
	events int64 // what an event is at least of the room
	bytes  int64 // of the whole, 0 if that is not known
}

const (
	// wholeQueue is the room of a queue, whatever bounds it.
	wholeQueue = 1 << 30
	// leastEvents is how many events a visitor may have in a queue that is at most half
	// full, even if that is more than a fortieth of it. As many can be in the window.
	leastEvents = maxLane
	// firstOf is how many events must wait before one goes first.
	firstOf = 64
	// strangersFirst is how many events may go first before only those do whose visitor
	// was accepted before. Otherwise made-up browser IDs, with one event each, would
	// keep the others waiting for good.
	strangersFirst = 1024
)

func (s *shares) init(o *Options, names *fair.Names) {
	if s.names = names; names == nil {
		s.names = fair.NewNames()
	}
	s.off = o.QueueEvents <= 0 && o.QueueBytes <= 0
	if s.bytes = o.QueueBytes; o.QueueEvents > 0 {
		s.events = max(wholeQueue/o.QueueEvents, 1)
	}
	s.room.Size, s.room.Least = wholeQueue, leastEvents*s.events
}

// amount is how much of the room something of so many bytes takes.
func (s *shares) amount(bytes int) int64 {
	n := max(s.events, 1)
	if s.bytes > 0 {
		n = max(n, int64(float64(bytes)*wholeQueue/float64(s.bytes)))
	}
	return n
}

func (s *shares) sizeOf(i *queue.Item) int64 { return s.amount(len(i.Body) + len(i.Key)) }

// enter asks for the places of items, which are one visitor's. If a place was kept for
// all of them, they have it.
func (s *shares) enter(q queue.Queue, network uint64, items []queue.Item, isKnown func(id string) bool) error {
	if s.off {
		return nil
	}
	var all int64
	kept := true
	for i := range items {
		all += s.sizeOf(&items[i])
		kept = kept && items[i].Room != nil
	}
	who := fair.Who{Visitor: s.names.Visitor(items[0].Key), Network: network}
	if network == OfTheSite {
		who.Network = 0
	}
	stats := q.Stats()
	if kept || network == OfTheSite {
		s.room.Force(who, len(items), all)
		return nil
	}
	asked := fair.Asked{Events: len(items), Amount: all, Used: int64(stats.Full * wholeQueue), Worth: worth(items[len(items)-1].Priority)}
	if stats.Waiting >= firstOf {
		asked.Known = isKnown(items[0].Key)
		asked.Queue = asked.Known || s.room.Ahead() < strangersFirst
	}
	first, ok := s.room.Enter(who, asked)
	if !ok {
		return ErrVisitorFull
	}
	for i := range items {
		items[i].First = first
	}
	return nil
}

// leave takes back the places of items that were not taken.
func (s *shares) leave(network uint64, items []queue.Item) {
	if s.off {
		return
	}
	who := fair.Who{Visitor: s.names.Visitor(items[0].Key), Network: network}
	for i := range items {
		s.room.Leave(who, items[i].First, 1, s.sizeOf(&items[i]))
	}
}

// settled takes back the place of an item that has met its fate.
func (s *shares) settled(i *queue.Item) {
	if s.off {
		return
	}
	s.room.Settle(s.names.Visitor(i.Key), i.First, 1, s.sizeOf(i))
}

// taken notes that the scheduler has an item, or has given it back if n is -1.
func (s *shares) taken(i *queue.Item, n int) {
	if i.First && !s.off {
		s.room.Taken(s.names.Visitor(i.Key), n)
	}
}

// goesFirst reports whether an item that was to go first still does: a visitor who has too
// much that does not is a flood.
func (s *shares) goesFirst(i *queue.Item) bool {
	return i.First && (s.off || s.room.GoesFirst(s.names.Visitor(i.Key)))
}

// Place is a place that is kept in the queue for an event of a visitor. Release gives it
// back; it may be called on nil and more than once, by one goroutine at a time.
type Place struct {
	room   *queue.Room // nil if the queue keeps none
	shares *shares
	who    fair.Who
	amount int64
}

// Room is the place in the queue.
func (p *Place) Room() *queue.Room {
	if p == nil {
		return nil
	}
	return p.room
}

// Release gives the place back, if it was not used up.
func (p *Place) Release() {
	if p == nil {
		return
	}
	p.room.Release()
	if p.shares != nil {
		p.shares.room.Leave(p.who, false, 1, p.amount)
		p.shares = nil
	}
}

// worth is what a priority means for the share of a visitor. A queue keeps places for goals
// with a value, and the same visitors' page views do not use them up.
func worth(p queue.Priority) int8 { return int8(min(max(p, queue.Low), queue.High)) }

// keep asks for a place of so many bytes.
func (s *shares) keep(q queue.Queue, who fair.Who, p queue.Priority, bytes int) (*Place, error) {
	if s.off {
		return new(Place), nil
	}
	place := &Place{shares: s, who: who, amount: s.amount(bytes)}
	if _, ok := s.room.Enter(who, fair.Asked{Events: 1, Amount: place.amount, Used: int64(q.Stats().Full * wholeQueue), Worth: worth(p)}); !ok {
		return nil, ErrVisitorFull
	}
	return place, nil
}
