package requests

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// A HAR file is what a browser saves of its network panel: one JSON object, in which
// log.entries are the requests with their answers
// (http://www.softwareishard.com/blog/har-12-spec/). It can have hundreds of megabytes,
// since the bodies of pictures and films are in it. So it is read entry by entry, and of an
// entry only what a rule can see is kept.

// These bound a HAR file: an entry with its bodies, in bytes, and what is kept of a body.
const (
	maxEntry = 64 << 20
	keptBody = scan.BodyLimit + 1 // what is longer is too long for any rule, and still is
)

// isHAR reports whether a file begins as JSON does.
func isHAR(in *bufio.Reader) bool {
	for n := 1; ; n++ {
		begin, err := in.Peek(n)
		begin = bytes.TrimLeft(bytes.TrimPrefix(begin, []byte("\ufeff")), " \t\r\n")
		switch {
		case len(begin) > 0 && (begin[0] != 0xef || len(begin) > 2):
			return begin[0] == '{'
		case err != nil:
			return false
		}
	}
}

// entry is what is read of one request. Members that are not named are skipped.
type entry struct {
	Started time.Time `json:"startedDateTime"`
	Cache   string    `json:"_fromCache"`
	Error   string    `json:"_error"`
	Request struct {
		Method   string  `json:"method"`
		URL      string  `json:"url"`
		Headers  []named `json:"headers"`
		Cookies  []named `json:"cookies"`
		PostData struct {
			MimeType string `json:"mimeType"`
			Text     string `json:"text"`
			Params   []struct {
				named
				FileName string `json:"fileName"`
			} `json:"params"`
		} `json:"postData"`
	} `json:"request"`
	Response struct {
		Status      int     `json:"status"`
		Headers     []named `json:"headers"`
		RedirectURL string  `json:"redirectURL"`
		Content     struct {
			MimeType string `json:"mimeType"`
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
		} `json:"content"`
	} `json:"response"`
}

type named struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// errNotHAR says how to make a HAR file.
var errNotHAR = errors.New("this is no HAR file: it has no log.entries; save it from the network panel of the browser's developer tools")

// readHAR reads a HAR file. Requests that are none of a web site, such as those of a
// WebSocket or of an extension, are left out.
func readHAR(r *bufio.Reader) ([]Request, error) {
	if mark, _ := r.Peek(3); string(mark) == "\ufeff" {
		_, _ = r.Discard(3)
	}
	limit := &limited{r: r}
	limit.left = maxEntry
	decoder := json.NewDecoder(limit)
	if err := enter(decoder, '{', "log"); err != nil {
		return nil, err
	}
	if err := enter(decoder, '{', "entries"); err != nil {
		return nil, err
	}
	if t, err := decoder.Token(); err != nil || t != json.Delim('[') {
		return nil, errNotHAR
	}
	var list []Request
	var first time.Time
	for n := 1; decoder.More(); n++ {
		limit.left = maxEntry
		var e entry
		if err := decoder.Decode(&e); err != nil {
			return nil, fmt.Errorf("entry %d: %w", n, inHAR(err))
		}
		request, ok, err := e.request()
		switch {
		case err != nil:
			return nil, fmt.Errorf("entry %d: %w", n, err)
		case !ok:
			continue
		case len(list) >= maxRequests:
			return nil, errTooMany
		}
		if first.IsZero() {
			first = e.Started
		}
		if !e.Started.IsZero() {
			request.After = max(e.Started.Sub(first), 0)
		}
		list = append(list, request)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, fmt.Errorf("after entry %d: %w", len(list), inHAR(err))
	}
	if len(list) == 0 {
		return nil, errors.New("there is no request to a web site in the HAR file")
	}
	return list, nil
}

// enter goes into an object as far as the value of a member.
func enter(decoder *json.Decoder, open json.Delim, member string) error {
	if t, err := decoder.Token(); err != nil || t != open {
		return errNotHAR
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return inHAR(err)
		}
		if name == member {
			return nil
		}
		if err := skip(decoder); err != nil {
			return inHAR(err)
		}
	}
	return errNotHAR
}

// skip passes a value by, without keeping it.
func skip(decoder *json.Decoder) error {
	for depth := 0; ; {
		t, err := decoder.Token()
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

// inHAR puts an error of the reader of JSON in words.
func inHAR(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the HAR file ends too early")
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("the HAR file is no JSON at byte %d: %w", syntax.Offset, err)
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s is a %s in the HAR file, which it never is", kind.Field, kind.Value)
	}
	return err
}

// limited reads so much and no more, so that one value cannot take all memory.
type limited struct {
	r    io.Reader
	left int
}

func (l *limited) Read(b []byte) (int, error) {
	if l.left <= 0 {
		return 0, fmt.Errorf("it is larger than %d MiB", maxEntry>>20)
	}
	n, err := l.r.Read(b[:min(len(b), l.left)])
	l.left -= n
	return n, err
}

// request makes an example of the entry. It is not ok if it is none of a web site.
func (e *entry) request() (r Request, ok bool, err error) {
	r.Line = shortLine(fmt.Sprintf("%s %s", e.Request.Method, e.Request.URL))
	scheme, _, _ := strings.Cut(e.Request.URL, ":")
	if scheme = strings.ToLower(scheme); scheme != "http" && scheme != "https" {
		return r, false, nil
	}
	x := &r.Example
	*x = rule.Example{Method: strings.ToUpper(e.Request.Method), Header: http.Header{}, AnswerHeader: http.Header{}, App: map[string]any{}}
	if err := x.SetURL(e.Request.URL); err != nil {
		return r, false, err
	}
	addHeaders(x.Header, e.Request.Headers)
	if host := x.Header.Get("Host"); host != "" {
		x.Host = host
	}
	if x.Header.Get("Cookie") == "" {
		for _, c := range e.Request.Cookies {
			x.Header.Add("Cookie", c.Name+"="+c.Value)
		}
	}
	e.body(x)
	switch e.answer(x); {
	case e.Cache != "":
		r.Unseen = "the browser took the answer from its own cache, so the site did not get the request"
	case e.Response.Status == 0:
		r.Unseen = strings.TrimSuffix("the recording has no answer to it: "+e.Error, ": ")
	default:
		r.Line += fmt.Sprintf(" -> %d", x.Status)
		if x.Location != "" {
			r.Line = shortLine(r.Line + " " + x.Location)
		}
	}
	return r, true, nil
}

// addHeaders adds headers, but for those that HTTP/2 writes for itself.
func addHeaders(h http.Header, list []named) {
	for _, n := range list {
		if n.Name != "" && n.Name[0] != ':' {
			h.Add(n.Name, n.Value)
		}
	}
}

// body takes over the body of the request.
func (e *entry) body(x *rule.Example) {
	data := &e.Request.PostData
	contentType := x.Header.Get("Content-Type")
	if contentType == "" {
		contentType = data.MimeType
	}
	if data.Text != "" {
		setBody(x, contentType, strings.Clone(data.Text[:min(len(data.Text), keeps(contentType))]))
	}
	if len(x.Form) > 0 || x.JSON != "" || len(data.Params) == 0 {
		return
	}
	x.Form = url.Values{} // of a browser that saves the fields only
	for _, p := range data.Params {
		if p.FileName == "" {
			x.Form.Add(unescaped(p.Name, contentType), unescaped(p.Value, contentType))
		}
	}
	if x.Header.Get("Content-Type") == "" && contentType != "" {
		x.Header.Set("Content-Type", contentType)
	}
}

// keeps is how much of a body of that type is kept. A form is read to its end, since only
// its fields are kept on a site.
func keeps(contentType string) int {
	switch scan.KindOf(contentType) {
	case scan.KindURLEncoded, scan.KindMultipart:
		return maxEntry
	case scan.KindNone, scan.KindJSON, scan.KindText:
	}
	return keptBody
}

// unescaped is a field as it was typed. Browsers save the fields of a plain form as they
// were sent.
func unescaped(text, contentType string) string {
	if scan.KindOf(contentType) != scan.KindURLEncoded {
		return text
	}
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	return text
}

// answer takes over the answer.
func (e *entry) answer(x *rule.Example) {
	x.Status = e.Response.Status
	addHeaders(x.AnswerHeader, e.Response.Headers)
	if x.Location = x.AnswerHeader.Get("Location"); x.Location == "" {
		x.Location = e.Response.RedirectURL
	}
	content := &e.Response.Content
	x.ContentType = cmp.Or(x.AnswerHeader.Get("Content-Type"), content.MimeType)
	if x.ContentType == "" && scan.HasBody(x.Status) && !web.IsRedirect(x.Status) {
		x.ContentType = "x-unknown" // as Chrome has it, and not what an example would take
	}
	text := content.Text
	if strings.EqualFold(content.Encoding, "base64") {
		plain, err := base64.StdEncoding.DecodeString(text[:min(len(text), 2*keptBody/4*4)])
		if err != nil {
			return
		}
		text = string(plain)
	}
	if begin := strings.TrimLeft(text, " \t\r\n"); scan.KindOf(x.ContentType) == scan.KindJSON || strings.HasPrefix(begin, "{") {
		x.AnswerJSON = strings.Clone(text[:min(len(text), keptBody)])
	}
}
