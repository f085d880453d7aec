package selector

import "testing"

// TestMatch: a selector fits an element as far as the element is described.
func TestMatch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		selector, element string
		matches, closest  bool
	}{
		{"a.demo", "#hero a.demo", true, true},
		{"#hero a.demo", "#hero a.demo", true, true},
		{"#hero .demo", "#hero div a.demo.big", true, true},
		{"#hero > a", "#hero > a.demo", true, true},
		{"#hero > a", "#hero a.demo", false, false},
		{"#hero", "#hero a.demo", false, true},
		{"a.demo", "a", false, false},
		{"A", "a", true, true},
		{"a, button", "button", true, true},
		{"*", "p", true, true},
		{"b a", "a", false, false},
		{`a[href^="tel:"]`, `a[href="tel:+49"]`, true, true},
		{`a[href^="tel:"]`, `a`, false, false},
		{`[href$=".PDF" i]`, `a[href="/x.pdf"]`, true, true},
		{`[href$=".PDF"]`, `a[href="/x.pdf"]`, false, false},
		{`[class~="b"]`, "a.a.b", true, true},
		{`.b`, `a.a[class="b"]`, true, true},
		{`[id="x"]`, "#x", true, true},
		{"#x", `[id="x"]`, true, true},
		{`[lang|="de"]`, `p[lang="de-AT"]`, true, true},
		{`[title*=""]`, `p[title="a"]`, false, false},
		{"a[data-goal]", "a[data-goal=book]", true, true},
		{":is(a, button).big", "button.big", true, true},
		{"a:not(.small)", "a.big", true, true},
		{"a:not(.small)", "a.small", false, false},
		{"a:not(:first-child)", "a", false, false},
		{"a:first-child", "a", false, false},
		{"a:has(img)", "a", false, false},
		{"h1 + a", "h1 a", false, false},
		{"main section a", "main article section p a", true, true},
		{"main section > p", "main section > p", true, true},
		{"form", "#contact form input", false, true},
	} {
		list, err := Parse(tt.selector)
		if err != nil {
			t.Fatal(err)
		}
		described, err := Parse(tt.element)
		if err != nil {
			t.Fatal(err)
		}
		e, ok := Describe(described)
		if !ok {
			t.Fatalf("%s describes no element", tt.element)
		}
		if got := list.Matches(e); got != tt.matches {
			t.Errorf("%s matches %s: %v", tt.selector, tt.element, got)
		}
		if got := list.Closest(e); got != tt.closest {
			t.Errorf("%s is around %s: %v", tt.selector, tt.element, got)
		}
	}
	for _, text := range []string{"a, b", "a:hover", "a + b", "a ~ b", `a[href^="x"]`} {
		list, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := Describe(list); ok {
			t.Errorf("%s describes an element", text)
		}
	}
}
