// Package faultproxy is a TCP proxy that spoils connections, for tests of what
// happens only on a real socket. Of HTTP it knows only where a request ends,
// which works for clients that send a Content-Length. It passes TLS on as it
// is, and takes each piece of it for a request.
package faultproxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Fault is what happens to a connection. It is chosen when the connection is
// accepted, and again for each request on it.
type Fault int

// The faults.
const (
	// None carries everything both ways.
	None Fault = iota
	// ResetBefore resets the connection when the first byte of a request comes.
	// The server sees nothing of the request.
	ResetBefore
	// ResetDuring passes on half of the request's first bytes and resets both
	// sides.
	ResetDuring
	// ResetAfter passes the whole request on and waits for the server's answer.
	// Then it resets the client's side.
	ResetAfter
	// CutAnswer passes on the first bytes of the answer, up to the middle of
	// its status line, and closes the connection.
	CutAnswer
	// CutBody passes on the header of the answer and resets the connection
	// where the body begins.
	CutBody
	// Slow passes the answer on byte by byte.
	Slow
	// Hang is a black hole: it passes nothing on, in neither direction. It
	// keeps the connection open until the client leaves.
	Hang
)

// String names the fault.
func (f Fault) String() string {
	return [...]string{"none", "reset before", "reset during", "reset after", "cut answer", "cut body", "slow", "hang"}[f]
}

// Random returns any fault except None and Hang. Hang would cost a client its
// whole timeout.
func Random(dice *rand.Rand) Fault { return ResetBefore + Fault(dice.IntN(int(Hang-ResetBefore))) }

// Proxy listens on the loopback interface. All its methods are safe for
// concurrent use.
type Proxy struct {
	addr   string // never changes, also while it is down
	target atomic.Pointer[string]
	choose atomic.Pointer[func() Fault]

	ctx    context.Context //nolint:containedctx // Ends with the proxy.
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while it is down
	conns    map[net.Conn]bool
	accepted int
	played   map[Fault]int
}

// New starts a proxy to a server's address (host:port) and ends it with the test.
func New(tb testing.TB, target string) *Proxy {
	tb.Helper()
	p := &Proxy{conns: map[net.Conn]bool{}, played: map[Fault]int{}, addr: "127.0.0.1:0"}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.Target(target)
	p.Play(func() Fault { return None })
	if err := p.Up(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		p.cancel()
		p.Down()
		p.wg.Wait()
	})
	return p
}

// URL is "http://" and the address.
func (p *Proxy) URL() string { return "http://" + p.addr }

// Target sets to which address new connections lead.
func (p *Proxy) Target(addr string) { p.target.Store(&addr) }

// Play lets choose decide what happens to each request. Several goroutines call
// choose.
func (p *Proxy) Play(choose func() Fault) { p.choose.Store(&choose) }

// Always plays one fault for every request.
func (p *Proxy) Always(f Fault) { p.Play(func() Fault { return f }) }

// Times plays a fault n times, and then None.
func (p *Proxy) Times(n int64, f Fault) {
	var played atomic.Int64
	p.Play(func() Fault {
		if played.Add(1) > n {
			return None
		}
		return f
	})
}

// Down closes the port, so that connections are refused. It resets the
// connections that are open.
func (p *Proxy) Down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for c := range p.conns {
		reset(c)
	}
}

// Up listens again, at the same address.
func (p *Proxy) Up() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(p.ctx, "tcp", p.addr)
	if err != nil {
		return err
	}
	p.listener, p.addr = l, l.Addr().String()
	p.wg.Go(func() { p.serve(l) })
	return nil
}

// Accepted counts the connections accepted so far.
func (p *Proxy) Accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted
}

// Played counts how often a fault was played.
func (p *Proxy) Played(f Fault) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.played[f]
}

func (p *Proxy) serve(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.accepted++
		p.mu.Unlock()
		if p.keep(c) {
			p.wg.Go(func() { p.carry(c) })
		}
	}
}

// keep notes a connection, so that Down and the end of the test close it.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		_ = c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) drop(c net.Conn) {
	_ = c.Close()
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
}

// reset makes the other end see "connection reset by peer": with a linger time
// of 0 closing sends RST, not FIN (socket(7), SO_LINGER).
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// carry serves one client: one request and its answer at a time.
func (p *Proxy) carry(client net.Conn) {
	defer p.drop(client)
	server, err := new(net.Dialer).DialContext(p.ctx, "tcp", *p.target.Load())
	if err != nil {
		reset(client)
		return
	}
	if !p.keep(server) {
		return
	}
	defer p.drop(server)
	var answers sync.WaitGroup
	defer answers.Wait()
	defer func() { _ = server.Close() }()
	var mode atomic.Int64 // the fault of the request under way
	answers.Go(func() { p.answers(client, server, &mode) })
	buf := make([]byte, 64<<10)
	for left := 0; ; {
		n, err := client.Read(buf)
		if n > 0 {
			fault := Fault(mode.Load())
			begins := left <= 0
			if begins {
				fault = (*p.choose.Load())()
				mode.Store(int64(fault))
				p.mu.Lock()
				p.played[fault]++
				p.mu.Unlock()
				left = length(buf[:n])
			}
			left -= n
			switch fault {
			case ResetBefore:
				reset(client)
				return
			case ResetDuring:
				_, _ = server.Write(buf[:n/2])
				reset(server)
				reset(client)
				return
			case Hang:
				_, _ = io.Copy(io.Discard, client) // until it leaves
				return
			}
			if _, err := server.Write(buf[:n]); err != nil {
				reset(client)
				return
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				_ = server.Close()
			} else {
				reset(server)
			}
			return
		}
	}
}

// length returns the length of the request that begins in head. If the header
// does not say it, it is the length of head.
func length(head []byte) int {
	header, _, whole := bytes.Cut(head, []byte("\r\n\r\n"))
	if !whole {
		return len(head)
	}
	size := len(header) + 4
	_, rest, found := bytes.Cut(bytes.ToLower(header), []byte("\r\ncontent-length:"))
	if !found {
		return size
	}
	value, _, _ := bytes.Cut(rest, []byte("\r\n"))
	n, err := strconv.Atoi(string(bytes.TrimSpace(value)))
	if err != nil {
		return size
	}
	return size + n
}

// answers carries what the server sends.
func (p *Proxy) answers(client, server net.Conn, mode *atomic.Int64) {
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if n > 0 && !p.pass(client, server, buf[:n], Fault(mode.Load())) {
			return
		}
		if err != nil {
			_ = client.Close()
			return
		}
	}
}

// pass hands on a piece of an answer, or spoils it and returns false.
func (p *Proxy) pass(client, server net.Conn, b []byte, fault Fault) bool {
	spoil := func(part []byte, end func(net.Conn)) bool {
		_, _ = client.Write(part)
		end(client)
		reset(server)
		return false
	}
	switch fault {
	case ResetAfter:
		return spoil(nil, reset)
	case CutAnswer:
		return spoil(b[:min(len(b), 10)], func(c net.Conn) { _ = c.Close() })
	case CutBody:
		header, _, whole := bytes.Cut(b, []byte("\r\n\r\n"))
		if whole {
			return spoil(b[:len(header)+4], func(c net.Conn) { _ = c.Close() })
		}
	case Slow:
		for i := range b {
			if !p.dribble(client, b[i:i+1]) {
				return false
			}
		}
		return true
	}
	_, err := client.Write(b)
	return err == nil
}

// dribble writes a little and waits a little.
func (p *Proxy) dribble(client net.Conn, b []byte) bool {
	timer := time.NewTimer(100 * time.Microsecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.ctx.Done():
		return false
	}
	_, err := client.Write(b)
	return err == nil
}
