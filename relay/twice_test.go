package relay_test

import (
	"fmt"
	"testing"

	"github.com/goaltrack/goaltrack"
)

// TestViewTwice: with the server's own page views, the script's for the same page is dropped.
func TestViewTwice(t *testing.T) {
	rd := open(t, setup{config: func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer }})
	view := func(page string, n int) {
		v := rd.known()
		v.Header.Set("Referer", rd.Site.URL+page)
		post(v, rd.url("events"), rd.say("VIEW", ours, fmt.Sprintf(`"n":%d`, n)))
	}
	rd.Visitor().Meet().Get("/products/42?a=1")
	view("/products/42?a=1", 1) // it was told
	view("/products/42", 2)     // and this one was not: the visitor came back without the server
	view("/pricing", 3)         // a page that only the script knows
	rd.Flush()
	if got := rd.Fates("relayed"); got != "fired 2, view_twice 1" {
		t.Errorf("the ledger says %s", got)
	}
	if n := len(rd.CDP.Events()); n != 3 {
		t.Errorf("%d page views arrived", n)
	}
}

// TestViewOfRuleTwice: of a page view that a goal sends and one of a script, one is dropped,
// whoever comes first. Without page views of the server, all of the script's count.
func TestViewOfRuleTwice(t *testing.T) {
	const rules = "{version: 1, goals: [{goal: PRODUCT_VIEWED, visit: '/products/{id}', sends: VIEW}]}"
	script := func(rd *road, page string) {
		v := rd.known()
		v.Header.Set("Referer", rd.Site.URL+page)
		post(v, rd.url("events"), rd.say("VIEW", ours, fmt.Sprintf(`"at":%q`, page)))
	}
	server := func(rd *road, page string) { rd.Visitor().Meet().Get(page) }
	for name, c := range map[string]struct {
		views         goaltrack.Views
		do            func(*road)
		goal, relayed string
		arrive        int
	}{
		"the server first":      {goaltrack.ViewsRules, func(rd *road) { server(rd, "/products/42"); script(rd, "/products/42") }, "fired 1", "view_twice 1", 1},
		"the script first":      {goaltrack.ViewsRules, func(rd *road) { script(rd, "/products/42"); server(rd, "/products/42") }, "view_twice 1", "fired 1", 1},
		"another page":          {goaltrack.ViewsRules, func(rd *road) { server(rd, "/products/42"); script(rd, "/products/7") }, "fired 1", "fired 1", 2},
		"a page without a goal": {goaltrack.ViewsRules, func(rd *road) { server(rd, "/pricing"); script(rd, "/pricing") }, "none", "fired 1", 1},
		"the script alone":      {goaltrack.ViewsOff, func(rd *road) { server(rd, "/pricing"); script(rd, "/pricing") }, "none", "fired 1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := setup{config: func(cf *goaltrack.Config) { cf.Views = c.views }}
			if c.views == goaltrack.ViewsRules {
				s.rules = rules
			}
			rd := open(t, s)
			c.do(rd)
			rd.Flush()
			if goal, relayed := rd.Fates("PRODUCT_VIEWED"), rd.Fates("relayed"); goal != c.goal || relayed != c.relayed {
				t.Errorf("the goal: %s, want %s; relayed: %s, want %s", goal, c.goal, relayed, c.relayed)
			}
			if n := len(rd.CDP.Events()); n != c.arrive {
				t.Errorf("%d page views arrived, want %d", n, c.arrive)
			}
		})
	}
}

// TestFormTwice: of a form that a goal and a script tell, one is dropped, whoever comes first.
func TestFormTwice(t *testing.T) {
	rules := "{version: 1, goals: [{goal: CONTACT_SENT, submit: /contact, sends: FORM, data: {formId: contact, interactionType: SUBMITTED}}]}"
	tell := func(rd *road, form string) {
		post(rd.known(), rd.url("events"), rd.say("FORM", ours, `"ext":{"formId":"`+form+`","interactionType":"SUBMITTED"}`))
	}
	send := func(rd *road) { rd.Visitor().Meet().Post("/contact", "topic=a") }
	for _, tc := range []struct {
		name            string
		do              func(*road)
		goal, relayed   string
		forms, accepted int
	}{
		{"the script first", func(rd *road) { tell(rd, "contact"); send(rd) }, "form_twice 1", "fired 1", 1, 1},
		{"the server first", func(rd *road) { send(rd); tell(rd, "contact") }, "fired 1", "form_twice 1", 1, 1},
		{"another form", func(rd *road) { tell(rd, "club"); send(rd) }, "fired 1", "fired 1", 2, 2},
		{"the server alone", func(rd *road) { send(rd); send(rd) }, "fired 2", "none", 2, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rd := open(t, setup{rules: rules})
			tc.do(rd)
			rd.Done()
			if got := rd.Fates("CONTACT_SENT"); got != tc.goal {
				t.Errorf("the goal: %s, want %s", got, tc.goal)
			}
			if got := rd.Fates("relayed"); got != tc.relayed {
				t.Errorf("relayed: %s, want %s", got, tc.relayed)
			}
			if n := len(rd.CDP.Events()); n != tc.forms {
				t.Errorf("%d forms arrived, want %d", n, tc.forms)
			}
		})
	}
}

// TestViewTwiceOfCopy: of a page view that counts when a page is shown that was fetched ahead,
// and the one of its script, one is dropped, whoever comes first.
func TestViewTwiceOfCopy(t *testing.T) {
	for name, c := range map[string]struct {
		scriptFirst bool
		want        string
	}{
		"the server first": {false, "view_twice 1"},
		"the script first": {true, "fired 1"},
	} {
		t.Run(name, func(t *testing.T) {
			rd := open(t, setup{config: func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer }})
			rd.Visitor().Meet().Get("/products/42", "Sec-Purpose", "prefetch", "Referer", rd.Site.URL+"/pricing")
			script := func() { post(rd.known(), rd.url("events"), rd.say("VIEW", ours)) }
			if c.scriptFirst {
				script()
			}
			rd.Visitor().Meet().Get("/a.css", "Referer", rd.Site.URL+"/products/42", "Sec-Fetch-Dest", "style", "Sec-Fetch-Mode", "no-cors")
			if !c.scriptFirst {
				script()
			}
			rd.Flush()
			if got := rd.Fates("relayed"); got != c.want {
				t.Errorf("the ledger says %s, want %s", got, c.want)
			}
			if n := len(rd.CDP.Events()); n != 1 {
				t.Errorf("%d page views arrived", n)
			}
		})
	}
}
