package goaltrack

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
)

// TestPickFields: of a form that is parsed already, only what is named is taken,
// in the bounds of one that is not.
func TestPickFields(t *testing.T) {
	long := strings.Repeat("x", maxFormValue+1)
	f := pickFields(url.Values{"a": {"1", "2"}, "password": {"hunter2"}, "long": {long}, "fits": {long[1:]}, "bad": {"a\xff"}, "none": {}},
		[]string{"a", "long", "fits", "bad", "none", "absent"})
	for name, want := range map[string]string{"a": "1", "fits": long[1:], "bad": "a\uFFFD"} {
		if got, ok := f.get(name); got != want || !ok {
			t.Errorf("%s is %.40q, %v", name, got, ok)
		}
	}
	for _, name := range []string{"long", "none", "absent", "password"} {
		if got, ok := f.get(name); got != "" || ok || f.tooLong(name) != (name == "long") {
			t.Errorf("%s is %.40q, %v", name, got, ok)
		}
	}
	if f.missing != 2 || len(f.fields) != 6 {
		t.Errorf("%d of %d are missing", f.missing, len(f.fields))
	}
}

// TestSizeOf: what browsers send accounts for all its bytes once it is parsed, and
// a form of which a field is gone does not.
func TestSizeOf(t *testing.T) {
	fields := []string{"topic", "sales & más", "website", "", "a[b]", "x y", `say "hi"`, "line\r\nline"}
	values := url.Values{}
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	must(nil, w.SetBoundary("----WebKitFormBoundary0123456789abcdef"))
	for i := 0; i < len(fields); i += 2 {
		values.Add(fields[i], fields[i+1])
		must(nil, w.WriteField(fields[i], fields[i+1]))
	}
	file, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {`form-data; name="cv"; filename="my cv.pdf"`}, "Content-Type": {"application/pdf"},
	})
	must(nil, err)
	must(file.Write(make([]byte, 100_000)))
	must(nil, w.Close())
	percent := strings.ReplaceAll(values.Encode(), "+", "%20") // as encodeURIComponent writes
	for name, body := range map[string][2]string{
		"urlencoded":    {urlEncoded, values.Encode()},
		"in percent":    {urlEncoded, percent},
		"in plain text": {urlEncoded, "topic=sales&website=&a=x@y.z"},
		"ending in &":   {urlEncoded, values.Encode() + "&"},
		"multipart":     {w.FormDataContentType(), parts.String()},
		"no parts":      {w.FormDataContentType(), "------WebKitFormBoundary0123456789abcdef--\r\n"},
	} {
		r := formPost(body[0], body[1])
		_ = r.FormValue("")
		form := &multipart.Form{Value: r.PostForm}
		if r.MultipartForm != nil {
			form = r.MultipartForm
		}
		size := sizeOf(form, body[0])
		if size < int64(len(body[1])) {
			t.Errorf("%s: %d bytes are accounted for, %d came", name, size, len(body[1]))
		}
		if len(form.Value) == 0 {
			continue
		}
		delete(form.Value, "topic")
		if size := sizeOf(form, body[0]); name != "in percent" && name != "urlencoded" && size >= int64(len(body[1])) {
			t.Errorf("%s: without the topic, %d bytes are accounted for, %d came", name, size, len(body[1]))
		}
	}
}

// FuzzParsedForm: a field has the same value whether goaltrack reads it of the
// body or finds it parsed.
func FuzzParsedForm(f *testing.F) {
	f.Add("a=1&b=%20+x&c", false)
	f.Add("a=1;b=2&b=%zz&b=3&a=%ff", false)
	f.Add("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name=\"b\"; filename=\"b\"\r\n\r\n2\r\n--x--\r\n", true)
	f.Add("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name=\"b", true)
	f.Fuzz(func(t *testing.T, body string, isMultipart bool) {
		contentType, kind := urlEncoded, formKindURLEncoded
		if isMultipart {
			contentType, kind = "multipart/form-data; boundary=x", formKindMultipart
		}
		want := []string{"a", "b"}
		seen := scanForm(contentType, []byte(body), want)
		r := formPost(contentType, body)
		r.Method = http.MethodPost
		_ = r.FormValue("a")
		form := parsedForm(r, kind)
		if form == nil {
			return
		}
		found := pickFields(form.Value, want)
		for i, name := range want {
			a, b := seen.fields[i], found.fields[i]
			if a.known() && (a != b) {
				t.Errorf("%s of %q is %+v, parsed %+v", name, body, a, b)
			}
			if b.known() && !a.known() && seen.unknown([]string{name}) == fires {
				t.Errorf("%s of %q is absent, parsed %+v", name, body, b)
			}
		}
	})
}
