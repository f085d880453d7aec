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
