package rule

import (
	"fmt"
	"strings"
)

// order is order: compiled.
type order struct {
	id, total, currency, payment, card, items source
	itemType                                  string
}

func (g *goal) compileOrder(f *faults) {
	o := g.Order
	if o == (Order{}) {
		return
	}
	g.typ = eventOrder
	g.order = &order{itemType: o.ItemType}
	if up := strings.ToUpper(o.ItemType); up != o.ItemType {
		f.hint("order.itemType", fmt.Sprintf("the type of item %q is not in upper case", o.ItemType), "write "+up+", if the tenant has that type")
	}
	if g.identity == nil {
		f.hint("order", "the CDP takes an order only from a visitor it knows", "add identify:, or send a custom event with value: and data:")
	}
	if g.Sends != "" && g.Sends != eventOrder {
		f.hint("order", "order: sends ORDER_CHECKOUT, so sends: says nothing else", "")
	}
	if o.ID == "" || o.Total == "" {
		f.hint("order", "an order needs id: and total:", "order: { id: $redirect.orderId, total: $app.total, payment: Card }")
	}
	for _, p := range []struct {
		key, text string
		into      *source
	}{
		{"id", o.ID, &g.order.id},
		{"total", o.Total, &g.order.total},
		{"currency", o.Currency, &g.order.currency},
		{"payment", o.Payment, &g.order.payment},
		{"card", o.Card, &g.order.card},
		{"items", o.Items, &g.order.items},
	} {
		var err error
		if *p.into, err = parseSource(p.text); err != nil {
			f.add("order."+p.key, err)
			continue
		}
		g.reads("order."+p.key, p.into, f)
	}
	if k := g.order.items.kind; o.Items != "" && k != sourceApp {
		f.hint("order.items", "items: come from the handler", "items: $app.items, with Tracker.Set(r, \"items\", []cdp.OrderItem{...})")
	}
	if g.order.total.visitorWrites() {
		f.hint("order.total", "the visitor writes "+o.Total+": an order's total comes from the handler", "total: $app.total")
	}
}
