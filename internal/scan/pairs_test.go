package scan

import (
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// inPieces reads a urlencoded body in pieces of so many bytes.
func inPieces(contentType, body string, size int, want []string) (Fields, int) {
	var p Pairs
	s, most := p.Begin(contentType, want), 0
	for piece := range slices.Chunk([]byte(body), size) {
		s.Write(piece)
		most = max(most, s.Held())
	}
	return s.Fields(), most
}

// TestPairsInPieces: wherever a body is cut into pieces, the same is read.
func TestPairsInPieces(t *testing.T) {
	long := strings.Repeat("x", maxFormValue)
	want := []string{"a", "user[email]", "first name", "long", "over", "überall", ""}
	for _, body := range []string{
		"", "&", "a", "a=", "=", "a=1", "&&a=1&&", "a=1&a=2&b=3&a=%zz", "x=1;a=2&a=1;2",
		"user%5Bemail%5D=a%40b.example&first+name=Ada+L&csrf=" + long + long,
		"long=" + long + "&over=" + long + "y&a=1", "over=" + strings.Repeat("%61", maxFormValue+1) + "&long=" + strings.Repeat("%61", maxFormValue),
		strings.Repeat("k", 5000) + "=1&a=2", "%C3%BCberall=1", "_charset_=windows-1252&%FCberall=%FC", "a=%E4&_charset_=iso-8859-1",
	} {
		whole := Form(urlEncoded, []byte(body), want)
		for size := 1; size < 20; size++ {
			got, most := inPieces(urlEncoded, body, size, want)
			if !reflect.DeepEqual(got, whole) {
				t.Fatalf("%.60q in pieces of %d: %+v, want %+v", body, size, got, whole)
			}
			if most > 4*maxPair {
				t.Errorf("%.60q in pieces of %d: %d bytes held", body, size, most)
			}
		}
	}
}

// TestPairsReset: a body that is read from the beginning again is read as the first time.
func TestPairsReset(t *testing.T) {
	var p Pairs
	s := p.Begin(urlEncoded+"; charset=iso-8859-1", []string{"a", "b"})
	s.Write([]byte("a=%E4&b=2&a=3&_charset_=utf-8&b=on"))
	s.Reset()
	s.Write([]byte("a=%E4&b=2"))
	f := s.Fields()
	for name, want := range map[string]string{"a": "ä", "b": "2"} {
		if got, _ := f.Get(name); got != want || len(f.Others(name)) > 0 {
			t.Errorf("%s is %q beside %q", name, got, f.Others(name))
		}
	}
}

// TestCharset: Latin-1 is read where somebody says that it is, and nowhere else.
func TestCharset(t *testing.T) {
	part := func(name, contentType, value string) string {
		if contentType != "" {
			contentType = "Content-Type: " + contentType + "\r\n"
		}
		return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n" + contentType + "\r\n" + value + "\r\n"
	}
	const multi = "multipart/form-data; boundary=x"
	const tooLong = "(too long)"
	for name, c := range map[string]struct{ contentType, body, want string }{
		"nobody says":                       {urlEncoded, "a=M%FCller", "M\uFFFDller"},
		"the type says":                     {urlEncoded + "; charset=ISO-8859-1", "a=M%FCller", "Müller"},
		"in quotes, among others":           {urlEncoded + `; v=1; Charset = "latin1" ; q`, "a=M%FCller", "Müller"},
		"raw bytes":                         {urlEncoded + "; charset=windows-1252", "a=M\xfcller", "Müller"},
		"what only windows-1252 has":        {urlEncoded + "; charset=iso-8859-1", "a=12%80+%84x%93", "12€ „x“"},
		"Latin-9":                           {urlEncoded + "; charset=ISO-8859-15", "a=M%FCller,+12+%A4,+%BD", "Müller, 12 €, œ"},
		"Latin-9, ASCII":                    {urlEncoded + "; charset=latin9", "a=Mueller", "Mueller"},
		"Latin-9 in the field":              {urlEncoded, "a=%A6&_charset_=iso-8859-15", "Š"},
		"Latin-9 in a part":                 {multi, part("a", "text/plain; charset=iso-8859-15", "\xbeb\xb4") + "--x--", "ŸbŽ"},
		"it says UTF-8":                     {urlEncoded + "; charset=UTF-8", "a=M%C3%BCller", "Müller"},
		"it says UTF-8, and is not":         {urlEncoded + "; charset=utf-8", "a=M%FCller", "M\uFFFDller"},
		"one that is not read":              {urlEncoded + "; charset=shift_jis", "a=M%FCller", "M\uFFFDller"},
		"it says Latin-1, and is ASCII":     {urlEncoded + "; charset=iso-8859-1", "a=Mueller", "Mueller"},
		"the field before":                  {urlEncoded, "_charset_=windows-1252&a=M%FCller", "Müller"},
		"the field behind":                  {urlEncoded, "a=M%FCller&_charset_=ISO-8859-1", "Müller"},
		"the field, empty":                  {urlEncoded, "a=M%FCller&_charset_=", "M\uFFFDller"},
		"the field says UTF-8":              {urlEncoded, "a=M%C3%BCller&_charset_=UTF-8", "Müller"},
		"the type wins over the field":      {urlEncoded + "; charset=utf-8", "a=M%C3%BCller&_charset_=iso-8859-1", "Müller"},
		"the first of two fields":           {urlEncoded, "_charset_=iso-8859-1&a=M%FCller&_charset_=utf-8", "Müller"},
		"it grows beyond the bound":         {urlEncoded + "; charset=iso-8859-1", "a=" + strings.Repeat("%FC", maxFormValue), tooLong},
		"parts, nobody says":                {multi, part("a", "", "M\xfcller") + "--x--", "M\uFFFDller"},
		"the part says":                     {multi, part("a", "text/plain; charset=iso-8859-1", "M\xfcller") + "--x--", "Müller"},
		"the part says UTF-8":               {multi, part("_charset_", "", "iso-8859-1") + part("a", "text/plain; charset=utf-8", "Müller") + "--x--", "Müller"},
		"a part in front says it":           {multi, part("_charset_", "", "iso-8859-1") + part("a", "", "M\xfcller") + "--x--", "Müller"},
		"a part behind says it":             {multi, part("a", "", "M\xfcller") + part("_charset_", "", "iso-8859-1") + "--x--", "Müller"},
		"a part says it, and one its own":   {multi, part("a", "text/plain; charset=latin1", "M\xfcller") + part("_charset_", "", "iso-8859-1") + "--x--", "Müller"},
		"a part that says it is too long":   {multi, part("_charset_", "", strings.Repeat("iso-8859-1 ", 300)) + part("a", "", "M\xfcller") + "--x--", "M\uFFFDller"},
		"multipart's own parameter is none": {multi + "; charset=iso-8859-1", part("a", "", "Müller") + "--x--", "Müller"},
	} {
		f := Form(c.contentType, []byte(c.body), []string{"a"})
		got, _ := f.Get("a")
		if f.TooLong("a") {
			got = tooLong
		}
		if got != c.want {
			t.Errorf("%s: %.40q, want %.40q", name, got, c.want)
		}
		if KindOf(c.contentType) == KindURLEncoded {
			values, _ := url.ParseQuery(c.body)
			f := Pick(c.contentType, values, []string{"a"})
			if got, _ := f.Get("a"); got != c.want && c.want != tooLong {
				t.Errorf("%s, parsed already: %.40q, want %.40q", name, got, c.want)
			}
		}
	}
}

// TestCharsetOfNames: a name with letters beyond ASCII is known in both encodings.
func TestCharsetOfNames(t *testing.T) {
	for body, want := range map[string]string{
		"%FCber=M%FCller&_charset_=iso-8859-1": "Müller",
		"%C3%BCber=M%C3%BCller":                "Müller",
		"%FCber=a":                             "a",
	} {
		f := Form(urlEncoded, []byte(body), []string{"über"})
		if got, ok := f.Get("über"); got != want || !ok {
			t.Errorf("%s: %q, %t", body, got, ok)
		}
		values, _ := url.ParseQuery(body)
		f = Pick(urlEncoded, values, []string{"über"})
		if got, ok := f.Get("über"); got != want || !ok {
			t.Errorf("%s, parsed already: %q, %t", body, got, ok)
		}
	}
	if latin := inLatin1("Złoty"); latin != "" {
		t.Errorf("what Latin-1 cannot write is %q", latin)
	}
}

// TestLatin1 goes through all 256 bytes, and back.
func TestLatin1(t *testing.T) {
	for i := range 256 {
		text := charsetLatin1.decode(string([]byte{byte(i)}))
		if i < 0x80 || i >= 0xa0 {
			if text != string(rune(i)) {
				t.Errorf("%#x is %q", i, text)
			}
		}
		if back := inLatin1(text); i >= 0x80 && back != string([]byte{byte(i)}) {
			t.Errorf("%#x comes back as %q", i, back)
		}
	}
	if n := len([]rune(latin1High)); n != 32 {
		t.Errorf("%d characters between 0x80 and 0x9f", n)
	}
}

// FuzzPairs: a body in pieces is read as the whole is.
func FuzzPairs(f *testing.F) {
	f.Add("a=1&b=2&_charset_=iso-8859-1&a=%FC", "a", "b", 3)
	f.Add("user%5Bemail%5D=a&=&&%zz=1;2", "user[email]", "", 1)
	f.Add("aa=1&aaa=2&a", "a", "aa", 2)
	f.Fuzz(func(t *testing.T, body, one, two string, size int) {
		want := []string{one, two}
		whole := Form(urlEncoded, []byte(body), want)
		got, most := inPieces(urlEncoded, body, max(1, size), want)
		if !reflect.DeepEqual(got, whole) {
			t.Errorf("%q in pieces of %d: %+v, want %+v", body, size, got, whole)
		}
		if bound := 8*(maxPair+3*(len(one)+len(two)+len(charsetField))) + len(body); most > bound {
			t.Errorf("%d bytes held", most)
		}
	})
}
