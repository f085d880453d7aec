package tap

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/scan"
)

// broken is a reader of forms with a fault in each method. The one named well has none.
type broken struct{ well string }

func (b broken) fault(method string) {
	if method != b.well {
		panic("a fault in " + method)
	}
}

func (b broken) Write([]byte)        { b.fault("Write") }
func (b broken) Fields() scan.Fields { panic("a fault in Fields") }
func (b broken) Ended() bool         { panic("a fault in Ended") }
func (b broken) Held() int           { return 0 }
func (b broken) Kept() int           { return 0 }
func (b broken) Reset()              { panic("a fault in Reset") }
func (b broken) Clear()              { panic("a fault in Clear") }

// rereads is a body that can be read again.
type rereads struct{ *strings.Reader }

func (rereads) Close() error { return nil }
func (a rereads) Reread()    { _, _ = a.Seek(0, io.SeekStart) }

// TestFaultsInABody: a handler reads its body as if nobody watched it, whatever part of the
// watching has a fault. Nothing is known of the body then, and nothing is held.
func TestFaultsInABody(t *testing.T) {
	const text = "a=1&b=2"
	for _, test := range []struct {
		name  string
		well  string
		do    func(r *http.Request, b *Body) string
		fault string
	}{
		{"read", "", func(r *http.Request, _ *Body) string { return string(first(io.ReadAll(r.Body))) }, "a fault in Write"},
		{"parsed", "", func(r *http.Request, _ *Body) string { return "a=" + r.FormValue("a") + "&b=" + r.FormValue("b") }, "a fault in Write"},
		{"read again", "Write", func(r *http.Request, b *Body) string {
			_, _ = io.ReadFull(r.Body, make([]byte, 3))
			b.tee.Reread()
			return string(first(io.ReadAll(r.Body)))
		}, "a fault in Ended"},
		{"header", "Write", func(r *http.Request, b *Body) string {
			_, _ = io.ReadFull(r.Body, make([]byte, 3))
			if _, ok := b.Snapshot(); ok {
				t.Error("the body is whole")
			}
			return "a=1" + string(first(io.ReadAll(r.Body)))
		}, "a fault in Ended"},
		{"end", "Write", func(r *http.Request, _ *Body) string {
			_, _ = io.ReadFull(r.Body, make([]byte, 3))
			return text
		}, "a fault in Ended"},
	} {
		t.Run(test.name, func(t *testing.T) {
			budget := newBudget(1 << 20)
			var faults []any
			budget.Fault = func(p any) { faults = append(faults, p) }
			r := formPost(urlEncoded, "")
			r.ContentLength, r.Body = -1, rereads{strings.NewReader(text)}
			body := new(Body)
			if o, ok := body.Start(r, 100, budget, fair.Who{}, scan.Kinds{Form: true}, []string{"a"}); !ok {
				t.Fatal(o)
			}
			r.Body, body.tee.form = body.Reader(), broken{test.well}
			if got := test.do(r, body); got != text {
				t.Errorf("the handler read %q", got)
			}
			if kept, o := body.Seal(); o != scan.ReadOutside || len(kept.Text) > 0 {
				t.Errorf("outcome %v, kept %q", o, kept.Text)
			}
			body.Release()
			if len(faults) != 1 || faults[0] != test.fault {
				t.Errorf("faults %v, want %q", faults, test.fault)
			}
			if held := budget.Held(); held != 0 {
				t.Errorf("%d bytes are held", held)
			}
		})
	}
}

// first is what was read, whatever the error.
func first(b []byte, _ error) []byte { return b }

// badCount is a body that says it read less than nothing, which io.Reader forbids.
type badCount struct{}

func (badCount) Read([]byte) (int, error) { return -1, errors.New("its own") }
func (badCount) Close() error             { return nil }

// TestABodysOwnFaults: what a body does wrong is the handler's, as it came.
func TestABodysOwnFaults(t *testing.T) {
	watch := func(body io.ReadCloser) io.ReadCloser {
		r := formPost(urlEncoded, "")
		r.ContentLength, r.Body = -1, body
		b := new(Body)
		if o, ok := b.Start(r, 100, newBudget(1<<20), fair.Who{}, scan.Kinds{Form: true}, []string{"a"}); !ok {
			t.Fatal(o)
		}
		return b.Reader()
	}
	if n, err := watch(badCount{}).Read(make([]byte, 10)); n != -1 || err == nil || err.Error() != "its own" {
		t.Errorf("%d %v", n, err)
	}
	defer func() {
		if p := recover(); p != "its own" {
			t.Errorf("panic %v", p)
		}
	}()
	_, _ = watch(panicking{}).Read(make([]byte, 10))
	t.Error("its panic is gone")
}

// panicking is a body, and a writer, with a panic of its own.
type panicking struct{ http.ResponseWriter }

func (panicking) Read([]byte) (int, error)  { panic("its own") }
func (panicking) Write([]byte) (int, error) { panic("its own") }
func (panicking) Close() error              { return nil }

// TestFaultsInAnAnswer: a handler writes its answer as if nobody watched it, and nothing is
// known of that then.
func TestFaultsInAnAnswer(t *testing.T) {
	for name, write := range map[string]func(http.ResponseWriter){
		"bytes":  func(w http.ResponseWriter) { must(w.Write([]byte("{text}"))) },
		"text":   func(w http.ResponseWriter) { must(io.WriteString(w, "{text}")) },
		"pieces": func(w http.ResponseWriter) { must(io.WriteString(w, "{te")); must(w.Write([]byte("xt}"))) },
	} {
		for what, sabotage := range map[string]func(*probe){
			"type": func(p *probe) { p.wantSniff, p.sniffing, p.kept = true, true, make([]byte, sniffLen+1) },
			"JSON": func(p *probe) {
				p.answer = new(scan.Answer).Expect(200, http.Header{"Content-Type": {"application/json"}})
				setField(p.answer, "kept", make([]byte, scan.AnswerLimit+1))
			},
			"page": func(p *probe) {
				p.answer = scan.Beginning()
				setField(p.answer, "kept", make([]byte, scan.AnswerLimit+1))
			},
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				out, p := httptest.NewRecorder(), new(probe)
				p.init(out, httptest.NewRequest(http.MethodGet, "/", http.NoBody), p)
				w := p.writer()
				w.WriteHeader(http.StatusOK)
				sabotage(p)
				write(w)
				p.finish()
				if out.Body.String() != "{text}" || out.Code != http.StatusOK {
					t.Errorf("the client got %d %q", out.Code, out.Body)
				}
				if len(p.faults) != 1 || p.contentType() != "" || !p.wrote || p.answer != nil {
					t.Errorf("faults %v, type %q, body %v", p.faults, p.contentType(), p.wrote)
				}
			})
		}
	}
	defer func() {
		if p := recover(); p != "its own" {
			t.Errorf("panic %v", p)
		}
	}()
	p := new(probe)
	p.init(panicking{httptest.NewRecorder()}, httptest.NewRequest(http.MethodGet, "/", http.NoBody), p)
	_, _ = p.writer().Write([]byte("text"))
	t.Error("the writer's panic is gone")
}

// setField breaks what no code outside can break.
func setField(of any, name string, value any) {
	f := reflect.ValueOf(of).Elem().FieldByName(name)
	reflect.NewAt(f.Type(), f.Addr().UnsafePointer()).Elem().Set(reflect.ValueOf(value))
}
