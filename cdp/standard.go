package cdp

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"
)

// A standard is what Sitecore documents of one standard event beside the base attributes. The
// pages are "VIEW event", "IDENTITY event" and so on, below
// doc.sitecore.com/cdp/en/developers/api.
type standard struct {
	fields []requirement // of Event.Fields
	ext    []requirement // of Event.Ext
}

// A requirement checks one member of an object.
type requirement struct {
	name     string
	required bool
	check    check
}

// A check adds what is wrong with the JSON value at path to the faults. The value is as
// encoding/json decodes it, with json.Number. A fault says nothing of the value: it may be
// personal data.
type check func(f *faults, path string, v any)

func must(name string, c check) requirement { return requirement{name, true, c} }
func may(name string, c check) requirement  { return requirement{name, false, c} }

// standards has every standard event that an application may send. The platform itself makes
// TRACKING, INTERACTION and CAMPAIGN_TRACKING. No attributes are documented for ADD_CONSUMERS,
// FEEDBACK and SUBSCRIPTION.
var standards = map[string]standard{
	"VIEW":        {},
	"CLEAR_CART":  {},
	"FORCE_CLOSE": {}, // ends the session; an aid for tests
	"IDENTITY": {fields: append([]requirement{
		must("identifiers", list(object(identifierRules...))),
	}, personRules...)},
	"SEARCH": {fields: []requirement{
		may("product_name", text),
		may("product_type", upperText),
		may("flight_type", oneOf("OW", "RT")),
		may("start", localTime),
		may("end", localTime),
		may("adults", number),
		may("children", number),
		may("infants", number),
	}},
	"FORM": {ext: []requirement{
		must("formId", text),
		must("interactionType", oneOf(FormViewed, FormSubmitted)),
		may("componentInstanceId", text),
	}},
	"ADD": {fields: []requirement{must("product", object(
		must("type", text), must("item_id", text), must("name", text),
		must("orderedAt", dateTime), must("quantity", number), must("price", number),
		must("productId", text), must("currency", currency), must("referenceId", text),
		may("originalPrice", number), may("originalCurrencyCode", currency),
	))}},
	"ADD_CONTACTS": {fields: []requirement{must("contact", list(object(personRules...)))}},
	"CONFIRM":      {fields: []requirement{must("product", list(object(must("item_id", text))))}},
	"PAYMENT": {fields: []requirement{
		must("pay_type", oneOf("Card", "PayPal", "Voucher", "Other", "Cancelled")),
	}},
	"CHECKOUT": {fields: []requirement{
		must("reference_id", text),
		must("status", oneOf("PURCHASED", "PAYMENT_PENDING", "CONFIRMED", "CANCELLED", "REFUNDED")),
	}},
	"ORDER_CHECKOUT": {fields: []requirement{must("order", order)}},
}

var identifierRules = []requirement{must("id", text), must("provider", text), may("expiry_date", date)}

var personRules = []requirement{
	may("email", email), may("title", text), may("firstname", text), may("lastname", text),
	may("gender", oneOf("female", "male", "unknown")), may("dob", date),
	may("mobile", text), may("phone", text), may("street", list(text)),
	may("city", text), may("state", text), may("postal_code", text), may("country", country),
}

// order checks an order. The type of the card is needed only if one was used.
func order(f *faults, path string, v any) {
	object(
		must("referenceId", text), must("orderedAt", dateTime),
		must("status", oneOf(OrderPurchased, OrderPaymentPending)),
		must("currencyCode", currency), must("price", number),
		must("paymentType", text), may("cardType", text),
		may("extensions", list(extensions)),
		must("orderItems", list(object(
			must("type", text), must("referenceId", text), must("orderedAt", dateTime),
			must("status", text), must("currencyCode", currency), must("price", number),
			must("name", text), must("productId", text), must("quantity", number),
			may("extensions", list(extensions)),
		))),
	)(f, path, v)
	m, _ := v.(map[string]any)
	if payment, _ := m["paymentType"].(string); strings.EqualFold(payment, "Card") && m["cardType"] == nil {
		f.add(path+".cardType", "is required when paymentType is Card")
	}
}

// extensions checks one group of an order's own attributes.
func extensions(f *faults, path string, v any) {
	object(must("name", oneOf("ext")), must("key", oneOf("default")))(f, path, v)
	m, _ := v.(map[string]any)
	if len(m)-2 > maxExt {
		f.add(path, "has more than 50 attributes")
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		switch m[name].(type) {
		case string, bool, json.Number:
		default:
			f.add(path+"."+name, "must be a string, a bool or a number")
		}
		if !attrName(name) {
			f.add(path, "has an attribute whose name is not a letter, then letters, digits and \"_\"")
		}
	}
}

// reserved are the names that the page "Custom event" reserves now, beside everything that
// begins with SC_. FORM and FORCE_CLOSE are not on that list, but mean something to the
// platform.
var reserved = map[string]bool{
	"ADD": true, "ADD_CONSUMERS": true, "ADD_CONTACTS": true, "CAMPAIGN_TRACKING": true,
	"CHECKOUT": true, "CLEAR_CART": true, "CONFIRM": true, "FEEDBACK": true, "FORCE_CLOSE": true,
	"FORM": true, "IDENTITY": true, "INTERACTION": true, "ORDER_CHECKOUT": true, "PAYMENT": true,
	"SEARCH": true, "SUBSCRIPTION": true, "TRACKING": true, "VIEW": true,
}

// formerlyReserved are further names, from an older list that is still an enum in Engage
// 1.4.3. Neither Engage nor the present documentation refuses them.
var formerlyReserved = map[string]bool{
	"ADD_PRODUCT": true, "CALCULATOR": true, "CLICK": true, "CHAT": true, "COMMENT": true,
	"CONTACT_REQUEST": true, "CONSUMERS": true, "EMAIL": true, "LOGIN": true, "NOTIFICATION": true,
	"ORDER_UPDATE": true, "PURCHASE": true, "PNR_RECORD": true, "SMS": true, "SELECT": true,
	"TRIGGER": true, "TRIP_SUMMARY": true, "UPDATE": true,
}

// Reserved reports whether typ may not be the name of a custom event (doc.sitecore.com, "Custom
// event"). Those are the names of standard events, of events that the platform makes, and all
// that begin with SC_. [Event.Validate] accepts an event of a standard type if it has what
// that type needs.
func Reserved(typ string) bool { return reserved[typ] || strings.HasPrefix(typ, "SC_") }

// FormerlyReserved reports whether typ is only on an older list of reserved names.
// [Event.Validate] accepts such a type. On an old tenant another name is wiser.
func FormerlyReserved(typ string) bool { return formerlyReserved[typ] }

// object accepts a JSON object that follows the rules. It may have other members.
func object(rules ...requirement) check {
	return func(f *faults, path string, v any) {
		m, ok := v.(map[string]any)
		if !ok {
			f.add(path, "must be an object")
			return
		}
		f.object(path+".", rules, m)
	}
}

// list accepts a JSON array of one or more elements that pass c.
func list(c check) check {
	return func(f *faults, path string, v any) {
		elements, ok := v.([]any)
		if !ok || len(elements) == 0 {
			f.add(path, "must be a list with at least one element")
			return
		}
		for i, element := range elements {
			c(f, fmt.Sprintf("%s[%d]", path, i), element)
			if f.full() {
				return
			}
		}
	}
}

// matches accepts a string for which ok reports true. want describes it.
func matches(want string, ok func(string) bool) check {
	return func(f *faults, path string, v any) {
		if s, isText := v.(string); !isText || !ok(s) {
			f.add(path, "must be "+want)
		}
	}
}

func oneOf(values ...string) check {
	return matches(strings.Join(values, " or "), func(s string) bool { return slices.Contains(values, s) })
}

var (
	text      = matches("a text that is not blank", func(s string) bool { return strings.TrimSpace(s) != "" })
	upperText = matches("a text in upper case", func(s string) bool { return s != "" && strings.ToUpper(s) == s })
	currency  = matches("an ISO 4217 currency code", knownCurrency)
	country   = matches("an ISO 3166-1 alpha-2 country code in upper case", knownCountry)
	email     = matches("an e-mail address", validEmail)
	localTime = matches("a local time, YYYY-MM-DDThh:mm", inLayouts("2006-01-02T15:04"))
	date      = matches("YYYY-MM-DDThh:mm or YYYY-MM-DD", inLayouts("2006-01-02T15:04", "2006-01-02"))
	dateTime  = matches("a time in UTC, such as 2026-11-23T10:15:30.000Z", validUTC)
)

func number(f *faults, path string, v any) {
	if !isNumber(v) {
		f.add(path, "must be a number")
	}
}

func inLayouts(layouts ...string) func(string) bool {
	return func(s string) bool {
		for _, layout := range layouts {
			// In some places Parse accepts fewer digits than the layout has.
			if _, err := time.Parse(layout, s); err == nil && len(s) == len(layout) {
				return true
			}
		}
		return false
	}
}

func validUTC(s string) bool {
	_, err := time.Parse(time.RFC3339, s)
	return err == nil && strings.HasSuffix(s, "Z")
}

// validEmail accepts what a mail server could. The SDKs test less (anything with an @ and a
// dot), so that "a@b@c.d" passes there.
func validEmail(s string) bool {
	if len(s) > 320 || strings.ContainsAny(s, " <>\t\r\n") {
		return false
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s {
		return false
	}
	domain := s[strings.LastIndexByte(s, '@')+1:]
	dot := strings.LastIndexByte(domain, '.')
	return dot > 0 && len(domain)-dot > 2 && !strings.HasPrefix(domain, "[")
}
