package rule

import (
	"fmt"
	"testing"
	"time"
)

// TestDatesWhenClocksChange: a goal counts from the beginning of a day to the end of one, also
// where clocks go forward or back then, at midnight in some zones.
func TestDatesWhenClocksChange(t *testing.T) {
	for _, c := range []struct{ zone, from, until, begins, ends string }{
		{"Europe/Berlin", "2027-03-28", "2027-03-28", "2027-03-27T23:00:00Z", "2027-03-28T22:00:00Z"}, // 23 hours
		{"Europe/Berlin", "2027-10-31", "2027-10-31", "2027-10-30T22:00:00Z", "2027-10-31T23:00:00Z"}, // 25
		{"Europe/Berlin", "2027-03-28 02:30", "2027-03-28 03:30", "2027-03-28T01:00:00Z", "2027-03-28T01:30:00Z"},
		{"America/New_York", "2027-03-14 02:30", "2027-03-14T03:30", "2027-03-14T07:00:00Z", "2027-03-14T07:30:00Z"},
		{"America/Santiago", "2027-09-05", "2027-09-05", "2027-09-05T04:00:00Z", "2027-09-06T03:00:00Z"},
		{"America/Santiago", "2027-09-04", "2027-09-04", "2027-09-04T04:00:00Z", "2027-09-05T04:00:00Z"},
		{"America/Havana", "2027-03-14", "2027-03-14", "2027-03-14T05:00:00Z", "2027-03-15T04:00:00Z"},
		{"Atlantic/Azores", "2027-03-27", "2027-03-28", "2027-03-27T01:00:00Z", "2027-03-29T00:00:00Z"},
		{"Africa/Cairo", "2027-04-30", "2027-04-30", "2027-04-29T22:00:00Z", "2027-04-30T21:00:00Z"},
		{"Asia/Beirut", "2027-10-30", "2027-10-30", "2027-10-29T21:00:00Z", "2027-10-30T22:00:00Z"},
		{"Pacific/Apia", "2011-12-29", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z"}, // there is no 30th
		{"UTC", "2028-02-29", "2028-02-29", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z"},
		{"UTC", "2027-12-31", "2027-12-31", "2027-12-31T00:00:00Z", "2028-01-01T00:00:00Z"},
		{"Europe/Berlin", "2027-03-28T02:30:00+02:00", "2027-03-28T02:30:00Z", "2027-03-28T00:30:00Z", "2027-03-28T02:30:00Z"},
	} {
		rules, err := Parse(fmt.Appendf(nil, "goals: [{ goal: X, visit: /x, timezone: %s, from: \"%s\", until: \"%s\", status: paused }]", c.zone, c.from, c.until))
		if err != nil {
			t.Fatal(err)
		}
		l := rules.byID["X"].limits
		if begins, ends := l.from.UTC().Format(time.RFC3339), l.until.UTC().Format(time.RFC3339); begins != c.begins || ends != c.ends {
			t.Errorf("%s: from %s until %s: %s to %s, want %s to %s", c.zone, c.from, c.until, begins, ends, c.begins, c.ends)
		}
	}
	if _, err := Parse([]byte("goals: [{ goal: X, visit: /x, from: 2027-02-29 }]")); err == nil {
		t.Error("there is no 29 February in 2027")
	}
}
