package relay_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// dial opens a connection to the site, by hand.
func (rd *road) dial() net.Conn {
	rd.Helper()
	conn, err := net.Dial("tcp", rd.Site.Listener.Addr().String())
	if err != nil {
		rd.Fatal(err)
	}
	rd.Cleanup(func() { _ = conn.Close() })
	return conn
}

// head is the header of a POST with an event, and of these lines.
func (rd *road) head(lines ...string) string {
	return "POST " + rd.url("events") + " HTTP/1.1\r\nHost: " + strings.TrimPrefix(rd.Site.URL, "http://") +
		"\r\nContent-Type: application/json\r\nSec-Fetch-Site: same-origin\r\nUser-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36\r\nCookie: " +
		rd.cookie() + "=" + ours + "\r\n" + strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// TestBodiesThatLie: what is announced and what comes need not be the same.
func TestBodiesThatLie(t *testing.T) {
	rd := open(t, setup{})
	rd.CDP.Know(ours)
	event := rd.say("CLICKED", ours)
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	for _, tc := range []struct {
		name   string
		sends  string
		closes bool // its side, when all is sent
		status int
		ends   bool // the connection, with the answer
	}{
		{"as announced", rd.head(fmt.Sprint("Content-Length: ", len(event))) + event, false, http.StatusCreated, false},
		{"in chunks", rd.head("Transfer-Encoding: chunked") + chunk(event[:10]) + chunk(event[10:]) + "0\r\n\r\n", false, http.StatusCreated, false},
		{"less than announced", rd.head("Content-Length: 5000") + event, true, http.StatusRequestTimeout, true},
		{"more than announced", rd.head("Content-Length: 20") + event, false, http.StatusBadRequest, false},
		{"a gigabyte announced", rd.head("Content-Length: 1073741824"), false, http.StatusRequestEntityTooLarge, true},
		{"chunks without an end", rd.head("Transfer-Encoding: chunked") + strings.Repeat(chunk(strings.Repeat(" ", 4000)), 20), false, http.StatusRequestEntityTooLarge, true},
		{"a chunk that is none", rd.head("Transfer-Encoding: chunked") + "zz\r\n", false, http.StatusRequestTimeout, true},
		{"chunks cut off", rd.head("Transfer-Encoding: chunked") + chunk(event), true, http.StatusRequestTimeout, true},
		{"nothing announced", rd.head(), false, http.StatusBadRequest, false},
		{"asks first", rd.head("Content-Length: 1073741824", "Expect: 100-continue"), false, http.StatusRequestEntityTooLarge, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			conn := rd.dial()
			if _, err := io.WriteString(conn, tc.sends); err != nil {
				t.Fatal(err)
			}
			if tc.closes {
				_ = conn.(*net.TCPConn).CloseWrite()
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			if res.StatusCode != tc.status || tc.ends && !res.Close {
				t.Errorf("%d, close %v; want %d, %v", res.StatusCode, res.Close, tc.status, tc.ends)
			}
		})
	}
	rd.Flush()
	if n := len(rd.CDP.Events()); n != 1 { // the second body is the same event
		t.Errorf("%d events arrived", n)
	}
}

// TestRefusedBodyGetsItsAnswer: whoever sends the whole of a body that is too large reads the
// answer and the end of the connection. A reset would take the answer along.
func TestRefusedBodyGetsItsAnswer(t *testing.T) {
	rd := open(t, setup{})
	for _, size := range []int{33 << 10, 100 << 10, 250 << 10} {
		conn := rd.dial()
		if _, err := io.WriteString(conn, rd.head(fmt.Sprint("Content-Length: ", size))+strings.Repeat("x", size)); err != nil {
			t.Fatalf("%d bytes: %v", size, err)
		}
		if got, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 413 ") {
			t.Errorf("%d bytes: %v, %.60q", size, err, got)
		}
	}
}

// TestEndlessBodies: streams without an end and bodies of a gigabyte take no memory, and
// keep nobody else out.
func TestEndlessBodies(t *testing.T) {
	rd := open(t, setup{})
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			conn, err := net.Dial("tcp", rd.Site.Listener.Addr().String())
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			head, more := rd.head("Content-Length: 1073741824"), strings.Repeat("x", 64<<10)
			if i%2 == 0 {
				head, more = rd.head("Transfer-Encoding: chunked"), "10000\r\n"+more+"\r\n"
			}
			_, err = io.WriteString(conn, head)
			for sent := 0; err == nil && sent < 1<<30; sent += len(more) { // until the server has enough
				_, err = io.WriteString(conn, more)
			}
			if err == nil {
				t.Error("a gigabyte was taken")
			}
		})
	}
	wg.Wait()
	if res := post(rd.known(), rd.url("events"), rd.say("CLICKED", ours)); res.StatusCode != http.StatusCreated {
		t.Errorf("somebody else: %d", res.StatusCode)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap has grown by %d bytes", grown)
	}
	if n := rd.Note("relay_too_large"); n != 40 {
		t.Errorf("relay_too_large %d", n)
	}
}

// stalled is a body of which nothing comes until it may end.
type stalled struct{ begun, end chan struct{} }

func (s stalled) Read([]byte) (int, error) {
	s.begun <- struct{}{}
	<-s.end
	return 0, io.EOF
}

// TestBodiesAreShared: one network cannot take the room for bodies from the others, and what it
// took is given back.
func TestBodiesAreShared(t *testing.T) {
	rd := open(t, setup{})
	rd.CDP.Know(ours)
	send := func(address string, body io.Reader) int {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, rd.url("events"), body)
		r.ContentLength, r.RemoteAddr = -1, address
		r.Host = strings.TrimPrefix(rd.Site.URL, "http://")
		r.Header = rd.browser().Header.Clone()
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Cookie", rd.cookie()+"="+ours)
		w := httptest.NewRecorder()
		rd.relay.ServeHTTP(w, r)
		return w.Code
	}
	var before uint64
	one, other := "203.0.113.9:1", "198.51.100.7:1"
	for range 3 {
		const all = 2000
		s, refused := stalled{make(chan struct{}), make(chan struct{})}, make(chan int, all)
		var wg sync.WaitGroup
		taken := uint64(0)
		for range all {
			wg.Go(func() { refused <- send(one, s) })
			select {
			case <-s.begun:
				taken++
			case status := <-refused:
				if status != http.StatusServiceUnavailable {
					t.Fatalf("status %d", status)
				}
			}
		}
		if status := send(other, strings.NewReader(rd.say("CLICKED", ours))); status != http.StatusCreated {
			t.Errorf("while %d bodies are stalled, somebody else gets %d", taken, status)
		}
		close(s.end)
		wg.Wait()
		if before != 0 && taken != before {
			t.Errorf("%d bodies found room, and %d before", taken, before)
		}
		before = taken
		one, other = other, one // what it had is given back, or it is refused now
	}
	if n := rd.Note("relay_busy"); before == 0 || n != 3*(2000-before) {
		t.Errorf("relay_busy %d, and %d bodies found room", n, before)
	}
}

// TestEventIsDeliveredThoughItsSenderLeft: an event whose sender leaves before the answer is delivered all the same,
// while the CDP takes its time.
func TestEventIsDeliveredThoughItsSenderLeft(t *testing.T) {
	rd := open(t, setup{})
	rd.CDP.Know(ours)
	rd.CDP.Fault(cdptest.Delay(50 * time.Millisecond).On(cdptest.Sends))
	const n = 50
	for i := range n {
		conn := rd.dial()
		event := rd.say("CLICKED", ours, fmt.Sprintf(`"ext":{"n":%d}`, i))
		_, _ = io.WriteString(conn, rd.head(fmt.Sprint("Content-Length: ", len(event)))+event)
		if i%2 == 0 {
			_ = conn.(*net.TCPConn).CloseWrite() // as far as the server can tell, they have left
		} else {
			_ = conn.(*net.TCPConn).SetLinger(-1)
			_ = conn.Close()
		}
	}
	rd.CDP.Expect(t, "CLICKED").Within(5 * time.Minute).Times(n)
}
