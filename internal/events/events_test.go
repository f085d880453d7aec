package events_test

import (
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/rule"
)

// TestPeople: what the CDP would not take of a person is left out by name, and an event that
// would name nobody is not sent.
func TestPeople(t *testing.T) {
	t.Parallel()
	const contacts = "sends: ADD_CONTACTS, identityProvider: email, fields: { email: $app.email, firstName: $app.name, country: $app.country }"
	for name, tt := range map[string]struct {
		rule  string
		app   map[string]any
		want  string // the event
		who   string // the IDENTITY before it, "" for none
		notes []string
		not   string // why nothing is sent
	}{
		"a contact": {
			contacts,
			map[string]any{"email": "Jo@Shop.example", "name": "Jo", "country": "de"},
			`{"contact":[{"country":"DE","email":"jo@shop.example","firstname":"Jo","identifiers":[{"id":"jo@shop.example","provider":"email"}]}]}`, "", nil, "",
		},
		"a contact by name alone": {contacts, map[string]any{"name": "Jo"}, `{"contact":[{"firstname":"Jo"}]}`, "", nil, ""},
		"a contact of whom part is no good": {
			contacts,
			map[string]any{"email": "jo", "name": "Jo", "country": "Elbonia"},
			`{"contact":[{"firstname":"Jo"}]}`, "",
			[]string{"identity_field_invalid"},
			"",
		},
		"nobody":            {contacts, nil, "", "", nil, "field_missing"},
		"nobody of no good": {contacts, map[string]any{"email": "jo", "country": "Elbonia"}, "", "", []string{"identity_field_invalid"}, "field_missing"},
		"an identity": {
			"identify: { crm: $app.id }, sends: IDENTITY",
			map[string]any{"id": "7"},
			`{"identifiers":[{"id":"7","provider":"crm"}]}`, "", nil, "",
		},
		"an identity of nobody": {"identify: { crm: $app.id }, sends: IDENTITY", nil, "", "", nil, "no identity"},
		"an identity before a goal": {
			"identityProvider: email, identify: { email: $app.email, country: $app.country }",
			map[string]any{"email": "jo@shop.example", "country": "Elbonia"},
			"null", `{"email":"jo@shop.example","identifiers":[{"id":"jo@shop.example","provider":"email"}]}`,
			[]string{"identity_field_invalid"},
			"",
		},
		"a goal without one": {"identityProvider: email, identify: { email: $app.email }", nil, "null", "", []string{"identity_missing"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set, err := rule.Parse([]byte("goals:\n  - { goal: DONE, visit: /done, " + tt.rule + " }\n"))
			if err != nil {
				t.Fatal(err)
			}
			v := set.Explain(rule.Example{Path: "/done", App: tt.app})[0]
			g, x := v.Counted()
			var e cdp.Event
			var notes []string
			note := func(why string) { notes = append(notes, why) }
			r, valid := events.Of(&e, g, x, "done", rule.Base{}, note)
			var who *cdp.Event
			named := true
			if valid {
				who, named = events.IdentityOf(g, x, &e, nil, note)
			}
			not := ""
			switch {
			case r != rule.Fires:
				not = r.String()
			case !valid:
				not = "invalid"
			case !named:
				not = "no identity"
			}
			if not != tt.not || !slices.Equal(notes, tt.notes) {
				t.Errorf("%q %v, want %q %v", not, notes, tt.not, tt.notes)
			}
			if got := inWords(t, &e); not == "" && got != tt.want {
				t.Errorf("\n%s, want\n%s", got, tt.want)
			}
			before := ""
			if who != nil {
				before = inWords(t, who)
			}
			if before != tt.who {
				t.Errorf("before it\n%s, want\n%s", before, tt.who)
			}
		})
	}
}

// TestDetach: no text of an event that waits is a piece of the request, and what others have
// of the event stays as it was.
func TestDetach(t *testing.T) {
	t.Parallel()
	request := "/page?q=piece of a request"
	piece := request[8:13]
	var fields map[string]any
	made := func() *cdp.Event {
		fields = map[string]any{
			"text": piece, "list": []string{piece}, "any": []any{piece, 7}, "people": []map[string]any{{"name": piece}}, "order": map[string]any{"id": piece}, "n": 5.5, "none": nil,
			"identifiers": []cdp.Identifier{{ID: piece, Provider: piece, ExpiryDate: piece}},
		}
		return &cdp.Event{
			Type: "SENT", Page: piece, Referrer: piece, Language: piece, Currency: piece, Channel: piece, PointOfSale: piece,
			UTM: []cdp.Attr{{Name: piece, Value: piece}}, Ext: cdp.Ext{{Name: piece, Value: piece}, {Name: "n", Value: 7}}, Fields: fields,
		}
	}
	e := made()
	events.Detach(e)
	if got, want := e.AppendJSON(nil, nil), made().AppendJSON(nil, nil); string(got) != string(want) {
		t.Errorf("\n%s, want\n%s", got, want)
	}
	texts := []string{
		e.Page, e.Referrer, e.Language, e.Currency, e.Channel, e.PointOfSale, e.UTM[0].Name, e.UTM[0].Value.(string), e.Ext[0].Name, e.Ext[0].Value.(string),
		e.Fields["text"].(string), e.Fields["list"].([]string)[0], e.Fields["any"].([]any)[0].(string),
		e.Fields["people"].([]map[string]any)[0]["name"].(string), e.Fields["order"].(map[string]any)["id"].(string),
	}
	for _, i := range e.Fields["identifiers"].([]cdp.Identifier) {
		texts = append(texts, i.ID, i.Provider, i.ExpiryDate)
	}
	for i, text := range texts {
		if text != piece || unsafe.StringData(text) == unsafe.StringData(piece) {
			t.Errorf("text %d is %q, and a piece of the request: %t", i, text, text == piece)
		}
	}
	if text := fields["text"].(string); unsafe.StringData(text) != unsafe.StringData(piece) || !strings.HasSuffix(request, " a request") {
		t.Error("what the application has of the event was changed")
	}
}
