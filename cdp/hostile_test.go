package cdp

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
)

// forever writes text until the client has had enough, at most so many bytes.
func forever(t *testing.T, c net.Conn, text string, most int, pause time.Duration) {
	for n := 0; n < most; n += len(text) {
		if _, err := io.WriteString(c, text); err != nil {
			return
		}
		if pause > 0 {
			<-time.After(pause)
		}
	}
	t.Errorf("the client read %d bytes", most)
}

// An answer that means ill costs bounded time and memory, and has the outcome
// that is true: nobody knows whether the event counted, unless a status came.
func TestHostileAnswers(t *testing.T) {
	const timeout, most = 5 * time.Second, 64 << 20
	for _, tc := range []struct {
		name  string
		serve func(*testing.T, net.Conn)
		want  Outcome
	}{
		{"a header without an end", func(t *testing.T, c net.Conn) {
			write(c, "HTTP/1.1 201 Created\r\nX: ")
			forever(t, c, strings.Repeat("x", 64<<10), most, 0)
		}, Unknown},
		{"headers without an end", func(t *testing.T, c net.Conn) {
			write(c, "HTTP/1.1 201 Created\r\n")
			forever(t, c, strings.Repeat("X-A: b\r\n", 1000), most, 0)
		}, Unknown},
		{"a status line without an end", func(t *testing.T, c net.Conn) {
			write(c, "HTTP/1.1 201 ")
			forever(t, c, strings.Repeat("x", 64<<10), most, 0)
		}, Unknown},
		{"informational answers without an end", func(t *testing.T, c net.Conn) {
			forever(t, c, strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 1000), most, 0)
		}, Unknown},
		{"informational answers, slowly", func(t *testing.T, c net.Conn) {
			forever(t, c, "HTTP/1.1 102 Processing\r\n\r\n", most, 10*time.Millisecond)
		}, Unknown},
		{"headers, a byte at a time", func(t *testing.T, c net.Conn) {
			write(c, "HTTP/1.1 201 Created\r\n")
			forever(t, c, "x", most, 10*time.Millisecond)
		}, Unknown},
		{"a body, a byte at a time", func(t *testing.T, c net.Conn) {
			write(c, answerHead(201, "Content-Length: 1000000\r\n"))
			forever(t, c, " ", most, 10*time.Millisecond)
		}, Accepted},
		{"a refusal, a byte at a time", func(t *testing.T, c net.Conn) {
			write(c, answerHead(400, "Content-Length: 1000000\r\n"))
			forever(t, c, "x", most, 10*time.Millisecond)
		}, EventBad},
		{"trailers without an end", func(t *testing.T, c net.Conn) {
			write(c, answerHead(201, "Transfer-Encoding: chunked\r\nTrailer: X\r\n")+"0\r\n")
			forever(t, c, strings.Repeat("X: b\r\n", 1000), most, 0)
		}, Accepted},
		{"a length that is no number", func(_ *testing.T, c net.Conn) {
			write(c, answerHead(201, "Content-Length: -1\r\n"))
		}, Unknown},
		{"101 to something else", func(_ *testing.T, c net.Conn) {
			write(c, answerHead(101, "Connection: Upgrade\r\nUpgrade: x\r\n"))
		}, Unknown},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			transport := piped(t, func(conn net.Conn) { readEvent(conn); tc.serve(t, conn) })
			c := testClient(t, directTo("http://cdp.example"), Options{Timeout: timeout, HTTPClient: &http.Client{Transport: transport}})
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			_, err := c.Post(t.Context(), goalBody(c.site), "")
			runtime.ReadMemStats(&now)
			if got := OutcomeOf(err); got != tc.want {
				t.Errorf("%v: %v, want %v", err, got, tc.want)
			}
			if took := time.Since(began); took > timeout {
				t.Errorf("it took %v, with a timeout of %v", took, timeout)
			}
			if more := now.TotalAlloc - before.TotalAlloc; more > 8<<20 {
				t.Errorf("%d bytes were allocated", more)
			}
			c.Close()
		})
	}
}

// Frames of HTTP/2, https://www.rfc-editor.org/rfc/rfc9113.html#section-6.
const (
	frameHeaders   = 1
	frameRSTStream = 3
	frameSettings  = 4
	frameGoAway    = 7
)

func frame(kind byte, stream uint32, numbers ...uint32) string {
	b := []byte{0, 0, byte(4 * len(numbers)), kind, 0}
	b = binary.BigEndian.AppendUint32(b, stream)
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return string(b)
}

// A request that HTTP/2 breaks off is sent again at once only if it surely was not
// processed, and not for ever.
func TestHTTP2BreaksOff(t *testing.T) {
	cert := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer cert.Close()
	for _, tc := range []struct {
		name   string
		answer func(stream uint32) string
		want   Outcome
		most   int // requests
	}{
		{"RST_STREAM, internal error", func(n uint32) string { return frame(frameRSTStream, n, 2) }, Unknown, 1},
		// net/http waits longer and longer before it tries again, and does not say
		// that it does: when the time is over it may have been sent.
		{"RST_STREAM, refused", func(n uint32) string { return frame(frameRSTStream, n, 7) }, Unknown, maxConns},
		{"GOAWAY, after this one", func(uint32) string { return frame(frameGoAway, 0, 1, 0) }, Unknown, 1},
		{"GOAWAY, before this one", func(uint32) string { return frame(frameGoAway, 0, 0, 0) }, NotProcessed, maxConns},
		{"RST_STREAM of another stream", func(uint32) string { return frame(frameRSTStream, 7, 2) }, Unknown, 1},
		{"frames that are none", func(uint32) string { return strings.Repeat("\xff", 1000) }, Unknown, 1},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			requests := make(chan int, 100)
			transport := piped(t, func(conn net.Conn) {
				c := tls.Server(conn, &tls.Config{Certificates: cert.TLS.Certificates, NextProtos: []string{"h2"}})
				defer func() { _ = c.Close() }()
				if _, err := io.CopyN(io.Discard, c, int64(len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))); err != nil {
					return
				}
				write(c, frame(frameSettings, 0))
				var head [9]byte
				for {
					if _, err := io.ReadFull(c, head[:]); err != nil {
						return
					}
					size := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
					if _, err := io.CopyN(io.Discard, c, size); err != nil {
						return
					}
					if head[3] == frameHeaders {
						requests <- 1
						go write(c, tc.answer(binary.BigEndian.Uint32(head[5:]))) // a pipe has no buffer
					}
				}
			})
			transport.TLSClientConfig = cert.Client().Transport.(*http.Transport).TLSClientConfig.Clone() //nolint:forcetypeassert // As net/http makes it.
			transport.TLSClientConfig.ServerName = "example.com"
			c := testClient(t, directTo("https://cdp.example"), Options{Timeout: 300 * time.Millisecond, HTTPClient: &http.Client{Transport: transport}})
			_, err := c.Post(t.Context(), goalBody(c.site), "")
			if n := len(requests); OutcomeOf(err) != tc.want || n < 1 || n > tc.most {
				t.Errorf("%v: %v, want %v; %d requests came, want at most %d", err, OutcomeOf(err), tc.want, n, tc.most)
			}
		})
	}
}
