package rule

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// TestPending: what cannot be known before the handler has returned is waited
// for, unless something else decides already.
func TestPending(t *testing.T) {
	rules, err := Parse([]byte(`goals:
  - { goal: PAGE, visit: /page }
  - { goal: FIELD, submit: /form, success: 2xx, if: { form.a: x, response.header.x: y } }
  - { goal: READ, submit: /read, success: 2xx, data: { a: $form.a } }
  - { goal: TYPED, download: /file, if: { response.type: application/pdf } }
`))
	if err != nil {
		t.Fatal(err)
	}
	ok := http.Header{"X": {"y"}}
	for _, test := range []struct {
		name, goal string
		x          Exchange
		want       Reason
	}{
		{"page, type unknown", "PAGE", Exchange{status: 200, navigation: true}, pending},
		{"page, type known", "PAGE", Exchange{status: 200, navigation: true, typeKnown: true, contentType: "text/html"}, Fires},
		{"page, XHTML", "PAGE", Exchange{status: 200, navigation: true, typeKnown: true, contentType: " application/XHTML+xml ;q=1"}, Fires},
		{"page, no type", "PAGE", Exchange{status: 200, navigation: true, typeKnown: true}, ReasonNotHTML},
		{"page, not modified", "PAGE", Exchange{status: 304, navigation: true}, Fires},
		{"page, failed", "PAGE", Exchange{status: 404, navigation: true}, ReasonStatus},
		{"page, no navigation", "PAGE", Exchange{status: 200}, ReasonNotNavigation},
		{"form unread so far", "FIELD", Exchange{status: 200, bodyReason: pending, responseHeader: ok}, pending},
		{"form unread so far, but refused", "FIELD", Exchange{status: 422, bodyReason: pending, responseHeader: ok}, ReasonNotSuccessful},
		{"form unread so far, but another condition fails", "FIELD", Exchange{status: 200, bodyReason: pending}, ReasonCondition},
		{"form too large", "FIELD", Exchange{status: 200, bodyReason: ReasonFormTooLarge, responseHeader: ok}, ReasonFormTooLarge},
		{"form read", "FIELD", Exchange{status: 200, responseHeader: ok, form: scan.Pick("", url.Values{"a": {"x"}}, []string{"a"})}, Fires},
		{"field too long", "FIELD", Exchange{status: 200, responseHeader: ok, form: scan.Pick("", url.Values{"a": {strings.Repeat("x", 2<<10+1)}}, []string{"a"})}, ReasonValueTooLong},
		{"data unread so far", "READ", Exchange{status: 200, bodyReason: pending}, pending},
		{"data never read", "READ", Exchange{status: 200, bodyReason: ReasonFormUnread}, ReasonFormUnread},
		{"type unknown", "TYPED", Exchange{status: 200}, pending},
		{"type known", "TYPED", Exchange{status: 200, typeKnown: true, contentType: "application/pdf"}, Fires},
		{"another type", "TYPED", Exchange{status: 200, typeKnown: true, contentType: "text/html"}, ReasonCondition},
	} {
		if got := rules.byID[test.goal].causes[0].judgeLate(&test.x, rules.failure); got != test.want {
			t.Errorf("%s: %d, want %d", test.name, got, test.want)
		}
	}
}

// TestTooLong: a value longer than any rule reads fails its condition either
// way, and an event that should hold it is not sent.
func TestTooLong(t *testing.T) {
	rules, err := Parse([]byte(`goals:
  - { goal: IF, visit: /a, if: { query.q: present } }
  - { goal: UNLESS, visit: /a, unless: { query.q: present } }
  - { goal: DATA, visit: /a, data: { q: $query.q } }
  - { goal: PAGE, visit: /a, page: $query.q }
  - { goal: LANGUAGE, visit: /a, language: $query.q }
  - { goal: AMOUNT, visit: /a, value: { from: $query.q, max: 5 } }
`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		length int
		want   string
	}{
		{maxCollected, "IF fired; UNLESS condition; DATA fired q=" + strings.Repeat("x", maxCollected) + "; PAGE fired page=" + strings.Repeat("x", maxCollected) + "; LANGUAGE fired; AMOUNT fired"},
		{maxCollected + 1, "IF fired; UNLESS condition; DATA value_too_long; PAGE value_too_long; LANGUAGE value_too_long; AMOUNT value_too_long"},
		{maxInput + 1, "IF value_too_long; UNLESS value_too_long; DATA value_too_long; PAGE value_too_long; LANGUAGE value_too_long; AMOUNT value_too_long"},
	} {
		x, form := parseExchange(t, "GET /a?q="+strings.Repeat("x", test.length)+" -> 200")
		if got := evaluate(rules, x, form); got != test.want {
			t.Errorf("%d bytes: %s", test.length, got)
		}
	}
	// A form field beyond what is kept is no absent field.
	rules, err = Parse([]byte("goals:\n  - { goal: TOTAL, submit: /a, success: 2xx, value: { from: $form.total, max: 5 } }\n"))
	if err != nil {
		t.Fatal(err)
	}
	x, form := parseExchange(t, "POST /a total="+strings.Repeat("1", 2<<10+1)+" -> 200")
	if got := evaluate(rules, x, form); got != "TOTAL value_too_long" {
		t.Errorf("long field: %s", got)
	}
	x, form = parseExchange(t, "POST /a/"+strings.Repeat("a", maxInput)+" -> 200")
	if got := evaluate(rules, x, form); got != "nothing" {
		t.Errorf("long path: %s", got)
	}
}
