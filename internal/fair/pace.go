package fair

import (
	"sync"
	"time"
)

// Pace shares out what is made at a rate, such as browser IDs. It knows what each network
// took lately, as if each had a quarter of the rate and of the burst for itself. All
// methods are safe for concurrent use. Make it with [NewPace].
type Pace struct {
	rate, burst float64 // of one network

	mu       sync.Mutex
	networks table[level]
}

// level is what a network has left of its quarter.
type level struct {
	left float64
	at   time.Time
}

// NewPace shares out a rate a second, with a burst.
func NewPace(rate float64, burst int) *Pace {
	p := &Pace{rate: rate / networks, burst: max(float64(burst)/networks, 1)}
	p.networks.weight = func(l *level) int64 {
		p.fill(l)
		return int64(p.burst - l.left)
	}
	return p
}

func (p *Pace) fill(l *level) {
	now := time.Now()
	l.left = min(p.burst, l.left+now.Sub(l.at).Seconds()*p.rate)
	l.at = now
}

// Take notes that somebody takes one. If there is little left for all, it reports
// whether their network has some of its quarter left, and takes nothing if not. Whoever
// comes from nowhere may always take one.
func (p *Pace) Take(network uint64, little bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.networks.meet(&p.mu, network, level{p.burst, time.Now()})
	if l == nil {
		return true
	}
	p.fill(l)
	if little && l.left < 1 {
		return false
	}
	l.left = max(l.left-1, 0)
	return true
}

// Close forgets all networks.
func (p *Pace) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.networks.close()
}
