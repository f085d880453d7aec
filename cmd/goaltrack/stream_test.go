package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// inFront starts a proxy in front of a site. Without args it is for a tenant
// and sends no page views.
func inFront(t *testing.T, site http.HandlerFunc, args ...string) (proxy *running, tenant *cdptest.Server) {
	t.Helper()
	tenant = cdptest.NewServer(t, cdptest.Options{})
	upstream := httptest.NewServer(site)
	t.Cleanup(upstream.Close)
	if args == nil {
		args = []string{"--client-key", "key", "--pos", "shop"}
	}
	return start(t, append([]string{
		"proxy", "--listen", "127.0.0.1:0", "--to", upstream.URL,
		"--rules", write(t, "goals.yaml", rules), "--cdp", tenant.URL,
	}, args...)...), tenant
}

// dial opens a connection to a server and sends text.
func dial(t *testing.T, base, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(deadline(t), "tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(2 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	send(t, conn, text)
	return conn, bufio.NewReader(conn)
}

func send(t *testing.T, w io.Writer, text string) {
	t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
}

// expect reads the next bytes and compares them.
func expect(t *testing.T, r io.Reader, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(r, got); err != nil || string(got) != want {
		t.Fatalf("read %q (%v), want %q", got[:n], err, want)
	}
}

// answer reads an answer without its body.
func answer(t *testing.T, r *bufio.Reader) *http.Response {
	t.Helper()
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// goalsAfter stops the proxy and returns what the CDP has heard by then.
func goalsAfter(t *testing.T, proxy *running, tenant *cdptest.Server) string {
	t.Helper()
	if code, account := proxy.stop(); code != exitOK {
		t.Errorf("exit code %d\n%s\n%s", code, account, proxy.stderr)
	}
	return strings.Join(tenant.Types(), " ")
}

// TestUpload sends 10 MB, most of it only once the site has seen the beginning.
func TestUpload(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 10<<20/16)
	for name, length := range map[string]int64{"length given": int64(len(content)), "chunked": -1} {
		t.Run(name, func(t *testing.T) {
			began := make(chan struct{})
			proxy, tenant := inFront(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					say(w, "<!doctype html><form>")
					return
				}
				sum := sha256.New()
				_, _ = io.CopyN(sum, r.Body, 1000)
				close(began)
				_, _ = io.Copy(sum, r.Body)
				w.WriteHeader(http.StatusCreated)
				say(w, "%x", sum.Sum(nil))
			})
			visitor := newVisitor(t, proxy.url)
			body, writer := io.Pipe()
			r := request(t, http.MethodPost, proxy.url, "/upload", body, navigation)
			r.Header.Set("Content-Type", "image/jpeg")
			r.ContentLength = length
			go func() {
				_, _ = writer.Write(content[:1000])
				select {
				case <-began:
				case <-r.Context().Done():
				}
				_, err := writer.Write(content[1000:])
				_ = writer.CloseWithError(err)
			}()
			response := do(t, visitor, r)
			got, _ := io.ReadAll(response.Body)
			if want := fmt.Sprintf("%x", sha256.Sum256(content)); response.StatusCode != http.StatusCreated || string(got) != want {
				t.Errorf("%s %s, want %s", response.Status, got, want)
			}
			if heard := goalsAfter(t, proxy, tenant); heard != "PHOTO_SENT" {
				t.Errorf("the CDP heard %q", heard)
			}
		})
	}
}

// TestUpgrade talks over a connection that stopped being HTTP, as WebSockets do.
func TestUpgrade(t *testing.T) {
	proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Connection") != "Upgrade" || r.Header.Get("Upgrade") != "websocket" {
			http.Error(w, "no upgrade", http.StatusBadRequest)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Echo: 1\r\n\r\nhello ")
		_, _ = io.Copy(conn, buffered)
	})
	for _, head := range []string{"GET /chat HTTP/1.1\r\n%s\r\n", "POST /chat HTTP/1.1\r\n%sContent-Length: 3\r\n\r\na=1"} {
		conn, reader := dial(t, proxy.url, fmt.Sprintf(head, "Host: "+host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"))
		if response := answer(t, reader); response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("X-Echo") != "1" {
			t.Fatalf("%s %v", response.Status, response.Header)
		}
		expect(t, reader, "hello ")
		for _, text := range []string{"one", "two"} {
			send(t, conn, text)
			expect(t, reader, text)
		}
	}
}

// TestTrickle reads what the site has written while it goes on writing.
func TestTrickle(t *testing.T) {
	for name, header := range map[string]http.Header{
		"event stream":   {"Content-Type": {"text/event-stream"}},
		"unknown length": {"Content-Type": {"text/plain"}},
		"known length":   {"Content-Type": {"text/plain"}, "Content-Length": {"24"}},
	} {
		t.Run(name, func(t *testing.T) {
			next := make(chan struct{})
			proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
				maps.Copy(w.Header(), header)
				for _, text := range []string{"", "data: one\n\n", "data: two..\n\n"} {
					say(w, "%s", text)
					_ = http.NewResponseController(w).Flush()
					select {
					case <-next:
					case <-r.Context().Done():
						return
					}
				}
			})
			// The header comes before anything else is written.
			response := do(t, newBrowser(t), request(t, http.MethodGet, proxy.url, "/events", nil, navigation))
			for _, text := range []string{"data: one\n\n", "data: two..\n\n"} {
				next <- struct{}{}
				expect(t, response.Body, text)
			}
			close(next)
		})
	}
}

// TestFullDuplex reads the answer to each line of an upload before it sends
// the next.
func TestFullDuplex(t *testing.T) {
	proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			say(w, "%s!\n", lines.Text())
			_ = http.NewResponseController(w).Flush()
		}
	})
	conn, reader := dial(t, proxy.url, "POST /echo HTTP/1.1\r\nHost: "+host+"\r\nTransfer-Encoding: chunked\r\n\r\n4\r\none\n\r\n")
	response := answer(t, reader)
	expect(t, response.Body, "one!\n")
	send(t, conn, "4\r\ntwo\n\r\n0\r\n\r\n")
	expect(t, response.Body, "two!\n")
	if rest, err := io.ReadAll(response.Body); len(rest) > 0 || err != nil {
		t.Errorf("then %q, %v", rest, err)
	}
}

// TestExpectContinue asks before it sends a body.
func TestExpectContinue(t *testing.T) {
	proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			say(w, "%s", strings.Repeat("please sign in ", 300)) // more than net/http buffers
			return
		}
		body, _ := io.ReadAll(r.Body)
		say(w, "got %s", body)
	})
	for _, path := range []string{"/upload", "/newsletter", "/elsewhere"} { // with a goal, with a form goal, with none
		head := "POST " + path + " HTTP/1.1\r\nHost: " + host + "\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
			"Content-Length: 9\r\nExpect: 100-continue\r\n"

		_, reader := dial(t, proxy.url, head+"\r\n")
		if response := answer(t, reader); response.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: refused with %s", path, response.Status)
		}

		conn, reader := dial(t, proxy.url, head+"Authorization: Basic YTpi\r\n\r\n")
		expect(t, reader, "HTTP/1.1 100 Continue\r\n\r\n")
		send(t, conn, "topic=tea")
		response := answer(t, reader)
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: accepted with %s %v\n%s", path, response.Status, response.Header, proxy.stderr)
		}
		expect(t, response.Body, "got topic=tea")
	}
}

// TestHTTP10 gets no early hints, which it would take for the answer.
func TestHTTP10(t *testing.T) {
	proxy, _ := inFront(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		say(w, "the answer")
	})
	_, reader := dial(t, proxy.url, "GET / HTTP/1.0\r\n\r\n")
	response := answer(t, reader)
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusOK || string(body) != "the answer" {
		t.Errorf("%s %q", response.Status, body)
	}
}

// TestHalfClosed hears of an answer that was cut that it was cut, although the
// client will say nothing more.
func TestHalfClosed(t *testing.T) { // not beside others, which need more patience
	defer func(grace time.Duration) { halfClosedGrace = grace }(halfClosedGrace)
	halfClosedGrace = 50 * time.Millisecond
	half := strings.Repeat("x", 10_000)
	left := make(chan struct{})
	proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
		say(w, "%s", half)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done() // the proxy hangs up
		close(left)
	})
	conn, reader := dial(t, proxy.url, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	response := answer(t, reader)
	expect(t, response.Body, half)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	<-left
	if rest, err := io.ReadAll(response.Body); err == nil {
		t.Errorf("read %q and no error", rest)
	}
}

// TestShutdown lets a request end that is under way.
func TestShutdown(t *testing.T) {
	arrived, finish := make(chan struct{}), make(chan struct{})
	proxy, _ := inFront(t, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-finish
		say(w, "all of it")
	})
	_, reader := dial(t, proxy.url, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
	<-arrived
	proxy.cancel()
	untilRefused(t, proxy.url)
	close(finish)
	expect(t, answer(t, reader).Body, "all of it")
	if code, account := proxy.stop(); code != exitOK || account == "" {
		t.Errorf("exit code %d, account %q", code, account)
	}
}
