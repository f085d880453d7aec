package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

var beside = flag.Bool("beside", false, "with -write-page: run nginx and Caddy too, and write what they do")

const wirePage = "../../docs/wire.md"

// wireRows are what a client sends, and what it is about.
var wireRows = []struct {
	name, text string
	halfClose  bool
}{
	{"`Expect: 100-continue`", "POST /a HTTP/1.1\r\nHost: shop.example\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\na=1", false},
	{"`Expect:` anything else", "POST /a HTTP/1.1\r\nHost: shop.example\r\nExpect: tea\r\nContent-Length: 3\r\n\r\na=1", false},
	{"chunked and a length", "POST /a HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n", false},
	{"two lengths that differ", "POST /a HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\na=1", false},
	{"`Transfer-Encoding: gzip, chunked`", "POST /a HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: gzip, chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n", false},
	{"a malformed chunk, then a request", "POST /a HTTP/1.1\r\nHost: shop.example\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\na=1\r\nGET /smuggled HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
	{"a chunked body with trailers", "POST /a HTTP/1.1\r\nHost: shop.example\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n0\r\nX-Sum: 1\r\n\r\n", false},
	{"`TE: trailers`", "GET /a HTTP/1.1\r\nHost: shop.example\r\nConnection: TE\r\nTE: trailers\r\n\r\n", false},
	{"a header that Connection names", "GET /a HTTP/1.1\r\nHost: shop.example\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n", false},
	{"an upgrade, with data right behind it", "GET /upgrade HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\nEARLY", false},
	{"a client that closes its side", "GET /slow HTTP/1.1\r\nHost: shop.example\r\n\r\n", true},
	{"103 before the answer", "GET /hints HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
	{"103, to HTTP/1.0", "GET /hints HTTP/1.0\r\nHost: shop.example\r\n\r\n", false},
	{"HEAD", "HEAD /a HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
	{"204", "GET /204 HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
	{"304 with a length", "GET /304 HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
	{"a header of 100 KB", "GET /a HTTP/1.1\r\nHost: shop.example\r\nX-Big: " + strings.Repeat("x", 100_000) + "\r\n\r\n", false},
	{"the absolute form, another Host", "GET http://other.example/a HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
	{"two Hosts", "GET /a HTTP/1.1\r\nHost: shop.example\r\nHost: other.example\r\n\r\n", false},
	{"no Host", "GET /a HTTP/1.1\r\n\r\n", false},
	{"TRACE", "TRACE /a HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
	{"CONNECT", "CONNECT shop.example:443 HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
	{"an unknown method", "BREW /a HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
	{"a blank before the colon", "GET /a HTTP/1.1\r\nHost: shop.example\r\nX-A : 1\r\n\r\n", false},
	{"a folded header", "GET /a HTTP/1.1\r\nHost: shop.example\r\nX-A: 1\r\n 2\r\n\r\n", false},
	{"`%00` in the path", "GET /a%00 HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
	{"`/a/../b//c`", "GET /a/../b//c HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
	{"two requests, pipelined", "GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\nGET /b HTTP/1.1\r\nHost: shop.example\r\n\r\n", false},
}

// wireSite says what it was asked for.
type wireSite struct {
	asked
	came     chan struct{} // a request was noted
	patience atomic.Int64  // how long /slow takes
}

// wireEnd is asked for behind each row, on the same connection: what came before the
// answer is all of the row's.
const wireEnd = "GET /end HTTP/1.1\r\nHost: shop.example\r\n\r\n"

// later is what the client says when it has the answer to its upgrade.
const later = "LATER"

// ServeHTTP implements http.Handler.
func (s *wireSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/end" {
		w.Header().Set("X-End", "1")
		w.WriteHeader(http.StatusNoContent)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // it got no whole request
	}
	text := fmt.Sprintf("%s %s", r.Method, r.RequestURI)
	if r.Host != "shop.example" {
		text += ", Host " + r.Host
	}
	if len(body) > 0 {
		text += ", " + string(body)
	}
	for _, name := range []string{"Te", "X-Hop", "X-A"} {
		if v := r.Header.Get(name); v != "" {
			text = fmt.Sprintf("%s, %s: %s", text, name, v)
		}
	}
	if v := r.Trailer.Get("X-Sum"); v != "" {
		text += ", trailer X-Sum: " + v
	}
	s.add(text)
	select {
	case s.came <- struct{}{}:
	default: // somebody knows already
	}
	switch r.URL.Path {
	case "/upgrade":
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n")
		var early []byte
		for !strings.HasSuffix(string(early), later) {
			c, err := buffered.ReadByte()
			if err != nil {
				break
			}
			early = append(early, c)
		}
		s.add(fmt.Sprintf("%q", strings.TrimSuffix(string(early), later)))
	case "/slow":
		select {
		case <-time.After(time.Duration(s.patience.Load())):
		case <-r.Context().Done():
		}
		say(w, "slow")
	case "/hints":
		w.WriteHeader(http.StatusEarlyHints)
		say(w, "tea")
	case "/204":
		w.WriteHeader(http.StatusNoContent)
	case "/304":
		w.Header().Set("Content-Length", "3")
		w.WriteHeader(http.StatusNotModified)
	default:
		say(w, "tea")
	}
}

func (s *wireSite) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, text)
}

// begin forgets what came before.
func (s *wireSite) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = nil
	select {
	case <-s.came:
	default:
	}
}

// exchangeOnWire sends a row, and tells what was answered and what the site was asked for.
func exchangeOnWire(t *testing.T, address, text string, halfClose bool, site *wireSite) string {
	t.Helper()
	site.begin()
	ctx := deadline(t)
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	until, _ := ctx.Deadline()
	_ = conn.SetDeadline(until)
	_, _ = io.WriteString(conn, text)
	if halfClose {
		select {
		case <-site.came:
		case <-ctx.Done():
			t.Fatalf("%q does not come to the site", text)
		}
		_ = conn.(*net.TCPConn).CloseWrite()
	}
	method, _, _ := strings.Cut(text, " ")
	r := bufio.NewReader(conn)
	var said []string
	ended := false
	for {
		if _, err = r.Peek(1); err != nil {
			break
		}
		response, bad := http.ReadResponse(r, &http.Request{Method: method})
		if bad != nil {
			break
		}
		if response.Header.Get("X-End") != "" {
			break
		}
		said = append(said, strconv.Itoa(response.StatusCode))
		if response.StatusCode == http.StatusSwitchingProtocols {
			say(conn, later)
			_, _ = io.Copy(io.Discard, r) // until the site has it
			break
		}
		if _, bad := io.Copy(io.Discard, response.Body); bad != nil {
			said[len(said)-1] += " cut"
		}
		if response.StatusCode > 199 && !halfClose && !ended {
			say(conn, wireEnd)
			ended = true
		}
	}
	answer := strings.Join(said, ", ")
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		t.Errorf("%q: no answer, and no end", text)
	case err != nil && !halfClose:
		answer += ", closes"
	}
	asked := site.all()
	if len(asked) == 0 {
		return answer + "; the site: nothing"
	}
	return answer + "; the site: " + strings.Join(asked, " and ")
}

// TestWirePage: docs/wire.md says what the proxy does with what comes on the wire.
func TestWirePage(t *testing.T) {
	t.Parallel()
	site := &wireSite{came: make(chan struct{}, 1)}
	upstream := httptest.NewServer(site)
	defer upstream.Close()
	target, err := url.Parse(upstream.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := start(t, "proxy", "--listen", "127.0.0.1:0", "--to", upstream.URL, "--rules", write(t, "goals.yaml", rules), "--cdp=http://127.0.0.1:9", "--client-key=key", "--pos=shop")
	plain := httptest.NewUnstartedServer(&httputil.ReverseProxy{
		Rewrite:  func(pr *httputil.ProxyRequest) { pr.SetURL(target); pr.Out.Host = pr.In.Host },
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	})
	plain.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	plain.Start()
	defer plain.Close()
	addresses := []string{strings.TrimPrefix(proxy.url, "http://"), plain.Listener.Addr().String()}
	if *beside {
		addresses = append(addresses, startNginx(t, target.Host), startCaddy(t, target.Host))
	}
	page, err := os.ReadFile(wirePage)
	if err != nil && !*writePage {
		t.Fatal(err)
	}
	var lines []string
	for _, row := range wireRows {
		cells := []string{row.name}
		for i, address := range addresses {
			site.patience.Store(int64(time.Minute))
			if i == 0 {
				site.patience.Store(int64(400 * time.Millisecond)) // ours waits for the site; the others tell it that the client is gone
			}
			cell := strings.ReplaceAll(exchangeOnWire(t, address, row.text, row.halfClose, site), "|", "\\|")
			if i == 1 { // ReverseProxy may pass the site's 100 on behind its own, if it comes early enough
				cell = strings.Replace(cell, "100, 100, ", "100, ", 1)
			}
			cells = append(cells, cell)
		}
		line := "| " + strings.Join(cells, " | ") + " |"
		lines = append(lines, line)
		if !*writePage && !strings.Contains(string(page), strings.TrimSuffix(line, "|")) {
			t.Errorf("docs/wire.md does not say\n%s", line)
		}
	}
	if *writePage && *beside {
		begin, _, _ := strings.Cut(string(page), "|---|---|---|---|---|\n")
		text := begin + "|---|---|---|---|---|\n" + strings.Join(lines, "\n") + "\n"
		if err := os.WriteFile(wirePage, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// freeAddress is an address at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// startNginx starts nginx with its defaults, as a proxy that passes Host and upgrades on.
func startNginx(t *testing.T, target string) string {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	config := `daemon off; pid nginx.pid; error_log error.log; events {} http { access_log off;
	client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
	map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
	server { listen ` + address + `; location / { proxy_pass http://` + target + `; proxy_http_version 1.1;
	proxy_set_header Host $http_host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; } } }`
	if err := os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	startOther(t, address, "nginx", "-p", dir, "-c", "nginx.conf", "-e", "error.log")
	return address
}

// startCaddy starts Caddy with its defaults.
func startCaddy(t *testing.T, target string) string {
	t.Helper()
	dir, address := t.TempDir(), freeAddress(t)
	file := filepath.Join(dir, "Caddyfile")
	config := "{\n\tadmin off\n\tauto_https off\n}\nhttp://:" + address[strings.LastIndexByte(address, ':')+1:] + " {\n\treverse_proxy " + target + "\n}\n"
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	startOther(t, address, "caddy", "run", "--adapter", "caddyfile", "--config", file)
	return address
}

// startOther starts a program and waits until it listens.
func startOther(t *testing.T, address, name string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(slices.Clone(os.Environ()), "HOME="+t.TempDir())
	out := &syncBuffer{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	for ctx := deadline(t); ctx.Err() == nil; <-time.After(20 * time.Millisecond) {
		if conn, err := new(net.Dialer).DialContext(ctx, "tcp", address); err == nil {
			_ = conn.Close()
			return
		}
	}
	t.Fatalf("%s does not listen:\n%s", name, out)
}
