package report

import (
	"testing"
	"time"
)

// TestDaysAtClockChanges: a day has as many hours as the clocks of its zone show, each
// with its own beginning, and no moment falls out of its day.
func TestDaysAtClockChanges(t *testing.T) {
	for _, test := range []struct {
		zone, day string
		hours     int
	}{
		{"Europe/Berlin", "2026-03-29", 23},
		{"Europe/Berlin", "2026-10-25", 25},
		{"Europe/Berlin", "2026-06-01", 24},
		{"America/St_Johns", "2026-03-08", 23},
		{"America/St_Johns", "2026-11-01", 25},
		{"America/St_Johns", "2010-11-07", 25}, // after a minute, back to 23:01 of the day before
		{"America/St_Johns", "2010-11-06", 25},
		{"Australia/Lord_Howe", "2026-10-04", 24}, // by half an hour: one hour is short
		{"Asia/Kathmandu", "2026-06-01", 24},
		{"America/Santiago", "2026-09-06", 23}, // without a midnight
		{"", "2026-03-29", 24},
	} {
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		day, err := ParseDay(test.day)
		if err != nil || day.String() != test.day {
			t.Fatal(day, err)
		}
		hours := map[int64]bool{}
		for at := day.Begin(zone).Add(-26 * time.Hour); at.Before(day.Begin(zone).Add(50 * time.Hour)); at = at.Add(time.Minute) {
			hour := HourOf(at, zone)
			if DayOf(at, zone) == day {
				hours[hour] = true
			}
			if got := DayOf(time.Unix(hour, 0), zone); got != DayOf(at, zone) {
				t.Errorf("%s: the hour of %v began on %v", test.zone, at.In(zone), got)
			}
		}
		if len(hours) != test.hours {
			t.Errorf("%s, %s: %d hours, want %d", test.zone, test.day, len(hours), test.hours)
		}
		if DayOf(day.Begin(zone), zone) != day || DayOf(day.Begin(zone).Add(-time.Nanosecond), zone) >= day && test.day != "2010-11-07" {
			t.Errorf("%s, %s begins at %v", test.zone, test.day, day.Begin(zone))
		}
	}
}

// TestParseDay: what is not a date is said so.
func TestParseDay(t *testing.T) {
	for _, s := range []string{"", "2026-13-01", "2026-02-30", "1.11.2026", "2026-11-01T00:00:00Z"} {
		if d, err := ParseDay(s); err == nil {
			t.Errorf("%q is %v", s, d)
		}
	}
}
