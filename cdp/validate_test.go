package cdp

import (
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// problems returns the fields an event is faulted for, in order.
func problems(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		t.Fatalf("not a joined error: %v", err)
	}
	var fields []string
	for _, err := range joined.Unwrap() {
		f, ok := errors.AsType[*FieldError](err)
		if !ok {
			t.Fatalf("not a FieldError: %v", err)
		}
		if f.Problem == "" || !strings.HasPrefix(f.Error(), "cdp: event: "+f.Field) {
			t.Errorf("poor message: %v", f)
		}
		fields = append(fields, f.Field)
	}
	return fields
}

type level int

type word string

func TestValidate(t *testing.T) {
	custom := func(change func(*Event)) Event {
		e := *goal()
		change(&e)
		return e
	}
	ext := func(v any) Event { return Custom("E", Ext{{"a", v}}) }
	typ := func(typ string) Event { return Event{Type: typ} }
	field := func(name string, v any) Event { return Event{Type: "E", Fields: map[string]any{name: v}} }
	loop := map[string]any{}
	loop["loop"], loop["again"] = loop, loop
	for _, tc := range []struct {
		name string
		e    Event
		want string // fields at fault, joined by spaces
	}{
		{"goal", *goal(), ""},
		{"minimal", typ("E"), ""},
		{
			"everything at once",
			Event{
				BrowserID: "undefined", Type: "lower", Channel: "web", Language: "eng", Currency: "eur", PointOfSale: " p", Page: "\xff", Referrer: "\xff",
				UTM: []Attr{{"source", "x"}}, Fields: map[string]any{"type": "x"}, Ext: Ext{{"1", nil}},
			},
			`browser_id type channel language currency pos page referrer utm ext.1 ext.1 type`,
		},

		{"no type", typ(""), "type"},
		{"type with site", typ("shop:BROCHURE_REQUESTED"), ""},
		{"type with sites", typ("a.b-c:shop_2:X9_"), ""},
		{"type with empty site", typ(":X"), "type"},
		{"type with empty name", typ("shop:"), "type"},
		{"type with a hole", typ("a::X"), "type"},
		{"type with a space in the site", typ("a b:X"), "type"},
		{"type with a digit first", typ("9X"), "type"},
		{"type in mixed case", typ("Brochure"), "type"},
		{"type with an umlaut", typ("GRÖSSE"), "type"},
		{"type not UTF-8", typ("A\xff"), "type"},
		{"SC_", typ("SC_ANYTHING"), "type"},
		{"made by the platform", typ("TRACKING"), "type"},
		{"undocumented", typ("FEEDBACK"), "type"},
		{"reserved elsewhere", typ("shop:VIEW"), ""},
		{"reserved once", typ("LOGIN"), ""},

		{"ID in upper case", custom(func(e *Event) { e.BrowserID = strings.ToUpper("6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90") }), ""},
		{"no ID", custom(func(e *Event) { e.BrowserID = "" }), ""},
		{"unlisted channel", custom(func(e *Event) { e.Channel = "SMART_TV" }), ""},
		{"channel with a digit", custom(func(e *Event) { e.Channel = "WEB2" }), "channel"},
		{"language in capitals", custom(func(e *Event) { e.Language = "DE" }), ""},
		{"language with region", custom(func(e *Event) { e.Language = "de-DE" }), "language"},
		{"language of digits", custom(func(e *Event) { e.Language = "12" }), "language"},
		{"currency that is none", custom(func(e *Event) { e.Currency = "EUX" }), "currency"},
		{"currency across the list", custom(func(e *Event) { e.Currency = "D A" }), "currency"},
		{"year 10000", custom(func(e *Event) { e.RequestedAt = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }), "requested_at"},

		{"utm", custom(func(e *Event) { e.UTM = []Attr{{"utm_source", "a"}, {"UTM_Medium", ""}} }), ""},
		{"utm twice", custom(func(e *Event) { e.UTM = []Attr{{"utm_source", "a"}, {"UTM_Source", "b"}} }), "UTM_Source"},
		{"utm without more", custom(func(e *Event) { e.UTM = []Attr{{"utm_", "a"}} }), "utm"},
		{"utm number", custom(func(e *Event) { e.UTM = []Attr{{"utm_n", 1}} }), "utm_n"},
		{"utm not UTF-8", custom(func(e *Event) { e.UTM = []Attr{{"utm_n", "\xff"}} }), "utm_n"},
		{"51 utm", custom(func(e *Event) {
			for _, a := range manyAttrs(51) {
				e.UTM = append(e.UTM, Attr{"utm_" + a.Name, ""})
			}
		}), "utm"},

		{"string", ext("x"), ""},
		{"bool", ext(true), ""},
		{"int", ext(1), ""},
		{"int8", ext(int8(1)), ""},
		{"int16", ext(int16(1)), ""},
		{"int32", ext(int32(1)), ""},
		{"int64", ext(int64(1)), ""},
		{"uint", ext(uint(1)), ""},
		{"uint8", ext(uint8(1)), ""},
		{"uint16", ext(uint16(1)), ""},
		{"uint32", ext(uint32(1)), ""},
		{"uint64", ext(uint64(1)), ""},
		{"float32", ext(float32(1)), ""},
		{"float64", ext(1.5), ""},
		{"number", ext(json.Number("1e3")), ""},
		{"named int", ext(level(1)), ""},
		{"named string", ext(word("x")), ""},
		{"nil", ext(nil), "ext.a"},
		{"slice", ext([]int{1}), "ext.a"},
		{"map", ext(map[string]any{}), "ext.a"},
		{"struct", ext(time.Time{}), "ext.a"},
		{"pointer", ext(new(int)), "ext.a"},
		{"complex", ext(1i), "ext.a"},
		{"func", ext(func() {}), "ext.a"},
		{"NaN", ext(math.NaN()), "ext.a"},
		{"infinity", ext(math.Inf(-1)), "ext.a"},
		{"float32 infinity", ext(float32(math.Inf(1))), "ext.a"},
		{"number that is none", ext(json.Number("x")), "ext.a"},
		{"number in quotes", ext(json.Number(`"1"`)), "ext.a"},
		{"empty number", ext(json.Number("")), "ext.a"},
		{"text not UTF-8", ext("\xff"), "ext.a"},
		{"named text not UTF-8", ext(word("\xff")), "ext.a"},
		{"flattened name", Custom("E", Ext{{"a_b", 1}}), ""},
		{"name with a dash", Custom("E", Ext{{"a-b", 1}}), "ext.a-b"},
		{"empty name", Custom("E", Ext{{"", 1}}), "ext."},
		{"name twice", Custom("E", Ext{{"a", 1}, {"b", 1}, {"a", 2}}), "ext.a"},
		{"names in two cases", Custom("E", Ext{{"a", 1}, {"A", 1}}), ""},
		{"50 ext", Custom("E", manyAttrs(50)), ""},
		{"51 ext", Custom("E", manyAttrs(51)), "ext"},

		{"free field", field("product_id", []any{1, map[string]any{"q": nil}}), ""},
		{"own field", field("pos", "x"), "pos"},
		{"own field ext", field("ext", map[string]any{}), "ext"},
		{"utm in fields", field("UTM_x", "x"), "UTM_x"},
		{"nameless field", field("", "x"), "fields"},
		{"field that is no JSON", field("f", func() {}), "f"},
		{"field with NaN", field("f", math.NaN()), "f"},
		{"field that contains itself", field("f", loop), "f"},
		{"raw field", field("f", json.RawMessage(`{"a":`)), "f"},
		{"deep text not UTF-8", field("f", map[string]any{"a": []any{[]map[string]any{{"b": []string{"\xff"}}}}}), "f"},
		{"deep name not UTF-8", field("f", map[string]any{"\xff": 1}), "f"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := tc.e.Validate()
			if got := strings.Join(problems(t, err), " "); got != strings.TrimSpace(tc.want) {
				t.Errorf("faults %q, want %q\n%v", got, tc.want, err)
			}
		})
	}
}

func manyAttrs(n int) Ext {
	ext := make(Ext, n)
	for i := range ext {
		ext[i] = Attr{"a" + string(rune('A'+i/26)) + string(rune('a'+i%26)), i}
	}
	return ext
}

// valid has one good event of each standard type; broken takes it from there.
func valid() map[string]Event {
	return map[string]Event{
		"VIEW":        View("home"),
		"CLEAR_CART":  ClearCart(),
		"FORCE_CLOSE": {Type: "FORCE_CLOSE"},
		"IDENTITY":    ada().Event(),
		"SEARCH": Search{ProductName: "x", ProductType: "FLIGHT", Flight: &Flight{
			Type: "RT", Origin: "DUB", Destination: "LON", Start: recordedAt, End: recordedAt, Adults: 2,
		}}.Event(),
		"FORM": Form("f-1", FormSubmitted, "c-1"),
		"ADD": Product{
			Type: "SHOE", ItemID: "1", Name: "n", OrderedAt: recordedAt, Price: 9.5, ProductID: "p", Currency: "EUR", ReferenceID: "r",
		}.Event(),
		"ADD_CONTACTS":   Contacts(ada(), Identity{FirstName: "Bob"}),
		"ADD_CONSUMERS":  Consumers(Consumer{Title: "Ms", FirstName: "Ada", LastName: "L", DateOfBirth: "1990-12-10T00:00"}),
		"CONFIRM":        Confirm("1", "2"),
		"PAYMENT":        Payment(PayPayPal),
		"CHECKOUT":       Checkout("r", CheckoutRefunded),
		"ORDER_CHECKOUT": shoes().Event(),
	}
}

func ada() Identity {
	return Identity{
		Identifiers: []Identifier{{ID: "ada@example.com", Provider: "email", ExpiryDate: "2030-01-01T00:00"}},
		Email:       "ada@example.com", Title: "Ms", FirstName: "Ada", LastName: "L", Gender: "female",
		Mobile: "456", Phone: "123", DateOfBirth: "1990-12-10", Street: []string{"1 Road"},
		City: "Dublin", State: "D", PostalCode: "X1", Country: "IE",
	}
}

func shoes() Order {
	return Order{
		ReferenceID: "o-1", OrderedAt: recordedAt, Currency: "EUR", Price: 129.9, PaymentType: "Card", CardType: "Visa",
		Items: []OrderItem{{Type: "SHOE", ReferenceID: "o-1-1", Price: 129.9, Name: "Trail 3", ProductID: "t3"}},
	}
}

func TestStandardEvents(t *testing.T) {
	events := valid()
	for _, typ := range slices.Sorted(maps.Keys(standards)) {
		e, ok := events[typ]
		if !ok {
			t.Errorf("no example of %s", typ)
		}
		if err := e.Validate(); err != nil || e.Type != typ {
			t.Errorf("%s: %v", typ, err)
		}
		if !Reserved(typ) {
			t.Errorf("%s is standard, but not reserved", typ)
		}
		if n := len(standards[typ].fields); n == 0 || typ == "SEARCH" {
			continue
		}
		if err := (&Event{Type: typ}).Validate(); err == nil {
			t.Errorf("%s without anything passes", typ)
		}
	}
	if Reserved("LOGIN") || !FormerlyReserved("LOGIN") || FormerlyReserved("VIEW") || !Reserved("SC_X") {
		t.Error("reserved names")
	}
}

func TestStandardEventFaults(t *testing.T) {
	for _, tc := range []struct {
		typ    string
		change func(*Event)
		want   string
	}{
		{"FORM", func(e *Event) { e.Ext = nil }, "ext.formId ext.interactionType"},
		{"FORM", func(e *Event) { e.Ext = Form("", "sent", "").Ext }, "ext.formId ext.interactionType"},
		{"FORM", func(e *Event) { e.Ext[0].Value = 7 }, "ext.formId"},
		{"SEARCH", func(e *Event) { e.Fields["flight_type"] = "XX" }, "flight_type"},
		{"SEARCH", func(e *Event) { e.Fields["product_type"] = "shoe" }, "product_type"},
		{"SEARCH", func(e *Event) { e.Fields["adults"] = "2" }, "adults"},
		{"SEARCH", func(e *Event) { e.Fields["start"] = "2026-12-01" }, "start"},
		{"SEARCH", func(e *Event) { e.Fields = nil }, "product_name product_type"},
		{"SEARCH", func(e *Event) { *e = Search{ProductName: "tea", ProductType: "TEA"}.Event() }, ""},
		{"SEARCH", func(e *Event) { e.Fields["adults"] = -1 }, "adults"},
		{"SEARCH", func(e *Event) { e.Fields["children"] = 1.5 }, "children"},
		{"SEARCH", func(e *Event) { e.Fields["origin"] = "dub" }, "origin"},
		{"SEARCH", func(e *Event) { delete(e.Fields, "end") }, "end"},
		{"SEARCH", func(e *Event) { delete(e.Fields, "end"); e.Fields["flight_type"] = "OW" }, ""},
		{
			"SEARCH", func(e *Event) { *e = Search{ProductName: "x", ProductType: "FLIGHT"}.Event() },
			"flight_type origin destination start adults children infants",
		},
		{"IDENTITY", func(e *Event) { delete(e.Fields, "identifiers") }, "identifiers"},
		{"IDENTITY", func(e *Event) { e.Fields["identifiers"] = []Identifier{} }, "identifiers"},
		{"IDENTITY", func(e *Event) { e.Fields["identifiers"] = map[string]any{"id": "x", "provider": "y"} }, "identifiers"},
		{"IDENTITY", func(e *Event) { e.Fields["identifiers"] = []Identifier{{ID: "x"}, {Provider: "y"}} }, "identifiers[0].provider identifiers[1].id"},
		{"IDENTITY", func(e *Event) { e.Fields["identifiers"] = []Identifier{{"x", "y", "2030"}} }, "identifiers[0].expiry_date"},
		{"IDENTITY", func(e *Event) { e.Fields["identifiers"] = []Identifier{{"x", "y", "2030-01-01"}} }, ""},
		{"IDENTITY", func(e *Event) { e.Fields["identifiers"] = []Identifier{{"x", "y", "2025-04-15T08:39:44.868Z"}} }, ""},
		{"IDENTITY", func(e *Event) { e.Fields["identifiers"] = []Identifier{{"x", "y", "2025-04-15T08:39:44+01:00"}} }, "identifiers[0].expiry_date"},
		{"IDENTITY", func(e *Event) { e.Fields["identifiers"] = []any{"x"} }, "identifiers[0]"},
		{"IDENTITY", func(e *Event) { e.Fields["identifiers"] = []Identifier{{"x\xff", "y", ""}} }, "identifiers"},
		{"IDENTITY", func(e *Event) { e.Fields["dob"] = "1990-12-10T00:00" }, ""},
		{"IDENTITY", func(e *Event) { e.Fields["dob"] = "1990-12-10T00:00:00Z" }, "dob"},
		{"IDENTITY", func(e *Event) { e.Fields["dob"] = "1990-02-30" }, "dob"},
		{"IDENTITY", func(e *Event) { e.Fields["dob"] = "10.12.1990" }, "dob"},
		{"IDENTITY", func(e *Event) { e.Fields["country"] = "ie" }, "country"},
		{"IDENTITY", func(e *Event) { e.Fields["country"] = "UK" }, "country"},
		{"IDENTITY", func(e *Event) { e.Fields["country"] = "E A" }, "country"},
		{"IDENTITY", func(e *Event) { e.Fields["gender"] = "F" }, "gender"},
		{"IDENTITY", func(e *Event) { e.Fields["street"] = "1 Road" }, "street"},
		{"IDENTITY", func(e *Event) { e.Fields["firstname"] = 7 }, "firstname"},
		{"IDENTITY", func(e *Event) { e.Fields["lastname"] = " " }, "lastname"},
		{"ADD_CONTACTS", func(e *Event) { e.Fields["contact"] = []any{map[string]any{"email": "x"}} }, "contact[0].email"},
		{"ADD_CONTACTS", func(e *Event) { *e = Contacts() }, "contact"},
		{"ADD_CONTACTS", func(e *Event) { *e = Contacts(Identity{Identifiers: []Identifier{{ID: "x"}}}) }, "contact[0].identifiers[0].provider"},
		{"ADD_CONSUMERS", func(e *Event) { *e = Consumers(Consumer{FirstName: "Ada", Gender: "x"}) }, "consumer[0].title consumer[0].lastname consumer[0].gender"},
		{"ADD", func(e *Event) { e.Fields["product"] = []any{} }, "product"},
		{
			"ADD", func(e *Event) { *e = Product{}.Event() },
			"product.type product.item_id product.name product.orderedAt product.productId product.currency product.referenceId",
		},
		{"ADD", func(e *Event) { e.Fields["product"].(map[string]any)["type"] = "shoe" }, "product.type"},
		{"CONFIRM", func(e *Event) { *e = Confirm() }, "product"},
		{"CONFIRM", func(e *Event) { *e = Confirm("1", "") }, "product[1].item_id"},
		{"ADD", func(e *Event) {
			p := e.Fields["product"].(map[string]any)
			delete(p, "item_id")
			p["orderedAt"], p["price"], p["currency"] = "2026-11-23T10:15:30+01:00", "9.5", "Euro"
		}, "product.item_id product.orderedAt product.price product.currency"},
		{"CONFIRM", func(e *Event) { e.Fields["product"] = []any{} }, "product"},
		{"PAYMENT", func(e *Event) { e.Fields["pay_type"] = "card" }, "pay_type"},
		{"CHECKOUT", func(e *Event) { e.Fields["status"] = "DONE" }, "status"},
		{"ORDER_CHECKOUT", func(e *Event) { e.Fields["order"] = 7 }, "order"},
		{"ORDER_CHECKOUT", func(e *Event) { *e = (Order{}).Event() }, "order.referenceId order.orderedAt order.currencyCode order.paymentType"},
		{"ORDER_CHECKOUT", func(e *Event) { o := shoes(); o.CardType = ""; *e = o.Event() }, "order.cardType"},
		{"ORDER_CHECKOUT", func(e *Event) { o := shoes(); o.PaymentType, o.CardType = "Cash", ""; *e = o.Event() }, ""},
		{"ORDER_CHECKOUT", func(e *Event) { o := shoes(); o.Status = "CONFIRMED"; *e = o.Event() }, "order.status"},
		{"ORDER_CHECKOUT", func(e *Event) { o := shoes(); o.Items = nil; *e = o.Event() }, ""},
		{"ORDER_CHECKOUT", func(e *Event) { o := shoes(); o.Items = []OrderItem{{}}; *e = o.Event() }, ""},
		{"ORDER_CHECKOUT", func(e *Event) { o := shoes(); o.Items[0].Type = "Shoe"; *e = o.Event() }, "order.orderItems[0].type"},
		{"ORDER_CHECKOUT", func(e *Event) { o := shoes(); o.Price = math.NaN(); *e = o.Event() }, "order"},
		{"ORDER_CHECKOUT", func(e *Event) { o := shoes(); o.Ext = Ext{{"name", "x"}, {"a-b", 1}}; *e = o.Event() }, "order.extensions[0].name order.extensions[0]"},
		{"ORDER_CHECKOUT", func(e *Event) { o := shoes(); o.Items[0].Ext = Ext{{"a", []int{1}}}; *e = o.Event() }, "order.orderItems[0].extensions[0].a"},
		{"ORDER_CHECKOUT", func(e *Event) { o := shoes(); o.Ext = manyAttrs(51); *e = o.Event() }, "order.extensions[0]"},
		{"ORDER_CHECKOUT", func(e *Event) { o := shoes(); o.Ext = manyAttrs(50); *e = o.Event() }, ""},
	} {
		e := valid()[tc.typ]
		tc.change(&e)
		err := e.Validate()
		if got := strings.Join(problems(t, err), " "); got != tc.want {
			t.Errorf("%s: faults %q, want %q\n%v", tc.typ, got, tc.want, err)
		}
	}
}

func TestEmail(t *testing.T) {
	for s, want := range map[string]bool{
		"ada@example.com": true, "a.b+c@sub.example.co": true, "ü@exämple.de": true, `"a b"@example.com`: false,
		"": false, "ada": false, "ada@example": false, "ada@example.c": false, "@example.com": false, "a@b@c.de": false,
		"Ada <ada@example.com>": false, "ada@example.com ": false, "ada@[127.0.0.1]": false, "a\n@example.com": false,
		"ada@example..com": false, strings.Repeat("a", 320) + "@example.com": false,
	} {
		if got := validEmail(s); got != want {
			t.Errorf("%q: %v", s, got)
		}
	}
}

func TestFaultsAreBounded(t *testing.T) {
	ids := make([]Identifier, 10_000)
	e := Identity{Identifiers: ids}.Event()
	for range 10_000 {
		e.UTM = append(e.UTM, Attr{})
	}
	if n := len(problems(t, e.Validate())); n != maxFaults {
		t.Errorf("%d faults", n)
	}
	if err := (*Event)(nil).Validate(); OutcomeOf(err) != EventBad {
		t.Errorf("nil: %v", err)
	}
}

func TestFaultsDoNotTellValues(t *testing.T) {
	i := ada()
	i.Email, i.DateOfBirth, i.Country, i.Gender = "secret", "secret", "secret", "secret"
	i.Ext = Ext{{"a", []string{"secret"}}}
	e := i.Event()
	e.Page = "secret\xff"
	if err := e.Validate(); err == nil || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}

func TestCodes(t *testing.T) {
	// ISO 3166-1 has 249 officially assigned codes; XK is ours.
	if n := len(strings.Fields(countries)); n != 250 {
		t.Errorf("%d countries", n)
	}
	for list, size := range map[string]int{countries: 2, currencies: 3} {
		codes := strings.Fields(list)
		for _, code := range codes {
			if !onlyUpper(code, size) {
				t.Errorf("%q", code)
			}
		}
		if sorted := slices.Sorted(slices.Values(codes)); len(slices.Compact(sorted)) != len(codes) {
			t.Error("a code twice")
		}
	}
	for code, want := range map[string]bool{"EUR": true, "XCG": true, "BGN": true, "DEM": false, "eur": false, "": false, "EURUSD": false, "R A": false} {
		if knownCurrency(code) != want {
			t.Error(code)
		}
	}
}
