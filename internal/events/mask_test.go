package events_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/events"
)

// TestMask: what says who somebody is stands in no event that is shown, in whatever form a
// goal, an application or a script wrote it.
func TestMask(t *testing.T) {
	t.Parallel()
	asScript := func(text string) (fields map[string]any) {
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			t.Fatal(err)
		}
		return fields
	}
	who := cdp.Identity{
		Email: "jo@shop.example", Street: []string{"Elm St", "2"}, Identifiers: []cdp.Identifier{{ID: "jo@shop.example", Provider: "email"}},
		Ext: cdp.Ext{{Name: "member", Value: "J-7"}},
	}
	for name, tt := range map[string]struct {
		e    cdp.Event
		want string
	}{
		"an identity": {who.Event(), `{"email":"***","identifiers":[{"id":"***","provider":"email"}],"street":["***"]} ext member=***`},
		"an identity of a script": {
			cdp.Event{Type: "IDENTITY", Fields: asScript(`{"email":"jo@shop.example","identifiers":[{"id":"7","provider":"crm"}],"street":["Elm St","2"],"n":7,"of":{"age":40}}`)},
			`{"email":"***","identifiers":[{"id":"***","provider":"crm"}],"n":"***","of":{"age":"***"},"street":["***","***"]}`,
		},
		"an identity in other letters": {cdp.Event{Type: " ıdentity", Fields: asScript(`{"email":"jo@shop.example"}`)}, `{"email":"***"}`},
		"contacts":                     {cdp.Contacts(who, cdp.Identity{FirstName: "Al"}), `{"contact":[{"email":"***","identifiers":[{"id":"***","provider":"email"}],"street":["***"]},{"firstname":"***"}]}`},
		"contacts of a script": {
			cdp.Event{Type: "ADD_CONTACTS", Fields: asScript(`{"contact":[{"email":"jo@shop.example"},"jo@shop.example",null]}`)},
			`{"contact":[{"email":"***"},"***","***"]}`,
		},
		"one contact, and no list":       {cdp.Event{Type: "ADD_CONTACTS", Fields: asScript(`{"contact":{"email":"jo@shop.example"}}`)}, `{"contact":{"email":"***"}}`},
		"a contact in a text":            {cdp.Event{Type: "ADD_CONTACTS", Fields: asScript(`{"Contact":"jo@shop.example"}`)}, `{"Contact":"***"}`},
		"contacts in an event of a site": {cdp.Event{Type: "INVITED", Fields: asScript(`{"contact":[{"email":"jo@shop.example"}],"n":2}`)}, `{"contact":[{"email":"***"}],"n":2}`},
		"consumers": {
			cdp.Consumers(cdp.Consumer{Title: "Ms", FirstName: "Jo", LastName: "Doe", DateOfBirth: "1990-01-01"}),
			`{"consumer":[{"dob":"***","firstname":"***","lastname":"***","title":"***"}]}`,
		},
		"what names nobody": {cdp.Event{Type: "SEARCH", Fields: asScript(`{"product_name":"tea"}`), Ext: cdp.Ext{{Name: "n", Value: 1}}}, `{"product_name":"tea"} ext n=1`},
		"nothing":           {cdp.Event{Type: "VIEW"}, `null`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := inWords(t, &tt.e)
			shown := tt.e
			events.Mask(&shown)
			if got := inWords(t, &shown); got != tt.want {
				t.Errorf("\n%s, want\n%s", got, tt.want)
			}
			if after := inWords(t, &tt.e); after != before {
				t.Errorf("what is sent was\n%s and is\n%s", before, after)
			}
		})
	}
}

func inWords(t *testing.T, e *cdp.Event) string {
	t.Helper()
	text, err := json.Marshal(e.Fields)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range e.Ext {
		text = fmt.Appendf(text, " ext %s=%v", a.Name, a.Value)
	}
	return string(text)
}
