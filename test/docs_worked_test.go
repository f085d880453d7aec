package test

import (
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
)

// TestWorked tries the worked goals, then the same with what counts and what
// does not changed over: every line must then fail, or it would prove nothing.
func TestWorked(t *testing.T) {
	text := readText(t, workedFile)
	rules, err := goaltrack.LoadRules(workedFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rules.CheckExamples() {
		t.Error(f)
	}
	lines := 0
	for _, g := range plain(t, text).(map[string]any)["goals"].([]any) {
		goal := g.(map[string]any)
		examples := goal["examples"].(map[string]any)
		counts, _ := examples["counts"].([]any)
		ignores, _ := examples["ignores"].([]any)
		if len(counts) == 0 || len(ignores) == 0 {
			t.Errorf("%s has no examples of one kind", goal["goal"])
		}
		lines += len(counts) + len(ignores)
	}
	if n := len(rules.Names()); n != 8 || lines < 26 {
		t.Errorf("%d goals with %d examples", n, lines)
	}
	swapped := strings.NewReplacer("counts:", "ignores:", "ignores:", "counts:").Replace(text)
	rules, err = goaltrack.ParseRules([]byte(swapped))
	if err != nil {
		t.Fatal(err)
	}
	if got := len(rules.CheckExamples()); got != lines {
		t.Errorf("%d of %d examples fail the other way round", got, lines)
	}
}

// TestWorkedAnyDay asserts that examples hold whatever the date and the status,
// and that a value which cannot be sent keeps a goal from counting.
func TestWorkedAnyDay(t *testing.T) {
	for _, tt := range []struct {
		name string
		goal goaltrack.Goal
	}{
		{"paused", goaltrack.Goal{Status: "paused"}},
		{"not yet", goaltrack.Goal{From: "2999-01-01"}},
		{"over", goaltrack.Goal{Until: "2001-12-31"}},
		{"a day long ago", goaltrack.Goal{From: "2001-12-31", Until: "2001-12-31"}},
		{"elsewhere", goaltrack.Goal{Env: []string{"production"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.goal.Name, tt.goal.Submit.Path = "GIFT_GIVEN", "/give"
			tt.goal.Value = goaltrack.Value{From: "$form.amount", Currency: "EUR", Max: 50}
			tt.goal.Examples = goaltrack.Examples{
				Counts:  []string{"POST /give amount=50 -> 303 /thanks", "POST /give -> 303 /thanks", "POST /give amount=lots -> 303 /thanks"},
				Ignores: []string{"POST /give amount=51 -> 303 /thanks", "POST /give amount=5 -> 200"},
			}
			rules, err := goaltrack.NewRules(tt.goal)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range rules.CheckExamples() {
				t.Error(f)
			}
		})
	}
}

// TestWorkedPageEndings asserts that pages are pages whatever the operating
// system's table of types calls their programs.
func TestWorkedPageEndings(t *testing.T) {
	rules, err := goaltrack.NewRules(goaltrack.Goal{Name: "PAGE", Visit: "/{page}"})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]bool{
		"GET /about.php": true, "GET /about.ASPX": true, "GET /about.html": true, "GET /v1.0": true, "GET /about": true,
		"GET /about.pdf": false, "GET /about.png": false, "GET /about.css": false, "GET /about.php -> 200 type=text/plain": false,
	} {
		if v := explain(t, rules, line)["PAGE"]; v.Fired != want {
			t.Errorf("%s: %+v", line, v)
		}
	}
}

// TestWorkedFieldNames asserts that a field of any name can stand in an example.
func TestWorkedFieldNames(t *testing.T) {
	rules, err := goaltrack.NewRules(goaltrack.Goal{
		Name: "SENT", Submit: goaltrack.Submit{Path: "/send"}, If: goaltrack.Conditions{"form.host": "a", "form.topic": "b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]bool{
		"POST /send form.host=a topic=b -> 201":                   true,
		"POST /send form.host=a form.topic=b -> 201":              true,
		"POST /send host=a topic=b -> 201":                        false,
		"POST /send form.host=a form.host=c topic=b -> 201":       true,
		"POST /send form.host=c form.host=a topic=b -> 201":       true, // any of several values
		"POST /send form.host=c form.host=d topic=b -> 201":       false,
		"POST /send \"form.host=a\" topic=\"b c\" -> 201":         false,
		"POST /send host=shop.example form.host=a topic=b -> 201": true,
	} {
		if v := explain(t, rules, line)["SENT"]; v.Fired != want {
			t.Errorf("%s: %+v", line, v)
		}
	}
}
