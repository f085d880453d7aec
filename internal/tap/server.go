package tap

import (
	"net/http"
	"reflect"
	"strings"
)

// wraps returns the writer inside a recorder, because a recorder adds no answer
// of its own.
func (rec *recorder) wraps() http.ResponseWriter { return rec.inner }

// isServers reports whether a writer is a server's own, which answers 200 if
// nothing is written. Only its type says so.
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

// flushed returns the writer that a flush of w reaches. It looks where
// [http.ResponseController] looks.
func flushed(w http.ResponseWriter) http.ResponseWriter {
	for {
		switch outer := w.(type) {
		case interface{ wraps() http.ResponseWriter }:
			w = outer.wraps()
		case http.Flusher, flushErrorer:
			return w
		case unwrapper:
			w = outer.Unwrap()
		default:
			return w
		}
	}
}
