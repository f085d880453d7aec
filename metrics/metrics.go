// Package metrics shows what a tracker decides and delivers as metrics in the text format
// of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/). It needs
// no library for that. contrib has what connects goaltrack to other libraries.
//
//	m := metrics.New(metrics.Options{})
//	tracker, err := goaltrack.New(goaltrack.Config{Report: m, ...})
//	...
//	m.Watch(tracker.Snapshot)
//	http.Handle("/metrics", m)
//
// Labels are names that settings and rules give: sites, goals, reasons. No page, no
// address and no browser is one, so the number of series is bounded by the settings.
package metrics

import (
	"bytes"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/fact"
)

// Options are what metrics are made of. The zero value is of use.
type Options struct {
	// Next is told every fact, too, such as a report's recorder. nil is nobody.
	Next fact.Sink
	// Version is the program's version, for goaltrack_build_info. "" is "unknown".
	Version string
	// Lost returns how many facts a report has lost. nil leaves that metric out.
	Lost func() uint64
}

// Metrics counts facts, and shows these counts and a tracker's state. It is the
// [fact.Sink] for a tracker's Config.Report. Make one with [New]. All methods are safe for
// concurrent use, and none of them blocks for long.
type Metrics struct {
	options  Options
	snapshot atomic.Pointer[func() goaltrack.Snapshot]

	mu        sync.Mutex
	decisions map[decision]uint64
	worth     map[worth]int64
	visits    map[string]uint64
	near      map[string]uint64
	spent     map[spending]uint64
	fired     map[string]time.Time
	rules     fact.Fact // of the rules in force
}

// decision is a goal of a site, and what became of it.
type decision struct{ site, goal, fate string }

// spending is something that a contract counts, of a site.
type spending struct{ site, what string }

// worth is a goal of a site, and a currency.
type worth struct{ site, goal, currency string }

// mostSeries bounds each kind of series, in case that names are not bounded after all: a
// program may make sites and goals as it runs.
const mostSeries = 10_000

// New makes metrics that show nothing yet.
func New(o Options) *Metrics {
	if o.Version == "" {
		o.Version = "unknown"
	}
	return &Metrics{
		options: o, decisions: map[decision]uint64{}, worth: map[worth]int64{},
		visits: map[string]uint64{}, near: map[string]uint64{}, spent: map[spending]uint64{}, fired: map[string]time.Time{},
	}
}

// Watch says where the state of delivery comes from: a tracker's Snapshot. It may be called
// again, if another tracker takes the place of the first.
func (m *Metrics) Watch(snapshot func() goaltrack.Snapshot) { m.snapshot.Store(&snapshot) }

// Report implements [fact.Sink].
func (m *Metrics) Report(f fact.Fact) {
	m.count(&f)
	if m.options.Next != nil {
		m.options.Next.Report(f)
	}
}

func (m *Metrics) count(f *fact.Fact) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch f.Kind {
	case fact.RulesChanged:
		m.rules = *f
	case fact.Spent:
		add(m.spent, spending{f.Site, f.Reason}, 1)
	case fact.Visit:
		if f.Reason == fact.Fired {
			add(m.visits, f.Site, 1)
		}
	case fact.Decision:
		add(m.decisions, decision{f.Site, f.Goal, f.Reason}, 1)
		if f.NearMiss != "" {
			add(m.near, f.Goal, 1)
		}
		if f.Reason != fact.Fired {
			return
		}
		if f.Value.Known {
			add(m.worth, worth{f.Site, f.Goal, f.Value.Currency}, f.Value.Minor)
		}
		if f.Time.After(m.fired[f.Goal]) && (len(m.fired) < mostSeries || !m.fired[f.Goal].IsZero()) {
			m.fired[f.Goal] = f.Time
		}
	}
}

func add[K comparable, N uint64 | int64](counts map[K]N, key K, n N) {
	if _, known := counts[key]; known || len(counts) < mostSeries {
		counts[key] += n
	}
}

// ServeHTTP implements [http.Handler]: it writes all metrics, for GET and HEAD.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "metrics can be read alone", http.StatusMethodNotAllowed)
		return
	}
	var b bytes.Buffer
	families := m.Families()
	for i := range families {
		(&text{&b}).family(&families[i])
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes()) // the reader has gone
}

// Families are all metrics as they are now. They are the caller's.
func (m *Metrics) Families() []Family {
	var g gathered
	m.write(&g)
	return g.families
}

// write writes all families, in an order of their own.
func (m *Metrics) write(t *gathered) {
	t.family("build_info", gauge, "1, labelled with the version of the program.")
	t.sample("build_info", 1, "version", m.options.Version)
	m.writeFacts(t)
	if m.options.Lost != nil {
		t.family("report_facts_lost_total", counter, "Facts that are in no report, because it had no room or did not work.")
		t.sample("report_facts_lost_total", float64(m.options.Lost()))
	}
	if snapshot := m.snapshot.Load(); snapshot != nil {
		s := (*snapshot)()
		writeRules(t, &s)
		writeQueue(t, &s)
		writeDelivery(t, &s)
	}
}

// writeFacts writes what was counted here.
func (m *Metrics) writeFacts(t *gathered) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t.family("goal_decisions_total", counter, "What became of a goal whose path and method matched. fate is fired, or the reason why it did not count.")
	for k, n := range ordered(m.decisions) {
		t.sample("goal_decisions_total", float64(n), "site", k.site, "goal", k.goal, "fate", k.fate)
	}
	t.family("goal_value_total", gauge, "The sum of what a goal was worth, in whole units of the currency; points have none. It can fall, by negative amounts.")
	for k, n := range ordered(m.worth) {
		t.sample("goal_value_total", inUnits(n, k.currency), "site", k.site, "goal", k.goal, "currency", k.currency)
	}
	t.family("goal_last_fired_timestamp_seconds", gauge, "When a goal counted last.")
	for goal, at := range ordered(m.fired) {
		t.sample("goal_last_fired_timestamp_seconds", seconds(at), "goal", goal)
	}
	t.family("near_misses_total", counter, "How often a goal nearly counted.")
	for goal, n := range ordered(m.near) {
		t.sample("near_misses_total", float64(n), "goal", goal)
	}
	t.family("page_visits_total", counter, "Pages that people who may be counted went to.")
	for site, n := range ordered(m.visits) {
		t.sample("page_visits_total", float64(n), "site", site)
	}
	for _, s := range [...]struct{ name, what, help string }{
		{"browser_ids_made_total", fact.IDMade, "Browser IDs that the CDP made: each is a profile."},
		{"browser_ids_given_total", fact.IDGiven, "Browser IDs that visitors or their events were given."},
	} {
		t.family(s.name, counter, s.help)
		for k, n := range ordered(m.spent) {
			if k.what == s.what {
				t.sample(s.name, float64(n), "site", k.site)
			}
		}
	}
	if !m.rules.Time.IsZero() {
		t.family("rules_loaded_timestamp_seconds", gauge, "When the rules were put in force.")
		t.sample("rules_loaded_timestamp_seconds", seconds(m.rules.Time))
	}
}
