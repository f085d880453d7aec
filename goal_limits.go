package goaltrack

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // time zones by name, on machines that have none installed
)

// The values of status:.
const (
	statusLive   = "live"
	statusDraft  = "draft"
	statusPaused = "paused"
)

// limits is when and where a goal counts.
type limits struct {
	from, until time.Time // until is exclusive; zero: no limit
	hosts       []string
	dropLate    bool
}

func (l *limits) judge(x *exchange, now time.Time) fate {
	if now.IsZero() && (!l.from.IsZero() || !l.until.IsZero()) {
		now = time.Now()
	}
	switch {
	case !l.from.IsZero() && now.Before(l.from), !l.until.IsZero() && !now.Before(l.until):
		return fateNotNow
	case len(l.hosts) > 0 && (!x.blind || x.host != "") && !x.nobody && !hostIn(l.hosts, hostOnly(x.host)):
		return fateOtherHost
	}
	return fired
}

// hostIn reports whether host is one of the hosts, of which *.x stands for all
// that end in .x.
func hostIn(hosts []string, host string) bool {
	return slices.ContainsFunc(hosts, func(h string) bool {
		if suffix, ok := strings.CutPrefix(h, "*"); ok {
			return len(host) > len(suffix) && strings.EqualFold(host[len(host)-len(suffix):], suffix)
		}
		return strings.EqualFold(h, host)
	})
}

// validHost reports whether h may stand in a list of hosts.
func validHost(h string) bool {
	return h != "" && !strings.ContainsAny(h, "/: ") && !strings.Contains(strings.TrimPrefix(h, "*."), "*")
}

func (g *goal) compileLimits(f *faults) {
	oneOf := func(key, v string, allowed ...string) {
		if v != "" && !slices.Contains(allowed, v) {
			f.hint(key, fmt.Sprintf("%s: %q is not understood", key, v), strings.Join(allowed, ", "))
		}
	}
	oneOf("status", g.Status, statusLive, statusDraft, statusPaused)
	oneOf("consent", g.Consent, "required", "analytics", "marketing", "not-needed")
	oneOf("late", g.Late, "send", "drop")
	g.limits.dropLate = g.Late == "drop"
	for _, h := range g.Hosts {
		if !validHost(h) {
			f.hint("hosts", fmt.Sprintf("%q is not a host name", h), "for example shop.example or *.shop.example")
		}
	}
	g.limits.hosts = g.Hosts
	g.compileTimes(f)
	g.checkCount(f)
	g.checkAfter(f)
	if g.Consent != "" {
		f.warn("consent", "consent: is checked and has no effect yet", "all goals need the consent that the site's reader gives")
	}
}

func (g *goal) compileTimes(f *faults) {
	zone := time.UTC
	if g.Timezone != "" {
		var err error
		if zone, err = time.LoadLocation(g.Timezone); err != nil || g.Timezone == "Local" {
			f.hint("timezone", fmt.Sprintf("timezone: %q is not known", g.Timezone), "for example Europe/Berlin")
			return
		}
	}
	parse := func(key, text string) (t time.Time, isDay bool) {
		if text == "" {
			return t, false
		}
		for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", time.RFC3339, time.DateOnly} {
			if t, err := time.ParseInLocation(layout, text, zone); err == nil {
				return t, layout == time.DateOnly
			}
		}
		f.hint(key, fmt.Sprintf("%s: %q is no date", key, text), "2026-12-01 or 2026-12-01 18:00")
		return t, false
	}
	g.limits.from, _ = parse("from", g.From)
	until, isDay := parse("until", g.Until)
	if isDay {
		until = until.AddDate(0, 0, 1)
	}
	g.limits.until = until
	if !until.IsZero() && !g.limits.from.Before(until) {
		f.hint("until", "until: lies before from:, so the goal never counts", "")
	}
}

// checkCount reads "every", "once per session", "once per day for $form.email"
// and "once per $redirect.orderId".
func (g *goal) checkCount(f *faults) {
	if g.Count == "" || g.Count == "every" {
		return
	}
	rest, ok := strings.CutPrefix(g.Count, "once per ")
	scope, key, hasKey := strings.Cut(rest, " for ")
	if strings.HasPrefix(rest, "$") {
		scope, key, hasKey = "visitor", rest, true
	}
	if !ok || !slices.Contains([]string{"session", "visitor", "day"}, scope) {
		f.hint("count", fmt.Sprintf("count: %q is not understood", g.Count), "every, once per session, once per visitor or once per day, perhaps with for $source")
		return
	}
	if hasKey {
		s, err := parseSource(key)
		if err == nil && s.kind == sourceLiteral {
			err = fmt.Errorf("count: %q is not a $source", key)
		}
		if err != nil {
			f.add("count", err)
			return
		}
		g.reads("count", &s, f)
	}
	f.warn("count", fmt.Sprintf("count: %s is checked and has no effect yet", g.Count), "the goal counts every time")
}

func (g *goal) checkAfter(f *faults) {
	if g.Within != "" {
		if d, err := time.ParseDuration(g.Within); err != nil || d <= 0 {
			f.hint("within", fmt.Sprintf("within: %q is not a time", g.Within), "for example 30m or 2h")
		}
		if len(g.After) == 0 {
			f.hint("within", "within: is for after: only", "")
		}
	}
	if len(g.After) > 0 {
		f.warn("after", "after: is checked and has no effect yet", "the goal counts without the others")
	}
}
