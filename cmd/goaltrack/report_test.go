package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
	reports "github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/sqlite"
)

const reportedRules = `
version: 1
goals:
  - { goal: PRICED, label: Prices looked at, visit: /pricing, value: { amount: 10, currency: EUR } }
  - { goal: SIGNED_UP, submit: /sign-up }
  - { goal: NEVER, visit: /never }
`

// asks runs goaltrack and returns what it prints.
func asks(t *testing.T, wantCode int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), args, noEnv, &stdout, &stderr); code != wantCode {
		t.Errorf("goaltrack %s: exit code %d, want %d\n%s", strings.Join(args, " "), code, wantCode, stderr.String())
	}
	return stdout.String() + stderr.String()
}

// reportingProxy starts a proxy in front of a site, and goes to its prices and on.
func reportingProxy(t *testing.T, flags ...string) *running {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<h1>A page</h1>")
	}))
	t.Cleanup(site.Close)
	stand := cdptest.NewServer(t, cdptest.Options{})
	p := start(t, append([]string{
		"proxy", "--listen=127.0.0.1:0", "--to=" + site.URL, "--rules=" + write(t, "goals.yaml", reportedRules),
		"--cdp=" + stand.URL, "--client-key=key", "--pos=shop", "--time-zone=" + noon().String(), "--shutdown-delay=0s",
	}, flags...)...)
	v := newBrowser(t)
	for _, path := range []string{"/pricing?utm_source=news&utm_campaign=spring", "/about"} {
		response := do(t, v, request(t, http.MethodGet, p.url, path, nil, navigation))
		_, _ = io.Copy(io.Discard, response.Body)
	}
	return p
}

// TestReport: what a proxy counted is in its report, while it runs and after the next
// start, whatever the format.
func TestReport(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	p := reportingProxy(t, "--state="+dir)
	const goals = `{"rows":[{"key":"PRICED","conversions":1,"visits":2,"values":[{"currency":"EUR","sum":10}]},` +
		`{"key":"SIGNED_UP","conversions":0,"visits":2,"values":[]},{"key":"NEVER","conversions":0,"visits":2,"values":[]}],"lost":0}`
	for ctx := deadline(t); ctx.Err() == nil; {
		if strings.Contains(asks(t, exitOK, "report", dir, "--format", "json"), `"visits":2`) {
			break // within a second
		}
	}
	compact := func(text string) string {
		var b bytes.Buffer
		if err := json.Compact(&b, []byte(text)); err != nil {
			t.Error(err)
		}
		return b.String()
	}
	if got := compact(asks(t, exitOK, "report", dir, "--format", "json", "--by", "goal")); got != goals {
		t.Errorf("got\n%s, want\n%s", got, goals)
	}
	if code, _ := p.stop(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, p.stderr)
	}
	second := reportingProxy(t, "--report="+filepath.Join(dir, "report"))
	if code, _ := second.stop(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, second.stderr)
	}
	today := reports.DayOf(time.Now(), noon()).String()
	for flags, want := range map[string]string{
		"--goal PRICE":                   `the report has no goal "PRICE"; did you mean PRICED?`,
		"--from 9999-01-01":              "9999-01-01, the day of --from, is after " + today,
		"--goal PRICED --site elsewhere": `the report has no site "elsewhere"`,
	} {
		if got := asks(t, exitFailed, append([]string{"report", dir}, strings.Fields(flags)...)...); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", flags, got, want)
		}
	}
	for _, test := range []struct {
		flags string
		want  string
	}{
		{"--by source --format csv", "source,conversions,visits,value_EUR\nnews,2,4,20\n"},
		{"--by campaign --format csv --goal SIGNED_UP", "campaign,conversions,visits\nspring,0,4\n"},
		{"--by day --format csv", "day,conversions,visits,value_EUR\n" + today + ",2,4,20\n"},
		{"--by page --format csv --since 1d", "page,conversions,visits,value_EUR\n/pricing,2,2,20\n/about,0,2,\n"},
		{"--by goal --format csv --from 2020-01-01 --until 2020-01-31", "goal,conversions,visits\nPRICED,0,0\nSIGNED_UP,0,0\nNEVER,0,0\n"},
	} {
		got := asks(t, exitOK, append([]string{"report", dir}, strings.Fields(test.flags)...)...)
		if got != test.want {
			t.Errorf("%s: got\n%s, want\n%s", test.flags, got, test.want)
		}
	}
	if page := asks(t, exitOK, "report", dir, "--format", "html", "--since", "1d"); !strings.HasPrefix(page, "<!doctype html>") || !strings.Contains(page, "Prices looked at") || !strings.Contains(page, "2 of 4") || strings.Contains(page, "href=") {
		t.Errorf("html:\n%s", page)
	}
	if text := asks(t, exitOK, "report", dir); !strings.Contains(text, "PRICED     2            4          50.0 %  20") {
		t.Errorf("text:\n%s", text)
	}

	// Each proxy made some IDs, gave its visitor one, and sent one event.
	costs := asks(t, exitOK, "report", "cost", dir, "--format", "csv")
	if !regexp.MustCompile(`^month,site,ids_made,ids_given,events_sent,events_sent_again\n\d{4}-\d\d,shop,[2-9]\d*,2,2,0\n$`).MatchString(costs) {
		t.Errorf("costs:\n%s", costs)
	}
	if text := asks(t, exitOK, "report", "cost", dir); !strings.Contains(text, "EVER USED") {
		t.Errorf("costs in words:\n%s", text)
	}

	copied := filepath.Join(t.TempDir(), "copy")
	asks(t, exitOK, "report", "backup", dir, copied)
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	if text := asks(t, exitFailed, "report", "backup", dir, copied); !strings.Contains(text, "file already exists") {
		t.Errorf("a second copy: %s", text)
	}
	asks(t, exitOK, "report", "drop", "--before", "2100-01-01", dir)
	if got := asks(t, exitOK, "report", dir, "--format", "csv"); !strings.Contains(got, "PRICED,0,0") {
		t.Errorf("dropped: %s", got)
	}
}

// noon is a time zone in which it is about noon: no day ends while a test runs.
func noon() *time.Location {
	zone, err := time.LoadLocation(fmt.Sprintf("Etc/GMT%+d", time.Now().UTC().Hour()-12)) // + is west of Greenwich
	if err != nil {
		panic(err)
	}
	return zone
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// TestReportFaults: what cannot be asked is said, and why.
func TestReportFaults(t *testing.T) {
	empty := t.TempDir()
	damaged := t.TempDir()
	if err := os.WriteFile(filepath.Join(damaged, sqlite.FileName), bytes.Repeat([]byte("damaged "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args string
		code int
		want string
	}{
		{"report", exitUsage, "[cost|drop|backup] DIR [FILE] is needed"},
		{"report " + empty, exitUsage, "has no report"},
		{"report " + filepath.Join(empty, "none"), exitUsage, "no such file"},
		{"report " + damaged, exitFailed, "file is not a database"},
		{"report " + damaged + " --by colour", exitUsage, "colour"},
		{"report " + damaged + " --from yesterday", exitUsage, `"yesterday" is not a date`},
		{"report " + damaged + " --from 2026-11-10 --until 2026-11-01", exitUsage, "--from: 2026-11-10 is after 2026-11-01, which --until says"},
		{"report " + damaged + " --format xml", exitUsage, "xml"},
		{"report " + damaged + " --format html --by page", exitUsage, "for the other formats"},
		{"report " + damaged + " --format html --goal PRICED", exitUsage, "for the other formats"},
		{"report drop " + damaged, exitUsage, "drop goes with --before or --writer"},
		{"report " + damaged + " --before 2026-01-01", exitUsage, "drop goes with --before or --writer"},
		{"report " + damaged + " --writer logs", exitUsage, "drop goes with --before or --writer"},
		{"report drop " + damaged + " --writer logs --before 2026-01-01", exitUsage, "and not both"},
		{"report cost " + damaged + " --by page", exitUsage, "cost prints all sites by month"},
		{"report backup " + damaged, exitUsage, "name the file to write"},
		{"report " + damaged + " more", exitUsage, "only a DIR"},
	} {
		if got := asks(t, test.code, strings.Fields(test.args)...); !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s", test.args, got, test.want)
		}
	}
}

// TestReportDamaged: a report that cannot be opened keeps nothing from being served and
// counted.
func TestReportDamaged(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, sqlite.FileName), bytes.Repeat([]byte("damaged "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	p := reportingProxy(t, "--report="+dir)
	_, account := p.stop()
	if log := p.stderr.String(); !strings.Contains(log, "the report cannot be opened") || !strings.Contains(account, "fired 1") {
		t.Errorf("account %q, log\n%s", account, log)
	}
}

// TestReportOff: no report is kept where none is wanted.
func TestReportOff(t *testing.T) {
	dir := t.TempDir()
	p := reportingProxy(t, "--state="+dir, "--report=off")
	if code, _ := p.stop(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, p.stderr)
	}
	if _, err := os.Stat(filepath.Join(dir, "report")); err == nil {
		t.Error("there is a report")
	}
}
