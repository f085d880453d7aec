package main

import (
	"reflect"
	"testing"
)

// Two rule files with every kind of change. What only stands elsewhere, or is
// written in other quotes, is none.
const (
	rulesBefore = `
version: 1
defaults: { currency: EUR }
goals:
  - goal: PRICING_VIEWED
    visit: /pricing
    value: 5
    data: { plan: "1", kind: a }
    hosts: [a.example]
  - { goal: SEARCHED, visit: /search, unless: { query.page: present } }
  - { goal: KEPT, visit: /kept }
  - { goal: GONE, visit: /gone }
`
	rulesAfter = `
version: 1
defaults: { currency: USD, language: EN }
goals:
  - { goal: KEPT, visit: "/kept" }
  - { goal: SEARCHED, visit: /search }
  - goal: PRICING_VIEWED
    data:
      kind: "a"
      plan: 1
    visit: /pricing
    value: 7
    hosts: [a.example, b.example]
  - { goal: ADDED, visit: /added }
`
	diffedLog = `- - - [09/Nov/2025:06:25:31 +0000] "GET /search?q=a HTTP/1.1" 200 1
- - - [09/Nov/2025:06:25:31 +0000] "GET /search?q=a&page=2 HTTP/1.1" 200 1
- - - [09/Nov/2025:06:25:31 +0000] "GET /search?q=a&page=3 HTTP/1.1" 200 1
- - - [09/Nov/2025:06:25:31 +0000] "GET /gone HTTP/1.1" 200 1
- - - [09/Nov/2025:06:25:31 +0000] "GET /kept HTTP/1.1" 200 1
`
)

const diffed = `~ defaults, for every goal that does not say otherwise
    ~ currency: EUR -> USD
    + language: EN
~ goal SEARCHED changed
    - unless.query.page: present
~ goal PRICING_VIEWED changed
    ~ data.plan: "1" -> 1
    ~ value: 5 -> 7
    ~ hosts: [a.example] -> [a.example, b.example]
+ goal ADDED added
    + visit: /added
- goal GONE removed
    - visit: /gone
`

// TestDiff looks at what people see.
func TestDiff(t *testing.T) {
	before, after := write(t, "old.yaml", rulesBefore), write(t, "new.yaml", rulesAfter)
	code, stdout, stderr := carry(t, "diff", before, after)
	if code != exitOK || stderr != "" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	printed(t, stdout, diffed)

	_, stdout, _ = carry(t, "diff", before, "--log", write(t, "access.log", diffedLog), after)
	printed(t, stdout, diffed+`
5 lines, counted by either file:

GOAL            OLD  NEW  CHANGE
KEPT            1    1
SEARCHED        1    3    +2 (+200%)
PRICING_VIEWED  0    0
ADDED           -    0
GONE            1    -    -1

A log does not tell all that goals look at: "goaltrack replay" says what it does not.
`)
	code, stdout, _ = carry(t, "diff", before, before)
	if printed(t, stdout, "Nothing changes.\n"); code != exitOK {
		t.Errorf("exit code %d", code)
	}
}

// TestDiffOfLists: what rules may read of cookies and of secrets matters most.
func TestDiffOfLists(t *testing.T) {
	const goals = "goals:\n  - { goal: SEEN, visit: /, if: { cookie.theme: present }, data: { a: $query.pin } }\n"
	before := write(t, "before.yaml", "version: 1\ncookies: theme\nallow: [pin]\n"+goals)
	after := write(t, "after.yaml", "version: 1\ncookies: [theme, lang]\nallow: [pin, iban]\n"+goals)
	code, stdout, stderr := carry(t, "diff", before, after)
	const want = "~ defaults, for every goal that does not say otherwise\n    ~ cookies: theme -> [theme, lang]\n    ~ allow: [pin] -> [pin, iban]\n"
	if code != exitOK || stdout != want {
		t.Errorf("exit code %d, %s%s", code, stdout, stderr)
	}
}

// TestDiffJSON looks at what programs see.
func TestDiffJSON(t *testing.T) {
	before, after := write(t, "old.yaml", rulesBefore), write(t, "new.yaml", rulesAfter)
	code, stdout, stderr := carry(t, "diff", "--json", before, after)
	if code != exitOK || stderr != "" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	got := strictly[difference](t, stdout)
	want := difference{
		Defaults: []keyChange{{"currency", new("EUR"), new("USD")}, {"language", nil, new("EN")}},
		Goals: []goalChange{
			{"SEARCHED", "changed", []keyChange{{"unless.query.page", new("present"), nil}}, ""},
			{"PRICING_VIEWED", "changed", []keyChange{
				{"data.plan", new(`"1"`), new("1")},
				{"value", new("5"), new("7")},
				{"hosts", new("[a.example]"), new("[a.example, b.example]")},
			}, ""},
			{"ADDED", "added", []keyChange{{"visit", nil, new("/added")}}, ""},
			{"GONE", "removed", []keyChange{{"visit", new("/gone"), nil}}, ""},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s", stdout)
	}
	stdin(t, diffedLog)
	_, stdout, _ = carry(t, "diff", "--json", before, after, "--log=-")
	counts := strictly[difference](t, stdout).Counts
	if want := (oldAndNew{new(uint64(1)), new(uint64(3))}); len(counts) != 5 || !reflect.DeepEqual(counts["SEARCHED"], want) {
		t.Errorf("%s", stdout)
	}
	_, stdout, _ = carry(t, "diff", "--json", after, after)
	printed(t, stdout, `{"defaults":[],"goals":[]}`+"\n")
}

// TestDiffOfARename: a goal that says what it was is renamed, and what that means is told.
func TestDiffOfARename(t *testing.T) {
	before := write(t, "old.yaml", "goals:\n  - { goal: A, visit: /a, used by: journey }\n  - { goal: B, renamed: B_OLD, visit: /b }\n  - { goal: C, visit: /c, used by: segment }\n")
	for name, c := range map[string]struct{ after, want string }{
		"renamed": {
			"goals:\n  - { goal: A2, renamed: A, sends: A, visit: /a, used by: journey }\n  - { goal: B2, renamed: [B_OLD, B], visit: /b2 }\n  - { goal: C, visit: /c, used by: segment }\n",
			"~ goal A2 renamed, from A\n    + renamed: A\n    + sends: A\n~ goal B2 renamed, from B\n    ~ renamed: B_OLD -> [B_OLD, B]\n    ~ visit: /b -> /b2\n",
		},
		"what waits in Sitecore": {
			"goals:\n  - { goal: A2, renamed: A, visit: /a }\n  - { goal: B, renamed: B_OLD, visit: /b }\n",
			"~ goal A2 renamed, from A\n    + renamed: A\n    - used by: journey\n- goal C removed\n    - visit: /c\n    - used by: segment\n\n" +
				"In Sitecore, this uses A: journey. It gets nothing any more until it is changed there.\nIn Sitecore, this uses C: segment. It gets nothing any more until it is changed there.\n",
		},
		"the oldest is forgotten": {
			"goals:\n  - { goal: A, visit: /a, used by: journey }\n  - { goal: B2, renamed: B, visit: /b }\n  - { goal: C, visit: /c, used by: segment }\n",
			"~ goal B2 renamed, from B\n    ~ renamed: B_OLD -> B\n\nWhat is remembered of visitors under B_OLD begins anew: renamed: of B2 has to begin with B_OLD.\n",
		},
		"the oldest is its name again": {
			"goals:\n  - { goal: A, visit: /a, used by: journey }\n  - { goal: B_OLD, renamed: B, visit: /b }\n  - { goal: C, visit: /c, used by: segment }\n",
			"~ goal B_OLD renamed, from B\n    ~ renamed: B_OLD -> B\n\nWhat is remembered of visitors under B_OLD begins anew: leave out renamed: of B_OLD, which has that name again.\n",
		},
	} {
		code, stdout, stderr := carry(t, "diff", before, write(t, "new.yaml", c.after))
		if code != exitOK || stdout != c.want {
			t.Errorf("%s: exit code %d, %s\n%s\nwant\n%s", name, code, stderr, stdout, c.want)
		}
	}
	_, stdout, _ := carry(t, "diff", "--json", before, write(t, "new.yaml", "goals:\n  - { goal: A2, renamed: A, sends: A, visit: /a, used by: journey }\n  - { goal: B, renamed: B_OLD, visit: /b }\n  - { goal: C, visit: /c, used by: segment }\n"))
	printed(t, stdout, `{"defaults":[],"goals":[{"goal":"A2","change":"renamed","keys":[{"key":"renamed","old":null,"new":"A"},{"key":"sends","old":null,"new":"A"}],"from":"A"}]}`+"\n")
}
