package tap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/scan"
)

// teeResult is what the tracker would know about a body.
type teeResult struct {
	started bool
	fate    scan.Outcome
	body    string        // what was kept: the text, or the field email of a form
	held    int64         // of the budget, after release
	r       *http.Request // the request as middleware further out has it
}

// teed wraps h as the tracker will.
func teed(h http.Handler, limit int) (http.Handler, <-chan teeResult) {
	results := make(chan teeResult, 64)
	budget := newBudget(32 << 20)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		res := teeResult{r: r}
		defer func() { res.held = budget.Held(); results <- res }()
		var tee bodyTee
		if res.fate, res.started = tee.start(r, limit, budget, fair.Who{}, scan.Kinds{Form: true, JSON: true}, []string{"email"}); !res.started {
			h.ServeHTTP(w, r)
			return
		}
		r2 := withBody(r.Context(), r, &tee)
		defer tee.release()
		defer CopyBack(r2.Context(), r2, r)
		h.ServeHTTP(w, r2)
		kept, fate := tee.seal()
		email, _ := kept.Form.Get("email")
		res.body, res.fate = string(kept.Text)+email, fate
	}), results
}

// onlyReader hides the length of a body from the client's transport.
type onlyReader struct{ io.Reader }

// wirePost sends a form and returns the status.
func wirePost(t *testing.T, srv *httptest.Server, header http.Header, body io.Reader) (int, string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, srv.URL+"/contact", body)
	must(nil, err)
	req.Header = header
	resp, err := srv.Client().Transport.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer), err
}

func typed(contentType string) http.Header { return http.Header{"Content-Type": {contentType}} }

// TestTeeHandlers: whichever way a handler reads its body, it gets what the
// client sent, and so do we.
func TestTeeHandlers(t *testing.T) {
	plain := "email=a%40example.com&name=Ada"
	multi, parts := withUpload(strings.Repeat("%PDF", 2000))
	rows := []struct {
		name, contentType, body string
		unsized                 bool // works without Content-Length too
		email                   func(w http.ResponseWriter, r *http.Request) (string, error)
	}{
		{"raw body", urlEncoded, plain, true, func(_ http.ResponseWriter, r *http.Request) (string, error) {
			b, err := io.ReadAll(r.Body)
			values, _ := url.ParseQuery(string(b))
			return values.Get("email"), err
		}},
		{"io.Copy", urlEncoded, plain, true, func(_ http.ResponseWriter, r *http.Request) (string, error) {
			var b bytes.Buffer
			_, err := io.Copy(&b, r.Body)
			values, _ := url.ParseQuery(b.String())
			return values.Get("email"), err
		}},
		{"ParseForm", urlEncoded, plain, true, func(_ http.ResponseWriter, r *http.Request) (string, error) {
			err := r.ParseForm()
			return r.PostForm.Get("email"), err
		}},
		{"ParseMultipartForm", multi, string(parts), true, func(_ http.ResponseWriter, r *http.Request) (string, error) {
			err := r.ParseMultipartForm(1 << 20)
			return r.FormValue("email"), err
		}},
		{"MultipartReader", multi, string(parts), true, func(_ http.ResponseWriter, r *http.Request) (string, error) {
			rd, err := r.MultipartReader()
			if err != nil {
				return "", err
			}
			var email string
			for {
				part, err := rd.NextPart()
				if errors.Is(err, io.EOF) {
					return email, nil
				}
				b, err2 := io.ReadAll(part)
				if err = errors.Join(err, err2); err != nil {
					return "", err
				}
				if part.FormName() == "email" {
					email = string(b)
				}
			}
		}},
		{"json.Decoder", jsonType, `{"email":"a@example.com"}`, false, func(_ http.ResponseWriter, r *http.Request) (string, error) {
			var v struct{ Email string }
			err := json.NewDecoder(r.Body).Decode(&v)
			return v.Email, err
		}},
		{"MaxBytesReader that suffices", urlEncoded, plain, true, func(w http.ResponseWriter, r *http.Request) (string, error) {
			r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
			err := r.ParseForm()
			return r.PostForm.Get("email"), err
		}},
	}
	onTheWire(t, func(t *testing.T, p wireProto) {
		for _, tt := range rows {
			t.Run(tt.name, func(t *testing.T) {
				h, results := teed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if email, err := tt.email(w, r); email != "a@example.com" || err != nil {
						t.Errorf("the handler got %q, %v", email, err)
					}
				}), scan.BodyLimit)
				srv := p.serve(t, h)
				bodies := []io.Reader{strings.NewReader(tt.body)}
				if tt.unsized {
					bodies = append(bodies, onlyReader{strings.NewReader(tt.body)})
				}
				want := tt.body
				if tt.contentType != jsonType {
					want = "a@example.com"
				}
				for _, body := range bodies {
					if code, _, err := wirePost(t, srv, typed(tt.contentType), body); code != 200 || err != nil {
						t.Fatal(code, err)
					}
					if got := <-results; got.fate != scan.Complete || got.body != want || got.held != 0 {
						t.Errorf("%v, %d bytes of %d, %d held", got.fate, len(got.body), len(want), got.held)
					}
				}
			})
		}
	})
}

// TestTeeRejections: what we cannot or need not see, the handler still gets.
func TestTeeRejections(t *testing.T) {
	big := strings.Repeat("a", 100_000)
	rows := []struct {
		name    string
		header  http.Header
		body    io.Reader
		fate    scan.Outcome
		started bool
		got     int
	}{
		{"too large, known", typed(jsonType), strings.NewReader(big), scan.TooLarge, false, len(big)},
		{"too large, unknown", typed(jsonType), onlyReader{strings.NewReader(big)}, scan.TooLarge, true, len(big)},
		{"gzip", http.Header{"Content-Type": {urlEncoded}, "Content-Encoding": {"gzip"}}, strings.NewReader("\x1f\x8b"), scan.Encoded, false, 2},
		{"not a form", typed("image/png"), strings.NewReader("png"), scan.NotAForm, false, 3},
		{"no body", typed(urlEncoded), http.NoBody, scan.NoBody, false, 0},
	}
	onTheWire(t, func(t *testing.T, p wireProto) {
		for _, tt := range rows {
			h, results := teed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				if tt.fate == scan.NoBody && !p.h2 && r.Body != http.NoBody {
					t.Errorf("%s: http.NoBody became %T", tt.name, r.Body)
				}
				if b, err := io.ReadAll(r.Body); len(b) != tt.got || err != nil {
					t.Errorf("%s: the handler got %d bytes, %v", tt.name, len(b), err)
				}
			}), scan.BodyLimit)
			if seeker, ok := tt.body.(io.Seeker); ok {
				must(seeker.Seek(0, io.SeekStart))
			}
			if wrapped, ok := tt.body.(onlyReader); ok {
				must(wrapped.Reader.(io.Seeker).Seek(0, io.SeekStart))
			}
			if code, _, err := wirePost(t, p.serve(t, h), tt.header, tt.body); code != 200 || err != nil {
				t.Errorf("%s: %d, %v", tt.name, code, err)
			}
			if res := <-results; res.fate != tt.fate || res.started != tt.started || res.body != "" || res.held != 0 {
				t.Errorf("%s: %v, started %v, kept %d, held %d", tt.name, res.fate, res.started, len(res.body), res.held)
			}
		}
	})
}

// TestExpectContinue refuses a form that the client holds back with a page of 3
// KB, which must come at once. A tee in the wrong place makes the server wait
// for a body that never comes (https://go.dev/issue/63152).
func TestExpectContinue(t *testing.T) {
	page := strings.Repeat("Who are you? ", 250)
	refuse := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		must(io.WriteString(w, page))
	})
	t.Run("http1/raw", func(t *testing.T) {
		h, results := teed(refuse, scan.BodyLimit)
		_, rd := wireDial(t, wireProto{}.serve(t, h), "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"+
			"Content-Type: "+urlEncoded+"\r\nContent-Length: 1000\r\n\r\n")
		resp, err := http.ReadResponse(rd, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusUnauthorized || string(body) != page || err != nil {
			t.Errorf("client got %d, %d bytes, %v", resp.StatusCode, len(body), err)
		}
		if res := <-results; !res.started || res.fate != scan.Unread {
			t.Errorf("started %v, %v", res.started, res.fate)
		}
	})
	onTheWire(t, func(t *testing.T, p wireProto) {
		h, results := teed(refuse, scan.BodyLimit)
		srv := p.serve(t, h)
		srv.Client().Transport.(*http.Transport).ExpectContinueTimeout = time.Minute
		body, send := io.Pipe()
		defer send.Close()
		code, answer, err := wirePost(t, srv, http.Header{"Content-Type": {urlEncoded}, "Expect": {"100-continue"}}, body)
		if code != 401 || answer != page || err != nil {
			t.Errorf("client got %d, %d bytes, %v", code, len(answer), err)
		}
		if res := <-results; !res.started || res.fate != scan.Unread {
			t.Errorf("started %v, %v", res.started, res.fate)
		}
	})
}

// TestUnreadBody: a refused upload of 10 MB is answered before it is sent, also
// when a tee is in place.
func TestUnreadBody(t *testing.T) {
	for _, limit := range []int{scan.BodyLimit, 32 << 20} {
		h, results := teed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
		}), limit)
		_, rd := wireDial(t, wireProto{}.serve(t, h), "POST / HTTP/1.1\r\nHost: x\r\n"+
			"Content-Type: "+jsonType+"\r\nContent-Length: 10485760\r\n\r\nname=")
		if resp, err := http.ReadResponse(rd, nil); err != nil || resp.StatusCode != http.StatusForbidden {
			t.Errorf("limit %d: %v, %v", limit, resp, err)
		}
		if res := <-results; res.started != (limit > scan.BodyLimit) || res.fate == scan.Complete {
			t.Errorf("limit %d: started %v, %v", limit, res.started, res.fate)
		}
	}
	t.Run("http2", func(t *testing.T) {
		h, results := teed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
		}), scan.BodyLimit)
		body, send := io.Pipe()
		defer send.Close()
		if code, _, err := wirePost(t, wireProto{h2: true}.serve(t, h), typed(urlEncoded), body); code != 403 || err != nil {
			t.Errorf("client got %d, %v", code, err)
		}
		if res := <-results; !res.started || res.fate != scan.Unread {
			t.Errorf("started %v, %v", res.started, res.fate)
		}
	})
}

// withUpload is a form with an e-mail address and a file.
func withUpload(file string) (contentType string, body []byte) {
	var parts bytes.Buffer
	w := multipart.NewWriter(&parts)
	must(nil, w.WriteField("email", "a@example.com"))
	part, err := w.CreateFormFile("cv", "cv.pdf")
	must(nil, err)
	must(io.WriteString(part, file))
	must(nil, w.Close())
	return w.FormDataContentType(), parts.Bytes()
}

// TestUploadsRemoved: the server removes the temporary files of the request it
// made, so it must hear of those of the copy (https://go.dev/issue/58809).
func TestUploadsRemoved(t *testing.T) {
	contentType, body := withUpload(strings.Repeat("x", 20_000))
	for _, h2 := range []bool{false, true} {
		dir := t.TempDir()
		t.Setenv("TMPDIR", dir)
		var during int
		h, results := teed(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			must(nil, r.ParseMultipartForm(1))
			files, err := os.ReadDir(dir)
			must(nil, err)
			during = len(files)
		}), scan.BodyLimit)
		srv := wireProto{h2: h2}.serve(t, h)
		if code, _, err := wirePost(t, srv, typed(contentType), bytes.NewReader(body)); code != 200 || err != nil {
			t.Fatal(code, err)
		}
		srv.Close() // waits until the server is done with the request
		files, err := os.ReadDir(dir)
		if during != 1 || len(files) != 0 || err != nil {
			t.Errorf("h2 %v: %d files while handled, %d afterwards, %v", h2, during, len(files), err)
		}
		if res := <-results; res.fate != scan.Complete || res.body != "a@example.com" {
			t.Errorf("%v, kept %q", res.fate, res.body)
		}
	}
}

// TestCopyBack: middleware further out sees the form and the pattern.
func TestCopyBack(t *testing.T) {
	onTheWire(t, func(t *testing.T, p wireProto) {
		mux := http.NewServeMux()
		mux.HandleFunc("POST /{page}", func(_ http.ResponseWriter, r *http.Request) { must(nil, r.ParseForm()) })
		h, results := teed(mux, scan.BodyLimit)
		if code, _, err := wirePost(t, p.serve(t, h), typed(urlEncoded), strings.NewReader("a=1")); code != 200 || err != nil {
			t.Fatal(code, err)
		}
		r := (<-results).r
		if r.Pattern != "POST /{page}" || r.PostForm.Get("a") != "1" || r.Form.Get("a") != "1" {
			t.Errorf("pattern %q, form %v", r.Pattern, r.PostForm)
		}
	})
}

// TestInnerMaxBytes: a handler's own limit acts on the body, not on our copy.
func TestInnerMaxBytes(t *testing.T) {
	onTheWire(t, func(t *testing.T, p wireProto) {
		h, results := teed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, 10)
			if tooLarge, ok := errors.AsType[*http.MaxBytesError](r.ParseForm()); ok {
				http.Error(w, tooLarge.Error(), http.StatusRequestEntityTooLarge)
			}
		}), scan.BodyLimit)
		code, _, err := wirePost(t, p.serve(t, h), typed(urlEncoded), strings.NewReader("a="+strings.Repeat("x", 3000)))
		if code != http.StatusRequestEntityTooLarge || err != nil {
			t.Errorf("client got %d, %v", code, err)
		}
		if res := <-results; res.fate != scan.Unread || res.body != "" {
			t.Errorf("%v, %d bytes", res.fate, len(res.body))
		}
	})
}

// TestProxyEarlyAnswer: an upstream that answers early leaves the proxy's
// transport reading our body after the handler returned. For the race detector.
func TestProxyEarlyAnswer(t *testing.T) {
	upstream := wireProto{}.serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		must(nil, http.NewResponseController(w).EnableFullDuplex())
		w.WriteHeader(http.StatusAccepted)
	}))
	target, err := url.Parse(upstream.URL)
	must(nil, err)
	proxy := &httputil.ReverseProxy{
		Rewrite:  func(pr *httputil.ProxyRequest) { pr.SetURL(target) },
		ErrorLog: log.New(io.Discard, "", 0),
	}
	onTheWire(t, func(t *testing.T, p wireProto) {
		h, results := teed(proxy, scan.BodyLimit)
		srv := p.serve(t, h)
		for range 20 {
			body := onlyReader{strings.NewReader(strings.Repeat("a=1&", 10_000))}
			// The proxy may find the upstream gone while writing: 502.
			if code, _, err := wirePost(t, srv, typed(urlEncoded), body); err == nil && code != 202 && code != 502 {
				t.Errorf("client got %d", code)
			}
			if res := <-results; res.held != 0 || res.fate != scan.Complete && res.body != "" {
				t.Errorf("%v, %d bytes, %d held", res.fate, len(res.body), res.held)
			}
		}
	})
}

// withBody returns a copy of r with another body. The handler gets the copy.
func withBody(ctx context.Context, r *http.Request, body io.ReadCloser) *http.Request {
	r2 := r.WithContext(ctx)
	r2.Body = body
	return r2
}
