package rule

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// read makes the order. currency is the site's.
func (o *order) read(x *Exchange, currency string) (cdp.Order, Reason) {
	text := func(from *source) string {
		v, _ := x.lookup(from)
		return cleanText(v[:min(len(v), maxCollected)])
	}
	id := text(&o.id)
	total, err := strconv.ParseFloat(strings.TrimSpace(text(&o.total)), 64)
	if err != nil || !finite(total) || total < 0 || id == "" {
		return cdp.Order{}, ReasonValueMissing
	}
	placed := cdp.Order{
		ReferenceID: id, OrderedAt: time.Now(), Status: cdp.OrderPurchased, Price: total,
		Currency: text(&o.currency), PaymentType: text(&o.payment), CardType: text(&o.card),
	}
	placed.Currency = cmp.Or(placed.Currency, currency)
	placed.PaymentType = cmp.Or(placed.PaymentType, "Other")
	given, _ := x.app[o.items.name].([]cdp.OrderItem)
	placed.Items = slices.Clone(given)
	for i := range placed.Items { // an order of which no items are told is sent without any
		placed.Items[i].Type = cmp.Or(placed.Items[i].Type, o.itemType)
	}
	return placed, Fires
}
