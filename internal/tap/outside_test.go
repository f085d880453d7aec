package tap

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/scan"
)

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
		contentType, kind := urlEncoded, scan.KindURLEncoded
		if isMultipart {
			contentType, kind = "multipart/form-data; boundary=x", scan.KindMultipart
		}
		want := []string{"a", "b"}
		seen := scan.Form(contentType, []byte(body), want)
		r := formPost(contentType, body)
		r.Method = http.MethodPost
		_ = r.FormValue("a")
		form := ParsedForm(r, kind)
		if form == nil {
			return
		}
		found := scan.Pick(contentType, form.Value, want)
		for _, name := range want {
			a, isA := seen.Get(name)
			b, isB := found.Get(name)
			longA, longB := seen.TooLong(name), found.TooLong(name)
			if (isA || longA) && (a != b || isA != isB || longA != longB) {
				t.Errorf("%s of %q is %q, parsed %q", name, body, a, b)
			}
			if (isB || longB) && !isA && !longA && seen.Doubt([]string{name}) == scan.NoDoubt {
				t.Errorf("%s of %q is absent, parsed %q", name, body, b)
			}
		}
	})
}
