package test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/world"
)

const uploadRules = `
version: 1
goals:
  - { goal: SENT, submit: /form, data: { position: $form.position } }
  - { goal: ASKED, submit: /form, if: { form.position: gardener } }
  - { goal: TRAPPED, submit: /form, unless: { form.website: present } }
  - { goal: ONCE, submit: /form, count: once per $form.position }
`

// TestUploads: a form with a file of any length counts as one without, wherever the
// file stands, whether its length is known or not. The handler gets every byte.
func TestUploads(t *testing.T) {
	part := func(name, value string) string {
		return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
	}
	file := "--x\r\nContent-Disposition: form-data; name=\"cv\"; filename=\"cv.pdf\"\r\nContent-Type: application/pdf\r\n\r\n" +
		strings.Repeat("%PDF\r\n--", 1<<20/8) + "\r\n"
	position, agree, end := part("position", "gardener"), part("agree", "1"), "--x--\r\n"
	const all = "fired 1 fired 1 fired 1 fired 1"
	for name, c := range map[string]struct{ body, want string }{
		"before":                     {file + position + agree + end, all},
		"between":                    {agree + file + position + end, all},
		"behind":                     {position + agree + file + end, all},
		"several":                    {file + position + file + agree + file + end, all},
		"a trap behind it":           {position + file + part("website", "spam") + end, "fired 1 fired 1 condition 1 fired 1"},
		"another position behind it": {part("position", "cook") + file + position + end, all},
		"cut off":                    {position + file, "fired 1 fired 1 form_not_a_form 1 fired 1"},
	} {
		for _, chunked := range []bool{false, true} {
			w := world.New(t, uploadRules, reading(func(r *http.Request) {
				if b, err := io.ReadAll(r.Body); string(b) != c.body || err != nil {
					t.Errorf("%s: the handler got %d bytes of %d, %v", name, len(b), len(c.body), err)
				}
			}))
			sendBody(w.Visitor().Meet(), "multipart/form-data; boundary=x", c.body, chunked)
			w.Done()
			if got := fmt.Sprint(w.Fates("SENT"), " ", w.Fates("ASKED"), " ", w.Fates("TRAPPED"), " ", w.Fates("ONCE")); got != c.want {
				t.Errorf("a file %s, chunked %v: %s, want %s", name, chunked, got, c.want)
			}
			w.CDP.Expect(t, "SENT").With("position", "gardener").Once()
		}
	}
}

// TestRepeatedNames: a hidden field before a checkbox, as Rails, PHP and Symfony
// write it, or behind it, as ASP.NET does. A test holds if it holds for one of the
// values; what is sent is the last.
func TestRepeatedNames(t *testing.T) {
	rules := `
version: 1
goals:
  - { goal: TICKED, submit: /form, if: { form.optin: "1" }, data: { optin: $form.optin } }
  - { goal: UNTICKED, submit: /form, unless: { form.optin: "1" } }
  - { goal: PRESENT, submit: /form, if: { form.optin: present } }
  - { goal: ABSENT, submit: /form, if: { form.optin: absent } }
  - { goal: MANY, submit: /form, if: { form.optin: "> 0" } }
  - { goal: LIKE, submit: /form, if: { form.optin: "~ ^1$" } }
`
	for body, want := range map[string]string{
		"optin=0&optin=1": "TICKED PRESENT MANY LIKE 1",
		"optin=1&optin=0": "TICKED PRESENT MANY LIKE 0",
		"optin=0":         "UNTICKED PRESENT",
		"optin=&optin=1":  "TICKED PRESENT MANY LIKE 1",
		"optin=1&optin=":  "TICKED PRESENT MANY LIKE",
		"optin=&optin=":   "UNTICKED ABSENT",
		"x=1":             "UNTICKED ABSENT",
	} {
		w := world.New(t, rules, reading(func(r *http.Request) { _ = r.ParseForm() }))
		w.Visitor().Meet().Post("/form", body)
		w.Done()
		var live, tried []string
		for _, g := range []string{"TICKED", "UNTICKED", "PRESENT", "ABSENT", "MANY", "LIKE"} {
			if w.Fates(g) == "fired 1" {
				live = append(live, g)
			}
		}
		for _, v := range tryLineOf(t, world.MustParse(t, rules), "POST /form "+strings.ReplaceAll(body, "&", " ")+" -> 303 /thanks") {
			if v.Fired {
				tried = append(tried, v.Goal)
			}
			if v.Goal == "TICKED" && v.Data["optin"] != nil {
				tried = append(tried, fmt.Sprint(v.Data["optin"]))
			}
		}
		if len(live) > 0 && live[0] == "TICKED" {
			if v := w.CDP.Expect(t, "TICKED").Once().Ext["optin"]; v != nil {
				live = append(live, fmt.Sprint(v))
			}
		}
		if got := strings.Join(live, " "); got != want {
			t.Errorf("%s: %s, want %s", body, got, want)
		}
		slices.Sort(tried)
		slices.Sort(live)
		if !slices.Equal(tried, live) {
			t.Errorf("%s: try says %s, the site %s", body, tried, live)
		}
	}
}
