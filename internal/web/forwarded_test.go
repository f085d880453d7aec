package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestForwarded(t *testing.T) {
	for _, tt := range []struct {
		lines []string
		name  string
		want  []string
	}{
		{nil, "for", nil},
		{[]string{"for=192.0.2.43"}, "for", []string{"192.0.2.43"}},
		{[]string{"For=192.0.2.43;HOST=shop.example;proto=https"}, "host", []string{"shop.example"}},
		{[]string{"for=192.0.2.43, for=198.51.100.17"}, "for", []string{"192.0.2.43", "198.51.100.17"}},
		{[]string{"for=a", "for=b;host=x"}, "host", []string{"", "x"}},
		{[]string{`for="[2001:db8:cafe::17]:4711"`}, "for", []string{"[2001:db8:cafe::17]:4711"}},
		{[]string{`for="a,b;host=evil";host=good`}, "host", []string{"good"}},
		{[]string{`host="a\"b"`}, "host", []string{`a"b`}},
		{[]string{`for="never closed, host=evil`}, "host", nil},
		{[]string{`host="`}, "host", nil},
		{[]string{`host="a\"`}, "host", nil},
		{[]string{`host=evil;x=", for=192.0.2.1;host=good`}, "host", nil},
		{[]string{`host=evil;x=", for="[2001:db8::1]";host=good`}, "host", nil},
		{[]string{`host=evil;x="`, `for="[2001:db8::1]";host=good`}, "host", nil},
		{[]string{",,"}, "for", []string{"", "", ""}},
		{[]string{"for=a;for=b"}, "for", []string{"a"}},
		{[]string{"secret=x; for=b"}, "for", []string{"b"}},
		{[]string{"secret=x; for = b"}, "for", nil},
		{[]string{"for=a b"}, "for", nil},
	} {
		if got := Forwarded(http.Header{"Forwarded": tt.lines}, tt.name); !slices.Equal(got, tt.want) {
			t.Errorf("%q, %s: %q, want %q", tt.lines, tt.name, got, tt.want)
		}
	}
	many := Forwarded(http.Header{"Forwarded": {strings.Repeat("for=x,", 1000) + "for=last"}}, "for")
	if len(many) != forwardedMost || many[len(many)-1] != "last" {
		t.Errorf("%d elements, the last is %q", len(many), many[len(many)-1])
	}
}

// FuzzForwarded: a visitor may write anything; what the last proxy appended stays.
func FuzzForwarded(f *testing.F) {
	f.Add("for=192.0.2.43;host=a, for=b")
	f.Add(`for="`)
	f.Add(`\",=;`)
	f.Fuzz(func(t *testing.T, line string) {
		if got := Forwarded(http.Header{"Forwarded": {line}}, "host"); len(got) > forwardedMost {
			t.Errorf("%d elements", len(got))
		}
		for _, proxy := range []string{`for=c;host=proxy.example`, `for="[::1]:1";host="proxy.example"`} {
			for _, lines := range [][]string{{line + "," + proxy}, {line, proxy}} {
				got := Forwarded(http.Header{"Forwarded": lines}, "host")
				if len(got) > 0 && got[len(got)-1] != "proxy.example" {
					t.Errorf("the last proxy said %q", got)
				}
			}
		}
	})
}
