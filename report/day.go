package report

import (
	"fmt"
	"time"
)

// Day is a date, as days since 1970-01-01. It begins and ends in the site's time zone.
type Day int32

const daySeconds = 24 * 60 * 60

// DayOf is the date at a moment in a zone. A nil zone is UTC.
func DayOf(t time.Time, zone *time.Location) Day {
	if zone == nil {
		zone = time.UTC
	}
	_, offset := t.In(zone).Zone()
	seconds := t.Unix() + int64(offset)
	day := seconds / daySeconds
	if seconds%daySeconds < 0 {
		day--
	}
	return Day(day) //nolint:gosec // Days of years that Go can name fit.
}

// ParseDay reads a date such as 2026-11-01.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("%.40q is not a date such as 2026-11-01", s)
	}
	return DayOf(t, nil), nil
}

// month is the first day of its month, and nextMonth that of the next.
func (d Day) month() Day {
	return d - Day(d.time().Day()) + 1 //nolint:gosec // At most 31.
}

func (d Day) nextMonth() Day { return (d.month() + 31).month() }

// String is the date as 2026-11-01.
func (d Day) String() string { return d.time().Format(time.DateOnly) }

// Weekday is the day of the week.
func (d Day) Weekday() time.Weekday { return d.time().Weekday() }

func (d Day) time() time.Time { return time.Unix(int64(d)*daySeconds, 0).UTC() }

// Begin is when the day begins in a zone: midnight, or later if the clocks go forward
// then.
func (d Day) Begin(zone *time.Location) time.Time {
	if zone == nil {
		zone = time.UTC
	}
	y, m, n := d.time().Date()
	t := time.Date(y, m, n, 0, 0, 0, 0, zone)
	if DayOf(t, zone) < d { // there is no midnight on that day
		_, t = t.ZoneBounds()
	}
	return t
}

// HourOf is the Unix time at which the hour of a moment began, as the clocks of a zone
// show it. An hour that the clocks show twice is two hours. Zones need not be whole hours
// from UTC.
func HourOf(t time.Time, zone *time.Location) int64 {
	if zone == nil {
		zone = time.UTC
	}
	t = t.In(zone)
	_, offset := t.Zone()
	into := (t.Unix() + int64(offset)) % 3600
	if into < 0 {
		into += 3600
	}
	hour := t.Unix() - into
	if since, _ := t.ZoneBounds(); !since.IsZero() && since.Unix() > hour {
		return since.Unix() // the clocks changed within the hour
	}
	return hour
}
