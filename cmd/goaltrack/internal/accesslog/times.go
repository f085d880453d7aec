package accesslog

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"time"
)

// parseTime reads the time of an access log. It may be of the common log
// format, of ISO 8601, of another of the layouts, or in seconds or fractions of
// them since 1970. Any other text gives the zero time, because few goals depend
// on it.
func parseTime(text []byte) time.Time {
	switch {
	case len(text) == len("10/Oct/2000:13:55:36 -0700") && text[2] == '/':
		return parseCommonTime(text)
	case len(text) > 4 && text[4] == '-':
		return parseLayouts(text, isoLayouts)
	case len(text) >= len("20060102T150405") && text[8] == 'T', bytes.IndexByte(text, ' ') > 0, bytes.IndexByte(text, '/') > 0:
		return parseLayouts(text, otherLayouts)
	}
	seconds, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(seconds > 0 && seconds < 1e20) {
		return time.Time{}
	}
	for seconds > 1e11 { // the year 5138, or 1973 in milliseconds
		seconds /= 1000
	}
	whole, part := math.Modf(seconds)
	return time.Unix(int64(whole), int64(part*1e9)).UTC()
}

// The other forms in which a time may be, by the servers and loggers that write them. Fractions
// of seconds may follow the seconds in all of them, also behind a comma. Without a zone, a
// time is taken for UTC.
var (
	isoLayouts = []string{
		time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05", // ISO 8601
		"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z0700", "2006-01-02 15:04:05 Z07:00", "2006-01-02 15:04:05 -0700", // databases
		"2006-01-02 15:04:05 -0700 MST", "2006-01-02 15:04:05 MST", // Go, Ruby
		"2006-01-02 15:04:05", // log4j, Python
	}
	otherLayouts = []string{
		"02/Jan/2006:15:04:05 -0700", "02/Jan/2006:15:04:05", // the common one with fractions, or without a zone
		"02/Jan/2006 15:04:05 -0700", "02/Jan/2006 15:04:05", // Django
		"20060102T150405Z0700", "20060102T150405", // ISO 8601, short
		"Mon, 02 Jan 2006 15:04:05 GMT", time.RFC1123, time.RFC1123Z, time.RFC850, // HTTP
		time.ANSIC, time.UnixDate, "Mon Jan _2 15:04:05.999999 2006", // Apache's %t of its error log
		"2006/01/02 15:04:05", "2006/01/02 15:04:05 -0700", // nginx's error log, Go's log
	}
)

func parseLayouts(text []byte, layouts []string) time.Time {
	for _, layout := range layouts {
		if t, err := time.Parse(layout, string(text)); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}

// commonTime says where the pairs of digits stand in a time such as
// 10/Oct/2000:13:55:36 -0700, and how large they can be.
var commonTime = [...]struct{ at, limit int }{
	{0, 31}, {7, 99}, {9, 99}, {12, 23}, {15, 59}, {18, 60}, {22, 23}, {24, 59},
}

// parseCommonTime does the same as [time.Parse], about four times as fast. With
// time.Parse, the time would take a third of the work on a line.
func parseCommonTime(text []byte) time.Time {
	var n [len(commonTime)]int
	for i, pair := range commonTime {
		digits, ok := parseDigits(text[pair.at : pair.at+2])
		if n[i] = int(digits); !ok || n[i] > pair.limit {
			return time.Time{}
		}
	}
	month := strings.Index("JanFebMarAprMayJunJulAugSepOctNovDec", string(text[3:6]))
	if month%3 != 0 {
		return time.Time{}
	}
	east := n[6]*60 + n[7]
	if text[21] == '-' {
		east = -east
	}
	return time.Date(n[1]*100+n[2], time.Month(month/3+1), n[0], n[3], n[4]-east, n[5], 0, time.UTC)
}
