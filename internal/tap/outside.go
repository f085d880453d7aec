package tap

import (
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"

	"github.com/goaltrack/goaltrack/internal/scan"
)

// sentLength returns the length of the body as it came: 0 if there was none, -1
// if it is not known. Code that read the body may have set ContentLength to the
// length of the rest. The header still has the first value.
func sentLength(r *http.Request) int64 {
	switch {
	case r.ContentLength != 0:
		return r.ContentLength
	case len(r.TransferEncoding) > 0:
		return -1
	}
	n, err := strconv.ParseInt(r.Header.Get("Content-Length"), 10, 64)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// byReader is what http.Request.MultipartReader leaves in MultipartForm. It
// means that the form was read part by part and is not kept there.
var byReader = func() *multipart.Form {
	r := http.Request{Header: http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}, Body: http.NoBody}
	_, _ = r.MultipartReader()
	return r.MultipartForm
}()

// ParsedForm returns the form that something outside has parsed, nil if there
// is none. If net/http cannot read a form, it leaves an empty PostForm and no
// MultipartForm. These are no evidence of a form, and neither is a form made of
// compressed bytes.
func ParsedForm(r *http.Request, kind scan.Kind) *multipart.Form {
	form := r.MultipartForm
	switch {
	case scan.IsEncoded(r.Header) || kind != scan.KindURLEncoded && kind != scan.KindMultipart:
		return nil
	case kind == scan.KindMultipart && form != nil && form != byReader:
		return form
	case len(r.PostForm) > 0:
		return &multipart.Form{Value: r.PostForm}
	}
	return nil
}

// readOutside reports whether something outside has begun to read the body of
// r, as far as that can be seen.
func readOutside(r *http.Request, kind scan.Kind) bool {
	return r.ContentLength == 0 || // of a body that has come; see sentLength
		r.MultipartForm == byReader || kind == scan.KindURLEncoded && r.PostForm != nil &&
		slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, r.Method)
}

// IsWhole reports whether a form that something outside has parsed accounts for
// all of the body as it came. If the length of the body is not known, it may
// have held more, so the result is false.
func IsWhole(r *http.Request, form *multipart.Form) bool {
	n := sentLength(r)
	return n > 0 && n <= sizeOf(form, r.Header.Get("Content-Type"))
}

// sizeOf returns how long a body can be that holds only this form, as browsers
// write it. If more bytes came, fields are missing: a parser gets a part of the
// form, and no error, if something else has cut the body.
func sizeOf(form *multipart.Form, contentType string) (n int64) {
	if scan.KindOf(contentType) == scan.KindURLEncoded {
		for name, values := range form.Value {
			for _, v := range values {
				n += maxEscaped(name) + int64(len("="+"&")) + maxEscaped(v)
			}
		}
		return n
	}
	_, params, _ := mime.ParseMediaType(contentType)
	line := int64(len("--" + params["boundary"] + "\r\n"))
	for name, values := range form.Value {
		for _, v := range values {
			n += line + int64(len("Content-Disposition: form-data; name=\"\"\r\n"+"\r\n"+"\r\n")+len(name)+len(v))
		}
	}
	for _, files := range form.File {
		for _, f := range files {
			n += line + int64(len("\r\n"+"\r\n")) + f.Size
			for name, values := range f.Header {
				for _, v := range values {
					n += int64(len(name + ": " + v + "\r\n"))
				}
			}
		}
	}
	return n + line + int64(len("--"+"\r\n"))
}

// maxEscaped returns the most bytes that a text takes in a urlencoded form.
// Characters that no encoder escapes take one byte (RFC 3986, section 2.3,
// except ~).
func maxEscaped(s string) int64 {
	n := len(s)
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '-' && c != '.' && c != '_' {
			n += len("%XX") - 1
		}
	}
	return int64(n)
}
