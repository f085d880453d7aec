package path

import (
	"regexp"
	"strings"
	"testing"
)

// TestScript: the expression for a page's script fits what the template fits, and no more
// where that can be said without a pattern that takes long.
func TestScript(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		template, want string
		fits, not      string // paths with blanks between
	}{
		{"/", `^\/?$`, "/", "/a"},
		{"/pricing", `^\/pricing\/?$`, "/pricing /Pricing/ /PRICING", "/ /pricing/a /pricings /a/pricing"},
		{"/a.b-c", `^\/a\.b-c\/?$`, "/a.b-c", "/axb-c"},
		{"/ü", `^\/ü\/?$`, "/ü /Ü", "/u"},
		{"/products/{id}", `^\/products\/[^/;]+\/?$`, "/products/7 /products/7/", "/products /products/7/8"},
		{"/products/{id:[0-9]+}", `^\/products\/(?:[0-9]+)\/?$`, "/products/7 /products/70", "/products/a /products/7a"},
		{"/p/{id:[a-z-]+}", `^\/p\/(?:[\-a-z]+)\/?$`, "/p/a-b", "/p/7"},
		{"/p/{id:(?:a|b)}", `^\/p\/(?:[a-b])\/?$`, "/p/a /p/B", "/p/c"},
		{"/p/{id:[0-9]{3}}", `^\/p\/(?:[0-9]{3})\/?$`, "/p/123", "/p/12"},
		{"/p/{id:(?:de|en)-[a-z]{2,4}}", `^\/p\/(?:(?:de|en)-[a-z]{2,4})\/?$`, "/p/de-at /p/en-abcd", "/p/fr-fr"},
		{"/p/{id:(?:ab+)+}", `^\/p\/[^/;]*\/?$`, "/p/aaaa /p/b", "/p/a/b"},
		{"/p/{id:\\pL+}", `^\/p\/[^/;]*\/?$`, "/p/ä", "/p/ä/b"},
		{"/p/{rest:.*}", `^\/p\/(?:[\s\S]*)\/?$`, "/p/a/b /p/", "/q"},
		{"/p/{rest:.+\\.pdf}", `^\/p\/(?:[\s\S]*\.pdf)\/?$`, "/p/a/b.pdf", "/p/a.doc"},
		{"/p/{rest:.*.?.}", `^\/p\/(?:[\s\S]*)\/?$`, "/p/a", "/q"},
		{"/p/{rest:(?:.?){3}}", `^\/p\/[\s\S]*\/?$`, "/p/a/b", "/q"},
		{"/p/{id:[^/]+}", "", "/p/a /p/A.b-c /p/\u00e4\U0001f600", "/p/a/b /p/"},
		{"/p/{id:[^.]+\\.pdf}", `^\/p\/(?:[\s\S]*\.pdf)\/?$`, "/p/a.pdf /p/a/b.pdf", "/p/apdf"},
		{"/p/{id:[a-z/]+}", `^\/p\/(?:[\s\S]*)\/?$`, "/p/a/b", "/q"},
		{"/p/{id:a/?b}", `^\/p\/[\s\S]*\/?$`, "/p/ab /p/a/b", "/q"},
		{"/p/{id:(?:ab|c/d)}", `^\/p\/(?:(?:ab|c\/d))\/?$`, "/p/ab /p/c/d", "/p/c /p/d"},
		{"/p/{id:(?:a|(?:bc)*)}", `^\/p\/[^/;]*\/?$`, "/p/a /p/bcbc", "/p/a/b"},
		{"/p/{id:(?:a*)*}", "", "/p/aa", "/p/a/b"},
		{"/p/{id:(?:a|bc)?}", `^\/p\/[^/;]*\/?$`, "/p/a /p/bc /p/", "/p/a/b"},
		{"/p/{id:a(?:|bc)}", `^\/p\/(?:a(?:(?:)|bc))\/?$`, "/p/a /p/abc", "/p/ab"},
		{"/p/{id:x{2,}y?}", `^\/p\/(?:x{2,}y?)\/?$`, "/p/xx /p/xxxy", "/p/x /p/xxyy"},
		{"/p/{id:x{2}}", `^\/p\/(?:x{2})\/?$`, "/p/xx", "/p/x /p/xxx"},
		{"/p/{id:(?:xy){2}}", `^\/p\/[^/;]*\/?$`, "/p/xyxy", "/p/xy/xy"},
		{"/p/{id:\\bab}", `^\/p\/[\s\S]*\/?$`, "/p/ab", "/q"},
		{"/p/{id:[:-=]+}", `^\/p\/(?:[:<-=]+)\/?$`, "/p/:<=", "/p/;"},
		{"/p/{id:(?i)[a-z]+}", "", "/p/Ab", "/p/1"},
		{"/p/{a}-{b:[0-9]+}.html", `^\/p\/[^/;]+-(?:[0-9]+)\.html\/?$`, "/p/x-7.html", "/p/x-y.html /p/x-7"},
		{"/shop/*", `^\/shop\/[^/;]+\/?$`, "/shop/tea", "/shop /shop/ /shop/a/b"},
		{"/shop/*.pdf", `^\/shop\/[^/;]*\.pdf\/?$`, "/shop/a.pdf /shop/.pdf", "/shop/apdf /shop/a/b.pdf"},
		{"/shop/**", `^\/shop(?:\/[^/;]+)*\/?$`, "/shop /shop/ /shop/a /shop/a/b", "/shops"},
		{"/**", `^(?:\/[^/;]+)*\/?$`, "/ /a /a/b", ""},
		{"/a/**/b/**/c/**/d", `^\/a(?:\/[^/;]+)*\/b(?:\/[^/;]+)*\/c[\s\S]*\/?$`, "/a/b/c/d /a/x/b/x/c/x/d", "/a/b"},
		{"/p/{x:.*a.*b}", `^\/p\/[\s\S]*\/?$`, "/p/ab", "/q"},
		{"/{x:.*}/a/{y:.*}/b/{z:.*}/c", `^\/(?:[\s\S]*)\/a\/(?:[\s\S]*)\/b\/[\s\S]*\/?$`, "/x/a/y/b/z/c", "/x/a/y"},
		{"/a/**/b", `^\/a(?:\/[^/;]+)*\/b\/?$`, "/a/b /a/x/y/b", "/a"},
	} {
		p, err := Parse(tt.template)
		if err != nil {
			t.Fatal(err)
		}
		got := p.Script()
		if tt.want != "" && got != tt.want {
			t.Errorf("%s: %s, want %s", tt.template, got, tt.want)
		}
		re := regexp.MustCompile("(?i)" + got)
		for path := range strings.FieldsSeq(tt.fits) {
			if !re.MatchString(path) {
				t.Errorf("%s: %s does not fit %s", tt.template, path, got)
			}
		}
		for path := range strings.FieldsSeq(tt.not) {
			if re.MatchString(path) {
				t.Errorf("%s: %s fits %s", tt.template, path, got)
			}
		}
	}
}

// FuzzScript: whatever a template fits, its expression fits.
func FuzzScript(f *testing.F) {
	f.Add("/a/{id:[0-9]+}/**/b*.pdf", "/a/1/x/b.pdf")
	f.Add("/{a:(?:x|yy)+}", "/xyyx")
	f.Add("/ſale", "/SALE/")
	f.Add("/p/{id:[^/]+}/{rest:[a-z/]+.?}", "/p/a.b/c/d\u2028")
	f.Add("/p/{id:[:-=]?a/*}", "/p/=a")
	f.Add("/p/{id:(?:.?){3}}", "/p/abc")
	f.Fuzz(func(t *testing.T, template, path string) {
		p, err := Parse(template)
		if err != nil || Normal(path) != path {
			return
		}
		re, err := regexp.Compile("(?i)" + p.Script())
		if err != nil {
			t.Fatalf("%q: %v", template, err)
		}
		if _, fits := p.Capture(path, nil); fits && !re.MatchString(path) {
			t.Errorf("%q fits %q, and %s does not", template, path, re)
		}
	})
}
