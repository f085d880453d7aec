package goaltrack

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/golden"
	"github.com/goaltrack/goaltrack/internal/logbook"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

func TestBalanced(t *testing.T) {
	type counts = map[string]uint64
	for _, tc := range []struct {
		name string
		a    Account
		want bool
	}{
		{"nothing", Account{}, true},
		{"decisions", Account{Decisions: 6, Fired: 1, NotFired: counts{"bot": 2, "status": 3}}, true},
		{"a decision too many", Account{Decisions: 7, Fired: 1, NotFired: counts{"bot": 2, "status": 3}}, false},
		{"events", Account{Accepted: 10, Recovered: 5, Delivered: 8, Dead: counts{"blocked": 1, "expired": 1}, Dropped: counts{"shutdown": 2}, Waiting: 3}, true},
		{"an event too few", Account{Accepted: 10, Recovered: 5, Delivered: 8, Dead: counts{"blocked": 1}, Dropped: counts{"shutdown": 2}, Waiting: 3}, false},
		{"duplicates are no events", Account{PossibleDuplicates: 3}, true},
	} {
		if got := tc.a.Balanced(); got != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}

func TestAccountString(t *testing.T) {
	a := Account{
		Decisions: 9, Fired: 1, NotFired: map[string]uint64{"status": 2, "bot": 4, "gpc": 2},
		Accepted: 10, Delivered: 7, Dead: map[string]uint64{"expired": 1}, Waiting: 2,
	}
	want := "decisions 9 = fired 1 + not fired 8 (bot 4, gpc 2, status 2)\n" +
		"accepted 10 = delivered 7 + dead 1 (expired 1) + dropped 0 + waiting 2"
	if got := a.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	a.Recovered, a.PossibleDuplicates, a.Held = 3, 4, 5
	want = strings.Replace(want, "status 2)", "status 2) + held 5", 1)
	want = strings.Replace(want, "accepted 10", "accepted 10 + recovered 3", 1) + "; possible duplicates 4"
	if got := a.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLedgerCountsEveryFate(t *testing.T) {
	l := newLedger()
	l.add("A")
	for f := range decisionFates {
		l.decide(time.Now(), "A", f, "", "")
		l.decide(time.Now(), "NEW", f, "", "")
	}
	a := l.account(queue.Stats{})
	if a.Decisions != 2*uint64(decisionFates) || a.Fired != 2 || a.Held != 2 || len(a.NotFired) != int(decisionFates)-2 || !a.Balanced() {
		t.Errorf("%s", a)
	}
	g := l.goal("A", "Label")
	if g.Fired != 1 || g.Held != 1 || len(g.NotFired) != int(decisionFates)-2 || g.Last.IsZero() || g.Label != "Label" {
		t.Errorf("%+v", g)
	}
	l.settle("A", fired, "", "")
	if b, g := l.account(queue.Stats{}), l.goal("A", ""); b.Held != 1 || b.Fired != 3 || b.Decisions != a.Decisions || g.Held != 0 || g.Fired != 2 {
		t.Errorf("after one that was held has fired: %s", b)
	}
	if g := l.goal("NOBODY", ""); g.Fired != 0 || !g.Last.IsZero() {
		t.Errorf("%+v", g)
	}
}

// TestSettlingLosesNoDecision: whoever looks at a goal while a decision that was held gets its
// fate sees it as the one or as the other.
func TestSettlingLosesNoDecision(t *testing.T) {
	held := uint64(200_000)
	if testing.Short() {
		held = 20_000
	}
	l := newLedger()
	for range held {
		l.decide(time.Now(), "A", fateHeld, "", "")
	}
	settled := make(chan struct{})
	go func() {
		defer close(settled)
		for range held {
			l.settle("A", fired, "", "")
		}
	}()
	for waiting := true; waiting; {
		select {
		case <-settled:
			waiting = false
		default:
		}
		if g := l.goal("A", ""); g.Fired+g.Held+sum(g.NotFired) != held {
			t.Fatalf("%d fired and %d held are not %d", g.Fired, g.Held, held)
		}
	}
}

// TestRefusalKeepsTheQueuesError: a caller learns with errors.Is what the queue said.
func TestRefusalKeepsTheQueuesError(t *testing.T) {
	for _, err := range []error{queue.ErrFull, deliver.ErrVisitorFull, queue.ErrDiskFull, queue.ErrDiskFailed} {
		if got := refused(queueFate(err)); !errors.Is(got, err) || !errors.Is(got, ErrRefused) {
			t.Errorf("of %q the caller is told %q", err, got)
		}
	}
	if got := refused(queueFate(queue.ErrClosed)); !errors.Is(got, ErrClosed) || !errors.Is(got, ErrRefused) {
		t.Errorf("of a closed queue the caller is told %q", got)
	}
}

func TestFatesHaveNames(t *testing.T) {
	seen := map[string]fate{}
	for f := range fateCount {
		name := f.String()
		if other, twice := seen[name]; name == "" || twice {
			t.Errorf("fate %d has the name %q, which is that of %d", f, name, other)
		}
		seen[name] = f
	}
}

func TestLedgerRecordsTheNewestFirst(t *testing.T) {
	l := newLedger()
	for i := range recentRecords + 50 {
		l.recordEvent(strconv.Itoa(i), "delivered", someID(i))
	}
	l.recordEvent("DEAD", "dead: blocked", someID(0xabc))
	_, recent := l.history()
	if len(recent) != recentRecords || recent[0].Fate != "dead: blocked" || recent[0].Browser != "00000abc" {
		t.Errorf("%d records, the first is %+v", len(recent), recent[0])
	}
	for i, r := range recent[1:] {
		if want := strconv.Itoa(recentRecords + 49 - i); r.Goal != want || r.Fate != "delivered" {
			t.Fatalf("record %d is of %s, want %s", i+1, r.Goal, want)
		}
	}
	if b, err := json.Marshal(recent[0]); err != nil || strings.Contains(string(b), someID(0xabc)) {
		t.Errorf("a record has the whole ID: %s, %v", b, err)
	}
}

func TestLedgerConcurrently(t *testing.T) {
	l := newLedger()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				l.decide(time.Now(), fmt.Sprint("goal", (g+i)%20), fate(i)%decisionFates, "", "")
				l.recordEvent("g", "delivered", "")
				l.note("x")
				l.account(queue.Stats{})
				l.history()
			}
		})
	}
	wg.Wait()
	if a := l.account(queue.Stats{}); !a.Balanced() || a.Decisions != 4000 {
		t.Errorf("%s", a)
	}
	if notes, _ := l.history(); notes["x"] != 4000 {
		t.Errorf("%v", notes)
	}
}

// What an account and a history return is the caller's.
func TestAccountIsACopy(t *testing.T) {
	l := newLedger()
	l.decide(time.Now(), "A", fateBot, "", "")
	l.note("x")
	for range 2 {
		a := l.account(queue.Stats{Damaged: 1, Recovered: 3, Waiting: 2})
		notes, _ := l.history()
		if !a.Balanced() || a.NotFired["bot"] != 1 || a.Dropped["damaged"] != 1 || a.Waiting != 2 || len(notes) != 1 || notes["x"] != 1 {
			t.Errorf("%s\n%v", a, notes)
		}
		a.NotFired["bot"], a.Dropped["damaged"], notes["x"], notes["y"] = 9, 9, 9, 9
	}
}

// TestRecordsKeepNoHeader: the ID is read off a Cookie header that may be large,
// and what is recorded of it must not keep the whole.
func TestRecordsKeepNoHeader(t *testing.T) {
	l := newLedger()
	const size = 1 << 20
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for range 100 {
		header := someID(0xabc) + strings.Repeat("x", size)
		l.decide(time.Now(), "SEEN", fired, header[:36], "")
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > before.HeapAlloc+20*size {
		t.Errorf("100 records keep %d bytes", after.HeapAlloc-before.HeapAlloc)
	}
	if _, recent := l.history(); recent[0].Browser != "00000abc" {
		t.Errorf("recorded %+v", recent[0])
	}
}

func TestShortID(t *testing.T) {
	for id, want := range map[string]string{someID(1): "00000001", "": "", "x": "x"} {
		if got := shortID(id); got != want {
			t.Errorf("shortID(%q) = %q", id, got)
		}
	}
}

// someID is the browser ID of a visitor.
func someID(n int) string { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", n) }

// TestGoldenNames: a reason that a version gave for what did not count, or was not
// delivered, has that name for ever: people count by it.
func TestGoldenNames(t *testing.T) {
	golden.Kind{Name: "names", Write: func(t *testing.T, dir string) {
		names := slices.Sorted(maps.Keys(names()))
		if err := os.WriteFile(filepath.Join(dir, "names.txt"), []byte(strings.Join(names, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}, Read: func(t *testing.T, dir string) golden.Texts {
		text, err := os.ReadFile(filepath.Join(dir, "names.txt"))
		if err != nil {
			t.Fatal(err)
		}
		for name := range strings.FieldsSeq(string(text)) {
			if !names()[name] {
				t.Errorf("nothing is called %s any more", name)
			}
		}
		return nil
	}}.Test(t, "testdata/golden")
}

// names are those of all fates.
func names() map[string]bool {
	all := map[string]bool{}
	for f := range fateCount {
		all[f.String()] = true
	}
	return all
}

// TestTheLogSaysThatABudgetRefuses: once, however many goals it concerns, and once when
// it is over.
func TestTheLogSaysThatABudgetRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, logs := newLedger(), &logbook.Book{}
		l.logTo(slog.New(logs))
		for range 100 {
			for f := range decisionFates {
				l.decide(time.Now(), "A", f, "", "")
			}
		}
		synctest.Wait()
		if want := []string{"WARN " + logForms, "WARN " + logHolds}; !slices.Equal(slices.Sorted(slices.Values(logs.Lines())), slices.Sorted(slices.Values(want))) {
			t.Errorf("got %q, want %q", logs.Lines(), want)
		}
		<-time.After(2 * time.Minute)
		if logs.Count("INFO "+logFormsOver+" times=100") != 1 || logs.Count("INFO "+logHoldsOver+" times=100") != 1 {
			t.Errorf("it is over: %q", logs.Lines())
		}
	})
}

// TestSummaryWhenNothingFires: each reason for which nothing fires is a warning once,
// until something fires, so that a quiet site has no warning a minute.
func TestSummaryWhenNothingFires(t *testing.T) {
	unsuccessful, denied := fateOf(rule.ReasonNotSuccessful), fateConsentRefused
	synctest.Test(t, func(t *testing.T) {
		logs := &logbook.Book{}
		tracker, err := New(Config{
			Sites:    []Site{{CDP: cdp.Direct{BaseURL: "https://cdp.example", ClientKey: "k", PointOfSale: "shop"}}},
			Cookie:   Cookie{Warm: -1},
			Logger:   slog.New(logs),
			Delivery: Delivery{Queue: &sink{}},
		})
		if err != nil {
			t.Fatal(err)
		}
		bubble.Pass(time.Minute)
		var want []string
		for _, minute := range []struct {
			level string
			fates []fate
		}{
			{"INFO", []fate{fateBot, fatePrefetch, fateHealthCheck, fateEditor, fateStaff}},
			{"WARN", []fate{fateBot, denied}},
			{"INFO", []fate{denied}},
			{"", nil},
			{"INFO", []fate{denied, fateBot}},
			{"WARN", []fate{denied, unsuccessful}},
			{"INFO", []fate{unsuccessful}},
			{"INFO", []fate{fateHeld, fateOptOut}}, // who is asked may yet agree
			{"WARN", []fate{fateOptOut}},
			{"INFO", []fate{fired, denied}},
			{"WARN", []fate{denied}},
		} {
			for _, f := range minute.fates {
				tracker.ledger.decide(time.Now(), "A", f, "", "")
			}
			bubble.Pass(summaryEvery)
			if minute.level != "" {
				want = append(want, minute.level)
			}
		}
		var got []string
		lines := logs.About("the last minute")
		for _, l := range lines {
			level, _, _ := strings.Cut(l, " ")
			got = append(got, level)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v\n%s", got, want, strings.Join(lines, "\n"))
		}
		if _, err := tracker.Close(t.Context()); err != nil {
			t.Error(err)
		}
		bubble.Pass(time.Minute)
	})
}
