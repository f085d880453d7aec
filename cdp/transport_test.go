package cdp

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
)

// raw is a TCP server that hands each connection to f. It returns its base URL.
func raw(t *testing.T, f func(*net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f(c.(*net.TCPConn))
			_ = c.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return "http://" + l.Addr().String()
}

// readEvent reads the request as a server would.
// piped is a transport for fake time. Each of its connections is a pipe, with f at the
// other end.
func piped(t *testing.T, f func(net.Conn)) *http.Transport {
	t.Helper()
	var served sync.WaitGroup
	transport := NewTransport(1)
	transport.Proxy = nil
	transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		served.Go(func() {
			f(theirs)
			_ = theirs.Close()
		})
		return ours, nil
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		served.Wait()
	})
	return transport
}

func readEvent(c net.Conn) {
	if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
		drain(r.Body)
	}
}

func reset(c *net.TCPConn) { _ = c.SetLinger(0) } // Close then sends RST

func answerHead(status int, length string) string {
	return fmt.Sprintf("HTTP/1.1 %d X\r\n%s\r\n", status, length)
}

func TestOutcomeOfBrokenConnections(t *testing.T) {
	const short = "Content-Length: 1000\r\n"
	for _, tc := range []struct {
		name  string
		serve func(*net.TCPConn)
		want  Outcome
	}{
		{"reset after the request", func(c *net.TCPConn) { readEvent(c); reset(c) }, Unknown},
		{"closed after the request", func(c *net.TCPConn) { readEvent(c) }, Unknown},
		{"reset during the request", func(c *net.TCPConn) { drain(io.LimitReader(c, 20)); reset(c) }, Unknown},
		{"garbage", func(c *net.TCPConn) { readEvent(c); write(c, "SSH-2.0-x\r\n") }, Unknown},
		{"header breaks off", func(c *net.TCPConn) { readEvent(c); write(c, "HTTP/1.1 201 Cr") }, Unknown},
		{"reset in the body of a 201", func(c *net.TCPConn) {
			readEvent(c)
			write(c, answerHead(201, short)+`{"status":"OK",`)
			reset(c)
		}, Accepted},
		{"body of a 201 breaks off in an error", func(c *net.TCPConn) {
			readEvent(c)
			write(c, answerHead(201, short)+`{"status":"ERROR"`)
		}, Accepted},
		{"201 by chunks that are none", func(c *net.TCPConn) {
			readEvent(c)
			write(c, answerHead(201, "Transfer-Encoding: chunked\r\n")+"zz\r\n")
		}, Accepted},
		{"body of a 400 breaks off", func(c *net.TCPConn) { readEvent(c); write(c, answerHead(400, short)+"bad") }, EventBad},
		{"body of a 404 breaks off", func(c *net.TCPConn) { readEvent(c); write(c, answerHead(404, short)+`{"status":`) }, NotProcessed},
		{"body of a 503 breaks off", func(c *net.TCPConn) { readEvent(c); write(c, answerHead(503, short)) }, NotProcessed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := testClient(t, directTo(raw(t, tc.serve)), Options{})
			_, err := c.Post(t.Context(), goalBody(c.site), "")
			if got := OutcomeOf(err); got != tc.want {
				t.Errorf("%v: %v, want %v", err, got, tc.want)
			}
			if e, ok := errors.AsType[*Error](err); ok && strings.Contains(e.Error(), "demoKey000") {
				t.Errorf("the error has the client key: %v", err)
			}
		})
	}
}

func TestEndlessAndHugeBodies(t *testing.T) {
	bubble.Run(t, "never-ending", func(t *testing.T) {
		transport := piped(t, func(c net.Conn) {
			readEvent(c)
			write(c, answerHead(201, "Content-Length: 100\r\n")+`{"status":"OK"`)
			drain(c) // until the client is gone
		})
		began := time.Now()
		_, err := testClient(t, directTo("http://cdp.example"), Options{HTTPClient: &http.Client{Transport: transport}}).Send(t.Context(), goal())
		if took := time.Since(began); err != nil || took != bodyTimeout {
			t.Errorf("%v after %v", err, took)
		}
	})
	t.Run("100 MB", func(t *testing.T) {
		written := make(chan int, 1)
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			n, chunk := 0, make([]byte, 1<<20)
			w.WriteHeader(http.StatusCreated)
			for range 100 {
				m, err := w.Write(chunk)
				if n += m; err != nil {
					break
				}
			}
			written <- n
		})
		_, err := testClient(t, directTo(s.URL), Options{}).Send(t.Context(), goal())
		if n := <-written; err != nil || n == 100<<20 {
			t.Errorf("%v after %d bytes", err, n)
		}
	})
}

func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := piped(t, func(c net.Conn) {
			readEvent(c)
			drain(c) // until the client is gone
		})
		o := Options{Timeout: 30 * time.Second, CreateTimeout: 20 * time.Second, HTTPClient: &http.Client{Transport: transport}}
		transport.ResponseHeaderTimeout = 0
		c := testClient(t, directTo("http://cdp.example"), o)
		timed := func(want time.Duration, f func() error) {
			t.Helper()
			began := time.Now()
			err := f()
			if OutcomeOf(err) != Unknown || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != want {
				t.Errorf("no answer in time: %v after %v", err, time.Since(began))
			}
		}
		timed(o.Timeout, func() error { _, err := c.Send(t.Context(), goal()); return err })
		timed(o.CreateTimeout, func() error { _, err := c.CreateBrowser(t.Context()); return err })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.Send(ctx, goal())
		if OutcomeOf(err) != NotProcessed || !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
	})
}

// TestTimeOfTheHeader: whoever gives the CDP more time has it for the header, too.
func TestTimeOfTheHeader(t *testing.T) {
	for _, tc := range []struct {
		o    Options
		want time.Duration
	}{
		{Options{}, headerTimeout},
		{Options{Timeout: time.Second}, headerTimeout},
		{Options{Timeout: time.Minute}, 48 * time.Second},
		{Options{CreateTimeout: time.Minute}, 48 * time.Second},
	} {
		c := testClient(t, directTo("http://cdp.example"), tc.o)
		if got := c.transport.(*http.Transport).ResponseHeaderTimeout; got != tc.want {
			t.Errorf("%+v: %v, want %v", tc.o, got, tc.want)
		}
	}
}

func TestCancelledAfterWriting(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		drain(r.Body)
		cancel()
		<-r.Context().Done()
	})
	_, err := testClient(t, directTo(s.URL), Options{}).Send(ctx, goal())
	if OutcomeOf(err) != Unknown || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// Waiting for one of the connections is not sending.
func TestTimeoutBeforeAConnectionIsFree(t *testing.T) {
	entered, leave := make(chan bool), make(chan bool)
	s := serve(t, func(http.ResponseWriter, *http.Request) { entered <- true; <-leave })
	c := testClient(t, directTo(s.URL), Options{Workers: 1})
	first := make(chan error)
	go func() { _, err := c.Send(context.Background(), goal()); first <- err }()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Send(ctx, goal()); OutcomeOf(err) != NotProcessed || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	close(leave)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

func TestNothingWasSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + l.Addr().String()
	_ = l.Close()

	tlsServer := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") }))
	tlsServer.Config.ErrorLog = log.New(io.Discard, "", 0)
	tlsServer.StartTLS()
	t.Cleanup(tlsServer.Close)
	plainText := raw(t, func(c *net.TCPConn) { write(c, "HTTP/1.1 400 no TLS here\r\n\r\n") })

	for name, base := range map[string]string{
		"refused":        refused,
		"unknown CA":     tlsServer.URL,
		"no TLS":         strings.Replace(plainText, "http:", "https:", 1),
		"no such host":   "http://nobody.invalid",
		"not an address": "http://127.0.0.1:99999",
	} {
		c := testClient(t, directTo(base), Options{})
		_, err := c.Send(t.Context(), goal())
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Outcome != NotProcessed || e.Status != 0 || e.Err == nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := errors.AsType[*tls.CertificateVerificationError](err); name == "unknown CA" && !ok {
			t.Errorf("%s: the certificate is not in the chain: %v", name, err)
		}
	}
}

func TestHTTP2(t *testing.T) {
	n := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n++
		if r.ProtoMajor != 2 {
			t.Errorf("HTTP/%d", r.ProtoMajor)
		}
		if body, _ := io.ReadAll(r.Body); r.Method == http.MethodGet && (len(body) > 0 || r.ContentLength != 0) {
			t.Errorf("a GET with %q, length %d", body, r.ContentLength)
		}
		if n == 3 {
			panic(http.ErrAbortHandler)
		}
		write(w, `{"ref":"`+knownID+`"}`)
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	transport := NewTransport(0)
	transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	transport.TLSClientConfig.RootCAs.AddCert(s.Certificate())
	c := testClient(t, directTo(s.URL), Options{HTTPClient: &http.Client{Transport: transport}})
	if _, err := c.CreateBrowser(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := c.Send(t.Context(), goal()); err != nil {
		t.Error(err)
	}
	if _, err := c.Send(t.Context(), goal()); OutcomeOf(err) != Unknown {
		t.Errorf("stream reset after the request: %v", err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Transports of the caller's, which need not call the hooks of httptrace.
func TestForeignTransports(t *testing.T) {
	for _, tc := range []struct {
		name string
		rt   roundTrip
		want Outcome
	}{
		{"nothing", func(*http.Request) (*http.Response, error) { return nil, nil }, Unknown},
		{"an error", func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }, Unknown},
		{"dial", func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("x: %w", &net.OpError{Op: "dial", Err: io.EOF})
		}, NotProcessed},
		{"read", func(*http.Request) (*http.Response, error) { return nil, &net.OpError{Op: "read", Err: io.EOF} }, Unknown},
		{"DNS", func(*http.Request) (*http.Response, error) { return nil, &net.DNSError{IsNotFound: true} }, NotProcessed},
		{"a client", func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.URL.Host = "127.0.0.1:99999"
			return http.DefaultClient.Do(r)
		}, NotProcessed},
		{"a broken body", func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusCreated, Body: io.NopCloser(iotest.ErrReader(io.ErrClosedPipe))}, nil
		}, Accepted},
	} {
		c := testClient(t, directTo("http://cdp.invalid"), Options{HTTPClient: &http.Client{Transport: tc.rt}})
		_, err := c.Send(t.Context(), goal())
		if OutcomeOf(err) != tc.want || err != nil && strings.Contains(err.Error(), "http://") {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
		c.Close()
	}
}

func TestNewTransport(t *testing.T) {
	tr := NewTransport(7)
	if tr.MaxConnsPerHost != 7 || tr.MaxIdleConnsPerHost != 7 || tr.IdleConnTimeout != 50*time.Second ||
		tr.Proxy == nil || !tr.ForceAttemptHTTP2 || tr.HTTP2.SendPingTimeout != 15*time.Second ||
		tr.HTTP2.PingTimeout != 10*time.Second || tr.ResponseHeaderTimeout != 8*time.Second || tr.TLSHandshakeTimeout != 5*time.Second {
		t.Errorf("%+v", tr)
	}
}
