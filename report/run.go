package report

import (
	"context"
	"time"
)

// run counts what is reported, and adds it to the store once a second.
func (r *Recorder) run(ctx context.Context) {
	defer close(r.stopped)
	c := newCounter(&r.options, &r.spent)
	c.begin(ctx)
	flush, tidy := time.NewTicker(flushEvery), time.NewTicker(tidyEvery)
	defer flush.Stop()
	defer tidy.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
			r.drain(ctx, c)
		case <-flush.C:
			r.drain(ctx, c)
			_ = c.flush(ctx, false) // it is logged, and tried again
		case done := <-r.asked:
			r.drain(ctx, c)
			done <- c.flush(ctx, true)
		case <-tidy.C:
			c.tidy(ctx, time.Now())
		}
	}
}

// drain counts what was reported.
func (r *Recorder) drain(ctx context.Context, c *counter) {
	r.mu.Lock()
	facts, sites, rules, marks := r.facts, r.sites, r.rules, r.marks
	r.facts, r.rules, r.marks = r.spare[:0], nil, nil
	r.mu.Unlock()
	for _, changed := range rules {
		c.change(changed)
	}
	c.batch.Marks = append(c.batch.Marks, marks...)
	for c.read.rest = facts; len(c.read.rest) > 0; {
		f, at := c.read.fact()
		c.count(ctx, &sites[at], &f)
	}
	if n := r.lost.Swap(0); n > 0 {
		c.lose(n)
	}
	r.mu.Lock()
	r.spare = facts[:0]
	r.mu.Unlock()
}
