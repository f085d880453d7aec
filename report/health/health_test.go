package health_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/health"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// site is a site of which somebody watches the goals, in fake time.
type site struct {
	t       *testing.T
	store   report.Store
	options health.Options
	stop    func()

	down    atomic.Bool // the receiver does not answer
	waiting atomic.Bool // events wait

	mu   sync.Mutex
	news []heard
}

// received is what came to the receiver until now.
func (s *site) received() []heard {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.news)
}

// heard is what the receiver got.
type heard struct {
	Type string
	Data struct {
		Goal, Site, Text  string
		Expected, Counted int
		Causes            []string
	}
	at time.Duration // since the site began to be watched
}

// RoundTrip is the receiver.
func (s *site) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.down.Load() {
		return nil, errors.New("nobody there")
	}
	var h heard
	if err := json.NewDecoder(r.Body).Decode(&h); err != nil {
		s.t.Error(err)
	}
	h.at = time.Since(start())
	s.mu.Lock()
	defer s.mu.Unlock()
	s.news = append(s.news, h)
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Header: http.Header{}}, nil
}

// start is when a bubble begins (see testing/synctest).
func start() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// newSite begins to watch.
func newSite(t *testing.T, goals ...fact.Goal) *site {
	t.Helper()
	s := &site{t: t, store: report.NewMemory(60)}
	s.rules("first", goals...)
	s.options = health.Options{
		Store: s.store, URL: "https://hooks.example", Secret: secret, Transport: s,
		Waiting: func(site string) bool { return s.waiting.Load() && site != "press" }, Logger: slog.New(slog.DiscardHandler),
	}
	s.watch()
	t.Cleanup(func() { s.stop() })
	return s
}

func (s *site) rules(hash string, goals ...fact.Goal) {
	s.add(&report.Batch{
		Rules: &fact.Rules{Hash: hash, Goals: goals}, Marks: []report.Mark{{Time: time.Now(), Kind: report.MarkRules, Text: hash}},
	})
}

func (s *site) add(b *report.Batch) {
	if err := s.store.Flush(s.t.Context(), b); err != nil {
		s.t.Fatal(err)
	}
}

// happens counts something now; a visit has no goal.
func (s *site) happens(site, goal, reason string, times int) {
	if times == 0 {
		return
	}
	now := time.Now()
	key := report.TotalKey{Site: site, Day: report.DayOf(now, time.UTC), Goal: goal, Reason: reason}
	hour := key
	hour.Hour = now.Truncate(time.Hour).Unix()
	n := report.Amount{N: uint64(times)}
	b := &report.Batch{Zones: map[string]string{site: "UTC"}, Totals: map[report.TotalKey]report.Amount{key: n, hour: n}}
	if reason == "not_successful" {
		b.Parts = map[report.PartKey]report.Amount{{Site: site, Day: key.Day, Goal: goal, Dimension: report.NearMiss, Text: "answered 200"}: n}
	}
	s.add(b)
}

func (s *site) watch() {
	w, err := health.New(s.options)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan struct{})
	go func() { w.Run(ctx); close(ended) }()
	s.stop = func() { cancel(); <-ended }
}

// days lets days pass. Somebody looks at a page in each hour, and forms are sent in that
// after noon.
func (s *site) days(n, accepted, refused int) {
	for hour := range n * 24 {
		bubble.Pass(time.Hour - 2*time.Minute)
		s.happens("shop", report.Visits, fact.Fired, 1)
		if hour%24 == 12 {
			s.happens("shop", "QUOTE_ASKED", fact.Fired, accepted)
			s.happens("shop", "QUOTE_ASKED", "not_successful", refused)
		}
		bubble.Pass(2 * time.Minute)
	}
}

func (s *site) told() string {
	var list []string
	for _, h := range s.received() {
		list = append(list, h.Type+" "+strings.Join(h.Data.Causes, "+"))
	}
	return strings.Join(list, "; ")
}

var quote = fact.Goal{Name: "QUOTE_ASKED", Label: "Quote asked", Status: "live", Expect: 5}

// inBubble runs a test in fake time.
func inBubble(t *testing.T, name string, f func(*testing.T, *site), goals ...fact.Goal) {
	t.Helper()
	if goals == nil {
		goals = []fact.Goal{quote}
	}
	bubble.Run(t, name, func(t *testing.T) { f(t, newSite(t, goals...)) })
}

func TestWhatIsTold(t *testing.T) {
	inBubble(t, "all is well", func(t *testing.T, s *site) {
		s.days(10, 5, 3)
		if got := s.told(); got != "" {
			t.Error(got)
		}
	})
	inBubble(t, "a form breaks, and is cured", func(t *testing.T, s *site) {
		s.days(8, 9, 1)
		s.days(3, 2, 41)
		s.days(2, 9, 1)
		if got, want := s.told(), "goal.unwell too_few+refused; goal.unwell too_few+refused; goal.unwell too_few; goal.well "; got != want {
			t.Fatalf("%s, want %s", got, want)
		}
		for i, h := range s.received()[:len(s.received())-1] {
			for _, other := range s.received()[:i] {
				if h.at-other.at < 24*time.Hour {
					t.Errorf("two messages within a day: %v and %v", other.at, h.at)
				}
			}
		}
		last, first := s.received()[1].Data, "Quote asked on shop: it counted 2 times in 24 hours, and at least 5 are expected. The site refused 41 forms, usually "
		if !strings.HasPrefix(last.Text, first) || !strings.HasSuffix(last.Text, ", mostly: answered 200.") || last.Counted != 2 || last.Expected != 5 {
			t.Errorf("%+v", last)
		}
		if got, want := s.received()[3].Data.Text, "Quote asked on shop is well again: it counted 9 times in 24 hours."; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
	inBubble(t, "it is silent from a change of the rules on", func(t *testing.T, s *site) {
		s.days(3, 9, 0)
		s.rules("second", quote)
		s.days(2, 0, 0)
		if got, want := s.told(), "goal.unwell rules_changed+too_few; goal.unwell rules_changed+too_few"; got != want {
			t.Fatalf("%s, want %s", got, want)
		}
		if got, want := s.received()[0].Data.Text, "The rules changed at 2000-01-04 00:00 UTC. Quote asked on shop: it counted 0 times in 24 hours"; !strings.HasPrefix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	})
	inBubble(t, "a campaign brings more of both", func(t *testing.T, s *site) {
		s.days(8, 9, 5)
		s.days(2, 60, 33)
		if got := s.told(); got != "" {
			t.Error(got)
		}
	})
	inBubble(t, "events wait for a day", func(t *testing.T, s *site) {
		s.days(3, 9, 0)
		s.waiting.Store(true)
		bubble.Pass(10 * time.Minute)
		if got := s.told(); got != "" {
			t.Errorf("after ten minutes: %s", got)
		}
		bubble.Pass(10 * time.Minute)
		s.waiting.Store(false)
		bubble.Pass(5 * time.Minute)
		if got, want := s.told(), "goal.unwell delivery; goal.well "; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestWhatIsNotTold(t *testing.T) {
	inBubble(t, "before there are numbers of a day", func(t *testing.T, s *site) {
		bubble.Pass(time.Minute)
		s.happens("shop", report.Visits, fact.Fired, 1)
		bubble.Pass(23 * time.Hour)
		if got := s.told(); got != "" {
			t.Error(got)
		}
		bubble.Pass(90 * time.Minute)
		if got := s.told(); got != "goal.unwell rules_changed+too_few" {
			t.Errorf("afterwards: %s", got)
		}
	})
	for name, goal := range map[string]fact.Goal{
		"nothing is expected": {Name: "QUOTE_ASKED"},
		"its time comes":      {Name: "QUOTE_ASKED", Expect: 5, From: start().AddDate(0, 0, 30)},
		"its time is over":    {Name: "QUOTE_ASKED", Expect: 5, Until: start()},
	} {
		inBubble(t, name, func(t *testing.T, s *site) {
			s.days(5, 0, 0)
			if got := s.told(); got != "" {
				t.Error(got)
			}
		}, goal)
	}
	inBubble(t, "a new goal is not a day old", func(t *testing.T, s *site) {
		s.days(3, 9, 0)
		s.rules("second", quote, fact.Goal{Name: "NEW", Expect: 1})
		bubble.Pass(20 * time.Hour)
		if got := s.told(); strings.Contains(got, "NEW") {
			t.Error(got)
		}
	})
	inBubble(t, "it comes and goes", func(t *testing.T, s *site) {
		s.days(3, 9, 0)
		for range 6 {
			s.waiting.Store(!s.waiting.Load())
			bubble.Pass(time.Hour)
		}
		if got, want := s.told(), "goal.unwell delivery; goal.well "; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// Nobody is told of what was expected once and is not any more as if it were well.
func TestNothingIsExpectedAnyMore(t *testing.T) {
	inBubble(t, "", func(t *testing.T, s *site) {
		s.days(3, 0, 0)
		s.rules("second", fact.Goal{Name: "QUOTE_ASKED"})
		bubble.Pass(10 * time.Minute)
		last := s.received()[len(s.received())-1]
		if last.Type != "goal.well" || last.Data.Text != "QUOTE_ASKED on shop: nothing is expected of it any more." {
			t.Errorf("%+v", last)
		}
	})
}

// While nobody answers, one line is logged, and the message comes when they do.
func TestReceiverIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, quote)
		var log strings.Builder
		s.stop()
		s.options.Logger = slog.New(slog.NewTextHandler(&log, nil))
		s.watch()
		s.down.Store(true)
		s.days(3, 0, 0)
		s.down.Store(false)
		bubble.Pass(5 * time.Minute)
		if got := s.told(); got != "goal.unwell too_few" && got != "goal.unwell rules_changed+too_few" {
			t.Errorf("told: %s", got)
		}
		s.stop()
		for line, times := range map[string]int{"does not do what is expected": 1, "did not arrive": 1, "arrive again": 1} {
			if n := strings.Count(log.String(), line); n != times {
				t.Errorf("%q is logged %d times, want %d\n%s", line, n, times, &log)
			}
		}
	})
}

// What was told is not told again after a restart.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, quote)
		s.stop()
		s.options.File = filepath.Join(t.TempDir(), "health.json")
		s.watch()
		s.days(1, 0, 0)
		bubble.Pass(2 * time.Hour)
		s.stop()
		s.watch()
		bubble.Pass(2 * time.Hour)
		if got := s.told(); strings.Count(got, "goal.unwell") != 1 {
			t.Errorf("told: %s", got)
		}
		s.stop()
		s.watch()
		s.days(1, 9, 0)
		if got := s.told(); !strings.HasSuffix(got, "; goal.well ") {
			t.Errorf("told: %s", got)
		}
	})
}

// A store that does not answer says nothing about a goal.
func TestStoreIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, quote)
		s.stop()
		s.options.Fresh = func(context.Context) error { return io.ErrUnexpectedEOF }
		s.watch()
		s.days(3, 0, 0)
		if got := s.told(); got != "" {
			t.Error(got)
		}
	})
}

func TestNew(t *testing.T) {
	for name, o := range map[string]health.Options{
		"no store":       {},
		"a bad address":  {Store: report.NewMemory(1), URL: "http://hooks.example", Secret: secret},
		"without secret": {Store: report.NewMemory(1), URL: "https://hooks.example"},
	} {
		if _, err := health.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := health.New(health.Options{Store: report.NewMemory(1)}); err != nil {
		t.Errorf("without a webhook: %v", err)
	}
}

func TestLookOfEmptyStore(t *testing.T) {
	if states, err := health.Look(t.Context(), report.NewMemory(1), nil, time.Now()); err != nil || len(states) > 0 {
		t.Errorf("%v, %v", states, err)
	}
}

// TestSites: a goal is looked at on each site on which it counted before. One that is silent
// on one of two sites is silent there, however often it counts on the other.
func TestSites(t *testing.T) {
	for name, test := range map[string]struct {
		first, press int // forms a day on press: on the first days, and then
		shop         int // on shop, every day
		before, days int // how many days of the latter nobody watches, and then somebody does
		sites        []string
		want         string
	}{
		"well on both":             {9, 6, 9, 0, 1, nil, ""},
		"silent on one":            {9, 0, 20, 0, 1, nil, "goal.unwell press too_few"},
		"silent on one for long":   {9, 0, 20, 9, 1, nil, "goal.unwell press too_few"},
		"too few on each":          {9, 3, 3, 0, 1, nil, "goal.unwell press too_few; goal.unwell shop too_few"},
		"one is not for this goal": {0, 0, 20, 0, 1, nil, ""},
		"one is not in force":      {9, 0, 20, 0, 1, []string{"shop"}, ""},
		"it counts nowhere":        {0, 0, 0, 0, 1, nil, "goal.unwell  too_few"},
	} {
		bubble.Run(t, name, func(t *testing.T) {
			s := newSite(t, quote)
			s.stop()
			for range 3 {
				s.both(test.first, test.shop)
			}
			for range test.before {
				s.both(test.press, test.shop)
			}
			if test.sites != nil {
				s.options.Sites = func() []string { return test.sites }
			}
			s.watch()
			for range test.days {
				s.both(test.press, test.shop)
			}
			var told []string
			for _, h := range s.received() {
				told = append(told, h.Type+" "+h.Data.Site+" "+strings.Join(h.Data.Causes, "+"))
				if h.Data.Site != "" && !strings.Contains(h.Data.Text, "on "+h.Data.Site) {
					t.Errorf("the text does not name the site: %s", h.Data.Text)
				}
			}
			slices.Sort(told)
			if got := strings.Join(told, "; "); got != test.want {
				t.Errorf("told: %s, want %s", got, test.want)
			}
		})
	}
}

// both lets a day pass on two sites, with so many forms at noon.
func (s *site) both(press, shop int) {
	for hour := range 24 {
		bubble.Pass(time.Hour - 2*time.Minute)
		s.happens("shop", report.Visits, fact.Fired, 1)
		s.happens("press", report.Visits, fact.Fired, 1)
		if hour == 12 {
			s.happens("press", "QUOTE_ASKED", fact.Fired, press)
			s.happens("shop", "QUOTE_ASKED", fact.Fired, shop)
		}
		bubble.Pass(2 * time.Minute)
	}
}

// TestItCountsAtLast: what was silent everywhere is looked at by site once it counts on one.
func TestItCountsAtLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, quote)
		s.both(0, 0)
		s.both(0, 0)
		if got := s.received(); len(got) == 0 || got[0].Data.Site != "" {
			t.Errorf("%+v", got)
		}
		s.both(0, 9)
		told := s.received()
		last := told[len(told)-1]
		if last.Type != health.Well || last.Data.Text != "Quote asked is well again: it counted 9 times in 24 hours." {
			t.Errorf("%+v", told)
		}
	})
}

// TestDeliveryOfOneSite: events of one site that wait are no cause for another.
func TestDeliveryOfOneSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, quote)
		s.both(9, 9)
		s.both(9, 9)
		s.waiting.Store(true)
		bubble.Pass(time.Hour)
		told := s.received()
		if len(told) != 1 || told[0].Data.Site != "shop" || !slices.Equal(told[0].Data.Causes, []string{health.Delivery}) {
			t.Errorf("%+v", told)
		}
	})
}

// TestFormerFile: what an earlier version told, which knew no sites, is not told again.
func TestFormerFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, quote)
		s.stop()
		s.days(2, 0, 0)
		s.options.File = filepath.Join(t.TempDir(), "health.json")
		now := time.Now().Format(time.RFC3339)
		if err := os.WriteFile(s.options.File, []byte(`{"QUOTE_ASKED":{"since":"`+now+`","told":"`+now+`","heard":true}}`), 0o600); err != nil {
			t.Fatal(err)
		}
		s.watch()
		bubble.Pass(20 * time.Hour)
		if got := s.told(); got != "" {
			t.Errorf("told: %s", got)
		}
		s.days(1, 9, 0)
		if got := s.told(); got != "goal.unwell too_few; goal.well " { // after a day, and when it is over
			t.Errorf("told: %s", got)
		}
	})
}
