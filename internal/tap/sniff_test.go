package tap

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// TestContentType compares contentType with the header a client received, over
// the ways a body can come into being.
func TestContentType(t *testing.T) {
	html := func(n int) string { return ("<!DOCTYPE html>" + strings.Repeat("x", 6000))[:n] }
	// Text up to a zero byte at 300: judged as text or as binary depending on
	// which bytes net/http looks at.
	mixed := strings.Repeat("a", 300) + "\x00" + strings.Repeat("b", 6000)
	// Binary only from byte 512 on, which does not count.
	tail := strings.Repeat("a", 512) + strings.Repeat("\x00", 6000)

	write := func(s string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { _, _ = w.Write([]byte(s)) }
	}
	text := func(s string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { _, _ = io.WriteString(w, s) }
	}
	from := func(src func() io.Reader) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { _, _ = io.Copy(w, struct{ io.Reader }{src()}) }
	}
	read := func(s string) func(http.ResponseWriter) {
		return from(func() io.Reader { return strings.NewReader(s) })
	}
	header := func(key string, values ...string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.Header()[key] = values }
	}
	flush := func(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
	status := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(code) }
	}
	type steps = []func(http.ResponseWriter)
	rows := map[string]steps{
		"nothing":                    {},
		"flush alone":                {flush},
		"flush ahead of the bytes":   {flush, write(html(100))},
		"empty write":                {write("")},
		"two writes":                 {write(mixed[:100]), write(mixed[100:])},
		"flush between":              {write(mixed[:100]), flush, write(mixed[100:])},
		"strings":                    {text(mixed[:100]), text(mixed[100:])},
		"string and bytes":           {text(mixed[:511]), write(mixed[511:])},
		"many small":                 {write("<"), text("ht"), write("ml"), text(">"), write(html(3000))},
		"short then long":            {write("a"), write(tail)},
		"copy":                       {read(mixed)},
		"copy of little":             {read("<html>")},
		"copy byte by byte":          {from(func() io.Reader { return iotest.OneByteReader(strings.NewReader(mixed)) })},
		"copy of data with EOF":      {from(func() io.Reader { return iotest.DataErrReader(strings.NewReader(html(40))) })},
		"copy that fails at once":    {from(func() io.Reader { return iotest.ErrReader(errors.New("x")) }), status(500), write(html(90))},
		"copy that fails in between": {from(func() io.Reader { return iotest.TimeoutReader(strings.NewReader(mixed)) })},
		"copy of nothing then write": {read(""), text(html(64))},
		"write then copy":            {write(mixed[:200]), read(mixed[200:])},
		"copy twice":                 {read(mixed[:200]), read(mixed[200:])},
		"copy after flush":           {write("a"), flush, read(mixed)},
		"status first":               {status(404), text(html(50))},
		"status first, copy":         {status(404), read(mixed)},
		"204":                        {status(204), write(html(50))},
		"typed":                      {header("Content-Type", "application/pdf"), write(html(50))},
		"typed, copy":                {header("Content-Type", "application/pdf"), read(html(5000))},
		"typed twice":                {header("Content-Type", "application/pdf", "text/css"), write(html(50))},
		"detection off":              {header("Content-Type"), write(html(50))},
		"typed too late":             {status(200), header("Content-Type", "application/pdf"), write(html(50))},
		"encoded":                    {header("Content-Encoding", "gzip"), write("\x1f\x8b\x08")},
		"blank encoding":             {header("Content-Encoding", ""), write(html(50))},
		"own framing":                {header("Transfer-Encoding", "identity"), write(html(50))},
		"beyond Content-Length":      {header("Content-Length", "5"), write("<html>"), write("12345")},
	}
	for _, n := range []int{1, 14, 15, 511, 512, 513, 2047, 2048, 2049, 4096, 5000} {
		rows[fmt.Sprintf("html %d", n)] = steps{write(html(n))}
		rows[fmt.Sprintf("mixed %d", n)] = steps{write(mixed[:n]), write(mixed[n:])}
		rows[fmt.Sprintf("mixed string %d", n)] = steps{text(mixed[:n]), text(mixed[n:])}
		rows[fmt.Sprintf("tail copy %d", n)] = steps{read(tail[:n])}
	}
	onTheWire(t, func(t *testing.T, p wireProto) {
		var current steps
		h, probes := probed(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for _, step := range current {
				step(w)
			}
		}), true)
		srv := p.serve(t, h)
		for name, do := range rows {
			for _, method := range []string{"GET", "HEAD"} {
				current = do
				// A body cut short is an error of the body; the header is there.
				_, _, resp, err := wireGet(t, srv, method)
				if resp == nil {
					t.Fatalf("%s %s: %v", method, name, err)
				}
				got := <-probes
				if want := resp.Header.Get("Content-Type"); got.contentType() != want {
					t.Errorf("%s %s: contentType %q, the client got %q", method, name, got.contentType(), want)
				}
			}
		}
	})
}

// TestContentTypeUnasked: without wantSniff nothing is kept.
func TestContentTypeUnasked(t *testing.T) {
	p := &probe{}
	p.init(&h1Fake{h: http.Header{}}, nil, p)
	must(p.writer().Write([]byte("<html>")))
	if p.finish(); p.kept != nil || p.contentType() != "" {
		t.Errorf("kept %q, contentType %q", p.kept, p.contentType())
	}
}

// h1Fake has the method set of HTTP/1 and costs nothing.
type h1Fake struct {
	http.Hijacker
	h http.Header
}

func (f *h1Fake) Header() http.Header                   { return f.h }
func (f *h1Fake) WriteHeader(int)                       {}
func (f *h1Fake) Write(p []byte) (int, error)           { return len(p), nil }
func (f *h1Fake) WriteString(s string) (int, error)     { return len(s), nil }
func (f *h1Fake) ReadFrom(src io.Reader) (int64, error) { return io.Copy(io.Discard, src) }
func (f *h1Fake) Flush()                                {}
func (f *h1Fake) FlushError() error                     { return nil }
func (f *h1Fake) CloseNotify() <-chan bool              { return nil }

// quietProbe is a per-request struct with a hook that allocates nothing.
type quietProbe struct {
	recorder
	calls int
}

func (q *quietProbe) BeforeHeader(int) { q.calls++ }
func (q *quietProbe) Fault(p any)      { panic(p) }

// TestRecorderAllocs: inside a struct that is there anyway the recorder is free.
func TestRecorderAllocs(t *testing.T) {
	var inner http.ResponseWriter = &h1Fake{h: http.Header{"Content-Type": {"text/html"}}}
	q, page := &quietProbe{}, make([]byte, 1024)
	rows := map[string]func(w http.ResponseWriter){
		"status and body": func(w http.ResponseWriter) { reply(w, 201); must(w.Write(page)) },
		"string":          func(w http.ResponseWriter) { must(io.WriteString(w, "hello")) },
		"flush":           func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"nothing":         func(http.ResponseWriter) {},
		"long page sniffed in place": func(w http.ResponseWriter) {
			q.wantSniff = true
			w.Header()["Content-Encoding"] = nil
			must(w.Write(page))
			_ = q.contentType()
		},
	}
	for name, do := range rows {
		q.calls = 0
		got := testing.AllocsPerRun(100, func() {
			q.init(inner, nil, q)
			do(q.writer())
			q.finish()
		})
		if got != 0 || q.calls != 101 || q.status == 0 {
			t.Errorf("%s: %v allocs, hook ran %d times, status %d", name, got, q.calls, q.status)
		}
	}
}

func BenchmarkWriter(b *testing.B) {
	body := []byte("hello")
	answer := func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	}
	var inner http.ResponseWriter = &h1Fake{h: http.Header{"Content-Type": {"text/plain"}}}
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			answer(inner)
		}
	})
	b.Run("recorder", func(b *testing.B) {
		b.ReportAllocs()
		q := &quietProbe{}
		for b.Loop() {
			q.init(inner, nil, q)
			answer(q.writer())
			q.finish()
		}
	})
}
