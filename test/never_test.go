package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// What the middleware never does, one promise a test. Each compares the site
// with the tracker around it to the site alone.

// bothProtocols runs a test over HTTP/1.1 and HTTP/2.
func bothProtocols(t *testing.T, f func(t *testing.T, http2 bool)) {
	t.Run("HTTP1", func(t *testing.T) { f(t, false) })
	t.Run("HTTP2", func(t *testing.T) { f(t, true) })
}

// pair is a site twice: alone, and with a tracker around it.
type pair struct{ alone, tracked *world.World }

func newPair(t *testing.T, s world.Setup) pair {
	t.Helper()
	tracked := s.Start(t)
	s.Mount = func(*goaltrack.Tracker) http.Handler { return s.Site }
	return pair{alone: s.Start(t), tracked: tracked}
}

func TestNeverBlocksTheAnswer(t *testing.T) {
	site := http.NewServeMux()
	site.HandleFunc("GET /page", world.HTML)
	site.Handle("POST /form", world.Answer(http.StatusSeeOther, "Location", "/thanks"))
	p := newPair(t, world.Setup{Rules: world.EachTrigger, Site: site, Config: func(c *goaltrack.Config, _ *cdptest.Server) {
		c.Views = goaltrack.ViewsServer
	}})
	p.tracked.CDP.Fault(cdptest.Hang()) // an answer that waits for the CDP never comes
	const visitors = 40
	// quick is how long the quickest tenth of the answers take: to pages and to forms.
	quick := func(w *world.World) (page, form time.Duration) {
		var pages, forms []time.Duration
		for range visitors { // each is new, and the pool is empty after two of them
			v := w.Visitor()
			start := time.Now()
			v.Get("/page")
			pages = append(pages, time.Since(start))
			start = time.Now()
			v.Post("/form", "email=a%40b.example&topic=x")
			forms = append(forms, time.Since(start))
		}
		slices.Sort(pages)
		slices.Sort(forms)
		return pages[visitors/10], forms[visitors/10]
	}
	// A busy machine holds up many answers, whoever gives them. If one kind of them
	// waited, the quickest of that kind would, too.
	alonePage, aloneForm := quick(p.alone)
	page, form := quick(p.tracked)
	if page > alonePage+100*time.Millisecond || form > aloneForm+100*time.Millisecond {
		t.Errorf("pages took %v and forms %v; without the tracker %v and %v", page, form, alonePage, aloneForm)
	}
	p.tracked.CDP.ClearFaults()
	_ = p.tracked.CDP.Close() // what is held up is tried again, at once
	p.tracked.Expect("PAGE_VISITED", "fired 40")
	p.tracked.Expect("FORM_SENT", "fired 40")
}

func TestNeverFlushes(t *testing.T) {
	site := http.NewServeMux()
	site.HandleFunc("GET /page", world.HTML)
	site.Handle("POST /form", world.Answer(http.StatusSeeOther, "Location", "/thanks"))
	bothProtocols(t, func(t *testing.T, http2 bool) {
		p := newPair(t, world.Setup{Rules: world.EachTrigger, Site: site, HTTP2: http2})
		for _, w := range []*world.World{p.alone, p.tracked} {
			v := w.Visitor()
			// A flush would make this answer chunked.
			if res := v.Get("/page"); res.ContentLength != int64(len("<!doctype html><p>A page.")) || res.TransferEncoding != nil {
				t.Errorf("page: length %d, encoding %v", res.ContentLength, res.TransferEncoding)
			}
			if res := v.Post("/form", "email=a"); res.ContentLength != 0 || res.TransferEncoding != nil {
				t.Errorf("form: length %d, encoding %v", res.ContentLength, res.TransferEncoding)
			}
		}
	})
}

func TestNeverStealsTheBody(t *testing.T) {
	var upload bytes.Buffer
	form := multipart.NewWriter(&upload)
	_ = form.WriteField("email", "ada@example.com")
	file, _ := form.CreateFormFile("photo", "ada.jpg")
	_, _ = file.Write(bytes.Repeat([]byte("jpg"), 40_000)) // more than is ever kept
	_ = form.Close()
	const urlencoded = "email=ada%40example.com&topic=sales"

	site := http.NewServeMux()
	site.HandleFunc("POST /form/raw", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprint(w, len(body), err, string(body[:min(len(body), 20)]))
	})
	site.HandleFunc("POST /form/parsed", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.ParseForm(), r.PostForm)
	})
	site.HandleFunc("POST /form/multipart", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.ParseMultipartForm(1<<10), len(r.MultipartForm.File["photo"]), r.PostForm)
	})
	site.HandleFunc("POST /form/json", func(w http.ResponseWriter, r *http.Request) {
		var v any
		fmt.Fprint(w, json.NewDecoder(r.Body).Decode(&v), v)
	})
	site.HandleFunc("POST /form/limited", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 10))
		fmt.Fprint(w, len(body), err)
	})
	site.HandleFunc("POST /form/unread", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "no, thanks") })

	rules := strings.ReplaceAll(world.EachTrigger, "submit: /form,", "submit: /form/**,")
	bothProtocols(t, func(t *testing.T, http2 bool) {
		p := newPair(t, world.Setup{Rules: rules, Site: site, HTTP2: http2})
		for _, c := range []struct{ name, path, contentType, body string }{
			{"read as it is", "/form/raw", "application/x-www-form-urlencoded", urlencoded},
			{"parsed", "/form/parsed", "application/x-www-form-urlencoded", urlencoded},
			{"an upload", "/form/multipart", form.FormDataContentType(), upload.String()},
			{"an upload read as it is", "/form/raw", form.FormDataContentType(), upload.String()},
			{"JSON", "/form/json", "application/json", `{"email":"ada@example.com"}`},
			{"with a limit of its own", "/form/limited", "application/x-www-form-urlencoded", urlencoded},
			{"unread", "/form/unread", "application/x-www-form-urlencoded", urlencoded},
			{"empty", "/form/raw", "application/x-www-form-urlencoded", ""},
		} {
			t.Run(c.name, func(t *testing.T) {
				var got [2]string
				for i, w := range []*world.World{p.alone, p.tracked} {
					v := w.Visitor()
					res := v.Send(v.Request(http.MethodPost, c.path, strings.NewReader(c.body), "Content-Type", c.contentType))
					text, _ := io.ReadAll(res.Body)
					got[i] = string(text)
				}
				if got[0] == "" || got[0] != got[1] {
					t.Errorf("the handler answered %q, and %q without the tracker", got[1], got[0])
				}
			})
		}
	})
}

// ours tells the differences that the tracker may make: its cookies, and
// Cache-Control: private where nothing was said.
func ours(alone, tracked http.Header) error {
	if tracked = tracked.Clone(); tracked == nil {
		tracked = http.Header{}
	}
	var others []string
	added := 0
	for _, line := range tracked["Set-Cookie"] {
		if strings.HasPrefix(line, "bid_") || strings.HasPrefix(line, "sc_") {
			added++
		} else {
			others = append(others, line)
		}
	}
	if tracked["Set-Cookie"] = others; others == nil {
		delete(tracked, "Set-Cookie")
	}
	if control := tracked["Cache-Control"]; added > 0 && len(alone["Cache-Control"]) == 0 && slices.Equal(control, []string{"private"}) {
		delete(tracked, "Cache-Control")
	}
	var errs []error
	for name := range alone {
		if name != "Date" && !slices.Equal(alone[name], tracked[name]) {
			errs = append(errs, fmt.Errorf("%s: %q, alone %q", name, tracked[name], alone[name]))
		}
	}
	for name := range tracked {
		if _, there := alone[name]; !there {
			errs = append(errs, fmt.Errorf("%s: %q, alone none", name, tracked[name]))
		}
	}
	return errors.Join(errs...)
}

func TestNeverLosesAHeader(t *testing.T) {
	site := http.NewServeMux()
	for path, h := range map[string]http.HandlerFunc{
		"/page/plain": world.HTML,
		"/page/empty": func(http.ResponseWriter, *http.Request) {},
		"/page/many": func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Add("Set-Cookie", "session=1; HttpOnly")
			h.Add("Set-Cookie", "theme=dark")
			h.Add("Link", "</a.css>; rel=preload")
			h.Add("Link", "</b.css>; rel=preload")
			h.Set("Content-Security-Policy", "default-src 'self'")
			h["x-lower-case"] = []string{"kept"}
			h.Set("Etag", `"1"`)
			h.Set("Vary", "Accept-Language")
			world.HTML(w, nil)
		},
		"/page/cached": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "max-age=60")
			world.HTML(w, nil)
		},
		"/page/private": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Cache-Control", "private, max-age=5")
			world.HTML(w, nil)
		},
		"/page/moved":   func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/page/plain?x=1", http.StatusFound) },
		"/page/missing": http.NotFound,
		"/page/same": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Etag", `"1"`)
			w.WriteHeader(http.StatusNotModified)
		},
		"/page/trailer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			world.HTML(w, nil)
			w.Header().Set("X-Sum", "42")
		},
		"/page/early": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</a.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			world.HTML(w, nil)
		},
		"/page/large": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("<p>long"), 10_000)) },
	} {
		site.HandleFunc(path, h)
	}
	rules := strings.ReplaceAll(world.EachTrigger, "visit: /page", "visit: /page/**")
	bothProtocols(t, func(t *testing.T, http2 bool) {
		p := newPair(t, world.Setup{Rules: rules, Site: site, HTTP2: http2})
		for _, path := range []string{"plain", "empty", "many", "cached", "private", "moved", "missing", "same", "trailer", "early", "large"} {
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				t.Run(method+" "+path, func(t *testing.T) {
					want := p.alone.Visitor().Do(method, "/page/"+path, "")
					got := p.tracked.Visitor().Do(method, "/page/"+path, "")
					if err := ours(want.Header, got.Header); err != nil {
						t.Error(err)
					}
					if err := ours(want.Trailer, got.Trailer); err != nil {
						t.Error("trailer:", err)
					}
					a, _ := io.ReadAll(want.Body)
					b, _ := io.ReadAll(got.Body)
					if want.StatusCode != got.StatusCode || !bytes.Equal(a, b) || want.ContentLength != got.ContentLength {
						t.Errorf("%s and %d bytes, alone %s and %d", got.Status, len(b), want.Status, len(a))
					}
				})
			}
		}
	})
}

func TestNeverLosesAWriterInterface(t *testing.T) {
	can := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, flusher := w.(http.Flusher)
		_, hijacker := w.(http.Hijacker)
		_, readerFrom := w.(io.ReaderFrom)
		_, stringWriter := w.(io.StringWriter)
		_, pusher := w.(http.Pusher)
		_, closeNotifier := w.(interface{ CloseNotify() <-chan bool })
		_, flushError := w.(interface{ FlushError() error })
		c := http.NewResponseController(w)
		deadline := c.SetReadDeadline(time.Now().Add(time.Minute)) == nil && c.SetWriteDeadline(time.Now().Add(time.Minute)) == nil
		fmt.Fprint(w, flusher, hijacker, readerFrom, stringWriter, pusher, closeNotifier, flushError, deadline, c.EnableFullDuplex(), r.Proto)
	})
	bothProtocols(t, func(t *testing.T, http2 bool) {
		p := newPair(t, world.Setup{Rules: world.EachTrigger, Site: can, HTTP2: http2})
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			path := map[string]string{http.MethodGet: "/page", http.MethodPost: "/form"}[method]
			want, _ := io.ReadAll(p.alone.Visitor().Do(method, path, "").Body)
			got, _ := io.ReadAll(p.tracked.Visitor().Do(method, path, "").Body)
			if !bytes.Equal(got, want) {
				t.Errorf("%s: %s, alone %s", method, got, want)
			}
		}
	})
}
