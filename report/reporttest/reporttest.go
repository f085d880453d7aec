// Package reporttest is what every store of a report has to pass:
//
//	func TestStore(t *testing.T) {
//		reporttest.Run(t, func(t *testing.T) report.Store { return open(t) })
//	}
package reporttest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// Run tries a store. open makes an empty one, that keeps at least 40 days, and closes it
// when the test ends.
func Run(t *testing.T, open func(t *testing.T) report.Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		do   func(t *testing.T, s report.Store)
	}{
		{"Sums", testSums},
		{"Once", testOnce},
		{"Texts", testTexts},
		{"Asked", testAsked},
		{"Fold", testFold},
		{"Expire", testExpire},
		{"Drop", testDrop},
		{"Info", testInfo},
		{"Costs", testCosts},
		{"Filled", testFilled},
		{"Browsers", testBrowsers},
		{"Concurrent", testConcurrent},
		{"BerlinSpring", testHours("Europe/Berlin", "2026-03-29", 23)},
		{"BerlinAutumn", testHours("Europe/Berlin", "2026-10-25", 25)},
		{"StJohnsSpring", testHours("America/St_Johns", "2026-03-08", 23)},
		{"StJohnsAutumn", testHours("America/St_Johns", "2026-11-01", 25)},
		{"CairoSpring", testHours("Africa/Cairo", "2026-04-24", 23)}, // without a midnight
	} {
		t.Run(test.name, func(t *testing.T) { test.do(t, open(t)) })
	}
}

// today is a day in the middle of a month.
var today, _ = report.ParseDay("2026-11-15")

// shop is a batch of one day. It has 10 visits, of which 6 were to /a and 4 to /b, and three
// conversions of ASKED. Two of them came from news and are worth 10 euros.
func shop(day report.Day) *report.Batch {
	b := &report.Batch{Totals: map[report.TotalKey]report.Amount{}, Parts: map[report.PartKey]report.Amount{}, Cells: map[report.CellKey]report.Amount{}, Zones: map[string]string{"shop": "UTC"}}
	total := func(goal, reason, currency string, n uint64, minor int64) {
		k := report.TotalKey{Site: "shop", Day: day, Goal: goal, Reason: reason, Currency: currency}
		b.Totals[k] = report.Amount{N: n, Minor: minor}
		if reason != "gpc" {
			k.Hour = day.Begin(nil).Unix() + 7200
			b.Totals[k] = report.Amount{N: n, Minor: minor}
		}
	}
	total(report.Visits, fact.Fired, "", 10, 0)
	total(report.Visits, "gpc", "", 5, 0)
	total("ASKED", fact.Fired, "EUR", 2, 2000)
	total("ASKED", fact.Fired, "", 1, 0)
	total("ASKED", "status", "", 7, 0)
	part := func(goal string, d report.Dimension, text, currency string, n uint64, minor int64) {
		b.Parts[report.PartKey{Site: "shop", Day: day, Goal: goal, Dimension: d, Text: text, Currency: currency}] = report.Amount{N: n, Minor: minor}
	}
	part(report.Visits, report.Page, "/a", "", 6, 0)
	part(report.Visits, report.Page, "/b", "", 4, 0)
	part(report.Visits, report.Source, "news", "", 9, 0)
	part(report.Visits, report.Source, "one-person", "", 1, 0)
	part("ASKED", report.Page, "/a", "EUR", 2, 2000)
	part("ASKED", report.Page, "/b", "", 1, 0)
	part("ASKED", report.Source, "news", "EUR", 2, 2000)
	part("ASKED", report.Source, "one-person", "", 1, 0)
	cell := func(page, source, currency string, n uint64, minor int64) {
		k := report.CellKey{Site: "shop", Day: day, Goal: "ASKED", Currency: currency}
		k.Texts = [...]string{page, source, report.None, "DE", "mobile"}
		b.Cells[k] = report.Amount{N: n, Minor: minor}
	}
	cell("/a", "news", "EUR", 2, 2000)
	cell("/b", "one-person", "", 1, 0)
	return b
}

func flush(t *testing.T, s report.Store, batches ...*report.Batch) {
	t.Helper()
	for _, b := range batches {
		if err := s.Flush(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

// lines are the counts of an answer, in order.
func lines(t *testing.T, s report.Store, q report.Question) string {
	t.Helper()
	counts, err := s.Sum(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]string, 0, len(counts))
	for _, c := range counts {
		var words []string
		if c.Day != 0 {
			words = append(words, c.Day.String())
		}
		if c.Hour != 0 {
			words = append(words, time.Unix(c.Hour, 0).UTC().Format("15:04"))
		}
		for _, text := range []string{c.Goal, c.Reason, c.Text} {
			if text != "" {
				words = append(words, text)
			}
		}
		words = append(words, strconv.FormatUint(c.N, 10))
		if c.Currency != "" || c.Minor != 0 {
			words = append(words, strconv.FormatInt(c.Minor, 10), c.Currency)
		}
		list = append(list, strings.Join(words, " "))
	}
	slices.Sort(list)
	return strings.Join(list, "; ")
}

func testSums(t *testing.T, s report.Store) {
	flush(t, s, shop(today), shop(today+1), shop(today+1))
	for _, test := range []struct {
		name string
		q    report.Question
		want string
	}{
		{"visits", report.Question{Reason: fact.Fired}, "30"},
		{"visits by day", report.Question{Reason: fact.Fired, ByDay: true}, "2026-11-15 10; 2026-11-16 20"},
		{"one day", report.Question{Reason: fact.Fired, From: today, To: today}, "10"},
		{"by hour", report.Question{Reason: fact.Fired, Hours: true, From: today, To: today}, "02:00 10"},
		{"by reason", report.Question{ByReason: true}, "fired 30; gpc 15"},
		{"a goal", report.Question{Of: "ASKED", Reason: fact.Fired}, "3; 6 6000 EUR"},
		{"goals", report.Question{AllGoals: true, ByGoal: true, ByReason: true}, "ASKED fired 3; ASKED fired 6 6000 EUR; ASKED status 21"},
		{"unknown goal", report.Question{Of: "NONE"}, ""},
		{"pages of visits", report.Question{Table: report.Parts, Dimension: report.Page}, "/a 18; /b 12"},
		{"pages of goals", report.Question{Table: report.Parts, Dimension: report.Page, AllGoals: true}, "/a 6 6000 EUR; /b 3"},
		{"sources of a goal by day", report.Question{Table: report.Parts, Dimension: report.Source, Of: "ASKED", ByDay: true, To: today}, "2026-11-15 news 2 2000 EUR; 2026-11-15 one-person 1"},
		{"filtered", report.Question{Table: report.Cells, Dimension: report.Page, AllGoals: true, Where: map[report.Dimension]string{report.Source: "news"}}, "/a 6 6000 EUR"},
		{"filtered twice", report.Question{Table: report.Cells, Of: "ASKED", Where: map[report.Dimension]string{report.Source: "news", report.Device: "desktop"}}, ""},
		{"filtered by goal", report.Question{Table: report.Cells, AllGoals: true, ByGoal: true, Where: map[report.Dimension]string{report.Device: "mobile"}}, "ASKED 3; ASKED 6 6000 EUR"},
		{"by a text that is not there", report.Question{Table: report.Cells, AllGoals: true, Where: map[report.Dimension]string{report.Device: "watch"}}, ""},
	} {
		test.q.Site = cmp.Or(test.q.Site, "shop")
		test.q.From, test.q.To = cmp.Or(test.q.From, today), cmp.Or(test.q.To, today+1)
		if got := lines(t, s, test.q); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if got := lines(t, s, report.Question{Site: "other", From: today, To: today + 1}); got != "" {
		t.Errorf("another site: %q", got)
	}
}

func testOnce(t *testing.T, s report.Store) {
	first, second, other := shop(today), shop(today), shop(today)
	first.Writer, first.Seq = "one", 1
	second.Writer, second.Seq = "one", 2
	other.Writer, other.Seq = "two", 1
	flush(t, s, first, first, second, first, second, other, other)
	if got := lines(t, s, report.Question{Site: "shop", From: today, To: today, Reason: fact.Fired}); got != "30" {
		t.Errorf("visits %s, want 30", got)
	}
}

// testTexts: whatever a visitor wrote stays a text.
func testTexts(t *testing.T, s report.Store) {
	for _, text := range []string{"'; DROP TABLE part; --", "<script>alert(1)</script>", "\u202eevil", "", "?", "$1", strings.Repeat("ä", 200), "a\x00b"} {
		if strings.Contains(text, "\x00") && s == nil {
			continue
		}
		b := &report.Batch{Zones: map[string]string{"shop": "UTC"}, Totals: map[report.TotalKey]report.Amount{{Site: "shop", Day: today, Goal: "G", Reason: fact.Fired}: {N: 1}}}
		text = strings.ReplaceAll(text, "\x00", "")
		b.Parts = map[report.PartKey]report.Amount{{Site: "shop", Day: today, Goal: "G", Dimension: report.Campaign, Text: text}: {N: 1}}
		flush(t, s, b)
		counts, err := s.Sum(t.Context(), report.Question{Table: report.Parts, Site: "shop", From: today, To: today, Of: "G", Dimension: report.Campaign})
		if err != nil || !slices.ContainsFunc(counts, func(c report.Count) bool { return c.Text == text && c.N == 1 }) {
			t.Errorf("%q: %v, %v", text, counts, err)
		}
	}
}

// testAsked: whatever somebody writes into an address, a store answers, and has none of it.
func testAsked(t *testing.T, s report.Store) {
	flush(t, s, shop(today))
	for _, text := range []string{"\x00", "a\x00b", "\xff", "\xed\xa0\x80", "' OR 1=1 --", strings.Repeat("a", 100_000)} {
		for _, q := range []report.Question{
			{Site: text, AllGoals: true},
			{Site: "shop", Of: text},
			{Site: "shop", AllGoals: true, Reason: text},
			{Site: "shop", AllGoals: true, Table: report.Cells, Where: map[report.Dimension]string{report.Page: text}},
		} {
			q.From, q.To, q.ByDay = today-2_000_000, today+2_000_000, true
			if counts, err := s.Sum(t.Context(), q); err != nil || len(counts) > 0 {
				t.Errorf("%.20q: %v, %v of %+v", text, counts, err, q.Table)
			}
		}
	}
}

// testFold: few join others when the day closes, once, and nothing is lost by it.
func testFold(t *testing.T, s report.Store) {
	flush(t, s, shop(today), shop(today+1))
	for range 2 {
		if err := s.CloseDays(t.Context(), "shop", today, 5); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		q    report.Question
		want string
	}{
		{"shared pages stay", report.Question{Table: report.Parts, Dimension: report.Page, AllGoals: true, To: today}, "(other) 1; /a 2 2000 EUR"},
		{"rare values join others", report.Question{Table: report.Parts, Dimension: report.Source, To: today}, "(other) 1; news 9"},
		{"also of goals", report.Question{Table: report.Parts, Dimension: report.Source, Of: "ASKED", To: today}, "(other) 1; news 2 2000 EUR"},
		{"rare combinations", report.Question{Table: report.Cells, Dimension: report.Page, Of: "ASKED", To: today}, "(other) 1; (other) 2 2000 EUR"},
		{"the next day stays", report.Question{Table: report.Parts, Dimension: report.Source, From: today + 1}, "news 9; one-person 1"},
		{"totals stay", report.Question{Reason: fact.Fired, To: today}, "10"},
	} {
		test.q.Site = "shop"
		test.q.From, test.q.To = cmp.Or(test.q.From, today), cmp.Or(test.q.To, today+1)
		if got := lines(t, s, test.q); got != test.want {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
	if info, err := s.Info(t.Context()); err != nil || info.Closed["shop"] != today {
		t.Errorf("closed %v, %v", info.Closed, err)
	}
	flush(t, s, shop(today)) // what comes late is added
	if got := lines(t, s, report.Question{Site: "shop", From: today, To: today, Reason: fact.Fired}); got != "20" {
		t.Errorf("late visits: %s", got)
	}
}

func testExpire(t *testing.T, s report.Store) {
	flush(t, s, shop(today), shop(today+1))
	if err := s.Expire(t.Context(), today+1); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		q    report.Question
		want string
	}{
		{report.Question{Reason: fact.Fired, ByDay: true}, "2026-11-15 10; 2026-11-16 10"},
		{report.Question{Reason: fact.Fired, Hours: true}, "02:00 10"},
		{report.Question{Table: report.Parts, Dimension: report.Page}, "/a 6; /b 4"},
		{report.Question{Table: report.Cells, Dimension: report.Page, AllGoals: true}, "/a 2 2000 EUR; /b 1"},
	} {
		test.q.Site, test.q.From, test.q.To = "shop", today, today+1
		if got := lines(t, s, test.q); got != test.want {
			t.Errorf("%+v: %q, want %q", test.q, got, test.want)
		}
	}
	flush(t, s, shop(today+2)) // texts that were deleted come again
	if got := lines(t, s, report.Question{Site: "shop", From: today + 2, To: today + 2, Table: report.Parts, Dimension: report.Page}); got != "/a 6; /b 4" {
		t.Errorf("afterwards: %q", got)
	}
}

func testDrop(t *testing.T, s report.Store) {
	first := shop(today)
	first.Marks = []report.Mark{{Time: today.Begin(nil), Kind: report.MarkOutage, Text: "long ago"}}
	first.Lost = map[report.Day]uint64{today: 3, today + 1: 4}
	flush(t, s, first, shop(today+1))
	if err := s.Drop(t.Context(), today+1); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, s, report.Question{Site: "shop", From: today, To: today + 1, ByDay: true, Reason: fact.Fired}); got != "2026-11-16 10" {
		t.Errorf("left: %q", got)
	}
	info, err := s.Info(t.Context())
	if err != nil || info.First != today+1 || !maps.Equal(info.Lost, map[report.Day]uint64{today + 1: 4}) {
		t.Errorf("%+v, %v", info, err)
	}
	if marks, err := s.Marks(t.Context(), time.Time{}.Add(1<<62), today.Begin(nil).AddDate(1, 0, 0)); err != nil || len(marks) > 0 {
		t.Errorf("marks %v, %v", marks, err)
	}
}

func testInfo(t *testing.T, s report.Store) {
	if info, err := s.Info(t.Context()); err != nil || info.First != 0 || info.Rules != nil || len(info.Zones) > 0 || info.Kind == "" {
		t.Fatalf("empty: %+v, %v", info, err)
	}
	at := today.Begin(nil).Add(time.Hour)
	b := shop(today)
	b.Zones = map[string]string{"shop": "Europe/Berlin", "blog": "UTC"}
	b.Rules = &fact.Rules{Hash: "abcd", Goals: []fact.Goal{{Name: "ASKED", Label: "Quote asked", Status: "live", After: []string{"SEEN"}}}}
	b.Marks = []report.Mark{{Time: at, Kind: report.MarkRules, Text: "abcd"}, {Time: at.Add(-time.Minute), Site: "shop", Kind: report.MarkZone, Text: "Europe/Berlin"}}
	b.Lost = map[report.Day]uint64{today: 2}
	flush(t, s, b)
	flush(t, s, &report.Batch{Lost: map[report.Day]uint64{today: 2}, Zones: map[string]string{"blog": "Asia/Tokyo"}})
	info, err := s.Info(t.Context())
	if err != nil || info.First != today || !maps.Equal(info.Zones, map[string]string{"shop": "Europe/Berlin", "blog": "Asia/Tokyo"}) || info.Lost[today] != 4 {
		t.Errorf("%+v, %v", info, err)
	}
	if r := info.Rules; r == nil || r.Hash != "abcd" || len(r.Goals) != 1 || r.Goals[0].Label != "Quote asked" || r.Goals[0].After[0] != "SEEN" || !info.RulesSince.Equal(at) {
		t.Errorf("rules %+v since %v", r, info.RulesSince)
	}
	marks, err := s.Marks(t.Context(), at.Add(-time.Hour), at.Add(time.Hour))
	if err != nil || len(marks) != 2 || marks[0].Kind != report.MarkZone || marks[0].Site != "shop" || !marks[1].Time.Equal(at) || marks[1].Text != "abcd" {
		t.Errorf("marks %+v, %v", marks, err)
	}
	if marks, err := s.Marks(t.Context(), at.Add(time.Second), at.Add(time.Hour)); err != nil || len(marks) != 0 {
		t.Errorf("later marks %+v, %v", marks, err)
	}
}

// testConcurrent: batches of many writers, while others ask, add up.
func testConcurrent(t *testing.T, s report.Store) {
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for seq := range uint64(10) {
				b := shop(today)
				b.Writer, b.Seq = fmt.Sprint("writer ", w), seq+1
				if err := s.Flush(t.Context(), b); err != nil {
					t.Error(err)
				}
				if _, err := s.Sum(t.Context(), report.Question{Site: "shop", From: today, To: today, AllGoals: true}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := lines(t, s, report.Question{Site: "shop", From: today, To: today, Reason: fact.Fired}); got != "400" {
		t.Errorf("visits %s, want 400", got)
	}
	if got := lines(t, s, report.Question{Table: report.Cells, Site: "shop", From: today, To: today, AllGoals: true}); got != "40; 80 80000 EUR" {
		t.Errorf("combinations %s", got)
	}
}
