// Package sqlite keeps a report in a file, with SQLite (modernc.org/sqlite, without cgo).
// Programs that do not import it neither compile nor download SQLite.
//
//	store := sqlite.New(sqlite.Options{Dir: "/var/lib/goaltrack/report"})
//	defer store.Close()
//	if err := store.Ready(ctx); err != nil {
//		log.Print(err) // the store goes on trying
//	}
//	recorder, err := report.New(report.Options{Store: store})
//
// The file is report.sqlite in the directory, with two more beside it while it is open.
// Other programs may read it meanwhile, as with the command sqlite3. A process that is
// killed loses what was not flushed, which is the last second; a loss of power may lose
// some seconds more. The file never gets a part of a flush.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver

	"github.com/goaltrack/goaltrack/internal/sqlreport"
	"github.com/goaltrack/goaltrack/report"
)

// FileName is the name of the file in the directory.
const FileName = "report.sqlite"

// Options say where the report is.
type Options struct {
	// Dir is the directory, which is made if it is not there. It should be on a disk of
	// this machine: on a network file system two processes can damage the file
	// (https://sqlite.org/wal.html#overview). Required.
	Dir string
	// ReadOnly opens a report to ask it only, also while another process adds to it.
	// It has to be there.
	ReadOnly bool
	// Logger gets a warning if Dir is on a network file system. Default:
	// slog.Default().
	Logger *slog.Logger
}

// dialect is that of SQLite.
var dialect = sqlreport.Dialect{
	Name: "SQLite", Identity: "INTEGER PRIMARY KEY AUTOINCREMENT", Bytes: "BLOB", Clustered: "WITHOUT ROWID",
}

// Store is a report in a file. It opens the file when it first needs it. If that cannot be
// opened, because it is damaged, locked or made by a newer goaltrack, each call returns
// the error, and it is tried again every ten seconds.
type Store struct {
	opener // calls open

	options Options

	mu     sync.Mutex
	tables *sqlreport.Tables // nil while the file is not open
	file   os.FileInfo       // which file that is
	err    error             // why
	tried  time.Time
	closed bool
}

// opener has the methods that only need the open file.
type opener = sqlreport.Opener

var (
	_ report.Store      = (*Store)(nil)
	_ report.SketcherOf = (*Store)(nil)
)

// New makes a store, and opens nothing yet.
func New(o Options) *Store {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	s := &Store{options: o}
	s.opener = s.open
	return s
}

// The errors of a store. Test for them with errors.Is.
var (
	// ErrNewer: a newer goaltrack has made the file.
	ErrNewer = errors.New("made by a newer goaltrack")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("sqlite: the report is closed")
)

// tryEvery is how often a file that cannot be opened is tried again.
const tryEvery = 10 * time.Second

// Ready opens the file now.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.open(ctx)
	return err
}

// open returns the tables of the open file.
func (s *Store) open(ctx context.Context) (*sqlreport.Tables, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return nil, ErrClosed
	case s.tables != nil:
		return s.tables, nil
	case s.err != nil && time.Since(s.tried) < tryEvery:
		return nil, s.err
	}
	tables, err := s.options.open(ctx)
	s.tried = time.Now()
	if s.err = err; err != nil {
		s.err = fmt.Errorf("sqlite: %s: %w", s.options.path(), err)
		return nil, s.err
	}
	s.tables = tables
	s.file, _ = os.Stat(s.options.path()) // a file system that does not tell files apart is asked in vain
	return tables, nil
}

// check lets go of the file if somebody removed it or put another in its place, as by a
// backup. SQLite goes on writing to what nobody can find any more
// (https://sqlite.org/howtocorrupt.html#_unlinking_or_renaming_a_database_file_while_in_use).
func (s *Store) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tables == nil || s.file == nil {
		return nil
	}
	now, err := os.Stat(s.options.path())
	if err == nil && os.SameFile(s.file, now) || err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	t := s.tables
	s.tables, s.file, s.err = nil, nil, nil
	_ = closeTables(t) // what it says is about a file that is gone
	return fmt.Errorf("sqlite: %s: %w", s.options.path(), report.ErrReplaced)
}

func closeTables(t *sqlreport.Tables) error {
	if t.Write == t.Read {
		return t.Read.Close()
	}
	return errors.Join(t.Read.Close(), t.Write.Close())
}

func (o *Options) path() string { return filepath.Join(o.Dir, FileName) }

// open opens the file, and brings it to the newest version.
func (o *Options) open(ctx context.Context) (*sqlreport.Tables, error) {
	if err := o.makeFile(); err != nil {
		return nil, err
	}
	read, err := o.connect("&_pragma=query_only(1)")
	if err != nil {
		return nil, err
	}
	read.SetMaxOpenConns(readers)
	t := &sqlreport.Tables{Dialect: dialect, Read: read, Write: read}
	if o.ReadOnly {
		if err := checkVersion(ctx, read); err != nil {
			return nil, closeAfter(err, read)
		}
		return t, nil
	}
	if t.Write, err = o.connect("&_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=secure_delete(ON)"); err != nil {
		return nil, closeAfter(err, read)
	}
	t.Write.SetMaxOpenConns(1)
	if err := o.migrate(ctx, t.Write); err != nil {
		return nil, closeAfter(err, read, t.Write)
	}
	if name := networkFileSystem(o.Dir); name != "" {
		o.Logger.Warn("report: the directory is on a network file system, where two processes can damage the report", "dir", o.Dir, "type", name)
	}
	return t, nil
}

// readers is how many questions are answered at once.
const readers = 4

// closeAfter closes databases because of an error.
func closeAfter(err error, databases ...*sql.DB) error {
	if err == nil {
		return nil
	}
	for _, db := range databases {
		_ = db.Close()
	}
	return err
}

// makeFile makes the directory and the file, for this user alone.
func (o *Options) makeFile() error {
	if o.Dir == "" {
		return errors.New("there is no Dir")
	}
	flags := os.O_RDWR | os.O_CREATE
	if o.ReadOnly {
		flags = os.O_RDONLY
	} else if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(o.path(), flags, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// connect opens connections to the file, with settings for each. What the settings mean is
// in https://sqlite.org/pragma.html.
func (o *Options) connect(settings string) (*sql.DB, error) {
	file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(o.path())}).EscapedPath()}
	return sql.Open("sqlite", file.String()+"?_pragma=busy_timeout(5000)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-16000)"+settings)
}

// checkVersion refuses a file that this program cannot read.
func checkVersion(ctx context.Context, db *sql.DB) error {
	version, err := versionOf(ctx, db)
	switch {
	case err != nil:
		return err
	case version > len(dialect.Migrations()):
		return ErrNewer
	case version < len(dialect.Migrations()):
		return errors.New("no report, or one of an older goaltrack that has to be opened once to be written")
	}
	return nil
}

func versionOf(ctx context.Context, db *sql.DB) (version int, err error) {
	err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version)
	return version, err
}

// migrate brings the file to the newest version, each step at once or not at all. A file
// with counts is copied first.
func (o *Options) migrate(ctx context.Context, db *sql.DB) error {
	version, err := versionOf(ctx, db)
	steps := dialect.Migrations()
	switch {
	case err != nil:
		return err
	case version > len(steps):
		return ErrNewer
	case version == len(steps):
		return nil
	case version > 0:
		if err := backup(ctx, db, fmt.Sprintf("%s.v%d", o.path(), version)); err != nil {
			return err
		}
	}
	for ; version < len(steps); version++ {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, steps[version]+fmt.Sprintf(";PRAGMA user_version = %d", version+1))
		if err == nil {
			err = tx.Commit()
		}
		if err != nil {
			_ = tx.Rollback() // it says nothing that the error does not
			return err
		}
	}
	return nil
}

// Backup writes a copy of the report to a file that is not there yet, while counts are
// added.
func (s *Store) Backup(ctx context.Context, path string) error {
	if err := s.Ready(ctx); err != nil {
		return err
	}
	db, err := s.options.connect("") // so that no flush waits for it
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	return backup(ctx, db, path)
}

func backup(ctx context.Context, db *sql.DB, path string) error {
	if _, err := os.Stat(path); err == nil {
		return fmt.Errorf("%s: %w", path, os.ErrExist)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) //nolint:gosec // Who asks for a copy says where.
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", path)
	if err != nil {
		_ = os.Remove(path) // it is no copy
	}
	return err
}

// Flush implements [report.Store].
func (s *Store) Flush(ctx context.Context, b *report.Batch) error {
	if err := s.check(); err != nil {
		return err
	}
	return s.opener.Flush(ctx, b)
}

// Info implements [report.Store].
func (s *Store) Info(ctx context.Context) (report.Info, error) {
	info, err := s.opener.Info(ctx)
	info.Kind = dialect.Name
	return info, err
}

// Drop implements [report.Store]. It gives the room in the file back, too.
func (s *Store) Drop(ctx context.Context, before report.Day) error {
	t, err := s.open(ctx)
	if err != nil {
		return err
	}
	if err := t.Drop(ctx, before); err != nil {
		return err
	}
	_, err = t.Write.ExecContext(ctx, "VACUUM")
	return err
}

// Close implements [report.Store].
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tables
	s.tables, s.closed = nil, true
	if t == nil {
		return nil
	}
	return closeTables(t)
}
