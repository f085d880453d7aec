package path

import (
	"testing"
)

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
		if got := CutPrefix(test.path, test.prefix); got != test.want {
			t.Errorf("%q without %q: %q, want %q", test.path, test.prefix, got, test.want)
		}
	}
}
