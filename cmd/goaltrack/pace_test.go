package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// pipes is a listener of connections without a buffer, for fake time.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.ended); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// export is a big answer.
var export = bytes.Repeat([]byte("2026-11-01,QUOTE_REQUESTED,17\n"), 40_000)

// adminOf serves an export as the face of the proxy serves pages.
func adminOf(t *testing.T) *pipes {
	t.Helper()
	handler := bounded(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(export) }))
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	server := newAdminServer(handler, slog.New(slog.DiscardHandler))
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(p) }()
	t.Cleanup(func() { _ = server.Close(); <-ended })
	return p
}

// ask asks for the export, and reads the head of the answer.
func (p *pipes) ask(t *testing.T) (net.Conn, *http.Response) {
	t.Helper()
	conn, far := net.Pipe()
	p.conns <- far
	_, _ = io.WriteString(conn, "GET /goals.csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReaderSize(conn, 512), nil)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%v, %v", res, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, res
}

// TestSlowReaderGetsAll: who takes an export over a line of 1 KB/s has it whole after a while.
func TestSlowReaderGetsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, res := adminOf(t).ask(t)
		var got bytes.Buffer
		for {
			_, err := io.CopyN(&got, res.Body, 1024)
			if errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("cut after %v, with %d of %d bytes: %v", time.Since(began), got.Len(), len(export), err)
			}
			<-time.After(time.Second)
		}
		if !bytes.Equal(got.Bytes(), export) {
			t.Errorf("%d of %d bytes", got.Len(), len(export))
		}
		if took := time.Since(began); took < 10*time.Minute {
			t.Errorf("it took only %v", took)
		}
	})
}

// TestReaderWhoTakesNothing loses the connection, and sees that the answer is not whole.
// Meanwhile others get pages, however many take nothing.
func TestReaderWhoTakesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		admin := adminOf(t)
		var all []*http.Response
		for range mostReaders - 1 {
			_, res := admin.ask(t)
			all = append(all, res)
		}
		began := time.Now()
		_, res := admin.ask(t)
		if got, err := io.ReadAll(res.Body); err != nil || !bytes.Equal(got, export) || time.Since(began) > 0 {
			t.Errorf("beside them: %d bytes after %v, %v", len(got), time.Since(began), err)
		}
		<-time.After(2 * pageTake)
		for _, res := range all {
			if _, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("it ends with %v", err)
			}
		}
	})
}

// TestPaceOfSockets: what holds in fake time holds for what a system keeps of connections, too. On a
// busy machine the time may be over before anything was written. Then it says nothing, and a
// longer one is tried.
func TestPaceOfSockets(t *testing.T) {
	for take := 20 * time.Millisecond; !cutOnASocket(t, take); take *= 8 {
		if take > time.Minute {
			t.Fatalf("in %v nothing was written", take)
		}
	}
}

// cutOnASocket reports whether anything was written.
func cutOnASocket(t *testing.T, take time.Duration) bool {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	failed := make(chan error, 1)
	server := newAdminServer(pace{take}.around(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(export); err != nil {
				failed <- err
				return
			}
		}
	})), slog.New(slog.DiscardHandler))
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET /goals.csv HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if err := <-failed; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%v", err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return false
	}
	if _, err := io.Copy(io.Discard, res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("it ends with %v", err)
	}
	return true
}
