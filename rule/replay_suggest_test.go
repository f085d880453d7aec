package rule

import (
	"fmt"
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
