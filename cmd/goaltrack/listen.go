package main

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strings"
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
