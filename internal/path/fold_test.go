package path

import "testing"

// TestFoldsTo: comparing is the same as folding and comparing.
func TestFoldsTo(t *testing.T) {
	texts := []string{"", "a", "A", "ab", "AB", "abc", "ſale", "sale", "SALE", "kelvin", "\u212Aelvin", "é", "É", "aé", "aÉx", "\xff", "a\xff", "straße", "STRASSE"}
	for _, a := range texts {
		for _, b := range texts {
			folded := string(AppendFold(nil, b))
			if got, want := foldsTo(a, folded), string(AppendFold(nil, a)) == folded; got != want {
				t.Errorf("foldsTo(%q, fold of %q) = %v, want %v", a, b, got, want)
			}
		}
	}
}
