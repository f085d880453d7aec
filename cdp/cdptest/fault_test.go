package cdptest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// TestFaults sends one event into each fault and looks at both ends.
func TestFaults(t *testing.T) {
	for _, test := range []struct {
		name   string
		fault  cdptest.Fault
		status int    // 0: the connection is reset
		text   string // contained in the answer
		header string // "Name: value" of the answer
		taken  int    // events recorded
		read   bool   // the body was read
	}{
		{"Normal", cdptest.Normal(), 201, `"OK"`, "", 1, true},
		{"Delay", cdptest.Delay(time.Millisecond), 201, `"OK"`, "", 1, true},
		{"Status", cdptest.Status(503), 503, `"SERVICE_UNAVAILABLE"`, "Content-Type: application/json", 0, true},
		{"Status of success", cdptest.Status(202), 202, `{"status":"OK","version":"1.2"}`, "", 1, true},
		{"RetryAfter", cdptest.Status(429).RetryAfter("2"), 429, "", "Retry-After: 2", 0, true},
		{"late Status", cdptest.Status(500).After(time.Millisecond), 500, "", "", 0, true},
		{"no status", cdptest.Status(42), 500, "", "", 0, true},
		{"no fault", cdptest.Fault{}, 500, "", "", 0, true},
		{"Body", cdptest.Body(502, "Bad Gateway"), 502, "Bad Gateway", "Content-Type: text/plain; charset=utf-8", 0, true},
		{"Body of success", cdptest.Body(200, `{"status":"OK"}`), 200, `{"status":"OK"}`, "Content-Type: application/json", 1, true},
		{"no content", cdptest.Body(204, "not sent"), 204, "", "", 1, true},
		{"Garbage", cdptest.Garbage(), 200, "no JSON", "Content-Type: text/html; charset=utf-8", 1, true},
		{"Redirect", cdptest.Redirect(302, "/elsewhere"), 302, "", "Location: /elsewhere", 0, true},
		{"Header", cdptest.Normal().Header("Server", "x"), 201, "", "Server: x", 1, true},
		{"ResetBefore", cdptest.ResetBefore(), 0, "", "", 0, false},
		{"ResetBefore with a look", cdptest.ResetBefore().If(isContact), 0, "", "", 0, true},
		{"ResetAfter", cdptest.ResetAfter(), 0, "", "", 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := start(t, cdptest.Options{})
			s.Fault(test.fault.Times(1))
			g, err := do(client(t), request(t, "POST", s.URL+direct, event()))
			switch {
			case test.status == 0 && !errors.Is(err, syscall.ECONNRESET):
				t.Errorf("the client saw %v, want a reset connection", err)
			case test.status != 0 && (err != nil || g.status != test.status || !strings.Contains(g.text, test.text)):
				t.Errorf("answered %d %s, %v", g.status, g.text, err)
			}
			if name, value, _ := strings.Cut(test.header, ": "); g.header.Get(name) != value {
				t.Errorf("%s is %q, want %q", name, g.header.Get(name), value)
			}
			if n := len(s.Events()); n != test.taken {
				t.Errorf("%d events taken in, want %d", n, test.taken)
			}
			r := s.Requests()[0]
			if r.Status != test.status || (len(r.Body) > 0) != test.read || r.Kind != cdptest.Sends || r.Method != http.MethodPost {
				t.Errorf("recorded as %s %s %d with a body of %d", r.Method, r.Kind, r.Status, len(r.Body))
			}
			if g := call(t, "POST", s.URL+direct, event()); g.status != 201 {
				t.Errorf("after the fault: %d %s", g.status, g.text)
			}
		})
	}
}

func isContact(r cdptest.Request) bool { return strings.Contains(string(r.Body), "CONTACT_SENT") }

// TestFaultOnCreate covers effects on browser IDs.
func TestFaultOnCreate(t *testing.T) {
	s := start(t, cdptest.Options{})
	create := s.URL + "/v1.2/browser/create.json?client_key=test-key"
	for _, test := range []struct {
		fault cdptest.Fault
		made  int
	}{
		{cdptest.Garbage(), 1}, {cdptest.ResetAfter(), 1}, {cdptest.ResetBefore(), 0}, {cdptest.Status(500), 0},
	} {
		before := s.Made()
		s.Fault(test.fault.Times(1))
		_, _ = do(client(t), request(t, "GET", create, ""))
		if n := s.Made() - before; n != test.made {
			t.Errorf("%d browser IDs made, want %d", n, test.made)
		}
	}
}

func TestFaultQueue(t *testing.T) {
	s := start(t, cdptest.Options{})
	create := func() int { return call(t, "GET", s.URL+"/v1.2/browser/create.json?client_key=k", "").status }
	show := func() int {
		return call(t, "GET", s.URL+"/v1.2/browser/"+knownID+"/show.json?client_key=k&api_token=k", "").status
	}
	send := func(kind string) int { return call(t, "POST", s.URL+direct, event("type", `"`+kind+`"`)).status }
	other := func() int { return call(t, "GET", s.URL+"/else", "").status }

	same := cdptest.Status(503)
	s.Fault(
		cdptest.Normal().On(cdptest.Sends).Times(1),
		cdptest.Status(500).On(cdptest.Creates|cdptest.Shows).Times(2),
		same.If(isContact).If(func(r cdptest.Request) bool { return len(s.Requests()) > 0 && r.Status == 0 }),
		cdptest.Status(418).On(cdptest.Others).Times(1),
	)
	statuses := []int{
		send("CONTACT_SENT"), send("CONTACT_SENT"), send("VIEW"), create(), show(), create(), send("CONTACT_SENT"), other(), other(),
	}
	if got, want := fmt.Sprint(statuses), "[201 503 201 500 500 200 503 418 404]"; got != want {
		t.Errorf("answered %s, want %s", got, want)
	}
	if g := call(t, "GET", s.URL+"/", ""); g.status != 200 {
		t.Errorf("the list page answered %d: it is not to be disturbed", g.status)
	}
	s.ClearFaults()
	if status := send("CONTACT_SENT"); status != 201 {
		t.Errorf("after ClearFaults: %d", status)
	}
	s.Fault(same) // a value: not limited by what If made of it
	if status := send("VIEW"); status != 503 {
		t.Errorf("the fault used again: %d", status)
	}
}

// TestFaultShared plays one fault to many clients at once: Times is exact.
func TestFaultShared(t *testing.T) {
	s := start(t, cdptest.Options{})
	s.Fault(cdptest.Status(503).Header("X-Fault", "yes").If(isContact).Times(7))
	c := client(t)
	var mu sync.Mutex
	counts := map[int]int{}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			g, err := do(c, request(t, "POST", s.URL+direct, event()))
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			counts[g.status]++
		})
	}
	wg.Wait()
	if counts[503] != 7 || counts[201] != 13 {
		t.Errorf("answers: %v", counts)
	}
}

// TestHangUntilClientLeaves has the client give up first.
func TestHangUntilClientLeaves(t *testing.T) {
	for name, fault := range map[string]cdptest.Fault{"hang": cdptest.Hang(), "delay": cdptest.Delay(time.Hour)} {
		t.Run(name, func(t *testing.T) {
			c := cdptest.New(cdptest.Options{})
			c.Know(knownID)
			handled := make(chan struct{})
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(handled)
				c.ServeHTTP(w, r)
			}))
			defer server.Close()
			arrived := make(chan struct{})
			c.Fault(fault.If(func(cdptest.Request) bool { close(arrived); return true }).Times(1))
			ctx, leave := context.WithCancel(t.Context())
			go func() {
				<-arrived
				leave()
			}()
			_, err := do(client(t), request(t, "POST", server.URL+direct, event()).WithContext(ctx))
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the client saw %v", err)
			}
			<-handled // or the test never ends: the handler must not outlive its client
			if r := c.Requests(); len(r) != 1 || r[0].Status != 0 {
				t.Errorf("recorded as %+v", r)
			}
			if n := len(c.Events()); (n == 1) != (name == "delay") {
				t.Errorf("%d events taken in", n)
			}
		})
	}
}

// TestHangUntilClose has the server end first; its Close waits for handlers.
func TestHangUntilClose(t *testing.T) {
	s := start(t, cdptest.Options{})
	arrived := make(chan struct{})
	s.Fault(cdptest.Hang().If(func(cdptest.Request) bool { close(arrived); return true }))
	go func() {
		<-arrived
		_ = s.Close()
		_ = s.Close() // twice does no harm
	}()
	if g, err := do(client(t), request(t, "POST", s.URL+direct, event())); !errors.Is(err, io.EOF) {
		t.Errorf("the client saw %d, %v", g.status, err)
	}
}

// TestDelayTime needs no socket, so it can have a clock of its own.
func TestDelayTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cdptest.New(cdptest.Options{})
		c.Know(knownID)
		c.Fault(cdptest.Delay(3 * time.Second))
		began := time.Now()
		w := httptest.NewRecorder()
		c.ServeHTTP(w, request(t, "POST", direct, event()))
		if took := time.Since(began); w.Code != 201 || took != 3*time.Second {
			t.Errorf("answered %d after %v", w.Code, took)
		}
	})
}

// TestResetTLS resets the connection under TLS, and without one to take over
// (HTTP/2) the stream.
func TestResetTLS(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		c := cdptest.New(cdptest.Options{})
		c.Fault(cdptest.ResetBefore())
		server := httptest.NewUnstartedServer(c)
		server.EnableHTTP2 = http2
		server.StartTLS()
		_, err := do(server.Client(), request(t, "POST", server.URL+direct, event()))
		server.Close()
		if err == nil || !http2 && !errors.Is(err, syscall.ECONNRESET) || http2 && !strings.Contains(err.Error(), "INTERNAL_ERROR") {
			t.Errorf("HTTP/2 %v: the client saw %v", http2, err)
		}
	}
}

// TestResetBeforeReadsNothing resets a client that promises a body and waits
// for leave to send it (RFC 9110, section 10.1.1): reading would give it.
func TestResetBeforeReadsNothing(t *testing.T) {
	s := start(t, cdptest.Options{})
	s.Fault(cdptest.ResetBefore())
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "POST "+direct+" HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
		"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n")
	if line, err := bufio.NewReader(conn).ReadString('\n'); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the client saw %q, %v", line, err)
	}
}
