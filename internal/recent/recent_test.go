package recent

import (
	"strconv"
	"testing"
)

func TestMap(t *testing.T) {
	var m Map
	for i := range 3 * Size {
		m.Put(strconv.Itoa(i), "first")
		m.Put(strconv.Itoa(i), "second")
	}
	for key, want := range map[string]string{"0": "", strconv.Itoa(2*Size - 1): "", strconv.Itoa(2 * Size): "second", strconv.Itoa(3*Size - 1): "second", "": ""} {
		if got := m.Get(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
	if len(m.texts) != Size || len(m.keys) != Size || cap(m.keys) > 4*Size {
		t.Errorf("%d and %d are kept", len(m.texts), len(m.keys))
	}
}

func TestTable(t *testing.T) {
	var table Table
	if table.Has("a") || table.Get("a") != "" {
		t.Error("an empty table has something")
	}
	table.Put("a", "b")
	if !table.Has("a") || table.Get("a") != "b" || table.Has("b") {
		t.Error("a is not b")
	}
}

func TestSet(t *testing.T) {
	s := NewSet(3)
	for _, text := range []string{"a", "b", "", "c", "a", "d"} {
		s.Add(text)
	}
	for text, want := range map[string]bool{"a": true, "b": false, "c": true, "d": true, "": false} {
		if s.Has(text) != want {
			t.Errorf("%q: %v", text, !want)
		}
	}
	if len(s.texts) != 3 || s.order.Len() != 3 {
		t.Errorf("%d and %d are kept", len(s.texts), s.order.Len())
	}
}

func TestVerdicts(t *testing.T) {
	var v Verdicts
	for i := range 10 {
		v.Add(strconv.Itoa(i), i%2 == 0, 4)
		v.Add(strconv.Itoa(i), i%3 == 0, 4)
	}
	// 6, 7, 8 and 9 are left, of which 6 and 9 are bad.
	if all, bad := v.Count(); all != 4 || bad != 2 || v.Has("5") || !v.Has("6") || len(v.order) != 4 {
		t.Errorf("%d verdicts, %d bad", all, bad)
	}
}
