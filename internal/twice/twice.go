// Package twice finds what is told by two who do not know of each other, such as a server
// and a script in its page. Of the two, one counts.
package twice

import (
	"hash/maphash"
	"sync"
	"time"
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
	seed maphash.Seed

	mu   sync.Mutex
	told map[uint64]*told
	ring [size]uint64 // the keys in the order in which they came
	next int
}

// size bounds what is known.
const size = 1 << 14

// told is how often each of the two told something, and was not answered by the other.
type told struct {
	open [2]int
	at   [2]time.Time
}

// New returns a table that knows nothing.
func New() *Table { return &Table{seed: maphash.MakeSeed(), told: make(map[uint64]*told)} }

// Claim is something that one of the two tells. The zero Claim is nothing.
type Claim struct {
	table *Table
	key   uint64
	by    Teller
}

// Claim notes that somebody tells something, which the texts name. It is not ok if the
// other one has told it within d: what each of the two tells once answers what the other
// told once. A nil Table knows nothing.
func (t *Table) Claim(by Teller, d time.Duration, texts ...string) (c Claim, ok bool) {
	if t == nil {
		return Claim{}, true
	}
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, text := range texts {
		_, _ = h.WriteString(text) // it never fails
		_ = h.WriteByte(0)
	}
	key, now, other := h.Sum64(), time.Now(), 1-by
	t.mu.Lock()
	defer t.mu.Unlock()
	one := t.told[key]
	if one != nil && one.open[other] > 0 && now.Sub(one.at[other]) < d {
		one.open[other]--
		return Claim{}, false
	}
	if one == nil {
		delete(t.told, t.ring[t.next])
		t.ring[t.next] = key
		t.next = (t.next + 1) % size
		one = new(told)
		t.told[key] = one
	}
	if now.Sub(one.at[by]) >= d {
		one.open[by] = 0
	}
	one.open[by]++
	one.at[by] = now
	return Claim{t, key, by}, true
}

// Withdraw takes a claim back: it was not told after all.
func (c Claim) Withdraw() {
	if c.table == nil {
		return
	}
	c.table.mu.Lock()
	defer c.table.mu.Unlock()
	if one := c.table.told[c.key]; one != nil && one.open[c.by] > 0 {
		one.open[c.by]--
	}
}
