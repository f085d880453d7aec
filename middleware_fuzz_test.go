package goaltrack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
)

const fuzzRules = `
version: 1
cookies: staff
goals:
  - { goal: ANY_VISITED, visit: '/**', data: { q: $query.q, ref: $header.x-ref } }
  - { goal: ID_VISITED, visit: '/a/{id:[0-9]+}', value: 2, data: { id: $path.id } }
  - { goal: FORM_SENT, submit: '/**', if: { form.email: present }, unless: { cookie.staff: present }, bots: count, data: { topic: $form.topic, type: $response.header.content-type } }
  - { goal: ORDER_PLACED, submit: '/{a}', success: 'redirect to /orders/{orderId}', value: { from: $form.total, currency: EUR, max: 100 }, data: { orderId: $redirect.orderId } }
  - { goal: JSON_SAID, submit: '/{a}', success: { response.json.ok: true }, unless: { response.json.errors: present }, data: { id: $response.json.id } }
  - { goal: FORM_TYPED, submit: '/{a}/{b}', success: 2xx, if: { response.type: text/html, route: present } }
  - { goal: FILE_TAKEN, download: '/**/{file}.pdf', data: { file: $path.file } }
`

// FuzzRequest sends arbitrary requests through the whole middleware, to a
// handler that answers anything. The answer is the handler's own but for the
// differences allowed, nothing panics, and the account balances.
func FuzzRequest(f *testing.F) {
	const between = "\x1e"
	// A request: method, path, query, three header fields and the body. An answer: Location
	// and body.
	joined := func(parts ...string) string { return strings.Join(parts, between) }
	parted := func(text string, n int) []string {
		parts := strings.SplitN(text, between, n)
		return append(parts, make([]string, n-len(parts))...)
	}
	f.Add(joined("GET", "/a/42", "q=x", "text/html", "sc_cid="+oldID, "", ""), uint16(200), joined("", "<html>"), false)
	f.Add(joined("POST", "/checkout", "", "", "", "application/x-www-form-urlencoded", "email=a&total=5"), uint16(303), joined("/orders/A-1", ""), false)
	f.Add(joined("POST", "/a/b", "", "", "sc_cid=undefined", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"email\"\r\n\r\na\r\n--x--"), uint16(201), joined("", "ok"), false)
	f.Add(joined("POST", "/a", "", "", "", "application/x-www-form-urlencoded", "a=b"), uint16(200), joined("", `{"ok":true,"id":7}`), false)
	f.Add(joined("GET", "/files/x.pdf", "", "", "", "", ""), uint16(206), joined("", "%PDF"), true)
	f.Add(joined("GET", "//a/../b%00", "%zz;&q=%", "text/html", "sc_rid="+oldID, "", ""), uint16(304), joined("//other.example", ""), false)
	f.Add(joined("BREW", "*", "", "text/html", "gt_optout=1", "application/json", "{"), uint16(418), joined("http://[::1", "x"), true)

	tracker := fuzzTracker(f, false)
	dry := fuzzTracker(f, true)
	f.Fuzz(func(t *testing.T, asked string, status uint16, answered string, isDry bool) {
		in, out := parted(asked, 7), parted(answered, 2)
		method, path, query, accept, cookie, contentType, body := in[0], in[1], in[2], in[3], in[4], in[5], in[6]
		location, answer := out[0], out[1]
		code := int(status)%500 + 100 // 100 to 599
		if code < 200 {
			code += 100
		}
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = r.FormValue("email")
			rest, err := io.ReadAll(r.Body)
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.Header().Set("X-Form", fmt.Sprint(r.PostForm, len(rest), err))
			w.Header().Add("Set-Cookie", "theirs=1")
			w.WriteHeader(code)
			_, _ = io.WriteString(w, answer)
		})
		request := func() *http.Request {
			r := &http.Request{
				Method: method, URL: &url.URL{Path: path, RawQuery: query}, Host: "localhost", Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
				Header:        http.Header{"User-Agent": {"Mozilla/5.0 Firefox/140.0"}, "Cookie": {cookie}, "X-Ref": {query}, "Referer": {location}},
				Body:          io.NopCloser(strings.NewReader(body)),
				ContentLength: int64(len(body)), RemoteAddr: "192.0.2.1:1234", RequestURI: path,
			}
			for name, value := range map[string]string{"Accept": accept, "Content-Type": contentType} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			return r.WithContext(t.Context())
		}
		tr := tracker
		if isDry {
			tr = dry
		}
		want, got := httptest.NewRecorder(), httptest.NewRecorder()
		handler.ServeHTTP(want, request())
		tr.Handler(handler).ServeHTTP(got, request())

		if got.Code != want.Code || !bytes.Equal(got.Body.Bytes(), want.Body.Bytes()) {
			t.Errorf("%d %q, alone %d %q", got.Code, got.Body, want.Code, want.Body)
		}
		sameHeader(t, want.Result().Header, got.Result().Header, isDry)
		a := tr.account()
		if a.Decisions != a.Fired+sum(a.NotFired) || !isDry && a.Fired != a.Accepted || isDry && a.Accepted != 0 {
			t.Errorf("the account does not balance:\n%v", a)
		}
		if notes, _ := tr.ledger.history(); notes["panic_request"]+notes["panic_header"]+notes["panic_conclusion"] != 0 {
			t.Errorf("notes %v", notes)
		}
		if held := tr.forms.Held(); held != 0 {
			t.Errorf("%d bytes of forms are held", held)
		}
	})
}

// fuzzTracker makes a tracker whose CDP takes everything and whose queue keeps
// nothing.
func fuzzTracker(f *testing.F, dry bool) *Tracker {
	rules, err := ParseRules([]byte(fuzzRules))
	if err != nil {
		f.Fatal(err)
	}
	tracker, err := New(Config{
		Sites: []Site{{CDP: cdp.Edge{ContextID: "ctx-1234", SiteName: "shop"}, Currency: "EUR", Channel: "auto"}},
		Rules: rules, Views: ViewsServer, DryRun: dry, Logger: slog.New(slog.DiscardHandler),
		Cookie: Cookie{Warm: -1},
		Delivery: Delivery{Queue: &sink{}, HTTPClient: &http.Client{Transport: transportFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{
				StatusCode: http.StatusOK, ProtoMajor: 1, Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(strings.NewReader(`{"ref":"` + newID + `","status":"OK"}`)),
			}, nil
		})}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = tracker.Close(ctx)
	})
	return tracker
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// sameHeader allows our cookies and Cache-Control: private beside them.
func sameHeader(t *testing.T, want, got http.Header, isDry bool) {
	t.Helper()
	ours := 0
	got["Set-Cookie"] = slices.DeleteFunc(got["Set-Cookie"], func(line string) bool {
		if !strings.HasPrefix(line, "sc_") {
			return false
		}
		ours++
		return true
	})
	if ours > 0 && !isDry && got.Get("Cache-Control") == "private" && want["Cache-Control"] == nil {
		delete(got, "Cache-Control")
	}
	if ours > 2 || ours > 0 && isDry || len(got) != len(want) {
		t.Errorf("%d cookies of ours, header %v, alone %v", ours, got, want)
	}
	for name := range want {
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("%s: %q, alone %q", name, got[name], want[name])
		}
	}
}
