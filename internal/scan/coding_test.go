package scan

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestCodingsOf(t *testing.T) {
	gz, df := codingGzip, codingDeflate
	for _, test := range []struct {
		header  []string
		want    []coding
		unknown string
	}{
		{nil, nil, ""},
		{[]string{""}, nil, ""},
		{[]string{"identity"}, nil, ""},
		{[]string{" GZip "}, []coding{gz}, ""},
		{[]string{"deflate, gzip"}, []coding{df, gz}, ""},
		{[]string{"deflate", "x-gzip,,identity"}, []coding{df, gz}, ""},
		{[]string{"br"}, nil, "br"},
		{[]string{"gzip, br, zstd"}, nil, "br"},
		{[]string{"gzip;q=1"}, nil, "gzip;q=1"},
		{[]string{"gzip,gzip,gzip,gzip"}, []coding{gz, gz, gz, gz}, ""},
		{[]string{"gzip,gzip,gzip,gzip,gzip"}, nil, "gzip"},
	} {
		if got, unknown := codingsOf(test.header); !slices.Equal(got, test.want) || unknown != test.unknown {
			t.Errorf("%q: %v, %q", test.header, got, unknown)
		}
	}
}

// FuzzUnpack: whatever an answer holds, unpacking it ends, is bounded, and gives
// either all that the standard library's readers give, or a reason.
func FuzzUnpack(f *testing.F) {
	pack := func(text string) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		return b.Bytes()
	}
	f.Add(pack(`{"ok":true}`), true)
	f.Add(pack(""), true)
	f.Add(pack(strings.Repeat("x", AnswerLimit+1)), true)
	f.Add(pack(`{"ok":true}`)[:15], true)
	f.Add([]byte{0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01}, false)
	f.Add([]byte{0x03, 0x00}, false)
	f.Add([]byte("x\x01"), false)
	f.Fuzz(func(t *testing.T, body []byte, isGzip bool) {
		c := codingDeflate
		if isGzip {
			c = codingGzip
		}
		text, why := c.unpack(body)
		if len(text) > AnswerLimit || why != "" && text != nil || why != "" && why != broken && why != tooLong {
			t.Fatalf("%d bytes, %q", len(text), why)
		}
		if why != "" {
			return
		}
		var want []byte
		if isGzip {
			r, err := gzip.NewReader(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			want, _ = io.ReadAll(r)
		} else if r, err := zlib.NewReader(bytes.NewReader(body)); err == nil {
			if plain, err := io.ReadAll(r); err == nil {
				want = plain
			} else {
				return // it was a bare stream that looks like zlib's
			}
		} else {
			return
		}
		if !bytes.Equal(text, want) {
			t.Errorf("%q, want %q", text, want)
		}
	})
}
