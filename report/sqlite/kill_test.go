package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report"
)

// childDir says to the test's own program that it is to be killed.
const childDir = "GOALTRACK_TEST_REPORT_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		countForEver(dir)
	}
	os.Exit(m.Run())
}

// unhurried is a store that may take as long as it needs. The counts would wait if it took ten
// seconds, as it may on a machine that does too much.
type unhurried struct{ *Store }

func (u unhurried) Info(ctx context.Context) (report.Info, error) {
	return u.Store.Info(context.WithoutCancel(ctx))
}

func (u unhurried) Flush(ctx context.Context, b *report.Batch) error {
	return u.Store.Flush(context.WithoutCancel(ctx), b)
}

// countForEver counts visits and says how many were reported and then how many of them are
// stored, until it is killed.
func countForEver(dir string) {
	r, err := report.New(report.Options{Store: unhurried{New(Options{Dir: dir})}})
	if err != nil {
		panic(err)
	}
	for n := 0; ; {
		for range 50 {
			n++
			r.Report(fact.Fact{Kind: fact.Visit, Time: time.Now(), Site: "shop", Reason: fact.Fired, Page: fmt.Sprint("/", n%20)})
		}
		fmt.Println("reported", n)
		if err := r.Flush(context.Background()); err != nil {
			panic(err)
		}
		fmt.Println("stored", n)
	}
}

// TestKilled: of a process that is killed, what was flushed is there, and nothing counts
// twice. A process flushes once a second.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	rounds := 30
	if testing.Short() {
		rounds = 3
	}
	var least, most uint64
	for range rounds {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), childDir+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		stored, reported := killAfter(t, child, bufio.NewScanner(out))
		least, most = least+stored, most+reported
	}
	s := New(Options{Dir: dir})
	defer func() { _ = s.Close() }()
	n := counted(t, s)
	if n < least || n > most || least == 0 {
		t.Errorf("%d visits are there; %d were stored, and %d reported", n, least, most)
	}
	t.Logf("%d visits are there; %d were stored, and %d reported", n, least, most)
}

// killAfter kills a process after a few of its lines, at a moment that nothing chooses, and
// returns the last numbers that it said.
func killAfter(t *testing.T, child *exec.Cmd, lines *bufio.Scanner) (stored, reported uint64) {
	t.Helper()
	kill := 2 + rand.IntN(20)
	for said := 0; lines.Scan(); said++ {
		var what string
		var n uint64
		if _, err := fmt.Sscan(lines.Text(), &what, &n); err != nil {
			t.Fatalf("it said %q", lines.Text())
		}
		if what == "stored" {
			stored = n
		}
		reported = max(reported, n)
		if said == kill {
			go func() {
				time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
				_ = child.Process.Kill()
			}()
		}
	}
	_ = child.Wait()
	return stored, reported
}
