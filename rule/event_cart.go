package rule

import (
	"slices"

	"github.com/goaltrack/goaltrack/internal/visit"
)

// cartRoles are the events of a cart that a visit remembers.
var cartRoles = map[string]visit.CartRole{
	eventAdd: visit.CartAdd, eventConfirm: visit.CartConfirm, eventCheckout: visit.CartCheckout, eventClear: visit.CartClear,
}

// linkCart gives the goals their part in the cart, if a goal confirms one. A draft has none,
// because nothing of it is sent.
func (s *Set) linkCart() {
	is := func(typ string) bool {
		return slices.ContainsFunc(s.goals, func(g *goal) bool { return g.typ == typ && g.Status != statusPaused && g.Status != statusDraft })
	}
	if !is(eventConfirm) {
		return
	}
	s.past.Used = true
	for _, g := range s.goals {
		if g.Status != statusPaused && g.Status != statusDraft {
			g.past.Cart = cartRoles[g.typ]
		}
	}
}

// lintCart finds a CONFIRM in a file that adds nothing.
func (g *goal) lintCart(f *faults) {
	if g.past.Cart != visit.CartConfirm {
		return
	}
	for _, other := range g.rules.goals {
		if other.past.Cart == visit.CartAdd {
			return
		}
	}
	f.warn("sends", "no goal of this file sends ADD, so no item of a CONFIRM is known, and it never counts", "add a goal with sends: ADD")
}

// CartItems are the items that the goal's event names, as hashes, for a visit that remembers
// the cart. It is for goals that fired.
func (c *Cause) CartItems(x *Exchange) (items []uint32) {
	g := c.goal
	if g == nil || g.past.Cart != visit.CartAdd && g.past.Cart != visit.CartConfirm {
		return nil
	}
	c.capture(x)
	given, ok := x.given()
	if !ok {
		return g.itemsOf(x)
	}
	add := func(product map[string]any) {
		if id, ok := product["item_id"].(string); ok {
			items = append(items, hashOfTexts("cart", id))
		}
	}
	switch product := given.Fields["product"].(type) {
	case map[string]any:
		add(product)
	case []map[string]any:
		for _, one := range product {
			add(one)
		}
	}
	return items
}

// itemsOf reads the items of a rule's own fields.
func (g *goal) itemsOf(x *Exchange) (items []uint32) {
	for i := range g.fields {
		d := &g.fields[i]
		if d.name != "item_id" {
			continue
		}
		switch v, _, _ := d.read(x, g.decimal, &Base{}); v := v.(type) {
		case string:
			items = append(items, hashOfTexts("cart", v))
		case []string:
			for _, id := range v {
				items = append(items, hashOfTexts("cart", id))
			}
		}
	}
	return items
}

// ReasonOf is the reason of a goal that what happened before keeps from counting. It is for a
// live site.
func ReasonOf(b visit.Bar) Reason {
	switch b {
	case visit.OtherSession:
		return ReasonOtherSession
	case visit.OtherFirst:
		return ReasonCondition
	case visit.NotAfter:
		return ReasonNotAfter
	case visit.CameBefore:
		return ReasonCameBefore
	case visit.Forgotten:
		return ReasonPastForgotten
	case visit.UnknownItem:
		return ReasonCartUnknownItem
	case visit.NoBar:
	}
	return Fires
}
