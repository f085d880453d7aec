package cdp

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"testing"
	"testing/synctest"
)

const anyID = "11111111-1111-4111-8111-111111111111"

// slowTransport answers each request when it is told to, and counts how often its
// idle connections were closed, and how often under a request.
type slowTransport struct {
	begun, answer chan struct{}

	mu        sync.Mutex
	n, closed int
	hit       bool
}

func newSlowTransport() *slowTransport {
	return &slowTransport{begun: make(chan struct{}), answer: make(chan struct{})}
}

func (s *slowTransport) RoundTrip(*http.Request) (*http.Response, error) {
	s.count(1)
	defer s.count(-1)
	s.begun <- struct{}{}
	if _, ok := <-s.answer; !ok {
		panic("told to")
	}
	return &http.Response{StatusCode: http.StatusServiceUnavailable, Body: http.NoBody}, nil
}

func (s *slowTransport) count(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n += n
}

func (s *slowTransport) CloseIdleConnections() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed++
	s.hit = s.hit || s.n > 0
}

// check fails unless the idle connections were closed so often.
func (s *slowTransport) check(t *testing.T, when string, want int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed != want || s.hit {
		t.Errorf("%s: closed %d times, want %d; under a request: %v", when, s.closed, want, s.hit)
	}
}

// byValue is a transport that cannot be compared with others.
type byValue struct {
	*slowTransport
	_ func()
}

// TestCloseWaitsForRequests: idle connections are closed when the last request of
// all clients that share them was answered.
func TestCloseWaitsForRequests(t *testing.T) {
	client := func(rt http.RoundTripper) *Client {
		t.Helper()
		c, err := New(Direct{Region: EU, ClientKey: "key", PointOfSale: "pos"}, Options{HTTPClient: &http.Client{Transport: rt}})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	send := func(s *slowTransport, c *Client) (answered func()) {
		done := make(chan any)
		go func() {
			defer func() { done <- recover() }()
			_, _ = c.Show(t.Context(), anyID)
		}()
		<-s.begun
		return func() { <-done }
	}
	for name, wrap := range map[string]func(*slowTransport) http.RoundTripper{
		"a pointer": func(s *slowTransport) http.RoundTripper { return s },
		"a value":   func(s *slowTransport) http.RoundTripper { return byValue{slowTransport: s} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSlowTransport()
			c := client(wrap(s))
			c.Close()
			s.check(t, "nothing is under way", 1)
			first, second := send(s, c), send(s, c)
			c.Close()
			c.Close()
			s.check(t, "two are under way", 1)
			s.answer <- struct{}{}
			s.check(t, "one is", 1)
			s.answer <- struct{}{}
			first()
			second()
			s.check(t, "both were answered", 2)
			third := send(s, c)
			s.answer <- struct{}{}
			third()
			s.check(t, "one more, and nobody asks", 2)
		})
	}
	t.Run("shared", func(t *testing.T) {
		s := newSlowTransport()
		busy, other := client(s), client(s)
		answered := send(s, busy)
		other.Close()
		s.check(t, "one is under way", 0)
		s.answer <- struct{}{}
		answered()
		s.check(t, "it was answered", 1)
	})
	t.Run("panic", func(t *testing.T) {
		s := newSlowTransport()
		c := client(s)
		answered := send(s, c)
		c.Close()
		close(s.answer)
		answered()
		s.check(t, "behind it", 1)
	})
}

// TestCloseLosesNoAnswer closes idle connections in the moment in which http.Transport
// has put a connection among them, but has not yet handed over the answer that came on
// it. What the server says is heard all the same: it did not act on the request.
func TestCloseLosesNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := NewTransport(1)
		transport.Proxy = nil
		transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				readEvent(theirs)
				_, _ = io.WriteString(theirs, answerHead(http.StatusServiceUnavailable, "Content-Length: 0\r\n"))
			}()
			return ours, nil
		}
		c, err := New(Direct{BaseURL: "http://cdp.example", ClientKey: "key", PointOfSale: "pos", PlainHTTP: true}, Options{HTTPClient: &http.Client{Transport: transport}})
		if err != nil {
			t.Fatal(err)
		}
		idle := 0
		ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{PutIdleConn: func(error) {
			idle++
			c.Close()
			synctest.Wait() // until the request has seen what there is to see
		}})
		_, err = c.Send(ctx, &Event{Type: "A", Channel: "WEB", Language: "EN", Currency: "EUR", Page: "p", BrowserID: anyID})
		if OutcomeOf(err) != NotProcessed || idle != 1 {
			t.Errorf("%v; %d connections became idle", err, idle)
		}
		transport.CloseIdleConnections()
	})
}
