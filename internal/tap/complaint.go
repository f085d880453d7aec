package tap

import (
	"log"
	"net/http"
	"path"
	"reflect"
	"runtime"
	"strings"
)

// complain writes the line that net/http logs about a call that changes nothing any
// more, and reports whether it has. The line names the code that made the call: the
// first that is not net/http's. If the call went on to net/http, that would be the
// recorder, and would send developers to the wrong place.
//
// Only the writer of net/http's own HTTP/1 server logs such lines. Any other gets the
// call.
func (rec *recorder) complain(about string) bool {
	if rec.request == nil || !isHTTP1(rec.inner) {
		return false
	}
	server, ok := rec.request.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return false
	}
	printf := log.Printf
	if server.ErrorLog != nil {
		printf = server.ErrorLog.Printf
	}
	caller := relevantCaller()
	printf("http: %s from %s (%s:%d)", about, caller.Function, path.Base(caller.File), caller.Line)
	return true
}

// isHTTP1 reports whether a writer is the one of net/http's HTTP/1 server.
func isHTTP1(w http.ResponseWriter) bool {
	t := reflect.TypeOf(w)
	return t.Kind() == reflect.Pointer && t.Elem().PkgPath() == "net/http" && t.Elem().Name() == "response"
}

// ownCalls begins the names of the recorder's functions.
var ownCalls = reflect.TypeFor[recorder]().PkgPath() + ".(*recorder)."

// relevantCaller returns the first function on the stack that is neither net/http's
// nor a recorder's. The function of that name in net/http does the same.
func relevantCaller() (frame runtime.Frame) {
	callers := make([]uintptr, 16)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	for more := true; more; {
		frame, more = frames.Next()
		if !strings.HasPrefix(frame.Function, "net/http.") && !strings.HasPrefix(frame.Function, ownCalls) {
			return frame
		}
	}
	return runtime.Frame{}
}
