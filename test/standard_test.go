package test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// whole is an event of each builder, and the rule by which it is raised.
func whole() map[string]cdp.Event {
	now := time.Now()
	return map[string]cdp.Event{
		"VIEW":           cdp.View("basket"),
		"FORM":           cdp.Form("f-1", cdp.FormSubmitted, "c-1"),
		"SEARCH":         cdp.Search{ProductName: "tea", ProductType: "TEA", Ext: cdp.Ext{{Name: "hits", Value: 3}}}.Event(),
		"ADD":            cdp.Product{Type: "TEA", ItemID: "L-1", ReferenceID: "L-1", ProductID: "s", Name: "Sencha", Price: 5, Currency: "EUR", OrderedAt: now}.Event(),
		"ADD_CONTACTS":   cdp.Contacts(cdp.Identity{Email: "ann@example.com", Identifiers: []cdp.Identifier{{ID: "ann@example.com", Provider: "email"}}}),
		"ADD_CONSUMERS":  cdp.Consumers(cdp.Consumer{Title: "Ms", FirstName: "Ann", LastName: "Lee"}),
		"PAYMENT":        cdp.Payment(cdp.PayCard),
		"CHECKOUT":       cdp.Checkout("A-1", cdp.CheckoutPurchased),
		"CLEAR_CART":     cdp.ClearCart(),
		"IDENTITY":       cdp.Identity{Identifiers: []cdp.Identifier{{ID: "7", Provider: "crm"}}}.Event(),
		"ORDER_CHECKOUT": cdp.Order{ReferenceID: "A-1", OrderedAt: now, Currency: "EUR", Price: 5, PaymentType: "Cash"}.Event(),
	}
}

// TestEventsFromGo: the application raises every event with a builder, by Trigger and by Send.
func TestEventsFromGo(t *testing.T) {
	events := whole()
	var rules strings.Builder
	rules.WriteString("goals:\n")
	for typ := range events {
		fmt.Fprintf(&rules, "  - { goal: GO_%s, code: true, sends: %s }\n", typ, typ)
	}
	var w *world.World
	w = world.New(t, rules.String(), http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		for typ, e := range events {
			if err := w.Tracker.Trigger(r, "GO_"+typ, goaltrack.Data{"event": e, "beside": true}); err != nil {
				t.Errorf("%s: %v", typ, err)
			}
		}
	}), func(c *goaltrack.Config) { c.Views = goaltrack.ViewsRules })
	w.Visitor().Meet().Get("/")
	for typ, e := range events {
		if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "GO_"+typ, goaltrack.Data{"event": e}); err != nil {
			t.Errorf("%s: %v", typ, err)
		}
	}
	w.Done()
	for typ := range events {
		got := sentOf(w, typ)
		if len(got) != 2 || got[0].Ext["beside"] != true && got[1].Ext["beside"] != true {
			t.Errorf("%s: %d events %v", typ, len(got), w.Fates("GO_"+typ))
		}
	}
	if got := sentOf(w, "SEARCH")[0].Ext["hits"]; got != float64(3) {
		t.Errorf("the event's own attribute is %v", got)
	}
	if got := sentOf(w, "VIEW")[0].Page; got != "basket" {
		t.Errorf("the page is %q", got)
	}
}

// TestEventsFromGoAreChecked: what the CDP would not take is an error at once.
func TestEventsFromGoAreChecked(t *testing.T) {
	w := world.New(t, `
goals:
  - { goal: ADDED, code: true, sends: ADD }
  - { goal: RULED, code: true, sends: PAYMENT, fields: { pay_type: $app.how } }
  - { goal: LISTED, code: true, sends: CHECKOUT, fields: { reference_id: $app.id, status: $app.status } }
  - { goal: NAMED, code: true, sends: IDENTITY }
  - { goal: PAID, code: true }
  - { goal: PLAIN, code: true }
`, http.HandlerFunc(world.HTML))
	w.Visitor().Meet()
	send := func(goal string, data goaltrack.Data) error {
		return w.Tracker.Send(context.Background(), goaltrack.Visitor{BrowserID: world.Known}, goal, data)
	}
	for _, test := range []struct {
		goal string
		data goaltrack.Data
		want error
		says string
	}{
		{"ADDED", nil, goaltrack.ErrInvalid, `need the event under the name "event"`},
		{"ADDED", goaltrack.Data{"event": "ADD"}, goaltrack.ErrInvalid, "no cdp.Event"},
		{"ADDED", goaltrack.Data{"event": cdp.ClearCart()}, goaltrack.ErrInvalid, "CLEAR_CART"},
		{"ADDED", goaltrack.Data{"event": cdp.Product{Type: "TEA"}.Event()}, goaltrack.ErrInvalid, "product.item_id is required"},
		{"ADDED", goaltrack.Data{"event": whole()["ADD"], "list": []string{"a"}}, goaltrack.ErrInvalid, "ext.list"},
		{"RULED", goaltrack.Data{"event": cdp.Payment(cdp.PayCard)}, goaltrack.ErrInvalid, "says itself"},
		{"RULED", goaltrack.Data{"how": "card"}, nil, ""},
		{"RULED", goaltrack.Data{"how": "beads"}, goaltrack.ErrRefused, "field_invalid"},
		{"RULED", nil, goaltrack.ErrRefused, "field_missing"},
		{"LISTED", goaltrack.Data{"id": []string{"A-1"}, "status": "PURCHASED"}, goaltrack.ErrRefused, "field_invalid"},
		{"LISTED", goaltrack.Data{"id": 1001, "status": "purchased"}, nil, ""},
		{"NAMED", nil, goaltrack.ErrInvalid, "IDENTITY"},
		{"PAID", goaltrack.Data{"event": cdp.Custom("PAID", cdp.Ext{{Name: "a", Value: 1}})}, nil, ""},
		{"PAID", goaltrack.Data{"event": cdp.Custom("PAID", cdp.Ext{{Name: "eventId", Value: "x"}})}, goaltrack.ErrInvalid, "eventId"},
		{"PLAIN", goaltrack.Data{"event": "opening"}, nil, ""}, // an attribute of that name
	} {
		err := send(test.goal, test.data)
		if !errors.Is(err, test.want) || test.want != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s %v: %v", test.goal, test.data, err)
		}
	}
	w.Done()
	if got := sentOf(w, "PLAIN")[0].Ext["event"]; got != "opening" {
		t.Errorf("the attribute is %v", got)
	}
}

// TestLists: a list is read from what a form or an address repeats, from JSON and from the
// application. What is none, or too long, keeps the goal from counting.
func TestLists(t *testing.T) {
	many := func(n int) (list []any) {
		for i := range n {
			list = append(list, i)
		}
		return list
	}
	asJSON := func(v any) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	nested := strings.Repeat(`{"lines":[`, 500) + strings.Repeat(`]}`, 500)
	for _, test := range []struct {
		name, from, body, kind string
		app                    any
		want                   string // items, or a fate
	}{
		{"a repeated field", "$form.line", "line=a&line=b&line=a", "", nil, "a b"},
		{"one field", "$form.line", "line=a", "", nil, "a"},
		{"a blank among them", "$form.line", "line=a&line=", "", nil, "field_invalid"},
		{"no field", "$form.line", "other=a", "", nil, "field_missing"},
		{"a repeated parameter", "$query.line", "", "", nil, "q1 q2"},
		{"a list of JSON", "$json.lines", `{"lines":["a","b",3]}`, "application/json", nil, "a b 3"},
		{"members of a list", "$json.lines.id", `{"lines":[{"id":"a"},{"id":"b"}]}`, "application/json", nil, "a b"},
		{"deeper members", "$json.cart.lines.item.id", `{"cart":{"lines":[{"item":{"id":"a"}}]}}`, "application/json", nil, "a"},
		{"a member is missing", "$json.lines.id", `{"lines":[{"id":"a"},{}]}`, "application/json", nil, "field_invalid"},
		{"objects", "$json.lines", `{"lines":[{"id":"a"}]}`, "application/json", nil, "field_invalid"},
		{"lists in a list", "$json.lines", `{"lines":[["a"]]}`, "application/json", nil, "field_invalid"},
		{"true", "$json.lines", `{"lines":[true]}`, "application/json", nil, "field_invalid"},
		{"null", "$json.lines", `{"lines":[null]}`, "application/json", nil, "field_invalid"},
		{"an empty list", "$json.lines", `{"lines":[]}`, "application/json", nil, "field_missing"},
		{"an object", "$json.lines", `{"lines":{"a":1}}`, "application/json", nil, "field_invalid"},
		{"one text", "$json.lines", `{"lines":"a"}`, "application/json", nil, "a"},
		{"nested deeply", "$json.lines.id", nested, "application/json", nil, "field_invalid"},
		{"10,000 items", "$json.lines", asJSON(map[string]any{"lines": many(10_000)}), "application/json", nil, "value_too_long"},
		{"101 items", "$json.lines", asJSON(map[string]any{"lines": many(101)}), "application/json", nil, "value_too_long"},
		{"a long one", "$json.lines", asJSON(map[string]any{"lines": []string{strings.Repeat("x", 2000)}}), "application/json", nil, "value_too_long"},
		{"texts of the application", "$app.lines", "", "", []string{"a", " b "}, "a b"},
		{"anything of the application", "$app.lines", "", "", []any{"a", 7}, "a 7"},
		{"objects of the application", "$app.lines.id", "", "", []map[string]any{{"id": "a"}}, "a"},
		{"items of an order", "$app.lines", "", "", []cdp.OrderItem{{ReferenceID: "a"}}, "a"},
		{"10,000 of the application", "$app.lines", "", "", many(10_000), "value_too_long"},
		{"something that Set refuses", "$app.lines", "", "", struct{}{}, "field_missing"},
		{"nothing", "$app.lines", "", "", nil, "field_missing"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var w *world.World
			w = world.New(t, "goals:\n  - { goal: SURE, submit: /review, success: 200, sends: CONFIRM, fields: { item_id: "+test.from+" } }\n  - { goal: GO_PUT, code: true, sends: ADD }\n",
				http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					_ = r.ParseForm()
					_, _ = fmt.Fprint(rw, len(readBody(r)))
					if test.app != nil {
						_ = w.Tracker.Set(r, "lines", test.app)
					}
				}))
			v := w.Visitor().Meet()
			for item := range strings.FieldsSeq(test.want) { // else a CONFIRM of it would not be sent
				e := cdp.Product{Type: "TEA", ItemID: item, ReferenceID: item, ProductID: "x", Name: "x", Price: 5, Currency: "EUR", OrderedAt: time.Now()}.Event()
				if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "GO_PUT", goaltrack.Data{"event": e}); err != nil {
					t.Error(err)
				}
			}
			v.Post("/review?line=q1&line=q2", test.body, "Content-Type", map[bool]string{true: test.kind, false: "application/x-www-form-urlencoded"}[test.kind != ""])
			w.Done()
			got := strings.TrimSuffix(w.Fates("SURE"), " 1")
			if events := sentOf(w, "CONFIRM"); len(events) > 0 {
				var ids []string
				for _, p := range events[0].Body["product"].([]any) {
					ids = append(ids, p.(map[string]any)["item_id"].(string))
				}
				got = strings.Join(ids, " ")
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func readBody(r *http.Request) string {
	var b strings.Builder
	buf := make([]byte, 1<<12)
	for {
		n, err := r.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

// TestWhatATenantTakes: a goal is refused if the tenant or the setting Views cannot have it.
func TestWhatATenantTakes(t *testing.T) {
	const who = "identityProvider: email, identify: { email: $app.email }"
	for _, test := range []struct {
		rule, model string
		views       goaltrack.Views
		says        string // "" is taken
	}{
		{"visit: /a, sends: VIEW", "", goaltrack.ViewsOff, "it sends VIEW, and so does something else"},
		{"visit: /a, sends: VIEW", "", goaltrack.ViewsServer, "it sends VIEW, and so does something else"},
		{"visit: /a, sends: VIEW", "", goaltrack.ViewsRules, ""},
		{"visit: /a", "2.1", "", ""},
		{"visit: /a", "2.0", "", ""},
		{"visit: /a", "3", "", `DataModel: "3" is neither "2.0" nor "2.1"`},
		{"visit: /a, value: 5", "2.0", "", "data model 2.0 has no ext: take out value:"},
		{"visit: /a, data: { a: 1 }", "2.0", "", "data model 2.0 has no ext: take out data:"},
		{"visit: /a, data: { a: 1 }, status: paused", "2.0", "", ""},
		{"visit: /a, sends: SEARCH, fields: { product_name: a, product_type: A }", "2.0", "", ""},
		{"submit: /a, success: 204, sends: FORM, fields: { formId: a }", "2.0", "", "has no ext, which is all that a FORM holds"},
		{"code: true, " + who + ", order: { id: $app.id, total: $app.total }", "2.0", "", "data model 2.0 has no ORDER_CHECKOUT"},
		{"code: true, " + who, "2.0", "", ""},
		{"code: true, identify: { crm: $app.id }", "2.0", "", "no people who are known by identifiers alone"},
		{"code: true, identityProvider: email, sends: ADD_CONTACTS, fields: { email: $app.email, title: $app.title, firstName: $app.first }", "2.0", "", "no ADD_CONTACTS without lastName:"},
		{"visit: /a, sends: ADD, fields: { type: A, item_id: a, name: a, productId: a, referenceId: a, price: 1 }", "", "", "has no currency"},
	} {
		rules, err := goaltrack.ParseRules([]byte("goals:\n  - { goal: A_ONE, " + test.rule + " }\n"))
		if err != nil {
			t.Errorf("%s: %v", test.rule, err)
			continue
		}
		tracker, err := goaltrack.New(goaltrack.Config{
			Rules: rules, Views: test.views, DryRun: true,
			Sites: []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}, DataModel: test.model}},
		})
		if err == nil {
			_, err = tracker.Close(t.Context())
		}
		if err == nil != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s, %s, %s: %v", test.rule, test.model, test.views, err)
		}
	}
}

// TestDataModel20: a tenant without ext gets none, not even what goaltrack adds itself.
func TestDataModel20(t *testing.T) {
	w := world.Setup{
		Rules: "goals:\n  - { goal: SEEN, visit: /seen }\n  - { goal: RAISED, code: true }\n", Site: http.HandlerFunc(world.HTML),
		Config: func(c *goaltrack.Config, _ *cdptest.Server) {
			c.Sites[0].DataModel, c.RulesHash, c.Views = "2.0", true, goaltrack.ViewsServer
		},
	}.Start(t)
	w.Visitor().Meet().Get("/seen?variantid=b")
	if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "RAISED", goaltrack.Data{"beside": 1}); err != nil {
		t.Error(err)
	}
	w.Done()
	if n := len(w.CDP.Events()); n != 3 {
		t.Errorf("%d events", n)
	}
	for _, e := range w.CDP.Events() {
		if _, has := e.Body["ext"]; has {
			t.Errorf("%s: %s", e.Type, e.Raw)
		}
	}
}

// sentOf are the events of a type that have arrived.
func sentOf(w *world.World, typ string) (list []cdptest.Event) {
	for _, e := range w.CDP.Events() {
		if e.Type == typ {
			list = append(list, e)
		}
	}
	return list
}
