package goaltrack

import (
	"encoding/json"
	"math"
	"time"

	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

// Snapshot is a tracker's state at one moment, made for a page or a monitor. It
// holds nothing a visitor wrote, and can be written as JSON.
type Snapshot struct {
	Account
	// Since is when the tracker started; all counts are since then, for this
	// process alone.
	Since time.Time `json:"since"`
	// RulesHash is the fingerprint of the rule file in force, RulesFault why a
	// newer one is not, if WatchRules found one with faults.
	RulesHash  string `json:"rulesHash"`
	RulesFault string `json:"rulesFault,omitempty"`
	// Goals tells each goal's decisions, in the order of the rules.
	Goals []GoalCount `json:"goals"`
	// Notes count what is no fate of its own: cookies not set and why, IDs
	// made and thrown away, forms counted although their sender had left,
	// events accepted before they were on disk (not_yet_on_disk).
	Notes map[string]uint64 `json:"notes"`
	// Recent are the last decisions and deliveries, newest first, at most 200.
	Recent []Record `json:"recent"`
	// Queue tells what waits to be delivered, and where.
	Queue QueueState `json:"queue"`
	// Delivery tells how each site's delivery stands.
	Delivery []SiteState `json:"delivery"`
}

// QueueState is how the queue stands.
type QueueState struct {
	// Level is where events wait: LevelMemory, LevelDurable or LevelStrict;
	// "" for a queue of the configuration's own, and with DryRun.
	Level Level `json:"level,omitempty"`
	// Degraded says why Level is not what the configuration asks for, or why
	// the spool refuses events at the moment, "" if all is well.
	Degraded string `json:"degraded,omitempty"`
	// HeldBy is the process that has the spool's directory, as far as its lock file
	// tells: this one, or the one because of which events wait in memory. nil if
	// there is no spool.
	HeldBy *queue.Holder `json:"heldBy,omitempty"`
	// Damage says what of the spool could not be read, "" if all could. Such
	// files are kept in its sub-directory quarantine.
	Damage string `json:"damage,omitempty"`
	// QuarantineBytes is how large they are. New events have so much less room
	// on the disk, until somebody has looked at them and moved them away.
	QuarantineBytes int64 `json:"quarantineBytes,omitempty"`
	// Events and Bytes are what the queue holds, Oldest is the time of its
	// oldest event.
	Events int       `json:"events"`
	Bytes  int64     `json:"bytes"`
	Oldest time.Time `json:"oldest,omitzero"`
	// DeadLetters is how many events given up are kept for [Tracker.Resend].
	// [Tracker.DeadLetters] shows the newest.
	DeadLetters int `json:"deadLetters"`
}

// SiteState is how the delivery for one site stands.
type SiteState struct {
	Site string `json:"site"`
	// State is "ok", "slow" (nothing was accepted for a second, twenty times in
	// a row, so one event at a time is sent), "paused" (the CDP asked for it
	// with Retry-After), "down" (slow for so long that the CDP surely does not
	// answer), "held" (for so long that it surely refuses this sender: a wrong
	// key, region or point of sale), "stuck" (the queue's disk hangs; only
	// IDsReady is known then) or "closed".
	State string `json:"state"`
	// SilentSince is when the first request began of those in a row that were
	// not accepted; zero if the last was.
	SilentSince time.Time `json:"silentSince,omitzero"`
	// Benched is how many events were refused and are tried again now and then,
	// out of the way of the others.
	Benched int `json:"benched,omitempty"`
	// TwoMinds says that the CDP has lately accepted what it had refused. Then
	// it takes ten minutes as well to give an event up.
	TwoMinds bool `json:"twoMinds,omitempty"`
	// HeldGoals are the goals of which every event is refused while others are
	// accepted, as by a firewall's rule.
	HeldGoals []string `json:"heldGoals,omitempty"`
	// InFlight is how many requests are under way.
	InFlight int `json:"inFlight"`
	// IDsReady is how many browser IDs are ready for new visitors.
	IDsReady int `json:"idsReady"`
	// Sends counts the requests made for events, Retries those that were not
	// an event's first, Outcomes what came of them: "accepted", "event_bad",
	// "browser_unknown", "sender_bad", "not_processed", "unknown" (it may have
	// been counted or not). [cdp.Outcome] tells the answers apart.
	Sends    uint64            `json:"sends"`
	Retries  uint64            `json:"retries"`
	Outcomes map[string]uint64 `json:"outcomes"`
	// LastError is the last answer but success, LastErrorAt when it came.
	LastError   string    `json:"lastError,omitempty"`
	LastErrorAt time.Time `json:"lastErrorAt,omitzero"`
	// Latency tells how long recent requests took.
	Latency Latency `json:"latency"`
}

// Latency tells how long recent requests to the CDP took, from dialing to the
// end of the answer: those of the last five to ten minutes. Percentiles are
// rounded up by at most 9 %. In JSON, times are milliseconds.
type Latency struct {
	Requests           int
	P50, P95, P99, Max time.Duration
}

// latencyJSON is a Latency in JSON.
type latencyJSON struct {
	Requests int     `json:"requests"`
	P50      float64 `json:"p50"`
	P95      float64 `json:"p95"`
	P99      float64 `json:"p99"`
	Max      float64 `json:"max"`
}

// MarshalJSON implements [json.Marshaler].
func (l Latency) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return json.Marshal(latencyJSON{l.Requests, ms(l.P50), ms(l.P95), ms(l.P99), ms(l.Max)})
}

// UnmarshalJSON implements [json.Unmarshaler], so that a monitor can read the
// Snapshot of another process.
func (l *Latency) UnmarshalJSON(text []byte) error {
	var in latencyJSON
	if err := json.Unmarshal(text, &in); err != nil {
		return err
	}
	d := func(ms float64) time.Duration { return time.Duration(math.Round(ms*1000)) * time.Microsecond }
	*l = Latency{in.Requests, d(in.P50), d(in.P95), d(in.P99), d(in.Max)}
	return nil
}

// GoalCount is one goal's part of a snapshot.
type GoalCount struct {
	Goal     string            `json:"goal"`
	Label    string            `json:"label,omitempty"`
	Fired    uint64            `json:"fired"`
	NotFired map[string]uint64 `json:"notFired"`
	Held     uint64            `json:"held,omitempty"`
	Last     time.Time         `json:"last,omitzero"`
	// NearMisses say in words why it did not count although its path and
	// method matched, the most frequent first, at most 16.
	NearMisses []NearMiss `json:"nearMisses,omitempty"`
	// LedTo tells where the forms led that were accepted, the most frequent
	// first.
	LedTo []Lead `json:"ledTo,omitempty"`
}

// Snapshot returns the state of the tracker. It is cheap enough for a page that
// asks every second, and works after Close as well.
func (t *Tracker) Snapshot() Snapshot {
	rules := t.rules.Load()
	s := Snapshot{Account: t.account(), Since: t.ledger.since, RulesHash: rules.Hash()}
	for _, g := range rules.Goals() {
		count := t.ledger.goal(g.Name(), g.Label())
		count.NearMisses, count.LedTo = t.ledger.nearMisses(g), t.ledger.ledTo(g.Name())
		s.Goals = append(s.Goals, count)
	}
	if fault := t.fault.Load(); fault != nil {
		s.RulesFault = *fault
	}
	if t.config.Views == ViewsServer {
		s.Goals = append(s.Goals, t.ledger.goal(rule.View.Name(), "Page views"))
	}
	if t.ledger.counted(rule.Identity.Name()) {
		s.Goals = append(s.Goals, t.ledger.goal(rule.Identity.Name(), "Identities from code"))
	}
	s.Notes, s.Recent = t.ledger.history()
	if t.sender != nil {
		s.Queue = t.queueState()
		for _, d := range t.sender.States() {
			s.Delivery = append(s.Delivery, siteState(&d))
		}
	}
	return s
}

// queueState tells what the queue holds.
func (t *Tracker) queueState() QueueState {
	stats := t.sender.Stats()
	q := QueueState{Events: stats.Waiting, Bytes: stats.Bytes, Oldest: stats.Oldest, DeadLetters: stats.Letters}
	t.store.state(&q)
	return q
}

// siteState is what a snapshot tells of a line.
func siteState(d *deliver.State) SiteState {
	return SiteState{
		Site: d.Site, State: d.State, SilentSince: d.SilentSince, Benched: d.Benched, TwoMinds: d.TwoMinds, HeldGoals: d.HeldGoals,
		InFlight: d.InFlight, IDsReady: d.IDsReady, Sends: d.Sends, Retries: d.Retries, Outcomes: d.Outcomes,
		LastError: d.LastError, LastErrorAt: d.LastErrorAt, Latency: Latency(d.Latency),
	}
}
