package rule

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestViewOf(t *testing.T) {
	x := &Exchange{
		host: "www.shop.example", referer: "https://search.example/?q=x",
		rawQuery: "utm_source=mail&UTM_Medium=e%20mail&utm_source=again&utm_=&utm_x=&utm_bad=%zz&q=1&utm_ü=1&utm_" + strings.Repeat("x", 70) + "=1",
	}
	page := goodSite
	page.Page = "pricing"
	e, _ := View.Event(x, page)
	if e.Page != "pricing" || e.Referrer != x.referer || e.Language != "EN" || e.Channel != "WEB" {
		t.Errorf("%+v", e)
	}
	if got, want := fmt.Sprint(e.UTM), "[{utm_source mail} {utm_medium e mail}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	for _, own := range []string{"", "https://WWW.SHOP.example:8080/a", "/a", "https://search.example/\xff", "https://search.example/" + strings.Repeat("x", maxInput)} {
		x.referer = own
		if e, _ := View.Event(x, page); e.Referrer != "" {
			t.Errorf("the referrer %.40q was sent", own)
		}
	}
	many := strings.Builder{}
	for i := range 100 {
		fmt.Fprintf(&many, "utm_%d=x&", i)
	}
	if utm := utmOf(many.String()); len(utm) != maxUTM {
		t.Errorf("%d utm_ parameters", len(utm))
	}
}

// TestEventData: what the application gives keeps its type, and what the rule
// says wins.
func TestEventData(t *testing.T) {
	rules, err := Parse([]byte("goals:\n  - { goal: CODE, code: true, value: $app.total, data: { id: $app.id, fixed: 1, none: $app.none } }\n"))
	if err != nil {
		t.Fatal(err)
	}
	data := map[string]any{"id": 17, "total": 12.5, "fixed": 2, "extra": true}
	e, r := rules.byID["CODE"].causes[0].Event((&Exchange{}).With(data), goodSite)
	if r != Fires {
		t.Fatal(r)
	}
	if got, want := fmt.Sprintf("%v", e.Ext), "[{fixed 1} {id 17} {extra true} {total 12.5} {goalValue 12.5} {goalCurrency EUR}]"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestDeviceChannel(t *testing.T) {
	for _, test := range []struct{ hint, agent, want string }{
		{"", "", "WEB"}, {"?1", "", "MOBILE_WEB"}, {"?0", "Mobile", "WEB"}, {"", "x Mobile y", "MOBILE_WEB"}, {"", http.MethodGet, "WEB"},
	} {
		x := &Exchange{mobileHint: test.hint, userAgent: test.agent}
		if got := x.deviceChannel(); got != test.want {
			t.Errorf("%q, %q: %s", test.hint, test.agent, got)
		}
	}
}

// TestPoints: "currency: none" says that values are points. No currency goes with them,
// but an order has one.
func TestPoints(t *testing.T) {
	for _, test := range []struct{ file, ext, currency string }{
		{"goals: [{ goal: A, visit: /a, value: { amount: 10, currency: none } }]", "[{goalValue 10}]", "EUR"},
		{"goals: [{ goal: A, visit: /a, value: 10, currency: none }]", "[{goalValue 10}]", ""},
		{"{ defaults: { currency: none }, goals: [{ goal: A, visit: /a, value: 10 }] }", "[{goalValue 10}]", ""},
		{"{ defaults: { currency: none }, goals: [{ goal: A, visit: /a, value: { amount: 10, currency: CHF } }] }", "[{goalValue 10} {goalCurrency CHF}]", ""},
		{"{ defaults: { currency: none }, goals: [{ goal: A, visit: /a, value: 10, currency: CHF }] }", "[{goalValue 10} {goalCurrency CHF}]", "CHF"},
		{"{ defaults: { currency: none }, goals: [{ goal: A, code: true, identify: { crm: $app.c }, order: { id: $app.id, total: $app.total } }] }", "[{c 3} {id 1} {total 2}]", "EUR"},
		// What a visitor says takes nothing away.
		{"goals: [{ goal: A, visit: /a, value: 10, currency: $query.currency }]", "[{goalValue 10} {goalCurrency EUR}]", "EUR"},
	} {
		rules, err := Parse([]byte(test.file))
		if err != nil {
			t.Errorf("%s: %v", test.file, err)
			continue
		}
		x := &Exchange{}
		if strings.Contains(test.file, "$app") {
			x = x.With(map[string]any{"id": "1", "total": "2", "c": "3"})
		}
		x.rawQuery = "currency=none"
		c := &rules.byID["A"].causes[0]
		e, r := c.Event(x, goodSite)
		if got := fmt.Sprint(e.Ext); r != Fires || got != test.ext || e.Currency != test.currency {
			t.Errorf("%s: %v %s in %q, want %s in %q", test.file, r, got, e.Currency, test.ext, test.currency)
		}
		if lacks, _ := c.Fits(Base{}, nil, ""); lacks && strings.Contains(test.file, "none") {
			t.Errorf("%s: a site has to have a currency", test.file)
		}
	}
	g := Goal{Name: "A", Visit: "/a", Value: Value{Amount: 10, Currency: "none"}}
	if got := g.Sentence(); got != "Counts each time the page /a is opened. Each is worth 10 points." {
		t.Error(got)
	}
}

// TestDefinitions: the goals are as they stand in the file, with its defaults.
func TestDefinitions(t *testing.T) {
	rules, err := Parse([]byte("{ defaults: { currency: EUR }, goals: [{ goal: B, visit: /b }, { goal: A, visit: /a, currency: CHF }] }"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range rules.Definitions() {
		got = append(got, g.Name+" "+g.Visit+" "+g.Currency)
	}
	if strings.Join(got, "; ") != "B /b EUR; A /a CHF" {
		t.Error(got)
	}
}
