package scan

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const urlEncoded = "application/x-www-form-urlencoded"

func TestURLEncoded(t *testing.T) {
	rows := []struct {
		body, name, value string
		found             bool
	}{
		{"email=a%40example.com&name=Ada+L", "email", "a@example.com", true},
		{"email=a%40example.com&name=Ada+L", "name", "Ada L", true},
		{"email=a&email=b", "email", "b", true},
		{"email=&email=b", "email", "b", true},
		{"email=b&email=", "email", "", true},
		{"optin=0&optin=1", "optin", "1", true},
		{"email", "email", "", true},
		{"", "email", "", false},
		{"&&email=a&", "email", "a", true},
		{"mail=a", "email", "", false},
		{"a=1=2", "a", "1=2", true},
		{"=x", "", "x", true},
		{"user%5Bemail%5D=a", "user[email]", "a", true},
		{"user%5bemail%5d=a", "user[email]", "a", true},
		{"first+name=a", "first name", "a", true},
		{"%65mail=a", "email", "a", true},
		{"email=a;b=1&email=c", "email", "c", true}, // as net/url since Go 1.17
		{"email=%zz&email=c", "email", "c", true},
		{"%zzmail=b&email=c", "email", "c", true},
		{"email=a%ff", "email", "a\uFFFD", true},
		{"email=" + strings.Repeat("a", maxFormValue), "email", strings.Repeat("a", maxFormValue), true},
		{"email=" + strings.Repeat("a", maxFormValue+1), "email", "", false},
		{"email=" + strings.Repeat("%61", maxFormValue), "email", strings.Repeat("a", maxFormValue), true},
	}
	for _, tt := range rows {
		value, found := formValue(urlEncoded+"; charset=utf-8", []byte(tt.body), tt.name)
		if value != tt.value || found != tt.found {
			t.Errorf("%.40q: %q is %.40q, %v; want %.40q, %v", tt.body, tt.name, value, found, tt.value, tt.found)
		}
	}
}

func TestSeveral(t *testing.T) {
	long := strings.Repeat("x", maxFormValue+1)
	body := []byte("password=hunter2&b=2&long=" + long + "&long=short&a=1")
	f := Form(urlEncoded, body, []string{"a", "b", "c", "long"})
	clear(body) // the tee wipes its buffer: values must not refer to it
	for name, want := range map[string]string{"a": "1", "b": "2"} {
		if got, ok := f.Get(name); got != want || !ok {
			t.Errorf("%s is %q, %v", name, got, ok)
		}
	}
	if _, ok := f.Get("long"); ok || !f.TooLong("long") {
		t.Error("a value over 2 KiB was not reported as too long")
	}
	for _, name := range []string{"c", "password"} {
		if got, ok := f.Get(name); ok || got != "" || f.TooLong(name) {
			t.Errorf("%s is %q, %v", name, got, ok)
		}
	}
	for _, kind := range []string{"application/json", "text/plain", ""} {
		if _, ok := formValue(kind, []byte("a=1"), "a"); ok {
			t.Errorf("found a field in %q", kind)
		}
	}
}

// TestPick: of a form that is parsed already, only what is named is taken,
// in the bounds of one that is not.
func TestPick(t *testing.T) {
	long := strings.Repeat("x", maxFormValue+1)
	f := Pick("", url.Values{"a": {"1", "2"}, "password": {"hunter2"}, "long": {long}, "fits": {long[1:]}, "bad": {"a\xff"}, "none": {}},
		[]string{"a", "long", "fits", "bad", "none", "absent"})
	for name, want := range map[string]string{"a": "2", "fits": long[1:], "bad": "a\uFFFD"} {
		if got, ok := f.Get(name); got != want || !ok {
			t.Errorf("%s is %.40q, %v", name, got, ok)
		}
	}
	for _, name := range []string{"long", "none", "absent", "password"} {
		if got, ok := f.Get(name); got != "" || ok || f.TooLong(name) != (name == "long") {
			t.Errorf("%s is %.40q, %v", name, got, ok)
		}
	}
	if f.missing != 2 || len(f.fields) != 6 {
		t.Errorf("%d of %d are missing", f.missing, len(f.fields))
	}
}

// multipartBody builds a body; a name that ends in "@" is a file.
func multipartBody(t testing.TB, pairs ...string) (contentType string, body []byte) {
	t.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for pair := range slices.Chunk(pairs, 2) {
		var err error
		if name, file := strings.CutSuffix(pair[0], "@"); file {
			var part io.Writer
			if part, err = w.CreateFormFile(name, "cv.pdf"); err == nil {
				_, err = io.WriteString(part, pair[1])
			}
		} else {
			err = w.WriteField(pair[0], pair[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), buf.Bytes()
}

func TestMultipart(t *testing.T) {
	long := strings.Repeat("x", maxFormValue+1)
	contentType, body := multipartBody(t, "email@", "a file", "email", "a@example.com", "email", "second",
		"long", long, "fits", long[1:], "bad", "a\xff\xfeb", "last", "")
	want := []string{"email", "long", "fits", "bad", "last", "absent"}
	f := Form(contentType, body, want)
	for name, value := range map[string]string{"email": "second", "fits": long[1:], "bad": "a\uFFFDb", "last": ""} {
		if got, ok := f.Get(name); got != value || !ok {
			t.Errorf("%s is %.40q, %v", name, got, ok)
		}
	}
	if _, ok := f.Get("long"); ok || !f.TooLong("long") {
		t.Error("a value over 2 KiB was not reported as too long")
	}
	if _, ok := f.Get("absent"); ok {
		t.Error("found a field that is not there")
	}

	cut := body[:bytes.Index(body, []byte("a@example"))+5]
	if got, ok := formValue(contentType, cut, "email"); ok {
		t.Errorf("half a value was taken: %q", got)
	}
	if _, ok := formValue("multipart/form-data", body, "email"); ok {
		t.Error("found a field without knowing the boundary")
	}
}

// TestDoubt: what was not seen is not absent.
func TestDoubt(t *testing.T) {
	contentType, whole := multipartBody(t, "a", "one", "b", "two")
	cut := func(at string) []byte { return whole[:bytes.Index(whole, []byte(at))+len(at)] }
	many := make([]string, 0, 2*maxFormParts+4)
	for range maxFormParts {
		many = append(many, "x", "")
	}
	full, atLimit := multipartBody(t, many...)
	over, overLimit := multipartBody(t, append(many, "a", "1")...)
	for _, tt := range []struct {
		name, contentType string
		body              []byte
		want              string // of a, b and c
	}{
		{"urlencoded", urlEncoded, []byte("a=1&b=2"), "told told told"},
		{"nothing", urlEncoded, nil, "told told told"},
		{"a value that nobody can decode", urlEncoded, []byte("a=%zz&b=2"), "broken told told"},
		{"the same, and a good one", urlEncoded, []byte("a=%zz&b=2&a=1"), "told told told"},
		{"a semicolon", urlEncoded, []byte("a=1;x=2&b=2"), "broken told told"},
		{"a field that nobody reads is broken", urlEncoded, []byte("x=%zz&y;=1&b=2"), "told told told"},
		{"multipart", contentType, whole, "told told told"},
		{"without the last boundary", contentType, cut("\r\ntwo"), "told broken broken"},
		{"cut in a name", contentType, cut(`name="b`), "told broken broken"},
		{"cut in a boundary", contentType, cut("one\r\n--"), "broken broken broken"},
		{"another boundary", "multipart/form-data; boundary=x", whole, "broken broken broken"},
		{"no boundary", "multipart/form-data", whole, "broken broken broken"},
		{"as many parts as are read", full, atLimit, "told told told"},
		{"one more", over, overLimit, "large large large"},
	} {
		f := Form(tt.contentType, tt.body, []string{"a", "b", "c"})
		words := [...]string{NoDoubt: "told", DoubtBroken: "broken", DoubtTooLarge: "large", DoubtReadOutside: "read outside"}
		got := words[f.Doubt([]string{"a"})] + " " + words[f.Doubt([]string{"b"})] + " " + words[f.Doubt([]string{"c"})]
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestMultipartParts(t *testing.T) {
	for parts, want := range map[int]bool{maxFormParts - 1: true, maxFormParts: false} {
		pairs := make([]string, 0, 2*parts+2)
		for i := range parts {
			pairs = append(pairs, fmt.Sprint("x", i), "")
		}
		contentType, body := multipartBody(t, append(pairs, "email", "a")...)
		if _, ok := formValue(contentType, body, "email"); ok != want {
			t.Errorf("behind %d parts: found %v, want %v", parts, ok, want)
		}
	}
}

// FuzzFormURLEncoded holds Form against net/url.
func FuzzFormURLEncoded(f *testing.F) {
	f.Add("email=a%40example.com&name=Ada+L&x", "email", "name")
	f.Add("user%5Bemail%5D=a&user[email]=b&=&&", "user[email]", "")
	f.Add("a=1;b=2&a=3&%zz=1&c=%f", "a", "c")
	f.Add("a=%ff%fe&b=\xff", "a", "b")
	f.Fuzz(func(t *testing.T, body, one, two string) {
		got := Form(urlEncoded, []byte(body), []string{one, two})
		values, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		for _, name := range []string{one, two} {
			want, tooLong := lastOf(values[name])
			value, found := got.Get(name)
			if value != want || found != (values.Has(name) && !tooLong) || got.TooLong(name) != tooLong {
				t.Errorf("%q in %q: %q, %v, too long %v; net/url has %q", name, body, value, found, got.TooLong(name), values[name])
			}
		}
	})
}

// FuzzFormMultipart: no body panics, and what is found is what net/http finds
// in a body it accepts.
func FuzzFormMultipart(f *testing.F) {
	f.Add("--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na@example.com\r\n--x--\r\n", "email")
	f.Add("--x\nContent-Disposition: form-data; name=email\n\n1\n--x\nContent-Disposition: form-data; name=email; filename=f\n\n2\n--x--", "email")
	f.Add("--x\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=41=\r\n--x--", "a")
	f.Fuzz(func(t *testing.T, body, name string) {
		const contentType = "multipart/form-data; boundary=x"
		got := Form(contentType, []byte(body), []string{name})
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		if err := r.ParseMultipartForm(1 << 20); err != nil {
			return
		}
		defer func() { _ = r.MultipartForm.RemoveAll() }()
		values := url.Values(r.MultipartForm.Value)
		want, _ := lastOf(values[name])
		if value, _ := got.Get(name); value != want {
			t.Errorf("%q is %q, net/http has %q", name, value, values[name])
		}
	})
}

func formBody() []byte {
	return []byte("first=Ada&last=Lovelace&email=ada%40example.com&message=" + strings.Repeat("x", 150) + "&plain=yes&csrf=abcdef")
}

func TestFormAllocs(t *testing.T) {
	body := formBody()
	if n := testing.AllocsPerRun(100, func() { formValue(urlEncoded, body, "plain") }); n > 2 {
		t.Errorf("%v allocs for one plain field, want at most 2", n)
	}
}

func BenchmarkForm(b *testing.B) {
	body := formBody()
	contentType, parts := multipartBody(b, "first", "Ada", "email", "ada@example.com", "plain", "yes")
	runs := []struct {
		name string
		scan func() bool
	}{
		{"plain", func() bool { _, ok := formValue(urlEncoded, body, "plain"); return ok }},
		{"escaped", func() bool { _, ok := formValue(urlEncoded, body, "email"); return ok }},
		{"absent", func() bool { _, ok := formValue(urlEncoded, body, "nope"); return !ok }},
		{"multipart", func() bool { _, ok := formValue(contentType, parts, "plain"); return ok }},
		{"ParseQuery", func() bool { v, err := url.ParseQuery(string(body)); return err == nil && v.Has("plain") }},
	}
	for _, run := range runs {
		b.Run(run.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !run.scan() {
					b.Fatal("not found")
				}
			}
		})
	}
}

// lastOf is what a form holds under a name that has these values.
func lastOf(values []string) (last string, tooLong bool) {
	for _, v := range values {
		last = strings.ToValidUTF8(v, "\uFFFD")
		tooLong = tooLong || max(len(v), len(last)) > maxFormValue // U+FFFD can be longer than what it stands for, or shorter
	}
	if tooLong || len(values) > maxFormValues {
		return "", true
	}
	return last, false
}

// formValue returns the last value of one field.
func formValue(contentType string, body []byte, name string) (value string, found bool) {
	return Form(contentType, body, []string{name}).Get(name)
}
