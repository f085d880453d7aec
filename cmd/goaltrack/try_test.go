package main

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

const triedRules = `
version: 1
defaults: { currency: EUR }
goals:
  - { goal: PRICING_VIEWED, visit: /pricing }
  - goal: CONTACT_SENT
    submit: /contact
    value: 5
    data: { topic: $form.topic, urgent: true }
  - { goal: CONTACT_PAUSED, submit: /contact, status: paused }
`

// TestTry looks at what people see.
func TestTry(t *testing.T) {
	file := write(t, "goals.yaml", triedRules)
	const accepted = "POST /contact topic=sales -> 303 /thanks"
	code, stdout, stderr := carry(t, "try", file, accepted)
	if code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, stderr %q", code, stderr)
	}
	printed(t, stdout, `-       PRICING_VIEWED  needs GET, the request is POST
fired   CONTACT_SENT    value 5  topic="sales"  urgent=true
-       CONTACT_PAUSED  the goal is paused
`)

	code, stdout, _ = carry(t, "try", accepted, "--", file, "GET /pricing")
	if code != exitUsage || stdout != "" {
		t.Errorf("a request in place of the file: exit code %d\n%s", code, stdout)
	}
	_, stdout, _ = carry(t, "try", file, "GET /pricing", "GET /contact -> 404")
	lines := strings.Split(stdout, "\n")
	if len(lines) != 2*4+1+1 || lines[0] != "GET /pricing" || lines[1] != "fired   PRICING_VIEWED" || lines[5] != "GET /contact -> 404" {
		t.Errorf("two requests:\n%s", stdout)
	}
}

// TestTryJSON looks at what programs see: a list for each request.
func TestTryJSON(t *testing.T) {
	type verdict struct {
		Goal   string         `json:"goal"`
		Fired  bool           `json:"fired"`
		Reason string         `json:"reason"`
		Value  any            `json:"value"`
		Data   map[string]any `json:"data"`
	}
	file := write(t, "goals.yaml", triedRules)
	code, stdout, stderr := carry(t, "try", "--json", file, "POST /contact topic=<b> -> 303 /thanks", "GET /nowhere")
	lines := strings.Split(stdout, "\n")
	if code != exitOK || stderr != "" || len(lines) != 3 {
		t.Fatalf("exit code %d, stderr %q\n%s", code, stderr, stdout)
	}
	got := strictly[[]verdict](t, lines[0])
	want := []verdict{
		{"PRICING_VIEWED", false, "needs GET, the request is POST", nil, map[string]any{}},
		{"CONTACT_SENT", true, "", 5.0, map[string]any{"topic": "<b>", "urgent": true}},
		{"CONTACT_PAUSED", false, "the goal is paused", nil, map[string]any{}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, v := range strictly[[]verdict](t, lines[1]) {
		if v.Fired || v.Reason == "" {
			t.Errorf("%+v", v)
		}
	}
}

// TestSchema prints a schema, and the same with --json.
func TestSchema(t *testing.T) {
	code, stdout, stderr := carry(t, "schema")
	var schema struct {
		Schema     string         `json:"$schema"`
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal([]byte(stdout), &schema); err != nil || code != exitOK || stderr != "" {
		t.Fatalf("exit code %d, %v, stderr %q", code, err, stderr)
	}
	if schema.Schema != "https://json-schema.org/draft/2020-12/schema" || schema.Properties["goals"] == nil {
		t.Errorf("%+v", schema)
	}
	if _, again, _ := carry(t, "schema", "--json"); again != stdout {
		t.Error("--json changes it")
	}
}
