package test

import (
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/world"
)

// TestFormsOfXMAndXP: the forms of Sitecore XM and XP are posted by script and answered 200,
// accepted or not, by the recipe of docs/forms.md; and so are those of a site whose answers
// are JSON.
func TestFormsOfXMAndXP(t *testing.T) {
	_, section, _ := strings.Cut(readText(t, formsPage), "## Forms of Sitecore XM and XP")
	_, recipe, _ := strings.Cut(section, "```yaml\n")
	recipe, _, ok := strings.Cut(recipe, "```")
	if !ok {
		t.Fatal("docs/forms.md has no recipe")
	}
	rules := "version: 1\ngoals:\n" + recipe + `
- goal: CALL_ASKED
  submit: /api/forms
  success: { response.json.success: true }
- goal: OFFER_ASKED
  submit: /offer
  success: redirect to /thanks
`
	const (
		refusedPart = `<form data-ajax="true"><span class="field-validation-error">The e-mail is missing</span></form>`
		thanksPart  = `<div class="fxb">Thank you</div>`
	)
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		how, kind, _ := strings.Cut(r.FormValue("answer"), " ")
		w.Header().Set("Cache-Control", "no-cache, no-store")
		switch kind {
		case "json":
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			fmt.Fprintf(w, `{"success":%t,"errors":[]}`, how == "accepted")
			return
		case "redirect":
			http.Redirect(w, r, "/thanks", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		part := refusedPart
		if how != "refused" {
			part = thanksPart
			w.Header().Set("X-Form-Accepted", map[string]string{"accepted": "quote", "other": "newsletter"}[how])
		}
		if kind == "gzip" {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			fmt.Fprint(z, part)
			return
		}
		fmt.Fprint(w, part)
	})
	ajax := []string{"X-Requested-With", "XMLHttpRequest", "Accept", "*/*", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Sec-Fetch-Site", "same-origin"}
	const form = "fxb.FormItemId=9f2c&fxb.Fields%5B0%5D.Value=ada%40example.com"
	for _, c := range []struct {
		name, path, goal, want string
		header                 []string
	}{
		{"accepted, a part of a page", "/formbuilder?fxb.FormItemId=9f2c&answer=accepted", "QUOTE_ASKED", "fired 1", ajax},
		{"accepted, compressed", "/formbuilder?answer=accepted+gzip", "QUOTE_ASKED", "fired 1", ajax},
		{"accepted, at another spelling", "/FormBuilder/?answer=accepted", "QUOTE_ASKED", "fired 1", ajax},
		{"refused, a part of a page", "/formbuilder?answer=refused", "QUOTE_ASKED", "not_successful 1", ajax},
		{"refused, compressed", "/formbuilder?answer=refused+gzip", "QUOTE_ASKED", "not_successful 1", ajax},
		{"another form", "/formbuilder?answer=other", "QUOTE_ASKED", "not_successful 1", ajax},
		{"accepted, JSON", "/api/forms?answer=accepted+json", "CALL_ASKED", "fired 1", ajax},
		{"refused, JSON", "/api/forms?answer=refused+json", "CALL_ASKED", "not_successful 1", ajax},
		{"a part of a page where JSON should be", "/api/forms?answer=accepted", "CALL_ASKED", "answer_unreadable 1", ajax},
		{"accepted without a script", "/offer?answer=accepted+redirect", "OFFER_ASKED", "fired 1", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := world.New(t, rules, site)
			w.Visitor().Meet().Post(c.path, form, c.header...)
			w.Expect(c.goal, c.want)
		})
	}
}
