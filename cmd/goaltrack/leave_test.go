package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestLeaving: visitors leave in the middle. What the site did for them counts:
// the order of a double click, and the file that a browser's viewer asks for
// twice.
func TestLeaving(t *testing.T) {
	for _, test := range []struct {
		name, request string
		began         string // what the visitor sees before they leave
		goal          string
	}{
		{"an order", "POST /newsletter HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 15\r\n%s\r\ntopic=tea&a=bcd", "", "SIGNED_UP"},
		{"a file", "GET /files/guide.pdf HTTP/1.1\r\n%s\r\n", "HTTP/1.1 200", "GUIDE_DOWNLOADED"},
	} {
		t.Run(test.name, func(t *testing.T) {
			arrived, left, processed := make(chan struct{}), make(chan struct{}), make(chan struct{})
			proxy, tenant := inFront(t, func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/":
					w.Header().Set("Content-Type", "text/html")
					say(w, "<!doctype html>")
				case r.Method == http.MethodPost:
					_, _ = io.Copy(io.Discard, r.Body)
					close(arrived)
					<-left
					http.Redirect(w, r, "/welcome", http.StatusSeeOther)
					close(processed)
				default:
					w.Header().Set("Content-Type", "application/pdf")
					w.Header().Set("Content-Length", "100000000")
					close(arrived)
					part := strings.Repeat("x", 1<<20)
					for range 100 {
						if _, err := io.WriteString(w, part); err != nil {
							break // the proxy hung up
						}
					}
					close(processed)
				}
			})
			client := newVisitor(t, proxy.url)
			var cookies strings.Builder
			for _, c := range client.Jar.Cookies(request(t, http.MethodGet, proxy.url, "/", nil, nil).URL) {
				fmt.Fprintf(&cookies, "Cookie: %s=%s\r\n", c.Name, c.Value)
			}
			head := "Host: shop.example\r\nX-Forwarded-Proto: https\r\nUser-Agent: " + navigation.Get("User-Agent") + "\r\nAccept: text/html\r\n" + cookies.String()
			conn, r := dial(t, proxy.url, fmt.Sprintf(test.request, head))
			<-arrived
			expect(t, r, test.began)
			if err := conn.Close(); err != nil {
				t.Fatal(err)
			}
			close(left)
			select {
			case <-processed:
			case <-time.After(time.Minute):
				t.Fatal("the site was not left in peace")
			}
			if got := goalsAfter(t, proxy, tenant); got != test.goal {
				t.Errorf("goals %q, want %q\n%s", got, test.goal, proxy.stderr)
			}
		})
	}
}
