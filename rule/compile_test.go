package rule

import (
	"cmp"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

// TestNew: goals made in Go are checked by the same code as a file, and
// their faults are the same but for the place.
func TestNew(t *testing.T) {
	bad := []Goal{
		{Name: "view", Visit: "/a?b=1"},
		{Name: "A_ONE"},
		{Name: "A_ONE", Visit: "/a", Submit: Submit{Path: "/b", Method: "get"}},
		{Name: "B_TWO", Visit: "a", Success: "ok", If: Conditions{"form.a": "present", "query.q": ">10"}},
		{Name: "C_THREE", Submit: Submit{Path: "/c"}, Value: Value{From: "$form.total", Currency: "eur"}, Data: map[string]any{"order-id": "$redirect.id"}},
		{Name: "D_FOUR", Code: true, Language: "english", Channel: "web", Sends: "VIEW", Count: "once", Bots: "never"},
	}
	const file = `goals:
  - { goal: view, visit: "/a?b=1" }
  - { goal: A_ONE }
  - { goal: A_ONE, visit: /a, submit: { path: /b, method: get } }
  - { goal: B_TWO, visit: a, success: ok, if: { form.a: present, query.q: ">10" } }
  - { goal: C_THREE, submit: /c, value: { from: $form.total, currency: eur }, data: { order-id: $redirect.id } }
  - { goal: D_FOUR, code: true, language: english, channel: web, sends: VIEW, count: once, bots: never }
`
	_, err := New(bad...)
	made, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%T %v", err, err)
	}
	_, err = Parse([]byte(file))
	read, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("%T %v", err, err)
	}
	var fromGo, fromFile []string
	for _, f := range made.Faults {
		if f.Line != 0 || f.Column != 0 || f.File != "" {
			t.Errorf("%v has a place", f)
		}
		fromGo = append(fromGo, f.String())
	}
	for _, f := range read.Faults {
		f.Line, f.Column = 0, 0
		fromFile = append(fromFile, f.String())
	}
	slices.Sort(fromGo)
	slices.Sort(fromFile)
	if !slices.Equal(fromGo, fromFile) || len(fromGo) < 15 {
		t.Errorf("from Go\n  %s\nfrom the file\n  %s", strings.Join(fromGo, "\n  "), strings.Join(fromFile, "\n  "))
	}
}

// TestNewValues are the faults that only Go can make.
func TestNewValues(t *testing.T) {
	for _, test := range []struct {
		goal Goal
		want string
	}{
		{Goal{Value: Value{Amount: math.NaN()}}, "the value is not a finite number (for example value: 129.90)"},
		{Goal{Value: Value{Amount: 1, Max: math.Inf(1)}}, "the value is not a finite number (for example value: 129.90)"},
		{Goal{Value: Value{Amount: -1}}, "a value is not negative (write a number above 0, or leave value: out)"},
		{Goal{Data: map[string]any{"a": math.Inf(-1)}}, `the attribute "a" is not a finite number`},
		{Goal{Data: map[string]any{"a": nil}}, "a text, a number, true, false or a $source is expected here"},
		{Goal{Data: map[string]any{"a": []string{"b"}}}, "a text, a number, true, false or a $source is expected here"},
		{Goal{Data: map[string]any{"a": strings.Repeat("x", maxCollected+1)}}, "the text is longer than 1024 bytes"},
		{Goal{Page: strings.Repeat("x", maxCollected+1)}, "the text is longer than 1024 bytes"},
		{Goal{If: Conditions{"query.q": nil}}, "query.q: a text, a number, true or false is expected here"},
		{Goal{If: Conditions{"query.q": []any{1, struct{}{}}}}, "query.q: a text, a number, true or false is expected here"},
		{Goal{Unless: Conditions{"query.q": ""}}, "query.q: an empty text is not a condition (write absent)"},
		{Goal{Unless: Conditions{"query.q": strings.Repeat("x", maxInput+1)}}, "query.q: the test is longer than 2048 bytes"},
		{Goal{If: Conditions{"": "present"}}, ": unknown source (" + conditionHint + ")"},
		{Goal{Visit: "/\xff"}, `the path "/\xff" holds characters that cannot be printed`},
		{Goal{Visit: "/" + strings.Repeat("a", maxInput)}, "the path is longer than 2048 bytes (no address is that long)"},
	} {
		test.goal.Name = "A_ONE"
		test.goal.Visit = cmp.Or(test.goal.Visit, "/a")
		_, err := New(test.goal)
		if err == nil || err.Error() != "goal A_ONE: "+test.want {
			t.Errorf("got  %v\nwant goal A_ONE: %s", err, test.want)
		}
	}
}

func TestNewNone(t *testing.T) {
	rules, err := New()
	if err != nil || len(rules.Names()) != 0 || rules.Hash() != "" {
		t.Errorf("%v, %v", rules, err)
	}
	var zero Set
	if zero.Hash() != "" || len(zero.Names()) != 0 || len(zero.index.Find("GET", "/", nil)) != 0 {
		t.Error("the zero value is not empty")
	}
}

// TestSendsView: only what shows a page may send a page view.
func TestSendsView(t *testing.T) {
	for _, test := range []struct {
		goal Goal
		says string
	}{
		{Goal{Visit: "/a"}, ""},
		{Goal{Code: true}, ""},
		{Goal{Visit: "/a", Value: Value{Amount: 5, Currency: "EUR"}}, "a VIEW has no value"},
		{Goal{Download: "/a"}, "its trigger is visit: or code:"},
	} {
		test.goal.Name, test.goal.Sends = "SEEN", "VIEW"
		if _, err := New(test.goal); err == nil != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: the error is %v", test.goal, err)
		}
	}
}
