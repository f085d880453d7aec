package rule_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/rule"
)

func TestFind(t *testing.T) {
	rules, err := rule.New(
		rule.Goal{Name: "VISIT", Visit: "/a"},
		rule.Goal{Name: "VISIT_ANY", Visit: "/**"},
		rule.Goal{Name: "SUBMIT", Submit: rule.Submit{Path: "/a"}},
		rule.Goal{Name: "PUT", Submit: rule.Submit{Path: "/a", Method: "put"}},
		rule.Goal{Name: "CODE", Code: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	for method, want := range map[string][]string{
		"GET": {"VISIT", "VISIT_ANY"}, "POST": {"SUBMIT"}, "PUT": {"PUT"}, "HEAD": nil, "": nil, "get": nil,
	} {
		var got []string
		for _, found := range rules.Find(method, "/a", "", nil) {
			got = append(got, found.Name())
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", method, got, want)
		}
	}
}

func TestManyGoals(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("goals:\n")
	for i := range 3_000 {
		b.WriteString("  - { goal: G_" + strconv.Itoa(i) + ", visit: \"/p" + strconv.Itoa(i) + "/{id:[0-9]+}\", data: { id: $path.id } }\n")
	}
	rules, err := rule.Parse([]byte(b.String()))
	if err != nil || len(rules.Names()) != 3_000 {
		t.Fatal(err)
	}
	if found := rules.Find("GET", "/p2999/1", "", nil); len(found) != 1 || found[0].Name() != "G_2999" {
		t.Errorf("found %d", len(found))
	}
}
