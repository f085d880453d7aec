package deliver

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/queue"
)

// ErrGivenUp says that the context of whoever offers an event ended before the queue had it.
var ErrGivenUp = errors.New("goaltrack: given up before the queue had it")

// Offer puts events of one visitor into the queue, all or none, and waits for nobody
// else. The error is the queue's, ErrVisitorFull, or ErrGivenUp. a is for a request that waits for
// the fate of its events, else nil. network is where the request came from, or
// OfTheSite.
func (s *Sender) Offer(ctx context.Context, a *Awaited, network uint64, items ...queue.Item) error {
	if len(items) == 0 {
		return nil
	}
	if a == nil {
		return s.offer(ctx, network, items...)
	}
	s.waits.await(a, items)
	err := s.offer(ctx, network, items...)
	if err != nil {
		for _, n := range a.numbers[len(a.numbers)-len(items):] {
			s.waits.met(n)
		}
	}
	return err
}

// offer is Offer where nobody waits.
func (s *Sender) offer(ctx context.Context, network uint64, items ...queue.Item) error {
	err := s.take(ctx, network, items)
	if err != nil && ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
		return fmt.Errorf("%w: %w", ErrGivenUp, err)
	}
	return s.noteRefusal(err)
}

// noteRefusal notes why the queue did not take something, if that is to be told. What its disk
// has is told by the spool.
func (s *Sender) noteRefusal(err error) error {
	switch {
	case err == nil, errors.Is(err, queue.ErrClosed), errors.Is(err, queue.ErrTooLarge):
	case errors.Is(err, queue.ErrDiskFull), errors.Is(err, queue.ErrDiskFailed):
	case errors.Is(err, ErrVisitorFull):
		s.crowded.Happens()
	case errors.Is(err, queue.ErrFull):
		s.full.Happens()
	default:
		s.failed.Fails(err)
	}
	return err
}

// intake is the way into the queue. Once it is closed nobody enters any more, and Close waits
// for those who are within. It has no lock while they call the queue: whoever waits for a queue
// that hangs keeps nobody else waiting.
type intake struct {
	mu     sync.Mutex
	within int
	closed bool
	over   chan struct{} // closed when nobody is within, nor will be
}

// enter reports whether the queue may be called. Whoever entered leaves.
func (in *intake) enter() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.closed {
		in.within++
	}
	return !in.closed
}

func (in *intake) leave() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.within--; in.closed && in.within == 0 {
		close(in.over)
	}
}

// close lets nobody enter any more.
func (in *intake) close() {
	in.mu.Lock()
	defer in.mu.Unlock()
	if !in.closed && in.within == 0 {
		close(in.over)
	}
	in.closed = true
}

// take brings the items to the queue, if it takes any now.
func (s *Sender) take(ctx context.Context, network uint64, items []queue.Item) error {
	if !s.intake.enter() {
		return queue.ErrClosed
	}
	defer s.intake.leave()
	for i := range items {
		if items[i].Room == nil && s.keptForKnown(s.lineOf(&items[i]), items[i].Key) {
			return queue.ErrFull
		}
	}
	if err := s.shares.enter(s.queue, network, items, s.isKnown); err != nil {
		return err
	}
	s.enter(items)
	err := s.append(ctx, items)
	if errors.Is(err, queue.ErrNotYetOnDisk) {
		s.tally.note(NotYetOnDisk)
		s.early.Happens()
		err = nil
	}
	if err == nil {
		s.tally.accepted.Add(uint64(len(items)))
	} else {
		s.shares.leave(network, items)
		s.left(items[0].Key, len(items))
	}
	return err
}

func (s *Sender) append(ctx context.Context, items []queue.Item) error {
	if s.options.AppendWait <= 0 {
		return s.queue.Append(ctx, items...)
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.AppendWait)
	defer cancel()
	return s.queue.Append(ctx, items...)
}

// Reserve keeps a place in the queue for an event of so many bytes and of this line. Its
// visitor is known by the key of their events, and by the network they come from.
func (s *Sender) Reserve(ln *Line, key string, network uint64, p queue.Priority, bytes int) (*Place, error) {
	place, err := s.reserve(ln, key, network, p, bytes)
	return place, s.noteRefusal(err)
}

func (s *Sender) reserve(ln *Line, key string, network uint64, p queue.Priority, bytes int) (*Place, error) {
	if s.keptForKnown(ln, key) {
		return nil, queue.ErrFull
	}
	if !s.intake.enter() {
		return nil, queue.ErrClosed
	}
	defer s.intake.leave()
	q, ok := s.queue.(queue.Reserver)
	if !ok {
		return nil, nil //nolint:nilnil // No place is needed.
	}
	place, err := s.shares.keep(s.queue, fair.Who{Visitor: s.shares.names.Visitor(key), Network: network}, p, bytes)
	if err != nil {
		return nil, err
	}
	if place.room, err = q.Reserve(p, int64(bytes)); err != nil {
		place.Release()
		return nil, err
	}
	return place, nil
}

// keptForKnown reports whether an event must leave the last places of the queue
// to others. While the CDP refuses events, the last tenth is for visitors of
// whom an event was accepted before. Otherwise a queue full of unknown visitors
// and a line that sends one event at a time would block each other for good.
func (s *Sender) keptForKnown(ln *Line, id string) bool {
	if ln == nil || !ln.picky.Load() || ln.known.Has(id) {
		return false
	}
	return s.queue.Stats().Full >= 0.9
}

// isKnown reports whether an event of the visitor was accepted before.
func (s *Sender) isKnown(id string) bool {
	return slices.ContainsFunc(s.lines, func(ln *Line) bool { return ln.known.Has(id) })
}

// lineOf returns the line of an event. It returns nil if no event is refused
// anywhere, because the line does not matter then.
func (s *Sender) lineOf(i *queue.Item) *Line {
	for _, ln := range s.lines {
		if ln.picky.Load() {
			e, _ := ParseEnvelope(i.Body)
			return s.bySite[e.Site]
		}
	}
	return nil
}
