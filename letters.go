package goaltrack

import (
	"errors"
	"fmt"
	"time"

	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/queue"
)

// DeadLetter is an event that was given up and is kept, so that somebody can see
// why and have it sent again. It holds nothing a visitor wrote.
type DeadLetter struct {
	Goal string `json:"goal"`
	Site string `json:"site"`
	// Reason is one of those in Account.Dead.
	Reason string `json:"reason"`
	// Status is the CDP's answer that it was given up for, 0 if there is none;
	// Explanation is what the CDP wrote about it, without the event's values.
	Status      int    `json:"status,omitempty"`
	Explanation string `json:"explanation,omitempty"`
	// Happened is when the visitor did it, Died when the event was given up.
	Happened time.Time `json:"happened"`
	Died     time.Time `json:"died"`
	// Browser is the beginning of the browser ID, "" if there was none yet.
	Browser string `json:"browser,omitempty"`
}

// DeadLetterOf tells what a queue's letter is, for programs that look into a queue
// without a Tracker. Of an item that still waits, put into a letter, it tells what
// there is to tell; of one that goaltrack did not write, only the times and the
// reason.
func DeadLetterOf(l queue.Letter) DeadLetter {
	d := DeadLetter{Happened: l.Time, Died: l.Died}
	d.Reason, d.Status, d.Explanation = deliver.CutReason(l.Reason)
	if e, err := deliver.ParseEnvelope(l.Body); err == nil { // else the reason says so
		d.Goal, d.Site, d.Browser = e.Goal, e.Site, shortID(e.BrowserID())
	}
	return d
}

// DeadLetters returns the newest events that were given up, oldest first. In
// memory the last 256 are kept, in a spool as many as fit beside what waits, for
// 30 days. A queue of the configuration's own has none if it is no
// [queue.LetterBox].
func (t *Tracker) DeadLetters() []DeadLetter {
	if t.sender == nil {
		return nil
	}
	box, ok := t.store.queue.(queue.LetterBox)
	if !ok {
		return nil
	}
	kept := box.Letters()
	letters := make([]DeadLetter, 0, len(kept))
	for _, l := range kept {
		letters = append(letters, DeadLetterOf(l))
	}
	return letters
}

// Resend queues the dead letters that choose wants once more and returns how
// many there were. An event that was resent counts as recovered, is as young as
// if it had just happened (but says when it did), and may again be sent as often
// as Delivery.UnknownAttempts allows. Whoever resends an event that died as
// "unknown" may so have it counted twice: remove duplicates by ext.eventId.
//
// choose may be called for letters that DeadLetters does not show. If it panics,
// that letter is not wanted. It stops at the first event that the queue has no
// room for; the error is then ErrRefused, beside ErrClosed after Close.
func (t *Tracker) Resend(choose func(DeadLetter) bool) (int, error) {
	if t.sender == nil {
		return 0, nil
	}
	box, ok := t.store.queue.(queue.LetterBox)
	if !ok {
		return 0, fmt.Errorf("goaltrack: Resend: the queue keeps no dead letters: %w", errors.ErrUnsupported)
	}
	n, err := box.Resend(func(l queue.Letter) (wanted bool) {
		defer t.recovered("Resend", func() { wanted = false })
		return choose(DeadLetterOf(l))
	})
	switch {
	case errors.Is(err, queue.ErrClosed):
		err = fmt.Errorf("%w: %w", ErrRefused, ErrClosed)
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return n, err
}
