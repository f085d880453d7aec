package cdp

import (
	"slices"
	"strings"
	"time"
)

// What a FORM event can say about a form (as the Cloud SDK and Engage send it).
const (
	FormViewed    = "VIEWED"
	FormSubmitted = "SUBMITTED"
)

// The status of an order in an ORDER_CHECKOUT (doc.sitecore.com, "ORDER_CHECKOUT event").
const (
	OrderPurchased      = "PURCHASED"
	OrderPaymentPending = "PAYMENT_PENDING"
)

// View returns a VIEW of page (doc.sitecore.com, "VIEW event"). The bounce goals and landing
// pages of Personalize read VIEW events.
func View(page string) Event { return Event{Type: "VIEW", Page: page} }

// Custom returns a custom event, which Sitecore counts as a goal (doc.sitecore.com, "Custom
// event"). Its type is in upper case and not [Reserved]; [Event.Validate] reports any other.
func Custom(typ string, ext Ext) Event { return Event{Type: typ, Ext: ext} }

// Form returns a FORM event. The interaction is [FormViewed] or [FormSubmitted], in either
// case; [Event.Validate] reports any other. The componentInstanceID may be empty: Engage has
// none. What the visitor typed is never part of the event.
func Form(formID, interaction, componentInstanceID string) Event {
	ext := Ext{{"formId", formID}, {"interactionType", strings.ToUpper(interaction)}}
	if componentInstanceID != "" {
		ext = append(ext, Attr{"componentInstanceId", componentInstanceID})
	}
	return Event{Type: "FORM", Ext: ext}
}

// An Identifier names a visitor in another system (doc.sitecore.com, "IDENTITY event").
type Identifier struct {
	// ID is the name. A hash is accepted practice. Required.
	ID string `json:"id"`

	// Provider must be the same as in one of the tenant's identity rules. Otherwise
	// the profile stays an anonymous visitor. Required.
	Provider string `json:"provider"`

	// ExpiryDate is YYYY-MM-DDThh:mm, YYYY-MM-DD, or a time in UTC such as
	// 2027-04-15T08:39:44.868Z. Default: none.
	ExpiryDate string `json:"expiry_date,omitempty"`
}

// Identity says who the visitor is. Empty members are not sent. [Event.Validate] reports
// values that the CDP would not take.
type Identity struct {
	// Identifiers are all that are known; at least one is required. In data model 2.1
	// they alone identify, and the rest enriches the profile.
	Identifiers []Identifier

	// Email is sent as it is; Sitecore advises lower case.
	Email, Title, FirstName, LastName string

	// Gender is female, male or unknown.
	Gender string

	// Mobile and Phone are sent as they are.
	Mobile, Phone string

	// DateOfBirth is YYYY-MM-DDThh:mm (CDP, Engage, Cloud SDK) or YYYY-MM-DD (Content
	// SDK).
	DateOfBirth string

	// Street has one element for each line.
	Street []string

	// City, State and PostalCode are sent as they are.
	City, State, PostalCode string

	// Country is an ISO 3166-1 alpha-2 code in upper case.
	Country string

	// Ext are further attributes.
	Ext Ext
}

// Event returns the IDENTITY event. It shares Ext with i, and nothing else.
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

// An Order is a finished purchase. The CDP counts it for a customer only, so send the
// [Identity] first (doc.sitecore.com, "ORDER_CHECKOUT event"). [Event.Validate] reports what
// is missing.
type Order struct {
	// ReferenceID is the shop's number of the order. Required.
	ReferenceID string

	// OrderedAt is when the order was placed. It is sent in UTC. Required.
	OrderedAt time.Time

	// Status is [OrderPurchased] or [OrderPaymentPending]. Default: OrderPurchased.
	Status string

	// Currency is an ISO 4217 code, and Price is the total in that currency. Required.
	Currency string
	Price    float64

	// PaymentType is for example Card, Cash, PayPal or Other. Required. CardType is
	// required with Card, and sent with Card only.
	PaymentType, CardType string

	// Items are the lines of the order. Default: none, and none are sent.
	Items []OrderItem

	// Ext are the order's own attributes, not the event's.
	Ext Ext
}

// An OrderItem is a line of an order. What is empty is not sent, except for the price and the
// quantity.
type OrderItem struct {
	// Type is the tenant's kind of product, in upper case. It has to be one that the
	// tenant's schema knows.
	Type string

	// ReferenceID is the shop's number of the line.
	ReferenceID string

	// OrderedAt, Status and Currency have the order's values by default.
	OrderedAt time.Time
	Status    string
	Currency  string

	// Price is that of one piece. Name and ProductID say what it is.
	Price           float64
	Name, ProductID string

	// Quantity is the number of pieces. Default: 1.
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
	if len(o.Items) > 0 {
		items := make([]map[string]any, len(o.Items))
		for n, item := range o.Items {
			items[n] = item.fields(o)
		}
		order["orderItems"] = items
	}
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

// putExtensions adds ext in the form that orders have: a list of one group, whose name and
// key are fixed, with the attributes beside them. An attribute called name or key replaces
// that, and Validate reports it.
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
