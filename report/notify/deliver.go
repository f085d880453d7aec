package notify

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack/internal/backoff"
	"github.com/goaltrack/goaltrack/internal/webhook"
	"github.com/goaltrack/goaltrack/queue"
)

// MaxAge is how long a message is tried.
const MaxAge = 72 * time.Hour

// How messages are delivered.
const (
	workers     = 4
	backoffBase = time.Second
	backoffMost = 5 * time.Minute
	deadWait    = time.Minute           // until a letter is tried again that could not be kept
	settleEvery = 10 * time.Millisecond // how often Close looks
)

// The reasons of letters.
const (
	reasonRefused = "notify_refused"
	reasonExpired = "notify_expired"
	reasonNoKey   = "key_unknown" // as for events
)

// work delivers messages, one after the other, until ctx ends or the queue is closed.
func (n *Notifier) work(ctx context.Context) {
	for n.pacing.wait(ctx) {
		list, err := n.queue.Receive(ctx, 1)
		if err != nil {
			return
		}
		for _, d := range list {
			n.deliver(ctx, d)
		}
	}
}

func (n *Notifier) deliver(ctx context.Context, d queue.Delivery) {
	if time.Since(d.Time) > MaxAge && (d.Resent.IsZero() || time.Since(d.Resent) > MaxAge) {
		n.bury(d, reasonExpired)
		return
	}
	text, err := n.keys.Load().Text(d.Body)
	if err != nil {
		n.options.Logger.Warn("goaltrack: a message about a goal cannot be read (key_unknown)", "error", err)
		n.bury(d, reasonNoKey)
		return
	}
	err = n.hook.Send(ctx, d.Key, text)
	refused, _ := errors.AsType[*webhook.Refused](err)
	switch {
	case err == nil:
		d.Ack()
		n.counts.delivered.Add(1)
		n.pacing.works()
	case ctx.Err() != nil:
		d.Nack(0)
	case refused != nil && refused.Final():
		n.options.Logger.Warn("goaltrack: a message about a goal is refused for good (notify_refused)", "to", n.hook.Host(), "error", err)
		n.bury(d, reasonRefused)
	default:
		var after time.Duration
		if refused != nil {
			after = refused.After
		}
		d.Nack(n.pacing.fails(err, after))
	}
}

func (n *Notifier) bury(d queue.Delivery, reason string) {
	if !d.Dead(reason) {
		d.Nack(deadWait)
		return
	}
	n.counts.dead.Add(1)
}

// pacing lets all workers wait while the receiver fails.
type pacing struct {
	log  *slog.Logger
	host string

	mu       sync.Mutex
	failures int
	until    time.Time
}

// wait waits until messages may be sent. It reports false if ctx ends.
func (p *pacing) wait(ctx context.Context) bool {
	p.mu.Lock()
	left := time.Until(p.until)
	p.mu.Unlock()
	if left <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// fails notes a failure, and returns how long to wait. What was under way at the same time
// counts as one failure.
func (p *pacing) fails(err error, after time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if now.Before(p.until) {
		return p.until.Sub(now)
	}
	if p.failures == 0 {
		p.log.Warn("goaltrack: messages about goals do not arrive, and wait", "to", p.host, "error", err)
	}
	p.failures++
	left := max(after, backoff.Jitter(backoffBase, backoffMost, p.failures))
	p.until = now.Add(left)
	return left
}

func (p *pacing) works() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failures > 0 {
		p.log.Info("goaltrack: messages about goals arrive again", "to", p.host)
	}
	p.failures, p.until = 0, time.Time{}
}

// settle waits until nothing waits any more, or ctx ends.
func (n *Notifier) settle(ctx context.Context) {
	select {
	case <-n.taken:
	case <-ctx.Done():
		return
	}
	ticker := time.NewTicker(settleEvery)
	defer ticker.Stop()
	for n.queue.Stats().Waiting > 0 {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
