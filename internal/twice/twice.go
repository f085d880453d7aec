// Package twice finds what is told by two who do not know of each other, such as a server and
// a script in its page. One of the two counts.
package twice

import (
	"hash/maphash"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
)

// Teller is one of the two.
type Teller uint8

// The two.
const (
	Server Teller = iota
	Script
)

// Table knows what was told lately. All methods are safe for concurrent use. Make it with
// [New].
type Table struct {
	seed  maphash.Seed
	began time.Time
	told  fair.Slots[told]
}

// The bounds of what is known: 16,000 things, of which a visitor and a network have their
// share.
const (
	Most    = time.Hour // the longest time for which something may be known
	buckets = 1 << 11
)

// told is how often each of the two told something, and was not answered by the other.
type told struct {
	open [2]int32
	at   [2]time.Duration // since the table began
}

// New returns a table that knows nothing.
func New() *Table {
	return &Table{seed: maphash.MakeSeed(), began: time.Now(), told: fair.Slots[told]{Buckets: buckets, Life: Most, Step: Most / 200}}
}

// Claim is something that one of the two tells. The zero Claim is nothing.
type Claim struct {
	table         *Table
	visitor, what uint64
	by            Teller
}

// Claim notes that somebody tells something of a visitor, which the texts name. It is not ok
// if the other one has told it within d: what each of the two tells once answers what the
// other told once. A nil Table knows nothing.
func (t *Table) Claim(by Teller, d time.Duration, w fair.Who, texts ...string) (c Claim, ok bool) {
	if t == nil {
		return Claim{}, true
	}
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, text := range texts {
		_, _ = h.WriteString(text) // it never fails
		_ = h.WriteByte(0)
	}
	what, now, other := h.Sum64(), time.Since(t.began), 1-by
	seat := t.told.Go(w.Visitor, what)
	defer seat.Leave()
	slot := seat.Find()
	if slot != nil && slot.Is.open[other] > 0 && now-slot.Is.at[other] < d {
		slot.Is.open[other]--
		return Claim{}, false
	}
	if slot == nil {
		slot = seat.Put(w.Network)
	}
	seat.Touch(slot)
	one := &slot.Is
	if now-one.at[by] >= d {
		one.open[by] = 0
	}
	one.open[by]++
	one.at[by] = now
	return Claim{t, w.Visitor, what, by}, true
}

// Withdraw takes a claim back: it was not told after all.
func (c Claim) Withdraw() {
	if c.table == nil {
		return
	}
	seat := c.table.told.Go(c.visitor, c.what)
	defer seat.Leave()
	if slot := seat.Find(); slot != nil && slot.Is.open[c.by] > 0 {
		slot.Is.open[c.by]--
	}
}
