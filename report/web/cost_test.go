package web

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/fact"
)

// spent is a fact of something that a contract counts.
func spent(at time.Time, site, what string) fact.Fact {
	return fact.Fact{Kind: fact.Spent, Time: at, Site: site, Zone: time.UTC, Reason: what}
}

// TestCostIsShownByMonth: the page, the CSV and the JSON have the same numbers, of each
// month and site.
func TestCostIsShownByMonth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9 * time.Hour)
		now, before := time.Now(), time.Now().AddDate(0, -1, 0)
		facts := []fact.Fact{
			spent(now, "shop", fact.IDMade), spent(now, "shop", fact.IDMade), spent(now, "shop", fact.IDGiven), spent(now, "shop", fact.EventSent),
			spent(now, "=blog", fact.EventSent), spent(now, "=blog", fact.EventAgain), spent(before, "shop", fact.IDMade), spent(before, "shop", fact.IDGiven),
			spent(now, "shop", "of a later version"),
		}
		pages := newspaper(t, facts...)
		page := plain(get(t, pages, "/cost", 200))
		for _, want := range []string{
			"2000-01 all sites 2 1 1 nobody was given yet 2 1", "2000-01 =blog 0 0 1 1", "2000-01 shop 2 1 1 nobody was given yet 1 0",
			"1999-12 all sites 1 1 0 0", "No limits are set", "Monthly Tracked Users",
		} {
			if !strings.Contains(page, want) {
				t.Errorf("the page does not say %q:\n%s", want, page)
			}
		}
		if got, want := get(t, pages, "/cost.csv", 200), "month,site,ids_made,ids_given,events_sent,events_sent_again\n2000-01,'=blog,0,0,1,1\n2000-01,shop,2,1,1,0\n1999-12,shop,1,1,0,0\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
		if got, want := get(t, pages, "/cost.json", 200), `{"month":"2000-01","idsMade":2,"idsGiven":1,"eventsSent":2,"eventsAgain":1,"sites":[{"site":"=blog",`; !strings.Contains(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// TestLimitsAreTold: the overview says when a limit of the month is near or reached, and
// never has more than five sentences.
func TestLimitsAreTold(t *testing.T) {
	store := storeOf(t, conversion(time.Now(), "SENT"), fact.Fact{Kind: fact.Visit, Time: time.Now(), Site: "shop", Zone: time.UTC, Reason: "gpc", Uncountable: true})
	for _, c := range []struct {
		month          fact.Month
		overview, cost string
	}{
		{fact.Month{IDs: 79, LimitIDs: 100}, "", "79 of the 100 browser IDs that this month may have are made (79 %)."},
		{fact.Month{IDs: 80, LimitIDs: 100, Events: 5}, "Nearly all browser IDs of this month are made: 80 of 100 (80 %).", ""},
		{fact.Month{IDs: 1, LimitIDs: 2, Events: 120, LimitEvents: 100}, "More events are sent than this month may have: 120, and it may have 100 (120 %).", "1 of the 2"},
		{fact.Month{IDs: 100, LimitIDs: 100, Events: 90, LimitEvents: 100}, "All browser IDs of this month are made", "Nearly all events"},
	} {
		pages, err := New(Options{Store: store, Authorize: Open, Snapshot: func() goaltrack.Snapshot { return goaltrack.Snapshot{Month: c.month} }})
		if err != nil {
			t.Fatal(err)
		}
		page := get(t, pages, "/", http.StatusOK)
		overview := plain(page)
		if c.overview == "" && strings.Contains(overview, "browser IDs") || !strings.Contains(overview, c.overview) {
			t.Errorf("%+v: the overview does not say %q:\n%s", c.month, c.overview, overview)
		}
		if n := strings.Count(page, `<li class="bad">`) + strings.Count(page, `<li class="good">`); n > 5 {
			t.Errorf("%+v: %d sentences", c.month, n)
		}
		if cost := plain(get(t, pages, "/cost", http.StatusOK)); !strings.Contains(cost, c.overview) || !strings.Contains(cost, c.cost) {
			t.Errorf("%+v: the page of costs does not say %q:\n%s", c.month, c.cost, cost)
		}
	}
}
