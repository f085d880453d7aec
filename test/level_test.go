package test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/logbook"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/queue"
)

// spooled is a world whose events wait in a directory. With a fault, its CDP has
// that for every event, and what waits at the end is left.
func spooled(t *testing.T, dir string, fault *cdptest.Fault, adjust ...func(*goaltrack.Config)) (*world.World, *syncBuffer) {
	t.Helper()
	var log syncBuffer
	w := world.Setup{
		Rules: "{version: 1, goals: [{goal: FORM_SENT, submit: /form}]}",
		Site: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/thanks", http.StatusSeeOther)
		}),
		Log: &log,
		Config: func(c *goaltrack.Config, server *cdptest.Server) {
			c.Delivery.SpoolDir, c.Delivery.SpoolWait = dir, diskStalls
			if fault != nil {
				server.Fault(fault.On(cdptest.Sends))
			}
			for _, a := range adjust {
				a(c)
			}
		},
		Unsettled: fault != nil,
	}.Start(t)
	return w, &log
}

// diskStalls is as long as a request may wait for the disk: what was answered is written then,
// and nothing is left that only CloseNow would write, which gives the disk a second.
const diskStalls = 10 * time.Second

var unavailable = cdptest.Status(http.StatusServiceUnavailable)

// onDisk counts how often a text is in the files of a directory.
func onDisk(t *testing.T, dir, text string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		content, err := os.ReadFile(path)
		n += bytes.Count(content, []byte(text))
		return ignoreGone(err)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ignoreGone lets the spool rename a file it has in reserve.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// TestDurableBeforeTheAnswer: an event is in the spool's file before the visitor
// has the redirect. An answer that could not wait for the disk any longer is counted: few are,
// on a machine that stops now and then.
func TestDurableBeforeTheAnswer(t *testing.T) {
	for _, level := range []goaltrack.Level{"", goaltrack.LevelDurable, goaltrack.LevelStrict} {
		t.Run(string(level), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "new", "spool")
			w, _ := spooled(t, dir, &unavailable, func(c *goaltrack.Config) {
				c.Delivery.Level = level
			})
			v := w.Visitor().Meet()
			for i := range 20 {
				if res := v.Post("/form", "a=b"); res.StatusCode != http.StatusSeeOther {
					t.Fatal(res.Status)
				}
				if n, late := onDisk(t, dir, `"type":"FORM_SENT"`), int(w.Note("not_yet_on_disk")); n+late < i+1 || late > 5 {
					t.Fatalf("%d answers, %d events on disk, %d late ones", i+1, n, late)
				}
			}
			want := level
			if want == "" {
				want = goaltrack.LevelDurable
			}
			if q := w.Tracker.Snapshot().Queue; q.Level != want || q.Degraded != "" || q.Damage != "" || q.Events != 20 {
				t.Errorf("%+v", q)
			}
		})
	}
}

func TestSpoolOutlivesTheTracker(t *testing.T) {
	dir := t.TempDir()
	first, _ := spooled(t, dir, &unavailable)
	v := first.Visitor().Meet()
	for range 10 {
		v.Post("/form", "a=b")
	}
	if a := first.CloseNow(); a.Accepted != 10 || a.Waiting != 10 || len(a.Dropped) != 0 {
		t.Errorf("%v", a)
	}
	world.Released(t, dir)
	bad := cdptest.Status(http.StatusUnprocessableEntity)
	second, log := spooled(t, dir, &bad)
	second.CDP.Know(world.Known)
	if a := second.Flush(); a.Accepted != 0 || a.Recovered != 10 || a.Dead["rejected_422"] != 10 {
		t.Errorf("%v", a)
	}
	if n := strings.Count(log.String(), `msg="goaltrack: the spool has events from before" dir=`+dir+" recovered=10"); n != 1 {
		t.Errorf("%d lines in\n%s", n, log)
	}
	if a := second.CloseNow(); a.Waiting != 0 {
		t.Errorf("%v", a)
	}
	world.Released(t, dir)
	third, _ := spooled(t, dir, nil)
	third.CDP.Know(world.Known)
	letters := third.Tracker.DeadLetters()
	if len(letters) != 10 || letters[0].Goal != "FORM_SENT" || letters[0].Status != 422 || letters[0].Browser != world.Known[:8] {
		t.Errorf("%+v", letters)
	}
	n, err := third.Tracker.Resend(func(l goaltrack.DeadLetter) bool { return l.Reason == "rejected_422" })
	if a := third.Flush(); n != 10 || err != nil || a.Recovered != 10 || a.Delivered != 10 {
		t.Errorf("%d resent, %v\n%v", n, err, a)
	}
	if q := third.Tracker.Snapshot().Queue; q.DeadLetters != 0 || q.Events != 0 {
		t.Errorf("%+v", q)
	}
}

// lockedBy returns a spool's directory that is locked, and says so of its holder.
func lockedBy(t *testing.T, holder string) string {
	t.Helper()
	dir := t.TempDir()
	other, err := queue.OpenSpool(dir, queue.SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close(context.Background()) })
	locks, err := filepath.Glob(filepath.Join(dir, "*lock*"))
	if err != nil || len(locks) != 1 {
		t.Fatal(locks, err)
	}
	if err := os.WriteFile(locks[0], []byte(holder), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A spool that cannot be used keeps no site from starting.
func TestSpoolThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken := t.TempDir()
	other, err := queue.OpenSpool(taken, queue.SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close(t.Context()) }()
	host, _ := os.Hostname()
	const cannot = `level=ERROR msg="goaltrack: the spool cannot be used; events wait in memory, where a crash loses them"`
	for name, row := range map[string]struct{ dir, says string }{
		"a file": {file, cannot}, "below a file": {filepath.Join(file, "spool"), cannot},
		"of this process":                       {taken, `level=INFO msg="goaltrack: another tracker of this process still has the spool; events wait in memory until it is closed"`},
		"of another process":                    {lockedBy(t, `{"pid":1,"host":"web-2","since":"2036-11-28T17:00:00Z"}`), cannot},
		"of another process of the same number": {lockedBy(t, fmt.Sprintf(`{"pid":%d,"host":%q,"since":"2016-11-28T17:00:00Z"}`, os.Getpid(), host)), cannot},
	} {
		dir := row.dir
		t.Run(name, func(t *testing.T) {
			w, log := spooled(t, dir, nil)
			w.Visitor().Meet().Post("/form", "a=b")
			if a := w.Done(); a.Delivered != 1 {
				t.Errorf("%v", a)
			}
			if q := w.Tracker.Snapshot().Queue; q.Level != goaltrack.LevelMemory || q.Degraded == "" {
				t.Errorf("%+v", q)
			}
			if n := strings.Count(log.String(), row.says); n != 1 || row.says != cannot && strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("%d lines in\n%s", n, log)
			}
			if !strings.Contains(log.String(), " level=memory waiting=0 level_asked_for=durable") {
				t.Errorf("the start does not say both levels:\n%s", log)
			}
		})
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "mine" {
		t.Errorf("%s, %v", content, err)
	}
}

// TestSpoolTakenOver: a tracker that found its directory taken moves there when it is
// free, delivers what it finds, and says who had it. Nothing is lost, nothing counted
// twice.
func TestSpoolTakenOver(t *testing.T) {
	t.Parallel() // it waits for the next try, up to two seconds
	dir := t.TempDir()
	first, _ := spooled(t, dir, &unavailable)
	v := first.Visitor().Meet()
	for range 5 {
		v.Post("/form", "a=b")
	}
	second, log := spooled(t, dir, &unavailable)
	second.CDP.Know(world.Known)
	v = second.Visitor().Meet()
	for range 3 {
		v.Post("/form", "a=b")
	}
	q := second.Tracker.Snapshot().Queue
	if q.Level != goaltrack.LevelMemory || q.HeldBy == nil || q.HeldBy.PID != os.Getpid() || q.HeldBy.Since.IsZero() || !strings.Contains(q.Degraded, "locked by process") || q.Events != 3 {
		t.Errorf("while the first has it: %+v", q)
	}
	if a := first.CloseNow(); a.Waiting != 5 {
		t.Errorf("%v", a)
	}
	for second.Tracker.Snapshot().Queue.Level == goaltrack.LevelMemory {
		<-time.After(10 * time.Millisecond)
	}
	v.Post("/form", "a=b")
	if q = second.Tracker.Snapshot().Queue; q.Level != goaltrack.LevelDurable || q.Degraded != "" || q.HeldBy == nil || q.Events != 9 {
		t.Errorf("when it is free: %+v", q)
	}
	if a := second.CloseNow(); a.Accepted != 4 || a.Recovered != 5 || a.Waiting != 9 || len(a.Dropped) != 0 {
		t.Errorf("%v", a)
	}
	world.Released(t, dir)
	for text, want := range map[string]int{
		"level=ERROR": 0,
		`level=INFO msg="goaltrack: another tracker of this process still has the spool; events wait in memory until it is closed" dir=` + dir: 1,
		`level=INFO msg="goaltrack: the spool can be used now; events wait on disk" dir=` + dir + " recovered=5 moved=3":                       1,
	} {
		if n := strings.Count(log.String(), text); n != want {
			t.Errorf("%d times %s in\n%s", n, text, log)
		}
	}
	third, _ := spooled(t, dir, nil)
	third.CDP.Know(world.Known)
	if a := third.Flush(); a.Recovered != 9 || a.Delivered != 9 {
		t.Errorf("%v", a)
	}
}

// TestSpoolRequired: without the spool there is no tracker, and nothing is left of it. Nobody
// was told of its rules.
func TestSpoolRequired(t *testing.T) {
	taken := t.TempDir()
	other, err := queue.OpenSpool(taken, queue.SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close(t.Context()) }()
	before := runtime.NumGoroutine()
	rules, err := goaltrack.ParseRules([]byte("{version: 1, goals: [{goal: SEEN, visit: /a, count: once per visitor}]}"))
	if err != nil {
		t.Fatal(err)
	}
	config := workingConfig()
	told, log := new(keeper), new(logbook.Book)
	config.DryRun, config.Cookie.Warm, config.Rules, config.Report, config.Logger = false, -1, rules, told, slog.New(log)
	config.Delivery = goaltrack.Delivery{SpoolDir: taken, SpoolRequired: true}
	_, err = goaltrack.New(config)
	if !errors.Is(err, queue.ErrLocked) || !strings.Contains(err.Error(), "SpoolRequired") || !strings.Contains(err.Error(), taken) {
		t.Errorf("%v", err)
	}
	if len(told.kept) > 0 || len(log.Lines()) > 0 {
		t.Errorf("the report was told %v, the log has %q", told.kept, log.Lines())
	}
	waitFor(t, func() bool { return runtime.NumGoroutine() <= before })
	if err := other.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	tracker, err := goaltrack.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = tracker.Close(t.Context()) }()
	if len(told.kept) == 0 || told.kept[0].Kind != fact.RulesChanged || log.Count("no Keys are set") != 1 {
		t.Errorf("one that starts: the report was told %v, the log has %q", told.kept, log.Lines())
	}
}

// TestSpoolOpenToAll: a directory that everybody may write to is used, since a volume
// may come like that, and said. So is one that is a symbolic link.
func TestSpoolOpenToAll(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	target, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	if err := errors.Join(os.Chmod(target, 0o700), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	w, log := spooled(t, link, nil)
	w.End()
	if n := strings.Count(log.String(), `level=WARN msg="goaltrack: the spool's directory is a symbolic link`); n != 1 {
		t.Errorf("a link: %d lines in\n%s", n, log)
	}
	for mode, want := range map[os.FileMode]int{0o777: 1, 0o770: 0, 0o700: 0} {
		dir := t.TempDir()
		if err := os.Chmod(dir, mode); err != nil { // whatever the umask is
			t.Fatal(err)
		}
		w, log := spooled(t, dir, nil)
		w.End()
		if n := strings.Count(log.String(), `level=WARN msg="goaltrack: everybody on this machine may write to the spool's directory`); n != want {
			t.Errorf("%v: %d lines in\n%s", mode, n, log)
		}
	}
}

// TestSpoolPerProcess: two trackers on one directory, each with its part of it.
func TestSpoolPerProcess(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		w, _ := spooled(t, dir, nil, func(c *goaltrack.Config) { c.Delivery.SpoolPerProcess = true })
		if q := w.Tracker.Snapshot().Queue; q.Level != goaltrack.LevelDurable || q.Degraded != "" {
			t.Errorf("%+v", q)
		}
	}
	if parts, err := filepath.Glob(filepath.Join(dir, "process-*")); len(parts) != 2 {
		t.Errorf("%v, %v", parts, err)
	}
}

// TestSpoolFails: the log says once that the disk refuses events, and once that it takes
// them again.
func TestSpoolFails(t *testing.T) {
	t.Parallel() // it waits for the next try
	root := t.TempDir()
	dir := filepath.Join(root, "spool")
	w, log := spooled(t, dir, nil, func(c *goaltrack.Config) {
		rules, err := goaltrack.ParseRules([]byte("{version: 1, goals: [{goal: RAISED, code: true}]}"))
		if err != nil {
			t.Fatal(err)
		}
		c.Rules = rules
	})
	w.CDP.Know(world.Known)
	data := goaltrack.Data{}
	for i := range 20 {
		data[fmt.Sprint("d", i)] = strings.Repeat("x", 900)
	}
	if err := os.Rename(dir, filepath.Join(root, "away")); err != nil {
		t.Fatal(err)
	}
	for w.Tracker.Snapshot().Queue.Degraded == "" { // until a segment is full
		if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "RAISED", data); err != nil && !errors.Is(err, goaltrack.ErrRefused) {
			t.Fatal(err)
		}
	}
	if err := os.Rename(filepath.Join(root, "away"), dir); err != nil {
		t.Fatal(err)
	}
	for w.Tracker.Snapshot().Queue.Degraded != "" {
		<-time.After(10 * time.Millisecond)
	}
	if a := w.Flush(); !a.Balanced() || a.Waiting != 0 {
		t.Errorf("%v", a)
	}
	w.End()
	for text, want := range map[string]int{`level=ERROR msg="goaltrack: the spool takes no events`: 1, `level=INFO msg="goaltrack: the spool takes events again"`: 1} {
		if n := strings.Count(log.String(), text); n != want {
			t.Errorf("%d times %s in\n%s", n, text, log)
		}
	}
}

// What is damaged is counted and said; the rest is delivered.
func TestSpoolDamageIsSaid(t *testing.T) {
	dir := t.TempDir()
	first, _ := spooled(t, dir, &unavailable)
	v := first.Visitor().Meet()
	for range 10 {
		v.Post("/form", "a=b")
	}
	first.CloseNow()
	world.Released(t, dir)
	if n := damage(t, dir, `"type":"FORM_SENT"`); n != 1 {
		t.Fatalf("%d places damaged", n)
	}
	second, log := spooled(t, dir, nil)
	second.CDP.Know(world.Known)
	if a := second.Flush(); a.Delivered != 9 || !a.Balanced() {
		t.Errorf("%v", a)
	}
	if q := second.Tracker.Snapshot().Queue; !strings.Contains(q.Damage, "1 events lost") {
		t.Errorf("%+v", q)
	}
	if n := strings.Count(log.String(), `level=WARN msg="goaltrack: the spool is damaged"`); n != 1 {
		t.Errorf("%d lines in\n%s", n, log)
	}
	second.End() // the damaged file goes into quarantine when the rest of it is settled
	third, _ := spooled(t, dir, nil)
	if q := third.Tracker.Snapshot().Queue; q.QuarantineBytes == 0 {
		t.Errorf("after the damaged file was put away: %+v", q)
	}
}

// damage alters one byte of the first file that has the text, in the middle of
// where that is for the fifth time.
func damage(t *testing.T, dir, text string) (n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil || bytes.Count(content, []byte(text)) < 5 {
			continue
		}
		at := 0
		for range 5 {
			at += bytes.Index(content[at:], []byte(text)) + len(text)
		}
		content[at-len(text)/2] ^= 1
		if err := os.WriteFile(f, content, 0o600); err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// refusing is a queue that refuses everything.
type refusing struct {
	queue.Queue
	err error
}

func (q refusing) Append(context.Context, ...queue.Item) error { return q.err }

func TestRefusalsOfTheDiskAreNamed(t *testing.T) {
	for err, want := range map[error]string{
		queue.ErrDiskFull:                          "disk_full",
		fmt.Errorf("x: %w", queue.ErrDiskFull):     "disk_full",
		queue.ErrDiskFailed:                        "disk_failed",
		queue.ErrFull:                              "queue_full",
		errors.New("something else"):               "queue_failed",
		fmt.Errorf("x: %w", queue.ErrNotYetOnDisk): "fired",
	} {
		tracker, _ := faked(t, snapshotRules, func(c *goaltrack.Config) {
			c.Delivery.Queue = refusing{queue.NewMemory(10, 1000), err}
		})
		page(tracker, 1, "/good")
		s := tracker.Snapshot()
		got := fmt.Sprint(s.NotFired)
		if want == "fired" && (s.Accepted != 1 || s.Notes["not_yet_on_disk"] != 1) || want != "fired" && got != "map["+want+":1]" {
			t.Errorf("%v: %s, accepted %d, notes %v", err, got, s.Accepted, s.Notes)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = tracker.Close(ctx)
	}
}

func TestLevelFaults(t *testing.T) {
	for _, tc := range []struct {
		d    goaltrack.Delivery
		want string
	}{
		{goaltrack.Delivery{Level: "safe"}, `Delivery.Level: "safe" is not one of`},
		{goaltrack.Delivery{Level: goaltrack.LevelStrict}, `Delivery.Level: "strict" needs a SpoolDir`},
		{goaltrack.Delivery{Level: goaltrack.LevelMemory, SpoolDir: "x"}, `"memory" keeps nothing in SpoolDir`},
		{goaltrack.Delivery{SpoolDir: "x", Queue: queue.NewMemory(1, 1)}, "Queue and SpoolDir exclude each other"},
		{goaltrack.Delivery{SpoolBytes: -1}, "Delivery.SpoolBytes: must not be negative"},
		{goaltrack.Delivery{SpoolDir: "x", SpoolWait: -1}, "Delivery.SpoolWait: must not be negative"},
		{goaltrack.Delivery{SpoolDir: "x", SpoolWait: time.Minute}, "Delivery.SpoolWait: 1m0s is more than 10s"},
		{goaltrack.Delivery{SpoolWait: 1}, "Delivery.SpoolWait: needs a SpoolDir"},
		{goaltrack.Delivery{SpoolRequired: true}, "Delivery.SpoolRequired: needs a SpoolDir"},
		{goaltrack.Delivery{SpoolPerProcess: true}, "Delivery.SpoolPerProcess: needs a SpoolDir"},
		{goaltrack.Delivery{Wait: -1}, "Delivery.Wait: must not be negative"},
	} {
		_, err := goaltrack.New(goaltrack.Config{Sites: workingConfig().Sites, Delivery: tc.d, DryRun: true})
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v: %v, want %q", tc.d, err, tc.want)
		}
	}
}
