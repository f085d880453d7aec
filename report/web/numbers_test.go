package web

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

func TestIntervalsAndDifferences(t *testing.T) {
	for _, test := range []struct {
		r    rate
		want string
	}{{rate{22, 398}, "3.7 to 8.2 %"}, {rate{31, 410}, "5.4 to 10.5 %"}, {rate{0, 10}, "0.0 to 27.8 %"}, {rate{10, 10}, "72.2 to 100.0 %"}} {
		if got := test.r.Interval(); got != test.want {
			t.Errorf("%v: %s, want %s", test.r, got, test.want)
		}
	}
	if (rate{22, 398}).differs(rate{31, 410}) {
		t.Error("too few to tell them apart")
	}
	if !(rate{22, 398}).differs(rate{60, 410}) {
		t.Error("plainly different")
	}
}

func TestNumbersForPeople(t *testing.T) {
	for got, want := range map[string]string{
		number(uint64(0)): "0", number(uint64(18922)): "18,922", number(uint64(1234567)): "1,234,567", number(int64(-1234)): "−1,234",
		percent(221, 18922): "1.2 %", percent(1, 2): "50 %", percent(1, 0): "–", percent(99, 100): "99 %", percent(997, 1000): "99.7 %", percent(99_999, 100_000): "99.9 %", percent(7, 7): "100 %",
		changeOf(38, 100).String(): "−62 %", changeOf(121, 100).String(): "+21 %", changeOf(3, 4).String(): "–", changeOf(100, 100).String(): "±0 %",
		money([]report.Value{{Currency: "EUR", Sum: 7600}})[0]: "EUR 7,600", money([]report.Value{{Currency: "", Sum: 8870.5}})[0]: "8,870.50 points",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestWhoCounts: what is said of all visits fits their number.
func TestWhoCounts(t *testing.T) {
	for want, a := range map[string]report.Asked{
		"Nobody visited a page on these days, as far as goaltrack saw.":                                      {},
		"The one visit by people can be counted.":                                                            {Visits: 1},
		"All 2,519 visits by people can be counted.":                                                         {Visits: 2519, Others: []report.Tally{{Key: "bot", N: 9}}},
		"75 % of the visits by people can be counted: 3 of 4. The others did not agree, or did not answer.":  {Visits: 3, Refused: 1},
		"0.0 % of the visits by people can be counted: 0 of 4. The others did not agree, or did not answer.": {Unanswered: 4},
	} {
		if got := whoCounts(a); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestEstimateOfBrowsersIsAtMostTheCount: an estimate of browsers is not above what they counted, and what
// counted more often than its page was seen, as behind a cache, is no part of that.
func TestEstimateOfBrowsersIsAtMostTheCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		facts := []fact.Fact{visit(now)}
		for i := range 400 * 12 {
			f := conversion(now, fmt.Sprintf("SENT_%d", i%12))
			f.Browser = [16]byte{1, byte(i), byte(i >> 8)}
			facts = append(facts, f)
		}
		pages := newspaper(t, facts...)
		for i := range 12 { // of about half of them, more than 400 are estimated
			page := plain(get(t, pages, fmt.Sprintf("/goal/SENT_%d?period=day", i), http.StatusOK))
			about := regexp.MustCompile(`Browsers about (\d+) `).FindStringSubmatch(page)
			if about == nil || about[1] > "400" {
				t.Errorf("%v, of 400:\n%s", about, page)
			}
			if _, parts, _ := strings.Cut(page, "Page Counted"); strings.Contains(parts, "of 1 ") {
				t.Errorf("400 of 1:\n%s", parts)
			}
		}
	})
}
