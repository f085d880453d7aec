package main

import (
	"encoding/json"
	"os"
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
        sends CONTACT_SENT  page "contact"  currency EUR
-       CONTACT_PAUSED  the goal is paused
`)

	code, stdout, _ = carry(t, "try", accepted, "--", file, "GET /pricing")
	if code != exitUsage || stdout != "" {
		t.Errorf("a request in place of the file: exit code %d\n%s", code, stdout)
	}
	_, stdout, _ = carry(t, "try", file, "GET /pricing", "GET /contact -> 404")
	lines := strings.Split(stdout, "\n")
	if len(lines) != 2*4+1+1+1 || lines[0] != "GET /pricing" || lines[1] != "fired   PRICING_VIEWED" || lines[6] != "GET /contact -> 404" {
		t.Errorf("two requests:\n%s", stdout)
	}
}

// TestTryJSON looks at what programs see: a list for each request.
func TestTryJSON(t *testing.T) {
	type verdict = triedGoal
	file := write(t, "goals.yaml", triedRules)
	code, stdout, stderr := carry(t, "try", "--json", file, "POST /contact topic=<b> -> 303 /thanks", "GET /nowhere")
	lines := strings.Split(stdout, "\n")
	if code != exitOK || stderr != "" || len(lines) != 3 {
		t.Fatalf("exit code %d, stderr %q\n%s", code, stderr, stdout)
	}
	got := strictly[[]verdict](t, lines[0])
	want := []verdict{
		{"PRICING_VIEWED", false, "needs GET, the request is POST", nil, map[string]any{}, []any{}},
		{"CONTACT_SENT", true, "", 5.0, map[string]any{"topic": "<b>", "urgent": true}, []any{map[string]any{
			"browser_id": "", "type": "CONTACT_SENT", "client_key": "", "pos": "", "channel": "WEB", "language": "EN", "currency": "EUR", "page": "contact",
			"ext": map[string]any{"topic": "<b>", "urgent": true, "goalValue": 5.0, "goalCurrency": "EUR", "eventId": ""},
		}}},
		{"CONTACT_PAUSED", false, "the goal is paused", nil, map[string]any{}, []any{}},
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

const personRules = `
version: 1
defaults: { identityProvider: email }
goals:
  - goal: LOGGED_IN
    submit: /login
    identify: { email: $form.email, firstName: $form.first, verified: true }
  - goal: ORDER_PAID
    submit: /pay
    success: confirmed
    order: { id: $form.id, total: $app.total, payment: Cash }
    identify: { email: $app.email }
`

// TestTryShowsEvents: who the visitor is comes first, is hidden unless it is asked for, and
// an order says all but its time. What a site would not send is not shown.
func TestTryShowsEvents(t *testing.T) {
	const order = `"paymentType":"Cash","price":3,"referenceId":"7","status":"PURCHASED"}`
	file := write(t, "goals.yaml", personRules)
	tests := []struct {
		name, request string
		flags         []string
		want          string
	}{
		{"hidden", "POST /login email=Ann@Example.com first=Ann -> 303 /x", nil, `fired   LOGGED_IN
        sends IDENTITY  page "login"  email="***"  firstname="***"  identifiers=[{"id":"***","provider":"email"}]
        sends LOGGED_IN  page "login"
`},
		{"shown", "POST /login email=Ann@Example.com first=Ann -> 303 /x", []string{"--show-identity"}, `fired   LOGGED_IN
        sends IDENTITY  page "login"  email="ann@example.com"  firstname="Ann"  identifiers=[{"id":"ann@example.com","provider":"email"}]
        sends LOGGED_IN  page "login"
`},
		{"nobody", "POST /login email=nobody -> 303 /x", nil, `fired   LOGGED_IN   (identity_field_invalid, identity_missing)
        sends LOGGED_IN  page "login"
`},
		{"an order", "POST /pay id=7 app.total=3 app.email=ann@example.com -> 200 confirmed", []string{"--currency=EUR"}, `fired   ORDER_PAID
        sends IDENTITY  page "pay"  currency EUR  email="***"  identifiers=[{"id":"***","provider":"email"}]
        sends ORDER_CHECKOUT  page "pay"  currency EUR  order={"currencyCode":"EUR",` + order + `
`},
		{
			"an order without a currency", "POST /pay id=7 app.total=3 app.email=ann@example.com -> 200 confirmed", nil,
			"fired   ORDER_PAID  (the CDP would not take the ORDER_CHECKOUT (event_invalid), unless the site has a currency; --currency says which)\n",
		},
		{
			"an order of nobody", "POST /pay id=7 app.total=3 -> 200 confirmed",
			[]string{"--currency=EUR"},
			"-       ORDER_PAID  identify: does not say who the visitor is, and an ORDER_CHECKOUT needs that (no_identity)\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := carry(t, append(append([]string{"try"}, tt.flags...), file, tt.request)...)
			if code != exitOK || stderr != "" || !strings.Contains(stdout, tt.want) {
				t.Errorf("exit code %d, stderr %q\n%s\nwant\n%s", code, stderr, stdout, tt.want)
			}
			_, stdout, _ = carry(t, append(append([]string{"try", "--json"}, tt.flags...), file, tt.request)...)
			if shown := strings.Contains(stdout, "ann@example.com"); shown != (tt.name == "shown") {
				t.Errorf("the address is shown: %v\n%s", shown, stdout)
			}
			if strings.Contains(stdout, "orderedAt") {
				t.Errorf("a time is shown\n%s", stdout)
			}
		})
	}
	if code, _, stderr := carry(t, "try", "--currency=euro", file, "GET /"); code != exitUsage || !strings.Contains(stderr, `--currency: "euro" is not a currency such as EUR`) {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

// TestTryShowsTheConnector: what CDP4S counts is shown behind the goal's own event.
func TestTryShowsTheConnector(t *testing.T) {
	const goals = "\ngoals:\n  - { goal: BOOKED, visit: /booked, value: 40 }\n"
	file := write(t, "goals.yaml", "defaults: { currency: EUR, connector: cdp4s }"+goals)
	const want = "        sends BOOKED  page \"booked\"  currency EUR\n        sends CDP4SGOAL  page \"booked\"  currency EUR  extGoal={\"name\":\"BOOKED\",\"value\":40}\n"
	if code, stdout, stderr := carry(t, "try", file, "GET /booked"); code != exitOK || !strings.Contains(stdout, want) {
		t.Errorf("exit code %d, stderr %q\n%s\nwant\n%s", code, stderr, stdout, want)
	}
	if _, stdout, _ := carry(t, "try", "--json", file, "GET /booked"); !strings.Contains(stdout, `"extGoal":{"name":"BOOKED","value":40}`) {
		t.Errorf("--json shows\n%s", stdout)
	}
	file = write(t, "goals.yaml", "defaults: { currency: EUR }"+goals)
	if _, stdout, _ := carry(t, "try", file, "GET /booked"); !strings.Contains(stdout, "sends BOOKED") || strings.Contains(stdout, "CDP4SGOAL") {
		t.Errorf("without a connector\n%s", stdout)
	}
}

// TestTryInDocs: docs/tools.md shows what is printed for the file of docs/first-goals.md.
func TestTryInDocs(t *testing.T) {
	page, err := os.ReadFile("../../docs/tools.md")
	if err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile("../../docs/first-goals.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(first), "```yaml\n")
	rules, _, _ := strings.Cut(rest, "```")
	const request = "POST /contact topic=sales -> 303 /thanks"
	file := write(t, "goals.yaml", rules)
	shown := strings.ReplaceAll(string(page), "\n   ", "\n")
	for line, words := range map[string][]string{
		"goals.yaml '" + request + "'":                                      {file, request},
		"--session --fired goals.yaml 'GET /pricing' +5m '" + request + "'": {"--session", "--fired", file, "GET /pricing", "+5m", request},
	} {
		_, stdout, _ := carry(t, append([]string{"try"}, words...)...)
		if want := "goaltrack try " + line + "\n" + stdout; !strings.Contains(shown, want) {
			t.Errorf("the page lacks\n%s", want)
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
