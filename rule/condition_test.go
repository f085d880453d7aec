package rule

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// TestCondition are the right sides of conditions, as Go and YAML write them.
func TestCondition(t *testing.T) {
	for _, test := range []struct {
		value any
		holds []string // values of the query parameter for which it holds
		fails []string
	}{
		{"present", []string{"x", "0", " "}, []string{""}},
		{"absent", []string{""}, []string{"x"}},
		{"a b", []string{"a b"}, []string{"a", "A b", ""}},
		{5, []string{"5"}, []string{"05", "5.0", ""}},
		{int64(-5), []string{"-5"}, []string{"5"}},
		{uint64(1 << 63), []string{"9223372036854775808"}, []string{"0"}},
		{1.5, []string{"1.5"}, []string{"1.50"}},
		{true, []string{"true"}, []string{"1", "True"}},
		{[]any{"a", 2, false}, []string{"a", "2", "false"}, []string{"b", ""}},
		{"< 10", []string{"9.9", "-1", "1e-3"}, []string{"10", "NaN", "-Inf", "x", ""}},
		{"<= 10", []string{"10", " 10 "}, []string{"10.1", ""}},
		{"> 10", []string{"10.1"}, []string{"10", "NaN", "Inf", "Infinity", ""}},
		{">= 1e1", []string{"10", "1e9"}, []string{"9.99", "NaN", ""}},
		{"~ ^a+$", []string{"a", "aa"}, []string{"ab", "A", ""}},
		{"~ ^$", []string{""}, []string{"a"}},
		{"~  b", []string{"abc"}, []string{"ac"}},
		{"$5", []string{"$5"}, []string{"5"}},
	} {
		for _, unless := range []bool{false, true} {
			cond, err := parseCondition("query.q", test.value, unless)
			if err != nil {
				t.Errorf("%v: %v", test.value, err)
				continue
			}
			for i, v := range append(test.holds, test.fails...) {
				x := new(Exchange)
				if v != "" {
					x.rawQuery = "q=" + url.QueryEscape(v)
				}
				want := ReasonCondition
				if (i < len(test.holds)) != unless {
					want = Fires
				}
				if got := cond.judge(x); got != want {
					t.Errorf("%v on %q (unless: %v): %v", test.value, v, unless, got)
				}
			}
		}
	}
}

// TestConditionPath: a path is compared as templates are, a host and a media
// type without regard to case.
func TestConditionPath(t *testing.T) {
	x := &Exchange{host: "WWW.Shop.Example:8080", path: "/Products/Sku-1/", contentType: "Text/HTML; charset=utf-8", typeKnown: true, route: "shop.page"}
	for _, test := range []struct {
		key   string
		value any
		want  Reason
	}{
		{"path", "/products/{id}", Fires},
		{"path", []any{"/a", "/products/**"}, Fires},
		{"path", "/products", ReasonCondition},
		{"path", "~ ^/Products/", Fires},
		{"host", "www.shop.example", Fires},
		{"host", "shop.example", ReasonCondition},
		{"response.type", "text/html", Fires},
		{"response.type", []any{"text/plain"}, ReasonCondition},
		{"route", "shop.page", Fires},
		{"route", "SHOP.PAGE", ReasonCondition},
		{"app.x", "absent", Fires},
	} {
		cond, err := parseCondition(test.key, test.value, false)
		if err != nil {
			t.Errorf("%s: %v", test.key, err)
		} else if got := cond.judge(x); got != test.want {
			t.Errorf("%s: %v: %v", test.key, test.value, got)
		}
	}
}

// TestConditionHint: the hint names all that a condition can look at, and nothing else.
func TestConditionHint(t *testing.T) {
	_, list, _ := strings.Cut(conditionHint, "conditions look at ")
	hinted := strings.Fields(list)
	for _, key := range hinted {
		if _, err := parseCondition(key, "present", false); err != nil {
			t.Errorf("%s is no key of a condition: %v", key, err)
		}
	}
	for word, kind := range sourceKinds {
		if kind != sourcePath && kind != sourceRedirect && !slices.Contains(hinted, word+".x") {
			t.Errorf("%s.x is missing", word)
		}
	}
	for word := range bareSources {
		if !slices.Contains(hinted, word) {
			t.Errorf("%s is missing", word)
		}
	}
	if !slices.Contains(hinted, "referrer") {
		t.Error("referrer is missing")
	}
}
