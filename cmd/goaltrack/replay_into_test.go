package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	reports "github.com/goaltrack/goaltrack/report"
)

// logOf writes a log of some days: each has visits, a form, a machine, and what is no page.
func logOf(t *testing.T, days ...time.Time) string {
	t.Helper()
	var b strings.Builder
	for _, day := range days {
		for i, line := range []string{
			`"GET /pricing?utm_source=news&utm_campaign=spring HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"`,
			`"GET /about HTTP/1.1" 200 5 "https://www.bing.com/" "Mozilla/5.0 (iPhone) Mobile Safari/605.1"`,
			`"GET /pricing HTTP/1.1" 304 0 "-" "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"`,
			`"GET /logo.png HTTP/1.1" 304 0 "-" "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"`,
			`"GET /logo.png HTTP/1.1" 200 5 "-" "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"`,
			`"GET /missing HTTP/1.1" 404 5 "-" "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"`,
			`"POST /sign-up HTTP/1.1" 303 0 "https://shop.example/sign-up" "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"`,
			`"POST /sign-up HTTP/1.1" 422 0 "https://shop.example/sign-up" "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"`,
			`"GET /pricing HTTP/1.1" 200 5 "-" "Googlebot/2.1"`,
		} {
			fmt.Fprintf(&b, "203.0.113.9 - - [%s] %s\n", day.Add(time.Duration(i)*time.Minute).Format("02/Jan/2006:15:04:05 -0700"), line)
		}
	}
	return write(t, "access.log", b.String())
}

// TestReplayInto: the past of a report is filled in from a log, once; days that have
// counts are left alone; and what was filled in can be deleted.
func TestReplayInto(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "report")
	zone := berlin(t)
	noon := func(ago int) time.Time {
		y, m, d := time.Now().In(zone).AddDate(0, 0, -ago).Date()
		return time.Date(y, m, d, 12, 0, 0, 0, zone)
	}
	rules, access := write(t, "goals.yaml", reportedRules), logOf(t, noon(3), noon(2), noon(0))
	into := []string{"replay", "--into", dir, "--report-min", "1", "--currency", "EUR", rules, access}
	if got := asks(t, exitFailed, into...); !strings.Contains(got, "say with --site") {
		t.Errorf("without a site: %s", got)
	}
	first := append([]string{"replay", "--site", "shop", "--time-zone", "Europe/Berlin"}, into[1:]...)
	day := func(ago int) string { return reports.DayOf(noon(ago), zone).String() }
	if got, want := asks(t, exitOK, first...), fmt.Sprintf("2 days of shop filled in as %q, from %s to %s\n1 day left alone", "logs", day(3), day(2)); !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	counts := func(by string) string {
		return asks(t, exitOK, "report", dir, "--format", "csv", "--by", by, "--since", "9d")
	}
	for by, want := range map[string]string{
		"day":      "day,conversions,visits,value_EUR\n" + day(3) + ",3,3,20\n" + day(2) + ",3,3,20\n",
		"goal":     "goal,conversions,visits,value_EUR\nPRICED,4,6,40\nSIGNED_UP,2,6,\n",
		"page":     "page,conversions,visits,value_EUR\n/pricing,4,4,40\n/sign-up,2,0,\n/about,0,2,\n",
		"source":   "source,conversions,visits,value_EUR\n(direct),2,2,20\n(none),2,2,\nnews,2,2,20\n",
		"campaign": "campaign,conversions,visits,value_EUR\n(none),4,4,20\nspring,2,2,20\n",
		"device":   "device,conversions,visits,value_EUR\ndesktop,6,4,40\nmobile,0,2,\n",
	} {
		if got := counts(by); got != want {
			t.Errorf("by %s:\n%s, want\n%s", by, got, want)
		}
	}
	before := counts("hour")
	if got := asks(t, exitOK, into...); !strings.Contains(got, "0 days of shop filled in") || !strings.Contains(got, "3 days left alone") || counts("hour") != before {
		t.Errorf("again: %s", got)
	}
	more := []string{"replay", "--json", "--into", dir, "--writer", "old logs", rules, logOf(t, noon(5), noon(3))}
	if got, want := asks(t, exitOK, more...), `"writer":"old logs"`; !strings.Contains(got, want) || !strings.Contains(got, day(5)) || !strings.Contains(got, `"left":1`) {
		t.Errorf("another log: %s", got)
	}
	if got := asks(t, exitFailed, append([]string{"replay", "--time-zone", "Asia/Tokyo"}, into[1:]...)...); !strings.Contains(got, "begin in Europe/Berlin") {
		t.Errorf("another zone: %s", got)
	}
	if html := asks(t, exitOK, "report", dir, "--format", "html", "--since", "9d"); !strings.Contains(html, "3 of these days are filled in from logs") {
		t.Errorf("the page does not say what was filled in:\n%s", html)
	}
	if got := asks(t, exitOK, "report", "drop", "--writer", "logs", dir); !strings.Contains(got, "2 days deleted") {
		t.Errorf("deleting: %s", got)
	}
	if got, want := counts("day"), "day,conversions,visits,value_EUR\n"+day(5)+",3,3,20\n"; got != want {
		t.Errorf("left:\n%s, want\n%s", got, want)
	}
	if got := asks(t, exitFailed, "report", "drop", "--writer", "logs", dir); !strings.Contains(got, `no day was filled in as "logs"`) {
		t.Errorf("deleting again: %s", got)
	}
}

// TestReplayIntoFaults: what does not go together is said, and no directory is made of a
// mistake.
func TestReplayIntoFaults(t *testing.T) {
	rules, access := write(t, "goals.yaml", reportedRules), logOf(t, time.Now())
	nowhere := filepath.Join(t.TempDir(), "not", "there")
	for want, args := range map[string][]string{
		"--site needs --into":        {"--site", "shop"},
		"--writer needs --into":      {"--writer", "w"},
		"unknown time zone Mars":     {"--into", t.TempDir(), "--time-zone", "Mars"},
		"its directory is not there": {"--into", nowhere, "--site", "shop"},
	} {
		code, command := exitFailed, append(append([]string{"replay"}, args...), rules, access)
		if strings.Contains(want, "needs") || strings.Contains(want, "Mars") {
			code = exitUsage
		}
		if got := asks(t, code, command...); !strings.Contains(got, want) {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
	if _, err := os.Stat(nowhere); err == nil {
		t.Error("a directory is made of a mistake")
	}
}
