package deliver

import (
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// meter counts what came of a line's requests and how long they took. It
// belongs to the scheduler.
type meter struct {
	sends, retries uint64
	outcomes       [cdp.Unknown + 1]uint64
	latency        latency
	durations      durations
	lastError      string
	lastErrorAt    time.Time
}

// add counts the attempt that has just ended, if a request was made. An event
// without a browser ID was not sent.
func (m *meter) add(j *job) {
	if j.began.IsZero() {
		return
	}
	m.sends++
	if j.attempts > 1 {
		m.retries++
	}
	ended := j.began.Add(j.took)
	m.outcomes[cdp.OutcomeOf(j.err)]++
	m.latency.add(ended, j.took)
	m.durations.add(j.took)
	if j.err != nil {
		m.lastError, m.lastErrorAt = inOurWords(j.err), ended
	}
}

// inOurWords says what an error was without what the CDP wrote about it,
// because that may repeat what a visitor wrote.
func inOurWords(err error) string {
	e, ok := errors.AsType[*cdp.Error](err)
	if !ok {
		return err.Error()
	}
	own := *e
	own.Message = ""
	return own.Error()
}

// byOutcome names the outcomes that happened: "accepted", "event_bad" and so on.
func (m *meter) byOutcome() map[string]uint64 {
	named := make(map[string]uint64)
	for o, n := range m.outcomes {
		if n > 0 {
			named[strings.ReplaceAll(cdp.Outcome(o).String(), " ", "_")] = n
		}
	}
	return named
}

// latency is a histogram of recent times. Its two windows take turns. So it
// covers the last five to ten minutes, whatever happened before.
type latency struct {
	current, former latencyWindow
}

type latencyWindow struct {
	since  time.Time
	n      int
	max    time.Duration
	counts [len(latencyBounds)]uint32
}

const latencyTurn = 5 * time.Minute

// latencyBounds are where the buckets end, from 0.1 ms to the 100 s that no attempt takes.
// Eight of them double the time, so a percentile is at most 9 % too high.
var latencyBounds = func() (bounds [161]time.Duration) {
	for i := range bounds {
		bounds[i] = time.Duration(float64(100*time.Microsecond) * math.Pow(2, float64(i)/8))
	}
	return bounds
}()

func (l *latency) add(at time.Time, took time.Duration) {
	l.turn(at)
	w := &l.current
	if w.n == 0 {
		w.since = at
	}
	w.n++
	w.max = max(w.max, took)
	i, _ := slices.BinarySearch(latencyBounds[:], took)
	w.counts[min(i, len(w.counts)-1)]++
}

// turn begins a new window if the current one is old enough.
func (l *latency) turn(now time.Time) {
	if l.current.n > 0 && now.Sub(l.current.since) >= latencyTurn {
		l.former, l.current = l.current, latencyWindow{}
	}
}

// recent reports whether a window is recent enough to count.
func (w *latencyWindow) recent(now time.Time) bool {
	return w.n > 0 && now.Sub(w.since) < 2*latencyTurn
}

// durationBounds are where the buckets of durations end.
var durationBounds = [...]time.Duration{
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// durations is a histogram of all times since the start, which monitors can add up over
// processes. That cannot be done with percentiles.
type durations struct {
	n      uint64
	sum    time.Duration
	counts [len(durationBounds)]uint64
}

func (d *durations) add(took time.Duration) {
	d.n++
	d.sum += took
	if i, _ := slices.BinarySearch(durationBounds[:], took); i < len(d.counts) {
		d.counts[i]++
	}
}

// summary adds up the buckets.
func (d *durations) summary() cdp.Durations {
	s := cdp.Durations{Requests: d.n, Sum: d.sum, AtMost: make([]cdp.AtMost, len(durationBounds))}
	seen := uint64(0)
	for i, n := range d.counts {
		seen += n
		s.AtMost[i] = cdp.AtMost{Time: durationBounds[i], Requests: seen}
	}
	return s
}

// Latency says how long the requests of the last five to ten minutes took, from
// dialing to the end of the answer. Percentiles are rounded up by at most 9 %.
type Latency struct {
	Requests           int
	P50, P95, P99, Max time.Duration
}

// summary changes nothing: when the scheduler has ended, several may ask at once.
func (l *latency) summary(now time.Time) Latency {
	var s Latency
	var windows []*latencyWindow
	for _, w := range []*latencyWindow{&l.former, &l.current} {
		if w.recent(now) {
			windows = append(windows, w)
			s.Requests, s.Max = s.Requests+w.n, max(s.Max, w.max)
		}
	}
	for _, p := range []struct {
		share float64
		into  *time.Duration
	}{{0.50, &s.P50}, {0.95, &s.P95}, {0.99, &s.P99}} {
		rank := int(math.Ceil(p.share * float64(s.Requests)))
		for i, seen := 0, 0; seen < rank; i++ {
			for _, w := range windows {
				seen += int(w.counts[i])
			}
			*p.into = min(latencyBounds[i], s.Max)
		}
	}
	return s
}
