package rule

import (
	"testing"

	"golang.org/x/text/unicode/norm"
)

// TestComposed: a file and a request in either of Unicode's two forms are compared in one
// (NFC, https://unicode.org/reports/tr15/), and a host in letters is the host in code.
func TestComposed(t *testing.T) {
	const file = `
version: 1
goals:
  - { goal: PAGE, visit: /münchen, hosts: [müller.example] }
  - { goal: HOST, visit: /münchen, if: { host: müller.example } }
  - { goal: PLACE, visit: "/{größe}", data: { g: $path.größe } }
  - { goal: EQUAL, submit: /form, if: { form.name: Müller } }
  - { goal: UNLESS, submit: /form, unless: { form.name: Müller } }
  - { goal: LIST, submit: /form, if: { form.name: [x, Müller] } }
  - { goal: REGEXP, submit: /form, if: { form.name: "~ ^Mü" } }
  - { goal: FIELD, submit: /form, if: { form.größe: present }, data: { g: $form.größe, l: Grün } }
  - { goal: QUERY, visit: /q, if: { query.größe: groß } }
  - { goal: JSON, submit: /form, if: { json.größe: groß } }
  - { goal: APP, submit: /form, if: { app.größe: groß } }
  - { goal: ANSWER, submit: /form, success: { response.json.größe: groß } }
  - { goal: NAMED, submit: { path: /form, form: grün } }
  - { goal: LED, submit: /form, success: "redirect to /größe/{größe}", data: { g: $redirect.größe } }
`
	forms := map[string]norm.Form{"NFC": norm.NFC, "NFD": norm.NFD}
	for ruleForm, ofRules := range forms {
		set, err := Parse(ofRules.Bytes([]byte(file)))
		if err != nil {
			t.Fatal(err)
		}
		for visitForm, ofVisits := range forms {
			for line, want := range map[string][]string{
				"GET /münchen host=müller.example":                  {"PAGE", "HOST", "PLACE"},
				"GET /münchen host=xn--mller-kva.example":           {"PAGE", "HOST", "PLACE"},
				"GET /münchen host=MÜLLER.example.":                 {"PAGE", "HOST", "PLACE"},
				"GET /münchen host=muller.example":                  {"PLACE"},
				"POST /form name=Müller größe=1 -> 201":             {"EQUAL", "LIST", "REGEXP", "FIELD"},
				"POST /form name=Muller -> 201":                     {"UNLESS"},
				"POST /form form_id=grün name=z -> 201":             {"UNLESS", "NAMED"},
				"GET /q?größe=groß":                                 {"PLACE", "QUERY"},
				"POST /form json.größe=groß -> 201":                 {"JSON"},
				"POST /form app.größe=groß name=z -> 201":           {"UNLESS", "APP"},
				"POST /form name=z -> 200 response.json.größe=groß": {"ANSWER"},
				"POST /form name=z -> 303 /größe/klein":             {"UNLESS", "LED"},
			} {
				e, err := ParseExample(ofVisits.String(line))
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, v := range set.Explain(e) {
					if v.Fired {
						got = append(got, v.Goal)
						if g, ok := v.Data["g"]; ok && g == "" {
							t.Errorf("%s, rules in %s, visits in %s: %s has no value", line, ruleForm, visitForm, v.Goal)
						}
						if l, ok := v.Data["l"]; ok && l != "Grün" {
							t.Errorf("%s, rules in %s: %q", line, ruleForm, l)
						}
					}
				}
				if len(got) != len(want) {
					t.Errorf("%s, rules in %s, visits in %s: %v, want %v", line, ruleForm, visitForm, got, want)
					continue
				}
				for i := range got {
					if got[i] != want[i] {
						t.Errorf("%s, rules in %s, visits in %s: %v, want %v", line, ruleForm, visitForm, got, want)
					}
				}
			}
		}
	}
}
