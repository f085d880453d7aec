package goaltrack

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/atrest"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/queue"
)

// DeadLetter is an event that was given up and kept, so that somebody can see
// why and send it again. It holds nothing that a visitor wrote.
type DeadLetter struct {
	// Goal is the name of the goal, or VIEW, IDENTITY or relayed for an event that
	// no goal sends. Site is the name of the site.
	Goal string `json:"goal"`
	Site string `json:"site"`
	// Type is that of the event if it is not the goal's name, such as IDENTITY.
	Type string `json:"type,omitempty"`
	// Reason is one of those in Account.Dead.
	Reason string `json:"reason"`
	// Status is the CDP's answer for which the event was given up, 0 if there
	// was none. Explanation is what the CDP wrote about it, without the event's
	// values.
	Status      int    `json:"status,omitempty"`
	Explanation string `json:"explanation,omitempty"`
	// Happened is when the visitor did it. Died is when the event was given up.
	Happened time.Time `json:"happened"`
	Died     time.Time `json:"died"`
	// Browser is the beginning of the browser ID, "" if there was none.
	Browser string `json:"browser,omitempty"`
}

// DeadLetterOf explains a queue's letter, for programs that read a queue
// without a Tracker. An item that still waits may be put into a letter, too;
// then the fields about its end are empty. If goaltrack did not write the item,
// only the times and the reason are known.
func DeadLetterOf(l queue.Letter) DeadLetter {
	d := DeadLetter{Happened: l.Time, Died: l.Died}
	d.Reason, d.Status, d.Explanation = deliver.CutReason(l.Reason)
	if e, err := deliver.ParseEnvelope(l.Body); err == nil { // else the reason says so
		d.Goal, d.Site, d.Type, d.Browser = e.Goal, e.Site, e.EventType(), shortID(e.BrowserID())
		if d.Type == d.Goal {
			d.Type = ""
		}
		if e.Sealed() && !strings.HasPrefix(l.Key, requestKey) {
			d.Browser = shortID(l.Key)
		}
	}
	return d
}

// seal is what keeps people's data closed where events wait, nil without Keys. What is
// kept with the queue is kept by keys of its own, which are made of Keys.
func (c *Config) seal() (*deliver.Seal, error) {
	secrets := make([]atrest.Secret, len(c.Keys))
	for i, k := range c.Keys {
		secrets[i] = atrest.Secret(k)
	}
	return deliver.NewSeal(secrets...)
}

// keptAtRest says for the log what of people's data is kept outside of memory, for how long
// and whether somebody can read it. It is "" if nothing is.
func (t *Tracker) keptAtRest() string {
	_, inMemory := t.store.queue.(*queue.Memory)
	if inMemory {
		return ""
	}
	kept := fmt.Sprintf("events until they are delivered, for %v at most; dead letters with people's data for %v", t.config.Delivery.MaxAge, queue.PrivateAge)
	if t.atRest == nil {
		return "not sealed, for want of Keys: " + kept
	}
	return "people's data sealed: " + kept
}

// DeadLetters returns the newest events that were given up, oldest first. The
// queue in memory keeps the last 256. A spool keeps as many as fit beside what
// waits, for 30 days, and those with people's data for 72 hours. If
// Delivery.Queue is not a [queue.LetterBox], there are none.
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

// Resend queues again those dead letters for which choose returns true, and
// returns their number. An event that was resent counts as recovered. Its age
// begins anew, but it still says when it happened. It may again be sent as
// often as Delivery.UnknownAttempts allows. An event that died as "unknown" may
// count twice after Resend: remove duplicates by ext.eventId.
//
// choose may be called for letters that DeadLetters does not show. If it
// panics, that letter is not resent. Resend stops at the first event for which
// the queue has no room; the error is then ErrRefused. After Close the error is
// ErrRefused and ErrClosed. If the queue keeps no dead letters, it is
// [errors.ErrUnsupported].
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
