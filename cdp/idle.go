package cdp

import (
	"net/http"
	"reflect"
	"sync"
)

// idleCloser is a transport that can close its idle connections, as
// [http.Transport] can.
type idleCloser interface{ CloseIdleConnections() }

// underWay counts the requests of each transport that are under way, over all
// clients that share it.
//
// http.Transport puts a connection among the idle ones when the header of an
// answer without a body has come, and hands over the answer only then. If the
// connection is closed in between, the request fails and its answer is lost:
// whether the event was counted is then unknown, although the CDP said so. So idle
// connections are closed while no request is under way.
var underWay = traffic{by: make(map[any]transit)}

type traffic struct {
	mu sync.Mutex
	by map[any]transit // an entry goes with its last request
}

type transit struct {
	n     int
	close bool // once n is 0
}

// trafficKey is what the requests of a client are counted by.
func (c *Client) trafficKey() any {
	if reflect.ValueOf(c.transport).Comparable() {
		return c.transport
	}
	return c
}

// roundTrip makes one request that no closing of idle connections can hit.
func (c *Client) roundTrip(req *http.Request) (*http.Response, error) {
	underWay.begin(c.key)
	defer underWay.end(c.key, c.transport)
	return c.transport.RoundTrip(req)
}

func (t *traffic) begin(key any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.by[key]
	now.n++
	t.by[key] = now
}

func (t *traffic) end(key any, transport http.RoundTripper) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.by[key]
	if now.n--; now.n > 0 {
		t.by[key] = now
		return
	}
	delete(t.by, key)
	if now.close {
		closeIdle(transport)
	}
}

// closeIdle closes the idle connections at once if no request is under way, and
// else behind the last one. No request begins meanwhile.
func (t *traffic) closeIdle(key any, transport http.RoundTripper) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now, ok := t.by[key]; ok {
		now.close = true
		t.by[key] = now
		return
	}
	closeIdle(transport)
}

func closeIdle(transport http.RoundTripper) {
	if c, ok := transport.(idleCloser); ok {
		c.CloseIdleConnections()
	}
}
