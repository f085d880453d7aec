package plan_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/plan"
	"github.com/goaltrack/goaltrack/rule"
)

const file = `
version: 1
defaults: { currency: CHF }
goals:
  - goal: CONTACT_SENT
    label: Sent the | form
    owner: Ann
    used by: [segment, journey]
    submit: /contact
    success: redirect to /thanks
    value: { from: $form.worth, max: 100 }
    data: { topic: $form.topic, size: { from: $form.size, as: number }, fixed: 1, price: $$5, id: $app.id, formula: "=1+1" }
    examples:
      counts: POST /contact topic=sales size=12 worth=7 -> 303 /thanks
      ignores: POST /contact topic=sales -> 200
  - goal: POINTS
    status: draft
    visit: /a
    value: { amount: 5, currency: none }
  - goal: SIGNED_IN
    code: true
    sends: SIGN_IN
    identify: { crm: $app.customer, verified: true }
  - goal: BOUGHT
    code: true
    identify: { crm: $app.customer }
    order: { id: $app.id, total: $app.total }
`

// TestPlan: what stands in the rules, and what the examples give.
func TestPlan(t *testing.T) {
	var got strings.Builder
	for _, g := range goalsOf(t, file) {
		got.WriteString(g.Name + " " + g.Status + " " + strings.Join(g.UsedBy, "+") + "\n")
		for _, e := range g.Events {
			got.WriteString("  " + e.Type + "\n")
			for _, a := range e.Attributes {
				got.WriteString("    " + strings.Join([]string{a.Name, a.Type, a.From, a.Example}, ", ") + "\n")
			}
		}
	}
	want := `CONTACT_SENT live segment+journey
  CONTACT_SENT
    fixed, number, fixed, 1
    formula, text, fixed, =1+1
    id, as given, $app.id, 
    price, text, fixed, $5
    size, number, $form.size, 12
    topic, text, $form.topic, sales
    goalValue, number, $form.worth, 7
    goalCurrency, text, fixed, CHF
POINTS draft 
  POINTS
    goalValue, number, fixed, 5
SIGNED_IN live 
  IDENTITY
    crm, text, $app.customer, 
  SIGN_IN
BOUGHT live 
  IDENTITY
    crm, text, $app.customer, 
  ORDER_CHECKOUT
    id, text, $app.id, 
    total, number, $app.total, 
    currency, text, fixed, CHF
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &got, want)
	}
}

func TestMarkdown(t *testing.T) {
	var b bytes.Buffer
	if err := plan.Markdown(&b, goalsOf(t, file), "Plan of *a*"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"# Plan of \\*a\\*\n\n| goal | event | when | used by | owner |\n",
		"| [CONTACT_SENT](#contact_sent) | `CONTACT_SENT` | Counts each time a form is sent to /contact",
		"| segment, journey | Ann |\n",
		"## CONTACT_SENT\n\nSent the | form\n\n",
		"- Status: draft\n",
		"\nSends `CONTACT_SENT`:\n\n| attribute | type | from | example |\n|---|---|---|---|\n| `fixed` | number | fixed | `1` |\n",
		"| `id` | as given | `$app.id` | |\n",
		"\nDoes not count:\n\n- `POST /contact topic=sales -> 200`\n",
		"Sends `SIGN_IN`, without attributes of its own.",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, &b)
		}
	}
	for line := range strings.Lines(b.String()) {
		if strings.HasPrefix(line, "| [") && strings.Count(line, "|")-strings.Count(line, `\|`) != 6 {
			t.Errorf("not five cells: %s", line)
		}
	}
}

func TestCSV(t *testing.T) {
	var b bytes.Buffer
	if err := plan.CSV(&b, goalsOf(t, file)); err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(&b).ReadAll()
	if err != nil || len(lines) != 16 || strings.Join(lines[0], ",") != strings.Join(plan.Header, ",") {
		t.Fatal(len(lines), lines, err)
	}
	if got := strings.Join(lines[2], "; "); !strings.Contains(got, "; CONTACT_SENT; live; Counts each time") || !strings.HasSuffix(got, "segment, journey; Ann; formula; text; fixed; '=1+1") {
		t.Error(got)
	}
}

func goalsOf(t *testing.T, text string) []plan.Goal {
	t.Helper()
	rules, err := rule.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return plan.Of(rules)
}
