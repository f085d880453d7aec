package goaltrack

import (
	"net/http"
	"reflect"
	"strings"
)

// NothingWritten says what the answer is when a handler returned and wrote
// nothing.
type NothingWritten string

const (
	// NothingAuto takes it for the empty 200 that net/http sends then, if the
	// [http.ResponseWriter] is net/http's own: that of a server, of
	// [http.TimeoutHandler], or a [net/http/httptest.ResponseRecorder]. In any
	// other writer there may be a framework around whose handlers return their
	// errors, which are written when goaltrack's part is over: then it is
	// NothingUndecided.
	NothingAuto NothingWritten = "auto"
	// NothingIs200 takes it for 200 always. It is for sites that wrap
	// net/http's writer themselves, to log or to compress, and whose handlers
	// write their errors themselves.
	NothingIs200 NothingWritten = "200"
	// NothingUndecided never takes it for an answer: no visit, form or download
	// counts, with the reason nothing_written. It is for a site whose handlers
	// return errors and are handed net/http's own writer.
	NothingUndecided NothingWritten = "undecided"
)

// unanswered reports whether the handler, which has returned, left it to somebody
// further out what the answer is.
func (tr *tracked) unanswered() bool {
	if tr.rec.hooked || tr.rec.hijacked {
		return false
	}
	switch tr.t.config.NothingWritten {
	case NothingIs200:
		return false
	case NothingUndecided:
		return true
	}
	return !isServers(tr.rec.inner)
}

// wraps is the writer inside a recorder, which adds no answer of its own.
func (rec *recorder) wraps() http.ResponseWriter { return rec.inner }

// isServers reports whether a writer is that of a server, which answers 200 if
// nothing is written. Nothing but its type tells.
func isServers(w http.ResponseWriter) bool {
	for {
		outer, ok := w.(interface{ wraps() http.ResponseWriter }) // of another tracker
		if !ok {
			break
		}
		w = outer.wraps()
	}
	t := reflect.TypeOf(w)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch path := t.PkgPath(); path {
	case "net/http", "net/http/httptest", "golang.org/x/net/http2":
		return true
	default:
		return strings.HasPrefix(path, "net/http/internal/")
	}
}
