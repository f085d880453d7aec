package tap

import "sync/atomic"

// Budget bounds what several Body values hold at once. It is safe for
// concurrent use.
type Budget struct {
	Limit int64 // in bytes; to be set before it is used
	held  atomic.Int64
}

// take reserves n bytes, or none if there is no room for all.
func (b *Budget) take(n int) bool {
	for {
		held := b.held.Load()
		if held+int64(n) > b.Limit {
			return false
		}
		if b.held.CompareAndSwap(held, held+int64(n)) {
			return true
		}
	}
}

// give returns n bytes that take reserved.
func (b *Budget) give(n int) { b.held.Add(-int64(n)) }

// Held returns how many bytes are held now.
func (b *Budget) Held() int64 { return b.held.Load() }
