package tap

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type seenKey struct{}

// TestRequestSeenOutside: what a handler changes on its request is found outside, as
// without a copy.
func TestRequestSeenOutside(t *testing.T) {
	for name, change := range map[string]func(r *http.Request){
		"Method":          func(r *http.Request) { r.Method = http.MethodPut },
		"URL":             func(r *http.Request) { r.URL = &url.URL{Path: "/other"} },
		"URL in place":    func(r *http.Request) { r.URL.Path = "/in/place" },
		"Host":            func(r *http.Request) { r.Host = "other.example" },
		"RemoteAddr":      func(r *http.Request) { r.RemoteAddr = "203.0.113.9:1" },
		"RequestURI":      func(r *http.Request) { r.RequestURI = "/else" },
		"Header":          func(r *http.Request) { r.Header = http.Header{"X-A": {"1"}} },
		"Header in place": func(r *http.Request) { r.Header.Set("X-A", "1") },
		"Form":            func(r *http.Request) { must(nil, r.ParseForm()) },
		"Form, taken away": func(r *http.Request) {
			must(nil, r.ParseForm())
			r.Form, r.PostForm = nil, nil
		},
		"MultipartForm": func(r *http.Request) { r.MultipartForm = &multipart.Form{Value: map[string][]string{"a": {"1"}}} },
		"Pattern":       func(r *http.Request) { r.Pattern = "/{a}" },
		"TLS":           func(r *http.Request) { r.TLS = &tls.ConnectionState{ServerName: "a"} },
		"length, close": func(r *http.Request) { r.ContentLength, r.Close = 7, true },
		"Proto":         func(r *http.Request) { r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/3.0", 3, 0 },
		"a context in place": func(r *http.Request) {
			*r = *r.WithContext(context.WithValue(r.Context(), seenKey{}, "seen"))
			r.Method = http.MethodPut
			r.SetPathValue("id", "7")
		},
		"a context of one's own": func(r *http.Request) {
			r = r.WithContext(context.WithValue(r.Context(), seenKey{}, "unseen"))
			r.Method = http.MethodPut
		},
	} {
		bare := httptest.NewRequest(http.MethodPost, "/a?b=c", strings.NewReader("d=e"))
		bare.Header.Set("Content-Type", urlEncoded)
		outside := bare.Clone(bare.Context())
		body := outside.Body
		change(bare)
		given := context.WithValue(outside.Context(), t, 1)
		r := Lend(given, outside)
		r.Body = io.NopCloser(strings.NewReader("d=e"))
		change(r)
		CopyBack(given, r, outside)
		if got, want := told(outside), told(bare); got != want || outside.Body != body {
			t.Errorf("%s: outside there is\n%s, want\n%s", name, got, want)
		}
	}
}

// told is what can be seen of a request.
func told(r *http.Request) string {
	return fmt.Sprint(r.Method, " ", r.URL, r.Proto, r.ProtoMajor, r.ProtoMinor, r.Header, r.ContentLength, r.Close, r.Host, r.Form, r.PostForm,
		r.MultipartForm, r.RemoteAddr, r.RequestURI, r.TLS, r.Pattern, r.PathValue("id"), r.Context().Value(seenKey{}))
}

// TestRequestFields names the fields that stay behind, so that one of a later version
// of Go is not forgotten.
func TestRequestFields(t *testing.T) {
	behind := []string{
		"Body", "GetBody", // see CopyBack
		"TransferEncoding", "Trailer", // of the body, and written by whoever reads it
		"Cancel", "Response", // only clients have them
	}
	given := t.Context()
	for field := range reflect.TypeFor[http.Request]().Fields() {
		if !field.IsExported() {
			continue
		}
		from, to := new(http.Request).WithContext(given), new(http.Request).WithContext(given)
		value := reflect.ValueOf(from).Elem().FieldByIndex(field.Index)
		switch value.Kind() {
		case reflect.String:
			value.SetString("x")
		case reflect.Int, reflect.Int64:
			value.SetInt(1)
		case reflect.Bool:
			value.SetBool(true)
		case reflect.Map:
			value.Set(reflect.MakeMap(value.Type()))
		case reflect.Pointer:
			value.Set(reflect.New(value.Type().Elem()))
		default:
			if !slices.Contains(behind, field.Name) {
				t.Errorf("%s is of a kind that this test does not know", field.Name)
			}
			continue
		}
		CopyBack(given, from, to)
		if copied := !reflect.ValueOf(to).Elem().FieldByIndex(field.Index).IsZero(); copied == slices.Contains(behind, field.Name) {
			t.Errorf("%s is copied: %v", field.Name, copied)
		}
	}
}

// TestRequestNotWritten: a goroutine outside may read a request while a handler that
// changes nothing returns. The race detector is the judge.
func TestRequestNotWritten(t *testing.T) {
	outside := httptest.NewRequest(http.MethodPost, "/a", strings.NewReader("b=c"))
	outside.Header.Set("Content-Type", urlEncoded)
	must(nil, outside.ParseForm())
	done := make(chan string)
	go func() { done <- told(outside) }()
	given := context.WithValue(outside.Context(), t, 1)
	CopyBack(given, Lend(given, outside), outside)
	<-done
}

// TestTrailersOfARequest: trailers come to the handler's copy, announced or not.
func TestTrailersOfARequest(t *testing.T) {
	for _, announce := range []string{"", "Trailer: X-Sum\r\n"} {
		bare := make(chan http.Header, 2)
		handler := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			must(io.ReadAll(r.Body))
			bare <- r.Trailer
		})
		lending := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handler(w, Lend(context.WithValue(r.Context(), t, 1), r))
		})
		for name, h := range map[string]http.Handler{"bare": handler, "lent": lending} {
			_, rd := wireDial(t, wireProto{}.serve(t, h), "POST / HTTP/1.1\r\nHost: x\r\n"+announce+
				"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\na=1\r\n0\r\nX-Sum: 42\r\n\r\n")
			must(io.ReadAll(rd))
			if trailer := <-bare; trailer.Get("X-Sum") != "42" {
				t.Errorf("%s, announced %q: %v", name, announce, trailer)
			}
		}
	}
}
