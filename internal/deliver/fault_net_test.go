package deliver

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/faultproxy"
)

// The rows of docs/reliability.md about the network that need a socket. Their
// waits are scaled to milliseconds; the rig checks the account at every end.

// behindProxy is a sender whose way to the stand-in leads through a proxy.
func behindProxy(t *testing.T, adjust ...func(*wiring)) (*wired, *cdptest.Server, *faultproxy.Proxy) {
	t.Helper()
	noLeak(t)
	s := cdptest.NewServer(t, cdptest.Options{})
	p := faultproxy.New(t, strings.TrimPrefix(s.URL, "http://"))
	return newWired(t, p.URL(), s.CDP, adjust...), s, p
}

// noLeak checks at the end of a test, when all else is closed, that no goroutine
// of ours or of an HTTP client's is left.
func noLeak(t *testing.T) {
	t.Helper()
	left := func() (n int) {
		var all strings.Builder
		_ = pprof.Lookup("goroutine").WriteTo(&all, 2)
		for g := range strings.SplitSeq(all.String(), "\n\n") {
			if strings.Contains(g, "deliver.(*") || strings.Contains(g, "idpool.(*") || strings.Contains(g, "http.(*persistConn)") || strings.Contains(g, "faultproxy") {
				n++
			}
		}
		return n
	}
	before := left()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for left() > before {
			if !sleep(ctx, 5*time.Millisecond) {
				t.Errorf("%d goroutines are left, %d were there before", left(), before)
				return
			}
		}
	})
}

// wantAll checks that n different events arrived, and that as many as were
// delivered more than once are accounted for as possible duplicates.
func (w *wired) wantAll(s *cdptest.CDP, n int) {
	w.t.Helper()
	all, different := w.arrived(s)
	if a := w.account(); different != n || a.Delivered != uint64(n) || uint64(all-different) > a.PossibleDuplicates {
		w.t.Errorf("%d events arrived, %d different ones; %s", all, different, a)
	}
}

func TestFault01DownAtStart(t *testing.T) {
	w, s, p := behindProxy(t)
	p.Down()
	w.send(100)
	w.until("down")
	if a := w.balanced(); a.Waiting != 100 {
		t.Errorf("%s", a)
	}
	if err := p.Up(); err != nil {
		t.Fatal(err)
	}
	w.wantAll(s.CDP, 100)
	if a := w.account(); a.PossibleDuplicates > 0 {
		t.Errorf("%s", a)
	}
}

func TestFault04Hanging(t *testing.T) {
	// On a busy machine an answer of those that do not hang may take longer than the
	// timeout, too. Then it says nothing, and a longer one is tried.
	for timeout := 500 * time.Millisecond; ; timeout *= 8 {
		w, s, p := behindProxy(t, func(d *wiring) { d.Timeout, d.Workers = timeout, 4 })
		p.Times(3, faultproxy.Hang)
		w.send(40)
		w.wantAll(s.CDP, 40)
		if p.Played(faultproxy.Hang) != 3 || p.Accepted() < 4 {
			t.Errorf("%d connections, %d hung: one that hung was used again", p.Accepted(), p.Played(faultproxy.Hang))
		}
		a := w.account()
		if a.PossibleDuplicates > 3 && timeout < time.Minute/4 {
			continue
		}
		if a.PossibleDuplicates != 3 {
			t.Errorf("%s", a)
		}
		return
	}
}

func TestFault05RetryAfter(t *testing.T) {
	const maxAge = time.Minute // so a pause is at most half of one
	for name, tc := range map[string]struct {
		value string
		date  time.Duration // from now, in place of a value
		pause time.Duration
	}{
		"seconds":         {value: "7", pause: 7 * time.Second},
		"10^9":            {value: "1000000000", pause: maxAge / 2},
		"a date":          {date: time.Hour, pause: maxAge / 2},
		"a date gone by":  {date: -time.Hour},
		"negative":        {value: "-5"},
		"garbage":         {value: "soon"},
		"more than int64": {value: "99999999999999999999"},
	} {
		bubble.Run(t, name, func(t *testing.T) {
			s := cdptest.New(cdptest.Options{})
			w := newWired(t, "http://cdp.localhost", s, func(d *wiring) {
				d.MaxAge, d.Workers, d.HTTPClient = maxAge, 1, &http.Client{Transport: inProcess{s}}
			})
			if tc.date != 0 {
				tc.value = time.Now().Add(tc.date).UTC().Format(http.TimeFormat)
			}
			s.Fault(cdptest.Status(http.StatusTooManyRequests).RetryAfter(tc.value).On(cdptest.Sends).Times(1))
			w.send(20)
			w.wantAll(s, 20)
			sends := s.Requests()
			if gap := sends[1].Time.Sub(sends[0].Time); gap < tc.pause || gap > tc.pause+time.Second {
				t.Errorf("the second request came %v after the first", gap)
			}
		})
	}
}

// inProcess is a transport in fake time: a handler answers without a connection.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

func TestFault07PoisonEvent(t *testing.T) {
	w, s, _ := behindProxy(t)
	poison := func(r cdptest.Request) bool { return strings.Contains(string(r.Body), `"E13"`) }
	s.Fault(cdptest.Status(http.StatusBadRequest).On(cdptest.Sends).If(poison))
	w.send(100)
	if all, different := w.arrived(s.CDP); all != 99 || different != 99 {
		t.Errorf("%d events arrived", all)
	}
	w.wantDead(map[string]uint64{"rejected_400": 1})
	if got := w.letters(); len(got) != 1 || got[0] != "rejected_400: fault injected by cdptest" {
		t.Errorf("dead letters %q", got)
	}
}

func TestFault08RefusedSender(t *testing.T) {
	for _, status := range []int{http.StatusUnauthorized, http.StatusForbidden} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			w, s, _ := behindProxy(t)
			s.Fault(cdptest.Status(status))
			w.send(300)
			w.until("held")
			if a := w.balanced(); a.Waiting != 300 {
				t.Errorf("%s", a)
			}
			s.ClearFaults()
			w.wantAll(s.CDP, 300)
		})
	}
}

func TestFault09AlwaysBroken(t *testing.T) {
	w, s, _ := behindProxy(t)
	poison := func(r cdptest.Request) bool { return strings.Contains(string(r.Body), `"E13"`) }
	s.Fault(cdptest.Status(http.StatusInternalServerError).On(cdptest.Sends).If(poison))
	w.send(100)
	if all, different := w.arrived(s.CDP); all != 99 || different != 99 {
		t.Errorf("%d events arrived", all)
	}
	w.wantDead(map[string]uint64{"unknown": 1})
	sent := 0
	for _, r := range s.Requests() {
		if poison(r) {
			sent++
		}
	}
	if sent != 3 {
		t.Errorf("it was sent %d times", sent)
	}
}

func TestFault10Resets(t *testing.T) {
	const faults = 2 // fewer than an event is sent: all may meet the same one
	for _, tc := range []struct {
		fault  faultproxy.Fault
		counts bool // the CDP had the event
		known  bool // and the sender knows it
	}{
		{faultproxy.ResetBefore, false, false},
		{faultproxy.ResetDuring, false, false},
		{faultproxy.ResetAfter, true, false},
		{faultproxy.CutAnswer, true, false},
		{faultproxy.CutBody, true, true},
		{faultproxy.Slow, true, true},
	} {
		t.Run(tc.fault.String(), func(t *testing.T) {
			w, s, p := behindProxy(t)
			p.Times(faults, tc.fault)
			w.send(100)
			w.wantAll(s.CDP, 100)
			all, _ := w.arrived(s.CDP)
			wantTwice := 0
			if tc.counts && !tc.known {
				wantTwice = faults
			}
			if all-100 != wantTwice || p.Played(tc.fault) != faults {
				t.Errorf("%d duplicates, want %d; played %d times; %s", all-100, wantTwice, p.Played(tc.fault), w.account())
			}
			if a := w.account(); tc.known && a.PossibleDuplicates > 0 {
				t.Errorf("what surely arrived is in doubt: %s", a)
			}
		})
	}
}

// authority signs certificates for the server, good and bad ones.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.key, a.cert = a.issue(nil, func(c *x509.Certificate) { c.IsCA, c.BasicConstraintsValid = true, true })
	return a
}

func (a *authority) issue(by *authority, adjust func(*x509.Certificate)) (*ecdsa.PrivateKey, *x509.Certificate) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{"cdp.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	adjust(c)
	parent, signer := c, key
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	if c, err = x509.ParseCertificate(der); err != nil {
		a.t.Fatal(err)
	}
	return key, c
}

func (a *authority) server(adjust func(*x509.Certificate)) *tls.Certificate {
	a.t.Helper()
	key, cert := a.issue(a, adjust)
	return &tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
}

// dialTo is a transport that reaches every host at one address.
func dialTo(addr func() (string, error), roots *x509.CertPool) *http.Client {
	transport := cdp.NewTransport(16)
	transport.Proxy, transport.ResponseHeaderTimeout, transport.TLSHandshakeTimeout = nil, 0, 0 // Timeout is enough
	transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		to, err := addr()
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, to)
	}
	return &http.Client{Transport: transport}
}

func TestFault11TLS(t *testing.T) {
	nothing := func(*x509.Certificate) {}
	good, stranger := newAuthority(t), newAuthority(t)
	for _, tc := range []struct {
		name      string
		cert      *tls.Certificate // nil: the handshake is cut
		untrusted bool
	}{
		{"expired", good.server(func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), true},
		{"another host", good.server(func(c *x509.Certificate) { c.DNSNames = []string{"other.example"} }), true},
		{"unknown authority", stranger.server(nothing), true},
		{"the handshake is cut", nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			noLeak(t)
			c := cdptest.New(cdptest.Options{})
			var cert atomic.Pointer[tls.Certificate]
			var plain atomic.Int64 // requests that were not encrypted
			cert.Store(tc.cert)
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.TLS == nil {
					plain.Add(1)
				}
				c.ServeHTTP(w, r)
			}))
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
			server.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				if now := cert.Load(); now != nil {
					return now, nil
				}
				return nil, io.ErrUnexpectedEOF
			}}
			server.StartTLS()
			server.TLS.Certificates = nil // httptest's own
			t.Cleanup(server.Close)
			roots := x509.NewCertPool()
			roots.AddCert(good.cert)
			client := dialTo(func() (string, error) { return server.Listener.Addr().String(), nil }, roots)
			w := newWired(t, "https://cdp.example", c, func(d *wiring) { d.HTTPClient = client })
			w.send(50)
			w.until("down")
			if a := w.balanced(); a.Waiting != 50 {
				t.Errorf("%s", a)
			}
			for w.logs.Count("does not answer") == 0 { // said by the schedule, a moment after it is true
				if !sleep(t.Context(), time.Millisecond) {
					t.Fatalf("%q", w.logs.Lines())
				}
			}
			if n := w.logs.Count("ERROR"); (n > 0) != tc.untrusted {
				t.Errorf("%d errors logged: %q", n, w.logs.Lines())
			}
			cert.Store(good.server(nothing))
			w.wantAll(c, 50)
			if a := w.account(); a.PossibleDuplicates > 0 || plain.Load() > 0 {
				t.Errorf("%d requests were not encrypted; %s", plain.Load(), a)
			}
		})
	}
}

// TestProxyAsksForPassword: an outgoing proxy that answers 407 is not told as a CDP that does not
// answer.
func TestProxyAsksForPassword(t *testing.T) {
	noLeak(t)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	t.Cleanup(proxy.Close)
	transport := cdp.NewTransport(4)
	transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	t.Cleanup(transport.CloseIdleConnections)
	w := newWired(t, "https://cdp.example", cdptest.New(cdptest.Options{}), func(d *wiring) { d.HTTPClient = &http.Client{Transport: transport} })
	w.send(5)
	for w.logs.Count("the outgoing proxy asks for a user and a password") == 0 {
		if !sleep(t.Context(), time.Millisecond) {
			t.Fatalf("%q", w.logs.Lines())
		}
	}
	if n := w.logs.Count("the CDP does not answer"); n > 0 {
		t.Errorf("%q", w.logs.Lines())
	}
}

// TestFault12NameAndAddress: the name cannot be resolved; then it leads to a
// server that is no longer the CDP and keeps its connections open; then to the
// right one.
func TestFault12NameAndAddress(t *testing.T) {
	noLeak(t)
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(old.Close)
	s := cdptest.NewServer(t, cdptest.Options{})
	var addr atomic.Pointer[string]
	client := dialTo(func() (string, error) {
		if to := addr.Load(); to != nil {
			return *to, nil
		}
		return "", &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "cdp.example", IsNotFound: true}}
	}, nil)
	w := newWired(t, "http://cdp.localhost", s.CDP, func(d *wiring) { d.HTTPClient = client })
	w.send(50)
	w.until("down")
	if a := w.balanced(); a.Waiting != 50 {
		t.Errorf("%s", a)
	}
	first, second := old.Listener.Addr().String(), strings.TrimPrefix(s.URL, "http://")
	addr.Store(&first)
	before := w.States()[0].Sends
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for w.States()[0].Sends < before+5 { // probes, over a kept connection
		if !sleep(ctx, time.Millisecond) {
			t.Fatal("nothing is tried")
		}
	}
	addr.Store(&second)
	w.wantAll(s.CDP, 50)
	if a := w.account(); a.PossibleDuplicates > 0 {
		t.Errorf("%s", a)
	}
}

func TestFault13Bodies(t *testing.T) {
	for name, body := range map[string]func(http.ResponseWriter, *http.Request){
		"empty":     func(http.ResponseWriter, *http.Request) {},
		"malformed": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"status":"OK",,`) },
		"100 MB": func(w http.ResponseWriter, _ *http.Request) {
			chunk := make([]byte, 1<<20)
			for range 100 {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
		"never-ending": func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"status":"OK"`)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			noLeak(t)
			var arrived atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				arrived.Add(1)
				w.WriteHeader(http.StatusCreated)
				body(w, r)
			}))
			t.Cleanup(server.Close)
			w := newWired(t, server.URL, cdptest.New(cdptest.Options{}))
			w.send(8)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := w.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			if a := w.balanced(); a.Delivered != 8 || arrived.Load() != 8 || a.PossibleDuplicates > 0 {
				t.Errorf("%d arrived; %s", arrived.Load(), a)
			}
		})
	}
}

func TestFault14Redirects(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			w, s, _ := behindProxy(t)
			s.Fault(cdptest.Redirect(status, s.URL+"/v1.2/browser/create.json"))
			w.send(30)
			w.until("held")
			s.ClearFaults()
			w.wantAll(s.CDP, 30)
			if s.Made() > 0 {
				t.Error("it was followed")
			}
		})
	}
}
