package rule_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/rule"
)

// A page for people can say what a rule means.
func ExampleGoal_Sentence() {
	g := rule.Goal{
		Name:    "CONTACT_SENT",
		Submit:  rule.Submit{Path: "/contact"},
		Success: "redirect to /thanks",
		Count:   "once per session",
		If:      rule.Conditions{"form.email": "present"},
	}
	fmt.Println(g.Sentence())
	// Output: Counts when a form is sent to /contact and the site answers with a redirect to /thanks, once per session, if the field email is filled in.
}

// TestSentenceOfTheExample: the shop's rule file as its marketer reads it.
func TestSentenceOfTheExample(t *testing.T) {
	rules, err := rule.Load("../example/goals.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"PRICING_VIEWED":      `Counts when the page /pricing is opened, once per session. Each is worth 5 EUR.`,
		"PRODUCT_VIEWED":      `Counts each time a page like /products/{id} is opened.`,
		"SITE_SEARCHED":       `Counts each time the page /search is opened, if the parameter q of the address is there, unless the parameter page of the address is there.`,
		"NEWSLETTER_SIGNUP":   `Counts each time a form is sent to /newsletter and the site answers with a redirect to /welcome, if the field email is filled in. Each is worth 10 EUR.`,
		"CONTACT_SENT":        `Counts each time a form is sent to /contact and the site answers with a redirect to /thanks.`,
		"CHECKOUT_STARTED":    `Counts when the page /checkout is opened, once per session, only after PRODUCT_VIEWED in the same session.`,
		"LOGGED_IN":           `Counts each time a form is sent to /login and the site answers with a redirect to /account.`,
		"BROCHURE_DOWNLOADED": `Counts each time a file like /files/**/{file}.pdf is downloaded.`,
		"ORDER_PLACED":        `Counts each time a form is sent to /checkout and the site answers with a redirect (303) to a page like /orders/{orderId}. Its value is what the site's code says as total, at most 20000 EUR.`,
		"ORDER_PAID":          `Counts each time the site's own code says so. Its value is what the site's code says as total, at most 20000 EUR.`,
	}
	for _, g := range rules.Facts("").Goals {
		if g.Sentence != want[g.Name] {
			t.Errorf("%s\n got %s\nwant %s", g.Name, g.Sentence, want[g.Name])
		}
		delete(want, g.Name)
	}
	if len(want) > 0 {
		t.Errorf("not in the file: %v", want)
	}
}

func TestSentence(t *testing.T) {
	for _, test := range []struct{ rule, want string }{
		{`visit: /**`, `Counts each time any page is opened.`},
		{`visit: /blog/**`, `Counts each time a page like /blog/** is opened.`},
		{`submit: /a`, `Counts each time a form is sent to /a and the site accepts it.`},
		{`submit: { path: "/a/{id}", method: put, form: sign up }`, `Counts each time the form "sign up" is sent to a page like /a/{id} by PUT and the site accepts it.`},
		{`submit: /a, success: redirect`, `Counts each time a form is sent to /a and the site answers with a redirect to another page.`},
		{`submit: /a, success: 200`, `Counts each time a form is sent to /a and the site answers with the status 200.`},
		{`submit: /a, success: 2xx`, `Counts each time a form is sent to /a and the site answers with a status from 200 to 299.`},
		{`submit: /a, success: confirmed`, `Counts each time a form is sent to /a and the site's own code confirms it.`},
		{`submit: /a, success: { response.json.ok: true }`, `Counts each time a form is sent to /a and in the answer the value ok of the answer is true.`},
		{`download: /price.pdf`, `Counts each time the file /price.pdf is downloaded.`},
		{`click: "#buy"`, `Counts each time somebody clicks on #buy.`},
		{`click: book-demo`, `Counts each time somebody clicks on the element named book-demo.`},
		{`click: { to: tel }`, `Counts each time somebody clicks on a link to a telephone number.`},
		{`click: { element: footer a, to: other-site }, on: "/products/{id}"`, `Counts each time somebody clicks on "footer a" that leads to another site, on a page like /products/{id}.`},
		{`seen: .prices, on: /pricing, count: once per session`, `Counts when somebody sees .prices, on the page /pricing, once per session.`},
		{"played: video", `Counts each time somebody starts a film.`},
		{"played: { element: intro, part: end }", `Counts each time somebody plays the element named intro to its end.`},
		{"played: { element: audio, part: 50% }", `Counts each time somebody plays 50% of a sound.`},
		{"started: form", `Counts each time somebody begins to fill in a form.`},
		{`read: 75%, on: /blog/**`, `Counts each time somebody reads 75% of a page like /blog/**.`},
		{`stay: 90s, on: /blog/a`, `Counts each time somebody looks at the page /blog/a for 1 minute 30 seconds.`},
		{"visit: /search, sends: SEARCH, fields: { product_name: $query.q, product_type: TEA }", `Counts each time the page /search is opened. Sends Sitecore's event SEARCH.`},
		{"event: CLICKED", `Counts each time Sitecore's script in the page sends CLICKED.`},
		{`visit: /a, after: X, not after: Y`, `Counts each time the page /a is opened, only after X in the same session, unless Y happened before in the session.`},
		{`visit: /a, not after: [ X, Y ]`, `Counts each time the page /a is opened, unless X or Y happened before in the session.`},
		{`click: a, if: { element.plan: pro }, value: { from: $element.price, max: 10 }`, `Counts each time somebody clicks on the element named a, if data-goal-plan of the element is pro. Its value is data-goal-price of the element, at most 10.`},
		{`event: CLICKED, unless: { event.label: x }`, `Counts each time Sitecore's script in the page sends CLICKED, unless the attribute label of the event is x.`},
		{`any: [ { visit: /a }, { submit: /b }, { download: /c.pdf } ]`, `Counts each time the page /a is opened, a form is sent to /b and the site accepts it, or the file /c.pdf is downloaded.`},
		{`visit: /a, status: draft`, `Draft, which is never sent: counts each time the page /a is opened.`},
		{`visit: /a, status: paused`, `Paused: would count each time the page /a is opened.`},
		{`visit: /a, count: once per day`, `Counts when the page /a is opened, once per day.`},
		{`submit: /a, count: once per session for $form.topic`, `Counts when a form is sent to /a and the site accepts it, once per session for each value of the field topic.`},
		{`submit: /a, success: "303 to /o/{id}", count: once per $redirect.id`, `Counts when a form is sent to /a and the site answers with a redirect (303) to a page like /o/{id}, once per visitor for each value of the part {id} of the address that follows.`},
		{`visit: "/p/{id}", count: once per visitor for $path.id`, `Counts when a page like /p/{id} is opened, once per visitor for each value of the part {id} of the address.`},
		{`visit: /a, after: X, within: 1h30m`, `Counts each time the page /a is opened, only after X in the same session and within 1 hour 30 minutes.`},
		{`visit: /a, after: [ X, Y ], within: 45s`, `Counts each time the page /a is opened, only after X, then Y in the same session and within 45 seconds of the first.`},
		{`visit: /a, from: 2026-12-01, until: 2026-12-24, timezone: Europe/Berlin`, `Counts each time the page /a is opened, from 2026-12-01 to the end of 2026-12-24 (Europe/Berlin).`},
		{`visit: /a, until: "2026-12-24 18:00"`, `Counts each time the page /a is opened, until 2026-12-24 18:00 (UTC).`},
		{`visit: /a, hosts: shop.example, env: prod`, `Counts each time the page /a is opened, on the host shop.example, in the environment prod.`},
		{`visit: /a, hosts: [ shop.example, "*.shop.example" ], env: [ prod, stage ]`, `Counts each time the page /a is opened, on hosts shop.example or *.shop.example, in the environments prod or stage.`},
		{`visit: /a, consent: not-needed`, `Counts each time the page /a is opened, even without consent.`},
		{`visit: /a, consent: marketing`, `Counts each time the page /a is opened, with consent to marketing.`},
		{`submit: /a, bots: count`, `Counts each time a form is sent to /a and the site accepts it, even if it may be a bot.`},
		{`visit: /a, value: 2.5`, `Counts each time the page /a is opened. Each is worth 2.5.`},
		{`visit: /a, value: 1000, currency: JPY`, `Counts each time the page /a is opened. Each is worth 1000 JPY.`},
		{`submit: /a, value: { from: $app.total }`, `Counts each time a form is sent to /a and the site accepts it. Its value is what the site's code says as total.`},
		{`submit: /a, value: { from: $app.total, currency: EUR }`, `Counts each time a form is sent to /a and the site accepts it. Its value is what the site's code says as total, in EUR.`},
		{`visit: /**, if: { path: [ /a, "/b/*" ], host: a.example }`, `Counts each time any page is opened, if the host is a.example and the path is /a or like /b/*.`},
		{`submit: /a, unless: { form.staff: "yes", query.test: "~ ^1$" }`, `Counts each time a form is sent to /a and the site accepts it, unless the field staff is yes or the parameter test of the address matches the pattern ^1$.`},
		{`submit: /a, if: { form.n: "> 10", form.m: "<= 2.5", form.empty: absent, utm.source: [ a, b, "c d" ] }`, `Counts each time a form is sent to /a and the site accepts it, if the field empty is left empty and the field m is at most 2.5 and the field n is more than 10 and utm_source is a, b or "c d".`},
		{`visit: /a, if: { header.x-app: absent, referrer: present, response.type: text/html }`, `Counts each time the page /a is opened, if the header x-app is not there and the site that they came from is there and the type of the answer is text/html.`},
		{`visit: /a, if: { utm.source: [ a, b, c, d, e, f, g, h ] }`, `Counts each time the page /a is opened, if utm_source is a, b, c, d, e, f or one of 2 more.`},
	} {
		rules, err := rule.Parse([]byte("goals:\n  - { goal: X, visit: /x }\n  - { goal: Y, visit: /y }\n  - { goal: A, " + test.rule + " }\n"))
		if err != nil {
			t.Errorf("%s: %v", test.rule, err)
			continue
		}
		if got := rules.Facts("").Goals[2].Sentence; got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.rule, got, test.want)
		}
	}
}

// TestSentenceOfAnything: what no file may hold gets a sentence, too, and what is long or
// cannot be seen does not spoil it.
func TestSentenceOfAnything(t *testing.T) {
	long := strings.Repeat("ü", 1000)
	for want, g := range map[string]rule.Goal{
		`Never counts: nothing says when.`: {},
		`Counts when a form is sent to  and the answer is "3 times", count: "now and then".`: {
			Submit: rule.Submit{Method: "POST"}, Success: "3 times", Count: "now and then",
		},
		`Counts each time the page /` + long[:98]:                     {Visit: "/" + long},
		`Counts each time the page /ab is opened, if "" is "x y".`:    {Visit: "/a\x00\u202e\nb", If: rule.Conditions{"": "x y"}},
		`Counts each time the page /a is opened, if wheel is [].`:     {Visit: "/a", If: rule.Conditions{"wheel": []any{}}},
		`Counts each time the page /a is opened, only after B in the`: {Visit: "/a", After: []string{"B"}, Within: "soon"},
	} {
		got := g.Sentence()
		if !strings.HasPrefix(got, want) || len(got) > 400 {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}
