package web

import (
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

var (
	needs = regexp.MustCompile(`(?i)<script|<link|<a[ >]|<form|<iframe|<img|href=|src=|action=|url\(|@import|https?:`)
	told  = regexp.MustCompile(`(?s)<ul class="sentences">.*?</ul>`)
	rows  = regexp.MustCompile(`(?s)<table class="goals">.*?</table>`)
)

// TestOverviewStandsAlone: the page says what the overview of the report says, and needs
// nothing else.
func TestOverviewStandsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * time.Hour)
		const evil = `</style><script>alert(1)</script>`
		yesterday := time.Now().AddDate(0, 0, -1)
		facts := []fact.Fact{
			rulesOf(yesterday, fact.Goal{Name: "SENT", Label: evil, Status: "live"}, fact.Goal{Name: "NEVER", Label: "Webinar", Status: "live"}),
			conversion(time.Now(), "SENT"), visit(time.Now()), refused(yesterday, "NEVER"),
		}
		store := storeOf(t, facts...)
		pages, err := New(Options{Store: store, Authorize: Open})
		if err != nil {
			t.Fatal(err)
		}
		write := func(q report.Query) string {
			t.Helper()
			var b strings.Builder
			if err := WriteOverview(t.Context(), &b, store, q); err != nil {
				t.Fatal(err)
			}
			if found := needs.FindString(b.String()); found != "" {
				t.Errorf("the page needs more than itself: %q in\n%s", found, b.String())
			}
			return b.String()
		}
		alone, page := write(report.Query{}), get(t, pages, "/", 200)
		for _, part := range []*regexp.Regexp{told, rows} {
			if got, want := plain(part.FindString(alone)), plain(part.FindString(page)); got != want || want == "" {
				t.Errorf("alone:\n%s\nthe page:\n%s", got, want)
			}
		}
		for _, want := range []string{"<style>:root {", "Webinar has not counted since 1 Jan. Once it nearly did", "Sat 4 Dec 1999 to Sun 2 Jan 2000, time zone UTC"} {
			if !strings.Contains(alone, want) && !strings.Contains(plain(alone), want) {
				t.Errorf("no %q in\n%s", want, alone)
			}
		}
		today := report.DayOf(time.Now(), time.UTC)
		some := write(report.Query{Site: "shop", From: today - 1, To: today, Where: map[report.Dimension]string{report.Source: evil}})
		if text := plain(some); !strings.Contains(text, "Sat 1 Jan 2000 to Sun 2 Jan 2000") || !strings.Contains(text, "Source is") || !strings.Contains(text, "All goals: 0 in 2 days") {
			t.Errorf("limited:\n%s", text)
		}
	})
}

func TestOverviewAloneSaysWhatIsWrong(t *testing.T) {
	store := report.NewMemory(0)
	day := report.DayOf(time.Now(), time.UTC)
	for want, q := range map[string]report.Query{
		"of all goals": {Goal: "SENT"},
		"is after to":  {From: day, To: day - 1},
		"at most 1098": {From: day - 4000, To: day},
	} {
		var b strings.Builder
		if err := WriteOverview(t.Context(), &b, store, q); err == nil || !strings.Contains(err.Error(), want) || b.Len() > 0 {
			t.Errorf("%+v: %v, %d bytes", q, err, b.Len())
		}
	}
}
