package queue

import "time"

// Letter is a dead letter: an item that was given up, with the reason and the time.
type Letter struct {
	Item
	Reason string    // as given to Delivery.Dead; a spool keeps the first 2 KiB
	Died   time.Time // when it was given up

	copyOf uint64 // of an item that was copied, the number before (spool_compact.go)
	erased bool   // its key, reason and body were overwritten (spool_erase.go)
	number uint64 // by which the engine finds the letter or the record again
}

// PrivateAge is how long an engine of this package keeps a dead letter with
// [Item.Private], if SpoolOptions say nothing else.
const PrivateAge = 72 * time.Hour

// LetterBox is an engine that keeps dead letters, shows them and takes them back.
// [Memory], [Spool] and [Standby] implement it. All methods are safe for concurrent use.
type LetterBox interface {
	// Letters returns the newest dead letters, the oldest of them first. An engine
	// may keep more than it returns.
	Letters() []Letter

	// Resend appends the item of every kept letter that choose wants, at its own
	// priority, and forgets the letter. It sets Item.Resent, and counts the item in
	// Stats.Recovered. It returns how many there were. It stops at the first that
	// Append would refuse and returns that error. No lock is held while choose is
	// called.
	Resend(choose func(Letter) bool) (n int, err error)
}
