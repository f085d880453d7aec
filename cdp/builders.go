package cdp

import (
	"slices"
	"strings"
	"time"
)

// What a FORM event can say happened.
const (
	FormViewed    = "VIEWED"
	FormSubmitted = "SUBMITTED"
)

// What an ORDER_CHECKOUT can say of an order.
const (
	OrderPurchased      = "PURCHASED"
	OrderPaymentPending = "PAYMENT_PENDING"
)

// View returns a VIEW of page. Bounce goals and landing pages of Personalize
// read VIEW events.
func View(page string) Event { return Event{Type: "VIEW", Page: page} }

// Custom returns a custom event, which is what Sitecore counts as a goal: typ
// in upper case, not reserved ([Reserved]).
func Custom(typ string, ext Ext) Event { return Event{Type: typ, Ext: ext} }

// Form returns a FORM event: interaction is [FormViewed] or [FormSubmitted], in
// either case; componentInstanceID may be empty (Engage has none). What the
// visitor typed is never part of it.
func Form(formID, interaction, componentInstanceID string) Event {
	ext := Ext{{"formId", formID}, {"interactionType", strings.ToUpper(interaction)}}
	if componentInstanceID != "" {
		ext = append(ext, Attr{"componentInstanceId", componentInstanceID})
	}
	return Event{Type: "FORM", Ext: ext}
}

// An Identifier names a visitor in another system.
type Identifier struct {
	// ID is the name; a hash is accepted practice.
	ID string `json:"id"`

	// Provider must equal that of one of the tenant's identity rules, or the
	// profile stays an anonymous visitor.
	Provider string `json:"provider"`

	// ExpiryDate is YYYY-MM-DDThh:mm, or empty for none.
	ExpiryDate string `json:"expiry_date,omitempty"`
}

// Identity says who the visitor is. Empty members are not sent.
type Identity struct {
	// Identifiers are all that are known; at least one is required. In data
	// model 2.1 they alone identify, the rest enriches the profile.
	Identifiers []Identifier

	// Email is sent as it is; Sitecore advises lower case.
	Email, Title, FirstName, LastName string

	// Gender is female, male or unknown.
	Gender string

	Mobile, Phone string

	// DateOfBirth is YYYY-MM-DDThh:mm (CDP, Engage, Cloud SDK) or YYYY-MM-DD
	// (Content SDK).
	DateOfBirth string

	// Street has one element a line.
	Street []string

	City, State, PostalCode string

	// Country is an ISO 3166-1 alpha-2 code in upper case.
	Country string

	// Ext are further attributes.
	Ext Ext
}

// Event returns the IDENTITY event. It shares nothing with i but Ext.
func (i Identity) Event() Event {
	f := make(map[string]any, 14)
	for name, value := range map[string]string{
		"email": i.Email, "title": i.Title, "firstname": i.FirstName, "lastname": i.LastName,
		"gender": i.Gender, "mobile": i.Mobile, "phone": i.Phone, "dob": i.DateOfBirth,
		"city": i.City, "state": i.State, "postal_code": i.PostalCode, "country": i.Country,
	} {
		putText(f, name, value)
	}
	if len(i.Identifiers) > 0 {
		f["identifiers"] = slices.Clone(i.Identifiers)
	}
	if len(i.Street) > 0 {
		f["street"] = slices.Clone(i.Street)
	}
	return Event{Type: "IDENTITY", Fields: f, Ext: i.Ext}
}

// An Order is a finished purchase. The CDP counts it for a customer only: send
// the [Identity] first.
type Order struct {
	// ReferenceID is the shop's number of the order. Required.
	ReferenceID string

	// OrderedAt is when it was placed, sent in UTC. Required.
	OrderedAt time.Time

	// Status is OrderPurchased when empty.
	Status string

	// Currency is an ISO 4217 code, Price the total in it. Required.
	Currency string
	Price    float64

	// PaymentType is for example Card, Cash, PayPal or Other. Required.
	// CardType is required, and sent, with Card only.
	PaymentType, CardType string

	// Items are the lines of the order; at least one.
	Items []OrderItem

	// Ext are the order's own attributes (not the event's).
	Ext Ext
}

// An OrderItem is a line of an order.
type OrderItem struct {
	// Type is the tenant's kind of product, in upper case. Required.
	Type string

	// ReferenceID is the shop's number of the line. Required.
	ReferenceID string

	// OrderedAt, Status and Currency are those of the order when empty.
	OrderedAt time.Time
	Status    string
	Currency  string

	// Price is that of one, Name and ProductID say of what. Required.
	Price           float64
	Name, ProductID string

	// Quantity is 1 when 0.
	Quantity float64

	// Ext are the line's own attributes.
	Ext Ext
}

// Event returns the ORDER_CHECKOUT event. Its currency is the order's.
func (o Order) Event() Event {
	if o.Status == "" {
		o.Status = OrderPurchased
	}
	order := map[string]any{"price": o.Price}
	putText(order, "referenceId", o.ReferenceID)
	putTime(order, "orderedAt", o.OrderedAt)
	putText(order, "status", o.Status)
	putText(order, "currencyCode", o.Currency)
	putText(order, "paymentType", o.PaymentType)
	if strings.EqualFold(o.PaymentType, "Card") {
		putText(order, "cardType", o.CardType)
	}
	putExtensions(order, o.Ext)
	items := make([]map[string]any, len(o.Items))
	for n, item := range o.Items {
		items[n] = item.fields(o)
	}
	order["orderItems"] = items
	return Event{Type: "ORDER_CHECKOUT", Currency: o.Currency, Fields: map[string]any{"order": order}}
}

func (i OrderItem) fields(o Order) map[string]any {
	if i.OrderedAt.IsZero() {
		i.OrderedAt = o.OrderedAt
	}
	if i.Quantity == 0 {
		i.Quantity = 1
	}
	f := map[string]any{"price": i.Price, "quantity": i.Quantity}
	putText(f, "type", i.Type)
	putText(f, "referenceId", i.ReferenceID)
	putTime(f, "orderedAt", i.OrderedAt)
	putText(f, "status", either(i.Status, o.Status))
	putText(f, "currencyCode", either(i.Currency, o.Currency))
	putText(f, "name", i.Name)
	putText(f, "productId", i.ProductID)
	putExtensions(f, i.Ext)
	return f
}

// putExtensions adds ext in the form orders have it: a list of one group, whose
// name and key are fixed, with the attributes beside them. An attribute called
// name or key takes that place, and Validate says so.
func putExtensions(f map[string]any, ext Ext) {
	if len(ext) == 0 {
		return
	}
	group := map[string]any{"name": "ext", "key": "default"}
	for _, a := range ext {
		group[a.Name] = a.Value
	}
	f["extensions"] = []map[string]any{group}
}

func putText(f map[string]any, name, value string) {
	if value != "" {
		f[name] = value
	}
}

func putTime(f map[string]any, name string, t time.Time) {
	if !t.IsZero() {
		f[name] = isoUTC(t)
	}
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
