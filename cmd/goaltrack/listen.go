package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

// socketPrefix begins an address that is the path of a Unix socket.
const socketPrefix = "unix:"

// listen opens address, so that a port that is taken shows before anything
// else is started.
func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	path, isSocket := strings.CutPrefix(address, socketPrefix)
	if !isSocket {
		return config.Listen(ctx, "tcp", address)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, err
	}
	return config.Listen(ctx, "unix", path)
}

// removeStale removes a socket at which nobody listens any more: a process that was
// killed leaves it behind, and nobody could listen there again.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 {
		return nil // to listen there says what is wrong
	}
	dialer := net.Dialer{Timeout: time.Second}
	conn, err := dialer.DialContext(ctx, "unix", path)
	if err != nil {
		return os.Remove(path)
	}
	_ = conn.Close()
	return fmt.Errorf("listen unix %s: another process listens there", path)
}

// urlOf is how a listener is shown to whoever started the program.
func urlOf(l net.Listener, secure bool) string {
	switch {
	case l.Addr().Network() == "unix":
		return socketPrefix + l.Addr().String()
	case secure:
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

// lobby is a listener whose connections go to one server after another: a server
// cannot be given other limits while it runs.
type lobby struct {
	net.Listener
	arrivals chan arrival
	closed   chan struct{}
	shut     func() error
}

// arrival is what Accept returned.
type arrival struct {
	conn net.Conn
	err  error
}

func newLobby(l net.Listener) *lobby {
	b := &lobby{Listener: l, arrivals: make(chan arrival), closed: make(chan struct{})}
	b.shut = sync.OnceValue(func() error { close(b.closed); return l.Close() })
	go b.accept()
	return b
}

// accept takes connections until the lobby is closed. A connection that no server
// takes waits in the listener's own queue.
func (b *lobby) accept() {
	for {
		conn, err := b.Accept()
		select {
		case b.arrivals <- arrival{conn, err}:
		case <-b.closed:
			if err == nil {
				_ = conn.Close()
			}
			return
		}
	}
}

// Close implements [net.Listener].
func (b *lobby) Close() error {
	return b.shut()
}

// door is the listener for one server.
type door struct {
	*lobby
	locked chan struct{}
	once   sync.Once
}

func (b *lobby) door() *door { return &door{lobby: b, locked: make(chan struct{})} }

// Accept implements [net.Listener].
func (d *door) Accept() (net.Conn, error) {
	select {
	case a := <-d.arrivals:
		return a.conn, a.err
	case <-d.locked:
	case <-d.closed:
	}
	return nil, net.ErrClosed
}

// Close closes the door alone.
func (d *door) Close() error {
	d.once.Do(func() { close(d.locked) })
	return nil
}
