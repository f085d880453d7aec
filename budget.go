package goaltrack

import "sync/atomic"

// formBudget bounds what all tees of a tracker hold at once. It is safe for
// concurrent use.
type formBudget struct {
	limit int64 // in bytes; to be set before it is used
	held  atomic.Int64
}

// take reserves n bytes, all or nothing.
func (b *formBudget) take(n int) bool {
	for {
		held := b.held.Load()
		if held+int64(n) > b.limit {
			return false
		}
		if b.held.CompareAndSwap(held, held+int64(n)) {
			return true
		}
	}
}

// give returns n bytes taken before.
func (b *formBudget) give(n int) { b.held.Add(-int64(n)) }

// Held is how many bytes are held now.
func (b *formBudget) Held() int64 { return b.held.Load() }
