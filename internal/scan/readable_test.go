package scan

import (
	"strconv"
	"strings"
	"testing"
)

func TestReadableOf(t *testing.T) {
	for _, test := range []struct {
		header []string
		want   string // "" if it stays as it is
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"gzip"}, ""},
		{[]string{"gzip, deflate, identity;q=0.1"}, ""},
		{[]string{"gzip, deflate, br, zstd"}, "gzip, deflate"},
		{[]string{"gzip, deflate", "br"}, "gzip, deflate"},
		{[]string{"br;q=1.0, gzip;q=0.8, *;q=0.1"}, "gzip;q=0.8, deflate;q=0.1, identity;q=0.1"},
		{[]string{"GZIP;Q=0.5,BR"}, "GZIP;Q=0.5"},
		{[]string{"x-gzip, compress"}, "x-gzip"},
		{[]string{"br"}, "identity"},
		{[]string{"br, identity;q=0.5"}, "identity;q=0.5"},
		{[]string{"br, identity;q=0"}, ""},
		{[]string{"br, *;q=0"}, ""},
		{[]string{"br, identity, *;q=0"}, "identity, *;q=0"},
		{[]string{"br, gzip, *;q=0"}, "gzip, *;q=0"},
		{[]string{"gzip;q=0, br"}, "gzip;q=0, identity"},
		{[]string{"gzip;q=0, identity;q=0, br"}, ""},
		{[]string{"gzip, identity;q=0, br"}, "gzip, identity;q=0"},
		{[]string{"*"}, "gzip, deflate"},
		{[]string{"*;q=0.000"}, ""},
		{[]string{"*, gzip;q=0"}, "gzip;q=0, deflate"},
		{[]string{"br, gzip;q=high"}, "gzip;q=high"},
		{[]string{", ,br,,"}, "identity"},
		{[]string{";q=1, zstd"}, "identity"},
	} {
		got, changed := Readable(test.header)
		if got != test.want || changed != (test.want != "") {
			t.Errorf("%q: %q, %t, want %q", test.header, got, changed, test.want)
		}
	}
}

// accepts is Accept-Encoding by the book (RFC 9110, section 12.5.3).
func accepts(header, coding string) bool {
	weights := map[string]float64{}
	for el := range strings.SplitSeq(strings.ToLower(header), ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(el), ";")
		name = strings.TrimPrefix(strings.TrimSpace(name), "x-")
		q := 1.0
		for p := range strings.SplitSeq(params, ";") {
			k, v, _ := strings.Cut(p, "=")
			if strings.TrimSpace(k) == "q" {
				if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
					q = f
				}
				break
			}
		}
		if before, ok := weights[name]; name != "" && (!ok || q > before) {
			weights[name] = q
		}
	}
	if q, ok := weights[coding]; ok {
		return q != 0
	}
	if q, ok := weights["*"]; ok {
		return q != 0
	}
	return coding == "identity"
}

// FuzzReadableOf: what the site is asked for can be read, and the client takes it.
func FuzzReadableOf(f *testing.F) {
	for _, header := range []string{
		"gzip, deflate, br, zstd", "br;q=1.0, gzip;q=0.8, *;q=0.1", "*", "*;q=0, br", "identity;q=0, br, *", "x-gzip;q=0, zstd",
		"gzip;q=0, deflate;q=0.0, br", "br", ",;q=0,", "*;q=0,*", "gzip;q=0,gzip",
	} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got, changed := Readable([]string{header})
		if !changed {
			return
		}
		for _, c := range []string{"br", "zstd", "compress", "dcb"} {
			if accepts(got, c) {
				t.Errorf("%q: %q accepts %s", header, got, c)
			}
		}
		some := false
		for _, c := range []string{"gzip", "deflate", "identity"} {
			if accepts(got, c) && !accepts(header, c) {
				t.Errorf("%q: %q accepts %s", header, got, c)
			}
			some = some || accepts(got, c)
		}
		if !some {
			t.Errorf("%q: %q accepts nothing", header, got)
		}
	})
}
