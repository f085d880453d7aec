package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// Sitecore's order definitions (https://www.sitecore.com/legal/order-definitions, version
// 2.4 of March 2025) count profiles that are created or updated in a month ("Monthly
// Tracked Users"). They also count requests to the stream API ("CDP Events", "Personalize
// Events").
// So browser IDs and requests are counted by day, and shown by month.

// Spending is what a contract with Sitecore counts.
type Spending struct {
	// IDsMade is how many browser IDs the CDP made: each is a profile there. IDsGiven is
	// how many of them were given to visitors or to their events. An ID that was made at
	// the end of a month may be given in the next.
	IDsMade  uint64 `json:"idsMade"`
	IDsGiven uint64 `json:"idsGiven"`
	// EventsSent is how many events were sent. EventsAgain is how many further requests
	// were made with one of them.
	EventsSent  uint64 `json:"eventsSent"`
	EventsAgain uint64 `json:"eventsAgain"`
}

// Requests is how many requests with events were made.
func (s Spending) Requests() uint64 { return s.EventsSent + s.EventsAgain }

// add adds a cost.
func (s *Spending) add(what string, n uint64) {
	switch what {
	case fact.IDMade:
		s.IDsMade += n
	case fact.IDGiven:
		s.IDsGiven += n
	case fact.EventSent:
		s.EventsSent += n
	case fact.EventAgain:
		s.EventsAgain += n
	}
}

// Month is what was spent in a month.
type Month struct {
	// Month is as in "2026-11", in the zone of each site.
	Month string `json:"month"`
	Spending
	// Sites are the parts of the sites, by name.
	Sites []SiteSpending `json:"sites"`
}

// SiteSpending is what one site spent.
type SiteSpending struct {
	Site string `json:"site"`
	Spending
}

// Months says what all sites spent in the months that a period touches, the newest first.
// A month without anything is not there.
func Months(ctx context.Context, s Store, from, to Day) ([]Month, error) {
	costs, err := s.Costs(ctx, from.month(), to.month().nextMonth()-1)
	if err != nil {
		return nil, err
	}
	months := map[Day]map[string]*Spending{}
	for i := range costs {
		c := &costs[i]
		sites := months[c.Day.month()]
		if sites == nil {
			sites = map[string]*Spending{}
			months[c.Day.month()] = sites
		}
		if sites[c.Site] == nil {
			sites[c.Site] = new(Spending)
		}
		sites[c.Site].add(c.What, c.N)
	}
	list := make([]Month, 0, len(months))
	for _, day := range slices.SortedFunc(maps.Keys(months), func(a, b Day) int { return cmp.Compare(b, a) }) {
		m := Month{Month: day.String()[:len("2006-01")]}
		for _, site := range slices.Sorted(maps.Keys(months[day])) {
			one := *months[day][site]
			m.Sites = append(m.Sites, SiteSpending{site, one})
			m.IDsMade, m.IDsGiven = m.IDsMade+one.IDsMade, m.IDsGiven+one.IDsGiven
			m.EventsSent, m.EventsAgain = m.EventsSent+one.EventsSent, m.EventsAgain+one.EventsAgain
		}
		list = append(list, m)
	}
	return list, nil
}

// spent is what this month has cost all who share the store. The counter writes it, and
// anybody may read it.
type spent struct {
	month       atomic.Int64 // its first day
	ids, events atomic.Uint64
}

// of makes it that of another month, if it is not.
func (s *spent) of(month Day) {
	if s.month.Swap(int64(month)) != int64(month) {
		s.ids.Store(0)
		s.events.Store(0)
	}
}

// add adds a cost of a month.
func (s *spent) add(k CostKey, n uint64) {
	if int64(k.Day.month()) != s.month.Load() {
		return
	}
	switch k.What {
	case fact.IDMade:
		s.ids.Add(n)
	case fact.EventSent, fact.EventAgain:
		s.events.Add(n)
	}
}

// Spent is how many browser IDs were made and how many requests with events were sent in
// this month, as far as the store says, and by this process. It is what a tracker's
// Config.Limits.Spent asks for. What other processes spent is at most a minute old. The
// month is that of UTC.
func (r *Recorder) Spent() (ids, events uint64) {
	if Day(r.spent.month.Load()) != DayOf(time.Now(), nil).month() { //nolint:gosec // It is a day.
		return 0, 0
	}
	return r.spent.ids.Load(), r.spent.events.Load()
}

// spend counts a cost.
func (c *counter) spend(k CostKey) {
	c.batch.Costs[k]++
	c.spent.of(DayOf(time.Now(), nil).month())
	c.spent.add(k, 1)
}

// readSpent learns what this month has cost, also by others.
func (c *counter) readSpent(ctx context.Context, now time.Time) {
	month := DayOf(now, nil).month()
	c.spent.of(month)
	costs, err := c.options.Store.Costs(ctx, month, month.nextMonth()-1)
	if err != nil {
		return // what was known goes on
	}
	var s spent
	s.of(month)
	for _, cost := range costs {
		s.add(cost.CostKey, cost.N)
	}
	for _, b := range []*Batch{c.batch, c.pending} { // which the store does not have yet
		if b != nil {
			for k, n := range b.Costs {
				s.add(k, n)
			}
		}
	}
	c.spent.ids.Store(s.ids.Load())
	c.spent.events.Store(s.events.Load())
}
