package scan

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"strings"
	"testing"
)

const boundaryX = "multipart/form-data; boundary=x"

// field is a part as a browser sends it.
func field(name, value string) string {
	return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" + value + "\r\n"
}

func upload(name, content string) string {
	return "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"; filename=\"cv.pdf\"\r\nContent-Type: application/pdf\r\n\r\n" + content + "\r\n"
}

// said is what is known of a and b, and what is in doubt.
func said(f Fields) string {
	var b strings.Builder
	for _, name := range []string{"a", "b"} {
		v, ok := f.Get(name)
		fmt.Fprintf(&b, "%s=%.20q %v %v %v %v; ", name, v, ok, f.TooLong(name), len(f.Others(name)), f.Doubt([]string{name}))
	}
	return b.String()
}

func partsOf(contentType string, pieces ...[]byte) (f Fields, ended bool) {
	p := NewParts(contentType, []string{"a", "b"})
	for _, piece := range pieces {
		p.Write(bytes.Clone(piece))
	}
	ended = p.Ended()
	return p.Fields(), ended
}

// TestParts: what the fields are does not depend on where the body is cut into
// pieces: at every byte, and in pieces of every length.
func TestParts(t *testing.T) {
	const one = `a="1" true false 0 0; b="" false false 0 0; `
	const both = `a="1" true false 0 0; b="2" true false 0 0; `
	const lost = `a="" false false 0 1; b="" false false 0 1; `
	form := field("a", "1") + field("b", "2") + "--x--\r\n"
	for name, tt := range map[string]struct{ contentType, body, want string }{
		"two fields":                    {boundaryX, form, both},
		"LF":                            {boundaryX, strings.ReplaceAll(form, "\r", ""), both},
		"preamble and epilogue":         {boundaryX, "This is a form.\r\n\r\n--y\r\n" + form + field("a", "9"), both},
		"a preamble without LF":         {boundaryX, strings.Repeat("x", maxPartLine) + "\r\n" + form, both},
		"a preamble of a boundary":      {boundaryX, strings.Repeat("-", 2*maxPartLine) + "--x\r\n" + form, both},
		"no end of the last line":       {boundaryX, strings.TrimSpace(form), both},
		"blanks behind boundaries":      {boundaryX, strings.NewReplacer("--x\r", "--x \t\r", "--x--\r", "--x-- \r").Replace(form), both},
		"a quoted boundary":             {`multipart/form-data; boundary="x y:z"`, strings.ReplaceAll(form, "--x", "--x y:z"), both},
		"a file before":                 {boundaryX, upload("f", "%PDF\r\n--\r\n--y\r\n-") + form, both},
		"a file between":                {boundaryX, field("a", "1") + upload("f", strings.Repeat("\r\n--", 400)) + field("b", "2") + "--x--\r\n", both},
		"a file behind":                 {boundaryX, field("a", "1") + field("b", "2") + upload("f", "\r\n--xx\r\n") + "--x--", both},
		"a file by the name of a field": {boundaryX, field("a", "1") + upload("b", "2") + "--x--", one},
		"an empty value":                {boundaryX, field("a", "") + field("a", "1") + "--x--", strings.Replace(one, "0 0", "1 0", 1)},
		"a body without a line":         {boundaryX, "--x\r\nContent-Disposition: form-data; name=b\r\n\r\n" + form, strings.Replace(both, `"2" true false 0`, `"2" true false 1`, 1)},
		"no header":                     {boundaryX, "--x\r\n\r\n1\r\n" + form, both},
		"nested":                        {boundaryX, "--x\r\nContent-Disposition: form-data; name=f\r\nContent-Type: multipart/mixed; boundary=xy\r\n\r\n--xy\r\n\r\n1\r\n--xy--\r\n" + form, both},
		"a boundary in a value":         {boundaryX, field("a", "y--x--") + field("a", "\r\n--xy") + field("a", "1") + "--x--", strings.Replace(one, "0 0", "2 0", 1)},
		"a folded header":               {boundaryX, "--x\r\nContent-Disposition: form-data;\r\n name=a\r\n\r\n1\r\n--x--", one},
		"quoted-printable":              {boundaryX, "--x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=31=\r\n\r\n--x--", one},
		"a value too long":              {boundaryX, field("a", "1") + field("b", strings.Repeat("2", maxFormValue+1)) + "--x--", strings.Replace(one, `"" false false`, `"" false true`, 1)},
		"no last boundary":              {boundaryX, field("a", "1") + field("b", "2"), `a="1" true false 0 0; b="" false false 0 1; `},
		"other words behind a boundary": {boundaryX, field("a", "1") + "--x y\r\n" + form, `a="1" true false 0 0; b="" false false 0 1; `},
		"a header that is none":         {boundaryX, field("a", "1") + "--x\r\nname=b\r\n\r\n2\r\n" + form, `a="1" true false 0 0; b="" false false 0 1; `},
		"a header without an end":       {boundaryX, field("a", "1") + "--x\r\nContent-Disposition: form-data; name=b\r\n--x--\r\n", `a="1" true false 0 0; b="" false false 0 1; `},
		"CRLF and then LF":              {boundaryX, field("a", "1\n--x\n") + "--x--", strings.Replace(one, `"1"`, `"1\n--x\n"`, 1)},
		"another boundary":              {"multipart/form-data; boundary=y", form, lost},
		"no boundary":                   {"multipart/form-data", form, lost},
		"an endless boundary":           {"multipart/form-data; boundary=" + strings.Repeat("x", maxPartLine), form, lost},
		"nothing":                       {boundaryX, "", lost},
	} {
		whole, ended := partsOf(tt.contentType, []byte(tt.body))
		if got := said(whole); got != tt.want {
			t.Errorf("%s: %s want %s", name, got, tt.want)
		}
		for cut := range len(tt.body) {
			again, end := partsOf(tt.contentType, []byte(tt.body[:cut]), []byte(tt.body[cut:]))
			if said(again) != tt.want || end != ended {
				t.Errorf("%s, cut at %d: %s, ended %v", name, cut, said(again), end)
			}
		}
		for size := 1; size < 80; size++ {
			var pieces [][]byte
			for rest := []byte(tt.body); len(rest) > 0; rest = rest[min(size, len(rest)):] {
				pieces = append(pieces, rest[:min(size, len(rest))])
			}
			if again, _ := partsOf(tt.contentType, pieces...); said(again) != tt.want {
				t.Errorf("%s, in pieces of %d: %s", name, size, said(again))
			}
		}
	}
}

// TestPartsBounds: whatever comes, little is kept, and what could not be read is
// named.
func TestPartsBounds(t *testing.T) {
	const lost = `a="" false false 0 2; b="" false false 0 2; `
	part := field("p", "1")
	for name, tt := range map[string]struct {
		before string
		times  int
		repeat string
		after  string
		want   string
	}{
		"a boundary that never comes":  {"", 3000, strings.Repeat("x", 3000), "", strings.ReplaceAll(lost, "0 2", "0 1")},
		"lines without a boundary":     {"", 3000, strings.Repeat("\r\n--", 800), "", strings.ReplaceAll(lost, "0 2", "0 1")},
		"a large file":                 {field("a", "1") + strings.TrimSuffix(upload("f", ""), "\r\n"), 3000, strings.Repeat("\r\n--y", 800), "\r\n" + field("b", "2") + "--x--\r\n", `a="1" true false 0 0; b="2" true false 0 0; `},
		"a header of 64 KiB":           {"--x\r\nContent-Disposition: form-data; name=a\r\nX: ", 64, strings.Repeat("x", 1<<10), "\r\n\r\n1\r\n" + field("b", "2") + "--x--\r\n", `a="" false false 0 2; b="2" true false 0 0; `},
		"a header of 64 KiB in lines":  {"--x\r\nContent-Disposition: form-data; name=a\r\n", 64, "X: " + strings.Repeat("x", 1<<10) + "\r\n", "\r\n1\r\n" + field("b", "2") + "--x--\r\n", `a="" false false 0 2; b="2" true false 0 0; `},
		"a header without an end":      {"--x\r\nContent-Disposition: form-data; name=a", 3000, strings.Repeat("x", 3000), "", lost},
		"10,000 parts before":          {"", 10_000, part, field("a", "1") + "--x--", lost},
		"10,000 parts behind":          {field("a", "1") + field("b", "2"), 10_000, part, "--x--", `a="1" true false 0 0; b="2" true false 0 0; `},
		"a value without an end":       {strings.TrimSuffix(field("a", ""), "\r\n"), 3000, strings.Repeat("x", 3000), "", strings.ReplaceAll(lost, "0 2", "0 1")},
		"10,000 values of a field":     {"", 10_000, field("a", ""), field("b", "2") + "--x--", `a="" true false 999 0; b="" false false 0 2; `},
		"blanks behind a boundary":     {field("a", "1") + "--x", 3000, strings.Repeat(" ", 3000), "\r\n", `a="1" true false 0 0; b="" false false 0 1; `},
		"lines of dashes in a preface": {"", 3000, "--x \n--y\n", "", lost},
	} {
		p := NewParts(boundaryX, []string{"a", "b"})
		write := func(s string) {
			p.Write([]byte(s))
			if p.Held() > 64<<10 {
				t.Fatalf("%s: %d bytes are held", name, p.Held())
			}
		}
		write(tt.before)
		for range tt.times {
			write(tt.repeat)
		}
		write(tt.after)
		if got := said(p.Fields()); got != tt.want {
			t.Errorf("%s: %s want %s", name, got, tt.want)
		}
	}
}

// TestPartsReset: a body that is read again is read as if for the first time.
func TestPartsReset(t *testing.T) {
	body := []byte(field("a", "1") + field("a", "2") + "--x--\r\n")
	for cut := range body {
		p := NewParts(boundaryX, []string{"a", "b"})
		p.Write(body[:cut])
		p.Reset()
		p.Write(body)
		if got := said(p.Fields()); got != `a="2" true false 1 0; b="" false false 0 0; ` {
			t.Errorf("cut at %d: %s", cut, got)
		}
	}
	p := NewParts("multipart/form-data", []string{"a"})
	p.Reset()
	p.Write(body)
	if f := p.Fields(); f.Doubt([]string{"a"}) != DoubtBroken {
		t.Error("a body without a boundary was read the second time")
	}
}

// TestPartsAllocs: an upload costs no memory.
func TestPartsAllocs(t *testing.T) {
	piece := bytes.Repeat([]byte("PDF\r\n--PDF"), 3200)
	p := NewParts(boundaryX, []string{"a"})
	p.Write([]byte(upload("f", "PDF")[:100]))
	p.Write(piece)
	if n := testing.AllocsPerRun(100, func() { p.Write(piece) }); n > 0 {
		t.Errorf("%v allocs for 32 KB of a file", n)
	}
}

// FuzzParts holds Parts against mime/multipart, in pieces made by chance.
func FuzzParts(f *testing.F) {
	f.Add([]byte(field("a", "1")+upload("f", "%PDF\r\n--y")+field("a", "2")+"--x--\r\n"), uint64(1))
	f.Add([]byte("--x\nContent-Disposition: form-data; name=a\n\n1\n--x--"), uint64(2))
	f.Add([]byte("preamble\r\n--x \t\r\n\r\n--x\r\nContent-Disposition: form-data; name=b\r\n\r\n\r\n--x-- \r\nepilogue"), uint64(3))
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41=\r\n--x--"), uint64(4))
	f.Add([]byte("--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x-\r\n--x -\r\n--x\r\n--x--"), uint64(5))
	f.Fuzz(func(t *testing.T, body []byte, seed uint64) {
		whole, ended := partsOf(boundaryX, body)
		dice := rand.New(rand.NewPCG(seed, 0))
		var pieces [][]byte
		for rest := body; len(rest) > 0; {
			n := 1 + dice.IntN(min(len(rest), 1+dice.IntN(1+len(rest))))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if again, end := partsOf(boundaryX, pieces...); said(again) != said(whole) || end != ended {
			t.Errorf("%q in %d pieces: %s, ended %v; whole: %s, ended %v", body, len(pieces), said(again), end, said(whole), ended)
		}
		values, parts, err := valuesOf(body)
		if err != io.EOF || //nolint:errorlint // only a bare EOF is the form's end
			parts > maxFormParts || whole.lost == DoubtTooLarge || !ended {
			return // nobody says what the form was
		}
		for _, name := range []string{"a", "b"} {
			want, tooLong := lastOf(values[name])
			got, found := whole.Get(name)
			if got != want || found != (len(values[name]) > 0 && !tooLong) || whole.TooLong(name) != tooLong || whole.Doubt([]string{name}) != NoDoubt {
				t.Errorf("%q: %s is %q, %v; mime/multipart has %q", body, name, got, found, values[name])
			}
		}
	})
}

// valuesOf is what mime/multipart makes of a body.
func valuesOf(body []byte) (values map[string][]string, parts int, err error) {
	values = map[string][]string{}
	rd := multipart.NewReader(bytes.NewReader(body), "x")
	for ; ; parts++ {
		part, err := rd.NextPart()
		if err != nil {
			return values, parts, err
		}
		value, err := io.ReadAll(part)
		if err != nil {
			return values, parts, err
		}
		if part.FileName() == "" {
			values[part.FormName()] = append(values[part.FormName()], string(value))
		}
	}
}
