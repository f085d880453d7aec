package cdp

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A standard is what Sitecore documents of one standard event beside the base attributes. The
// pages are "VIEW event", "IDENTITY event" and so on, below
// doc.sitecore.com/cdp/en/developers/api.
type standard struct {
	fields []requirement // of Event.Fields
	ext    []requirement // of Event.Ext
	// also checks what the fields say together; nil checks nothing.
	also func(f *faults, fields map[string]any)
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
// TRACKING, INTERACTION and CAMPAIGN_TRACKING. No attributes are documented for FEEDBACK and
// SUBSCRIPTION.
var standards = map[string]standard{
	"VIEW":        {},
	"CLEAR_CART":  {},
	"FORCE_CLOSE": {}, // ends the session; an aid for tests
	"IDENTITY": {fields: append([]requirement{
		must("identifiers", list(object(identifierRules...))),
	}, personRules...)},
	"SEARCH": {also: flight, fields: []requirement{
		must("product_name", text),
		must("product_type", upperText),
		may("flight_type", oneOf("OW", "RT")),
		may("origin", airport),
		may("destination", airport),
		may("start", localTime),
		may("end", localTime),
		may("adults", count),
		may("children", count),
		may("infants", count),
		may("fare_class", text),
		may("fare_family", text),
	}},
	"FORM": {ext: []requirement{
		must("formId", text),
		must("interactionType", oneOf(FormViewed, FormSubmitted)),
		may("componentInstanceId", text),
	}},
	"ADD": {fields: []requirement{must("product", object(
		must("type", upperText), must("item_id", text), must("name", text),
		must("orderedAt", dateTime), must("quantity", number), must("price", number),
		must("productId", text), must("currency", currency), must("referenceId", text),
		may("originalPrice", number), may("originalCurrencyCode", currency),
	))}},
	"ADD_CONTACTS": {fields: []requirement{must("contact", list(object(append([]requirement{
		may("identifiers", list(object(identifierRules...))),
	}, personRules...)...)))}},
	"ADD_CONSUMERS": {fields: []requirement{must("consumer", list(object(
		must("title", text), must("firstname", text), must("lastname", text),
		may("gender", oneOf("female", "male", "unknown")), may("dob", date),
		may("mobile", text), may("nationality", text),
	)))}},
	"CONFIRM": {fields: []requirement{must("product", list(object(must("item_id", text))))}},
	"PAYMENT": {fields: []requirement{
		must("pay_type", oneOf(PayCard, PayPayPal, PayVoucher, PayOther, PayCancelled)),
	}},
	"CHECKOUT": {fields: []requirement{
		must("reference_id", text),
		must("status", oneOf(CheckoutPurchased, CheckoutPaymentPending, CheckoutConfirmed, CheckoutCancelled, CheckoutRefunded)),
	}},
	"ORDER_CHECKOUT": {fields: []requirement{must("order", order)}},
}

var identifierRules = []requirement{must("id", text), must("provider", text), may("expiry_date", expiry)}

var personRules = []requirement{
	may("email", email), may("title", text), may("firstname", text), may("lastname", text),
	may("gender", oneOf("female", "male", "unknown")), may("dob", date),
	may("mobile", text), may("phone", text), may("street", list(text)),
	may("city", text), may("state", text), may("postal_code", text), may("country", country),
}

// flight checks a search for flights. FLIGHT is a product type that is the platform's own: what
// it needs stands on the page "SEARCH event". There is a return only if it is not one way.
func flight(f *faults, fields map[string]any) {
	if fields["product_type"] != productFlight {
		return
	}
	needs := []string{"flight_type", "origin", "destination", "start", "adults", "children", "infants"}
	if fields["flight_type"] == flightReturn {
		needs = append(needs, "end")
	}
	for _, name := range needs {
		if fields[name] == nil {
			f.add(name, "is required for a FLIGHT")
		}
	}
}

const (
	productFlight = "FLIGHT"
	flightReturn  = "RT"
)

// order checks an order. The type of the card is needed only if one was used. The page has all
// items, and all that is said of one, as optional.
func order(f *faults, path string, v any) {
	object(
		must("referenceId", text), must("orderedAt", dateTime),
		must("status", oneOf(OrderPurchased, OrderPaymentPending)),
		must("currencyCode", currency), must("price", number),
		must("paymentType", text), may("cardType", text),
		may("extensions", list(extensions)),
		may("orderItems", list(object(
			may("type", upperText), may("referenceId", text), may("orderedAt", dateTime),
			may("status", text), may("currencyCode", currency), may("price", number),
			may("name", text), may("productId", text), may("quantity", number),
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
	airport   = matches("three upper-case letters (IATA)", iata)
	localTime = matches("a local time, YYYY-MM-DDThh:mm", inLayouts(localLayout))
	date      = matches("YYYY-MM-DDThh:mm or YYYY-MM-DD", inLayouts(localLayout, "2006-01-02"))
	// The SDKs want the first form of an expiry date, and the page "IDENTITY event" has the last.
	expiry   = matches("YYYY-MM-DDThh:mm, YYYY-MM-DD or a time in UTC, such as 2026-11-23T10:15:30.000Z", validExpiry)
	dateTime = matches("a time in UTC, such as 2026-11-23T10:15:30.000Z", validUTC)
)

// localLayout is how a local time is written, to the minute and without a zone.
const localLayout = "2006-01-02T15:04"

func number(f *faults, path string, v any) {
	if !isNumber(v) {
		f.add(path, "must be a number")
	}
}

// count accepts a whole number that is not negative.
func count(f *faults, path string, v any) {
	n, _ := v.(json.Number)
	if i, err := strconv.ParseInt(n.String(), 10, 64); err != nil || i < 0 {
		f.add(path, "must be a whole number from 0 on")
	}
}

func iata(s string) bool { return len(s) == 3 && upper(s[0]) && upper(s[1]) && upper(s[2]) }

func validExpiry(s string) bool {
	return inLayouts(localLayout, "2006-01-02")(s) || validUTC(s)
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
