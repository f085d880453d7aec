package tap

import (
	"context"
	"net/http"
	"reflect"
	"slices"
)

// Lend returns the copy of a request, with another context, that a handler gets.
//
// Trailers that were not announced are put into the request that the server has made,
// when the body is at its end. There is no map yet that the copy could share, so one is
// made.
func Lend(ctx context.Context, r *http.Request) *http.Request {
	return LendIn(ctx, new(http.Request), r)
}

// LendIn is Lend, with the room for the copy. The compiler keeps the copy that WithContext
// makes on the stack, so that nothing is allocated.
func LendIn(ctx context.Context, room, r *http.Request) *http.Request {
	if r.Trailer == nil && slices.Contains(r.TransferEncoding, "chunked") {
		r.Trailer = http.Header{}
	}
	*room = *r.WithContext(ctx)
	return room
}

// CopyBack copies to a request what a handler has changed on the copy that it got by
// [Lend], with the context that it got. It is for a deferred call. Whoever is further
// out then finds what they would find without a copy. Without MultipartForm, the server
// would not even remove the temporary files of uploads (https://go.dev/issue/58809).
//
// What has not changed is not written, because a goroutine further out may be reading.
//
// Two things stay behind. One is a body that the handler replaced: the server knows its
// own body by type, and handles it worse in the handler's (https://go.dev/issue/63152). The other
// are path values, because their fields are private to net/http.
func CopyBack(given context.Context, from, to *http.Request) {
	if from.Context() != given { // by *r = *r.WithContext(ctx), which changes all at once
		body := to.Body
		*to = *from
		to.Body = body
		return
	}
	copyMap(from.Form, &to.Form)
	copyMap(from.PostForm, &to.PostForm)
	copyMap(from.Header, &to.Header)
	copyValue(from.MultipartForm, &to.MultipartForm)
	copyText(from.Pattern, &to.Pattern)
	copyText(from.Method, &to.Method)
	copyValue(from.URL, &to.URL)
	copyText(from.Host, &to.Host)
	copyText(from.RemoteAddr, &to.RemoteAddr)
	copyText(from.RequestURI, &to.RequestURI)
	copyValue(from.TLS, &to.TLS)
	copyValue(from.ContentLength, &to.ContentLength)
	copyValue(from.Close, &to.Close)
	copyText(from.Proto, &to.Proto)
	copyValue(from.ProtoMajor, &to.ProtoMajor)
	copyValue(from.ProtoMinor, &to.ProtoMinor)
}

// copyText is copyValue of a text, in a form that the compiler inlines.
func copyText(from string, to *string) {
	if *to != from {
		*to = from
	}
}

func copyValue[T comparable](from T, to *T) {
	if *to != from {
		*to = from
	}
}

// copyMap compares the maps themselves, not what is in them.
func copyMap[M ~map[string][]string](from M, to *M) {
	if from == nil && *to == nil {
		return // the usual case of forms
	}
	if reflect.ValueOf(from).UnsafePointer() != reflect.ValueOf(*to).UnsafePointer() {
		*to = from
	}
}
