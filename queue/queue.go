// Package queue keeps items between the request that made them and the worker that
// delivers them.
//
// A queue knows bytes, an order key, a priority and a time. What the bytes mean is the
// caller's business. There are three engines, and each implements [Queue], [Reserver],
// [LetterBox] and [NewestReceiver]:
//
//   - [Memory] keeps items in the process. A crash loses them.
//   - [Spool] keeps items in files of one machine. They survive the process.
//   - [Standby] is a Memory until a spool's directory is free, and that spool then.
//
// Other engines implement [Queue] and as many of the other interfaces as they can.
// Package queuetest tests them.
//
// # An item's life
//
// Append takes an item. Receive hands it out as a [Delivery]: the item and a ticket.
// Ack settles the item, and it is gone. Nack gives it back, and it is handed out again
// later. Dead gives it up, which settles it, too, and keeps a [Letter] about it, a dead
// letter. A receiver that does none of the three keeps the item until the process ends;
// a spool then delivers it again. So every item is delivered at least once, and possibly
// more than once.
//
// # Files
//
// queue.go, room.go and letters.go have what engines offer, and desk.go, with heap.go, what
// those of this package have in common. memory.go and standby.go are two of them. The third
// is read best in this order:
//
//   - spool.go opens and closes it; spool_process.go and holder.go say who has the directory
//   - spool_frame.go, spool_header.go and spool_segment.go are its files (docs/spool.md)
//   - spool_intake.go, spool_commit.go, spool_sync.go and spool_wait.go bring items to the disk
//   - spool_window.go, spool_reader.go, spool_newest.go, spool_behind.go and spool_pass.go bring
//     them back
//   - spool_acks.go and spool_letters.go end them
//   - spool_recover.go, spool_compact.go, spool_chores.go and spool_patience.go keep it going
//   - spool_erase.go and spool_inspect.go are for people; fs.go and its kin are the disk
package queue

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Queue is what every engine offers. All methods are safe for concurrent use.
type Queue interface {
	// Append takes all the items, or none of them. From then on the queue owns
	// their bodies: the caller must not change them.
	//
	// A nil error says that the items are taken and as safe as the engine makes
	// them. ErrNotYetOnDisk says that they are taken, too, but only in memory so
	// far. With any other error none is taken:
	//
	//   - ErrFull: one of them does not fit at its priority now.
	//   - ErrTooLarge: one of them can never fit.
	//   - ErrClosed: after Close.
	//   - ErrDiskFull or ErrDiskFailed: the disk of the engine cannot be written.
	//   - The error of ctx: it ended while the engine had to wait.
	//   - Any other error: the engine failed.
	//
	// Without items it takes nothing and returns nil.
	Append(ctx context.Context, items ...Item) error

	// Receive hands out at most n items and waits until there is at least one. A
	// number below one counts as one. Items that go First come before those that were
	// given back, and these before the others; within each kind the oldest comes
	// first. An item that is handed out is not handed out again until it is given back
	// with Nack.
	//
	// It returns the error of ctx when ctx ends, and ErrClosed after Close.
	Receive(ctx context.Context, n int) ([]Delivery, error)

	// Stats returns how much the queue holds. It never waits for a disk.
	Stats() Stats

	// Close makes Append and Receive return ErrClosed. An engine on a disk writes
	// what it has in memory. If ctx ends first, Close returns the error of ctx, and
	// the engine goes on by itself. What the engine cannot keep is lost with the
	// process and counted in Stats.Lost. Further calls do nothing new.
	Close(ctx context.Context) error
}

// NewestReceiver is an engine that can also be read from its newer end. Then many old
// items that cannot be delivered hide nothing new. [Memory], [Spool] and [Standby]
// implement it.
type NewestReceiver interface {
	// ReceiveNewest hands out at most n of the items that Receive could hand out
	// now, the newest first. It is as if Receive had handed them out: no other call
	// does until they are given back with Nack. It is safe for concurrent use.
	//
	// It does not wait for items. If there is none, or n is below one, it returns
	// none and no error. An engine on a disk may have to read; ctx bounds that. What
	// was handed out before ctx ended is returned without an error. After Close it
	// returns ErrClosed.
	ReceiveNewest(ctx context.Context, n int) ([]Delivery, error)
}

// The errors of Append, Receive and Reserve. Test for them with errors.Is.
var (
	// ErrFull says that there is no room at this priority now.
	ErrFull = errors.New("queue: full")

	// ErrTooLarge says that the item can never fit.
	ErrTooLarge = errors.New("queue: item too large")

	// ErrClosed says that the queue was closed.
	ErrClosed = errors.New("queue: closed")

	// ErrNotYetOnDisk says that the items were taken, but not written within the
	// time that Append waits. They will be delivered, unless the process ends
	// before they are written.
	ErrNotYetOnDisk = errors.New("queue: taken, but not yet on the disk")

	// ErrDiskFull says that the items were refused because the disk has no room.
	// It wraps ErrFull.
	ErrDiskFull = fmt.Errorf("%w: no space on the disk", ErrFull)

	// ErrDiskFailed says that the items were refused because the disk cannot be
	// written, for any other reason than a lack of room.
	ErrDiskFailed = errors.New("queue: the disk cannot be written")
)

// Item is one thing to deliver.
type Item struct {
	// Body is what to deliver. It may be empty.
	Body []byte

	// Key names what the item belongs to, for example a visitor. Items of one key
	// are to be delivered one after the other; the queue only keeps the key, and
	// the receiver keeps the order. It may be empty.
	Key string

	// Priority decides which items are refused first when the queue is nearly full.
	// Default: Normal.
	Priority Priority

	// Private says that the body is somebody's personal data. A dead letter of such an
	// item is kept for less long: see [PrivateAge]. Default: false.
	Private bool

	// Time is when the item came to be. Its age is counted from here.
	Time time.Time

	// Resent is when the item was last brought back from the dead letters, or could
	// first be sent if that was later than Time. It is zero if neither happened. A
	// reader that gives items up for their age must count from Resent, if it is
	// set. Otherwise an item brought back would be given up again at once.
	// [LetterBox] sets it.
	Resent time.Time

	// First asks for the item to be handed out before those that wait without it. An
	// engine need not do that; those of this package do. It is not kept on a disk:
	// after a restart, no item goes first. Items that do come in their own order.
	// Default: false.
	First bool

	// Room is a place reserved for the item, nil for none. If the item is larger
	// than its room, the rest needs space like any other item. A room that is used
	// up or released, or that belongs to another queue, counts as none.
	Room *Room
}

func (i *Item) size() int64 { return int64(len(i.Body) + len(i.Key)) }

// Priority says how much an item is worth to its owner. A queue never throws out what it
// has taken. So it refuses the less valuable items while there is still room for the
// others.
type Priority int8

// The priorities. Low is refused when the queue is 80 % full, Normal at 95 %, High at
// 100 %. A lower value than Low counts as Low, a higher one than High as High.
const (
	Low Priority = iota - 1
	Normal
	High
)

// share returns how much of the whole a priority may fill. It divides first: "no bound"
// may be written as the largest number there is.
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
	// Waiting is how many items are not settled, whether they are handed out or
	// not. Bytes is the size of their bodies and keys.
	Waiting int
	Bytes   int64

	// Full is which part of the queue's bound is held or promised with Reserve, by
	// items or by bytes, whichever is more. 1 is full, 0.9 leaves the last tenth. It
	// is above 1 if a spool found more than its options allow. It is 0 if the engine
	// does not tell.
	Full float64

	// Oldest is the Time of the oldest item that is not settled, zero if there is
	// none.
	Oldest time.Time

	// Last is the number of the newest item appended, counting from 1. Every item
	// up to the number Done is settled. The queue is empty when they are equal.
	Last, Done uint64

	// Dead is how many items were given up with Dead since the queue was opened.
	Dead uint64

	// Letters is how many dead letters are kept, if the engine is a [LetterBox].
	Letters int

	// Recovered is how many items came in by another way than Append since the
	// queue was opened: they were found on the disk, or resent.
	Recovered uint64

	// Damaged is how many items found on the disk turned out later to be
	// unreadable. What was appended and recovered is settled, damaged or waiting.
	Damaged uint64

	// Lost is 0 until Close. After it, Lost is how many of Waiting are lost with the
	// process: all of them in a memory queue, those never written in a spool.
	Lost int
}

// Delivery is an item handed out. The first call of Ack, Nack or Dead decides what
// becomes of it; further calls do nothing. All methods are safe for concurrent use.
type Delivery struct {
	Item
	ticket Ticket
}

// Ticket is an engine's side of a [Delivery]. Engines implement it, with the meaning of
// Delivery's methods; others have no use for it.
type Ticket interface {
	Ack()
	Nack(after time.Duration)
	Dead(reason string) bool
}

// OutOfOrder reports whether later items of the same key may have been handed out before
// this one, because the engine does not keep the item in its order any more. A [Spool] does
// not keep what it has left on the disk when much was given back. Engines say so with a
// method OutOfOrder of their tickets; without it the answer is false.
func (d Delivery) OutOfOrder() bool {
	t, ok := d.ticket.(interface{ OutOfOrder() bool })
	return ok && t.OutOfOrder()
}

// NewDelivery is for engines: it joins an item with the ticket that settles it.
func NewDelivery(item Item, ticket Ticket) Delivery { return Delivery{item, ticket} }

// Ack says that the item was delivered. It is settled, and not handed out again.
func (d Delivery) Ack() { d.ticket.Ack() }

// Nack gives the item back. It is handed out again, but not before the time after has
// passed; zero or less is at once.
func (d Delivery) Nack(after time.Duration) { d.ticket.Nack(after) }

// Dead gives the item up. It is settled, and the engine keeps a dead letter with the
// reason, if it is a [LetterBox]. Dead reports false if the engine cannot keep the
// letter now: then nothing has happened, and the caller tries again later.
func (d Delivery) Dead(reason string) bool { return d.ticket.Dead(reason) }
