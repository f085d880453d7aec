package agent

import (
	"slices"
	"strings"
	"testing"
)

// TestNamesAreWell: names are in lower case, each once, say what they are, and find
// what they name.
func TestNamesAreWell(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range append(slices.Clone(names), openings...) {
		switch {
		case n.name != strings.ToLower(n.name):
			t.Errorf("%s: not in lower case", n.name)
		case seen[n.name]:
			t.Errorf("%s: twice", n.name)
		case n.is == "":
			t.Errorf("%s: what is it?", n.name)
		case !isWord(n.name[0]):
			t.Errorf("%s: it does not begin with a letter or digit, and is never found", n.name)
		}
		seen[n.name] = true
	}
	for _, n := range names {
		if Sign("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 "+n.name) == "" {
			t.Errorf("%s is not found", n.name)
		}
	}
	for _, o := range openings {
		if Sign(o.name+" 1.0 (Windows) x/1") == "" {
			t.Errorf("%s is not found at the beginning", o.name)
		}
	}
	for name := range besideDevices {
		if Sign("Mozilla/5.0 (Linux; Android 14; SM-A5; "+name+") AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36") == "" {
			t.Errorf("%s is not found beside a device", name)
		}
	}
}

// TestNamesAreNeeded: no name is in the list that a word would find.
func TestNamesAreNeeded(t *testing.T) {
	for _, n := range names {
		if besideDevices[n.name] {
			continue
		}
		var a text
		a.read("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 " + n.name + " x")
		for i := range a.words[:a.n] {
			a.words[i].name = nil
			if sign := a.sign(&a.words[i]); sign != "" {
				t.Errorf("%s: it is found without, by %q", n.name, sign)
			}
		}
	}
}

// TestWordsAreOnce: a word is of one kind.
func TestWordsAreOnce(t *testing.T) {
	kindOf := map[string]string{}
	for _, k := range kinds {
		for _, w := range k.words {
			if kindOf[w] != "" {
				t.Errorf("%s: %s, and %s", w, kindOf[w], k.kind)
			}
			kindOf[w] = k.kind
			if sign := Sign("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36 " + w); sign == "" {
				t.Errorf("%s is not found", w)
			}
		}
	}
	for _, w := range notMachines {
		if kindOf[w] != "" {
			t.Errorf("%s is a word of machines and of nobody", w)
		}
	}
}
