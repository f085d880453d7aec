package cdp

import (
	"maps"
	"time"
)

// What PAYMENT and CHECKOUT can say (doc.sitecore.com, "PAYMENT event" and "CHECKOUT event").
const (
	PayCard      = "Card"
	PayPayPal    = "PayPal"
	PayVoucher   = "Voucher"
	PayOther     = "Other"
	PayCancelled = "Cancelled"

	CheckoutPurchased      = "PURCHASED"
	CheckoutPaymentPending = "PAYMENT_PENDING"
	CheckoutConfirmed      = "CONFIRMED"
	CheckoutCancelled      = "CANCELLED"
	CheckoutRefunded       = "REFUNDED"
)

// A Search is what a visitor searched for (doc.sitecore.com, "SEARCH event"). Send it when the
// page with the results is shown.
type Search struct {
	// ProductName is what was searched for, and ProductType is of which kind, in upper
	// case. Both are required. "FLIGHT" needs Flight.
	ProductName, ProductType string

	// Flight is the flight that was searched for. Default: none.
	Flight *Flight

	// Ext are further attributes.
	Ext Ext
}

// A Flight is what a [Search] for flights looked for.
type Flight struct {
	// Type is OW (one way) or RT (return). Required.
	Type string

	// Origin and Destination are three letters of IATA, in upper case. Required.
	Origin, Destination string

	// Start and End are local times; no zone is sent. Start is required, and End with RT.
	Start, End time.Time

	// Adults, Children and Infants are always sent.
	Adults, Children, Infants int

	// FareClass and FareFamily are optional.
	FareClass, FareFamily string
}

// Event returns the SEARCH event. It shares Ext with s, and nothing else.
func (s Search) Event() Event {
	f := make(map[string]any, 12)
	putText(f, "product_name", s.ProductName)
	putText(f, "product_type", s.ProductType)
	if s.Flight != nil {
		s.Flight.put(f)
	}
	return Event{Type: "SEARCH", Fields: f, Ext: s.Ext}
}

func (l *Flight) put(f map[string]any) {
	putText(f, "flight_type", l.Type)
	putText(f, "origin", l.Origin)
	putText(f, "destination", l.Destination)
	for name, t := range map[string]time.Time{"start": l.Start, "end": l.End} {
		if !t.IsZero() {
			f[name] = t.Format(localLayout)
		}
	}
	maps.Copy(f, map[string]any{"adults": l.Adults, "children": l.Children, "infants": l.Infants})
	putText(f, "fare_class", l.FareClass)
	putText(f, "fare_family", l.FareFamily)
}

// A Product is put into a cart (doc.sitecore.com, "ADD event"). A later one with the same
// ItemID in the same session replaces it. All fields are required unless they say otherwise.
type Product struct {
	// Type is the tenant's kind of product, in upper case.
	Type string

	// ItemID names the line of the cart. [Confirm] names it again.
	ItemID string

	// Name is what people call the product, ProductID its number in the catalogue, and
	// ReferenceID the shop's number of the line.
	Name, ProductID, ReferenceID string

	// OrderedAt is when it was put into the cart. It is sent in UTC.
	OrderedAt time.Time

	// Price is that of one piece, in Currency, an ISO 4217 code.
	Price    float64
	Currency string

	// Quantity is the number of pieces. Default: 1.
	Quantity float64

	// OriginalPrice and OriginalCurrency are those before a conversion. Default: none.
	OriginalPrice    float64
	OriginalCurrency string

	// Ext are further attributes of the event.
	Ext Ext
}

// Event returns the ADD event. Its currency is the product's. It shares Ext with p, and
// nothing else.
func (p Product) Event() Event {
	if p.Quantity == 0 {
		p.Quantity = 1
	}
	f := map[string]any{"price": p.Price, "quantity": p.Quantity}
	putText(f, "type", p.Type)
	putText(f, "item_id", p.ItemID)
	putText(f, "name", p.Name)
	putText(f, "productId", p.ProductID)
	putText(f, "referenceId", p.ReferenceID)
	putTime(f, "orderedAt", p.OrderedAt)
	putText(f, "currency", p.Currency)
	if p.OriginalPrice != 0 {
		f["originalPrice"] = p.OriginalPrice
	}
	putText(f, "originalCurrencyCode", p.OriginalCurrency)
	return Event{Type: "ADD", Currency: p.Currency, Fields: map[string]any{"product": f}, Ext: p.Ext}
}

// Contacts returns the ADD_CONTACTS event, which names the people who own an order that is
// sent in several events (doc.sitecore.com, "ADD_CONTACTS event"). In data model 2.1 the
// identifiers name them, as in an [Identity]. Their Ext is not sent.
func Contacts(people ...Identity) Event {
	list := make([]map[string]any, len(people))
	for i, p := range people {
		list[i] = p.Event().Fields
	}
	return Event{Type: "ADD_CONTACTS", Fields: map[string]any{"contact": list}}
}

// A Consumer is somebody for whom something was ordered, such as a traveller
// (doc.sitecore.com, "ADD_CONSUMERS event"). The CDP makes a guest of each.
type Consumer struct {
	// Title, FirstName and LastName are required.
	Title, FirstName, LastName string

	// Gender is female, male or unknown; DateOfBirth is YYYY-MM-DDThh:mm or YYYY-MM-DD.
	// Default: none. The page also has a reference ID and a list of item IDs; a tenant's
	// own names for them go into [Event].Fields by hand.
	Gender, DateOfBirth, Mobile, Nationality string
}

// Consumers returns the ADD_CONSUMERS event. It makes guests of people who never visited the
// site: send it only if they know.
func Consumers(people ...Consumer) Event {
	list := make([]map[string]any, len(people))
	for i, p := range people {
		f := make(map[string]any, 7)
		for name, value := range map[string]string{
			"title": p.Title, "firstname": p.FirstName, "lastname": p.LastName, "gender": p.Gender, "dob": p.DateOfBirth,
			"mobile": p.Mobile, "nationality": p.Nationality,
		} {
			putText(f, name, value)
		}
		list[i] = f
	}
	return Event{Type: "ADD_CONSUMERS", Fields: map[string]any{"consumer": list}}
}

// Confirm returns the CONFIRM event, which says what is in the cart right before it is paid
// for (doc.sitecore.com, "CONFIRM event"). Each item must have been added in the same session,
// or the order fails.
func Confirm(itemIDs ...string) Event {
	list := make([]map[string]any, len(itemIDs))
	for i, id := range itemIDs {
		list[i] = map[string]any{"item_id": id}
	}
	return Event{Type: "CONFIRM", Fields: map[string]any{"product": list}}
}

// Payment returns the PAYMENT event, which is optional. The type is [PayCard] or another of
// those constants. Nothing about a card is part of it.
func Payment(payType string) Event {
	return Event{Type: "PAYMENT", Fields: map[string]any{"pay_type": payType}}
}

// Checkout returns the CHECKOUT event. The status is [CheckoutPurchased] or another of those
// constants.
func Checkout(referenceID, status string) Event {
	return Event{Type: "CHECKOUT", Fields: map[string]any{"reference_id": referenceID, "status": status}}
}

// ClearCart returns the CLEAR_CART event. An emptied cart is not abandoned, so nobody gets a
// mail about it (doc.sitecore.com, "CLEAR_CART event").
func ClearCart() Event { return Event{Type: "CLEAR_CART"} }
