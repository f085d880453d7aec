package sqlite

import (
	"bytes"
	"database/sql"
	"errors"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// visits are so many page visits of today.
func visits(n uint64) *report.Batch {
	today := report.DayOf(time.Now(), nil)
	return &report.Batch{
		Totals: map[report.TotalKey]report.Amount{{Site: "shop", Day: today, Reason: fact.Fired}: {N: n}},
		Zones:  map[string]string{"shop": "UTC"},
	}
}

// counted are the page visits of a store.
func counted(t testing.TB, s report.Store) uint64 {
	t.Helper()
	today := report.DayOf(time.Now(), nil)
	rows, err := s.Sum(t.Context(), report.Question{Site: "shop", From: today - 1, To: today, Reason: fact.Fired})
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	for _, row := range rows {
		n += row.N
	}
	return n
}

// raw opens a file without the store.
func raw(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: filepath.Join(dir, FileName)}).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// TestUnusable: a file that cannot be used is an error of every call, that says why.
func TestUnusable(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(t *testing.T, dir string)
		want string
		why  report.Why
	}{
		{"damaged", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(dir, FileName), bytes.Repeat([]byte("damaged "), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, "file is not a database", report.Damaged},
		{"newer", func(t *testing.T, dir string) {
			t.Helper()
			if _, err := raw(t, dir).ExecContext(t.Context(), "PRAGMA user_version = 99"); err != nil {
				t.Fatal(err)
			}
		}, "made by a newer goaltrack", report.Newer},
		{"a directory in its place", func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Mkdir(filepath.Join(dir, FileName), 0o700); err != nil {
				t.Fatal(err)
			}
		}, "is a directory", report.Unexplained},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			test.make(t, dir)
			s := New(Options{Dir: dir})
			_, sum := s.Sum(t.Context(), report.Question{})
			info, asked := s.Info(t.Context())
			for _, err := range []error{s.Ready(t.Context()), s.Flush(t.Context(), visits(1)), sum, asked, s.Drop(t.Context(), 0)} {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("%v, want %s", err, test.want)
				}
				if got := s.Explain(err); got != test.why {
					t.Errorf("%v is explained as %q", err, got)
				}
			}
			if !strings.Contains(info.Trouble, test.want) {
				t.Errorf("trouble %q", info.Trouble)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if err := s.Ready(t.Context()); !errors.Is(err, ErrClosed) {
				t.Errorf("closed: %v", err)
			}
		})
	}
}

// TestOlderFile: a file of a version before is brought to the newest, with what is in it,
// after a copy was made.
func TestOlderFile(t *testing.T) {
	dir := t.TempDir()
	s := New(Options{Dir: dir})
	if err := s.Flush(t.Context(), visits(3)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db := raw(t, dir)
	for _, statement := range []string{"DROP TABLE cost", "DROP TABLE filled", "PRAGMA user_version = 1"} { // what version 1 does not have
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s = New(Options{Dir: dir})
	t.Cleanup(func() { _ = s.Close() })
	day := report.DayOf(time.Now(), nil)
	if err := s.Flush(t.Context(), &report.Batch{Costs: map[report.CostKey]uint64{{Site: "shop", Day: day, What: fact.IDMade}: 5}}); err != nil {
		t.Fatal(err)
	}
	if costs, err := s.Costs(t.Context(), day, day); err != nil || len(costs) != 1 || costs[0].N != 5 || counted(t, s) != 3 {
		t.Errorf("%v, %v, %d visits", costs, err, counted(t, s))
	}
	if _, err := os.Stat(filepath.Join(dir, FileName+".v1")); err != nil {
		t.Error(err)
	}
}

// TestReadOnly: a report that is asked only has to be there, and takes nothing.
func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	if err := New(Options{Dir: dir, ReadOnly: true}).Ready(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("nothing there: %v", err)
	}
	writer := New(Options{Dir: dir})
	defer func() { _ = writer.Close() }()
	if err := writer.Flush(t.Context(), visits(3)); err != nil {
		t.Fatal(err)
	}
	reader := New(Options{Dir: dir, ReadOnly: true})
	defer func() { _ = reader.Close() }()
	if n := counted(t, reader); n != 3 {
		t.Errorf("%d visits", n)
	}
	if err := writer.Flush(t.Context(), visits(3)); err != nil {
		t.Error(err)
	}
	if n := counted(t, reader); n != 6 {
		t.Errorf("%d visits after another flush", n)
	}
	if err := reader.Flush(t.Context(), visits(1)); err == nil {
		t.Error("it took a flush")
	}
}

// TestLocked: while another program has the file for itself, counts wait. Nothing is lost
// and nothing counts twice when it lets go.
func TestLocked(t *testing.T) {
	s := opened(t)
	var log bytes.Buffer
	r, err := report.New(report.Options{Store: unhurried{s}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	tell := func() {
		r.Report(fact.Fact{Kind: fact.Visit, Time: time.Now(), Site: "shop", Reason: fact.Fired, Page: "/"})
	}
	tell()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := raw(t, s.options.Dir)
	other.SetMaxOpenConns(1)
	if _, err := other.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	tell()
	if err := r.Flush(t.Context()); err == nil || !strings.Contains(err.Error(), "locked") || s.Explain(err) != report.Busy {
		t.Errorf("while it is locked: %v", err)
	}
	tell()
	if n := counted(t, s); n != 1 {
		t.Errorf("%d visits meanwhile", n)
	}
	if _, err := other.ExecContext(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if n := counted(t, s); n != 3 {
		t.Errorf("%d visits, want 3", n)
	}
	if text := log.String(); strings.Count(text, "cannot be stored") != 1 || strings.Count(text, "stored again") != 1 {
		t.Errorf("the log:\n%s", text)
	}
	marks, err := s.Marks(t.Context(), time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil || len(marks) != 1 || marks[0].Kind != report.MarkOutage {
		t.Errorf("marks %v, %v", marks, err)
	}
}

// TestReplaced: a file that is removed, or has another in its place, while it is open is let go
// of, and counting goes on in the one that is there, with the sites and rules in force.
func TestReplaced(t *testing.T) {
	for name, replace := range map[string]func(t *testing.T, file string){
		"removed": func(*testing.T, string) {},
		"another": func(t *testing.T, file string) {
			t.Helper()
			if err := os.WriteFile(file, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"with its directory": func(t *testing.T, file string) {
			t.Helper()
			if err := os.RemoveAll(filepath.Dir(file)); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := opened(t)
			var log bytes.Buffer
			r, err := report.New(report.Options{Store: unhurried{s}, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			tell := func() {
				r.Report(fact.Fact{Kind: fact.Visit, Time: time.Now(), Site: "shop", Reason: fact.Fired, Page: "/"})
			}
			r.Report(fact.Fact{Kind: fact.RulesChanged, Time: time.Now(), Rules: &fact.Rules{Hash: "abc", Goals: []fact.Goal{{Name: "SENT"}}}})
			tell()
			if err := r.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, end := range []string{"", "-wal", "-shm"} {
				if err := os.Remove(s.options.path() + end); err != nil && !errors.Is(err, os.ErrNotExist) {
					t.Fatal(err)
				}
			}
			replace(t, s.options.path())
			tell()
			if err := r.Flush(t.Context()); err != nil && !errors.Is(err, report.ErrReplaced) {
				t.Error(err)
			}
			if err := r.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if n := counted(t, s); n != 1 {
				t.Errorf("%d visits, want the one that came since", n)
			}
			info, err := s.Info(t.Context())
			if err != nil || info.Zones["shop"] != "UTC" || info.Rules == nil || info.Rules.Hash != "abc" || info.RulesSince.IsZero() {
				t.Errorf("%+v, %v", info, err)
			}
			if text := log.String(); strings.Count(text, "removed or replaced") != 1 {
				t.Errorf("the log:\n%s", text)
			}
		})
	}
}

// TestFull: on a full disk counts wait, and are lost under their name when they are too
// many. Then it goes on. A file that may not grow stands for the disk.
func TestFull(t *testing.T) {
	s := opened(t)
	if err := s.Flush(t.Context(), visits(1)); err != nil {
		t.Fatal(err)
	}
	tables, err := s.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var pages int
	if err := tables.Write.QueryRowContext(t.Context(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit := func(n int) {
		t.Helper()
		var now int
		if err := tables.Write.QueryRowContext(t.Context(), "PRAGMA max_page_count = "+strings.Repeat("9", n)).Scan(&now); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tables.Write.ExecContext(t.Context(), "PRAGMA max_page_count = 1"); err != nil { // that is: no more than it has
		t.Fatal(err)
	}
	big := visits(1)
	big.Writer, big.Seq = "one", 1
	big.Parts = map[report.PartKey]report.Amount{}
	for i := range 2000 {
		big.Parts[report.PartKey{Site: "shop", Day: report.DayOf(time.Now(), nil), Dimension: report.Page, Text: strings.Repeat("x", i%150) + string(rune('a'+i%26))}] = report.Amount{N: 1}
	}
	if err := s.Flush(t.Context(), big); err == nil || !strings.Contains(err.Error(), "full") || s.Explain(err) != report.Full {
		t.Errorf("full: %v", err)
	}
	if n := counted(t, s); n != 1 {
		t.Errorf("%d visits: a part of a flush is there", n)
	}
	limit(7)
	if err := s.Flush(t.Context(), big); err != nil {
		t.Error(err)
	}
	if n := counted(t, s); n != 2 {
		t.Errorf("%d visits, want 2", n)
	}
}

// TestTextsAreDeleted: what one visitor wrote is nowhere in the file when its day is over.
func TestTextsAreDeleted(t *testing.T) {
	s := opened(t)
	today := report.DayOf(time.Now(), nil)
	b := visits(9)
	b.Parts = map[report.PartKey]report.Amount{
		{Site: "shop", Day: today, Dimension: report.Campaign, Text: "newsletter"}:    {N: 5},
		{Site: "shop", Day: today, Dimension: report.Campaign, Text: "jane.doe.1980"}: {N: 4},
	}
	if err := s.Flush(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	there := func(text string) (n int) {
		t.Helper()
		if err := raw(t, s.options.Dir).QueryRowContext(t.Context(), "SELECT COUNT(*) FROM text WHERE value = ?", text).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if there("newsletter") != 1 || there("jane.doe.1980") != 1 {
		t.Error("they were not there")
	}
	if err := s.CloseDays(t.Context(), "shop", today, 5); err != nil {
		t.Fatal(err)
	}
	if there("newsletter") != 1 || there("jane.doe.1980") != 0 {
		t.Errorf("%d and %d are left", there("newsletter"), there("jane.doe.1980"))
	}
	if _, err := raw(t, s.options.Dir).ExecContext(t.Context(), "PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(s.options.path())
	if err != nil || !bytes.Contains(text, []byte("newsletter")) || bytes.Contains(text, []byte("jane.doe")) {
		t.Errorf("in the file: %t, %v", bytes.Contains(text, []byte("jane.doe")), err)
	}
	if err := s.Flush(t.Context(), b); err != nil { // its number is not used again
		t.Error(err)
	}
	rows, err := s.Sum(t.Context(), report.Question{Table: report.Parts, Site: "shop", From: today, To: today, Dimension: report.Campaign})
	if err != nil || len(rows) != 3 {
		t.Errorf("%v, %v", rows, err)
	}
}
