package reporttest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// testCosts: what was spent adds up by site and day, once, and goes when its day is
// deleted.
func testCosts(t *testing.T, s report.Store) {
	spent := func(seq uint64, day report.Day, site, what string, n uint64) *report.Batch {
		return &report.Batch{Writer: "w", Seq: seq, Costs: map[report.CostKey]uint64{{Site: site, Day: day, What: what}: n}}
	}
	again := spent(2, today, "shop", fact.IDMade, 2)
	flush(t, s, spent(1, today, "shop", fact.IDMade, 3), again, again, spent(3, today, "", fact.EventSent, 7), spent(4, today-20, "shop", fact.EventAgain, 1))
	costs := func(from, to report.Day) string {
		list, err := s.Costs(t.Context(), from, to)
		if err != nil {
			t.Fatal(err)
		}
		var texts []string
		for _, c := range list {
			texts = append(texts, fmt.Sprint(c.Day, " ", c.Site, " ", c.What, " ", c.N))
		}
		slices.Sort(texts)
		return strings.Join(texts, "; ")
	}
	if got, want := costs(today-20, today), "2026-10-26 shop event_sent_again 1; 2026-11-15  event_sent 7; 2026-11-15 shop id_made 5"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := costs(today+1, today+9); got != "" {
		t.Errorf("later: %q", got)
	}
	months, err := report.Months(t.Context(), s, today-20, today)
	if err != nil || len(months) != 2 || months[0].Month != "2026-11" || months[0].IDsMade != 5 || months[0].Requests() != 7 || len(months[0].Sites) != 2 || months[1].EventsAgain != 1 {
		t.Errorf("%+v, %v", months, err)
	}
	if err := s.Expire(t.Context(), today+40); err != nil {
		t.Fatal(err)
	}
	if err := s.Drop(t.Context(), today); err != nil {
		t.Fatal(err)
	}
	if got, want := costs(today-20, today), "2026-11-15  event_sent 7; 2026-11-15 shop id_made 5"; got != want {
		t.Errorf("after a part was deleted: %q, want %q", got, want)
	}
}

// testFilled: a day without counts can be filled in once, and all days of one who filled
// some in can be deleted.
func testFilled(t *testing.T, s report.Store) {
	fill := func(writer string, seq uint64, day report.Day) error {
		b := shop(day)
		b.Writer, b.Seq, b.Filled = "run of "+writer, seq, []report.Filled{{Writer: writer, SiteDay: report.SiteDay{Site: "shop", Day: day}}}
		b.Marks = []report.Mark{{Time: day.Begin(nil), Site: "shop", Kind: report.MarkFilled, Text: writer}}
		return s.Flush(t.Context(), b)
	}
	flush(t, s, shop(today))
	for _, err := range []error{fill("logs", 1, today-2), fill("logs", 2, today-1), fill("others", 1, today-3), fill("logs", 2, today-1)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, day := range []report.Day{today, today - 1, today - 3} {
		if err := fill("logs", 3, day); !errors.Is(err, report.ErrDayTaken) {
			t.Errorf("%v again: %v", day, err)
		}
	}
	visits := func() string {
		return lines(t, s, report.Question{Site: "shop", From: today - 9, To: today, ByDay: true, Reason: fact.Fired})
	}
	if got := visits(); got != "2026-11-12 10; 2026-11-13 10; 2026-11-14 10; 2026-11-15 10" {
		t.Errorf("filled: %q", got)
	}
	info, err := s.Info(t.Context())
	if err != nil || len(info.Filled) != 3 || !slices.Contains(info.Filled, report.Filled{Writer: "others", SiteDay: report.SiteDay{Site: "shop", Day: today - 3}}) {
		t.Errorf("%+v, %v", info.Filled, err)
	}
	for _, want := range []int{2, 0} {
		if n, err := s.DropWriter(t.Context(), "logs"); err != nil || n != want {
			t.Errorf("%d days are deleted, want %d: %v", n, want, err)
		}
	}
	if got := visits(); got != "2026-11-12 10; 2026-11-15 10" {
		t.Errorf("left: %q", got)
	}
	for _, q := range []report.Question{{Hours: true}, {Table: report.Parts, Dimension: report.Page}, {Table: report.Cells, AllGoals: true}} {
		q.Site, q.From, q.To = "shop", today-2, today-1
		if got := lines(t, s, q); got != "" {
			t.Errorf("%+v: %q is left", q, got)
		}
	}
	marks, err := s.Marks(t.Context(), (today - 9).Begin(nil), today.Begin(nil))
	if err != nil || len(marks) != 1 || marks[0].Text != "others" {
		t.Errorf("marks %v, %v", marks, err)
	}
	if err := fill("logs", 3, today-1); err != nil {
		t.Errorf("a day that was deleted: %v", err)
	}
}
