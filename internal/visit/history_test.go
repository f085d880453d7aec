package visit

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestHistoryIsBounded: what is new takes the place of the oldest, except in a cart.
func TestHistoryIsBounded(t *testing.T) {
	v := new(Visit)
	for i := range uint32(100) {
		v.Happen(i, int64(i))
		v.Show(Variant{fmt.Sprint("c", i), strings.Repeat("é", 100)})
		if got := v.Put(i); got != (i < MaxCart) {
			t.Errorf("item %d: %t", i, got)
		}
		v.history().Pages++
	}
	h := v.History
	if len(h.Happened) != MaxHappened || h.Happened[0].Hash != 100-MaxHappened || h.Happened[MaxHappened-1] != (Happened{99, 1, 1, 99}) {
		t.Errorf("happened %+v", h.Happened)
	}
	if len(h.Shown) != MaxShown || h.Shown[0].Component != "c96" || h.Shown[3] != (Variant{"c99", strings.Repeat("é", MaxVariant/2)}) {
		t.Errorf("shown %+v", h.Shown)
	}
	if len(h.Cart) != MaxCart || !v.Put(3) || h.Pages != 100 {
		t.Errorf("%+v", h)
	}
	v.Show(Variant{"c97", "b"})
	v.Happen(81, 80)
	if last := h.Shown[3]; len(h.Shown) != MaxShown || last != (Variant{"c97", "b"}) {
		t.Errorf("shown again: %+v", h.Shown)
	}
	if last := h.Happened[MaxHappened-1]; last != (Happened{81, 2, 2, 81}) {
		t.Errorf("happened again: %+v", last)
	}
}

// TestHistoryOfTheNextSession: what is of a session ends with it.
func TestHistoryOfTheNextSession(t *testing.T) {
	v := &Visit{Start: 1, Last: 1}
	v.history().Visits, v.History.Pages = 1, 1
	v.Happen(1, 1)
	v.Show(Variant{"", "b"})
	v.Put(1)
	v.CameFirst(Origin{Known: true, Referrer: "first"}, 1, &Needs{FirstReferrer: true})
	v.CameFirst(Origin{Known: true, Referrer: "second"}, 2, &Needs{FirstReferrer: true})
	before := v.Clone()
	v.Renew(100)
	v.history().Pages++
	v.Happen(1, 100)
	got, want := fmt.Sprintf("%+v", *v.History), "{Visits:2 Pages:1 Happened:[{Hash:1 Times:2 Session:1 Last:100}] First:{Known:true UTM:[] Referrer:first} FirstAt:1 Shown:[] Cart:[] CartTurn:0 Cut:0}"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if h := before.History; h.Happened[0].Times != 1 || h.Visits != 1 {
		t.Errorf("the copy has changed: %+v", h)
	}
}

// TestHistoriesAreJoined: of the cookie and of memory, whichever knows more.
func TestHistoriesAreJoined(t *testing.T) {
	a := func() *Visit {
		v := &Visit{Start: 10, Last: 20, History: &History{Visits: 3, Pages: 2}}
		v.Happen(1, 15)
		v.Happen(2, 16)
		v.Show(Variant{"x", "1"})
		v.Put(1)
		v.CameFirst(Origin{Known: true, Referrer: "later"}, 5, &Needs{FirstReferrer: true})
		return v
	}
	b := func() *Visit {
		v := &Visit{Start: 10, Last: 21, History: &History{Visits: 2, Pages: 4}}
		v.Happen(1, 11)
		v.Happen(1, 12)
		v.Happen(3, 14)
		v.Show(Variant{"x", "0"})
		v.Show(Variant{"y", "1"})
		v.Put(1)
		v.Put(2)
		v.CameFirst(Origin{Known: true, Referrer: "first"}, 4, &Needs{FirstReferrer: true})
		return v
	}
	v := a()
	v.Absorb(b(), true)
	got, want := fmt.Sprintf("%+v", *v.History), "{Visits:3 Pages:4 Happened:[{Hash:3 Times:1 Session:1 Last:14} {Hash:1 Times:2 Session:2 Last:15} {Hash:2 Times:1 Session:1 Last:16}] First:{Known:true UTM:[] Referrer:first} FirstAt:4 Shown:[{Component:x Variant:1} {Component:y Variant:1}] Cart:[1 2] CartTurn:0 Cut:0}"
	if got != want {
		t.Errorf("the same session:\ngot  %s\nwant %s", got, want)
	}
	v = a()
	v.Absorb(b(), false)
	got, want = fmt.Sprintf("%+v", *v.History), "{Visits:3 Pages:2 Happened:[{Hash:3 Times:1 Session:0 Last:14} {Hash:1 Times:2 Session:1 Last:15} {Hash:2 Times:1 Session:1 Last:16}] First:{Known:true UTM:[] Referrer:first} FirstAt:4 Shown:[{Component:x Variant:1}] Cart:[1] CartTurn:0 Cut:0}"
	if got != want {
		t.Errorf("another session:\ngot  %s\nwant %s", got, want)
	}
	v = new(Visit)
	v.Absorb(&Visit{}, true)
	if v.History != nil {
		t.Errorf("of none: %+v", v.History)
	}
}

// TestNumberOfJoinedSession: what the cookie took for the next session may be the one that
// goes on.
func TestNumberOfJoinedSession(t *testing.T) {
	for m, want := range map[uint32]int{0: 4, 2: 4, 3: 3, 4: 4, 5: 5} {
		v := &Visit{Start: 10, Last: 20, History: &History{Visits: 3}}
		v.Renew(50)
		v.Absorb(&Visit{Start: 10, Last: 45, History: &History{Visits: m}}, true)
		if v.Number() != want || v.Start != 10 || v.Fresh {
			t.Errorf("%d: %d, %+v", m, v.Number(), v)
		}
	}
}

// TestHistoryCostsNothing to visits without one: they are shorter than in format 1.
func TestHistoryCostsNothing(t *testing.T) {
	for _, n := range []int{0, 1, 30} {
		v := &Visit{Start: 29_500_000, Last: 29_500_001}
		for i := range n {
			v.Add(Counted{PerVisitor, 0, uint32(i)}, false)
		}
		one := 1 + 4 + 1 + 6 + 4*n
		if text := v.append(nil); len(text) >= one {
			t.Errorf("%d counts take %d bytes, in format 1 %d", n, len(text), one)
		}
	}
}

// TestHistoryIsShortened where there is no room: texts first, and counts that are
// firm stay.
func TestHistoryIsShortened(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	for range 200 {
		v := &Visit{Start: 29_500_000, Last: 29_500_000}
		v.Add(Counted{PerVisitor, 0, 1}, false)
		v.History = someHistory(random, v.Start)
		whole := len(v.append(nil))
		for room := whole; room > 20; room -= 7 {
			text, firm := v.Encode(room, nil)
			got, err := decode(text, false)
			if err != nil || !firm || len(text) > room || len(got.plain) != 1 {
				t.Fatalf("room for %d: %+v, %v", room, got, err)
			}
			if h := got.History; h != nil && len(h.Happened) < len(v.History.Happened) && len(h.Shown) > 0 {
				t.Fatalf("room for %d: goals went before texts: %+v", room, h)
			}
		}
	}
}
