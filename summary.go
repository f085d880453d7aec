package goaltrack

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/internal/deliver"
)

// summaries are written this often, if there is anything to say.
const summaryEvery = time.Minute

// summarize writes what happened to events, once a minute. What it says
// of one minute is the difference between two accounts.
func (t *Tracker) summarize(ctx context.Context) {
	ticker := time.NewTicker(summaryEvery)
	defer ticker.Stop()
	before, lateBefore := t.account(), t.ledger.events.Notes()[deliver.NotYetOnDisk]
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if ctx.Err() != nil {
			return // both at once
		}
		now, stats := t.account(), t.sender.Stats()
		delivered := now.Delivered - before.Delivered
		refused, dead := since(unqueued(now.NotFired), before.NotFired), since(now.Dead, before.Dead)
		late := t.ledger.events.Notes()[deliver.NotYetOnDisk]
		notYetOnDisk := late - lateBefore
		before, lateBefore = now, late
		if delivered == 0 && stats.Waiting == 0 && len(refused)+len(dead) == 0 && notYetOnDisk == 0 {
			continue
		}
		attrs := []slog.Attr{slog.Uint64("delivered", delivered), slog.Int("waiting", stats.Waiting)}
		if stats.Waiting > 0 {
			attrs = append(attrs, slog.Duration("oldest", time.Since(stats.Oldest).Round(time.Second)))
		}
		level := slog.LevelInfo
		if len(refused)+len(dead) > 0 {
			level = slog.LevelWarn
			attrs = append(attrs, byReason("refused", refused), byReason("dead", dead))
		}
		if notYetOnDisk > 0 { // answered before it was safe: the disk was too slow
			level = slog.LevelWarn
			attrs = append(attrs, slog.Uint64(deliver.NotYetOnDisk, notYetOnDisk))
		}
		t.config.Logger.LogAttrs(ctx, level, "goaltrack: the last minute", attrs...)
	}
}

// unqueued leaves the events that the queue did not take: the other reasons not
// to count are no trouble of delivery.
func unqueued(notFired map[string]uint64) map[string]uint64 {
	left := make(map[string]uint64)
	for _, f := range [...]fate{fateEventInvalid, fateQueueFull, fateDiskFull, fateDiskFailed, fateClosed} {
		if n := notFired[f.String()]; n > 0 {
			left[f.String()] = n
		}
	}
	return left
}

// since returns what has been added to counts.
func since(now, before map[string]uint64) map[string]uint64 {
	added := make(map[string]uint64)
	for reason, n := range now {
		if d := n - before[reason]; d > 0 {
			added[reason] = d
		}
	}
	return added
}

// byReason makes a group of counts, empty ones of which slog leaves out.
func byReason(name string, counts map[string]uint64) slog.Attr {
	group := make([]slog.Attr, 0, len(counts))
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		group = append(group, slog.Uint64(reason, counts[reason]))
	}
	return slog.GroupAttrs(name, group...)
}
