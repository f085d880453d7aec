package path

import (
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
		if got := Normal(test.path); got != test.want {
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
		if n := testing.AllocsPerRun(100, func() { Normal(test.path) }); n > 0 {
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
		got := Normal(path)
		if again := Normal(got); again != got {
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
