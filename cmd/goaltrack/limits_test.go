package main

import (
	"bufio"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// within returns the proxy with these limits, as inFrontInMemory takes it.
func within(l limits) func(*testing.T, *url.URL, http.RoundTripper) http.Handler {
	return func(_ *testing.T, target *url.URL, transport http.RoundTripper) http.Handler {
		return mindUploads(newProxy(newLimits(&l), transport, target, slog.New(slog.DiscardHandler)))
	}
}

// TestAnswerTimeout: a site that does nothing is given up. One that is waiting for the visitor,
// that says 102, that has begun its answer or that was asked for an upgrade is not.
func TestAnswerTimeout(t *testing.T) {
	const get = "GET /%s HTTP/1.1\r\nHost: shop.example\r\n"
	for _, test := range []struct {
		path, more string
		slow       []string // what the visitor sends later, a minute apart
		want       int
		after      time.Duration
	}{
		{"never", "\r\n", nil, 504, time.Minute},
		{"never", "Content-Length: 3\r\n\r\na=1", nil, 504, time.Minute},
		{"never", "Content-Length: 50000000\r\n\r\n" + strings.Repeat("x", 1<<20), nil, 504, time.Minute},
		{"never", "Transfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n", nil, 504, time.Minute},
		{"never", "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", []string{"a=1"}, 504, 2 * time.Minute},
		{"read", "Content-Length: 9\r\n\r\na=1", []string{"a=2", "a=3"}, 200, 2 * time.Minute},
		{"read", "Transfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n", []string{"3\r\na=1\r\n", "3\r\na=1\r\n", "0\r\n\r\n"}, 200, 3 * time.Minute},
		{"late", "\r\n", nil, 200, 59 * time.Second},
		{"hints", "\r\n", nil, 200, 100 * time.Second},
		{"stream", "\r\n", nil, 200, 10 * time.Minute},
		{"late-upgrade", "Connection: Upgrade\r\nUpgrade: tea\r\n\r\n", nil, 101, 5 * time.Minute},
	} {
		t.Run(test.path+" "+test.more[:min(len(test.more), 40)], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				front, transport := inFrontInMemory(t, http.HandlerFunc(slowSite), within(limits{answerTime: time.Minute}))
				defer transport.CloseIdleConnections()
				conn, err := front.dial(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer time.Sleep(2 * time.Hour) // until the site is done
				defer func() { _ = conn.Close() }()
				began := time.Now()
				go func() {
					_, _ = io.WriteString(conn, strings.Replace(get, "%s", test.path, 1)+test.more)
					for _, text := range test.slow {
						time.Sleep(time.Minute)
						_, _ = io.WriteString(conn, text)
					}
				}()
				r := bufio.NewReader(conn)
				status := 0
				for status < 101 || status == 102 {
					response, err := http.ReadResponse(r, nil)
					if err != nil {
						t.Fatal(err)
					}
					if status = response.StatusCode; status != http.StatusSwitchingProtocols {
						_, _ = io.Copy(io.Discard, response.Body)
					}
				}
				if took := time.Since(began).Round(time.Second); status != test.want || took != test.after {
					t.Errorf("%d after %v, want %d after %v", status, took, test.want, test.after)
				}
			})
		})
	}
}

// slowSite answers later than most would wait for.
func slowSite(w http.ResponseWriter, r *http.Request) {
	flush := func() { _ = http.NewResponseController(w).Flush() }
	switch r.URL.Path {
	case "/never":
		time.Sleep(time.Hour)
	case "/read":
		_, _ = io.Copy(io.Discard, r.Body)
	case "/late":
		time.Sleep(59 * time.Second)
	case "/hints":
		time.Sleep(50 * time.Second)
		w.WriteHeader(http.StatusProcessing)
		time.Sleep(50 * time.Second)
	case "/stream":
		flush()
		time.Sleep(10 * time.Minute)
		say(w, "the end")
	case "/late-upgrade":
		time.Sleep(5 * time.Minute)
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n")
		_ = conn.Close()
	}
}

// TestBodyLimit: what is larger than the limit does not reach the site, or not to its end.
func TestBodyLimit(t *testing.T) {
	head := browserHead("POST /newsletter HTTP/1.1")
	get := "GET /next HTTP/1.1\r\nHost: shop.example\r\n\r\n"
	for name, test := range map[string]struct {
		text string
		want []int
	}{
		"length within":       {head + "Content-Length: 9\r\n\r\ntopic=tea" + get, []int{303, 200}},
		"chunks within":       {head + "Transfer-Encoding: chunked\r\n\r\na\r\ntopic=tea1\r\n0\r\n\r\n" + get, []int{303, 200}},
		"length beyond":       {head + "Content-Length: 11\r\n\r\ntopic=tea12" + get, []int{413}},
		"length beyond, asks": {head + "Content-Length: 11\r\nExpect: 100-continue\r\n\r\n", []int{413}},
		"chunks beyond":       {head + "Transfer-Encoding: chunked\r\n\r\nb\r\ntopic=tea12\r\n0\r\n\r\n" + get, []int{413, 200}}, // all of it was read
		"chunks far beyond":   {head + "Transfer-Encoding: chunked\r\n\r\n9\r\ntopic=tea\r\nfffff\r\n" + strings.Repeat("x", 100_000), []int{413}},
		"no body":             {get + get, []int{200, 200}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				site := &asked{}
				front, transport := inFrontInMemory(t, site, within(limits{bodyBytes: 10}))
				defer transport.CloseIdleConnections()
				conn, err := front.dial(t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				go func() { _, _ = io.WriteString(conn, test.text) }()
				r := bufio.NewReader(conn)
				for i, want := range test.want {
					got := readAnswer(t, r)
					if got.status != want || got.close != (want == 413 && i == len(test.want)-1) || got.err != nil {
						t.Errorf("answer %d is %+v, want %d", i, got, want)
					}
				}
				last := test.want[len(test.want)-1]
				if last == 413 {
					if more := answers(t, r); len(more) > 0 {
						t.Errorf("then %+v", more)
					}
				}
				_ = conn.Close()
				if got := site.all(); strings.Contains(strings.Join(got, " "), "next") != (last != 413) ||
					strings.HasPrefix(name, "length beyond") && len(got) > 0 {
					t.Errorf("the site was asked for %q", got)
				}
			})
		})
	}
}

// TestRefusedMethods: TRACE and CONNECT do not reach the site, and nothing behind them is read.
func TestRefusedMethods(t *testing.T) {
	site := &asked{}
	proxy, _ := inFront(t, site.ServeHTTP)
	for _, line := range []string{
		"TRACE / HTTP/1.1", "trace / HTTP/1.1", "CONNECT shop.example:443 HTTP/1.1", "CONNECT / HTTP/1.1", "Connect /a HTTP/1.1", "TRACE / HTTP/1.0",
	} {
		_, r := dial(t, proxy.url, line+"\r\nHost: shop.example\r\nCookie: secret=1\r\n\r\n"+smuggled["GET"])
		if got := readAnswer(t, r); got.status != http.StatusNotImplemented || !got.close || strings.Contains(got.body, "secret") {
			t.Errorf("%s: %+v", line, got)
		}
		if more := answers(t, r); len(more) > 0 {
			t.Errorf("%s: then %+v", line, more)
		}
	}
	if got := site.all(); len(got) > 0 {
		t.Errorf("the site was asked for %q", got)
	}
}

// TestUpgradeEarlyData sends right behind the request what is for the new protocol, and closes
// its side early. All of it arrives, and what comes back, too.
func TestUpgradeEarlyData(t *testing.T) {
	proxy, _ := inFront(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n")
		all, _ := io.ReadAll(buffered)
		say(conn, "%s", all)
	})
	head := "GET /chat HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\n"
	for _, early := range []string{"", "EARLY", strings.Repeat("early ", 500), strings.Repeat("x", 100_000)} {
		conn, r := dial(t, proxy.url, head+early)
		if response := answer(t, r); response.StatusCode != http.StatusSwitchingProtocols {
			t.Fatal(response.Status)
		}
		send(t, conn, "late")
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); string(got) != early+"late" || err != nil {
			t.Errorf("%d bytes came back of %d, %v", len(got), len(early)+4, err)
		}
	}
}

// TestUpgradeToHTTP2: the site is not asked to speak HTTP/2, in which nobody would see the
// visitor's requests. Whatever else it is asked to speak, it may.
func TestUpgradeToHTTP2(t *testing.T) {
	proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
		say(w, "%q", []string{r.Header.Get("Connection"), r.Header.Get("Upgrade"), r.Header.Get("Http2-Settings")})
	})
	for sent, want := range map[string]string{
		"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n": `["" "" ""]`,
		"Connection: Upgrade\r\nUpgrade: H2C\r\nHTTP2-Settings: AAMAAABk\r\n":                 `["" "" ""]`,
		"Connection: Upgrade\r\nUpgrade: h2c , tea\r\nHTTP2-Settings: AAMAAABk\r\n":           `["Upgrade" "tea" ""]`,
		"Connection: Upgrade\r\nUpgrade: tea\r\nUpgrade: h2c\r\n":                             `["Upgrade" "tea" ""]`,
		"Connection: keep-alive, upgrade\r\nUpgrade: websocket,tea\r\n":                       `["Upgrade" "websocket,tea" ""]`,
		"Upgrade: h2c\r\n": `["" "" ""]`,
	} {
		_, r := dial(t, proxy.url, "GET / HTTP/1.1\r\nHost: shop.example\r\n"+sent+"\r\n")
		if got := readAnswer(t, r); got.status != http.StatusOK || got.body != want {
			t.Errorf("%q: %+v, want %s", sent, got, want)
		}
	}
}

// TestUpgradeFirstClosedByTheSite: what a visitor sends after the site has closed its side arrives.
func TestUpgradeFirstClosedByTheSite(t *testing.T) {
	got := make(chan string, 1)
	proxy, _ := inFront(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, buffered, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		say(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\nbye")
		_ = conn.(*net.TCPConn).CloseWrite()
		all, _ := io.ReadAll(buffered)
		got <- string(all)
	})
	conn, r := dial(t, proxy.url, "GET /chat HTTP/1.1\r\nHost: shop.example\r\nConnection: Upgrade\r\nUpgrade: tea\r\n\r\nEARLY")
	if response := answer(t, r); response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatal(response.Status)
	}
	if text, err := io.ReadAll(r); string(text) != "bye" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	send(t, conn, " late")
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if text := <-got; text != "EARLY late" {
		t.Errorf("the site got %q", text)
	}
}

// TestHalfClosedIsServed: a client that has closed its side gets its answer, late or long.
func TestHalfClosedIsServed(t *testing.T) {
	t.Parallel()
	proxy, _ := inFront(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for range 3 {
			select {
			case <-time.After(300 * time.Millisecond):
			case <-r.Context().Done():
				return
			}
			say(w, "tea ")
			_ = http.NewResponseController(w).Flush()
		}
	})
	for _, text := range []string{
		"GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n", "GET / HTTP/1.0\r\n\r\n", "GET /a HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\na=1",
		"POST /newsletter HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 3\r\n\r\na=1", "PROPFIND / HTTP/1.1\r\nHost: shop.example\r\n\r\n",
	} {
		conn, r := dial(t, proxy.url, text)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := readAnswer(t, r); got.status != http.StatusOK || got.body != "tea tea tea " || got.err != nil {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

// TestLeavingIsNoticed: a client that resets its connection ends its request at once, and not when
// the patience with one that has closed its side is over.
func TestLeavingIsNoticed(t *testing.T) {
	arrived, left := make(chan struct{}), make(chan struct{})
	proxy, _ := inFront(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(left)
	})
	conn, _ := dial(t, proxy.url, "GET /a HTTP/1.1\r\nHost: shop.example\r\n\r\n")
	<-arrived
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil { // Close resets it
		t.Fatal(err)
	}
	_ = conn.Close()
	<-left
}

// TestHalfClosedIsLeft: an answer goes on for as long as something comes, and then no longer.
func TestHalfClosedIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer, began, ended := &verbatim{}, time.Now(), time.Duration(0)
		go answer.whileItGoesOn(t.Context(), halfClosedGrace, func() { ended = time.Since(began) })
		for range 3 {
			time.Sleep(halfClosedGrace - time.Second)
			answer.writes.Add(1)
		}
		time.Sleep(5 * halfClosedGrace)
		synctest.Wait()
		if want := 4 * halfClosedGrace; ended != want {
			t.Errorf("it ended after %v, want %v", ended, want)
		}
	})
}
