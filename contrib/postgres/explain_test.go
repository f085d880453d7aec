//go:build unix

package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/goaltrack/goaltrack/report"
)

// do does statements as the owner of the server.
func do(t *testing.T, statements string) {
	t.Helper()
	s := open(t, "public", server.address)
	if _, err := s.db.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
}

// role makes a user of the server, once.
func role(t *testing.T, name, rights string) {
	t.Helper()
	do(t, "DO $$ BEGIN CREATE ROLE "+name+" "+rights+"; EXCEPTION WHEN duplicate_object THEN END $$")
}

// as is the address of a schema for a user, with settings.
func as(user, schema string, settings ...string) string {
	query := url.Values{"sslmode": {"disable"}, "search_path": {schema}}
	for i := 0; i < len(settings); i += 2 {
		query.Set(settings[i], settings[i+1])
	}
	return (&url.URL{Scheme: "postgres", User: url.UserPassword(user, "wrong"), Host: server.address, Path: "/postgres", RawQuery: query.Encode()}).String()
}

// TestWhyItCannotBeOpened: a store that cannot be opened says why, to who starts it in words
// and to the pages by kind. A real server says it.
func TestWhyItCannotBeOpened(t *testing.T) {
	name := schema(t)
	role(t, "barred", "LOGIN PASSWORD 'right'")
	role(t, "asleep", "NOLOGIN")
	role(t, "guest", "LOGIN")
	role(t, "crowd", "LOGIN CONNECTION LIMIT 0")
	do(t, "GRANT USAGE ON SCHEMA "+name+" TO guest")
	newer, cut := schema(t), schema(t)
	open(t, newer, server.address)
	do(t, "UPDATE "+newer+".goaltrack_report SET version = 99")
	listener, err := net.Listen("tcp", "127.0.0.1:0") // it hangs up on everybody
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	for _, test := range []struct {
		name, url string
		want      report.Why
		says      string
	}{
		{"nobody listens", strings.Replace(as("goaltrack", name), server.address, "127.0.0.1:1", 1), report.Away, "does not answer"},
		{"it hangs up", strings.Replace(as("goaltrack", cut), server.address, listener.Addr().String(), 1), report.Away, "does not answer"},
		{"wrong password", as("barred", name), report.Login, "check the user and the password"},
		{"no such user", as("nobody", name), report.Login, "check the user and the password"},
		{"may not log in", as("asleep", name), report.Login, "check the user and the password"},
		{"no such database", strings.Replace(as("goaltrack", name), "/postgres?", "/nowhere?", 1), report.Missing, `"nowhere"`},
		{"no such schema", as("goaltrack", "nowhere"), report.Missing, "no schema"},
		{"a schema that is not this user's", as("guest", cut), report.Missing, "grant USAGE"},
		{"no permission", as("guest", name), report.Denied, "GRANT CREATE"},
		{"too many connections", as("crowd", name), report.Crowded, "max_connections"},
		{"read-only", as("goaltrack", name, "default_transaction_read_only", "on"), report.ReadOnly, "primary"},
		{"a newer goaltrack", as("goaltrack", newer), report.Newer, "newer goaltrack"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if s, err := Open(t.Context(), test.url); err == nil || s != nil {
				t.Error("it is open")
			}
			s, err := New(test.url)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			info, asked := s.Info(t.Context())
			_, sum := s.Sum(t.Context(), report.Question{})
			for _, err := range []error{s.Ready(t.Context()), asked, sum, s.Flush(t.Context(), &report.Batch{}), s.Drop(t.Context(), 0)} {
				if got := s.Explain(err); got != test.want || err == nil || !strings.Contains(err.Error(), test.says) {
					t.Errorf("%q, want %q: %v", got, test.want, err)
				}
			}
			if info.Kind != "PostgreSQL" || !strings.Contains(info.Trouble, test.says) {
				t.Errorf("%+v", info)
			}
		})
	}
	if _, err := New("postgres://goaltrack@db.example:port/goaltrack"); err == nil {
		t.Error("a port that is no number")
	}
	s := open(t, name, server.address)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); s.Explain(err) != report.Closed {
		t.Errorf("closed: %v", err)
	}
}

// TestWhyItFails: an open store in which something goes wrong says what, and takes counts
// again when that is over.
func TestWhyItFails(t *testing.T) {
	batch := func() *report.Batch {
		return &report.Batch{Totals: map[report.TotalKey]report.Amount{{Site: "shop", Day: 1}: {N: 1}}}
	}
	for _, test := range []struct {
		name       string
		settings   []string
		fail, mend func(schema string) string
		want       report.Why
	}{
		{"a lock that is not free", []string{"lock_timeout", "100"}, nil, nil, report.Busy},
		{
			"rights that are taken", nil,
			func(schema string) string { return "REVOKE ALL ON " + schema + ".day_total FROM keeper" },
			func(schema string) string { return "GRANT ALL ON " + schema + ".day_total TO keeper" }, report.Denied,
		},
		{
			"tables of before", nil,
			func(schema string) string { return "ALTER TABLE " + schema + ".day_total RENAME minor TO major" },
			func(schema string) string { return "ALTER TABLE " + schema + ".day_total RENAME major TO minor" }, report.Older,
		},
		{
			"connections that are ended", nil,
			func(string) string {
				return "ALTER ROLE keeper NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'keeper'"
			},
			func(string) string { return "ALTER ROLE keeper LOGIN" }, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			name := schema(t)
			role(t, "keeper", "LOGIN")
			do(t, "GRANT CREATE, USAGE ON SCHEMA "+name+" TO keeper")
			s, err := Open(t.Context(), as("keeper", name, test.settings...))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			if err := s.Flush(t.Context(), batch()); err != nil {
				t.Fatal(err)
			}
			var over func()
			if test.fail == nil { // somebody else has the table
				tx, err := open(t, name, server.address).db.BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tx.ExecContext(t.Context(), "LOCK TABLE day_total"); err != nil {
					t.Fatal(err)
				}
				over = func() { _ = tx.Rollback() }
			} else {
				do(t, test.fail(name))
				over = func() { do(t, test.mend(name)) }
			}
			err = s.Flush(t.Context(), batch())
			got := s.Explain(err)
			if err == nil || got != test.want && (test.want != "" || got != report.Away && got != report.Login) {
				t.Errorf("%q, want %q: %v", got, test.want, err)
			}
			over()
			if err := s.Flush(t.Context(), batch()); err != nil {
				t.Errorf("it is over: %v", err)
			}
			counts, err := s.Sum(t.Context(), report.Question{Site: "shop", From: 1, To: 1, Of: report.Visits})
			if err != nil || len(counts) != 1 || counts[0].N != 2 {
				t.Errorf("%v, %v", counts, err)
			}
		})
	}
}

// TestTablesAreRemoved: whoever removes the tables gets new ones, with the sites and rules that
// they need.
func TestTablesAreRemoved(t *testing.T) {
	name := schema(t)
	s := open(t, name, server.address)
	r, err := report.New(report.Options{Store: s, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	r.Report(visit())
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	do(t, "DROP SCHEMA "+name+" CASCADE; CREATE SCHEMA "+name)
	r.Report(visit())
	if err := r.Flush(t.Context()); s.Explain(err) != report.Older {
		t.Errorf("%v", err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := visits(t, s); n != 1 {
		t.Errorf("%d visits, want that after", n)
	}
}

// TestStates are those that no test can bring about.
func TestStates(t *testing.T) {
	for err, want := range map[error]report.Why{
		&pgconn.PgError{Code: "53100"}: report.Full, &pgconn.PgError{Code: "53200"}: report.Crowded, &pgconn.PgError{Code: "53300"}: report.Crowded,
		&pgconn.PgError{Code: "08006"}: report.Away, &pgconn.PgError{Code: "57P01"}: report.Away, &pgconn.PgError{Code: "57P03"}: report.Away,
		&pgconn.PgError{Code: "28P01"}: report.Login, &pgconn.PgError{Code: "57P04"}: report.Missing,
		&pgconn.PgError{Code: "57014"}: report.Busy, &pgconn.PgError{Code: "40P01"}: report.Busy, &pgconn.PgError{Code: "25P04"}: report.Busy,
		&pgconn.PgError{Code: "XX001"}: report.Damaged, &pgconn.PgError{Code: "58030"}: report.Damaged,
		&pgconn.PgError{Code: "22021"}: report.Unexplained, &pgconn.PgError{Code: "X"}: report.Unexplained, &pgconn.PgError{}: report.Unexplained,
		context.DeadlineExceeded: report.Busy, context.Canceled: report.Unexplained, errors.New("else"): report.Unexplained,
		io.ErrUnexpectedEOF: report.Away, &net.OpError{Op: "read", Err: errors.New("reset")}: report.Away,
	} {
		if got := explain(fmt.Errorf("postgres: %w", errors.Join(err, errors.New("rolled back")))); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
	if got := explain(nil); got != report.Unexplained {
		t.Error(got)
	}
	for why := range advice {
		if !strings.HasSuffix(advice[why], ": ") && !strings.HasSuffix(advice[why], "? ") {
			t.Errorf("%s: %q does not lead to the server's words", why, advice[why])
		}
	}
}

// TestSiteStartsWithoutItsDatabase: counts wait until the database is there.
func TestSiteStartsWithoutItsDatabase(t *testing.T) {
	name := schema(t)
	do(t, "DROP SCHEMA "+name)
	s, err := New(database(t, name, server.address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	r, err := report.New(report.Options{Store: s, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	r.Report(visit())
	if err := r.Flush(t.Context()); s.Explain(err) != report.Missing {
		t.Errorf("%v", err)
	}
	do(t, "CREATE SCHEMA "+name)
	s.mu.Lock()
	s.tried = time.Time{} // as a second later
	s.mu.Unlock()
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := visits(t, s); n != 1 {
		t.Errorf("%d visits", n)
	}
}
