package rule

import (
	"net/url"
	"strings"
	"testing"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

// FuzzRedirectPath: the short cut for common Locations agrees with resolving
// them by the book.
func FuzzRedirectPath(f *testing.F) {
	for _, location := range []string{
		"/thanks", "/thanks?a=b", "/thanks#x", "thanks", "../thanks", "./", "?a=b", "#x", "", "/", "//www.shop.example/x", "//evil.example/x", "/\\evil.example",
		"https://www.shop.example/x", "http://www.shop.example:81/x", "https:thanks", "mailto:a@b", "/a/../b", "/a/./b", "/a//b", "/%61", "/%2e%2e/a", "/%zz", "/a b", " /a ",
		"/a:b", "a:b", "/\x7f", "/ü", "/a?\x01", "/a?b#c", "http://[::1", "HTTP://WWW.SHOP.EXAMPLE", "http://user@www.shop.example/x", "\t/a",
	} {
		f.Add(location, "/shop/contact")
		f.Add(location, "/")
	}
	f.Fuzz(func(t *testing.T, location, path string) {
		x := &Exchange{host: "www.shop.example:8080", path: path, location: location}
		got, _, ok := x.redirectTarget()
		want, wantOK := resolve(location, path)
		if got != want || ok != wantOK {
			t.Errorf("%q from %q: %q, %v; by the book %q, %v", location, path, got, ok, want, wantOK)
		}
		x.status = 303
		if x.judgeRedirect(nil, false) == Fires && samePath(got, path) {
			t.Errorf("%q from %q leads back to the form", location, path)
		}
	})
}

// resolve is redirectTarget without its short cut.
func resolve(location, path string) (string, bool) {
	location = strings.Trim(location, " \t")
	if location == "" || len(location) > maxInput {
		return "", false
	}
	base := &url.URL{Scheme: "https", Host: "www.shop.example", Path: path}
	target, err := base.Parse(slashed(location))
	if err != nil || target.Scheme != "https" && target.Scheme != "http" || !strings.EqualFold(target.Hostname(), base.Host) {
		return "", false
	}
	return urlpath.Normal(target.Path), true
}

func TestSlashed(t *testing.T) {
	for location, want := range map[string]string{
		"/a": "/a", `\a\b`: "/a/b", `/\evil.example`: "//evil.example", `/a?b=\c`: `/a?b=\c`, `/a\b#\c`: `/a/b#\c`, "": "",
	} {
		if got := slashed(location); got != want {
			t.Errorf("%q: %q, want %q", location, got, want)
		}
	}
}

func TestSamePath(t *testing.T) {
	for _, test := range []struct {
		a, b string
		same bool
	}{
		{"/a", "/a", true}, {"/a", "/A/", true}, {"/", "", true}, {"/ſ", "/S", true}, {"/a", "/a//", false}, {"/a", "/a/b", false}, {"/a\xff", "/a\xfe", false},
	} {
		if samePath(test.a, test.b) != test.same {
			t.Errorf("%q and %q", test.a, test.b)
		}
	}
}
