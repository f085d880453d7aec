package fair

import (
	"sync"
	"sync/atomic"
	"time"
)

// doubts are what was forgotten too early, for as long as that matters. They are kept as a
// Bloom filter (https://doi.org/10.1145/362686.362692), so that there is room for very many.
// If a million were forgotten, one in four hundred others is in doubt with them. A million is
// as much as one network has room for. If a network has more, everything of it is in doubt.
// They are safe for concurrent use.
type doubts struct {
	any atomic.Bool

	mu          sync.Mutex
	since       time.Time
	now, before *doubtful
}

// doubtful are those of one lifetime.
type doubtful struct {
	bits     [doubtBits / 64]uint64
	networks map[uint32]int // how many each network has
}

const (
	doubtBits        = 1 << 24
	doubtProbes      = 4
	doubtsPerNetwork = 1 << 20
)

// add says that something was forgotten, of a network; 0 is none.
func (d *doubts) add(life time.Duration, name uint64, network uint32) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn(life)
	d.any.Store(true)
	if d.now == nil {
		d.now = &doubtful{networks: make(map[uint32]int)}
	}
	if n, met := d.now.networks[network]; network != 0 && (met || len(d.now.networks) < known) {
		if n >= doubtsPerNetwork {
			return
		}
		d.now.networks[network] = n + 1
	}
	for i := range uint64(doubtProbes) {
		at := probe(name, i)
		d.now.bits[at/64] |= 1 << (at % 64)
	}
}

// has reports whether something may be among them that a network asks for.
func (d *doubts) has(life time.Duration, name uint64, network uint32) bool {
	if !d.any.Load() {
		return false // the usual case
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.turn(life)
	return d.now.has(name, network) || d.before.has(name, network)
}

func (f *doubtful) has(name uint64, network uint32) bool {
	if f == nil {
		return false
	}
	if network != 0 && f.networks[network] >= doubtsPerNetwork {
		return true
	}
	for i := range uint64(doubtProbes) {
		if at := probe(name, i); f.bits[at/64]&(1<<(at%64)) == 0 {
			return false
		}
	}
	return true
}

// probe is the place of one of the bits of a name.
func probe(name, i uint64) uint64 {
	mixed := (name + 1) * 0x9e3779b97f4a7c15
	return (mixed>>40 + i*(mixed>>8|1)) % doubtBits
}

// turn forgets what is old enough. The lock is held.
func (d *doubts) turn(life time.Duration) {
	switch age := time.Since(d.since); {
	case age >= 2*life:
		d.now, d.before, d.since = nil, nil, time.Now()
	case age >= life:
		d.now, d.before, d.since = nil, d.now, time.Now()
	default:
		return
	}
	d.any.Store(d.before != nil)
}
