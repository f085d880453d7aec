package report

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// recording makes a Recorder and ends it with the test.
func recording(t *testing.T, s Store) *Recorder {
	t.Helper()
	r, err := New(Options{Store: s, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close(context.Background()) })
	return r
}

// flushed adds to the store what was reported.
func flushed(t *testing.T, r *Recorder) {
	t.Helper()
	if err := r.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// page is a page visit of now.
func page(path, source string, browser byte) fact.Fact {
	return fact.Fact{
		Kind: fact.Visit, Time: time.Now(), Site: "shop", Zone: time.UTC, Reason: fact.Fired,
		Page: path, Source: source, Tagged: source != "", Browser: [16]byte{browser},
	}
}

// conversion is a goal of now.
func conversion(path string, browser byte) fact.Fact {
	f := page(path, "", browser)
	f.Kind, f.Goal = fact.Decision, "SENT"
	return f
}

// TestInventedValues: whatever visitors invent, a day has room for so many values, nothing
// is lost, and the values of the day before keep their room.
func TestInventedValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recording(t, NewMemory(10))
		for range 20 {
			r.Report(page("/", "newsletter", 1))
		}
		flushed(t, r)
		time.Sleep(24 * time.Hour)
		for i := range 10_000 {
			r.Report(page("/", fmt.Sprintf("<script>%d</script>", i), 0))
			if i%1000 == 0 {
				flushed(t, r)
			}
		}
		r.Report(page("/", "newsletter", 2))
		flushed(t, r)
		today := DayOf(time.Now(), nil)
		result, err := Ask(t.Context(), r.Store(), Query{From: today, To: today, By: BySource})
		if err != nil {
			t.Fatal(err)
		}
		visits, newsletter := uint64(0), uint64(0)
		for _, row := range result.Rows {
			visits += row.Visits
			if row.Key == "newsletter" {
				newsletter = row.Visits
			}
		}
		if visits != 10_001 || newsletter != 1 || len(result.Rows) > room[Source]+1 || result.Lost > 0 {
			t.Errorf("%d visits in %d rows, %d of the newsletter, %d lost", visits, len(result.Rows), newsletter, result.Lost)
		}
		if first := result.Rows[0].Key; first != Other {
			t.Errorf("most came from %s", first)
		}
	})
}

// TestSessions: a goal has what its session came by and was shown, as long as that lasts.
// TestNearMissHasNoLine: an edit of the rule file moves lines, and parts nothing that nearly
// counted.
func TestNearMissHasNoLine(t *testing.T) {
	for miss, want := range map[string]string{
		"line 54: answered 200; success needs a redirect": "answered 200; success needs a redirect",
		"line 1: line 2: x":  "line 2: x",
		"answered 200":       "answered 200",
		"line 54":            "line 54",
		"line : x":           "line : x",
		"line 5a: x":         "line 5a: x",
		"lines 54: x":        "lines 54: x",
		"the host line 1: x": "the host line 1: x",
	} {
		if got := withoutLine(miss); got != want {
			t.Errorf("%s: %s", miss, got)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		store := NewMemory(10)
		r, err := New(Options{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"", "line 54: ", "line 55: "} {
			r.Report(fact.Fact{Kind: fact.Decision, Site: "shop", Zone: time.UTC, Time: time.Now(), Goal: "SENT", Reason: "not_successful", NearMiss: line + "answered 200"})
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		today := DayOf(time.Now(), time.UTC)
		misses, err := NearMisses(t.Context(), store, Query{Site: "shop", From: today, To: today, Goal: "SENT"})
		if err != nil || len(misses) != 1 || misses[0] != (Tally{"answered 200", 3}) {
			t.Errorf("%v, %v", misses, err)
		}
	})
}

func TestSessions(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(r *Recorder)
		by   By
		want string
	}{
		{"the source of the first page", func(r *Recorder) {
			r.Report(page("/", "news", 1))
			r.Report(page("/b", "", 1))
			r.Report(conversion("/c", 1))
		}, BySource, "news 1 of 2"},
		{"another browser", func(r *Recorder) {
			r.Report(page("/", "news", 1))
			r.Report(conversion("/c", 2))
		}, BySource, "(direct) 1 of 0; news 0 of 1"},
		{"another campaign", func(r *Recorder) {
			r.Report(page("/", "news", 1))
			r.Report(page("/", "ads", 1))
			r.Report(conversion("/c", 1))
		}, BySource, "ads 1 of 1; news 0 of 1"},
		{"a link from elsewhere on the way", func(r *Recorder) {
			r.Report(page("/", "news", 1))
			back := page("/", "pay.example", 1)
			back.Tagged = false
			r.Report(back)
			r.Report(conversion("/c", 1))
		}, BySource, "news 1 of 2"},
		{"the session is over", func(r *Recorder) {
			r.Report(page("/", "news", 1))
			time.Sleep(21 * time.Minute)
			r.Report(conversion("/c", 1))
		}, BySource, "(direct) 1 of 0; news 0 of 1"},
		{"the session goes on", func(r *Recorder) {
			r.Report(page("/", "news", 1))
			for range 3 {
				time.Sleep(19 * time.Minute)
				r.Report(page("/b", "", 1))
			}
			r.Report(conversion("/c", 1))
		}, BySource, "news 1 of 4"},
		{"without an ID", func(r *Recorder) {
			r.Report(page("/", "news", 0))
			r.Report(conversion("/c", 0))
		}, BySource, "(direct) 1 of 0; news 0 of 1"},
		{"variants shown before", func(r *Recorder) {
			for _, name := range []string{"A", "B"} {
				f := page("/", "", 1)
				f.Variants = []fact.Variant{{Component: "hero", Name: name}, {Component: "menu", Name: "long"}}
				r.Report(f)
			}
			r.Report(conversion("/c", 1))
		}, ByVariant, "hero=B 1 of 1; menu=long 1 of 1; hero=A 0 of 1"},
		{"a variant on many pages", func(r *Recorder) {
			for range 5 {
				f := page("/", "", 1)
				f.Variants = []fact.Variant{{Component: "hero", Name: "B"}}
				r.Report(f)
			}
			r.Report(conversion("/c", 1))
			r.Report(conversion("/c", 1))
			other := conversion("/c", 1)
			other.Goal = "OTHER"
			r.Report(other)
		}, ByVariant, "hero=B 2 of 1"}, // of two goals
		{"a goal that counts again and again", func(r *Recorder) {
			for range 9 {
				f := conversion("/c", 1)
				f.Variants = []fact.Variant{{Component: "page", Name: "B"}}
				r.Report(f)
			}
		}, ByVariant, "page=B 1 of 1"},
		{"variants of visitors without an ID", func(r *Recorder) {
			for range 3 {
				f := conversion("/c", 0)
				f.Variants = []fact.Variant{{Component: "page", Name: "B"}}
				r.Report(f)
			}
			r.Report(conversion("/c", 0))
		}, ByVariant, "page=B 3 of 3"},
		{"a variant after the goal", func(r *Recorder) {
			r.Report(conversion("/c", 1))
			f := page("/", "", 1)
			f.Variants = []fact.Variant{{Component: "hero", Name: "B"}}
			r.Report(f)
		}, ByVariant, "hero=B 0 of 1"},
		{"variants that a script tells of a page", func(r *Recorder) {
			r.Report(page("/", "", 1))
			shown := page("", "", 1)
			shown.Kind, shown.Goal, shown.Reason = fact.Shown, "", ""
			shown.Variants = []fact.Variant{{Component: "page", Name: "B"}}
			r.Report(shown)
			r.Report(shown)
			r.Report(conversion("/c", 1))
		}, ByVariant, "page=B 1 of 1"},
		{"at most four", func(r *Recorder) {
			for i := range 6 {
				f := page("/", "", 1)
				f.Variants = []fact.Variant{{Component: strconv.Itoa(i), Name: "x"}}
				r.Report(f)
			}
			r.Report(conversion("/c", 1))
		}, ByVariant, "2=x 1 of 1; 3=x 1 of 1; 4=x 1 of 1; 5=x 1 of 1; 0=x 0 of 1; 1=x 0 of 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := recording(t, NewMemory(3))
				test.do(r)
				flushed(t, r)
				today := DayOf(time.Now(), nil)
				if got := asked(t, r.Store(), Query{From: today, To: today, By: test.by}); got != test.want {
					t.Errorf("%s, want %s", got, test.want)
				}
			})
		})
	}
}

// TestUncountable: of whoever may not be counted there is one number, and no hour.
func TestUncountable(t *testing.T) {
	r := recording(t, NewMemory(0))
	r.Report(page("/", "", 1))
	for _, f := range []fact.Fact{page("/secret", "x", 7), conversion("/secret", 7)} {
		f.Uncountable, f.Reason = true, "consent_refused"
		r.Report(f)
	}
	flushed(t, r)
	m := r.Store().(*Memory)
	for k, a := range m.totals {
		if k.Reason == "consent_refused" && (k.Hour != 0 || a.N != 1) {
			t.Errorf("%+v: %d", k, a.N)
		}
	}
	for k := range m.parts {
		if strings.Contains(k.Text, "secret") || k.Text == "x" {
			t.Errorf("%+v is kept", k)
		}
	}
	if len(m.totals) != 4 || len(m.cells) != 0 || len(m.sketches) != 1 {
		t.Errorf("%d totals, %d combinations, %d sketches", len(m.totals), len(m.cells), len(m.sketches))
	}
	today := DayOf(time.Now(), nil)
	c, err := Consent(t.Context(), m, Query{From: today - 1, To: today})
	if err != nil || c.Visits != 1 || c.Refused != 1 || c.People() != 2 {
		t.Errorf("%+v, %v", c, err)
	}
}

// failing is a store that refuses for a while.
type failing struct {
	*Memory
	refuses atomic.Bool
}

func (f *failing) Flush(ctx context.Context, b *Batch) error {
	if f.refuses.Load() {
		return errors.New("the disk is gone")
	}
	return f.Memory.Flush(ctx, b)
}

// TestLost: while a store refuses, counts wait. What finds no room is lost and counted,
// and Report never waits for it.
func TestLost(t *testing.T) {
	s := &failing{Memory: NewMemory(0)}
	r := recording(t, s)
	flushed(t, r)
	s.refuses.Store(true)
	const facts = 250_000
	for i := range facts {
		r.Report(page(fmt.Sprint("/", i%5000), fmt.Sprint("s", i%3), 0))
	}
	_ = r.Flush(t.Context()) // it fails
	s.refuses.Store(false)
	flushed(t, r)
	today := DayOf(time.Now(), nil)
	result, err := Ask(t.Context(), s, Query{From: today - 1, To: today, By: ByDay})
	if err != nil {
		t.Fatal(err)
	}
	visits := uint64(0)
	for _, row := range result.Rows {
		visits += row.Visits
	}
	if visits+result.Lost != facts || visits == 0 {
		t.Errorf("%d visits and %d lost, of %d", visits, result.Lost, facts)
	}
	t.Logf("%d visits and %d lost", visits, result.Lost)
}

// TestZoneChanges: another zone is a mark. What was counted stays where it was.
func TestZoneChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewMemory(9)
		r := recording(t, s)
		r.Report(page("/", "", 1))
		flushed(t, r)
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		tokyo, err := time.LoadLocation("Asia/Tokyo")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Hour)
		next := recording(t, s)
		f := page("/", "", 1)
		f.Zone = tokyo
		next.Report(f)
		flushed(t, next)
		day, _ := ParseDay("2000-01-01")
		if got := asked(t, s, Query{From: day, To: day + 1, By: ByDay}); got != "2000-01-01 0 of 1; 2000-01-02 0 of 1" {
			t.Errorf("%s", got)
		}
		marks, err := MarksOf(t.Context(), s, Query{From: day, To: day + 1})
		if err != nil || len(marks) != 1 || marks[0].Kind != MarkZone || marks[0].Text != "Asia/Tokyo" || marks[0].Site != "shop" {
			t.Errorf("%+v, %v", marks, err)
		}
	})
}

// TestDaysClose: two hours after a day is over, what few share joins others, and what comes
// later for it, too.
func TestDaysClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := recording(t, NewMemory(9))
		day := DayOf(time.Now(), nil)
		for range 5 {
			r.Report(page("/shared", "", 1))
		}
		r.Report(page("/private", "", 1))
		time.Sleep(25*time.Hour + 58*time.Minute)
		if got := asked(t, r.Store(), Query{From: day, To: day, By: ByPage}); got != "/shared 0 of 5; /private 0 of 1" {
			t.Errorf("before: %s", got)
		}
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		late := page("/private-too", "", 1)
		late.Time = day.Begin(nil)
		r.Report(late)
		late.Page = "/shared"
		r.Report(late)
		flushed(t, r)
		if got := asked(t, r.Store(), Query{From: day, To: day, By: ByPage}); got != "/shared 0 of 6; (other) 0 of 2" {
			t.Errorf("after: %s", got)
		}
	})
}

// TestKeysAreForgotten: a month's key is gone three days after the month, and a new one is
// no older one.
func TestKeysAreForgotten(t *testing.T) {
	var b browsers
	b.sketches = map[SketchKey]*ofBrowsers{}
	november, _ := ParseDay("2026-11-30")
	first := b.key(november)
	if b.key(november-3) != first || b.key(november+1) == first || b.key(november+1).name == first.name {
		t.Error("a key is of one month")
	}
	b.forget((november + 2).Begin(nil))
	if b.key(november) != first {
		t.Error("forgotten while days of the month are counted")
	}
	b.forget((november + 4).Begin(nil))
	if first.secret != [32]byte{} || b.key(november) == first {
		t.Error("not forgotten")
	}
}
