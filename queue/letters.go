package queue

import "time"

// Letter is a dead letter: an item given up, why and when.
type Letter struct {
	Item
	Reason string
	Died   time.Time

	number uint64 // the item's, by which its engine finds the letter again
}

// LetterBox is an engine that shows its dead letters and takes them back.
// [Memory] and the spool are. All methods are safe for concurrent use.
type LetterBox interface {
	// Letters returns the newest dead letters, oldest first. An engine may
	// keep more than it returns.
	Letters() []Letter

	// Resend appends every kept letter that choose wants as a new item, at its
	// own priority, and forgets the letter. It returns how many there were, and
	// stops at the first that Append would refuse. Each counts in
	// Stats.Recovered. choose is called without any lock held.
	Resend(choose func(Letter) bool) (n int, err error)
}
