package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// traffic makes facts as a site with 50 goals, 2,000 pages, 300 sources, 60 campaigns and
// 30 languages has them.
type traffic struct {
	pages, sources, campaigns, languages, goals *rand.Zipf
	random                                      *rand.Rand
}

func newTraffic() *traffic {
	r := rand.New(rand.NewPCG(1, 2))
	z := func(n uint64, s float64) *rand.Zipf { return rand.NewZipf(r, s, 1, n-1) }
	return &traffic{z(2000, 1.1), z(300, 1.3), z(60, 1.2), z(30, 1.5), z(50, 1.05), r}
}

// fact is a visit, or a conversion.
func (t *traffic) fact(at time.Time, conversion bool) fact.Fact {
	f := fact.Fact{
		Kind: fact.Visit, Time: at, Site: "shop", Zone: time.UTC, Reason: fact.Fired, Page: "/page/" + strconv.FormatUint(t.pages.Uint64(), 10),
		Source: "source-" + strconv.FormatUint(t.sources.Uint64(), 10), Language: strconv.FormatUint(t.languages.Uint64(), 36),
		Device: []string{"mobile", "desktop", "tablet"}[t.random.IntN(3)],
	}
	if t.random.IntN(5) == 0 {
		f.Campaign = "campaign-" + strconv.FormatUint(t.campaigns.Uint64(), 10)
	}
	for i := range 2 {
		v := t.random.Uint64() % 100_000
		f.Browser[i] = byte(v)
		f.Browser[i+8] = byte(v >> 8)
	}
	f.Browser[15] = 1
	if conversion {
		f.Kind, f.Goal = fact.Decision, fmt.Sprintf("GOAL_%02d", t.goals.Uint64())
		f.Value = fact.ValueOf(float64(t.random.IntN(10000))/100, "EUR")
	}
	return f
}

// BenchmarkFlush is one second of 5,000 visits and 500 conversions, from the facts to the
// file.
func BenchmarkFlush(b *testing.B) {
	s := opened(b)
	r, err := report.New(report.Options{Store: s})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = r.Close(context.Background()) }()
	t := newTraffic()
	var facts []fact.Fact
	for range 20 * 5500 {
		facts = append(facts, t.fact(time.Now(), len(facts)%11 == 0))
	}
	begun := processorTime()
	n := 0
	for b.Loop() {
		for i := range 5500 {
			r.Report(facts[(n*5500+i)%len(facts)])
		}
		n++
		if err := r.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((processorTime()-begun).Microseconds())/1000/float64(n), "cpu-ms/op")
}

// TestLoad is 50 goals for 90 days of 10,000 conversions and 100,000 visits. It takes
// minutes, so that it has to be asked for: GOALTRACK_TEST_LOAD=90 are the days. With
// GOALTRACK_TEST_LOAD_DIR the report stays there, for TestLoadPages in the folder test.
func TestLoad(t *testing.T) {
	days, _ := strconv.Atoi(os.Getenv("GOALTRACK_TEST_LOAD"))
	if days == 0 {
		t.Skip("it is not asked for")
	}
	dir := cmp.Or(os.Getenv("GOALTRACK_TEST_LOAD_DIR"), t.TempDir())
	s := New(Options{Dir: dir})
	defer func() { _ = s.Close() }()
	traffic := newTraffic()
	today := report.DayOf(time.Now(), nil)
	for day := today - report.Day(days) + 1; day <= today; day++ {
		r, err := report.New(report.Options{Store: s})
		if err != nil {
			t.Fatal(err)
		}
		begin := day.Begin(nil)
		for i := range 110_000 {
			r.Report(traffic.fact(begin.Add(time.Duration(i)*24*time.Hour/110_000), i%11 == 0))
			if i%5000 == 4999 {
				if err := r.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		begun := processorTime()
		if err := s.CloseDays(t.Context(), "shop", day-1, 5); err != nil {
			t.Fatal(err)
		}
		if day == today {
			t.Logf("to close a day: %v of processor time", processorTime()-begun)
		}
	}
	if info, err := os.Stat(filepath.Join(dir, FileName)); err == nil {
		t.Logf("%d days: %.1f MB", days, float64(info.Size())/1e6)
	}
	q := report.Query{From: today - report.Day(days) + 1, To: today}
	for _, by := range []report.By{report.ByGoal, report.ByDay, report.ByPage, report.BySource, report.ByCampaign, report.ByLanguage, report.ByDevice, report.ByHour} {
		for _, goal := range []string{"", "GOAL_01"} {
			q.By, q.Goal = by, goal
			begun, wall := processorTime(), time.Now()
			if _, err := report.Ask(t.Context(), s, q); err != nil {
				t.Fatal(err)
			}
			t.Logf("by %s of %q: %v of processor time, %v", by, goal, processorTime()-begun, time.Since(wall))
		}
	}
	q.By, q.Goal, q.Where = report.ByPage, "GOAL_01", map[report.Dimension]string{report.Source: "source-1"}
	begun := processorTime()
	if _, err := report.Ask(t.Context(), s, q); err != nil {
		t.Fatal(err)
	}
	t.Logf("one goal by page, of one source: %v", processorTime()-begun)
	begun = processorTime()
	if _, err := report.Browsers(t.Context(), s, q); err != nil {
		t.Fatal(err)
	}
	t.Logf("browsers: %v", processorTime()-begun)
}
