package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

// raw is a site that writes one text on each connection, whatever it is asked, and hangs up.
func raw(t *testing.T, answer string) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 4096))
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// overTLS is a site with the certificate of httptest, which is of example.com and 127.0.0.1.
func overTLS(t *testing.T) (address string, root *x509.Certificate) {
	t.Helper()
	site := httptest.NewUnstartedServer(http.NotFoundHandler())
	site.Config.ErrorLog = log.New(io.Discard, "", 0)
	site.StartTLS()
	t.Cleanup(site.Close)
	return site.Listener.Addr().String(), site.Certificate()
}

// TestSiteFault: whatever the site answers, the log says what is wrong, and what to do if that
// is known, and has no word of the answer: it may be somebody's session.
func TestSiteFault(t *testing.T) {
	secure, root := overTLS(t)
	trusted := x509.NewCertPool()
	trusted.AddCert(root)
	known := func(name string) *tls.Config { return &tls.Config{RootCAs: trusted, ServerName: name} }
	late := known("example.com")
	late.Time = func() time.Time { return root.NotAfter.Add(time.Hour) }
	const page = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
	for name, test := range map[string]struct {
		to     string
		tls    *tls.Config
		status int
		want   []string
	}{
		"a cookie that is broken off":      {"http://" + raw(t, page+"Set-Cookie: session=SECRET\r\r\n\r\n"), nil, 502, []string{"did not answer", "malformed MIME header line"}},
		"a cookie with a zero":             {"http://" + raw(t, page+"Set-Cookie: session=\"SECRET\\\" SECRET\x00\r\n\r\n"), nil, 502, []string{"malformed MIME header line"}},
		"a line without a colon":           {"http://" + raw(t, page+"session SECRET\r\n\r\n"), nil, 502, []string{"missing colon"}},
		"a text before the status":         {"http://" + raw(t, "warning: SECRET\r\n"+page+"\r\n"), nil, 502, []string{"malformed HTTP"}},
		"two lengths":                      {"http://" + raw(t, page+"Content-Length: 1\r\nContent-Length: 2\r\n\r\nSECRET"), nil, 502, []string{"multiple Content-Length"}},
		"a length that is none":            {"http://" + raw(t, page+"Content-Length: SECRET\r\n\r\n"), nil, 502, []string{"bad Content-Length"}},
		"an encoding that is none":         {"http://" + raw(t, page+"Transfer-Encoding: SECRET\r\n\r\n"), nil, 502, []string{"unsupported transfer encoding"}},
		"another protocol than asked":      {"http://" + raw(t, "HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: SECRET\r\n\r\n"), nil, 502, []string{"switch protocol"}},
		"a body that is broken off":        {"http://" + raw(t, page+"Content-Length: 100\r\n\r\nSECRET"), nil, 200, []string{"the site broke off its answer", "unexpected EOF"}},
		"a chunk that is none":             {"http://" + raw(t, page+"Transfer-Encoding: chunked\r\n\r\n6\r\nSECRET\r\nSECRET\r\n"), nil, 200, []string{"the site broke off its answer", "chunk"}},
		"nothing":                          {"http://" + raw(t, ""), nil, 502, []string{"did not answer"}},
		"HTTP/2 from the first byte":       {"http://" + raw(t, "\x00\x00\x12\x04\x00\x00\x00\x00\x00SECRET"), nil, 502, []string{"advice=", "h2c"}},
		"a TLS alert":                      {"http://" + raw(t, "\x15\x03\x01\x00\x02\x02\x16"), nil, 502, []string{"advice=", "begin with https://"}},
		"HTTP where TLS is expected":       {"https://" + raw(t, page+"Set-Cookie: session=SECRET\r\n\r\n"), nil, 502, []string{"advice=", "begin with http://"}},
		"a certificate that nobody signed": {"https://" + secure, nil, 502, []string{"unknown authority", "SSL_CERT_FILE"}},
		"a certificate of another host":    {"https://" + secure, known("shop.example"), 502, []string{"not shop.example", "host of --to"}},
		"a certificate that has expired":   {"https://" + secure, late, 502, []string{"expired", "has to be valid"}},
		"TLS 1.1":                          {"https://" + secure, &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}, 502, []string{"protocol version"}},
	} {
		t.Run(name, func(t *testing.T) {
			target, err := url.Parse(test.to)
			if err != nil {
				t.Fatal(err)
			}
			transport := newTransport()
			transport.TLSClientConfig = test.tls
			var logged bytes.Buffer
			w := httptest.NewRecorder()
			func() {
				defer func() { _ = recover() }() // an answer that is broken off
				newProxy(usualLimits(), transport, target, slog.New(slog.NewTextHandler(&logged, nil))).
					ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?token=SECRET", nil))
			}()
			said := logged.String()
			for _, want := range test.want {
				if !strings.Contains(said, want) {
					t.Errorf("the log does not say %q: %s", want, said)
				}
			}
			if w.Code != test.status || strings.Contains(said, "SECRET") || strings.Count(said, "\n") != 1 {
				t.Errorf("%d, the log says %s", w.Code, said)
			}
		})
	}
}
