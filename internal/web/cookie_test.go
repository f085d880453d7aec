package web

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestCookieValueByPairs holds it against a reader that takes the header apart pair by
// pair, on headers made of all that can be mistaken for something else.
func TestCookieValueByPairs(t *testing.T) {
	pieces := []string{"ab", "a", "b", "=", ";", " ", "\t", "ab=1", "ab=2", ";ab=", "; ", "x"}
	random := rand.New(rand.NewPCG(5, 6))
	found := 0
	for range 20_000 {
		h := http.Header{}
		for range 1 + random.IntN(2) {
			var line strings.Builder
			for range random.IntN(9) {
				line.WriteString(pieces[random.IntN(len(pieces))])
			}
			h.Add("Cookie", line.String())
		}
		var want, got []string
		for _, line := range h["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				if k, v, ok := strings.Cut(strings.TrimLeft(pair, " \t"), "="); ok && k == "ab" {
					want = append(want, v)
				}
			}
		}
		CookiesOf(h).Value("ab", func(v string) bool { got = append(got, v); return false })
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", h["Cookie"], got, want)
		}
		if found += len(want); len(want) > 0 && (CookiesOf(h).Value("ab", nil) != want[0] || !CookiesOf(h).Has("ab")) {
			t.Fatalf("%q: the first is not %q", h["Cookie"], want[0])
		}
	}
	if found < 5_000 {
		t.Errorf("only %d cookies in all", found)
	}
}

func TestCookieValue(t *testing.T) {
	h := http.Header{"Cookie": {"a=1; b=2;c=3 ; d", "b=4; e=\"x=y\"; =z; f="}}
	for name, want := range map[string]string{"a": "1", "b": "2", "c": "3 ", "d": "", "e": `"x=y"`, "f": "", "g": "", "": "", "A": ""} {
		if got := CookiesOf(h).Value(name, nil); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	if got := CookiesOf(h).Value("b", func(v string) bool { return v == "4" }); got != "4" {
		t.Errorf("the second b: %q", got)
	}
	if allocs := testing.AllocsPerRun(100, func() { CookiesOf(h).Value("e", nil) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
