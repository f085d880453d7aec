package tap

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// hijackAll takes the connection, and answers in its own way.
func hijackAll(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	must(nil, err)
	must(io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
	must(nil, conn.Close())
}

// TestComplaintsNameTheCaller: what net/http logs about a handler is the same with a
// recorder, to the line. Each handler is in two recorders, as with two trackers.
func TestComplaintsNameTheCaller(t *testing.T) {
	hijacked := func(do func(w http.ResponseWriter)) func(w http.ResponseWriter, r *http.Request) {
		return func(w http.ResponseWriter, _ *http.Request) { hijackAll(w); do(w) }
	}
	refused := func(n int, err error) {
		if n != 0 || err != http.ErrHijacked { //nolint:errorlint // as net/http returns it
			t.Errorf("a write on a hijacked connection: %d, %v", n, err)
		}
	}
	for name, row := range map[string]struct {
		do   func(w http.ResponseWriter, r *http.Request)
		says string // "" for nothing
		h1   bool
	}{
		"one status":    {do: func(w http.ResponseWriter, _ *http.Request) { reply(w, 201) }},
		"three":         {do: func(w http.ResponseWriter, _ *http.Request) { reply(w, 201); reply(w, 201); reply(w, 0) }, says: "superfluous"},
		"after a write": {do: func(w http.ResponseWriter, _ *http.Request) { must(w.Write(nil)); w.WriteHeader(http.StatusTeapot) }, says: "superfluous"},
		"after a flush": {do: func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			w.WriteHeader(http.StatusTeapot)
		}, says: "superfluous"},
		"by net/http": {do: func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, "one", http.StatusTeapot)
			http.Redirect(w, r, "/", http.StatusSeeOther)
		}, says: "superfluous"},
		"early hints too late": {do: func(w http.ResponseWriter, _ *http.Request) { reply(w, 200); reply(w, 103) }, says: "superfluous"},
		"hijacked, status":     {do: hijacked(func(w http.ResponseWriter) { w.WriteHeader(http.StatusTeapot) }), says: "response.WriteHeader on hijacked", h1: true},
		"hijacked, write":      {do: hijacked(func(w http.ResponseWriter) { refused(w.Write([]byte("x"))) }), says: "response.Write on hijacked", h1: true},
		"hijacked, string":     {do: hijacked(func(w http.ResponseWriter) { refused(io.WriteString(w, "x")) }), says: "response.Write on hijacked", h1: true},
		"hijacked, empty":      {do: hijacked(func(w http.ResponseWriter) { refused(w.Write(nil)); refused(io.WriteString(w, "")) }), h1: true},
		"a panic":              {do: func(http.ResponseWriter, *http.Request) { panic("boom") }, says: "panic serving"},
	} {
		onTheWire(t, func(t *testing.T, p wireProto) {
			if p.h2 && row.h1 {
				t.Skip("HTTP/2 has no hijack")
			}
			handler := http.HandlerFunc(row.do)
			inner, _ := probed(handler, false)
			outer, _ := probed(inner, false)
			bare, wrapped := logged(t, p, handler, name), logged(t, p, outer, name)
			if row.says == "panic serving" {
				// A stack has more frames with a recorder. It begins where the panic was.
				if !strings.Contains(wrapped, "complaint_test.go") {
					t.Errorf("%s: logged %q", name, wrapped)
				}
				return
			}
			if wrapped != bare || !p.h2 && (row.says == "") != (bare == "") || !strings.Contains(bare, row.says) && !p.h2 {
				t.Errorf("%s: bare %q, wrapped %q, want %q", name, bare, wrapped, row.says)
			}
		})
	}
}

// logged asks a server once and returns what it logged. A panic is logged late.
func logged(t *testing.T, p wireProto, h http.Handler, name string) string {
	t.Helper()
	lines := make(lineLog, 16)
	done := make(chan struct{}) // the server does not wait for a handler that has taken the connection
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		h.ServeHTTP(w, r)
	}))
	srv.Config.ErrorLog = log.New(lines, "", 0)
	if srv.EnableHTTP2 = p.h2; p.h2 {
		srv.StartTLS()
	} else {
		srv.Start()
	}
	_, _, _, _ = wireGet(t, srv, "GET")
	<-done
	srv.Close()
	var text strings.Builder
	for name == "a panic" && text.Len() == 0 || len(lines) > 0 {
		text.WriteString(<-lines)
	}
	return text.String()
}

// lineLog passes what is logged on.
type lineLog chan string

func (l lineLog) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

// TestComplaintOfNobody: where there is no server that could log, the call goes on to the
// writer outside, and so does one from a goroutine that outlives the handler.
func TestComplaintOfNobody(t *testing.T) {
	for name, wrap := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"a writer of others": func(w http.ResponseWriter) http.ResponseWriter { return hidden{w} },
		"a recorder's":       func(w http.ResponseWriter) http.ResponseWriter { return w },
	} {
		inner := httptest.NewRecorder()
		statuses := &statusSpy{ResponseWriter: inner}
		p := &probe{}
		p.init(wrap(statuses), httptest.NewRequest(http.MethodGet, "/", http.NoBody), p)
		w := p.writer()
		reply(w, 201)
		reply(w, 202)
		if p.finish(); len(statuses.got) != 2 || p.status != 201 {
			t.Errorf("%s: the writer got %v", name, statuses.got)
		}
	}
}

type statusSpy struct {
	http.ResponseWriter
	got []int
}

func (s *statusSpy) WriteHeader(code int) {
	s.got = append(s.got, code)
	s.ResponseWriter.WriteHeader(code)
}
