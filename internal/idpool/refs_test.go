package idpool

import (
	"strconv"
	"testing"
)

// TestRefsForgetTheOldest: of too many IDs the oldest go, and a guest stays with its ID.
func TestRefsForgetTheOldest(t *testing.T) {
	r := newRefs(3)
	for i := range 8 {
		r.add(strconv.Itoa(i), "guest "+strconv.Itoa(i))
		r.add(strconv.Itoa(i), "guest "+strconv.Itoa(i)) // once more is no other
	}
	r.add("", "nobody")
	for i := range 8 {
		guest, known := r.get(strconv.Itoa(i))
		if want := i >= 5; known != want || want && guest != "guest "+strconv.Itoa(i) {
			t.Errorf("%d: %q, %v", i, guest, known)
		}
	}
	if len(r.guests) != 3 || len(r.ids) != 3 {
		t.Errorf("%d guests of %d IDs are remembered, and 3 may be", len(r.guests), len(r.ids))
	}
}
