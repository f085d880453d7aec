package goaltrack

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

// The log must not be silent. A site on which nothing counts looks like one on which nothing
// happens. So the log has a line at the start, and a line for each minute in which
// something was decided. It has one for the first of each reason that usually is a
// fault of the set-up.

// logStart says how the tracker is set up.
func (t *Tracker) logStart() {
	c, rules, stats := &t.config, t.rules.Load(), t.sender.Stats()
	cdps := make([]string, 0, len(c.Sites))
	for _, s := range c.Sites {
		cdps = append(cdps, fmt.Sprintf("%s: %T", s.Name, s.CDP))
	}
	var q QueueState
	t.store.state(&q)
	attrs := []slog.Attr{
		slog.String("version", version()), slog.String("rules", rules.Hash()), slog.Int("goals", len(rules.Goals())),
		slog.Any("sites", cdps), slog.Bool("consent", c.Consent != nil), slog.String("level", string(q.Level)), slog.Int("waiting", stats.Waiting),
	}
	if q.Level != t.store.level {
		attrs = append(attrs, slog.String("level_asked_for", string(t.store.level)))
	}
	if stats.Waiting > 0 {
		attrs = append(attrs, slog.Duration("oldest", time.Since(stats.Oldest).Round(time.Second)))
	}
	if kept := t.keptAtRest(); kept != "" {
		attrs = append(attrs, slog.String("at_rest", kept))
	}
	c.Logger.LogAttrs(context.Background(), slog.LevelInfo, "goaltrack: started", attrs...)
}

// version is that of goaltrack in this program, "(devel)" if it is not a release.
func version() string {
	const path = "github.com/goaltrack/goaltrack"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if info.Main.Path == path {
		return info.Main.Version
	}
	for _, m := range info.Deps {
		if m.Path == path {
			return m.Version
		}
	}
	return "unknown"
}

// firsts are the reasons of which only the first is logged. Each has one line in the life
// of a tracker.
type firsts struct{ bot, insecure, domain, nothing, proxy atomic.Bool }

// log logs the first of a reason that usually says that something is set up wrong.
func (fs *firsts) log(f fate, log *slog.Logger) {
	first := func(done *atomic.Bool) bool { return !done.Load() && !done.Swap(true) }
	switch f {
	case fateBot:
		if first(&fs.bot) {
			log.Info("goaltrack: a request does not count, as its user agent is a machine's (bot): so are curl, monitors and headless browsers; Bots amends the list")
		}
	case fateInsecure:
		if first(&fs.insecure) {
			log.Warn("goaltrack: a goal does not count, as the browser would not keep the browser-ID cookie (insecure): serve the site over https, and let the proxy in front send X-Forwarded-Proto")
		}
	case fateCookieDomain:
		if first(&fs.domain) {
			log.Warn("goaltrack: a goal does not count, as the request's host is not within Cookie.Domain, so the browser would not keep the browser-ID cookie (cookie_domain): let the proxy in front keep Host, or send X-Forwarded-Host and name it in TrustedProxies")
		}
	case fateOf(rule.ReasonNothingWritten):
		if first(&fs.nothing) {
			log.Warn("goaltrack: a goal does not count, as its handler wrote nothing, and a middleware around goaltrack may have answered (nothing_written): see NothingWritten")
		}
	}
}

// logUnnamedProxy logs the first request that came from a proxy which TrustedProxies does not
// name: from a private address, or with a header that a proxy writes.
func (fs *firsts) logUnnamedProxy(r *http.Request, peer netip.Addr, log *slog.Logger) {
	if fs.proxy.Load() || r.RemoteAddr == "" { // nobody sent a request that was made by hand
		return
	}
	forwarded := len(r.Header["X-Forwarded-For"])+len(r.Header["Forwarded"]) > 0
	if !forwarded && !peer.IsPrivate() || fs.proxy.Swap(true) {
		return
	}
	log.Warn("goaltrack: requests come from a private address that TrustedProxies does not name; so one client is told from another by browser ID only, and not by address")
}

// summaries are written this often, if there is anything to say.
const summaryEvery = time.Minute

// summarize writes what was decided and what happened to events, once a minute.
func (t *Tracker) summarize(ctx context.Context) {
	ticker := time.NewTicker(summaryEvery)
	defer ticker.Stop()
	before, silence := t.minute(), silence{}
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if ctx.Err() != nil {
			return // both at once
		}
		t.budget.Look()
		now := t.minute()
		if attrs, level := now.since(before, t.sender.Stats()); len(attrs) > 0 {
			if silence.isNews(before, now) {
				level = slog.LevelWarn
			}
			t.config.Logger.LogAttrs(ctx, level, "goaltrack: the last minute", attrs...)
		}
		before = now
	}
}

// minute is what is counted at the end of a minute. What a line says of one is the
// difference between two.
type minute struct {
	Account
	notYetOnDisk, withoutID uint64
}

func (t *Tracker) minute() minute {
	return minute{t.account(), t.ledger.events.Notes()[deliver.NotYetOnDisk], t.withoutID.Load()}
}

// since are the attributes of the line about the time between two minutes, none if
// there is nothing to say.
func (m minute) since(before minute, now queue.Stats) (attrs []slog.Attr, level slog.Level) {
	decisions, fired := m.Decisions-before.Decisions, m.Fired-before.Fired
	accepted, delivered := m.Accepted-before.Accepted, m.Delivered-before.Delivered
	notFired, dead, dropped := since(m.NotFired, before.NotFired), since(m.Dead, before.Dead), since(m.Dropped, before.Dropped)
	notYetOnDisk, withoutID := m.notYetOnDisk-before.notYetOnDisk, m.withoutID-before.withoutID
	if decisions+accepted+delivered+notYetOnDisk == 0 && now.Waiting == 0 && len(dead)+len(dropped) == 0 {
		return nil, level
	}
	attrs = []slog.Attr{slog.Uint64("decisions", decisions), slog.Uint64("fired", fired)}
	if len(notFired) > 0 {
		attrs = append(attrs, byReason("not_fired", notFired))
	}
	attrs = append(attrs, slog.Uint64("accepted", accepted), slog.Uint64("delivered", delivered), slog.Int("waiting", now.Waiting))
	if now.Waiting > 0 {
		attrs = append(attrs, slog.Duration("oldest", time.Since(now.Oldest).Round(time.Second)))
	}
	if len(dead) > 0 {
		attrs, level = append(attrs, byReason("dead", dead)), slog.LevelWarn
	}
	if len(dropped) > 0 {
		attrs, level = append(attrs, byReason("dropped", dropped)), slog.LevelWarn
	}
	if notYetOnDisk > 0 { // answered before it was safe: the disk was too slow
		attrs, level = append(attrs, slog.Uint64(deliver.NotYetOnDisk, notYetOnDisk)), slog.LevelWarn
	}
	if withoutID > 0 {
		attrs = append(attrs, slog.Uint64("first_visits_without_id", withoutID))
	}
	if isTrouble(notFired) {
		level = slog.LevelWarn
	}
	return attrs, level
}

// silence is the time since a goal last fired: the reasons for which none has fired,
// each of which is told once. A quiet site at night would else have a warning a minute,
// and the one that matters would be lost among them.
type silence map[string]bool

// isNews reports whether nothing fired in a minute for a reason that is not told yet.
// It is no news that machines came, or somebody who is no visitor.
func (s silence) isNews(before, now minute) (news bool) {
	if now.Fired > before.Fired {
		clear(s)
		return false
	}
	if now.Held != before.Held {
		return false // the visitor may yet agree
	}
	for reason := range since(now.NotFired, before.NotFired) {
		if classNamed(reason) != ofNobody && !s[reason] {
			s[reason], news = true, true
		}
	}
	return news
}

// isTrouble reports whether the queue did not take an event: the other reasons not to
// count are no trouble of delivery.
func isTrouble(notFired map[string]uint64) bool {
	for reason := range notFired {
		if classNamed(reason) == ofQueue || reason == fateEventInvalid.String() {
			return true
		}
	}
	return false
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
