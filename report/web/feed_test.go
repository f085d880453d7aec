package web

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// readFeed reads the feed, without its head.
func readFeed(t *testing.T, pages http.Handler, target string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(get(t, pages, target, 200))).ReadAll()
	if err != nil || len(rows) == 0 || strings.Join(rows[0], ",") != "day,goal,label,conversions,visits,value,currency" {
		t.Fatalf("%q, %v", rows, err)
	}
	return rows[1:]
}

func worth(f fact.Fact, amount float64, currency string) fact.Fact {
	f.Value = fact.ValueOf(amount, currency)
	return f
}

// feedFacts are of three days and four goals: with one currency, with two and points, with
// none, and of a goal that never counts.
func feedFacts() []fact.Fact {
	now := time.Now()
	facts := []fact.Fact{rulesOf(now, fact.Goal{Name: "PAID", Label: "=Paid", Status: "live"}, fact.Goal{Name: "NEVER", Status: "live"}, fact.Goal{Name: "DRAFT", Status: "draft"})}
	for day := range 3 {
		at := now.AddDate(0, 0, -10*day)
		for range 3 + day {
			facts = append(facts, visit(at), worth(conversion(at, "PAID"), 12.5, "EUR"))
		}
		facts = append(facts, conversion(at, "PAID"), refused(at, "PAID"), conversion(at.Add(time.Hour), "@GONE"))
	}
	return append(facts, worth(conversion(now, "MIXED"), 3, "JPY"), worth(conversion(now, "MIXED"), -1.5, "EUR"), worth(conversion(now, "MIXED"), 2, ""),
		conversion(now, "MIXED"), visit(now.AddDate(0, 0, -1)))
}

func TestFeedIsTheReportByDayAndGoal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(30 * time.Hour)
		pages := newspaper(t, feedFacts()...)
		rows := readFeed(t, pages, "/feed.csv?since=1999-12-01")
		want := map[string]report.Row{} // of a day and goal, in the feed
		for _, row := range rows {
			key := row[0] + " " + strings.TrimPrefix(row[1], "'")
			r := want[key]
			n, _ := strconv.ParseUint(row[3], 10, 64)
			r.Conversions += n
			r.Visits, _ = strconv.ParseUint(row[4], 10, 64)
			if row[5] != "" {
				sum, _ := strconv.ParseFloat(row[5], 64)
				r.Values = append(r.Values, report.Value{Currency: row[6], Sum: sum})
			}
			want[key] = r
		}
		for _, goal := range []string{"PAID", "NEVER", "@GONE", "MIXED"} {
			var got report.Result
			if err := json.Unmarshal([]byte(get(t, pages, "/goals.json?by=day&from=1999-12-01&goal="+goal, 200)), &got); err != nil || len(got.Rows) != 4 {
				t.Fatalf("%s: %+v, %v", goal, got, err)
			}
			for _, row := range got.Rows {
				fed := want[row.Key+" "+goal]
				if fed.Conversions != row.Conversions || fed.Visits != row.Visits || len(fed.Values) != len(row.Values) {
					t.Errorf("%s on %s: the feed has %+v, goals.json %+v", goal, row.Key, fed, row)
				}
				for i := range min(len(fed.Values), len(row.Values)) {
					found := false
					for _, v := range row.Values {
						found = found || v == fed.Values[i]
					}
					if !found {
						t.Errorf("%s on %s: the feed has %+v, goals.json %+v", goal, row.Key, fed, row)
					}
				}
				delete(want, row.Key+" "+goal)
			}
		}
		if len(want) > 0 {
			t.Errorf("the feed has more than goals.json: %v", want)
		}
		text := get(t, pages, "/feed.csv?since=2000-01-01", 200)
		if want := "day,goal,label,conversions,visits,value,currency\n" +
			"2000-01-02,PAID,'=Paid,4,3,37.50,EUR\n2000-01-02,NEVER,,0,3,,\n2000-01-02,'@GONE,,1,3,,\n" +
			"2000-01-02,MIXED,,2,3,2.00,\n2000-01-02,MIXED,,1,3,-1.50,EUR\n2000-01-02,MIXED,,1,3,3,JPY\n"; !strings.HasSuffix(text, strings.Join(strings.SplitAfter(want, "\n")[1:], "")) {
			t.Errorf("got\n%swant at its end\n%s", text, want)
		}
	})
}

func TestFeedSaysWhatIsWrong(t *testing.T) {
	pages := newspaper(t)
	for target, want := range map[string]string{
		"/feed.csv?since=yesterday":             "since: \\\"yesterday\\\" is not a date",
		"/feed.csv?since=2999-01-01":            "since: is after",
		"/feed.csv?since=2020-01-01&page=/":     "cannot be limited",
		"/feed.csv?since=2020-02-30&source=bad": "cannot be limited",
	} {
		if text := get(t, pages, target, 400); !strings.Contains(text, want) {
			t.Errorf("%s: %s", target, text)
		}
	}
	if rows := readFeed(t, pages, "/feed.csv?since=1990-01-01"); len(rows) != 0 {
		t.Errorf("an empty report has %q", rows)
	}
	readFeed(t, pages, "/feed.csv")
}

func TestFeedNeedsItsToken(t *testing.T) {
	store, nobody := report.NewMemory(0), func(r *http.Request) bool { return r.Header.Get("Colleague") != "" }
	if _, err := New(Options{Store: store, Authorize: nobody, FeedToken: "fifteen letters"}); err == nil {
		t.Error("a token that is too short")
	}
	const token = "sixteen letters!"
	for _, test := range []struct {
		method, target, bearer, token string
		want                          int
	}{
		{"GET", "/report/feed.csv", "Bearer " + token, token, 200},
		{"HEAD", "/report/feed.csv", "bearer  " + token, token, 200},
		{"GET", "/report/feed.csv?since=1999-01-01&token=sixteen+letters%21", "", token, 200},
		{"GET", "/report/feed.csv?token=sixteen+letters%21", "Basic eDp5", token, 200},
		{"GET", "/report/feed.csv?token=sixteen+letters%21", "Bearer other", token, 403},
		{"GET", "/report/feed.csv", "", token, 403},
		{"GET", "/report/feed.csv", "Basic " + token, token, 403},
		{"GET", "/report/feed.csv?token=", "Bearer ", "", 403},
		{"GET", "/report/feed.csv", "Bearer", "", 403},
		{"GET", "/report/feed.csv", "Bearer sixteen letters", token, 403},
		{"GET", "/report/feed.csv", "Bearer " + token + token, token, 403},
		{"POST", "/report/feed.csv", "Bearer " + token, token, 403},
		{"GET", "/report/", "Bearer " + token, token, 403},
		{"GET", "/report/goals.csv", "Bearer " + token, token, 403},
		{"GET", "/report/feed.csv/", "Bearer " + token, token, 403},
		{"GET", "/report/goal/feed.csv", "Bearer " + token, token, 403},
		{"GET", "/report/goal/..%2Ffeed.csv", "Bearer " + token, token, 403},
		{"GET", "//report/feed.csv", "Bearer " + token, token, 403},
		{"GET", "/feed.csv", "Bearer " + token, token, 403},
		{"POST", "/report/delivery/resend", "Bearer " + token, token, 403},
	} {
		pages, err := New(Options{Store: store, Path: "/report", Authorize: nobody, FeedToken: test.token, Resend: func() (int, error) { return 0, nil }})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequestWithContext(t.Context(), test.method, test.target, http.NoBody)
		if test.bearer != "" {
			r.Header.Set("Authorization", test.bearer)
		}
		w := httptest.NewRecorder()
		if pages.ServeHTTP(w, r); w.Code != test.want || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s with %q: %d, want %d", test.method, test.target, test.bearer, w.Code, test.want)
		}
		r.Header.Set("Colleague", "yes")
		if w = httptest.NewRecorder(); test.target == "/report/feed.csv" && test.method == "GET" {
			if pages.ServeHTTP(w, r); w.Code != http.StatusOK {
				t.Errorf("who may look needs the token: %d", w.Code)
			}
		}
	}
}
