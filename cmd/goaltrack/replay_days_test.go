package main

import (
	"strings"
	"testing"
)

const twoDays = `192.0.2.1 - - [09/Nov/2025:23:25:31 +0000] "GET /a HTTP/1.1" 200 17 "-" "-"
192.0.2.1 - - [09/Nov/2025:22:25:31 +0000] "GET /b HTTP/1.1" 200 17 "-" "-"
192.0.2.1 - - [10/Nov/2025:02:25:31 +0000] "GET /a HTTP/1.1" 200 17 "-" "-"
192.0.2.1 - - [10/Nov/2025:02:25:32 +0000] "GET /up HTTP/1.1" 200 17 "-" "-"
192.0.2.1 - - [-] "GET /a HTTP/1.1" 200 17 "-" "-"
`

// TestReplayByDay: the counts of each day, where the site's days begin. What has no time is in
// the sum alone.
func TestReplayByDay(t *testing.T) {
	goals := write(t, "goals.yaml", "goals: [{ goal: A, visit: /a }, { goal: B, visit: /b, status: draft }, { goal: C, visit: /** }]")
	log := write(t, "access.log", twoDays)
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "DAY         GOAL  COUNT\n2025-11-09  A     1\n2025-11-09  B     1\n2025-11-09  C     2\n2025-11-10  A     1\n2025-11-10  C     2\n"},
		{[]string{"--time-zone=Europe/Berlin"}, "2025-11-09  B     1\n2025-11-09  C     1\n2025-11-10  A     2\n2025-11-10  C     3\n"},
		{[]string{"--health-paths=/up"}, "2025-11-10  A     1\n2025-11-10  C     1\n"},
		{[]string{"--json"}, `"days":{"2025-11-09":{"A":1,"B":1,"C":2},"2025-11-10":{"A":1,"C":2}}}`},
	} {
		code, stdout, stderr := alive(t, append([]string{"replay", "--by=day", goals, log}, test.args...))
		if code != exitOK || !strings.Contains(stdout, test.want) {
			t.Errorf("%q: %d\n%s%s", test.args, code, stdout, stderr)
		}
	}
	timeless := write(t, "timeless.log", `192.0.2.1 - - [yesterday] "GET /a HTTP/1.1" 200 1 "-" "Mozilla/5.0"`+"\n"+twoDays)
	if code, stdout, _ := alive(t, []string{"replay", "--by=day", goals, timeless}); code != exitOK || !strings.Contains(stdout, "The day of 2 requests: ") {
		t.Errorf("%d %s", code, stdout)
	}
	cut := write(t, "cut.log", "2025-11-09T06:25:31Z stdout P 192.0.2.1 - -\n")
	if code, stdout, _ := alive(t, []string{"replay", goals, cut}); code != exitFailed || !strings.Contains(stdout, "1 line, 1 of them unreadable (of which 1 cut") {
		t.Errorf("%d %s", code, stdout)
	}
	if code, stdout, _ := alive(t, []string{"replay", "--json", goals, cut}); code != exitFailed || !strings.Contains(stdout, `"unreadable":1,"cut":1,`) {
		t.Errorf("%d %s", code, stdout)
	}
	if code, stdout, _ := alive(t, []string{"replay", goals, log}); code != exitOK || strings.Contains(stdout, "DAY") {
		t.Errorf("%d %s", code, stdout)
	}
	if code, _, stderr := alive(t, []string{"replay", "--by=day", "--time-zone=Nowhere", goals, log}); code != exitUsage || !strings.Contains(stderr, "--time-zone: ") {
		t.Errorf("%d %s", code, stderr)
	}
}
