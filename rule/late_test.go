package rule

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestLateByEvent: what is late is sent or not by the event, unless the rule says so.
func TestLateByEvent(t *testing.T) {
	set, err := Parse([]byte(`
goals:
  - { goal: PLAIN, visit: /a }
  - { goal: STARTS, visit: /b, used by: [journey] }
  - { goal: MEASURED, visit: /c, used by: [experiment, segment] }
  - { goal: ONE, visit: /d, used by: journey }
  - { goal: SENT, visit: /e, used by: [journey], late: send }
  - { goal: DROPPED, visit: /f, late: drop }
  - { goal: FORM_SENT, submit: /g, success: redirect to /h, sends: FORM, data: { formId: x } }
  - { goal: ORDERED, code: true, identityProvider: email, identify: { email: $app.email }, order: { id: $app.id, total: $app.total }, used by: journey }
`))
	if err != nil {
		t.Fatal(err)
	}
	causes := map[string]*Cause{"VIEW": View, "IDENTITY": Identity}
	for _, c := range set.Goals() {
		causes[c.Name()] = c
	}
	for _, tc := range []struct {
		goal, event string
		late, stale bool
	}{
		{"VIEW", "VIEW", false, true},
		{"IDENTITY", "IDENTITY", false, false},
		{"PLAIN", "PLAIN", false, false},
		{"PLAIN", "ADD", false, true}, // as BeforeSend may have made of it
		{"PLAIN", "CLEAR_CART", false, true},
		{"PLAIN", "SEARCH", false, true},
		{"PLAIN", "CONFIRM", false, true},
		{"PLAIN", "CHECKOUT", false, true},
		{"PLAIN", "PAYMENT", false, true},
		{"STARTS", "STARTS", false, true},
		{"STARTS", "IDENTITY", false, false},
		{"MEASURED", "MEASURED", false, false},
		{"ONE", "ONE", false, true},
		{"SENT", "SENT", false, false},
		{"SENT", "ADD", false, false},
		{"DROPPED", "DROPPED", true, false},
		{"DROPPED", "IDENTITY", true, false},
		{"FORM_SENT", "FORM", false, false},
		{"ORDERED", "ORDER_CHECKOUT", false, false},
		{"ORDERED", "IDENTITY", false, false},
	} {
		if late, stale, _ := causes[tc.goal].Marks(tc.event); late != tc.late || stale != tc.stale {
			t.Errorf("%s of %s: dropped if late %v, after its session %v", tc.event, tc.goal, late, stale)
		}
	}
	connected, err := Parse([]byte("defaults: { connector: cdp4s }\ngoals:\n  - { goal: ITEM_ADDED, code: true, sends: ADD }\n  - { goal: PLAIN, visit: / }\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} { // as their own events
		if _, stale, _ := connected.Goals()[i].Marks(ConnectorGoal); stale != want {
			t.Errorf("what a connector counts is dropped after the session: %v, want %v", stale, want)
		}
	}
	if w := set.Warnings(); len(w) != 1 || w[0].Goal != "ORDERED" || !strings.Contains(w[0].Message, "an order is sent however late") {
		t.Errorf("warnings %v", w)
	}
	for goal, want := range map[string]string{"STARTS": "not sent once the session is over", "DROPPED": "", "MEASURED": ""} {
		e, err := ParseExample("GET /" + map[string]string{"STARTS": "b", "DROPPED": "f", "MEASURED": "c"}[goal])
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range set.Explain(e) {
			if v.Goal == goal && (!v.Fired || v.Note != want) {
				t.Errorf("%s: %+v, want the note %q", goal, v, want)
			}
		}
	}
}

// TestUsedBySpelling: the key and its words are found when they are mistyped.
func TestUsedBySpelling(t *testing.T) {
	for line, want := range map[string]string{
		"usedBy: journey":               "3:37: goal A: unknown key usedBy: (did you mean used by:?)",
		"used_by: [journey]":            "3:37: goal A: unknown key used_by: (did you mean used by:?)",
		"used by: [jorney]":             `3:47: goal A: used by: "jorney" is not understood (did you mean journey?)`,
		"used by: mail":                 `3:46: goal A: used by: "mail" is not understood (experiment, journey, segment)`,
		"used by: [segment, segment]":   "3:56: goal A: used by: names segment twice",
		"used by: { journey: true }":    "3:46: goal A: a text is expected here",
		"used by: [Journey]":            "did you mean journey?",
		"used by: [journey, journeys ]": "did you mean journey?",
	} {
		_, err := Parse([]byte("version: 1\ngoals:\n  - { goal: A, visit: /a,           " + line + " }\n"))
		faults, ok := errors.AsType[*Error](err)
		if !ok || !strings.Contains(faults.Error(), want) {
			t.Errorf("%s: %v, want %s", line, err, want)
		}
	}
}

// TestApart: goals with another pos: or channel: than the site are known.
func TestApart(t *testing.T) {
	site := Base{PointOfSale: "shop", Channel: "WEB", Currency: "EUR"}
	for _, tc := range []struct {
		goal   string
		hosts  []string
		prefix string
		want   string
	}{
		{goal: "visit: /a"},
		{goal: "visit: /a, pos: shop, channel: WEB"},
		{goal: "visit: /a, pos: shop-de", want: "pos: shop-de"},
		{goal: "visit: /a, pos: Shop", want: "pos: Shop"},
		{goal: "visit: /a, channel: auto", want: "channel: auto"},
		{goal: "visit: /a, pos: x, channel: MOBILE_WEB", want: "pos: x, channel: MOBILE_WEB"},
		{goal: "visit: /a, pos: $query.pos"}, // only a request tells
		{goal: "visit: /a, pos: x, status: paused"},
		{goal: "visit: /a, pos: x, hosts: [shop.de]", hosts: []string{"shop.example"}},
		{goal: "visit: /a, pos: x, hosts: [shop.de]", hosts: []string{"shop.example", "*.de"}, want: "pos: x"},
		{goal: "visit: /a, pos: x, hosts: ['*.shop.de']", hosts: []string{"www.SHOP.de"}, want: "pos: x"},
		{goal: "visit: /a, pos: x, hosts: ['*.shop.de']", hosts: []string{"*.de"}, want: "pos: x"},
		{goal: "visit: /a, pos: x, hosts: ['*.shop.de']", hosts: []string{"*.example"}},
		{goal: "visit: /de/a, pos: x", prefix: "/fr"},
		{goal: "visit: /de/a, pos: x", prefix: "/de", want: "pos: x"},
		{goal: "visit: /design, pos: x", prefix: "/de"},
		{goal: "visit: '/{lang}/a', pos: x", prefix: "/de", want: "pos: x"},
		{goal: "visit: '/fr/{p}', pos: x", prefix: "/de"},
		{goal: "visit: /**, if: { query.q: present }, pos: x", prefix: "/de", want: "pos: x"},
		{goal: "code: true, pos: x", prefix: "/de", want: "pos: x"},
		{goal: "any: [{ visit: /fr }, { visit: /de }], pos: x", prefix: "/de", want: "pos: x"},
	} {
		set, err := Parse([]byte("version: 1\ngoals:\n  - { goal: A, " + tc.goal + " }\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, apart := set.Goals()[0].Fits(site, tc.hosts, tc.prefix); strings.Join(apart, ", ") != tc.want {
			t.Errorf("%s below %q on %v: %q, want %q", tc.goal, tc.prefix, tc.hosts, apart, tc.want)
		}
	}
	set, err := Parse([]byte("version: 1\ndefaults: { channel: KIOSK }\ngoals:\n  - { goal: A, visit: /a }\n  - { goal: B, visit: /b, value: 5 }\n"))
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range set.Goals() {
		lacks, apart := c.Fits(Base{Channel: "WEB"}, nil, "")
		if !slices.Equal(apart, []string{"channel: KIOSK"}) || lacks != (i == 1) {
			t.Errorf("%s: %q, %v", c.Name(), apart, lacks)
		}
	}
	if _, apart := View.Fits(Base{}, nil, ""); apart != nil {
		t.Errorf("a view: %q", apart)
	}
}
