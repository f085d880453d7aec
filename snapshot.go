package goaltrack

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/sdk"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

// Snapshot is a tracker's state at one moment, for a page or a monitor. It
// holds nothing that a visitor wrote, and can be written as JSON.
type Snapshot struct {
	Account
	// Since is when the tracker started. All counts begin then and are of this
	// process alone.
	Since time.Time `json:"since"`
	// RulesHash is the fingerprint of the rules in force. RulesFault says why a
	// newer rule file is not in force, if [Tracker.WatchRules] found faults in
	// it; "" if there is no such file.
	RulesHash  string `json:"rulesHash"`
	RulesFault string `json:"rulesFault,omitempty"`
	// Goals counts the decisions about each goal, in the order of the rules.
	Goals []GoalCount `json:"goals"`
	// Notes counts what has no fate of its own: cookies that were not set and
	// why, IDs that were made and thrown away, forms counted although their
	// sender had left. An event that was accepted before it was on disk counts
	// as not_yet_on_disk.
	Notes map[string]uint64 `json:"notes"`
	// Recent are the last decisions and deliveries, newest first, at most 200.
	Recent []Record `json:"recent"`
	// Queue says what waits to be delivered, and where.
	Queue QueueState `json:"queue"`
	// Month is what this month costs at Sitecore, as far as Config.Limits knows.
	Month fact.Month `json:"month"`
	// Delivery says how delivery is going for each site.
	Delivery []SiteState `json:"delivery"`
}

// QueueState says what waits to be delivered, and where.
type QueueState struct {
	// Level is where events wait: LevelMemory, LevelDurable or LevelStrict. It
	// is "" if Delivery.Queue is set, and with DryRun.
	Level Level `json:"level,omitempty"`
	// Degraded says why Level is not the configured one, or why the spool
	// refuses events at the moment. "" if all is well.
	Degraded string `json:"degraded,omitempty"`
	// HeldBy is the process that has the spool's directory, as its lock file
	// says. It is this process, or another one because of which events wait in
	// memory. nil if there is no spool.
	HeldBy *queue.Holder `json:"heldBy,omitempty"`
	// Damage says which parts of the spool could not be read, "" if all could.
	// The files concerned are kept in its sub-directory quarantine.
	Damage string `json:"damage,omitempty"`
	// QuarantineBytes is the size of those files. New events have that much
	// less room on the disk, until somebody moves the files away.
	QuarantineBytes int64 `json:"quarantineBytes,omitempty"`
	// Events and Bytes say how much the queue holds. Oldest is the time of its
	// oldest event, zero if there is none.
	Events int       `json:"events"`
	Bytes  int64     `json:"bytes"`
	Oldest time.Time `json:"oldest,omitzero"`
	// Full is which part of the queue's bound that is, by events or by bytes,
	// whichever is more: 0.7 is 70 %. It is 0 if the queue does not tell.
	Full float64 `json:"full,omitempty"`
	// DeadLetters is how many events given up are kept for [Tracker.Resend].
	// [Tracker.DeadLetters] shows the newest.
	DeadLetters int `json:"deadLetters"`
}

// SiteState says how delivery for one site is going.
type SiteState struct {
	// Site is the name of the site, as in Config.Sites.
	Site string `json:"site"`
	// State is one of these:
	//
	//   - "ok"
	//   - "slow": nothing was accepted for a second, twenty times in a row, so
	//     one event at a time is sent
	//   - "paused": the CDP asked for a pause with Retry-After
	//   - "down": "slow" for so long that the CDP surely does not answer
	//   - "held": "slow" for so long that the CDP surely refuses this sender,
	//     because of a wrong key, region or point of sale
	//   - "stuck": the queue's disk hangs; of the other fields only IDsReady is
	//     known then
	//   - "closed"
	State string `json:"state"`
	// SilentSince is when the current run of requests that were not accepted
	// began. It is zero if the last request was accepted.
	SilentSince time.Time `json:"silentSince,omitzero"`
	// Benched is how many refused events are tried again now and then, apart
	// from the others, which do not wait for them.
	Benched int `json:"benched,omitempty"`
	// TwoMinds says that the CDP has lately accepted an event that it had
	// refused. Then an event is given up only after ten minutes as well.
	TwoMinds bool `json:"twoMinds,omitempty"`
	// HeldGoals are goals whose events are all refused while others are
	// accepted, as by a rule of a firewall.
	HeldGoals []string `json:"heldGoals,omitempty"`
	// InFlight is how many requests are under way.
	InFlight int `json:"inFlight"`
	// IDsReady is how many browser IDs are ready for new visitors.
	IDsReady int `json:"idsReady"`
	// Sends counts the requests made for events, and Retries those that were
	// not an event's first. Outcomes counts their results: "accepted",
	// "event_bad", "browser_unknown", "sender_bad", "not_processed", and
	// "unknown", which may have counted or not. [cdp.Outcome] explains them.
	Sends    uint64            `json:"sends"`
	Retries  uint64            `json:"retries"`
	Outcomes map[string]uint64 `json:"outcomes"`
	// LastError is the last answer that was not a success, and LastErrorAt is
	// when it came.
	LastError   string    `json:"lastError,omitempty"`
	LastErrorAt time.Time `json:"lastErrorAt,omitzero"`
	// Latency says how long recent requests took.
	Latency Latency `json:"latency"`
	// Durations says how long all requests since the start took, for monitors that
	// add up several processes. It is not in the JSON; package metrics shows it.
	Durations cdp.Durations `json:"-"`
}

// Latency says how long the requests to the CDP of the last five to ten minutes
// took, from dialing to the end of the answer. Percentiles are rounded up by at
// most 9 %. In JSON, times are milliseconds.
type Latency struct {
	// Requests is how many requests that were. The times are 0 if there were none.
	Requests int
	// P50 is the median: half of the requests took at most this long. P95 and
	// P99 are the same for 95 % and 99 % of them, and Max is the longest.
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

// GoalCount is what a snapshot says of one goal.
type GoalCount struct {
	// Goal is the name of the goal, and Label its name for people, "" if the rule
	// has none.
	Goal  string `json:"goal"`
	Label string `json:"label,omitempty"`
	// Fired, NotFired (by reason) and Held count the decisions about it, as in an
	// [Account].
	Fired    uint64            `json:"fired"`
	NotFired map[string]uint64 `json:"notFired"`
	Held     uint64            `json:"held,omitempty"`
	// Last is when it last fired, zero if it has not.
	Last time.Time `json:"last,omitzero"`
	// NearMisses say in words why the goal did not count although its path and
	// method matched. The most frequent comes first; at most 16.
	NearMisses []NearMiss `json:"nearMisses,omitempty"`
	// LedTo says where the accepted forms led, the most frequent first.
	LedTo []Lead `json:"ledTo,omitempty"`
}

// NearMiss is a reason why a goal did not count although its path and method
// matched.
type NearMiss struct {
	What  string `json:"what"`
	Times uint64 `json:"times"`
	// Hint says what to write in the rule if the goal should have counted, ""
	// if that is not known.
	Hint string    `json:"hint,omitempty"`
	Last time.Time `json:"last"`
}

// Record is one decision or delivery. It holds nothing that a visitor wrote.
type Record struct {
	Time time.Time `json:"time"`
	Goal string    `json:"goal"`
	// Fate of a decision is a name from docs/reasons.md. Fate
	// of a delivery is "delivered" or "dead: reason".
	Fate string `json:"fate"`
	// Browser is the beginning of the browser ID, "" if there was none.
	Browser string `json:"browser,omitempty"`
	// Note adds what the fate alone does not say, such as "client_gone".
	Note string `json:"note,omitempty"`
}

// Snapshot returns the state of the tracker. It is cheap enough for a page that
// asks every second, and also works after Close.
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
	if t.ledger.knows(rule.Identity.Name()) {
		s.Goals = append(s.Goals, t.ledger.goal(rule.Identity.Name(), "Identities from code"))
	}
	if t.ledger.knows(sdk.Relayed) {
		s.Goals = append(s.Goals, t.ledger.goal(sdk.Relayed, "Events of Sitecore's scripts"))
	}
	s.Notes, s.Recent = t.ledger.history()
	s.Month = t.budget.Month()
	if t.sender != nil {
		s.Queue = t.queueState()
		for _, d := range t.sender.States() {
			s.Delivery = append(s.Delivery, siteState(&d))
		}
	}
	return s
}

// queueState says what the queue holds.
func (t *Tracker) queueState() QueueState {
	stats := t.sender.Stats()
	q := QueueState{Events: stats.Waiting, Bytes: stats.Bytes, Oldest: stats.Oldest, Full: stats.Full, DeadLetters: stats.Letters}
	t.store.state(&q)
	return q
}

// siteState makes the part of a snapshot about one site's delivery.
func siteState(d *deliver.State) SiteState {
	return SiteState{
		Site: d.Site, State: d.State, SilentSince: d.SilentSince, Benched: d.Benched, TwoMinds: d.TwoMinds, HeldGoals: d.HeldGoals,
		InFlight: d.InFlight, IDsReady: d.IDsReady, Sends: d.Sends, Retries: d.Retries, Outcomes: d.Outcomes,
		LastError: d.LastError, LastErrorAt: d.LastErrorAt, Latency: Latency(d.Latency), Durations: d.Durations,
	}
}

// DeadLetter is an event that was given up and kept, so that somebody can see
// why and send it again. It holds nothing that a visitor wrote.
type DeadLetter struct {
	// Goal is the name of the goal, or VIEW, IDENTITY or relayed for an event that
	// no goal sends. Site is the name of the site.
	Goal string `json:"goal"`
	Site string `json:"site"`
	// Type is that of the event if it is not the goal's name, such as IDENTITY.
	Type string `json:"type,omitempty"`
	// Reason is one of those in Account.Dead.
	Reason string `json:"reason"`
	// Status is the CDP's answer for which the event was given up, 0 if there
	// was none. Explanation is what the CDP wrote about it, without the event's
	// values.
	Status      int    `json:"status,omitempty"`
	Explanation string `json:"explanation,omitempty"`
	// Happened is when the visitor did it. Died is when the event was given up.
	Happened time.Time `json:"happened"`
	Died     time.Time `json:"died"`
	// Browser is the beginning of the browser ID, "" if there was none.
	Browser string `json:"browser,omitempty"`
}

// DeadLetterOf explains a queue's letter, for programs that read a queue
// without a Tracker. An item that still waits may be put into a letter, too;
// then the fields about its end are empty. If goaltrack did not write the item,
// only the times and the reason are known.
func DeadLetterOf(l queue.Letter) DeadLetter {
	d := DeadLetter{Happened: l.Time, Died: l.Died}
	d.Reason, d.Status, d.Explanation = deliver.CutReason(l.Reason)
	if e, err := deliver.ParseEnvelope(l.Body); err == nil { // else the reason says so
		d.Goal, d.Site, d.Type, d.Browser = e.Goal, e.Site, e.EventType(), shortID(e.BrowserID())
		if d.Type == d.Goal {
			d.Type = ""
		}
		if e.Sealed() && !strings.HasPrefix(l.Key, requestKey) {
			d.Browser = shortID(l.Key)
		}
	}
	return d
}

// DeadLetters returns the newest events that were given up, oldest first. The
// queue in memory keeps the last 256. A spool keeps as many as fit beside what
// waits, for 30 days, and those with people's data for 72 hours. If
// Delivery.Queue is not a [queue.LetterBox], there are none.
func (t *Tracker) DeadLetters() []DeadLetter {
	if t.sender == nil {
		return nil
	}
	box, ok := t.store.queue.(queue.LetterBox)
	if !ok {
		return nil
	}
	kept := box.Letters()
	letters := make([]DeadLetter, 0, len(kept))
	for _, l := range kept {
		letters = append(letters, DeadLetterOf(l))
	}
	return letters
}

// Resend queues again those dead letters for which choose returns true, and
// returns their number. An event that was resent counts as recovered. Its age
// begins anew, but it still says when it happened. It may again be sent as
// often as Delivery.UnknownAttempts allows. An event that died as "unknown" may
// count twice after Resend: remove duplicates by ext.eventId.
//
// choose may be called for letters that DeadLetters does not show. If it
// panics, that letter is not resent. Resend stops at the first event for which
// the queue has no room; the error is then ErrRefused. After Close the error is
// ErrRefused and ErrClosed. If the queue keeps no dead letters, it is
// [errors.ErrUnsupported].
func (t *Tracker) Resend(choose func(DeadLetter) bool) (int, error) {
	if t.sender == nil {
		return 0, nil
	}
	box, ok := t.store.queue.(queue.LetterBox)
	if !ok {
		return 0, fmt.Errorf("goaltrack: Resend: the queue keeps no dead letters: %w", errors.ErrUnsupported)
	}
	n, err := box.Resend(func(l queue.Letter) (wanted bool) {
		defer t.recovered("Resend", func() { wanted = false })
		return choose(DeadLetterOf(l))
	})
	switch {
	case errors.Is(err, queue.ErrClosed):
		err = fmt.Errorf("%w: %w", ErrRefused, ErrClosed)
	case err != nil:
		err = fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return n, err
}
