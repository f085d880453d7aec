package queue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// What is not settled is there again, as it was and in its order, the rest is
// not; numbers go on.
func TestSpoolIsReopened(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, osFS{}, dir, SpoolOptions{})
	mustAppend(t, s, items(500, High)...)
	got := drain(t, s, 7)
	for i, d := range got {
		switch i % 3 {
		case 0:
			d.Ack()
		case 1:
			d.Nack(time.Hour)
		}
	}
	got[1].Dead("why") // given back before: void
	got[2].Dead("why")
	want := s.Stats()
	closeTest(t, s)
	if err := s.Append(t.Context(), items(1, High)...); !errors.Is(err, ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}

	s = openTest(t, osFS{}, dir, SpoolOptions{})
	stats := s.Stats()
	if stats.Waiting != want.Waiting || stats.Bytes != want.Bytes || stats.Last != 500 || stats.Done != 1 || stats.Recovered != uint64(want.Waiting) || !stats.Oldest.Equal(time.Unix(1, 0)) {
		t.Errorf("%+v, was %+v", stats, want)
	}
	var numbers []string
	for i := range 500 {
		if i%3 != 0 && i != 2 {
			numbers = append(numbers, strconv.Itoa(i))
		}
	}
	if got := bodies(drain(t, s, 10)); !slices.Equal(got, numbers) {
		t.Errorf("got %v", got)
	}
	if l := s.Letters(); len(l) != 1 || string(l[0].Body) != "2" || l[0].Reason != "why" || l[0].Died.IsZero() {
		t.Errorf("letters: %v", l)
	}
	if r := s.Report(); r.Recovered != want.Waiting || r.Damaged+r.Torn+len(r.Quarantined)+len(r.Skipped) != 0 {
		t.Errorf("%+v", r)
	}
}

// A queue much longer than its window hands everything out, the oldest first,
// while more comes in, holds what was given back, and removes its files.
func TestSpoolBeyondItsWindow(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, osFS{}, dir, SpoolOptions{Window: 10})
	body := func(i int) Item {
		return Item{Body: fmt.Appendf(nil, "%05d%s", i, strings.Repeat("x", 200)), Priority: High}
	}
	appended, next := 0, 0
	var back []Delivery
	for appended < 5000 {
		for range 100 {
			mustAppend(t, s, body(appended))
			appended++
		}
		got, err := s.Receive(t.Context(), 60)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range got {
			if want := fmt.Sprintf("%05d", next); string(d.Body[:5]) != want {
				t.Fatalf("got %s, want %s", d.Body[:5], want)
			}
			if next++; next%100 == 0 {
				back = append(back, d)
				d.Nack(time.Hour)
			} else {
				d.Ack()
			}
		}
	}
	if err := s.syncAll(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	s.mu.Lock()
	inMemory := len(s.window.loaded) + len(s.intake.entries)
	s.mu.Unlock()
	if inMemory > 100 { // those read for one Receive, and the newest
		t.Errorf("%d items are in memory", inMemory)
	}
	for s.Stats().Waiting > len(back) {
		got, _ := s.Receive(t.Context(), 1000)
		for _, d := range got {
			if want := fmt.Sprintf("%05d", next); string(d.Body[:5]) != want {
				t.Fatalf("got %s, want %s", d.Body[:5], want)
			}
			next++
			d.Ack()
		}
	}
	if next != appended || s.Stats().Damaged != 0 {
		t.Errorf("%d of %d came; %+v", next, appended, s.Stats())
	}
	closeTest(t, s)
	s = openTest(t, osFS{}, dir, SpoolOptions{})
	for _, d := range drain(t, s, 100) {
		d.Ack()
	}
	closeTest(t, s)
	if left := segmentFiles(t, dir); len(left) > 1 {
		t.Errorf("%d segments are left of an empty queue", len(left))
	}
}

// The bodies of what was given back are read again when they are too many to
// keep.
func TestSpoolLetsBodiesGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openTest(t, osFS{}, t.TempDir(), SpoolOptions{SegmentBytes: 8 << 20, Wait: time.Minute})
		big := func(i int) []byte { return []byte(strings.Repeat(string(rune('a'+i)), maxItem-10)) }
		for i := range 10 {
			mustAppend(t, s, Item{Body: big(i), Priority: High})
		}
		<-time.After(time.Second) // synced
		for _, d := range drain(t, s, 3) {
			d.Nack(time.Minute)
		}
		if s.window.givenBackBytes > windowBytes {
			t.Errorf("%d bytes are kept", s.window.givenBackBytes)
		}
		for i, d := range drain(t, s, 1) {
			if string(d.Body) != string(big(i)) {
				t.Errorf("item %d begins with %.5s", i, d.Body)
			}
			d.Ack()
		}
		if s.window.givenBackBytes != 0 {
			t.Errorf("%d bytes count as kept", s.window.givenBackBytes)
		}
	})
}

// While the disk hangs, Append waits no longer than it may, what was taken is
// handed out all the same, and the intake is bounded.
func TestSpoolWhileTheDiskHangs(t *testing.T) {
	for _, tc := range []struct {
		op   string
		o    SpoolOptions
		wait time.Duration
	}{
		{"write", SpoolOptions{}, 20 * time.Millisecond},
		{"sync", SpoolOptions{Level: LevelStrict}, 100 * time.Millisecond},
		{"write", SpoolOptions{Wait: time.Second}, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			disk := &hookFS{}
			tc.o.Intake = 1000
			s := openTest(t, disk, t.TempDir(), tc.o)
			mustAppend(t, s, Item{Body: []byte("before")})
			<-time.After(time.Second)
			hang := make(chan struct{})
			disk.hook(func(op, name string) error {
				if op == tc.op && strings.HasSuffix(name, segmentSuffix) {
					<-hang
				}
				return nil
			})
			begin := time.Now()
			item := Item{Body: make([]byte, 400)}
			if err := s.Append(t.Context(), item); !errors.Is(err, ErrNotYetOnDisk) || time.Since(begin) != tc.wait {
				t.Errorf("%s hangs: %v after %v", tc.op, err, time.Since(begin))
			}
			ended, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.Append(ended, item); !errors.Is(err, ErrNotYetOnDisk) || time.Since(begin) != tc.wait {
				t.Errorf("with a context that has ended: %v after %v", err, time.Since(begin))
			}
			if err := s.Append(t.Context(), item); !errors.Is(err, ErrFull) {
				t.Errorf("beyond the intake: %v", err)
			}
			if got := drain(t, s, 10); len(got) != 3 {
				t.Errorf("%d items were handed out", len(got))
			}
			if s.Err() != nil {
				t.Errorf("a disk that hangs has not failed: %v", s.Err())
			}
			close(hang)
			<-time.After(time.Second)
			mustAppend(t, s, item)
		})
	}
}

// LevelStrict returns when the file is synced, LevelDurable when it is written.
func TestSpoolLevels(t *testing.T) {
	for level, want := range map[Level]time.Duration{LevelDurable: 0, LevelStrict: 7 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			disk := &hookFS{}
			s := openTest(t, disk, t.TempDir(), SpoolOptions{Level: level})
			mustAppend(t, s, Item{Body: []byte("before")})
			<-time.After(time.Second)
			syncs := 0
			disk.hook(func(op, _ string) error {
				if op == "sync" {
					syncs++
					<-time.After(7 * time.Millisecond)
				}
				return nil
			})
			begin := time.Now()
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					if err := s.Append(t.Context(), Item{Body: []byte("x")}); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if took := time.Since(begin); took < want || took > 2*want {
				t.Errorf("level %d took %v", level, took)
			}
			<-time.After(time.Second)
			if syncs > 4 {
				t.Errorf("level %d: %d syncs for 50 items appended at once", level, syncs)
			}
		})
	}
}

// A full disk refuses new items by name; acks, letters and delivery go on, an
// item with a room is taken, and it recovers by itself.
func TestSpoolOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := &hookFS{}
		dir := t.TempDir()
		s := openTest(t, disk, dir, SpoolOptions{})
		item := Item{Body: make([]byte, 1000), Priority: High}
		mustAppend(t, s, item)
		room, err := s.Reserve(High, 2000)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second) // the spares are there
		disk.hook(func(op, _ string) error {
			if op == "create" {
				return &fs.PathError{Op: op, Path: "x", Err: syscall.ENOSPC}
			}
			return nil
		})
		for err == nil || errors.Is(err, ErrNotYetOnDisk) {
			err = s.Append(t.Context(), item)
		}
		if !errors.Is(err, ErrDiskFull) || !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) || !errors.Is(s.Err(), ErrDiskFull) {
			t.Errorf("Append: %v; Err: %v", err, s.Err())
		}
		roomed := item
		roomed.Room = room
		if err := s.Append(t.Context(), roomed); !errors.Is(err, ErrNotYetOnDisk) {
			t.Errorf("an item with a room: %v", err)
		}
		all := drain(t, s, 50)
		for i, d := range all {
			if i%10 == 0 {
				d.Dead("no")
			} else {
				d.Ack()
			}
		}
		if s := s.Stats(); s.Waiting != 0 || s.Dead != uint64((len(all)+9)/10) {
			t.Errorf("%+v of %d", s, len(all))
		}
		<-time.After(time.Minute)
		if s.Err() == nil {
			t.Error("the disk is full, and nobody says so")
		}
		disk.hook(nil)
		<-time.After(2 * time.Second)
		if err := s.Append(t.Context(), item); err != nil || s.Err() != nil {
			t.Errorf("with room again: %v, %v", err, s.Err())
		}
		closeTest(t, s)
		s = openTest(t, osFS{}, dir, SpoolOptions{})
		if s.Stats().Waiting != 1 || len(s.Letters()) != (len(all)+9)/10 {
			t.Errorf("reopened: %+v, %d letters", s.Stats(), len(s.Letters()))
		}
	})
}

// After a write or a sync that failed, what is not safe is written to another
// segment, the file is never synced again, and nothing is there twice.
func TestSpoolWritesAgainElsewhere(t *testing.T) {
	for _, bad := range []string{"write", "sync"} {
		synctest.Test(t, func(t *testing.T) {
			disk := &hookFS{}
			dir := t.TempDir()
			s := openTest(t, disk, dir, SpoolOptions{})
			mustAppend(t, s, items(5, High)...)
			<-time.After(time.Second)
			var failed string
			disk.hook(func(op, name string) error {
				switch {
				case !strings.HasSuffix(name, segmentSuffix):
				case op == bad && failed == "":
					failed = name
					return syscall.EIO
				case op == "sync" && name == failed:
					t.Errorf("%s was synced after it failed", name)
				}
				return nil
			})
			mustAppend(t, s, items(7, High)[5:]...)
			<-time.After(time.Second)
			if r := s.Report(); failed == "" || r.Rewritten != 1 || s.Err() != nil {
				t.Errorf("%s: %+v, %v", bad, r, s.Err())
			}
			for range 2 {
				closeTest(t, s)
				s = openTest(t, osFS{}, dir, SpoolOptions{})
			}
			if got := bodies(drain(t, s, 100)); !slices.Equal(got, []string{"0", "1", "2", "3", "4", "5", "6"}) {
				t.Errorf("%s: %v", bad, got)
			}
		})
	}
}

// What was not understood is never deleted, and no reason to refuse.
func TestSpoolAmongStrangeFiles(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, osFS{}, dir, SpoolOptions{})
	mustAppend(t, s, items(3, High)...)
	closeTest(t, s)
	good, err := os.ReadFile(segmentFiles(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	newer := slices.Clone(good)
	for _, off := range []int{0, pageSize} {
		h, _ := decodeHeader(newer[off:])
		h.id = 0x70
		b := h.encode()
		b[8] = headerVersion + 1
		copy(newer[off:], b)
		copy(newer[off+headerSize-4:], checksumOf(newer[off:][:headerSize-4]))
	}
	files := map[string][]byte{
		"0000000000000070.seg": newer,
		"0000000000000071.seg": good, // by another's name
		"0000000000000072.seg": nil,
		"0000000000000073.seg": make([]byte, minSegment),
		"notes.txt":            []byte("mine"),
	}
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = openTest(t, osFS{}, dir, SpoolOptions{})
	r := s.Report()
	if !slices.Equal(r.Skipped, []string{"0000000000000070.seg", "notes.txt"}) || len(r.Quarantined) != 3 {
		t.Errorf("%+v", r)
	}
	if got := bodies(drain(t, s, 10)); !slices.Equal(got, []string{"0", "1", "2"}) {
		t.Errorf("%v", got)
	}
	for name, want := range files {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			b, err = os.ReadFile(filepath.Join(dir, quarantineDir, name))
		}
		if err != nil || string(b) != string(want) {
			t.Errorf("%s is not what it was: %v", name, err)
		}
	}
}

func TestInspectSpool(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, osFS{}, dir, SpoolOptions{})
	mustAppend(t, s, items(5, High)...)
	got, _ := s.Receive(t.Context(), 3)
	got[0].Ack()
	got[1].Dead("a")
	got[2].Dead("b")
	closeTest(t, s)
	s = openTest(t, osFS{}, dir, SpoolOptions{}) // and it may be in use
	list := func() (seen []string) {
		if err := InspectSpool(dir, func(e SpoolEntry) error {
			seen = append(seen, fmt.Sprintf("%s %v %s", e.Body, e.Dead, e.Reason))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	if got := list(); !slices.Equal(got, []string{"3 false ", "4 false ", "1 true a", "2 true b"}) {
		t.Errorf("%q", got)
	}
	if n, err := s.Drop(func(l Letter) bool { return l.Reason == "a" }); n != 1 || err != nil {
		t.Errorf("Drop: %d, %v", n, err)
	}
	if n, err := s.Resend(func(Letter) bool { return true }); n != 1 || err != nil {
		t.Errorf("Resend: %d, %v", n, err)
	}
	if got := list(); !slices.Equal(got, []string{"3 false ", "4 false ", "2 false "}) {
		t.Errorf("%q", got)
	}
	stop := errors.New("enough")
	if err := InspectSpool(dir, func(SpoolEntry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("%v", err)
	}
	if err := InspectSpool(filepath.Join(dir, "none"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
