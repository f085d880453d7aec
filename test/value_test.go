package test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/world"
)

// TestValuesThatCannotBeRead: what is no number costs the value, and not the goal.
func TestValuesThatCannotBeRead(t *testing.T) {
	for _, tt := range []struct {
		decimal, amount string
		want            any // the value; nil for none
		notes           uint64
	}{
		{"", "1234.56", 1234.56, 0},
		{"", "1.234,56", nil, 2},
		{"comma", "1.234,56", 1234.56, 0},
		{"comma", "€ 1.234", 1234.0, 0},
		{"point", "1,234.56", 1234.56, 0},
		{"comma", "much", nil, 2},
		{"point", "NaN", nil, 2},
		{"", "Infinity", nil, 2},
		{"point", "-20", nil, 1}, // as data it is a number
		{"", "", nil, 0},
	} {
		goal := "goal: GIVEN, submit: /form, value: { from: $form.amount, max: 20000 }, data: { n: { from: $form.amount, as: number } }"
		if tt.decimal != "" {
			goal += ", decimal: " + tt.decimal
		}
		w := world.New(t, "{version: 1, goals: [{"+goal+"}, {goal: MUCH, submit: /form, if: {form.amount: '> 1000'}, decimal: comma}]}",
			reading(func(r *http.Request) { _ = r.ParseForm() }))
		w.Visitor().Meet().Post("/form", "amount="+tt.amount)
		w.Done()
		e := w.CDP.Expect(t, "GIVEN").Once()
		if got := e.Ext["goalValue"]; got != tt.want {
			t.Errorf("%s, decimal %q: %v, want %v", tt.amount, tt.decimal, got, tt.want)
		}
		if got := w.Note("value_unreadable"); (got > 0) != (tt.notes > 0) {
			t.Errorf("%s, decimal %q: %d notes", tt.amount, tt.decimal, got)
		}
		much := strings.HasPrefix(tt.amount, "1.234") || strings.HasPrefix(tt.amount, "€")
		if got := w.Fates("MUCH"); got != map[bool]string{true: "fired 1", false: "condition 1"}[much] {
			t.Errorf("%s above 1000: %s", tt.amount, got)
		}
	}
}

// TestAmountsOfTheApplication: a refund is below 0, and no number is none.
func TestAmountsOfTheApplication(t *testing.T) {
	for amount, want := range map[any]any{
		-20.0: -20.0, -20: -20.0, "-20": -20.0, 12.5: 12.5, math.NaN(): nil, math.Inf(1): nil, "Inf": nil, "1.234,5": nil, -30000: "value_too_long",
	} {
		var w *world.World
		w = world.New(t, "{version: 1, goals: [{goal: REFUNDED, submit: /form, decimal: comma, value: {from: $app.amount, max: 20000}, data: {n: $app.amount}}]}",
			http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if err := w.Tracker.Set(r, "amount", amount); err != nil {
					t.Log(amount, err)
				}
				http.Redirect(rw, r, "/thanks", http.StatusSeeOther)
			}))
		w.Visitor().Meet().Post("/form", "a=b")
		w.Done()
		if why, lost := want.(string); lost {
			if got := w.Fates("REFUNDED"); got != why+" 1" {
				t.Errorf("%v: %s", amount, got)
			}
			continue
		}
		if got := w.CDP.Expect(t, "REFUNDED").Once().Ext["goalValue"]; got != want {
			t.Errorf("%v: %v, want %v", amount, got, want)
		}
	}
}

// TestGoalsWithoutFields: a form that could not be read costs a goal that only sends
// fields these, with a note, and one that needs a field itself.
func TestGoalsWithoutFields(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: SENT, submit: /form, data: { topic: $form.topic, plan: $json.plan } }
  - { goal: WORTH, submit: /form, value: { from: $form.n, max: 5 } }
  - { goal: ASKED, submit: /form, if: { form.topic: sales } }
  - { goal: ONCE, submit: /form, count: once per $form.topic }
  - { goal: NAMED, submit: { path: /form, form: contact } }
  - { goal: TRAP, submit: /form, unless: { json.website: present } }
`
	long := strings.Repeat("x", 64<<10)
	many := strings.Repeat("--x\r\nContent-Disposition: form-data; name=p\r\n\r\n1\r\n", 10_000) +
		"--x\r\nContent-Disposition: form-data; name=topic\r\n\r\nsales\r\n--x--\r\n"
	for name, c := range map[string]struct {
		contentType, encoding, body string
		note                        string
		trap                        string
	}{
		"a long form":      {"application/x-www-form-urlencoded", "", "topic=sales" + strings.Repeat("&topic="+strings.Repeat("x", 2<<10), 40), "form_too_large", "form_not_a_form 1"},
		"a compressed one": {"application/x-www-form-urlencoded", "gzip", zipped("topic=sales"), "form_encoded", "form_not_a_form 1"},
		"10,000 parts":     {"multipart/form-data; boundary=x", "", many, "form_too_large", "form_not_a_form 1"},
		"no last boundary": {"multipart/form-data; boundary=x", "", "--x\r\n\r\n1\r\n", "form_not_a_form", "form_not_a_form 1"},
		"long JSON":        {"application/json", "", `{"plan":"pro","x":"` + long + `"}`, "form_too_large", "form_too_large 1"},
	} {
		w := world.New(t, rules, reading(func(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
		v := w.Visitor().Meet()
		header := []string{"Content-Type", c.contentType}
		if c.encoding != "" {
			header = append(header, "Content-Encoding", c.encoding)
		}
		v.Post("/form", c.body, header...)
		w.Done()
		isJSON := strings.HasSuffix(c.contentType, "json")
		lost := c.note + " 1"
		want := "fired 1, fired 1, " + lost + ", " + lost + ", " + lost + ", " + c.trap
		if isJSON {
			want = "fired 1, form_not_a_form 1, form_not_a_form 1, form_not_a_form 1, form_not_a_form 1, " + c.trap
		}
		var got []string
		for _, g := range []string{"SENT", "WORTH", "ASKED", "ONCE", "NAMED", "TRAP"} {
			got = append(got, w.Fates(g))
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: %s, want %s", name, strings.Join(got, ", "), want)
		}
		if w.Note(c.note) == 0 {
			t.Errorf("%s: no note %s: %v", name, c.note, w.Tracker.Snapshot().Notes)
		}
		if v := fmt.Sprint(w.CDP.Expect(t, "SENT").Once().Ext["topic"]); v != "<nil>" {
			t.Errorf("%s: the topic is %s", name, v)
		}
	}
}
