package test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/golden"
)

// TestGoldenRules: a rule file of any version loads without faults, has the hash
// that it had, and counts what it counted. What is said of it to people is in a
// file of its own: the only one that may change, when a sentence is worded better.
func TestGoldenRules(t *testing.T) {
	golden.Kind{Name: "rules", Write: func(t *testing.T, dir string) {
		for _, name := range []string{"goals.yaml", "try.txt"} {
			writeGolden(t, dir, name, goldenInput(t, name))
		}
	}, Read: readGoldenRules}.Test(t, goldenRoot)
}

// rulesMeaning is what programs and the CDP get of a rule file.
type rulesMeaning struct {
	Hash   string            `json:"hash"`
	Names  []string          `json:"names"`
	Faults []string          `json:"faults"`
	Schema []string          `json:"schema"`
	Tries  map[string]string `json:"tries"`
}

func readGoldenRules(t *testing.T, dir string) golden.Texts {
	file := filepath.Join(dir, "goals.yaml")
	var words strings.Builder
	m := rulesMeaning{Faults: []string{}, Schema: []string{}, Tries: map[string]string{}}
	m.Schema = append(m.Schema, schema(t).validate("", plain(t, readText(t, file)))...)
	synctest.Test(t, func(t *testing.T) {
		rules := rulesOf(t, file)
		m.Hash, m.Names = rules.Hash(), rules.Names()
		for _, f := range rules.CheckExamples() {
			m.Faults = append(m.Faults, f.String())
		}
		for _, f := range rules.Warnings() {
			f.File = filepath.Base(f.File)
			fmt.Fprintf(&words, "warning: %s\n", f)
		}
		for line := range strings.Lines(readText(t, filepath.Join(dir, "try.txt"))) {
			goal, request, _ := strings.Cut(strings.TrimSpace(line), ": ")
			verdicts := explain(t, rules, request)
			var fired []string
			for _, name := range rules.Names() {
				if v := verdicts[name]; v.Fired {
					fired = append(fired, name+sentWith(v))
				}
			}
			m.Tries[request] = strings.Join(fired, "; ")
			says := "fired " + verdicts[goal].Note
			if v := verdicts[goal]; !v.Fired {
				says = v.Reason
			}
			fmt.Fprintf(&words, "%s\n\t%s: %s\n", request, goal, strings.TrimSpace(says))
		}
	})
	return golden.Texts{"meaning.json": inJSON(t, m), "words.txt": words.String()}
}

// sentWith is what is sent with a goal, in the order of the names.
func sentWith(v goaltrack.Verdict) string {
	var text strings.Builder
	if v.Value != nil {
		fmt.Fprintf(&text, " value=%v", v.Value)
	}
	for _, name := range slices.Sorted(maps.Keys(v.Data)) {
		fmt.Fprintf(&text, " %s=%#v", name, v.Data[name])
	}
	return text.String()
}

// TestGoldenRulesAreWhole: the file that the next version's golden rules are made
// from has every key that the page for marketers knows.
func TestGoldenRulesAreWhole(t *testing.T) {
	used := map[string]bool{}
	collectKeys("", plain(t, goldenInput(t, "goals.yaml")), used)
	for _, row := range keyRows(t) {
		for _, key := range row.keys {
			if !used[strings.TrimPrefix(row.place+"."+key, ".")] {
				t.Errorf("inputs/goals.yaml has no %s in %q", key, row.place)
			}
		}
	}
}

// collectKeys notes the keys in a value, as keyPlaces names the places. In data,
// and so in identify, the first level are names of the author's own.
func collectKeys(place string, v any, used map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			collectKeys(place, item, used)
		}
	case map[string]any:
		for key, below := range v {
			used[strings.TrimPrefix(place+"."+key, ".")] = true
			switch {
			case key == "any" && place == "goals", place == "goals.data", place == "goals.identify", place == "goals.after", place == "goals.not after":
				collectKeys(place, below, used)
			default:
				collectKeys(strings.TrimPrefix(place+"."+key, "."), below, used)
			}
		}
	}
}
