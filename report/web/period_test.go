package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// pagesOf makes pages of a store.
func pagesOf(t *testing.T, store report.Store) http.Handler {
	t.Helper()
	pages, err := New(Options{Store: store, Authorize: Open})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// bars is what the table behind the chart of a page adds up to: what counted, and in how many
// rows.
func bars(t *testing.T, page string) (sum, rows int) {
	t.Helper()
	table := regexp.MustCompile(`(?s)<details>.*?</details>`).FindString(page)
	for _, cell := range regexp.MustCompile(`</th><td class="n">([\d,]+)</td>`).FindAllStringSubmatch(table, -1) {
		n, err := strconv.Atoi(strings.ReplaceAll(cell[1], ",", ""))
		if err != nil {
			t.Fatal(err)
		}
		sum, rows = sum+n, rows+1
	}
	return sum, rows
}

// answered is what /goals.json adds up to.
func answered(t *testing.T, pages http.Handler, query string) (sum uint64, rows int) {
	t.Helper()
	var got report.Result
	if err := json.Unmarshal([]byte(get(t, pages, "/goals.json?"+query, 200)), &got); err != nil {
		t.Fatal(err)
	}
	for _, row := range got.Rows {
		sum += row.Conversions
	}
	return sum, len(got.Rows)
}

// TestDaysAddUp: at clock changes, at the ends of months and years, and on 29 February, days
// add up to the whole, and hours to their day, on the page and for other programs. No day is
// missing, and none is there twice.
func TestDaysAddUp(t *testing.T) {
	for _, test := range []struct {
		zone, day string
		hours     int // of the day
	}{
		{"Europe/Berlin", "2026-03-29", 23},
		{"Europe/Berlin", "2026-10-25", 25},
		{"America/New_York", "2026-03-08", 23},
		{"America/New_York", "2026-11-01", 25},
		{"Australia/Lord_Howe", "2026-10-04", 24}, // by half an hour
		{"Australia/Lord_Howe", "2027-04-04", 25},
		{"Africa/Cairo", "2026-04-24", 23},     // without the hour 00:00
		{"Africa/Cairo", "2026-10-29", 25},     // with 23:00 twice
		{"America/Santiago", "2026-09-06", 23}, // without the hour 00:00
		{"America/Santiago", "2027-04-03", 25},
		{"America/Havana", "2026-11-01", 25}, // with 00:00 twice
		{"Asia/Kathmandu", "2026-12-31", 24},
		{"UTC", "2028-02-29", 24},
		{"Pacific/Apia", "2026-12-31", 24},
	} {
		t.Run(test.zone+" "+test.day, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				zone, err := time.LoadLocation(test.zone)
				if err != nil {
					t.Fatal(err)
				}
				day, err := report.ParseDay(test.day)
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Until((day + 3).Begin(zone)))
				var facts []fact.Fact
				perDay := map[report.Day]uint64{}
				for at := (day - 1).Begin(zone); at.Before((day + 2).Begin(zone)); at = at.Add(10 * time.Minute) {
					f := conversion(at, "SENT")
					f.Zone = zone
					facts = append(facts, f)
					perDay[report.DayOf(at, zone)]++
				}
				pages := pagesOf(t, storeOf(t, facts...))
				all := fmt.Sprintf("from=%v&to=%v", day-1, day+1)
				sum, _ := answered(t, pages, all)
				byDay, days := answered(t, pages, all+"&by=day")
				byHour, _ := answered(t, pages, all+"&by=hour")
				drawn, rows := bars(t, get(t, pages, "/?"+all, 200))
				if want := uint64(len(facts)); sum != want || byDay != want || byHour != want || drawn != len(facts) || days != 3 || rows != 3 {
					t.Errorf("%d of %d, %d by %d days, %d by hour, %d in %d bars", sum, want, byDay, days, byHour, drawn, rows)
				}
				for d := day - 1; d <= day+1; d++ {
					one := fmt.Sprintf("from=%v&to=%v", d, d)
					sum, hours := answered(t, pages, one+"&by=hour")
					drawn, rows := bars(t, get(t, pages, "/goal/SENT?"+one, 200))
					if sum != perDay[d] || uint64(drawn) != perDay[d] || rows != hours || d == day && hours != test.hours {
						t.Errorf("%v: %d in %d hours, and %d in %d bars, of %d", d, sum, hours, drawn, rows, perDay[d])
					}
				}
			})
		})
	}
}

// TestComparisonsAreOfEqualDays: what is over is compared with as many days, and with the same
// weekdays.
func TestComparisonsAreOfEqualDays(t *testing.T) {
	const today = 20_800
	for length := report.Day(1); length <= longest; length++ {
		for _, to := range []report.Day{today - 300, today - 1, today, today + 5} {
			now, before, ok := period{From: to - length + 1, To: to}.comparable(today, 1)
			switch {
			case now.From > now.To:
				if ok {
					t.Errorf("%d days to %d are not over", length, to)
				}
			case !ok || now.days() != before.days() || before.To >= now.From || (now.From-before.From)%7 != 0 || now.To >= today:
				t.Errorf("%d days to %d: %+v against %+v, %v", length, to, now, before, ok)
			}
		}
	}
}

// TestThePageSaysItsDays: which they are, and by whose clock. Another day is not today.
func TestThePageSaysItsDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(33 * time.Hour)
		pages := newspaper(t, conversion(time.Now().AddDate(0, 0, -1), "SENT"), conversion(time.Now(), "SENT"), conversion(time.Now(), "SENT"))
		for target, want := range map[string][]string{
			"/":                                   {"Sat 4 Dec 1999 to Sun 2 Jan 2000, time zone UTC"},
			"/?period=day":                        {"Sun 2 Jan 2000, time zone UTC", "All goals: 2 today."},
			"/?from=2000-01-01&to=2000-01-01":     {"Sat 1 Jan 2000, time zone UTC", "All goals: 1 on 1 Jan."},
			"/goal/SENT?from=2000-01-01":          {"Sat 1 Jan 2000 to Sun 2 Jan 2000, time zone UTC"},
			"/funnels?from=2000-01-01":            {"Sat 1 Jan 2000 to Sun 2 Jan 2000, time zone UTC"},
			"/?from=2000-01-05&to=2000-01-05":     {"Wed 5 Jan 2000, time zone UTC", "All goals: 0 on 5 Jan."},
			"/delivery?from=2000-01-01":           {"Delivery · shop · Goals"},
			"/goal/SENT?from=2000-01-02&page=%2F": {"SENT · shop · Goals"},
		} {
			page := plain(get(t, pages, target, 200))
			for _, text := range want {
				if !strings.Contains(page, text) {
					t.Errorf("%s does not say %q:\n%s", target, text, page)
				}
			}
		}
		for _, target := range []string{"/delivery", "/cost"} {
			if page := plain(get(t, pages, target, 200)); strings.Contains(page, "time zone UTC") || strings.Contains(page, "30 days") {
				t.Errorf("%s is about no days:\n%s", target, page)
			}
		}
	})
}

// TestOneDayWithoutItsHours: of a part of a day, and of a day whose hours are not kept any
// more, the chart has one bar for the day.
func TestOneDayWithoutItsHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(60 * 24 * time.Hour)
		old := time.Now().AddDate(0, 0, -40)
		store := storeOf(t, conversion(old, "SENT"), conversion(time.Now(), "SENT"), conversion(time.Now(), "SENT"))
		if err := store.Expire(t.Context(), report.DayOf(time.Now().AddDate(0, 0, -30), nil)); err != nil {
			t.Fatal(err)
		}
		pages := pagesOf(t, store)
		day := report.DayOf(old, nil)
		for target, want := range map[string][2]int{
			"/?period=day":                                    {2, 24},
			"/?period=day&page=%2F":                           {2, 1},
			"/goal/SENT?period=day&page=%2F":                  {2, 1},
			fmt.Sprintf("/?from=%v&to=%v", day, day):          {1, 1},
			fmt.Sprintf("/?from=%v&to=%v", day-1, day-1):      {0, 0},
			fmt.Sprintf("/?from=%v&to=%v", day-1, day):        {1, 2},
			fmt.Sprintf("/goal/SENT?from=%v&to=%v", day, day): {1, 1},
		} {
			page := get(t, pages, target, 200)
			if sum, rows := bars(t, page); sum != want[0] || rows != want[1] {
				t.Errorf("%s: %d in %d bars, want %d in %d", target, sum, rows, want[0], want[1])
			}
			if want[1] == 1 && !strings.Contains(page, "by day") {
				t.Errorf("%s: the chart is not by day", target)
			}
		}
	})
}

// TestFilterHidesFiguresOfTheWholeSite: with a filter nothing is shown that is known of the whole site only.
func TestFilterHidesFiguresOfTheWholeSite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9 * time.Hour)
		at := time.Now()
		unanswered := visit(at)
		unanswered.Reason = "consent_unknown"
		pages := newspaper(t, rulesOf(at, fact.Goal{Name: "SENT", Status: "live", After: []string{"SEEN"}}, fact.Goal{Name: "SEEN", Status: "live"}),
			visit(at), unanswered, conversion(at, "SENT"), conversion(at, "SEEN"), refused(at, "SENT"))
		whole := []string{"refused by the site", "How it nearly counted", "What comes before", "Who is counted", "The other people did not agree"}
		for _, target := range []string{"/?", "/goal/SENT?"} {
			all, part := plain(get(t, pages, target, 200)), plain(get(t, pages, target+"source=google.com", 200))
			some := 0
			for _, text := range whole {
				if strings.Contains(all, text) {
					some++
				}
				if strings.Contains(part, text) {
					t.Errorf("%s says %q of a part:\n%s", target, text, part)
				}
			}
			if some < 3 || !strings.Contains(part, "Only: Source is google.com") {
				t.Errorf("%s: %d of the texts are there without a filter", target, some)
			}
		}
	})
}

// TestSitesBeginOnDaysOfTheirOwn: what a site did is not compared with days before it was
// counted, only because another site was.
func TestSitesBeginOnDaysOfTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9 * time.Hour)
		facts := days(80, 9, func(at time.Time) fact.Fact { return conversion(at, "SENT") })
		for _, f := range days(40, 9, func(at time.Time) fact.Fact { return conversion(at, "SENT") }) {
			f.Site = "young"
			facts = append(facts, f)
		}
		pages := newspaper(t, facts...)
		old, young := plain(get(t, pages, "/?site=shop", 200)), plain(get(t, pages, "/?site=young", 200))
		if !strings.Contains(old, "as many as on the same weekdays before") || !strings.Contains(old, "Counted since 13 Oct 1999") {
			t.Errorf("the old site:\n%s", old)
		}
		if strings.Contains(young, "weekdays before.") || strings.Contains(young, "more than") || !strings.Contains(young, "Counted since 22 Nov 1999") {
			t.Errorf("the young site:\n%s", young)
		}
	})
}

// TestSilentSinceADayLookedAt: a goal that counted long ago is not said to never have counted
// since the first day.
func TestSilentSinceADayLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9 * time.Hour)
		facts := days(200, 1, visit)
		facts = append(facts, rulesOf(time.Now().AddDate(0, 0, -200), fact.Goal{Name: "SENT", Label: "Form", Status: "live"}), conversion(time.Now().AddDate(0, 0, -100), "SENT"))
		page := plain(get(t, newspaper(t, facts...), "/", 200))
		if want := "Form has not counted since 21 Oct 1999"; !strings.Contains(page, want) { // 72 days ago
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	})
}
