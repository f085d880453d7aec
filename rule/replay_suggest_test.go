package rule

import (
	"fmt"
	"strings"
	"testing"
)

// TestSuggestionsLead: a form without a goal says where it led, as a goal's does.
func TestSuggestionsLead(t *testing.T) {
	rules, err := New()
	if err != nil {
		t.Fatal(err)
	}
	replay := rules.NewReplay()
	for _, to := range []string{"/thanks", "/orders/A-12", "/thanks", "/orders/A-17", "/thanks", "/contact?error=1", "/login", ""} {
		replay.Add(LogEntry{Method: "POST", Host: "shop.example", Target: "/contact", Status: 303, Location: to})
	}
	replay.Add(LogEntry{Method: "GET", Target: "/files/tea.pdf", Status: 200})
	got := fmt.Sprintf("%+v", replay.Suggestions(5))
	want := `[{What:POST /contact was accepted 6 times Times:6 YAML:  - goal: CONTACT_SENT
    submit: "/contact"
 Goal:CONTACT_SENT Path:/contact Download:false LedTo:[{To:/thanks Times:3} {To:/orders/* Times:2}]} ` +
		`{What:GET /files/tea.pdf was downloaded once Times:1 YAML:  - goal: TEA_DOWNLOADED
    download: "/files/tea.pdf"
 Goal:TEA_DOWNLOADED Path:/files/tea.pdf Download:true LedTo:[]}]`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestSuggestionsOfIDs: addresses that differ in what looks like an ID are one form, and one
// file in many folders. A single address stays as it is.
func TestSuggestionsOfIDs(t *testing.T) {
	for _, test := range []struct {
		name, paths, want string
	}{
		{"numbers", "/account/1/settings /account/2/settings /account/2/settings", "/account/*/settings 3"},
		{"a number at the end", "/orders/17 /orders/18", "/orders/* 2"},
		{"one number", "/account/1/settings", "/account/1/settings 1"},
		{"UUIDs", "/a/6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90/b /a/b2f0a9d4-71c3-4c0f-8d7e-5e9c4a6b3f21/b", "/a/*/b 2"},
		{"hex", "/t/5f1c2e0a9b /t/deadbeef01", "/t/* 2"},
		{"ULIDs", "/u/01ARZ3NDEKTSV4RRFFQ69G5FAV/x /u/01BX5ZZKBKACTAV9WEVGEMMVRZ/x", "/u/*/x 2"},
		{"slugs", "/p/blue-chair-42/review /p/red-table-117/review", "/p/*/review 2"},
		{"two IDs", "/a/1/b/2/c /a/3/b/4/c", "/a/*/b/*/c 2"},
		{"addresses of people", "/u/a@example.com/x /u/b@example.com/x", "/u/*/x 2"},
		{"steps", "/checkout/step-1 /checkout/step-2", "/checkout/step-1 1,/checkout/step-2 1"},
		{"names", "/contact/sales /contact/press", "/contact/press 1,/contact/sales 1"},
		{"files", "/i/11/bill.pdf /i/12/bill.pdf", "/i/*/bill.pdf 2"},
		{"files of years", "/f/list-2025.pdf /f/list-2026.pdf", "/f/list-2025.pdf 1,/f/list-2026.pdf 1"},
		{"only IDs", "/1/2 /3/4", "/*/* 2"},
	} {
		rules, err := New()
		if err != nil {
			t.Fatal(err)
		}
		replay := rules.NewReplay()
		for target := range strings.FieldsSeq(test.paths) {
			e := LogEntry{Method: "POST", Target: target, Status: 303, Location: "/thanks"}
			if strings.HasSuffix(target, ".pdf") {
				e = LogEntry{Method: "GET", Target: target, Status: 200}
			}
			replay.Add(e)
		}
		var got []string
		for _, s := range replay.Suggestions(9) {
			got = append(got, fmt.Sprint(s.Path, " ", s.Times))
		}
		if strings.Join(got, ",") != test.want {
			t.Errorf("%s: %s, want %s", test.name, strings.Join(got, ","), test.want)
		}
	}
}
