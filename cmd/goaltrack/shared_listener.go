package main

import (
	"net"
	"sync"
)

// sharedListener is a listener whose connections go to one server after another: a server
// cannot be given other limits while it runs.
type sharedListener struct {
	net.Listener
	connections chan accepted
	closed      chan struct{}
	closeOnce   func() error
}

// accepted is what Accept returned.
type accepted struct {
	conn net.Conn
	err  error
}

func newSharedListener(l net.Listener) *sharedListener {
	b := &sharedListener{Listener: l, connections: make(chan accepted), closed: make(chan struct{})}
	b.closeOnce = sync.OnceValue(func() error { close(b.closed); return l.Close() })
	go b.accept()
	return b
}

// accept takes connections until the listener is closed. A connection that no server
// takes waits in the listener's own queue.
func (b *sharedListener) accept() {
	for {
		conn, err := b.Accept()
		select {
		case b.connections <- accepted{conn, err}:
		case <-b.closed:
			if err == nil {
				_ = conn.Close()
			}
			return
		}
	}
}

// Close implements [net.Listener].
func (b *sharedListener) Close() error {
	return b.closeOnce()
}

// serverListener is the listener for one server.
type serverListener struct {
	*sharedListener
	done chan struct{}
	once sync.Once
}

func (b *sharedListener) forServer() *serverListener {
	return &serverListener{sharedListener: b, done: make(chan struct{})}
}

// Accept implements [net.Listener].
func (d *serverListener) Accept() (net.Conn, error) {
	select {
	case a := <-d.connections:
		return a.conn, a.err
	case <-d.done:
	case <-d.closed:
	}
	return nil, net.ErrClosed
}

// Close ends this server's part alone; the shared listener goes on.
func (d *serverListener) Close() error {
	d.once.Do(func() { close(d.done) })
	return nil
}
