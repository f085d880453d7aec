package visit

import "testing"

// TestCartRoundTrip: the cart comes back from a payload, and from memory, with the mark of a
// refused CONFIRM.
func TestCartRoundTrip(t *testing.T) {
	v := &Visit{Start: 100, Last: 100}
	for i := range uint32(MaxCart) {
		if added, full := v.Carry(CartAdd, []uint32{i + 1}); len(added) != 1 || full {
			t.Fatalf("item %d: %v %v", i+1, added, full)
		}
	}
	if added, full := v.Carry(CartAdd, []uint32{1, 99}); len(added) != 0 || !full {
		t.Errorf("the cart is full, and yet %v %v", added, full)
	}
	back := func() *Visit {
		t.Helper()
		text, whole := v.Encode(1<<10, nil)
		got, err := decode(text, false)
		if err != nil || !whole {
			t.Fatalf("%v, whole %v", err, whole)
		}
		return got
	}
	if got := back(); !got.Allows(CartConfirm, []uint32{1, 20}) || got.Allows(CartConfirm, []uint32{1, 99}) || !got.Allows(CartConfirm, nil) || !got.Allows(CartCheckout, nil) {
		t.Errorf("%+v", got.History)
	}
	v.Refuse()
	v.Refuse()
	if got := back(); got.Allows(CartCheckout, nil) || len(got.History.Cart) != MaxCart || got.Allows(CartConfirm, []uint32{refusedMark}) {
		t.Errorf("%+v", got.History)
	}
	v.Carry(CartConfirm, []uint32{20})
	if got := back(); !got.Allows(CartCheckout, nil) || !got.Allows(CartConfirm, []uint32{20}) {
		t.Errorf("%+v", got.History)
	}
	v.TakeOut([]uint32{20})
	if v.Allows(CartConfirm, []uint32{20}) {
		t.Error("an item that was taken out is known")
	}
	v.Carry(CartClear, nil)
	if len(back().sectionsOfCart()) != 0 {
		t.Error("the cart is not empty")
	}
	v.Carry(CartAdd, []uint32{7})
	v.Renew(500)
	if v.Allows(CartConfirm, []uint32{7}) {
		t.Error("another session knows the cart")
	}
}

func (v *Visit) sectionsOfCart() []uint32 {
	if v.History == nil {
		return nil
	}
	return v.History.Cart
}
