package selector

import (
	"errors"
	"strings"
	"testing"
)

// taken is what browsers take.
var taken = []string{
	"a", "*", "#hero", ".demo", "a.demo", "#hero a.demo", "a , b", "a,b,c", "ul>li", "ul > li + li ~ li", "h1.big.red#top",
	"[href]", "[ href ]", `[href="/x"]`, `[href='/x']`, `[href^="/x" i]`, `[href$=".pdf"s]`, "[data-goal=book-demo]", "[lang|=de]", "[class~=a]", `[title*="a]b"]`, `[data-a="{\"b\":1}"]`,
	"*|a", "|a", "[*|href]", "[|href]",
	":not(a)", "a:not(.b, #c > d)", ":is(a, b) c", ":where(a)", "form:has(> input:checked)", "a:has(img)", ":has(+ p, ~ p)", "tr:nth-child(2n+1)", "li:nth-child( odd )",
	"li:nth-child(-n + 3)", "li:nth-child(+3n - 2)", "li:nth-child(2 of .a, .b)", "li:nth-last-child(even of li)", "p:nth-of-type(n)", ":nth-last-of-type(4)",
	":lang(de)", `:lang("de-*", en)`, ":dir(rtl)", "a:hover:focus-visible", "INPUT:CHECKED", ":root", "option:first-child",
	`.md\:flex`, `.w-1\/2`, `#\31 a`, `.\000031x`, "-a", "--a", "_x", ".größe", "#日本", "my-button", ".a\\.b",
	"\n a\tb ", "html body.page main > section:not([hidden]) a[href^='https://']:first-of-type",
}

// TestParse takes what browsers take.
func TestParse(t *testing.T) {
	t.Parallel()
	for _, text := range taken {
		if _, err := Parse(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// faults are texts that are no selectors.
var faults = []struct {
	text string
	at   int
	want string // the message and, in brackets, the hint
}{
	{"", 0, "the selector is empty (for example a.button)"},
	{"  ", 2, "a selector is missing (for example a.button)"},
	{"a..b", 2, "the name of a class is missing after . (for example .demo)"},
	{"a. b", 2, "a blank follows the . (write the name right behind it)"},
	{"#", 1, "the name of an ID is missing after # (for example #demo)"},
	{"div #1st", 4, `an ID that begins with a digit is not written #1st (write [id="1st"])`},
	{".2col", 0, `a class that begins with a digit is not written .2col (write [class~="2col"])`},
	{"a > > b", 4, "nothing stands between > and > (write the element between them, or * for any)"},
	{"> a", 0, "nothing stands before the > (write the element before it, or leave it out)"},
	{"a >", 3, "nothing follows the > (write the element after it, or leave it out)"},
	{"a,", 1, "nothing follows the comma (leave it out, or write another selector after it)"},
	{"a,,b", 1, "nothing follows the comma (leave it out, or write another selector after it)"},
	{",a", 0, "nothing stands before the comma (leave it out, or write a selector before it)"},
	{"a[href", 1, "the bracket [ is never closed"},
	{"a[]", 2, `the name of an attribute is missing after [ (for example [href="/contact"])`},
	{"a[href=/x]", 7, `the value /x needs quotes (write [href="/x"])`},
	{"a[href^=https://x.de i]", 8, `the value https://x.de needs quotes (write [href^="https://x.de"])`},
	{"a[href=]", 7, "nothing follows href= (write [href] if it only has to be there)"},
	{"a[b=1]", 4, `the value 1 needs quotes (write [b="1"])`},
	{`a[href="/x]`, 7, `the quote " is never closed`},
	{"a[href!='x']", 6, `!= is no operator of CSS (write :not([href="..."]))`},
	{"a[href=='x']", 6, "== is no operator of CSS (write =)"},
	{"a[b='x' z]", 8, "behind the value of an attribute stands only i or s (i for letters in any case)"},
	{"a::before", 1, "::before is a part of an element, and no element (leave it out: it belongs to the element before it)"},
	{"a:after", 1, ":after is a part of an element, and no element (leave it out: it belongs to the element before it)"},
	{"a::hover", 1, "::hover is a part of an element, and no element (write one colon, :hover)"},
	{"a:contains('x')", 1, ":contains is not a pseudo-class of CSS (a text breaks with every translation: give the element a data-goal)"},
	{"li:first", 2, ":first is not a pseudo-class of CSS (write :first-child or :first-of-type)"},
	{"li:nht-child(2)", 2, ":nht-child is not a pseudo-class that every browser knows (did you mean :nth-child?)"},
	{"li:nth-child", 2, ":nth-child needs brackets (write :nth-child(...))"},
	{"li:hover()", 2, ":hover takes no brackets (write :hover)"},
	{"li:nth-child(x)", 13, `"x" is no count (for example 2, odd, even or 3n+1)`},
	{"li:nth-child(2n + )", 13, `"2n +" is no count (for example 2, odd, even or 3n+1)`},
	{"a:not(", 6, "a selector is missing (for example a.button)"},
	{"a:not(b", 5, "the bracket ( is never closed"},
	{"a:not()", 6, "a selector is missing (for example a.button)"},
	{"a:has(b:has(c))", 12, ":has() cannot stand in :has()"},
	{"md:flex", 2, `:flex is not a pseudo-class that every browser knows (is the colon part of a class? Then write \: for it)`},
	{"a)", 1, "')' cannot stand here in a selector"},
	{"svg|a", 3, "a page has no names of namespaces (write *|a, or only a)"},
	{".a*", 2, "'*' cannot stand here in a selector (the kind of element stands first, as in a.button)"},
	{"a || b", 2, "'|' cannot stand here in a selector"},
	{`button "Book now"`, 7, `'"' cannot stand here in a selector (a text is no selector: give the element a data-goal)`},
	{"class=demo", 5, `'=' cannot stand here in a selector (an attribute stands in brackets, as [href="/contact"])`},
	{"//div[@id]", 0, "a path is no selector, and neither is XPath (write for example #hero a.button; the page stands under on:)"},
	{"<a>", 0, `a selector is no HTML (write a.button for <a class="button">)`},
	{"$('#x')", 0, "this is a call of JavaScript (write only what stands between its quotes)"},
	{"document.querySelector('a')", 0, "this is a call of JavaScript (write only what stands between its quotes)"},
	{"a {color:red}", 2, "'{' cannot stand here in a selector (write what stands before the brace)"},
	{"1a", 0, "'1' cannot stand here in a selector (no element's name begins with a digit)"},
	{"a:", 1, `the name of a pseudo-class is missing after : (for example :first-child; in the name of a class, write \: for a colon)`},
	{"#a\u200b", 0, `the selector "#a\u200b" has U+200B, which cannot be seen (type it anew, without that)`},
	{"a\x00", 0, "the selector holds characters that cannot be printed"},
	{strings.Repeat(":not(", 20) + "a" + strings.Repeat(")", 20), 45, "too many selectors stand in each other"},
	{":dir(up)", 5, "a direction is ltr or rtl (:dir(rtl))"},
	{":lang()", 6, "a language is missing (for example :lang(de))"},
}

// TestParseFaults: what is wrong has its place, its name and its cure.
func TestParseFaults(t *testing.T) {
	t.Parallel()
	for _, tt := range faults {
		_, err := Parse(tt.text)
		fault, ok := errors.AsType[*Fault](err)
		if !ok {
			t.Errorf("%q is taken", tt.text)
			continue
		}
		got := fault.Message
		if fault.Hint != "" {
			got += " (" + fault.Hint + ")"
		}
		if got != tt.want || fault.At != tt.at {
			t.Errorf("%q\n got %d: %s\nwant %d: %s", tt.text, fault.At, got, tt.at, tt.want)
		}
	}
}

// TestIsName: a bare word is a name, and nothing else.
func TestIsName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"book-demo": true, "a": true, "2": true, "A_b-9": true,
		"": false, "a b": false, "#a": false, ".a": false, "a.b": false, "ü": false, "a,": false, " a": false,
	} {
		if got := IsName(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// FuzzParse: no text makes the parser panic or run on, a fault is within the text, and
// what is taken is taken again in a list and in brackets.
func FuzzParse(f *testing.F) {
	for _, text := range taken {
		f.Add(text)
	}
	for _, fault := range faults {
		f.Add(fault.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse(text)
		if fault, ok := errors.AsType[*Fault](err); ok {
			if fault.At < 0 || fault.At > len(text) || fault.Message == "" || len(list) > 0 {
				t.Fatalf("%q: %+v", text, fault)
			}
			return
		}
		if err != nil || len(list) == 0 {
			t.Fatalf("%q: %v, %d selectors", text, err, len(list))
		}
		if len(text) > 0 && text[len(text)-1] == '\\' {
			return
		}
		if twice, err := Parse(text + " , b"); err != nil || len(twice) != len(list)+1 {
			t.Errorf("%q is taken, and not in a list: %v", text, err)
		}
	})
}
