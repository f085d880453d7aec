package live

import (
	"context"
	"errors"
	"time"
)

// MostFollowers is how many may follow a list at the same time.
const MostFollowers = 16

// LongestFollow is for how long one may follow before they have to ask again, so that
// whoever may not look any more does not go on.
const LongestFollow = 10 * time.Minute

// ErrTooMany is the error of a list that has [MostFollowers] already.
var ErrTooMany = errors.New("live: too many follow this list")

// The list is looked at that often, so nobody who reports has to wake anybody.
const (
	lookEvery       = time.Second
	lookEveryAtOnce = 200 * time.Millisecond
	quietAtMost     = 15 * time.Second
)

// Follow calls each with the decisions of a site that come after a number, as they may be
// shown. It calls it with none at least every 15 seconds, so that each finds out that
// nobody listens. A site "" is all of them. A number that this list does not have yet, as
// from before a restart, stands for 0. Follow returns nil when ctx ends, when the list is
// closed and after [LongestFollow]; else [ErrTooMany], or the error of each. It starts no
// goroutine.
func (l *List) Follow(ctx context.Context, site string, after uint64, each func([]Entry) error) error {
	if !l.enter() {
		return ErrTooMany
	}
	defer l.leave()
	ctx, cancel := context.WithTimeout(ctx, LongestFollow)
	defer cancel()
	after = l.known(after)
	every := lookEvery
	if l.delay == 0 {
		every = lookEveryAtOnce
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var told time.Time
	for {
		some := l.after(after, time.Now())
		if len(some) > 0 {
			after = some[len(some)-1].Number
		}
		full := len(some) == mostAtOnce
		if some = of(site, some); len(some) > 0 || time.Since(told) >= quietAtMost {
			if err := each(some); err != nil {
				return err
			}
			told = time.Now()
		}
		if full && ctx.Err() == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.closed:
			return nil
		case <-ticker.C:
		}
	}
}

// of leaves the decisions of a site.
func of(site string, all []Entry) []Entry {
	if site == "" {
		return all
	}
	list := all[:0]
	for _, e := range all {
		if e.Site == site {
			list = append(list, e)
		}
	}
	return list
}

// known is a number that the list has had, or else 0.
func (l *List) known(number uint64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if number > l.written {
		return 0
	}
	return number
}

func (l *List) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.followers == MostFollowers {
		return false
	}
	l.followers++
	return true
}

func (l *List) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.followers--
}
