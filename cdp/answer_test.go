package cdp

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"
	"unicode/utf8"
)

// FuzzAnswer: whatever comes back, the reader does not panic, reads no more
// than it may, and comes to an outcome.
func FuzzAnswer(f *testing.F) {
	f.Add(201, `{"status":"OK","version":"1.2","client_key":"k","ref":"`+knownID+`"}`, "", "", false)
	f.Add(404, `{"status":"NOT_FOUND","error_msg":"Invalid browser reference"}`, "", "", true)
	f.Add(503, "<html>\x1b[2Jbusy\xff", "120", "", false)
	f.Add(302, "", "Mon, 23 Nov 2026 10:01:30 GMT", "http://u:p@h.example/\x7f?q#f", true)
	f.Add(200, `{"status":{"status":[1e999]},"customer":{"ref":null},"ref":[]}`, "-1", "%zz", false)
	f.Fuzz(func(t *testing.T, status int, body, after, location string, broken bool) {
		var r io.Reader = strings.NewReader(body)
		if broken {
			r = io.MultiReader(r, iotest.ErrReader(io.ErrUnexpectedEOF))
		}
		a := readAnswer(&http.Response{
			StatusCode: status, Body: io.NopCloser(r),
			Header: http.Header{"Retry-After": {after}, "Location": {location}},
		})
		o := a.outcome()
		if o < Accepted || o > Unknown {
			t.Fatalf("outcome %v", o)
		}
		if status/100 == 2 && o != Accepted && o != EventBad || status/100 != 2 && o == Accepted {
			t.Errorf("%d is %v", status, o)
		}
		if (o == BrowserUnknown) && status != 404 {
			t.Errorf("%d is %v", status, o)
		}
		e := a.fail("send event", o)
		if len(e.Message) > maxMessage || !utf8.ValidString(e.Message) || strings.ContainsFunc(e.Message, unicode.IsControl) || e.RetryAfter < 0 {
			t.Errorf("%q, %v", e.Message, e.RetryAfter)
		}
		if b, err := a.browser("show browser", o); err == nil && (!ValidBrowserID(b.ID) || o != Accepted) {
			t.Errorf("%+v", b)
		}
	})
}

func TestAnswerIsBounded(t *testing.T) {
	body := bytes.NewReader(make([]byte, 1<<20))
	a := readAnswer(&http.Response{StatusCode: http.StatusCreated, Body: io.NopCloser(body)})
	if len(a.body) != maxAnswer || body.Len() < 1<<20-2*maxAnswer {
		t.Errorf("%d bytes kept, %d left", len(a.body), body.Len())
	}
}
