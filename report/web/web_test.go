package web

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/report"
)

// storeOf makes a store with what was reported.
func storeOf(t *testing.T, facts ...fact.Fact) report.Store {
	t.Helper()
	store := report.NewMemory(400)
	recorder, err := report.New(report.Options{Store: store, Min: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range facts {
		recorder.Report(f)
	}
	if err := recorder.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return store
}

// newspaper makes the pages of such a store.
func newspaper(t *testing.T, facts ...fact.Fact) http.Handler {
	t.Helper()
	pages, err := New(Options{Store: storeOf(t, facts...), Authorize: Open, Snapshot: func() goaltrack.Snapshot { return goaltrack.Snapshot{} }})
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

// get asks for a page, and fails the test unless it is answered with the status.
func get(t *testing.T, h http.Handler, target string, status int) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, http.NoBody))
	if w.Code != status {
		t.Fatalf("%s: %d, want %d\n%s", target, w.Code, status, w.Body)
	}
	return w.Body.String()
}

var tags = regexp.MustCompile(`<[^>]*>`)

// plain is a page without its marks, its blanks put together.
func plain(page string) string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(page, " ")), " ")
}

// The site of the tests. In a bubble of testing/synctest it is 2000-01-01, 00:00 UTC.
func visit(at time.Time) fact.Fact {
	return fact.Fact{Kind: fact.Visit, Time: at, Site: "shop", Zone: time.UTC, Reason: fact.Fired, Page: "/", Source: "google.com", Language: "DE", Device: "mobile"}
}

func conversion(at time.Time, goal string) fact.Fact {
	f := visit(at)
	f.Kind, f.Goal = fact.Decision, goal
	return f
}

func refused(at time.Time, goal string) fact.Fact {
	f := conversion(at, goal)
	f.Reason, f.NearMiss = "not_successful", "answered 200; success needs a redirect"
	return f
}

func rulesOf(at time.Time, goals ...fact.Goal) fact.Fact {
	return fact.Fact{Kind: fact.RulesChanged, Time: at, Rules: &fact.Rules{Hash: "abc", Goals: goals}}
}

// days reports per for each of some days, the last of which is yesterday.
func days(n, per int, of func(time.Time) fact.Fact) (facts []fact.Fact) {
	for d := 1; d <= n; d++ {
		for i := range per {
			facts = append(facts, of(time.Now().AddDate(0, 0, -d).Add(time.Duration(i)*time.Minute)))
		}
	}
	return facts
}

func TestSentencesSayTheWorstFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9 * time.Hour)
		yesterday := time.Now().AddDate(0, 0, -1)
		facts := []fact.Fact{rulesOf(time.Now().AddDate(0, 0, -50), fact.Goal{Name: "FINE", Label: "Fine", Status: "live"}, fact.Goal{Name: "QUOTE", Label: "Quote asked", Status: "live"}, fact.Goal{Name: "NEVER", Label: "Webinar", Status: "live"})}
		facts = append(facts, days(60, 9, func(at time.Time) fact.Fact { return conversion(at, "FINE") })...)
		for _, f := range days(60, 9, func(at time.Time) fact.Fact { return conversion(at, "QUOTE") }) {
			if at := f.Time.UTC(); report.DayOf(at, nil) == report.DayOf(yesterday, nil) && at.Minute() >= 3 {
				f = refused(f.Time, "QUOTE")
			}
			facts = append(facts, f)
		}
		for range 2 {
			facts = append(facts, refused(yesterday, "NEVER"))
		}
		page := plain(get(t, newspaper(t, facts...), "/", 200))
		at := 0
		for _, want := range []string{
			"Quote asked : 3 yesterday, usually 9. The site refused 6 of 9 forms that were sent.",
			"Webinar has not counted since 12 Nov 1999. 2 times it nearly did: answered 200; success needs a redirect.",
			"All goals: 516 in 30 days",
			"Nothing waits for the CDP",
		} {
			i := strings.Index(page[at:], want)
			if i < 0 {
				t.Fatalf("the page does not say %q, or not in this order:\n%s", want, page)
			}
			at += i
		}
		if strings.Contains(page, "Fine : ") {
			t.Errorf("a sentence about a goal that does well:\n%s", page)
		}
	})
}

// TestExpectationsAreSaid: what a rule expects of a goal, as far as it can have been done.
func TestExpectationsAreSaid(t *testing.T) {
	goal := fact.Goal{Name: "QUOTE", Label: "Quote asked", Status: "live", Expect: 5}
	later, over, silent := goal, goal, goal
	silent.Name, silent.Label = "SILENT", "Silent form"
	for _, tc := range []struct {
		name  string
		goals []fact.Goal
		since int // days ago that the rules were put in force
		days  int // with two conversions each
		want  string
	}{
		{"too few", []fact.Goal{goal}, 50, 5, "Quote asked : 2 yesterday, and at least 5 a day are expected."},
		{"none of a goal that never counted", []fact.Goal{goal, silent}, 50, 5, "Silent form : 0 yesterday, and at least 5 a day are expected."},
		{"a new goal", []fact.Goal{silent}, 0, 5, ""},
		{"the first day", []fact.Goal{goal}, 1, 1, ""},
		{"not yet", []fact.Goal{func() fact.Goal { later.From = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC); return later }()}, 50, 5, ""},
		{"not any more", []fact.Goal{func() fact.Goal { over.Until = time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC); return over }()}, 50, 5, ""},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			time.Sleep(9 * time.Hour)
			facts := []fact.Fact{rulesOf(time.Now().AddDate(0, 0, -tc.since), tc.goals...)}
			facts = append(facts, days(tc.days, 2, func(at time.Time) fact.Fact { return conversion(at, "QUOTE") })...)
			page := plain(get(t, newspaper(t, facts...), "/", 200))
			if got := strings.Contains(page, "are expected"); got != (tc.want != "") || !strings.Contains(page, tc.want) {
				t.Errorf("without %q, or with another:\n%s", tc.want, page)
			}
		})
	}
}

func TestAFewAreNoTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		facts := []fact.Fact{rulesOf(time.Now(), fact.Goal{Name: "RARE", Status: "live"})}
		facts = append(facts, days(40, 2, func(at time.Time) fact.Fact { return conversion(at.AddDate(0, 0, -1), "RARE") })...)
		if page := plain(get(t, newspaper(t, facts...), "/", 200)); strings.Contains(page, "usually") {
			t.Errorf("two a day are called usual:\n%s", page)
		}
	})
}

func TestAGoalShowsItsParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		facts := []fact.Fact{rulesOf(time.Now(), fact.Goal{Name: "SEEN", Status: "live"}, fact.Goal{Name: "SENT", Label: "Form sent", Status: "live", Sentence: "Counts when <it> is sent.", After: []string{"SEEN"}})}
		for i := range 400 {
			v := visit(time.Now())
			v.Browser = [16]byte{byte(i), byte(i >> 8), 1}
			v.Variants = []fact.Variant{{Component: "hero", Name: []string{"default", "B"}[i%2]}}
			facts = append(facts, v)
			if i%20 == 0 || i%2 == 1 && i%5 == 0 {
				c := conversion(time.Now(), "SENT")
				c.Browser, c.LedTo, c.Campaign, c.Tagged = v.Browser, "/thanks", "spring", true
				c.Value = fact.ValueOf(12.5, "EUR")
				facts = append(facts, c)
			}
		}
		for range 70 {
			facts = append(facts, conversion(time.Now(), "SEEN"))
		}
		pages := newspaper(t, facts...)
		page := plain(get(t, pages, "/goal/SENT", 200))
		for _, want := range []string{"Form sent SENT Counts when &lt;it&gt; is sent. These rules have been in force since 1 Jan.", "EUR 750", "spring", "google.com", "/thanks", "By variant of hero", "default 200 20 10 % 6.6 to 14.9 %", "B 200 40 20 % 15.0 to 26.1 % More than default, and hardly by chance.", "What comes before", "60 of 70 of the step before 10 fewer than the step before"} {
			if !strings.Contains(page, want) {
				t.Errorf("the page does not say %q:\n%s", want, page)
			}
		}
		if page := get(t, pages, "/goal/SEEN", 200); strings.Contains(page, "in force since") || strings.Contains(page, `class="rule"`) {
			t.Errorf("a rule that is not known is spoken of:\n%s", page)
		}
		if page := plain(get(t, pages, "/goal/SENT?campaign=spring", 200)); !strings.Contains(page, "Campaign is spring") {
			t.Errorf("a filter is not shown:\n%s", page)
		}
		get(t, pages, "/goal/NOBODY", 404)
		get(t, pages, "/funnels", 200)
		get(t, pages, "/delivery", 200)
	})
}

func TestExportsShowThePagesNumbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := conversion(time.Now(), "SENT")
		c.Value, c.Source = fact.ValueOf(10, "EUR"), "=HYPERLINK(1)"
		pages := newspaper(t, visit(time.Now()), visit(time.Now()), c)
		var got struct {
			Rows []report.Row
			Lost uint64
		}
		if err := json.Unmarshal([]byte(get(t, pages, "/goals.json?from=2000-01-01&to=2000-01-01&by=goal", 200)), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Rows) != 1 || got.Rows[0].Key != "SENT" || got.Rows[0].Conversions != 1 || got.Rows[0].Visits != 2 || got.Rows[0].Values[0] != (report.Value{Currency: "EUR", Sum: 10}) {
			t.Errorf("%+v", got)
		}
		rows, err := csv.NewReader(strings.NewReader(get(t, pages, "/goals.csv?by=source&goal=SENT", 200))).ReadAll()
		if err != nil || len(rows) < 2 || strings.Join(rows[0], ",") != "source,conversions,visits,value_EUR" || rows[1][0] != "'=HYPERLINK(1)" || rows[1][3] != "10" {
			t.Errorf("%q, %v", rows, err)
		}
	})
}

func TestMistakesInAnAddressAreTold(t *testing.T) {
	pages := newspaper(t)
	for target, want := range map[string]string{
		"/?period=decade":                         "one of day, week, month, year",
		"/?from=yesterday":                        "not a date such as",
		"/?from=2026-11-02&to=2026-11-01":         "is after to",
		"/?from=1990-01-01":                       "at most",
		"/goals.json?by=moon":                     "not one of goal",
		"/goals.json?by=hour&page=/":              "kept by day",
		"/goals.csv?by=variant&source=google.com": "kept apart",
		"/goals.csv?from=2026-13-01":              "not a date such as",
		"/goal/X?from=2026-11-31&to=nonsense":     "not a date such as",
		"/goals.json?from=%3Cscript%3E&by=source": "not a date such as",
		"/?from=2026-11-01&from=2026-11-02":       "from: it stands in the address 2 times",
		"/feed.csv?since=2026-11-01&since=":       "since: it stands in the address 2 times",
		"/?from=2026-11-01;to=2026-11-02":         "between two parameters stands &",
		"/goals.json?campaign=100%":               "a % of a text is written %25",
		"/?perod=week":                            "is no parameter of the report; did you mean period?",
		"/?form=2026-11-01&to=2026-11-02":         "did you mean from?",
		"/?From=2026-11-01":                       "did you mean from?",
		"/?days=7":                                "did you mean from and to?",
		"/goal/SENT?pages=/a":                     "did you mean page?",
		"/cost?languag=de":                        "did you mean language?",
		"/goals.csv?until=2026-11-01":             "did you mean to?",
		"/goals.csv?goals=SENT":                   "did you mean goal?",
		"/goals.json?since=2026-11-01":            "since: only /feed.csv can be asked by it",
		"/feed.csv?goal=SENT":                     "goal: only /goals.csv and /goals.json can be asked by it",
		"/?by=day":                                "by: only /goals.csv and /goals.json can be asked by it",
	} {
		if page := get(t, pages, target, 400); !strings.Contains(page, want) || strings.Contains(page, "<script") {
			t.Errorf("%s: %s", target, page)
		}
	}
	for target, want := range map[string]string{
		"/?utm_source=mail":                  "also says &#34;utm_source&#34;, which the report does not know",
		"/cost?_=1&t=2&v=3&%3Cscript%3E=4":   "also says 4 words that the report does not know, such as &#34;&lt;script&gt;&#34;, &#34;_&#34;, &#34;t&#34;.",
		"/funnels?site=&period=&from=&to=&x": "also says &#34;x&#34;",
	} {
		if page := get(t, pages, target, 200); !strings.Contains(page, want) {
			t.Errorf("%s: %s", target, page)
		}
	}
	for _, target := range []string{"/", "/?period=week&site=", "/goals.csv?_=1", "/delivery?resent=1", "/feed.csv?token=0123456789abcdef"} {
		if page := get(t, pages, target, 200); strings.Contains(page, "also says") {
			t.Errorf("%s: %s", target, page)
		}
	}
	if page := get(t, pages, "/", 200); !strings.Contains(page, "Nothing has been counted yet") {
		t.Errorf("an empty report does not say so:\n%s", page)
	}
	get(t, pages, "/nowhere", 404)
}

// TestFarDaysCostNothing: an address may name days that are thousands of years away. The
// page takes memory for what was counted, and not for the days between.
func TestFarDaysCostNothing(t *testing.T) {
	var facts []fact.Fact
	for i := range 50 {
		facts = append(facts, conversion(time.Now(), fmt.Sprintf("GOAL_%d", i)))
	}
	pages := newspaper(t, facts...)
	for _, target := range []string{"/?from=9999-12-01&to=9999-12-31", "/?from=0001-01-01&to=0001-01-02"} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		get(t, pages, target, 200)
		runtime.ReadMemStats(&after)
		if n := (after.TotalAlloc - before.TotalAlloc) >> 20; n > 32 {
			t.Errorf("%s takes %d MiB", target, n)
		}
	}
}

// What visitors wrote into an address is text, wherever it is shown.
func TestHostileNamesAreText(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := conversion(time.Now(), "SENT")
		const evil = `"><script>alert(1)</script>{{.}}`
		c.Source, c.Campaign, c.Page, c.LedTo = evil, evil, evil, evil
		m := refused(time.Now(), "SENT")
		m.NearMiss = evil
		pages := newspaper(t, c, m)
		for _, target := range []string{"/", "/goal/SENT", "/goal/SENT?source=" + "%22%3E%3Cscript%3E", "/?campaign=%3Cscript%3E"} {
			if page := get(t, pages, target, 200); strings.Contains(page, "<script") {
				t.Errorf("%s has a script:\n%s", target, page)
			}
		}
	})
}

func TestNobodyLooksWithoutLeave(t *testing.T) {
	store := report.NewMemory(0)
	if _, err := New(Options{Store: store}); err == nil {
		t.Error("pages for everybody, and nobody said so")
	}
	if _, err := New(Options{Authorize: Open}); err == nil {
		t.Error("pages of no store")
	}
	if _, err := New(Options{Store: store, Authorize: Open, Path: "report"}); err == nil {
		t.Error("a path without a slash")
	}
	pages, err := New(Options{Store: store, Path: "/report/", Authorize: func(r *http.Request) bool { return r.Header.Get("Colleague") != "" }})
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"/report", "/report/", "/report/goals.json", "/report/goal/X", "/report/nowhere"} {
		get(t, pages, target, http.StatusForbidden)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/report", http.NoBody)
	r.Header.Set("Colleague", "yes")
	pages.ServeHTTP(w, r)
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// failing is a store that knows why it takes nothing.
type failing struct {
	report.Store

	why report.Why
}

func (f *failing) Explain(error) report.Why { return f.why }

// TestWhatIsMissingIsSaid: figures that lack what happened last say so, and why. The error
// itself, which may name files, is for the log.
func TestWhatIsMissingIsSaid(t *testing.T) {
	err := errors.New("database or disk is full: /srv/secret")
	for why, want := range map[report.Why]string{
		report.Full: "because the disk is full", report.Busy: "somebody else writes", report.Damaged: "is damaged", report.Newer: "a newer goaltrack", report.Denied: "may not write",
		report.Away: "does not answer", report.Login: "does not let goaltrack in", report.Missing: "is not there", report.ReadOnly: "takes no changes", report.Crowded: "one more connection",
		report.Older:       "an older goaltrack",
		report.Unexplained: "cannot be stored at the moment", report.Closed: "cannot be stored at the moment", "unheard of": "cannot be stored at the moment",
	} {
		var log strings.Builder
		pages, bad := New(Options{
			Store: &failing{storeOf(t, conversion(time.Now(), "SENT")), why}, Authorize: Open, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			Fresh: func(context.Context) error { return err },
		})
		if bad != nil {
			t.Fatal(bad)
		}
		for _, target := range []string{"/", "/goal/SENT", "/cost"} {
			if page := plain(get(t, pages, target, http.StatusOK)); !strings.Contains(page, "What happened last is not in these figures") || !strings.Contains(page, want) || strings.Contains(page, "secret") {
				t.Errorf("%s, %s: no %q in\n%s", why, target, want, page)
			}
		}
		if !strings.Contains(log.String(), "secret") {
			t.Errorf("the log lacks the error: %s", log.String())
		}
	}
}

// Every text that is asked for is there.
func TestWordsAreComplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pages := newspaper(t, conversion(time.Now(), "SENT"), refused(time.Now(), "SENT"))
		for _, target := range []string{"/", "/goal/SENT", "/funnels", "/delivery", "/cost", "/?period=day", "/?period=year"} {
			if page := get(t, pages, target, 200); regexp.MustCompile(`\[[a-z]+\.[a-z.]+\]|%!`).MatchString(page) {
				t.Errorf("%s lacks a text:\n%s", target, page)
			}
		}
	})
}

// TestEveryTextIsAskedFor: a text that no page asks for is not to be translated. Some are
// asked for by a part of their name and what is known only as the page is made.
func TestEveryTextIsAskedFor(t *testing.T) {
	var pages strings.Builder
	for _, pattern := range []string{"*.go", "templates/*.html"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pages.Write(text)
		}
	}
	made := regexp.MustCompile(`^(nav|period|by|head|state|mark|reason|fault\.store|stale)\.`)
	for name := range words {
		asked := strings.TrimSuffix(strings.TrimSuffix(name, ".one"), ".many")
		if !made.MatchString(name) && !strings.Contains(pages.String(), `"`+asked+`"`) {
			t.Errorf("no page says %s", name)
		}
	}
}

// TestRenamedAndAsked: the page of a goal has what counted under its former name, and says so;
// its old address leads to it; what has to have happened before is a step in words.
func TestRenamedAndAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		pages := newspaper(t, conversion(now, "QUOTE"), conversion(now, "QUOTE_SENT"), conversion(now, "SEEN"), rulesOf(now,
			fact.Goal{Name: "SEEN", Label: "Prices seen", Status: "live"},
			fact.Goal{Name: "QUOTE_SENT", Label: "Quote form", Status: "live", Renamed: []string{"QUOTE"}, Asks: []fact.Asked{{Goal: "SEEN", Says: "3 times in the same session"}}},
		))
		for _, target := range []string{"/goal/QUOTE_SENT?period=day", "/goal/QUOTE?period=day"} {
			page := plain(get(t, pages, target, http.StatusOK))
			for _, want := range []string{"Quote form", "Its name was QUOTE before.", "Counted 2", "Prices seen 1 has to have happened 3 times in the same session"} {
				if !strings.Contains(page, want) {
					t.Errorf("%s lacks %q:\n%s", target, want, page)
				}
			}
			if strings.Contains(page, "fewer than the step before") {
				t.Errorf("%s compares what cannot be compared", target)
			}
		}
		if page := plain(get(t, pages, "/funnels?period=day", http.StatusOK)); !strings.Contains(page, "3 times in the same session") {
			t.Error(page)
		}
		if got := get(t, pages, "/goals.json?by=goal&period=day&goal=QUOTE", http.StatusOK); !strings.Contains(got, `{"key":"QUOTE_SENT","conversions":2,`) {
			t.Error(got)
		}
		if got := get(t, pages, "/feed.csv", http.StatusOK); !strings.Contains(got, ",QUOTE_SENT,Quote form,2,") || strings.Contains(got, ",QUOTE,") {
			t.Error(got)
		}
	})
}
