package idpool

import (
	"fmt"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/backoff"
)

// fill starts as many requests as there are IDs missing. The lock is held.
func (p *Pool) fill() {
	now := time.Now()
	flights := Flights
	if p.failures > 0 {
		flights = 1 // until the CDP makes one again
	}
	for !p.closed && len(p.ready)+p.inFlight < max(p.target, len(p.waiting)) && p.inFlight < flights {
		if wait := p.pause.Sub(now); wait > 0 {
			p.wakeIn(wait)
			return
		}
		reserve := visitReserve
		if len(p.ready)+p.inFlight < forForms {
			reserve = 0
		}
		if !p.budget.take(reserve) {
			p.note("id_limited")
			p.limited.Happens()
			p.wakeIn(p.budget.wait(reserve))
			return
		}
		p.inFlight++
		p.flying.Go(p.make)
	}
	if !p.closed && len(p.ready) > 0 {
		p.wakeIn(min(lullEvery, p.maxAge))
	}
}

// wakeIn makes the pool look again after d. The lock is held.
func (p *Pool) wakeIn(d time.Duration) {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.timer = time.AfterFunc(d, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.expire(time.Now())
		p.fill()
	})
}

// createSafely turns a panic, which only an injected http.Client can cause, into
// an error: the pool's goroutines must not bring the site down.
func (p *Pool) createSafely() (b cdp.Browser, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return p.create(p.ctx)
}

func (p *Pool) make() {
	b, err := p.createSafely()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.inFlight--
	if p.closed {
		if err == nil && p.keeps {
			p.note("id_made")
			p.ready = append(p.ready, Unused{ID: b.ID, Guest: b.Guest, Made: time.Now()})
		}
		return
	}
	if err != nil {
		p.failed(err)
		p.answerWaiters("")
		p.warmed()
	} else {
		if p.failures > 0 {
			p.log.Info("goaltrack: the CDP makes browser IDs again")
		}
		p.failures, p.pause, p.vain = 0, time.Time{}, false
		p.made.add(b.ID, b.Guest)
		p.note("id_made")
		if !p.answerWaiters(b.ID) {
			p.ready = append(p.ready, Unused{ID: b.ID, Guest: b.Guest, Made: time.Now()})
		}
		if len(p.ready) >= p.first {
			p.warmed()
		}
	}
	p.fill()
}

// failed pauses the pool, longer after each failure. Requests that were under
// way together fail together and count as one failure. The lock is held.
func (p *Pool) failed(err error) {
	now := time.Now()
	if now.Before(p.pause) {
		return
	}
	if p.failures++; p.failures == 1 {
		p.log.Warn("goaltrack: the CDP makes no browser IDs; new visitors get none until it does", "error", err)
	}
	p.pause = now.Add(backoff.Jitter(time.Second, time.Minute, p.failures))
}
