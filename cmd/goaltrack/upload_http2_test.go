package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptrace"
	"testing"
)

// TestEarlyAnswerHTTP2: an answer before the end of an upload ends the upload, and not the
// connection, on which the visitor has other requests. So it is with a method that is refused.
func TestEarlyAnswerHTTP2(t *testing.T) {
	proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Error(w, "too much", http.StatusRequestEntityTooLarge) // without reading it
			return
		}
		say(w, "tea")
	}, "--client-key=key", "--pos=shop", "--h2c")
	transport := &http.Transport{Protocols: &http.Protocols{}}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	connections := 0
	exchange := func(method string, body io.Reader) (int, string) {
		r := request(t, method, proxy.url, "/newsletter", body, navigation)
		r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
			if !info.Reused {
				connections++
			}
		}}))
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		text, err := io.ReadAll(response.Body)
		if err != nil {
			t.Error(err)
		}
		return response.StatusCode, string(text)
	}
	for range 3 {
		if status, text := exchange(http.MethodPost, bytes.NewReader(make([]byte, 10<<20))); status != http.StatusRequestEntityTooLarge || text != "too much\n" {
			t.Errorf("the upload was answered with %d %q", status, text)
		}
		if status, _ := exchange(http.MethodTrace, http.NoBody); status != http.StatusNotImplemented {
			t.Errorf("TRACE was answered with %d", status)
		}
		if status, text := exchange(http.MethodGet, http.NoBody); status != http.StatusOK || text != "tea" {
			t.Errorf("the request behind it was answered with %d %q", status, text)
		}
	}
	if connections != 1 {
		t.Errorf("%d connections were needed", connections)
	}
}

// TestHTTP2InHTTP1: what HTTP/2 has room for does not break the lines of HTTP/1, and the other
// way round.
func TestHTTP2InHTTP1(t *testing.T) {
	proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		say(conn, "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\nX-Target: %s\r\nConnection: close\r\n\r\ntea", r.RequestURI)
	}, "--client-key=key", "--pos=shop", "--h2c")
	transport := &http.Transport{Protocols: &http.Protocols{}}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	for target, want := range map[string]string{
		"/a b":                      "/a%20b",
		"/a HTTP/1.1 ":              "/a%20HTTP/1.1%20",
		"/a|b c?d e|f":              "/a|b%20c?d%20e|f",
		"/a?GET / HTTP/1.0 HTTP/9 ": "/a?GET%20/%20HTTP/1.0%20HTTP/9%20",
		"/a%20b?c+d":                "/a%20b?c+d",
	} {
		r := request(t, http.MethodGet, proxy.url, "/", nil, navigation)
		r.URL.Opaque = target
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := response.Header.Get("X-Target"); got != want || response.StatusCode != http.StatusNoContent {
			t.Errorf("%q: %s, the site saw %q, want %q", target, response.Status, got, want)
		}
		if length, ok := response.Header["Content-Length"]; ok {
			t.Errorf("%q: nothing comes, of length %q", target, length)
		}
	}
}
