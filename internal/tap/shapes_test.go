package tap

import (
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// hidden is the most common wrapper there is: it embeds the interface, so it
// has nothing to assert, and leads on by Unwrap.
type hidden struct{ http.ResponseWriter }

func (w hidden) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// fhr is a wrapper with the set chi gives to HTTP/1.
type fhr struct {
	hidden
	http.Flusher
	http.Hijacker
	io.ReaderFrom
}

func newFHR(w http.ResponseWriter) http.ResponseWriter {
	return fhr{hidden{w}, w.(http.Flusher), w.(http.Hijacker), w.(io.ReaderFrom)}
}

// capabilities names what a handler can assert.
func capabilities(w http.ResponseWriter) string {
	var set []string
	add := func(name string, ok bool) {
		if ok {
			set = append(set, name)
		}
	}
	_, ok := w.(http.Flusher)
	add("Flusher", ok)
	_, ok = w.(http.Hijacker)
	add("Hijacker", ok)
	_, ok = w.(io.ReaderFrom)
	add("ReaderFrom", ok)
	_, ok = w.(closeNotifier)
	add("CloseNotifier", ok)
	_, ok = w.(http.Pusher)
	add("Pusher", ok)
	_, ok = w.(interface{ FlushError() error })
	add("FlushError", ok)
	_, ok = w.(io.StringWriter)
	add("StringWriter", ok)
	return strings.Join(set, " ")
}

// TestInterfaceSet looks at live writers before and after wrapping.
func TestInterfaceSet(t *testing.T) {
	const always = "FlushError StringWriter"
	onTheWire(t, func(t *testing.T, p wireProto) {
		rows := []struct {
			name string
			base func(http.ResponseWriter) http.ResponseWriter
			want string
		}{
			{"raw", func(w http.ResponseWriter) http.ResponseWriter { return w }, "Flusher Hijacker ReaderFrom CloseNotifier " + always},
			{"like chi", newFHR, "Flusher Hijacker ReaderFrom " + always},
			{"no ReaderFrom", func(w http.ResponseWriter) http.ResponseWriter {
				return struct {
					http.ResponseWriter
					http.Flusher
					http.Hijacker
				}{w, w.(http.Flusher), w.(http.Hijacker)}
			}, "Flusher Hijacker " + always},
			{"Flusher alone", func(w http.ResponseWriter) http.ResponseWriter {
				return struct {
					http.ResponseWriter
					http.Flusher
				}{w, w.(http.Flusher)}
			}, "Flusher " + always},
			{"hidden", func(w http.ResponseWriter) http.ResponseWriter { return hidden{w} }, always},
		}
		for _, tt := range rows {
			if p.h2 {
				switch tt.name {
				case "raw":
					tt.want = "Flusher CloseNotifier Pusher " + always
				case "like chi", "no ReaderFrom":
					continue
				}
			}
			t.Run(tt.name, func(t *testing.T) {
				var bare, wrapped string
				srv := p.serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					inner := tt.base(w)
					pr := &probe{}
					pr.init(inner, pr)
					bare, wrapped = capabilities(inner), capabilities(pr.writer())
				}))
				if _, _, _, err := wireGet(t, srv, "GET"); err != nil {
					t.Fatal(err)
				}
				if wrapped != tt.want || tt.name == "raw" && wrapped != bare {
					t.Errorf("bare %q, wrapped %q, want %q", bare, wrapped, tt.want)
				}
			})
		}
	})
}

// TestHandlersGetNoMore checks that a handler gets the methods of a writer and
// of a body and no others. A handler may ask for others, such as Status or
// Keep, and mean something else.
func TestHandlersGetNoMore(t *testing.T) {
	writer := []string{"CloseNotify", "Flush", "FlushError", "Header", "Hijack", "Push", "ReadFrom", "Unwrap", "Write", "WriteHeader", "WriteString"}
	for _, row := range []struct {
		given any
		may   []string
	}{
		{writerPlain{}, writer},
		{writerF{}, writer},
		{writerFH{}, writer},
		{writerFHR{}, writer},
		{writerH1{}, writer},
		{writerH2{}, writer},
		{hijackWatch{}, writer},
		{new(Body).Reader(), []string{"Close", "Read", "Reread"}},
	} {
		given := reflect.TypeOf(row.given)
		for m := range given.Methods() {
			if name := m.Name; !slices.Contains(row.may, name) {
				t.Errorf("%s has %s", given, name)
			}
		}
	}
}
