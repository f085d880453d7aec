package visit

import (
	"testing"
	"time"
	_ "time/tzdata"
)

// TestPeriods: days, weeks and months are those of the calendar where the goal says,
// whatever its clocks do.
func TestPeriods(t *testing.T) {
	for _, c := range []struct {
		zone, at         string
		day, week, month string
	}{
		{"UTC", "2027-01-01T00:00:00Z", "2027-01-01", "2026-12-28", "2027-01-01"},
		{"UTC", "2026-12-31T23:59:59Z", "2026-12-31", "2026-12-28", "2026-12-01"},
		{"UTC", "2027-01-03T23:59:59Z", "2027-01-03", "2026-12-28", "2027-01-01"},
		{"UTC", "2027-01-04T00:00:00Z", "2027-01-04", "2027-01-04", "2027-01-01"},
		{"Asia/Tokyo", "2027-01-03T15:00:00Z", "2027-01-04", "2027-01-04", "2027-01-01"},
		{"America/New_York", "2027-02-01T04:59:59Z", "2027-01-31", "2027-01-25", "2027-01-01"},
		{"America/New_York", "2027-02-01T05:00:00Z", "2027-02-01", "2027-02-01", "2027-02-01"},
		{"Europe/Berlin", "2027-03-28T00:59:59Z", "2027-03-28", "2027-03-22", "2027-03-01"}, // before the hour that is missing
		{"Europe/Berlin", "2027-03-28T21:59:59Z", "2027-03-28", "2027-03-22", "2027-03-01"},
		{"Europe/Berlin", "2027-03-28T22:00:00Z", "2027-03-29", "2027-03-29", "2027-03-01"},
		{"Europe/Berlin", "2027-10-31T22:59:59Z", "2027-10-31", "2027-10-25", "2027-10-01"}, // behind the hour that came twice
		{"Europe/Berlin", "2027-10-31T23:00:00Z", "2027-11-01", "2027-11-01", "2027-11-01"},
		{"Asia/Beirut", "2027-03-27T22:30:00Z", "2027-03-28", "2027-03-22", "2027-03-01"}, // midnight is missing
		{"UTC", "2028-02-29T12:00:00Z", "2028-02-29", "2028-02-28", "2028-02-01"},
	} {
		zone, err := time.LoadLocation(c.zone)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		for scope, want := range map[Scope]string{PerDay: c.day, PerWeek: c.week, PerMonth: c.month} {
			day := (&Goal{Scope: scope, Zone: zone}).Counted(at, time.UTC).Day
			if got := time.Unix(int64(day)*24*60*60, 0).UTC().Format(time.DateOnly); got != want {
				t.Errorf("%s in %s, scope %d: begins on %s, want %s", c.at, c.zone, scope, got, want)
			}
		}
	}
}

// TestClocksGoBack: a count of the day, week or month to come is one of now, too. One that
// is further away was written by a wrong clock, and keeps nothing from counting.
func TestClocksGoBack(t *testing.T) {
	for scope, away := range map[Scope]uint16{PerDay: 1, PerWeek: 7, PerMonth: 31} {
		for _, keyed := range []bool{false, true} {
			v := new(Visit)
			v.Add(Counted{scope, 1000, 1}, keyed)
			for day, want := range map[uint16]bool{1000: true, 1000 - away: true, 999 - away: false, 1001: false} {
				if got := v.Has(Counted{scope, day, 1}); got != want {
					t.Errorf("scope %d, keyed %t, day %d: %t", scope, keyed, day, got)
				}
			}
			if v.Has(Counted{scope, 1000, 2}) {
				t.Error("another goal has counted")
			}
		}
	}
}
