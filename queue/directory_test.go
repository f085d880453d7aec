package queue

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func openForTest(t *testing.T, dir string, o SpoolOptions) *Spool {
	t.Helper()
	q, err := OpenSpool(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeForTest(t, q) })
	return q
}

func closeForTest(t *testing.T, q Queue) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if err := q.Close(ctx); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// drainForTest receives and acknowledges all that waits.
func drainForTest(t *testing.T, q Queue) (n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for q.Stats().Waiting > 0 {
		got, err := q.Receive(ctx, 1000)
		if err != nil {
			t.Fatalf("Receive after %d items: %v; %+v", n, err, q.Stats())
		}
		for _, d := range got {
			d.Ack()
		}
		n += len(got)
	}
	return n
}

// TestTwoProcesses: a directory belongs to one process at a time. The second
// gets an error, not a share; and kill -9 leaves no lock behind.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	first := exec.CommandContext(t.Context(), os.Args[0])
	first.Env = append(os.Environ(), victimDir+"="+dir, victimSteps+"=100000000")
	out, err := first.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil { // it has the directory now
		t.Fatal(err)
	}
	go func() { _, _ = new(bytes.Buffer).ReadFrom(out) }()
	if q, err := OpenSpool(dir, smallSpool(false)); !errors.Is(err, ErrLocked) || q != nil {
		t.Errorf("a second process opens the directory: %v, want ErrLocked", err)
	}
	o := smallSpool(false)
	o.PerProcess, o.Wait = true, time.Minute
	other := t.TempDir()
	one, two := openForTest(t, other, o), openForTest(t, other, o)
	for _, q := range []*Spool{one, two} {
		if err := q.Append(t.Context(), numbered(1)); err != nil {
			t.Errorf("with a directory for each process: %v", err)
		}
	}
	_ = first.Process.Kill()
	_ = first.Wait()
	q, err := OpenSpool(dir, smallSpool(false))
	if err != nil {
		t.Fatalf("after kill -9 of the process that had the directory: %v", err)
	}
	closeForTest(t, q)
}

// TestDirectoryCannotBeUsed: opening says so, and leaves nothing running.
func TestDirectoryCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := runtime.NumGoroutine()
	if _, err := OpenSpool(file, SpoolOptions{}); err == nil {
		t.Error("a file was taken for a directory")
	}
	if _, err := OpenSpool(filepath.Join(file, "below"), SpoolOptions{}); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("below a file: %v, want ENOTDIR", err)
	}
	for _, refusal := range []error{syscall.EACCES, syscall.EROFS, syscall.EIO} {
		disk := newCrashFS()
		disk.before = func(o op) error {
			if o.what == "read" || o.what == "open" || o.what == "readdir" {
				return nil
			}
			return refusal
		}
		if _, err := openSpool(disk, spoolDir, SpoolOptions{}); !errors.Is(err, refusal) {
			t.Errorf("on a disk that says %v: %v", refusal, err)
		}
	}
	for end := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; runtime.Gosched() { // a timer of another test may run for a moment
		if time.Now().After(end) {
			t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
		}
	}
}

// TestReadOnlyWhileRunning: the file system is mounted read-only under a spool
// that is open, as Linux does after an error. Nothing taken is lost to the
// process, new items are refused by name, and all goes on when it can.
func TestReadOnlyWhileRunning(t *testing.T) {
	s := newStory(t, 5)
	disk := newCrashFS()
	f := &faulty{suits: operations("write", "create", "rename", "remove", "truncate", "sync", "syncdir", "mkdir"), err: syscall.EROFS}
	disk.before = f.strike
	o := smallSpool(false)
	o.Wait = time.Millisecond
	q, err := openSpool(disk, spoolDir, o)
	if err != nil {
		t.Fatal(err)
	}
	taken := 0
	offer := func() error {
		err := s.append(q, 1, 500)
		if err == nil || errors.Is(err, ErrNotYetOnDisk) {
			taken++
		}
		return err
	}
	for range 10 {
		_ = offer()
	}
	f.on.Store(true)
	deadline := time.Now().Add(time.Minute)
	for err = offer(); !errors.Is(err, ErrDiskFailed); err = offer() {
		if time.Now().After(deadline) {
			t.Fatalf("the last refusal was %v, want ErrDiskFailed", err)
		}
	}
	if q.Err() == nil {
		t.Error("Err says all is well")
	}
	if n := drainForTest(t, q); n != taken {
		t.Errorf("of %d items taken %d came", taken, n)
	}
	f.on.Store(false)
	for err = offer(); err != nil && !errors.Is(err, ErrNotYetOnDisk); err = offer() {
		if time.Now().After(deadline.Add(time.Minute)) {
			t.Fatalf("the disk works again: %v", err)
		}
		runtime.Gosched()
	}
	if drainForTest(t, q) == 0 {
		t.Error("a fresh item did not come")
	}
	closeForTest(t, q)
}

// TestDirectoryDeletedWhileRunning: somebody removes the directory. What was
// taken is delivered, and the site goes on, whatever becomes of new items.
func TestDirectoryDeletedWhileRunning(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	o := smallSpool(false)
	o.Wait = 100 * time.Millisecond
	q := openForTest(t, dir, o)
	taken := map[string]bool{}
	offer := func(from, n int) (refused error) {
		for i := range n {
			item := numbered(from + i)
			switch err := q.Append(t.Context(), item); {
			case err == nil || errors.Is(err, ErrNotYetOnDisk):
				taken[string(item.Body)] = true
			case errors.Is(err, ErrDiskFailed) || errors.Is(err, ErrDiskFull) || errors.Is(err, ErrFull):
				refused = err
			default:
				t.Fatalf("Append: %v", err)
			}
		}
		return refused
	}
	if err := offer(1, 20); err != nil {
		t.Fatal(err)
	}
	for os.RemoveAll(dir) != nil { // the spool may be making a file
		runtime.Gosched()
	}
	refused := offer(100, 200) // more than a segment
	t.Logf("without its directory: %v, Err %v, %+v", refused, q.Err(), q.Stats())
	if n := drainForTest(t, q); n+int(q.Stats().Damaged) != len(taken) {
		t.Errorf("%d were taken, %d came: %+v", len(taken), n, q.Stats())
	}
}

// countingFS counts what is read.
type countingFS struct {
	osFS
	read *atomic.Int64
}

func (c countingFS) Open(name string) (file, error) {
	f, err := c.osFS.Open(name)
	return countingFile{f, c.read}, err
}

type countingFile struct {
	file
	read *atomic.Int64
}

func (c countingFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := c.file.ReadAt(b, off)
	c.read.Add(int64(n))
	return n, err
}

// TestHugeQueue: a long backlog is opened without reading it, and worked off in
// a window. With QUEUE_TEST_HUGE it is 5 million events in 2 GB.
func TestHugeQueue(t *testing.T) {
	n := 100_000
	if os.Getenv("QUEUE_TEST_HUGE") != "" {
		n = 5_000_000
	}
	dir := t.TempDir()
	o := SpoolOptions{Bytes: 4 << 30, SegmentBytes: 1 << 20, Wait: time.Minute, Intake: 64 << 20}
	q := openForTest(t, dir, o)
	const batch = 500
	body := bytes.Repeat([]byte("x"), 350)
	items := make([]Item, batch)
	for i := range items {
		items[i] = Item{Body: body, Key: "key", Priority: High, Time: time.Now()}
	}
	began := time.Now()
	for range n / batch {
		if err := q.Append(t.Context(), items...); err != nil {
			t.Fatal(err)
		}
	}
	closeForTest(t, q)
	wrote := time.Since(began)

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var read atomic.Int64
	began = time.Now()
	q, err := openSpool(countingFS{osFS{}, &read}, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	opened, readThen := time.Since(began), read.Load()
	if st := q.Stats(); st.Waiting != n {
		t.Errorf("%d items were appended, %+v", n, st)
	}
	peak := uint64(0)
	began = time.Now()
	for received := 0; received < n; {
		got, err := q.Receive(t.Context(), 500)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range got {
			d.Ack()
		}
		if received/(n/20) != (received+len(got))/(n/20) {
			runtime.GC()
			runtime.ReadMemStats(&after)
			peak = max(peak, after.HeapAlloc)
		}
		received += len(got)
	}
	drained := time.Since(began)
	total := int64(n) * 353
	t.Logf("%d events of %d MB: written in %v, opened in %v after reading %d KB, drained in %v with %d MB of heap more",
		n, total>>20, wrote, opened, readThen>>10, drained, int64(peak-min(peak, before.HeapAlloc))>>20)
	if readThen > 6*o.SegmentBytes {
		t.Errorf("%d of %d bytes were read to open the queue, want at most those of 6 segments", readThen, total)
	}
	if grown := int64(peak) - int64(before.HeapAlloc); grown > 24<<20 {
		t.Errorf("the heap grew by %d MB while a queue of %d MB was drained", grown>>20, total>>20)
	}
	closeForTest(t, q)
	if left := dirSize(t, dir); left > 6*o.SegmentBytes {
		t.Errorf("%d KB are left on the disk of an empty queue", left>>10)
	}
}

func dirSize(t *testing.T, dir string) (n int64) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				n += info.Size()
			}
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the spool has renamed or removed it meanwhile
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestLargeItemsAtTheBound: items of nearly a megabyte until there is no room.
// The bound in bytes holds, in the queue, in memory and on the disk.
func TestLargeItemsAtTheBound(t *testing.T) {
	const bound, size = 48 << 20, 1<<20 - 100
	for _, tc := range []struct {
		name string
		open func(dir string) Queue
		heap int64 // of the whole bound
	}{
		{"memory", func(string) Queue { return NewMemory(1000, bound) }, bound + 8<<20},
		{"spool", func(dir string) Queue {
			return openForTest(t, dir, SpoolOptions{Bytes: bound, SegmentBytes: 4 << 20, Wait: time.Minute})
		}, 32 << 20},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			dir := t.TempDir()
			q := tc.open(dir)
			n := 0
			var err error
			for ; err == nil && n < 1000; n++ {
				body := bytes.Repeat([]byte{byte(n)}, size)
				if err = q.Append(t.Context(), Item{Body: body, Key: strings.Repeat("k", 90), Priority: High}); err != nil {
					break
				}
			}
			if st := q.Stats(); !errors.Is(err, ErrFull) || st.Bytes > bound || st.Bytes < bound-2*size {
				t.Errorf("after %d items: %v, %+v; want ErrFull at %d bytes", n, err, st, bound)
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > tc.heap {
				t.Errorf("%d MB of heap for %d MB waiting, want at most %d", grown>>20, q.Stats().Bytes>>20, tc.heap>>20)
			}
			if used := dirSize(t, dir); used > 2*bound+4*4<<20 {
				t.Errorf("%d MB of the disk for a queue of %d", used>>20, bound>>20)
			}
			if got := drainForTest(t, q); got != n {
				t.Errorf("of %d items %d came", n, got)
			}
			closeForTest(t, q)
		})
	}
}
