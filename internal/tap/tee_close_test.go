package tap

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/scan"
)

// TestTeeSealWhileReading: another goroutine may be anywhere in a read when the
// handler returns. The race detector is the judge, and the reader gets it all.
func TestTeeSealWhileReading(t *testing.T) {
	for range 50 {
		body := strings.Repeat("abc", 1000)
		r := formPost(jsonType, body)
		r.ContentLength = -1
		budget := newBudget(1 << 20)
		var tee bodyTee
		tee.start(r, 1<<16, budget, fair.Who{}, scan.Kinds{JSON: true}, nil)
		started, done := make(chan struct{}), make(chan string)
		go func() {
			var got strings.Builder
			one := make([]byte, 10)
			for i := 0; ; i++ {
				n, err := tee.Read(one)
				got.Write(one[:n])
				if i == 5 {
					close(started)
				}
				if err != nil {
					break
				}
			}
			done <- got.String()
		}()
		<-started
		kept, fate := tee.seal()
		if fate == scan.Complete && string(kept.Text) != body || fate != scan.Complete && kept.Text != nil {
			t.Errorf("%v with %d bytes", fate, len(kept.Text))
		}
		tee.release()
		if got := <-done; got != body {
			t.Errorf("the reader got %d bytes of %d", len(got), len(body))
		}
		if held := budget.Held(); held != 0 {
			t.Errorf("%d bytes held", held)
		}
	}
}

// TestTeeSealDoesNotWait: a read that blocks forever must not keep the request.
func TestTeeSealDoesNotWait(t *testing.T) {
	pr, pw := io.Pipe()
	r := httptest.NewRequest(http.MethodPost, "/", pr)
	r.Header.Set("Content-Type", urlEncoded)
	var tee bodyTee
	tee.start(r, 100, newBudget(100), fair.Who{}, scan.Kinds{Form: true}, nil)
	done := make(chan error)
	go func() { _, err := io.ReadAll(&tee); done <- err }()
	must(io.WriteString(pw, "a")) // returns when the read has begun
	if _, fate := tee.seal(); fate != scan.Unread {
		t.Error(fate)
	}
	broken := errors.New("connection reset")
	pw.CloseWithError(broken)
	if err := <-done; !errors.Is(err, broken) {
		t.Errorf("the reader got %v", err)
	}
}

// again is a body that can be read again, and begins anew when it has met its end.
type again struct {
	*strings.Reader
}

func (a again) Close() error { return nil }

func (a again) Reread() { must(a.Seek(0, io.SeekStart)) }

func (a again) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if err == nil && a.Len() == 0 {
		err = io.EOF
	}
	if err != nil {
		a.Reread()
	}
	return n, err
}

// TestTeeReread: a body that is read twice was sent once, and can still be read
// twice.
func TestTeeReread(t *testing.T) {
	const body = "a=1&b=2"
	all := func(tee *bodyTee) {
		if b, err := io.ReadAll(tee); string(b) != body || err != nil {
			t.Errorf("the handler got %q, %v", b, err)
		}
	}
	part := func(tee *bodyTee) { must(io.ReadFull(tee, make([]byte, 4))) }
	exact := func(tee *bodyTee) { must(io.ReadFull(tee, make([]byte, len(body)))) }
	reread := (*bodyTee).Reread
	for name, steps := range map[string][]func(*bodyTee){
		"once":                         {all},
		"twice":                        {all, all},
		"twice, on demand":             {exact, reread, all},
		"a part, and then all":         {part, reread, all},
		"all, and then a part":         {all, part},
		"all, a part, and all":         {all, part, reread, all},
		"a part, a part, and then all": {part, reread, part, reread, all, all},
	} {
		for _, length := range []int64{int64(len(body)), -1} {
			r := formPost(jsonType, body)
			r.Body, r.ContentLength = again{strings.NewReader(body)}, length
			var tee bodyTee
			tee.start(r, 100, newBudget(1000), fair.Who{}, scan.Kinds{JSON: true}, nil)
			for _, step := range steps {
				step(&tee)
			}
			if kept, fate := tee.seal(); string(kept.Text) != body || fate != scan.Complete {
				t.Errorf("%s, length %d: kept %q, %v", name, length, kept.Text, fate)
			}
			tee.release()
		}
	}
	for name, form := range map[string]struct{ contentType, text string }{
		"pairs": {urlEncoded, "a=1&b=2"},
		"parts": {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\n2\r\n--x--\r\n"},
	} {
		for begun := range len(form.text) + 1 { // in the middle of whatever stands there
			for _, length := range []int64{int64(len(form.text)), -1} {
				r := formPost(form.contentType, form.text)
				r.Body, r.ContentLength = again{strings.NewReader(form.text)}, length
				var tee bodyTee
				tee.start(r, 100, newBudget(1000), fair.Who{}, scan.Kinds{Form: true}, []string{"a", "b"})
				must(io.ReadFull(&tee, make([]byte, begun)))
				tee.Reread()
				must(io.ReadAll(&tee))
				kept, fate := tee.seal()
				a, _ := kept.Form.Get("a")
				b, _ := kept.Form.Get("b")
				if fate != scan.Complete || a != "1" || b != "2" {
					t.Errorf("%s, begun %d, length %d: kept %q and %q, %v", name, begun, length, a, b, fate)
				}
				tee.release()
				if held := tee.budget.Held(); held != 0 {
					t.Errorf("%s: %d bytes are held", name, held)
				}
			}
		}
	}
	var tee bodyTee
	tee.start(formPost(jsonType, body), 100, newBudget(1000), fair.Who{}, scan.Kinds{JSON: true}, nil)
	all(&tee)
	tee.Reread() // of a body that cannot
	if kept, fate := tee.seal(); string(kept.Text) != body || fate != scan.Complete {
		t.Errorf("kept %q, %v", kept.Text, fate)
	}
}

// closeCount counts what a handler does to a body.
type closeCount struct {
	io.Reader
	n   int
	err error
}

func (c *closeCount) Close() error { c.n++; return c.err }

func TestTeeClose(t *testing.T) {
	body := &closeCount{Reader: strings.NewReader("a=1"), err: errors.New("already closed")}
	r := formPost(urlEncoded, "a=1")
	r.Body = body
	var tee bodyTee
	tee.start(r, 100, newBudget(1000), fair.Who{}, scan.Kinds{Form: true}, nil)
	for i := range 3 {
		if body.n != i {
			t.Errorf("%d calls of Close after %d", body.n, i)
		}
		if err := tee.Close(); !errors.Is(err, body.err) {
			t.Errorf("Close: %v", err)
		}
	}
	tee.seal()
	tee.release()
	if body.n != 3 {
		t.Error("the body was closed on our own account")
	}
}
