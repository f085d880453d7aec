package test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// foreignWriter is the writer of a framework, or of a middleware.
type foreignWriter struct{ http.ResponseWriter }

func (w foreignWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// framework is one whose handlers return their errors: what is inside gets a
// writer of its own, and the error is written when all inside has returned.
func framework(status int) func(http.Handler) http.Handler {
	return func(inside http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inside.ServeHTTP(foreignWriter{w}, r)
			if status != 0 {
				w.WriteHeader(status)
			}
		})
	}
}

// own hands on the writer it gets.
func own(inside http.Handler) http.Handler { return inside }

const nothingRules = `
version: 1
goals:
  - { goal: ACCEPTED, submit: /form, success: 2xx }
  - { goal: STATED, submit: /form, success: { response.header.X-Error: absent } }
  - { goal: SENT, submit: /form }
  - { goal: CONFIRMED, submit: /form, success: confirmed }
  - { goal: CONFIRMED_IF, submit: /form, success: confirmed, unless: { response.header.X-Error: present } }
  - { goal: REFUSED, submit: /form, success: 200 }
  - { goal: RAISED, code: true }
  - { goal: FILE_TAKEN, download: /file }
  - { goal: PAGE_SEEN, visit: /file }
`

// TestNothingWritten: a handler that wrote nothing has answered 200 if that is
// for net/http to say, and nothing at all if somebody else may write an error.
func TestNothingWritten(t *testing.T) {
	const undecided = "nothing_written 1"
	nothing := func(http.ResponseWriter, *http.Request) {}
	for _, test := range []struct {
		name    string
		around  func(http.Handler) http.Handler
		handler http.HandlerFunc
		setting goaltrack.NothingWritten
		want    string // of ACCEPTED
	}{
		{"net/http", own, nothing, "", "fired 1"},
		{"net/http, undecided", own, nothing, goaltrack.NothingUndecided, undecided},
		{"time-out", func(h http.Handler) http.Handler { return http.TimeoutHandler(h, time.Minute, "") }, nothing, "", "fired 1"},
		{"framework", framework(422), nothing, "", undecided},
		{"framework, accepted in truth", framework(0), nothing, "", undecided},
		{"middleware that only logs", framework(0), nothing, goaltrack.NothingIs200, "fired 1"},
		{"framework, status", framework(0), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }, "", "fired 1"},
		{"framework, empty write", framework(0), func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(nil) }, "", "fired 1"},
		{"framework, empty text", framework(0), func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "") }, "", "fired 1"},
		{"framework, flush", framework(0), func(w http.ResponseWriter, _ *http.Request) { _ = http.NewResponseController(w).Flush() }, "", "fired 1"},
		{"framework, early hints", framework(422), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusEarlyHints) }, "", undecided},
		{"framework, empty copy", framework(422), func(w http.ResponseWriter, _ *http.Request) { _, _ = io.Copy(w, http.NoBody) }, "", undecided},
		{"framework, status, undecided", framework(0), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }, goaltrack.NothingUndecided, "fired 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bothProtocols(t, func(t *testing.T, http2 bool) {
				w := world.Setup{Rules: nothingRules, HTTP2: http2, Mount: func(tracker *goaltrack.Tracker) http.Handler {
					return test.around(tracker.Handler(test.handler))
				}, Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.NothingWritten = test.setting }}.Start(t)
				w.Visitor().Meet().Post("/form", "a=b")
				w.Expect("ACCEPTED", test.want)
			})
		})
	}
}

// flusher is the writer of a middleware that flushes what it has: nothing, before the first
// write, as that of NYTimes/gziphandler.
type flusher struct {
	http.ResponseWriter
	begun bool
}

func (w *flusher) Write(p []byte) (int, error) {
	w.begun = true
	return w.ResponseWriter.Write(p)
}

func (w *flusher) Flush() {
	if w.begun {
		w.ResponseWriter.(http.Flusher).Flush()
	}
}

// logging is the writer of a middleware that passes each flush on, as the documentation of
// http.ResponseController has it, also to a writer that cannot flush.
type logging struct{ http.ResponseWriter }

func (w logging) FlushError() error { return http.NewResponseController(w.ResponseWriter).Flush() }

// TestFlushThatCommitsNothing: where nobody knows whether a flush has sent a header, a
// status after it decides nothing, and what is written does.
func TestFlushThatCommitsNothing(t *testing.T) {
	lazy := func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(&flusher{ResponseWriter: w}, r) })
	}
	inTime := func(h http.Handler) http.Handler { // its writer cannot flush
		return http.TimeoutHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(logging{w}, r) }), time.Hour, "")
	}
	then := func(do func(w http.ResponseWriter)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			w.Header().Set("Content-Type", "text/html")
			_ = http.NewResponseController(w).Flush()
			do(w)
		}
	}
	const undecided = "nothing_written 1"
	nothing := func(http.ResponseWriter) {}
	page := func(w http.ResponseWriter) { _, _ = io.WriteString(w, "<p>") }
	missing := func(w http.ResponseWriter) { http.Error(w, "no", http.StatusNotFound) }
	led := func(w http.ResponseWriter) { w.Header().Set("Location", "/thanks"); w.WriteHeader(http.StatusSeeOther) }
	for _, test := range []struct {
		name    string
		around  func(http.Handler) http.Handler
		do      func(w http.ResponseWriter)
		setting goaltrack.NothingWritten
		want    string
		status  int
	}{
		{"page", lazy, page, "", "fired 1", 200},
		{"page, and too late a status", lazy, func(w http.ResponseWriter) { page(w); missing(w) }, "", "fired 1", 200},
		{"the same status", lazy, func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK); page(w) }, "", "fired 1", 200},
		{"error", lazy, missing, "", undecided, 404},
		{"error, where nothing is 200", lazy, missing, goaltrack.NothingIs200, undecided, 404},
		{"redirect", lazy, led, "", undecided, 303},
		{"nothing", lazy, nothing, "", undecided, 200},
		{"nothing, where that is 200", lazy, nothing, goaltrack.NothingIs200, "fired 1", 200},
		{"no flush, page", inTime, page, "", "fired 1", 200},
		{"no flush, error", inTime, missing, "", undecided, 404},
		{"no flush, redirect", inTime, led, "", undecided, 303},
		{"no flush, nothing, where that is 200", inTime, nothing, goaltrack.NothingIs200, "fired 1", 200},
		{"net/http, error too late", own, missing, "", "fired 1", 200},
		{"net/http, nothing", own, nothing, "", "fired 1", 200},
		{"seen through, error too late", framework(0), missing, "", "fired 1", 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			bothProtocols(t, func(t *testing.T, http2 bool) {
				w := world.Setup{Rules: nothingRules, HTTP2: http2, Mount: func(tracker *goaltrack.Tracker) http.Handler {
					return test.around(tracker.Handler(tracker.Handler(then(test.do))))
				}, Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.NothingWritten = test.setting }}.Start(t)
				v := w.Visitor().Meet()
				if got := v.Get("/file").StatusCode; got != test.status {
					t.Errorf("the visitor got %d, want %d", got, test.status)
				}
				v.Post("/form", "a=b")
				w.Expect("PAGE_SEEN", test.want)
				w.Expect("ACCEPTED", test.want)
			})
		})
	}
}

// tooLate is the writer of a middleware that has answered in the handler's place, because that
// took too long.
type tooLate struct{ http.ResponseWriter }

func (w tooLate) WriteHeader(int)           {}
func (w tooLate) Write([]byte) (int, error) { return 0, http.ErrHandlerTimeout }

// TestAnswerThatTheWriterRefusesIsNone: an answer that the writer refuses, as somebody else has answered, is
// none.
func TestAnswerThatTheWriterRefusesIsNone(t *testing.T) {
	for name, write := range map[string]func(w http.ResponseWriter) error{
		"Write":       func(w http.ResponseWriter) error { _, err := w.Write([]byte("<p>")); return err },
		"WriteString": func(w http.ResponseWriter) error { _, err := io.WriteString(w, "<p>"); return err },
		"copy":        func(w http.ResponseWriter) error { _, err := io.Copy(w, strings.NewReader("<p>")); return err },
		"status": func(w http.ResponseWriter) error {
			w.WriteHeader(http.StatusCreated)
			_, err := io.WriteString(w, "<p>")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, setting := range []goaltrack.NothingWritten{goaltrack.NothingAuto, goaltrack.NothingIs200} {
				w := world.Setup{Rules: nothingRules, Mount: func(tracker *goaltrack.Tracker) http.Handler {
					handler := tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
						w.Header().Set("Content-Type", "text/html")
						if err := write(w); !errors.Is(err, http.ErrHandlerTimeout) {
							t.Error(err)
						}
					}))
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						w.WriteHeader(http.StatusServiceUnavailable)
						handler.ServeHTTP(tooLate{w}, r)
					})
				}, Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.NothingWritten = setting }}.Start(t)
				v := w.Visitor().Meet()
				v.Get("/file")
				v.Post("/form", "a=b")
				w.Expect("PAGE_SEEN", "nothing_written 1")
				w.Expect("ACCEPTED", "nothing_written 1")
			}
		})
	}
}

// TestNothingWrittenDecides: what does not rest on the answer is decided all the
// same, and nothing is added to an answer that may be an error.
func TestNothingWrittenDecides(t *testing.T) {
	serve := func(tracker *goaltrack.Tracker) http.Handler {
		return framework(422)(tracker.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			for _, err := range []error{
				tracker.Confirm(r, "CONFIRMED"), tracker.Confirm(r, "CONFIRMED_IF"), tracker.Reject(r, "REFUSED"), tracker.Trigger(r, "RAISED", nil),
			} {
				if err != nil {
					t.Error(err)
				}
			}
		})))
	}
	for _, test := range []struct {
		name string
		do   func(*world.World) *http.Response
		want map[string]string
	}{
		{"form of a known visitor", func(w *world.World) *http.Response { return w.Visitor().Meet().Post("/form", "a=b") }, map[string]string{
			"ACCEPTED": "nothing_written 1", "STATED": "nothing_written 1", "SENT": "nothing_written 1",
			"CONFIRMED": "fired 1", "CONFIRMED_IF": "nothing_written 1", "REFUSED": "rejected_by_handler 1", "RAISED": "fired 1",
		}},
		{"form of a new visitor", func(w *world.World) *http.Response { return w.Visitor().Post("/form", "a=b") }, map[string]string{
			"ACCEPTED": "nothing_written 1", "CONFIRMED": "no_browser_id 1", "RAISED": "no_browser_id 1",
		}},
		{"page and file", func(w *world.World) *http.Response { return w.Visitor().Get("/file") }, map[string]string{
			"FILE_TAKEN": "nothing_written 1", "PAGE_SEEN": "nothing_written 1",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := world.Setup{Rules: nothingRules, Mount: serve}.Start(t)
			if res := test.do(w); res.StatusCode != http.StatusUnprocessableEntity || res.Header["Set-Cookie"] != nil || res.Header["Cache-Control"] != nil {
				t.Errorf("%d %v", res.StatusCode, res.Header)
			}
			for goal, want := range test.want {
				w.Expect(goal, want)
			}
		})
	}
}

// TestNothingWrittenTwice: a second tracker sees through the first one's writer.
func TestNothingWrittenTwice(t *testing.T) {
	for name, around := range map[string]func(http.Handler) http.Handler{"fired 1": own, "nothing_written 1": framework(422)} {
		inner := world.New(t, nothingRules, http.NotFoundHandler())
		outer := world.Setup{Rules: nothingRules, Mount: func(tracker *goaltrack.Tracker) http.Handler {
			return around(tracker.Handler(inner.Tracker.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))))
		}}.Start(t)
		inner.CDP.Know(world.Known)
		outer.Visitor().Meet().Post("/form", "a=b")
		outer.Expect("ACCEPTED", name)
		inner.Expect("ACCEPTED", name)
	}
}

// TestNothingWrittenInAUnitTest: a recorder is as good as a server.
func TestNothingWrittenInAUnitTest(t *testing.T) {
	w := world.New(t, nothingRules, http.NotFoundHandler())
	r := w.Visitor().Meet().Request(http.MethodPost, "/form", nil)
	r.RequestURI = "/form"
	w.Tracker.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})).ServeHTTP(httptest.NewRecorder(), r)
	w.Expect("ACCEPTED", "fired 1")
}

// TestNothingWrittenLater: a framework that keeps the writer which its handler
// had, as Echo does, writes through it when all is decided. Nothing comes of that.
func TestNothingWrittenLater(t *testing.T) {
	const rules = "version: 1\ngoals:\n  - { goal: SENT, submit: /form, count: once per visitor }\n  - { goal: RAISED, code: true, count: once per visitor }\n"
	w := world.Setup{Rules: rules, Mount: func(tracker *goaltrack.Tracker) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			tracker.Handler(http.HandlerFunc(func(inside http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				w = inside
				if err := tracker.Trigger(r, "RAISED", nil); err != nil {
					t.Error(err)
				}
			})).ServeHTTP(foreignWriter{w}, r)
			http.Redirect(w, r, "/thanks", http.StatusSeeOther)
		})
	}}.Start(t)
	v := w.Visitor()
	if res := v.Post("/form", "a=b"); res.StatusCode != http.StatusSeeOther || res.Header["Set-Cookie"] != nil {
		t.Errorf("%d %v", res.StatusCode, res.Header)
	}
	v.Meet()
	v.Post("/form", "a=b")
	v.Post("/form", "a=b")
	w.Done()
	if got := w.Fates("SENT") + "; " + w.Fates("RAISED"); got != "nothing_written 3; fired 1, already_counted 1, no_browser_id 1" {
		t.Error(got)
	}
}
