package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/queue"
)

const spoolRules = `
version: 1
goals:
  - {goal: PAID, code: true, data: {note: $app.note}}
  - {goal: CALLED, code: true}
`

// track runs a tracker on a spool for as long as use takes.
func track(t *testing.T, dir string, stand *cdptest.Server, use func(*goaltrack.Tracker)) {
	t.Helper()
	spool, err := queue.OpenSpool(dir, queue.SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := goaltrack.ParseRules([]byte(spoolRules))
	if err != nil {
		t.Fatal(err)
	}
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: stand.Direct()}}, Rules: parsed, Logger: slog.New(slog.DiscardHandler),
		Cookie:   goaltrack.Cookie{Warm: -1},
		Delivery: goaltrack.Delivery{Queue: spool, BackoffBase: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	use(tracker)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, _ = tracker.Close(ctx)    // what it could not deliver stays
	_ = spool.Close(deadline(t)) // for a disk that needed more than the second that Close gives it
}

const spoolBrowser = "6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"

// fill makes a spool with two dead letters and one event that waits. It has a CDP of
// its own: a request that was under way when the tracker closed may still arrive.
func fill(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "spool")
	stand := cdptest.NewServer(t, cdptest.Options{})
	stand.Know(spoolBrowser)
	track(t, dir, stand, func(tracker *goaltrack.Tracker) {
		send := func(goal string) {
			t.Helper()
			if err := tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: spoolBrowser}, goal, goaltrack.Data{"note": "a visitor's words"}); err != nil {
				t.Fatal(err)
			}
		}
		stand.Fault(cdptest.Status(422).On(cdptest.Sends))
		send("PAID")
		send("CALLED")
		if _, err := tracker.Flush(deadline(t)); err != nil {
			t.Fatal(err)
		}
		stand.ClearFaults()
		stand.Fault(cdptest.Status(503).On(cdptest.Sends))
		send("PAID")
	})
	return dir
}

// TestSpool looks into a spool, has a letter sent again and drops the other.
func TestSpool(t *testing.T) {
	dir := fill(t)
	code, stdout, _ := carry(t, "spool", "ls", dir)
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if code != exitOK || len(lines) != 5 || lines[4] != "1 event waiting, 2 dead letters" || strings.Contains(stdout, "words") {
		t.Fatalf("exit code %d\n%s", code, stdout)
	}
	for i, want := range [][]string{{"STATE", "GOAL"}, {"waiting", "PAID", "shop", "6f1c2e0a "}, {"dead", "PAID", "rejected_422: "}, {"dead", "CALLED", "rejected_422"}} {
		for _, word := range want {
			if !strings.Contains(lines[i], word) {
				t.Errorf("line %d has no %s: %s", i, word, lines[i])
			}
		}
	}

	_, stdout, _ = carry(t, "spool", "ls", dir, "--json", "--goal=CALLED")
	if e := strictly[spooled](t, strings.TrimSpace(stdout)); !e.Dead || e.Goal != "CALLED" || e.Status != 422 || e.Bytes == 0 || !strings.HasSuffix(e.File, filepath.Ext(e.File)) {
		t.Errorf("%+v", e)
	}

	if code, stdout, _ = carry(t, "spool", "retry", "--goal", "PAID", dir); code != exitOK || stdout != "1 dead letter queued again\n" {
		t.Errorf("exit code %d, %s", code, stdout)
	}
	if code, stdout, _ = carry(t, "spool", "drop", dir, "--reason=rejected_422"); code != exitOK || stdout != "1 dead letter dropped\n" {
		t.Errorf("exit code %d, %s", code, stdout)
	}
	if _, stdout, _ = carry(t, "spool", "ls", dir); !strings.HasSuffix(stdout, "2 events waiting, 0 dead letters\n") {
		t.Errorf("afterwards:\n%s", stdout)
	}
	stand := cdptest.NewServer(t, cdptest.Options{})
	stand.Know(spoolBrowser)
	track(t, dir, stand, func(tracker *goaltrack.Tracker) {
		account, err := tracker.Flush(deadline(t))
		if err != nil || account.Recovered != 2 || account.Delivered != 2 || !account.Balanced() {
			t.Errorf("%v, %v", account, err)
		}
	})
	stand.Expect(t, "PAID").With("note", "a visitor's words").Times(2)
	stand.Expect(t, "CALLED").Never()
}

// TestSpoolInUse is opened while a site runs: looking is allowed.
func TestSpoolInUse(t *testing.T) {
	dir := fill(t)
	spool, err := queue.OpenSpool(dir, queue.SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = spool.Close(t.Context()) }()
	if code, stdout, _ := carry(t, "spool", "ls", dir); code != exitOK || !strings.Contains(stdout, "1 event waiting, 2 dead letters") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	for _, verb := range []string{"retry", "drop"} {
		if code, _, stderr := carry(t, "spool", verb, dir, "--all"); code != exitFailed || !strings.Contains(stderr, "is in use") {
			t.Errorf("%s: exit code %d, %s", verb, code, stderr)
		}
	}
}

// TestSpoolPerProcessShown: what processes have in directories of their own is shown.
func TestSpoolPerProcessShown(t *testing.T) {
	from, dir := fill(t), t.TempDir()
	if err := os.Rename(from, filepath.Join(dir, "process-1")); err != nil {
		t.Fatal(err)
	}
	if code, stdout, _ := carry(t, "spool", "ls", dir); code != exitOK || !strings.Contains(stdout, "1 event waiting, 2 dead letters") {
		t.Errorf("exit code %d\n%s", code, stdout)
	}
	_, stdout, _ := carry(t, "spool", "ls", dir, "--json", "--goal=CALLED")
	if e := strictly[spooled](t, strings.TrimSpace(stdout)); filepath.Dir(e.File) != "process-1" {
		t.Errorf("%+v", e)
	}
}

// TestSpoolFaults gives it bad words, and directories that are no spool.
func TestSpoolFaults(t *testing.T) {
	empty := t.TempDir()
	for _, test := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "ls|retry|drop DIR is needed"},
		{[]string{"ls"}, exitUsage, "ls|retry|drop DIR is needed"},
		{[]string{"show", empty}, exitUsage, `"show" is not one of ls, retry, drop`},
		{[]string{"drop", empty}, exitUsage, "say which dead letters, or --all"},
		{[]string{"ls", filepath.Join(empty, "none")}, exitUsage, "none"},
		{[]string{"ls", write(t, "file", "")}, exitUsage, "is no directory"},
		{[]string{"ls", empty}, exitOK, "0 events waiting, 0 dead letters"},
	} {
		code, stdout, stderr := carry(t, append([]string{"spool"}, test.args...)...)
		if code != test.code || !strings.Contains(stdout+stderr, test.want) {
			t.Errorf("%q: exit code %d, want %d and %q\n%s%s", test.args, code, test.code, test.want, stdout, stderr)
		}
	}
}

// TestSpoolElsewhere: a directory that is no spool is not taken for one in which nothing
// waits, and nothing is written there.
func TestSpoolElsewhere(t *testing.T) {
	state := t.TempDir()
	dir := filepath.Join(state, eventsDir)
	q, err := queue.OpenSpool(dir, queue.SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := filepath.Dir(write(t, "goals.yaml", rules))
	for _, verb := range []string{"ls", "retry"} {
		for name, test := range map[string]struct {
			dir  string
			code int
			want string
		}{
			"the spool":          {dir, exitOK, ""},
			"an empty directory": {t.TempDir(), exitOK, ""},
			"that of --state":    {state, exitUsage, state + " holds no spool; did you mean " + dir + "?"},
			"another":            {other, exitUsage, other + " holds no spool: it is the directory of --spool, or spool below that of --state"},
		} {
			code, _, stderr := carry(t, "spool", verb, test.dir)
			if code != test.code || !strings.Contains(stderr, test.want) {
				t.Errorf("%s %s: exit code %d\n%s", verb, name, code, stderr)
			}
		}
	}
	if found, err := os.ReadDir(other); err != nil || len(found) != 1 {
		t.Errorf("%v, %v", found, err)
	}
}

// TestNoSpoolIsMade: who looks into an empty directory for what is a person's, or for dead
// letters, leaves it empty.
func TestNoSpoolIsMade(t *testing.T) {
	for _, args := range [][]string{
		{"forget", "--browser=" + annsPhone}, {"forget", "--email=ann@example.com"}, {"spool", "retry"}, {"spool", "drop", "--all"}, {"spool", "ls"},
	} {
		dir := t.TempDir()
		if code, stdout, stderr := carry(t, append(args, dir)...); code != exitOK || !strings.HasPrefix(stdout, "0 ") || stderr != "" {
			t.Errorf("%q: exit code %d\n%s%s", args, code, stdout, stderr)
		}
		if made, err := os.ReadDir(dir); len(made) > 0 || err != nil {
			t.Errorf("%q: %v, %v", args, made, err)
		}
	}
}
