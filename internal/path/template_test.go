package path

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"golang.org/x/text/unicode/norm"
)

// templateTest is one template and path, in the manner of gorilla/mux's own
// route tests.
type templateTest struct {
	title    string
	template string
	path     string
	vars     []string // captured, in order; nil if the path must not match
	loose    bool     // whether a regular expression is needed for a part of it
}

var templateTests = []templateTest{
	{"root", "/", "/", []string{}, false},
	{"root of an absolute-form request", "/", "", []string{}, false},
	{"root is no prefix", "/", "/a", nil, false},
	{"root once", "/", "//", nil, false},
	{"literal", "/a/b", "/a/b", []string{}, false},
	{"literal, slash at the end of the path", "/a/b", "/a/b/", []string{}, false},
	{"literal, slash at the end of the template", "/a/b/", "/a/b", []string{}, false},
	{"literal, two slashes at the end", "/a/b", "/a/b//", nil, false},
	{"literal, two slashes inside", "/a/b", "/a//b", nil, false},
	{"literal, two slashes at the beginning", "/a/b", "//a/b", nil, false},
	{"literal, case", "/A/b", "/a/B", []string{}, false},
	{"literal, longer path", "/a/b", "/a/b/c", nil, false},
	{"literal, shorter path", "/a/b", "/a", nil, false},
	{"literal, no slash", "/a/b", "a/b", nil, false},
	{"literal, special characters", "/a.b+c(d)[e]|f^$", "/a.b+c(d)[e]|f^$", []string{}, false},
	{"literal, a dot is a dot", "/a.b", "/axb", nil, false},
	{"literal, not UTF-8", "/a", "/a\xff", nil, false},
	{"literal, folded like (?i): long s", "/sale", "/ſale", []string{}, false},
	{"literal, folded like (?i): Kelvin sign", "/\u212ate", "/kte", []string{}, false},
	{"literal, folded like (?i): sigma", "/Σ", "/ς", []string{}, false},
	{"literal, sharp s is not ss", "/straße", "/strasse", nil, false},
	{"literal, dotted I is not i", "/İ", "/i", nil, false},
	{"literal, composed", "/mu\u0308nchen", "/münchen", []string{}, false},

	{"variable", "/a/{id}", "/a/1", []string{"1"}, false},
	{"variable, case kept", "/a/{id}", "/A/Bc/", []string{"Bc"}, false},
	{"variable, not empty", "/a/{id}", "/a/", nil, false},
	{"variable, one segment", "/a/{id}", "/a/1/2", nil, false},
	{"variable, first", "/{lang}/a", "/de/a", []string{"de"}, false},
	{"variable, not UTF-8", "/{x}", "/\xff\xfe", []string{"\xff\xfe"}, false},
	{"variable, line break", "/{x}", "/a\nb", []string{"a\nb"}, false},
	{"variable, dots", "/{x}/b", "/../b", []string{".."}, false},
	{"variables", "/{a}/{b}/{c-d}", "/1/2/3", []string{"1", "2", "3"}, false},
	{"pattern", "/a/{id:[0-9]+}", "/a/12", []string{"12"}, false},
	{"pattern, no match", "/a/{id:[0-9]+}", "/a/12x", nil, false},
	{"pattern, alternatives", "/{x:a|ab}/c", "/ab/c", []string{"ab"}, false},
	{"pattern, case", "/{x:abc}", "/ABC", []string{"ABC"}, false},
	{"pattern, case that matters", "/{x:(?-i)abc}", "/ABC", nil, false},
	{"pattern, folded", "/{x:[k-s]+}", "/ſ\u212a", []string{"ſ\u212a"}, false},
	{"pattern with braces", "/{x:[0-9]{2,3}}", "/123", []string{"123"}, false},
	{"pattern with a slash", "/{x:a/b}/c", "/a/b/c", []string{"a/b"}, true},
	{"pattern that could take a slash", "/a/{rest:.*}", "/a/b/c/", []string{"b/c/"}, true},
	{"pattern that may be empty", "/a/{rest:.*}", "/a/", []string{""}, true},
	{"pattern that may be empty, slash not optional", "/a/{rest:.*}", "/a", nil, true},
	{"pattern with an anchor", "/{x:^a}", "/a", nil, true},
	{"pattern with its own end", "/{x:a$}", "/a/", nil, true},
	{"pattern with a word boundary", `/{x:\ba\b}/b`, "/a/b", []string{"a"}, true},
	{"part of a segment", "/a-{x}.html", "/a-b.html", []string{"b"}, true},
	{"two in a segment", "/{a}-{b}", "/x-y-z", []string{"x-y", "z"}, true},
	{"two that touch", "/{a:x+}{b:y*}", "/xxy", []string{"xx", "y"}, true},

	{"star", "/a/*", "/a/b", []string{"b"}, false},
	{"star, not empty", "/a/*", "/a/", nil, false},
	{"star, one segment", "/a/*", "/a/b/c", nil, false},
	{"star with more", "/a/*.pdf", "/a/b.PDF", []string{"b"}, true},
	{"star with more, may be empty", "/a/*.pdf", "/a/.pdf", []string{""}, true},
	{"star inside braces", "/{x:a*b}", "/aab", []string{"aab"}, false},
	{"stars and a variable", "/*/{id}/*", "/a/b/c", []string{"a", "b", "c"}, false},
	{"two stars, none", "/a/**", "/a", []string{""}, true},
	{"two stars, slash", "/a/**", "/a/", []string{""}, true},
	{"two stars, many", "/a/**", "/A/b/c/", []string{"/b/c"}, true},
	{"two stars, not a part", "/a/**", "/ab", nil, true},
	{"two stars, no empty segments", "/a/**", "/a//b", nil, true},
	{"two stars inside", "/a/**/z", "/a/z", []string{""}, true},
	{"two stars inside, many", "/a/**/z", "/a/b/c/z", []string{"/b/c"}, true},
	{"two stars first", "/**/z", "/z", []string{""}, true},
	{"two stars first, many", "/**/z", "/a/b/z/", []string{"/a/b"}, true},
	{"two stars alone", "/**", "/", []string{""}, true},
	{"two stars alone, many", "/**", "/a/b", []string{"/a/b"}, true},
	{"two stars alone, no slash", "/**", "a", nil, true},
	{"two stars and a file", "/files/**/{file}.pdf", "/files/a/b/c.d.pdf", []string{"/a/b", "c.d"}, true},
	{"two stars twice", "/**/a/**", "/x/a/a/y", []string{"/x/a", "/y"}, true},
	{"variable before two stars", "/{lang}/a/**", "/de/a/b", []string{"de", "/b"}, true},
	{"longer than any address", "/**", "/" + strings.Repeat("a", MaxLength), nil, true},
}

func TestTemplate(t *testing.T) {
	for _, test := range templateTests {
		t.Run(test.title, func(t *testing.T) {
			tpl, err := Parse(test.template)
			if err != nil {
				t.Fatal(err)
			}
			if (tpl.tail != nil) != test.loose {
				t.Errorf("tail = %v", tpl.tail)
			}
			vars, ok := tpl.Capture(test.path, nil)
			if ok != (test.vars != nil) || ok && !slices.Equal(vars, test.vars) {
				t.Errorf("%q on %q: %q, %v; want %q", test.template, test.path, vars, ok, test.vars)
			}
			if ok && len(tpl.Names) != len(vars) {
				t.Errorf("%d names for %d values", len(tpl.Names), len(vars))
			}
			// The index finds what the template matches.
			if found := newIndex(tpl).Find(http.MethodGet, test.path, nil); (len(found) == 1) != ok {
				t.Errorf("the index found %d", len(found))
			}
		})
	}
}

func TestTemplateNames(t *testing.T) {
	for _, test := range []struct {
		text  string
		names []string
		last  string
	}{
		{"/", nil, ""},
		{"/a/b", nil, "b"},
		{"/Products/{id}", []string{"id"}, "Products"},
		{"/{a}/x/{b:[0-9]+}/*/**", []string{"a", "b", "", ""}, "x"},
		{"/*-{a}-*/y/", []string{"", "a", ""}, "y"},
		{"/{a}", []string{"a"}, ""},
	} {
		tpl, err := Parse(test.text)
		if err != nil || !slices.Equal(tpl.Names, test.names) || tpl.Last != test.last {
			t.Errorf("%s: names %q, last %q (%v)", test.text, tpl.Names, tpl.Last, err)
		}
	}
}

// wholeOf is the reference: the template as one regular expression, without
// parts or tails.
func wholeOf(t *testing.T, text string) *regexp.Regexp {
	t.Helper()
	segments, err := splitTemplate(trimEnd(text))
	if err != nil {
		t.Fatal(err)
	}
	expr, _ := translateStars(segments)
	whole, err := compileTail(expr)
	if err != nil {
		t.Fatal(err)
	}
	if expr == "/" {
		return regexp.MustCompile("^/?$")
	}
	return whole
}

// newIndex files the text of each template.
func newIndex(templates ...Template) *Index[string] {
	ix := new(Index[string])
	for _, tpl := range templates {
		ix.Add(http.MethodGet, &tpl, tpl.Text)
	}
	return ix
}

func FuzzTemplate(f *testing.F) {
	for _, test := range templateTests {
		f.Add(test.template, test.path)
	}
	for _, text := range []string{"", "a", "/{", "/}", "/{}", "/{a}{a}", "/{a:(b)}", "/{a:)(}", "/***", "/{a:[}]}", "/%41", "/?", "/{a:\\Q/}", "/{star0}*"} {
		f.Add(text, "/a")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		tpl, err := Parse(text)
		if err != nil {
			if s := err.Error(); s == "" {
				t.Errorf("%q: an error without words", text)
			}
			return
		}
		vars, ok := tpl.Capture(path, nil)
		if ok && len(vars) != len(tpl.Names) {
			t.Errorf("%q on %q: %d names, %q", text, path, len(tpl.Names), vars)
		}
		// What it means does not depend on case or on a slash at the end.
		if _, same := tpl.Capture(strings.ToUpper(path), nil); ok && isASCII(path) && isASCII(text) && !strings.Contains(text, "(?") && !same {
			t.Errorf("%q matches %q, but not in upper case", text, path)
		}
	})
}

func isASCII(s string) bool { return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0 }

// FuzzIndexAgreesWithMux: the index and the capture agree with one regular
// expression for the whole path, and with gorilla/mux's own router as far as
// its syntax goes.
func FuzzIndexAgreesWithMux(f *testing.F) {
	for _, test := range templateTests {
		f.Add(test.template, test.path)
	}
	f.Fuzz(agreesWithMux)
}

// TestTemplateAgreesWithMux does the same with templates and paths put together
// from what is likely to disagree.
func TestTemplateAgreesWithMux(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	join := func(tokens []string) string {
		var b strings.Builder
		for range r.IntN(5) {
			b.WriteString("/" + tokens[r.IntN(len(tokens))])
		}
		if b.Len() == 0 || r.IntN(5) == 0 {
			b.WriteByte('/')
		}
		return b.String()
	}
	templates := []string{"a", "b", "Ab", "ſ", "{x}", "{y}", "{y:[0-9]+}", "{z:.*}", "{z:[^a]?}", "{w:a|ab}", "{v:(?-i)Ab}", "{u:a/b}", "{s:[^b]+}", "*", "**", "a*", "*.b", "{x}-{y}", "{x}.b", ""}
	paths := []string{"a", "b", "ab", "AB", "ſ", "S", "\u212a", "k", "1", "a-b", "a-b-1", "a.b", ".", "..", "", "\xff", "a\nb", "%41"}
	matched := 0
	for range 500 {
		text := join(templates)
		for range 10 {
			path := join(paths)
			agreesWithMux(t, text, path)
			if tpl, err := Parse(text); err == nil {
				if _, ok := tpl.Capture(path, nil); ok {
					matched++
				}
			}
		}
	}
	if matched < 300 {
		t.Errorf("only %d paths matched: the test compares nothing", matched)
	}
}

func agreesWithMux(t *testing.T, text, path string) {
	tpl, err := Parse(text)
	if err != nil || strings.ContainsRune(text, '\ufffd') || !norm.NFC.IsNormalString(text) || len(path) > MaxLength {
		return
	}
	vars, ok := tpl.Capture(path, nil)
	if found := newIndex(tpl).Find(http.MethodGet, path, nil); (len(found) == 1) != ok {
		t.Errorf("%q on %q: the index found %d, the template says %v", text, path, len(found), ok)
	}
	if !ok {
		vars = nil
	}
	m := wholeOf(t, text).FindStringSubmatch(path)
	if (m != nil) != ok || ok && !slices.Equal(m[1:], vars) {
		t.Errorf("%q on %q: %q, %v; as one regular expression %q", text, path, vars, ok, m)
	}
	if want, ok := askMux(text, path); ok && !slices.Equal(want, vars) {
		t.Errorf("%q on %q: %q, mux says %q", text, path, vars, want)
	}
}

// askMux returns what a gorilla/mux route captures. Templates and paths that
// mux reads differently on purpose are not comparable: stars, case, and a slash
// at the end.
func askMux(text, path string) (vars []string, ok bool) {
	fixed := OutsideBraces(text)
	if strings.Contains(fixed, "*") || !isASCII(text+path) || strings.ToLower(fixed+path) != fixed+path ||
		!strings.HasPrefix(path, "/") || len(text) > 1 && strings.HasSuffix(text, "/") || len(path) > 1 && strings.HasSuffix(path, "/") {
		return nil, false
	}
	tpl, err := Parse(text)
	if err != nil {
		return nil, false
	}
	// Inside variables, case does not matter to a rule.
	depth := 0
	var folded strings.Builder
	for i := range len(text) {
		switch folded.WriteByte(text[i]); text[i] {
		case '{':
			depth++
		case '}':
			depth--
		case ':':
			if depth == 1 && !strings.Contains(text[strings.LastIndexByte(text[:i], '{'):i], ":") {
				folded.WriteString("(?i)")
			}
		}
	}
	route := mux.NewRouter().NewRoute().Path(folded.String())
	var match mux.RouteMatch
	if !route.Match(&http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}}, &match) {
		return nil, true
	}
	for _, name := range tpl.Names {
		vars = append(vars, match.Vars[name])
	}
	return vars, true
}
