package visit

import (
	"slices"
	"time"
)

// CartRole is what a goal's event does to the cart of a session (doc.sitecore.com, "CONFIRM
// event": each of its items has to be added before, in the same session).
type CartRole uint8

// The roles.
const (
	NoCart       CartRole = iota
	CartAdd               // an item is added
	CartConfirm           // only items that were added
	CartCheckout          // only if what was confirmed was known
	CartClear             // it is empty again
)

// Bar is why what happened before keeps a goal from counting.
type Bar uint8

// The bars.
const (
	NoBar        Bar = iota
	OtherSession     // the goal is for other sessions of a visitor
	OtherFirst       // the visitor first came from elsewhere
	NotAfter         // what has to come before did not
	CameBefore       // what may not come before did
	Forgotten        // nobody knows whether it did: there was no room to remember it
	UnknownItem      // an item is not in the cart
)

// Bars says why the goal, whose event names these items, does not count now.
func (v *Visit) Bars(g *Goal, items []uint32, now time.Time) Bar {
	switch bar := v.tallyBars(g, Minute(now)); {
	case !g.Sessions.has(v.number()):
		return OtherSession
	case g.First != nil && !v.knowsFirst(g):
		return Forgotten
	case g.First != nil && !g.First(v.FirstOrigin()):
		return OtherFirst
	case !v.Came(g, now):
		return NotAfter
	case bar != NoBar:
		return bar
	case v.Barred(g):
		return CameBefore
	case len(g.NotAfter) > 0 && v.History.cutSince(v.Start):
		return Forgotten
	case !v.Allows(g.Cart, items):
		return UnknownItem
	}
	return NoBar
}

// refusedMark is in the cart after a CONFIRM that was not sent. No item has the hash 0; see
// [Visit.Allows].
const refusedMark = 0

// Allows reports whether an event of the cart may be sent, with the hashes of its items.
func (v *Visit) Allows(role CartRole, items []uint32) bool {
	var cart []uint32
	if v.History != nil {
		cart = v.History.Cart
	}
	switch role {
	case CartConfirm:
		return !slices.ContainsFunc(items, func(i uint32) bool { return i == refusedMark || !slices.Contains(cart, i) })
	case CartCheckout:
		return !slices.Contains(cart, refusedMark)
	case NoCart, CartAdd, CartClear:
	}
	return true
}

// Carry notes what an event that is sent does to the cart. It returns the items that are new
// there, and whether one found no room.
func (v *Visit) Carry(role CartRole, items []uint32) (added []uint32, full bool) {
	switch role {
	case CartAdd:
		for _, i := range items {
			switch {
			case v.History != nil && slices.Contains(v.History.Cart, i):
			case v.Put(i):
				added = append(added, i)
				v.History.CartTurn++
			default:
				full = true
			}
		}
	case CartConfirm:
		v.takeOut([]uint32{refusedMark})
	case CartClear:
		if v.History != nil && len(v.History.Cart) > 0 {
			v.History.Cart = nil
			v.History.CartTurn++
		}
	case NoCart, CartCheckout:
	}
	return added, full
}

// Refuse notes that a CONFIRM was not sent. In a full cart, that takes the place of the oldest.
func (v *Visit) Refuse() {
	h := v.history()
	if !slices.Contains(h.Cart, refusedMark) {
		h.Cart = newest(append(h.Cart, refusedMark), MaxCart)
		h.CartTurn++
	}
}

// TakeOut takes back what Carry added.
func (v *Visit) TakeOut(added []uint32) { v.takeOut(added) }

func (v *Visit) takeOut(items []uint32) {
	if h := v.History; h != nil {
		kept := slices.DeleteFunc(slices.Clone(h.Cart), func(i uint32) bool { return slices.Contains(items, i) })
		if len(kept) < len(h.Cart) {
			h.Cart = kept
			h.CartTurn++
		}
	}
}

// absorbCart joins two carts of one session. The one that changed more often is newer: what
// was taken out of it does not come back from the other.
func (v *Visit) absorbCart(m *History) {
	h := v.history()
	switch {
	case m.CartTurn > h.CartTurn:
		h.Cart, h.CartTurn = slices.Clone(m.Cart), m.CartTurn
	case m.CartTurn == h.CartTurn:
		for _, item := range m.Cart {
			v.Put(item)
		}
	}
}
