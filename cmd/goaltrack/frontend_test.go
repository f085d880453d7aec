package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// writeCertificate writes a certificate for the site with that name in its subject, and its key.
func writeCertificate(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{host},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// speak asks the proxy over what the client speaks, and tells what it was answered by.
func speak(t *testing.T, base string, protocols func(*http.Protocols)) string {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		Protocols:       &http.Protocols{},
	}
	protocols(transport.Protocols)
	defer transport.CloseIdleConnections()
	r := request(t, http.MethodPost, base, "/a?b=c", strings.NewReader("topic=tea"), http.Header{"Te": {"trailers"}})
	response, err := transport.RoundTrip(r)
	if err != nil {
		return "no answer"
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	by := "plain"
	if response.TLS != nil {
		by = response.TLS.PeerCertificates[0].Subject.CommonName
	}
	return fmt.Sprintf("%s %s %d %s trailer %s", response.Proto, by, response.StatusCode, body, response.Trailer.Get("X-Sum"))
}

// TestProtocols asks by HTTP/1.1 and HTTP/2, with TLS and without. What the site sees
// and says is the same.
func TestProtocols(t *testing.T) {
	cert, key := writeCertificate(t, t.TempDir(), "one")
	secure := []string{"--tls-cert=" + cert, "--tls-key=" + key}
	only1 := func(p *http.Protocols) { p.SetHTTP1(true) }
	only2 := func(p *http.Protocols) { p.SetHTTP2(true) }
	onlyPlain2 := func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }
	for _, test := range []struct {
		name   string
		args   []string
		speaks func(*http.Protocols)
		want   string // "" for no answer
	}{
		{"plain", nil, only1, "HTTP/1.1 plain http"},
		{"plain HTTP/2, not asked for", nil, onlyPlain2, ""},
		{"h2c", []string{"--h2c"}, onlyPlain2, "HTTP/2.0 plain http"},
		{"HTTP/1.1 beside h2c", []string{"--h2c"}, only1, "HTTP/1.1 plain http"},
		{"TLS", secure, only1, "HTTP/1.1 one https"},
		{"TLS and HTTP/2", secure, only2, "HTTP/2.0 one https"},
		{"TLS and no HTTP/2", append([]string{"--no-http2"}, secure...), only2, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				w.Header().Set("Trailer", "X-Sum")
				say(w, "%s %s %s %s", r.Header.Get("X-Forwarded-Proto"), r.Host, r.RequestURI, body)
				w.Header().Set("X-Sum", "42")
			}, append([]string{"--client-key=key", "--pos=shop"}, test.args...)...)
			want := "no answer"
			if proto, scheme, ok := strings.Cut(test.want, " http"); ok {
				want = proto + " 200 http" + scheme + " " + host + " /a?b=c topic=tea trailer 42"
			}
			if got := speak(t, proxy.url, test.speaks); got != want {
				t.Errorf("%s, want %s\n%s", got, want, proxy.stderr)
			}
		})
	}
}

// TestCertificateFollows changes the files, well and badly. Only what is whole is put in force,
// and what is not is said once.
func TestCertificateFollows(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := writeCertificate(t, dir, "one")
	other, _ := writeCertificate(t, t.TempDir(), "two")
	read := func(file string) string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first, second := read(certFile), read(other)
	secondKey := read(filepath.Join(filepath.Dir(other), "key.pem"))
	synctest.Test(t, func(t *testing.T) {
		log := &syncBuffer{}
		c, err := loadCertificate(certFile, keyFile)
		if err != nil {
			t.Fatal(err)
		}
		c.logger = slog.New(slog.NewTextHandler(log, nil))
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go c.follow(ctx)
		put := func(file, text string) {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		shows := func(name string, lines int, what string) {
			t.Helper()
			time.Sleep(20 * time.Second)
			got, _ := c.config().GetCertificate(nil)
			if got.Leaf.Subject.CommonName != name || strings.Count(log.String(), "\n") != lines {
				t.Errorf("%s: %s, want %s, and %d lines of\n%s", what, got.Leaf.Subject.CommonName, name, lines, log)
			}
		}
		time.Sleep(certificateEvery / 2) // so that no look falls on the moment of a test
		shows("one", 0, "nothing has changed")
		put(certFile, first[:len(first)/2])
		shows("one", 1, "half a file")
		put(certFile, second)
		shows("one", 2, "a certificate without its key")
		put(keyFile, secondKey)
		shows("two", 3, "both")
		if err := os.Remove(keyFile); err != nil {
			t.Fatal(err)
		}
		shows("two", 4, "no key")
		put(keyFile, secondKey)
		shows("two", 4, "the key again")
		put(certFile, first[:len(first)/2])
		time.Sleep(certificateEvery)
		put(certFile, second)
		shows("two", 4, "a file that was being written")
		if text := log.String(); strings.Count(text, "level=ERROR") != 3 || strings.Count(text, "level=INFO") != 1 {
			t.Errorf("the log is\n%s", text)
		}
	})
}

// TestSocket listens on a Unix socket, also where a killed process left one. What a proxy in
// front says of the visitor reaches the site, and is believed only if it is to be.
func TestSocket(t *testing.T) {
	for trusted, want := range map[bool]string{
		true:  "X-Forwarded-For=203.0.113.9, 127.0.0.1 host=shop.example",
		false: "X-Forwarded-For=203.0.113.9 host=shop.example",
	} {
		t.Run(fmt.Sprintf("trusted %v", trusted), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "goaltrack.sock")
			left, err := new(net.ListenConfig).Listen(t.Context(), "unix", path)
			if err != nil {
				t.Fatal(err)
			}
			left.(*net.UnixListener).SetUnlinkOnClose(false)
			_ = left.Close()
			args := []string{"--client-key=key", "--pos=shop", "--listen=unix:" + path, "--staff=203.0.113.9"}
			if trusted {
				args = append(args, "--trust-unix")
			}
			proxy, tenant := inFront(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				say(w, "X-Forwarded-For=%s host=%s", r.Header.Get("X-Forwarded-For"), r.Host)
			}, args...)
			if proxy.url != "unix:"+path {
				t.Errorf("listening on %s", proxy.url)
			}
			transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			}}
			defer transport.CloseIdleConnections()
			tenant.Know("6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90")
			header := navigation.Clone()
			header.Set("X-Forwarded-For", "203.0.113.9")
			header.Set("Cookie", "bid_key=6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90")
			response, err := transport.RoundTrip(request(t, http.MethodGet, "http://"+host, "/products/7", nil, header))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			if body, _ := io.ReadAll(response.Body); string(body) != want {
				t.Errorf("the site saw %s, want %s", body, want)
			}
			goals := goalsAfter(t, proxy, tenant)
			if trusted != (goals == "") { // a colleague is not counted, if the proxy is believed
				t.Errorf("goals %q", goals)
			}
		})
	}
}

// TestSocketTaken: a socket at which somebody listens is not taken away.
func TestSocketTaken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "goaltrack.sock")
	first, err := listen(t.Context(), "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.Close() }()
	if _, err := listen(t.Context(), "unix:"+path); err == nil || !strings.Contains(err.Error(), "another process listens there") {
		t.Errorf("%v", err)
	}
	file := write(t, "a.txt", "kept")
	if _, err := listen(t.Context(), "unix:"+file); err == nil {
		t.Error("a file was replaced")
	}
	if text, _ := os.ReadFile(file); string(text) != "kept" {
		t.Errorf("the file has %q", text)
	}
}

// TestEntranceFaults: settings that do not go together are told by name.
func TestEntranceFaults(t *testing.T) {
	cert, key := writeCertificate(t, t.TempDir(), "one")
	for args, want := range map[string]string{
		"--tls-cert=" + cert: "--tls-cert needs --tls-key",
		"--tls-key=" + key:   "--tls-key needs --tls-cert",
		"--tls-cert=" + cert + " --tls-key=" + key + " --h2c":     "--h2c is HTTP/2 without TLS",
		"--tls-cert=" + cert + " --tls-key=" + cert:               "--tls-cert or --tls-key: tls: ",
		"--tls-cert=" + cert + " --tls-key=" + key + "-not-there": "--tls-key: open " + key + "-not-there",
		"--tls-cert=" + cert + "-not-there --tls-key=" + key:      "--tls-cert: open " + cert + "-not-there",
		"--trust-unix":           "--trust-unix needs a --listen such as unix:",
		"--listen=unix:":         "names no socket",
		"--ready-path=readyz":    `--ready-path: "readyz" is not a path`,
		"--max-header-bytes=1KB": `--max-header-bytes: "1KB" is not a size between 4KiB and 16MiB`,
		"--answer-timeout=-1s":   "--answer-timeout: ",
	} {
		code, _, stderr := outcome(t, append([]string{"proxy", "--to=http://127.0.0.1:9", "--views=server", "--region=eu", "--client-key=k", "--pos=p"}, strings.Fields(args)...), nil)
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, no %q in\n%s", args, code, want, stderr)
		}
	}
}

// TestReadyPath asks the proxy itself, before it ends and while it does.
func TestReadyPath(t *testing.T) {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { say(w, "the site: %s", r.URL.Path) }))
	defer site.Close()
	v, err := proxyValues([]string{"--ready-path=/readyz"}, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	h := &proxyServer{precheck: precheckOf(v), limits: newLimits(limitsOf(v)), current: &generation{handler: http.NotFoundHandler()}}
	e := newFrontend(v, inMemory(t, nil), nil, h, console{io.Discard, io.Discard, slog.New(slog.DiscardHandler)})
	defer func() { _ = e.listener.Close() }()
	h.precheck.ending = &e.ending
	handler := e.around(&limitedServer{})
	for _, want := range []struct {
		status int
		closes string
	}{{200, ""}, {503, "close"}} {
		for path, status := range map[string]int{"/readyz": want.status, "/": 404} {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
			if w.Code != status || w.Header().Get("Connection") != want.closes {
				t.Errorf("%s: %d %v, want %d", path, w.Code, w.Header(), status)
			}
		}
		e.ending.Store(true)
	}
}

// TestHeaderLimits: a header that is too large is refused, and a slow one is not waited for.
func TestHeaderLimits(t *testing.T) {
	site := func(w http.ResponseWriter, _ *http.Request) { say(w, "the site") }
	narrow, _ := inFront(t, site, "--client-key=key", "--pos=shop", "--max-header-bytes=8KiB")
	impatient, _ := inFront(t, site, "--client-key=key", "--pos=shop", "--header-timeout=100ms")
	big := "X-Big: " + strings.Repeat("x", 13<<10) + "\r\n" // net/http adds 4 KiB to the limit
	_, r := dial(t, narrow.url, "GET / HTTP/1.1\r\nHost: a\r\n"+big+"\r\n")
	if got := readAnswer(t, r); got.status != http.StatusRequestHeaderFieldsTooLarge || !got.close {
		t.Errorf("%+v", got)
	}
	_, r = dial(t, impatient.url, "GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ")
	if _, err := bufio.NewReader(r).ReadByte(); err != io.EOF {
		t.Errorf("the connection ends with %v", err)
	}
}
