//go:build unix

package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/reporttest"
)

// server is a PostgreSQL of its own, for all tests.
var server struct {
	once    sync.Once
	address string // of its TCP port
	stop    func()
	err     error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.stop != nil {
		server.stop()
	}
	os.Exit(code)
}

// errNoServer says why there is no server.
var errNoServer = errors.New("PostgreSQL is not installed: install it, or name its folder in GOALTRACK_POSTGRES")

// startServer starts PostgreSQL in a folder that is thrown away. It refuses to run as root,
// so it then runs as the user postgres.
func startServer() error {
	bin := os.Getenv("GOALTRACK_POSTGRES")
	if bin == "" {
		path, err := exec.LookPath("postgres")
		if err != nil {
			return errNoServer
		}
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
		bin = filepath.Dir(path)
	}
	dir, err := os.MkdirTemp("", "goaltrack-postgres")
	if err != nil {
		return err
	}
	as := &syscall.SysProcAttr{}
	if os.Getuid() == 0 {
		if as.Credential, err = postgresUser(); err != nil {
			return err
		}
		if err := os.Chown(dir, int(as.Credential.Uid), int(as.Credential.Gid)); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", dir, "-A", "trust", "-U", "goaltrack", "-E", "UTF8", "--no-sync", "--locale=C")
	initdb.SysProcAttr, initdb.Dir = as, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	rules, err := os.OpenFile(filepath.Join(dir, "pg_hba.conf"), os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = rules.WriteString("host all barred all scram-sha-256\nhost all all all trust\n")
	if err := errors.Join(err, rules.Close()); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server.address = listener.Addr().String()
	_ = listener.Close()
	_, port, _ := net.SplitHostPort(server.address)
	run := exec.Command(filepath.Join(bin, "postgres"), "-D", dir, "-h", "127.0.0.1", "-p", port, "-k", dir, "-F")
	run.SysProcAttr, run.Dir = as, dir
	var log bytes.Buffer
	run.Stderr = &log
	if err := run.Start(); err != nil {
		return err
	}
	server.stop = func() {
		_ = run.Process.Signal(syscall.SIGQUIT)
		_ = run.Wait()
		_ = os.RemoveAll(dir)
	}
	for {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", server.address)
		if err == nil {
			_ = conn.Close()
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("it does not listen: %w\n%s", err, log.String())
		}
	}
}

// postgresUser is the user that Debian's package makes.
func postgresUser() (*syscall.Credential, error) {
	out, err := exec.Command("id", "-u", "postgres").Output()
	if err != nil {
		return nil, errNoServer
	}
	c := &syscall.Credential{Gid: uint32(os.Getgid())} // the group may see the files that this process sees
	_, err = fmt.Sscan(string(out), &c.Uid)
	return c, err
}

var schemas atomic.Int64

// database is the address of a schema of its own, by way of a server at that address.
func database(t *testing.T, name, address string) string {
	t.Helper()
	return fmt.Sprintf("postgres://goaltrack@%s/postgres?sslmode=disable&search_path=%s", address, name)
}

// schema makes a schema of its own.
func schema(t *testing.T) (name string) {
	t.Helper()
	server.once.Do(func() { server.err = startServer() })
	if errors.Is(server.err, errNoServer) {
		t.Skip(server.err)
	} else if server.err != nil {
		t.Fatal(server.err)
	}
	name = fmt.Sprintf("test_%d", schemas.Add(1))
	for ctx, cancel := context.WithTimeout(t.Context(), time.Minute); ; {
		defer cancel()
		s, err := Open(ctx, database(t, "public", server.address)) // until it has started
		if err == nil {
			_, err = s.db.ExecContext(ctx, "CREATE SCHEMA "+name)
			err = errors.Join(err, s.Close())
		}
		if err == nil {
			return name
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func open(t *testing.T, name, address string) *Store {
	t.Helper()
	s, err := Open(t.Context(), database(t, name, address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStore(t *testing.T) {
	reporttest.Run(t, func(t *testing.T) report.Store { return open(t, schema(t), server.address) })
}

// visit is a page visit of now.
func visit() fact.Fact {
	return fact.Fact{Kind: fact.Visit, Time: time.Now(), Site: "shop", Zone: time.UTC, Reason: fact.Fired, Page: "/"}
}

// visits are those of a report.
func visits(t *testing.T, s report.Store) (n uint64) {
	t.Helper()
	today := report.DayOf(time.Now(), nil)
	result, err := report.Ask(t.Context(), s, report.Query{Site: "shop", From: today - 1, To: today, By: report.ByDay})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range result.Rows {
		n += row.Visits
	}
	return n
}

// TestInstances: what several instances count is added, each once, while one of them closes
// days and deletes texts.
func TestInstances(t *testing.T) {
	name := schema(t)
	var instances sync.WaitGroup
	for range 4 {
		instances.Go(func() {
			s := open(t, name, server.address)
			r, err := report.New(report.Options{Store: s})
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 200 {
				f := visit()
				f.Page = fmt.Sprint("/", i)
				r.Report(f)
				if i%20 == 0 {
					if err := r.Flush(t.Context()); err != nil {
						t.Error(err)
					}
					if err := s.Expire(t.Context(), 1); err != nil {
						t.Error(err)
					}
				}
			}
			if err := r.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	instances.Wait()
	s := open(t, name, server.address)
	if n := visits(t, s); n != 800 {
		t.Errorf("%d visits, want 800", n)
	}
	today := report.DayOf(time.Now(), nil)
	result, err := report.Ask(t.Context(), s, report.Query{Site: "shop", From: today - 1, To: today, By: report.ByPage})
	if err != nil || len(result.Rows) != 200 {
		t.Errorf("%d pages, %v", len(result.Rows), err)
	}
}

// cutter is a way to the server that can cut the connection when COMMIT has been sent, and
// before its answer comes back.
type cutter struct {
	address string
	armed   atomic.Bool
	cuts    atomic.Int64
}

func newCutter(t *testing.T) *cutter {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	c := &cutter{address: listener.Addr().String()}
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go c.serve(client)
		}
	}()
	return c
}

func (c *cutter) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	up, err := net.Dial("tcp", server.address)
	if err != nil {
		return
	}
	defer func() { _ = up.Close() }()
	var cut atomic.Bool
	go func() {
		buf := make([]byte, 64<<10)
		for {
			n, err := up.Read(buf)
			if err != nil || cut.Load() { // the server has answered, and nobody hears it
				_ = client.Close()
				return
			}
			if _, err := client.Write(buf[:n]); err != nil {
				return
			}
		}
	}()
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(bytes.ToLower(buf[:n]), []byte("commit")) && c.armed.CompareAndSwap(true, false) {
			cut.Store(true)
			c.cuts.Add(1)
		}
		if _, err := up.Write(buf[:n]); err != nil {
			return
		}
	}
}

// TestCommitIsCut: if the connection breaks when COMMIT was sent, nobody knows whether it
// happened. The flush is sent again, and counts once.
func TestCommitIsCut(t *testing.T) {
	name := schema(t)
	c := newCutter(t)
	r, err := report.New(report.Options{Store: open(t, name, c.address), Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	const rounds = 20
	failed := 0
	for i := range rounds {
		for range 10 {
			r.Report(visit())
		}
		c.armed.Store(i%2 == 0)
		if err := r.Flush(t.Context()); err != nil {
			failed++
		}
		c.armed.Store(false)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := visits(t, open(t, name, server.address)); n != rounds*10 || failed == 0 {
		t.Errorf("%d visits, want %d; %d flushes failed", n, rounds*10, failed)
	}
	t.Logf("%d connections were cut, and %d flushes failed", c.cuts.Load(), failed)
}

// TestDead: without a server a flush is an error, and nothing waits for long.
func TestDead(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if s, err := Open(ctx, database(t, "public", "127.0.0.1:1")); err == nil || !strings.Contains(err.Error(), "postgres:") {
		t.Errorf("%v, %v", s, err)
	}
}

// TestNewer: tables of a newer goaltrack are left alone.
func TestNewer(t *testing.T) {
	name := schema(t)
	s := open(t, name, server.address)
	if _, err := s.db.ExecContext(t.Context(), "UPDATE goaltrack_report SET version = 99"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), database(t, name, server.address)); !errors.Is(err, ErrNewer) {
		t.Errorf("%v", err)
	}
}
