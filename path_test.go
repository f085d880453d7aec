package goaltrack

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// normalPaths are addresses, decoded as net/http does, and their normal form.
var normalPaths = []struct{ path, want string }{
	{"/", "/"},
	{"", ""},
	{"*", "*"},
	{"/a", "/a"},
	{"/a/b/", "/a/b/"},
	{"/a.b/c..d/.well-known/...", "/a.b/c..d/.well-known/..."},
	{"/new york/a", "/new york/a"},
	{"/münchen", "/münchen"},
	{"/москва/чай", "/москва/чай"},
	{"/a\xff", "/a\xff"},
	{"/AT&T", "/AT&T"},

	{"/contact;jsessionid=1C22", "/contact"},
	{"/contact;jsessionid", "/contact"},
	{"/contact;", "/contact"},
	{"/contact;a=1;b=2", "/contact"},
	{"/shop;jsessionid=1/tea;v=1.1/", "/shop/tea/"},
	{"/;jsessionid=1", "/"},
	{"/shop/;jsessionid=1/tea", "/shop/tea"},
	{"/a;x=/../b", "/b"},
	{"/a/..;/b", "/b"},
	{"/a;x=\u037e", "/a"},
	{"/a\u037ejsessionid=1", "/a"},

	{"/(S(lit3py55t21z5v55vlm25s55))/contact", "/contact"},
	{"/(X(1)S(lit3py55t21z5v55vlm25s55))/shop/tea", "/shop/tea"},
	{"/shop/(A(a-b_c)F(1))", "/shop/"},
	{"/(a)/(S)/(S())/(S(a b))", "/(a)/(S)/(S())/(S(a b))"},

	{"//", "/"},
	{"//contact", "/contact"},
	{"/shop//tea", "/shop/tea"},
	{"/shop///tea//", "/shop/tea/"},
	{"/./a", "/a"},
	{"/a/.", "/a/"},
	{"/a/./b", "/a/b"},
	{"/a/..", "/"},
	{"/a/b/..", "/a/"},
	{"/../../a", "/a"},
	{"/a/../../b/", "/b/"},
	{"/..", "/"},

	{"/contact ", "/contact"},
	{"/contact \t ", "/contact"},
	{"/contact\u00a0", "/contact"},
	{"/contact\u3000\u200b", "/contact"},
	{"/contact\r\n", "/contact"},
	{"/contact /", "/contact/"},
	{"/contact ;a=1", "/contact"},
	{"/ ", "/"},
	{"/a/ /b", "/a/b"},
	{"/.. ", "/"},
	{"/ a", "/ a"},
	{"/\ufeff", "/"},

	{"/mu\u0308nchen", "/münchen"},
	{"/cafe\u0301/the\u0301", "/café/thé"},
	{"/\u212B", "/Å"},
	{"/mu\u0308nchen;a=1 ", "/münchen"},
}

func TestNormalPath(t *testing.T) {
	for _, test := range normalPaths {
		if got := normalPath(test.path); got != test.want {
			t.Errorf("%q: %q, want %q", test.path, got, test.want)
		}
	}
}

// TestNormalPathAllocs: a path that is clean already costs nothing.
func TestNormalPathAllocs(t *testing.T) {
	for _, test := range normalPaths {
		if test.path != test.want {
			continue
		}
		if n := testing.AllocsPerRun(100, func() { normalPath(test.path) }); n > 0 {
			t.Errorf("%q: %v allocations", test.path, n)
		}
	}
}

// FuzzNormalPath: the normal form is one, and the short cut for clean paths
// agrees with it.
func FuzzNormalPath(f *testing.F) {
	for _, test := range normalPaths {
		f.Add(test.path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		got := normalPath(path)
		if again := normalPath(got); again != got {
			t.Errorf("%q: %q, and of that %q", path, got, again)
		}
		if !strings.HasPrefix(path, "/") {
			return
		}
		if !strings.HasPrefix(got, "/") || strings.Contains(got, "//") || strings.Contains(got, ";") {
			t.Errorf("%q: %q", path, got)
		}
		if slow := normalize(path); slow != got {
			t.Errorf("%q: %q, and without the short cut %q", path, got, slow)
		}
	})
}

func TestCutPrefix(t *testing.T) {
	for _, test := range []struct{ path, prefix, want string }{
		{"/shop/contact", "/shop", "/contact"},
		{"/Shop/contact", "/shop", "/contact"},
		{"/shop", "/shop", "/"},
		{"/shop/", "/shop", "/"},
		{"/contact", "/shop", "/contact"},
		{"/shopping", "/shop", "/shopping"},
		{"/shop/contact", "", "/shop/contact"},
		{"/a/b/contact", "/a,/b", "/contact"},
		{"/b/contact", "/a,/b", "/contact"},
		{"/a/contact", "/a,/b", "/a/contact"},
		{"/b/contact", "/forged,/a,/b", "/contact"},
		{"/a/b/contact", "/forged,/a,/b", "/contact"},
	} {
		if got := cutPrefix(test.path, test.prefix); got != test.want {
			t.Errorf("%q without %q: %q, want %q", test.path, test.prefix, got, test.want)
		}
	}
}

// TestForwardedPrefix: the header is believed of a trusted proxy alone, and
// nonsense in it is none.
func TestForwardedPrefix(t *testing.T) {
	proxy := []netip.Prefix{netip.MustParsePrefix("192.0.2.1/32")}
	own := func(*http.Request) string { return "" }
	for _, test := range []struct {
		title  string
		lines  []string
		config Config
		want   string
	}{
		{"one", []string{"/shop"}, Config{TrustedProxies: proxy}, "/shop"},
		{"slash at the end", []string{"/shop/"}, Config{TrustedProxies: proxy}, "/shop"},
		{"no slash", []string{"shop"}, Config{TrustedProxies: proxy}, "/shop"},
		{"encoded", []string{"/m%C3%BCnchen"}, Config{TrustedProxies: proxy}, "/münchen"},
		{"two in a line", []string{"/a, /b"}, Config{TrustedProxies: proxy}, "/a,/b"},
		{"two lines", []string{"/a/", "/b"}, Config{TrustedProxies: proxy}, "/a,/b"},
		{"root", []string{"/"}, Config{TrustedProxies: proxy}, ""},
		{"empty", []string{""}, Config{TrustedProxies: proxy}, ""},
		{"an address", []string{"/a?b"}, Config{TrustedProxies: proxy}, ""},
		{"too long", []string{"/" + strings.Repeat("a", maxPrefix)}, Config{TrustedProxies: proxy}, ""},
		{"too many", []string{strings.Repeat("/a,", maxPrefixes) + "/a"}, Config{TrustedProxies: proxy}, ""},
		{"anybody", []string{"/shop"}, Config{}, ""},
		{"another proxy", []string{"/shop"}, Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, ""},
		{"set", []string{"/shop"}, Config{TrustedProxies: proxy, PathPrefix: "/set"}, "/set"},
		{"a function", []string{"/shop"}, Config{TrustedProxies: proxy, Path: own}, ""},
	} {
		t.Run(test.title, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.RemoteAddr = "192.0.2.1:1234"
			r.Header[forwardedPrefix] = test.lines
			if got := (&Tracker{config: test.config}).prefix(r); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
