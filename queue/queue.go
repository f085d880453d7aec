// Package queue keeps items between the request that made them and the worker
// that delivers them.
//
// A queue knows bytes, an order key, a priority and a time; what the bytes mean
// is the caller's business. [Memory] is the engine for one process; others
// implement [Queue], and may implement [Reserver], [LetterBox] and
// [NewestReceiver].
package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Queue is what every engine offers. All methods are safe for concurrent use.
type Queue interface {
	// Append takes all the items or none. It returns ErrFull when one of them
	// does not fit at its priority, ErrTooLarge when one can never fit,
	// ErrClosed after Close, or the error of ctx if the engine had to wait.
	// An engine on a disk may also say ErrDiskFull or ErrDiskFailed.
	// After nil the items are as safe as the engine makes them; after
	// ErrNotYetOnDisk, too, they are taken, but only in memory so far.
	// The queue owns the bodies from then on.
	Append(ctx context.Context, items ...Item) error

	// Receive hands out at most n items, those given back before new ones and
	// each oldest first, and waits until there is at least one. An item is
	// handed out once, until it is given back with Nack. It returns the error
	// of ctx when that ends, ErrClosed after Close.
	Receive(ctx context.Context, n int) ([]Delivery, error)

	// Stats tells how much the queue holds.
	Stats() Stats

	// Close stops Append and Receive. What an engine cannot keep is lost with
	// it, and still counted in Stats.
	Close(ctx context.Context) error
}

// NewestReceiver is an engine that can be read from its other end, so that
// nothing is hidden behind many old items that cannot be delivered. [Memory] and
// the spool are.
type NewestReceiver interface {
	// ReceiveNewest hands out at most n of the items that Receive could hand
	// out now, the newest first: of those that were never handed out and of
	// those given back whose time has come. It does not wait for items: if there
	// are none, or n is below one, it returns none and no error. An engine on a
	// disk may have to read; ctx bounds that, and what was handed out before it
	// ended is returned without an error. It returns ErrClosed after Close.
	//
	// What it hands out is as if Receive had: no other call hands it out until
	// it is given back with Nack.
	ReceiveNewest(ctx context.Context, n int) ([]Delivery, error)
}

// The errors of Append and Receive, to be tested with errors.Is.
var (
	ErrFull     = errors.New("queue: full")
	ErrTooLarge = errors.New("queue: item too large")
	ErrClosed   = errors.New("queue: closed")

	// ErrNotYetOnDisk says that the items were taken, and that they could not
	// be written within the time Append waits: they will be delivered, unless
	// the process ends before.
	ErrNotYetOnDisk = errors.New("queue: taken, but not yet on the disk")

	// ErrDiskFull says that the items were refused because the disk has no
	// room. It is an ErrFull to those who do not ask further.
	ErrDiskFull = fmt.Errorf("%w: no space on the disk", ErrFull)

	// ErrDiskFailed says that the items were refused because the disk cannot
	// be written for any other reason.
	ErrDiskFailed = errors.New("queue: the disk cannot be written")
)

// Item is one thing to deliver.
type Item struct {
	// Body is what to deliver.
	Body []byte
	// Key orders: items of one key are to be delivered one after the other.
	Key string
	// Priority decides who is refused first when the queue is nearly full.
	Priority Priority
	// Time is when the item came to be. Age is counted from it.
	Time time.Time
	// Resent is when the item was last brought back from the dead letters, or
	// could first be sent if that was later than Time; zero if neither. Set by
	// [LetterBox]; who gives items up for their age counts from here, else an
	// old one would die at once.
	Resent time.Time
	// Room is a place reserved for the item, nil if there is none. An item
	// larger than its room needs space for the rest; a room that is used up,
	// released or another queue's counts as none.
	Room *Room
}

func (i *Item) size() int64 { return int64(len(i.Body) + len(i.Key)) }

// Priority is an item's worth to its owner. A log cannot evict what it holds,
// so the less valuable are refused while there is still room for the others.
type Priority int8

// The priorities. Low is refused from 80 % full, Normal from 95 %, High at
// 100 %.
const (
	Low Priority = iota - 1
	Normal
	High
)

// share is how much of the whole a priority may fill. It divides first, since
// "no bound" may be written as the largest number there is.
func (p Priority) share(whole int64) int64 {
	percent := int64(95)
	switch {
	case p < Normal:
		percent = 80
	case p > Normal:
		return whole
	}
	return whole/100*percent + whole%100*percent/100
}

// Stats is a queue's state at one moment.
type Stats struct {
	// Waiting and Bytes count the items not settled yet, whether handed out or
	// not.
	Waiting int
	Bytes   int64
	// Full is how much of what the queue may hold it holds or has promised with
	// Reserve, by items or by bytes, whichever is more: 1 is full, 0.9 leaves
	// the last tenth, and more than 1 was found there by a queue opened with a
	// smaller bound. Zero if the engine does not tell.
	Full float64
	// Oldest is the time of the oldest of them, zero if there is none.
	Oldest time.Time
	// Last is the number of the newest item appended, counting from 1.
	// Every item up to the number Done is settled; the queue is empty when
	// they are equal.
	Last, Done uint64
	// Dead counts the items given up with Dead since the queue was opened.
	Dead uint64
	// Letters is how many dead letters are kept, by a [LetterBox].
	Letters int
	// Recovered counts the items that came in by another way than Append
	// since the queue was opened: found on the disk, or resent.
	Recovered uint64
	// Damaged counts those found on the disk that turned out to be unreadable
	// later. So what was appended and recovered is either settled, damaged or
	// waiting.
	Damaged uint64
	// Lost is, after Close, how many of Waiting are lost with the process: all
	// of them in a memory queue, those never written in one on a disk.
	Lost int
}

// Delivery is an item handed out. Exactly one of Ack, Nack and Dead settles or
// returns it; further calls do nothing.
type Delivery struct {
	Item
	ticket Ticket
}

// Ticket is an engine's side of a Delivery.
type Ticket interface {
	Ack()
	Nack(after time.Duration)
	Dead(reason string) bool
}

// NewDelivery is for engines: it joins an item with the ticket that settles it.
func NewDelivery(item Item, ticket Ticket) Delivery { return Delivery{item, ticket} }

// Ack says the item was delivered.
func (d Delivery) Ack() { d.ticket.Ack() }

// Nack gives the item back, to be handed out again no sooner than after.
func (d Delivery) Nack(after time.Duration) { d.ticket.Nack(after) }

// Dead gives the item up: it goes to the engine's dead letters with the reason.
// False says that the engine cannot keep the letter now: nothing happened, and
// the item is to be given up later.
func (d Delivery) Dead(reason string) bool { return d.ticket.Dead(reason) }
