package rule

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
)

// The standard events with rules of their own. What each holds is in [cdp.Event.Validate].
const (
	eventView     = "VIEW"
	eventWho      = "IDENTITY"
	eventOrder    = "ORDER_CHECKOUT"
	eventAdd      = "ADD"
	eventContacts = "ADD_CONTACTS"
	eventConfirm  = "CONFIRM"
	eventCheckout = "CHECKOUT"
	eventClear    = "CLEAR_CART"
	eventPeople   = "ADD_CONSUMERS"
	eventSearch   = "SEARCH"
	eventPayment  = "PAYMENT"
)

// A standardEvent is an event of Sitecore's list that a goal may send (doc.sitecore.com,
// "Sending events"). Its fields have the names of its page there.
type standardEvent struct {
	// in is the member of the event that holds the fields; "" if they stand beside type.
	in string
	// many: in is a list, of an object for each value of the only field.
	many bool
	// ext: the fields are attributes of ext.
	ext bool
	// person: the fields are those of identify:.
	person bool
	fields []eventField
	// example is for a rule file that says too little.
	example string
}

// An eventField is one of the fields of a standard event.
type eventField struct {
	name  string
	kind  fieldKind
	words []string // of a fieldWord
	// unset is what is sent if the rule does not name the field; "" is nothing.
	unset fieldDefault
}

type fieldKind uint8

const (
	fieldText fieldKind = iota
	fieldUpper
	fieldNumber
	fieldWord
	fieldMoment // a time in UTC
	fieldLocal  // a local time
	fieldList
)

type fieldDefault uint8

const (
	unsetNothing   fieldDefault = iota
	unsetNow                    // the present
	unsetOne                    // 1
	unsetCurrency               // that of the event
	unsetSubmitted              // a form was sent
)

// standardEvents are those that a goal sends by sends:. VIEW and the events about people have
// keys of their own.
var standardEvents = map[string]*standardEvent{
	eventView:   {},
	eventClear:  {},
	eventWho:    {},
	eventOrder:  {},
	eventPeople: {},
	formType: {ext: true, example: "fields: { formId: contact }", fields: []eventField{
		{name: "formId"},
		{name: "componentInstanceId"},
		{name: "interactionType", kind: fieldWord, words: []string{cdp.FormViewed, cdp.FormSubmitted}, unset: unsetSubmitted},
	}},
	eventSearch: {example: "fields: { product_name: $query.q, product_type: TEA }", fields: []eventField{
		{name: "product_name"},
		{name: "product_type", kind: fieldUpper},
		{name: "flight_type", kind: fieldWord, words: []string{"OW", "RT"}},
		{name: "origin", kind: fieldUpper},
		{name: "destination", kind: fieldUpper},
		{name: "start", kind: fieldLocal},
		{name: "end", kind: fieldLocal},
		{name: "adults", kind: fieldNumber},
		{name: "children", kind: fieldNumber},
		{name: "infants", kind: fieldNumber},
		{name: "fare_class"},
		{name: "fare_family"},
	}},
	eventAdd: {in: "product", example: "fields: { type: TEA, item_id: $form.sku, productId: $form.sku, referenceId: $form.sku, name: $app.name, price: $app.price }", fields: []eventField{
		{name: "type", kind: fieldUpper},
		{name: "item_id"},
		{name: "name"},
		{name: "productId"},
		{name: "referenceId"},
		{name: "price", kind: fieldNumber},
		{name: "quantity", kind: fieldNumber, unset: unsetOne},
		{name: "currency", kind: fieldUpper, unset: unsetCurrency},
		{name: "orderedAt", kind: fieldMoment, unset: unsetNow},
		{name: "originalPrice", kind: fieldNumber},
		{name: "originalCurrencyCode", kind: fieldUpper},
	}},
	eventContacts: {person: true, example: "fields: { email: $app.email }"},
	eventConfirm: {in: "product", many: true, example: "fields: { item_id: $app.items }", fields: []eventField{
		{name: "item_id", kind: fieldList},
	}},
	eventPayment: {example: "fields: { pay_type: Card }", fields: []eventField{
		{name: "pay_type", kind: fieldWord, words: []string{cdp.PayCard, cdp.PayPayPal, cdp.PayVoucher, cdp.PayOther, cdp.PayCancelled}},
	}},
	eventCheckout: {example: "fields: { reference_id: $redirect.orderId, status: PURCHASED }", fields: []eventField{
		{name: "reference_id"},
		{name: "status", kind: fieldWord, words: []string{cdp.CheckoutPurchased, cdp.CheckoutPaymentPending, cdp.CheckoutConfirmed, cdp.CheckoutCancelled, cdp.CheckoutRefunded}},
	}},
}

// unsendable are the reserved names that no goal sends, and what to do in place of it.
var unsendable = map[string]string{
	"FORCE_CLOSE":       "it ends a session, as an aid for tests, and is on no list of Sitecore's",
	"TRACKING":          "the CDP makes it itself",
	"INTERACTION":       "the CDP makes it itself",
	"CAMPAIGN_TRACKING": "the CDP makes it itself",
	"SUBSCRIPTION":      "Sitecore reserves it for itself",
	"FEEDBACK":          "Sitecore does not say what it holds",
}

// field finds a field by its name.
func (s *standardEvent) field(name string) *eventField {
	for i := range s.fields {
		if s.fields[i].name == name {
			return &s.fields[i]
		}
	}
	return nil
}

func (s *standardEvent) names() []string {
	names := make([]string, 0, len(s.fields))
	for i := range s.fields {
		names = append(names, s.fields[i].name)
	}
	return names
}

// takesFields reports whether the event has fields that fields: names.
func (s *standardEvent) takesFields() bool { return s.person || len(s.fields) > 0 }

// build makes an event of values by their names. It keeps the map.
func (s *standardEvent) build(typ string, values map[string]any) cdp.Event {
	e := cdp.Event{Type: typ}
	switch {
	case s.ext:
		for i := range s.fields {
			if v := values[s.fields[i].name]; v != nil {
				e.Ext = append(e.Ext, cdp.Attr{Name: s.fields[i].name, Value: v})
			}
		}
	case s.many:
		name := s.fields[0].name
		texts, _ := values[name].([]string)
		list := make([]map[string]any, len(texts))
		for i, text := range texts {
			list[i] = map[string]any{name: text}
		}
		if len(list) > 0 {
			e.Fields = map[string]any{s.in: list}
		}
	case s.in != "":
		e.Fields = map[string]any{s.in: values}
	case len(s.fields) > 0:
		e.Fields = values
	}
	return e
}

// A fieldFault is why the CDP would not take a field.
type fieldFault struct {
	name, problem string
	missing       bool
}

// faults says what the CDP would not take of an event that build made.
func (s *standardEvent) faults(e *cdp.Event) (list []fieldFault) {
	err := e.Validate()
	if err == nil {
		return nil
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for _, one := range all {
		fault, ok := errors.AsType[*cdp.FieldError](one)
		if !ok {
			continue
		}
		name := fault.Field
		for _, outer := range []string{"ext", s.in} {
			name = strings.TrimPrefix(name, outer+".")
		}
		if s.many {
			name = s.fields[0].name
		}
		list = append(list, fieldFault{name, fault.Problem, strings.HasPrefix(fault.Problem, "is required")})
	}
	return list
}

// sendableTypes are the standard events of sends:, for people.
func sendableTypes() []string { return slices.Sorted(maps.Keys(standardEvents)) }
