package metrics

import (
	"github.com/goaltrack/goaltrack"
)

// writeRules writes which rules are in force.
func writeRules(t *gathered, s *goaltrack.Snapshot) {
	t.family("rules_info", gauge, "1, labelled with the fingerprint of the rules in force.")
	t.sample("rules_info", 1, "hash", s.RulesHash)
	for _, l := range [...]struct {
		name, help string
		n          uint64
	}{
		{"month_browser_ids", "Browser IDs that were made in this month, as far as it is known.", s.Month.IDs},
		{"month_browser_ids_limit", "How many this month may have, 0 for no limit.", s.Month.LimitIDs},
		{"month_events", "Requests with events that were made in this month, as far as it is known.", s.Month.Events},
		{"month_events_limit", "How many this month may have, 0 for no limit.", s.Month.LimitEvents},
	} {
		t.family(l.name, gauge, l.help)
		t.sample(l.name, float64(l.n))
	}
	t.family("rules_fault", gauge, "1 if a newer rule file has faults and is not in force.")
	t.sample("rules_fault", truth(s.RulesFault != ""))
}

// writeQueue writes what waits, and what became of what was taken.
func writeQueue(t *gathered, s *goaltrack.Snapshot) {
	for _, c := range []struct {
		name, help string
		n          uint64
	}{
		{"events_accepted_total", "Events that were taken into the queue.", s.Accepted},
		{"events_recovered_total", "Events found on disk at the start, or sent again from the dead letters.", s.Recovered},
		{"events_possible_duplicates_total", "Events sent again although they may have counted.", s.PossibleDuplicates},
	} {
		t.family(c.name, counter, c.help)
		t.sample(c.name, float64(c.n))
	}
	t.family("events_delivered_total", counter, "Events that the CDP answered with success.")
	t.sample("events_delivered_total", float64(s.Delivered))
	t.family("events_dead_total", counter, "Events that were given up, by reason.")
	for reason, n := range ordered(s.Dead) {
		t.sample("events_dead_total", float64(n), "reason", reason)
	}
	t.family("events_dropped_total", counter, "Events that were lost with the process, by reason.")
	for reason, n := range ordered(s.Dropped) {
		t.sample("events_dropped_total", float64(n), "reason", reason)
	}
	t.family("notes_total", counter, "What has no fate of its own, such as events not yet on disk.")
	for note, n := range ordered(s.Notes) {
		t.sample("notes_total", float64(n), "note", note)
	}
	for _, g := range []struct {
		name, help string
		n          float64
	}{
		{"queue_events", "Events that wait.", float64(s.Queue.Events)},
		{"queue_bytes", "How much room they take.", float64(s.Queue.Bytes)},
		{"queue_full_ratio", "Which part of the queue's bound that is, by events or by bytes, whichever is more: 1 is full, 0 also if it does not tell.", s.Queue.Full},
		{"queue_oldest_timestamp_seconds", "When the oldest of them happened, 0 if none waits.", seconds(s.Queue.Oldest)},
		{"dead_letters", "Events given up that are kept.", float64(s.Queue.DeadLetters)},
		{"quarantine_bytes", "The size of the damaged files of the spool.", float64(s.Queue.QuarantineBytes)},
	} {
		t.family(g.name, gauge, g.help)
		t.sample(g.name, g.n)
	}
	t.family("queue_degraded", gauge, "1 if events do not wait where the settings say, or are refused.")
	t.sample("queue_degraded", truth(s.Queue.Degraded != ""), "level", string(s.Queue.Level))
}

// states are those of SiteState.State.
var states = []string{"ok", "slow", "paused", "down", "held", "stuck", "closed"}

// writeDelivery writes how the way to the CDP goes, for each site.
func writeDelivery(t *gathered, s *goaltrack.Snapshot) {
	t.family("site_state", gauge, "1 for the state that delivery for a site is in.")
	for i := range s.Delivery {
		for _, state := range states {
			t.sample("site_state", truth(s.Delivery[i].State == state), "site", s.Delivery[i].Site, "state", state)
		}
	}
	t.family("site_silent_since_timestamp_seconds", gauge, "When the current run of requests began that the CDP did not accept, 0 if the last one was.")
	t.each(s, "site_silent_since_timestamp_seconds", func(d *goaltrack.SiteState) float64 { return seconds(d.SilentSince) })
	t.family("requests_in_flight", gauge, "Requests to the CDP that are under way.")
	t.each(s, "requests_in_flight", func(d *goaltrack.SiteState) float64 { return float64(d.InFlight) })
	t.family("browser_ids_ready", gauge, "Browser IDs that are ready for new visitors.")
	t.each(s, "browser_ids_ready", func(d *goaltrack.SiteState) float64 { return float64(d.IDsReady) })
	t.family("cdp_retries_total", counter, "Requests that were not an event's first.")
	t.each(s, "cdp_retries_total", func(d *goaltrack.SiteState) float64 { return float64(d.Retries) })
	t.family("cdp_requests_total", counter, "Requests to the CDP for events, by what came of them.")
	for i := range s.Delivery {
		for outcome, n := range ordered(s.Delivery[i].Outcomes) {
			t.sample("cdp_requests_total", float64(n), "site", s.Delivery[i].Site, "outcome", outcome)
		}
	}
	t.durations(s)
}

// each writes a sample for each site.
func (g *gathered) each(s *goaltrack.Snapshot, name string, of func(*goaltrack.SiteState) float64) {
	for i := range s.Delivery {
		g.sample(name, of(&s.Delivery[i]), "site", s.Delivery[i].Site)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// durations writes how long requests took, as a histogram.
func (g *gathered) durations(s *goaltrack.Snapshot) {
	g.family("cdp_request_duration_seconds", histogram, "How long requests to the CDP took, from dialing to the end of the answer.")
	for i := range s.Delivery {
		d := &s.Delivery[i].Durations
		h := &Histogram{Count: d.Requests, Sum: d.Sum.Seconds()}
		for _, row := range d.AtMost {
			h.Buckets = append(h.Buckets, Bucket{row.Time.Seconds(), row.Requests})
		}
		g.add(Sample{Labels: []string{"site", s.Delivery[i].Site}, Histogram: h})
	}
}
