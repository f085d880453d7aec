package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// bytesIn counts a text in all files below a directory.
func bytesIn(t *testing.T, dir, text string) (n int) {
	t.Helper()
	for _, pattern := range []string{"*.seg", "*.dead", "*/*.seg", "*/*.dead"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			content, err := os.ReadFile(name)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			n += bytes.Count(content, []byte(text))
		}
	}
	return n
}

// leave makes a spool in dir: of each text, one that waits, one that is a dead letter, and
// one that was delivered.
func leave(t *testing.T, dir string, o SpoolOptions, texts ...string) {
	t.Helper()
	s := openTest(t, osFS{}, dir, o)
	for _, text := range texts {
		for _, state := range []string{"delivered", "dead", "waiting"} {
			mustAppend(t, s, Item{Body: []byte(text + " " + state), Key: text, Time: time.Now(), Private: text != "other"})
			if state == "waiting" {
				continue
			}
			got, err := s.Receive(t.Context(), 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range got {
				switch {
				case strings.HasSuffix(string(d.Body), "delivered"):
					d.Ack()
				case strings.HasSuffix(string(d.Body), "dead"):
					if !d.Dead("because of " + text) {
						t.Fatal("the letter is not kept")
					}
				default:
					d.Nack(0)
				}
			}
		}
	}
	closeTest(t, s)
}

// TestEraseSpool: what is chosen is gone from the files, whatever its state. All else stays,
// and is delivered.
func TestEraseSpool(t *testing.T) {
	for name, o := range map[string]SpoolOptions{"one process": {}, "a directory for each process": {PerProcess: true}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			leave(t, dir, o, "ann", "other", "bob")
			if bytesIn(t, dir, "ann") == 0 {
				t.Fatal("there is nothing to erase")
			}
			others := bytesIn(t, dir, "other")
			erase := func() Erased {
				t.Helper()
				done, err := EraseSpool(dir, func(e SpoolEntry) bool { return e.Key == "ann" })
				if err != nil {
					t.Fatal(err)
				}
				return done
			}
			// Of the dead letter there is the item, too, which is settled.
			if done := erase(); done.Waiting != 1 || done.Dead != 1 || done.Settled != 2 || done.Unread != nil {
				t.Errorf("%+v", done)
			}
			if n := bytesIn(t, dir, "ann"); n > 0 {
				t.Errorf("it is there %d times", n)
			}
			if n := bytesIn(t, dir, "other"); n != others {
				t.Errorf("the other is there %d times, was %d", n, others)
			}
			if done := erase(); done.Waiting+done.Dead+done.Settled != 0 {
				t.Errorf("once more: %+v", done)
			}
			s := openTest(t, osFS{}, dir, SpoolOptions{PerProcess: o.PerProcess})
			if r := s.Report(); r.Damaged > 0 || r.Torn > 0 || r.DamagedAcks > 0 {
				t.Errorf("%+v", r)
			}
			var got []string
			for len(got) < 2 {
				all, err := s.Receive(t.Context(), 100)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range all {
					got = append(got, string(d.Body))
				}
			}
			for _, l := range s.Letters() {
				got = append(got, string(l.Body)+" "+l.Reason)
			}
			slices.Sort(got)
			if want := []string{"bob dead because of bob", "bob waiting", "other dead because of other", "other waiting"}; !slices.Equal(got, want) {
				t.Errorf("left is %q, want %q", got, want)
			}
		})
	}
}

// TestEraseSpoolOnADiskThatFails: an error names the file. What was counted as gone is gone or
// said, whole files are searched all the same, and another try on a good disk erases the rest.
func TestEraseSpoolOnADiskThatFails(t *testing.T) {
	for _, op := range []string{"write", "sync"} {
		for nth := 1; ; nth++ {
			dir, disk, n := t.TempDir(), &hookFS{}, 0
			leave(t, dir, SpoolOptions{}, "ann", "other")
			others := bytesIn(t, dir, "other")
			failed := ""
			disk.hook(func(what, name string) error {
				if what == op && strings.Contains(name, ".") {
					if n++; n == nth {
						failed = name
						return errors.New("input/output error")
					}
				}
				return nil
			})
			ann := func(e SpoolEntry) bool { return e.Key == "ann" }
			done, err := eraseSpool(disk, dir, ann)
			if failed == "" { // there are no more operations
				if nth == 1 || err != nil || bytesIn(t, dir, "ann") > 0 {
					t.Errorf("%s %d: %+v, %v", op, nth, done, err)
				}
				break
			}
			if err == nil || !strings.Contains(err.Error(), failed) {
				t.Errorf("%s %d of %s: the error is %v", op, nth, failed, err)
			}
			if _, err := EraseSpool(dir, ann); err != nil || bytesIn(t, dir, "ann") > 0 || bytesIn(t, dir, "other") != others {
				t.Errorf("%s %d of %s: once more, %v: it is there %d times, and the other %d times of %d", op, nth, failed, err, bytesIn(t, dir, "ann"), bytesIn(t, dir, "other"), others)
			}
			s := openTest(t, osFS{}, dir, SpoolOptions{})
			if r := s.Report(); r.Damaged > 0 || r.Torn > 0 || r.DamagedAcks > 0 {
				t.Errorf("%s %d of %s: %+v", op, nth, failed, r)
			}
			var got []string
			for _, d := range drain(t, s, 1) {
				got = append(got, string(d.Body))
			}
			for _, l := range s.Letters() {
				got = append(got, string(l.Body))
			}
			if want := []string{"other waiting", "other dead"}; !slices.Equal(got, want) {
				t.Errorf("%s %d of %s: left is %q, want %q", op, nth, failed, got, want)
			}
			closeTest(t, s)
		}
	}
}

// TestEraseSpoolInUse: nothing is touched where a process is at work.
func TestEraseSpoolInUse(t *testing.T) {
	dir := t.TempDir()
	leave(t, dir, SpoolOptions{PerProcess: true}, "ann")
	leave(t, filepath.Join(dir, "process-other"), SpoolOptions{}, "ann")
	own := openTest(t, osFS{}, filepath.Join(dir, "process-other"), SpoolOptions{})
	before := bytesIn(t, own.dir, "ann")
	done, err := EraseSpool(dir, func(e SpoolEntry) bool { return e.Key == "ann" })
	locked, ok := errors.AsType[*LockedError](err)
	if !ok || locked.Dir != own.dir || locked.Holder.PID != os.Getpid() || done.Waiting != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	if n := bytesIn(t, own.dir, "ann"); n != before || before == 0 {
		t.Errorf("%d times, was %d", n, before)
	}
	if _, err := EraseSpool(filepath.Join(dir, "nowhere"), func(SpoolEntry) bool { return true }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a directory: %v", err)
	}
}

// TestEraseSpoolTellsWhatItCannotRead: files in quarantine, of a newer version, and with
// damage.
func TestEraseSpoolTellsWhatItCannotRead(t *testing.T) {
	dir := t.TempDir()
	leave(t, dir, SpoolOptions{}, "ann", "bob")
	if err := os.Mkdir(filepath.Join(dir, quarantineDir), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		filepath.Join(quarantineDir, "0000000000000009.seg"): "ann", segmentName(99, kindItems): "no segment",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(dir, segmentName(1, kindItems))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[bytes.Index(content, []byte("bob waiting"))] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := EraseSpool(dir, func(e SpoolEntry) bool { return e.Key == "ann" })
	slices.Sort(done.Unread)
	want := []string{segmentName(1, kindItems), segmentName(99, kindItems), filepath.Join(quarantineDir, "0000000000000009.seg")}
	slices.Sort(want)
	if err != nil || !slices.Equal(done.Unread, want) || done.Waiting != 1 {
		t.Errorf("%+v, %v; want %q", done, err, want)
	}
}

// TestEraseCountsCopiesOnce: a copy that compaction made is the same item, and so is a
// record that was written again.
func TestEraseCountsCopiesOnce(t *testing.T) {
	h := newHeader(kindItems, minSegment)
	h.first = 1
	seg := &segment{header: h, acks: ackMap{h.salt, make([]byte, h.capacity/ackBits*ackBlock)}}
	e := eraser{done: &Erased{}, counted: map[counted]bool{}}
	for _, rec := range []record{
		{Letter: Letter{number: 3}},
		{Letter: Letter{number: 7}},
		{Letter: Letter{number: 7}},
		{Letter: Letter{number: 9, copyOf: 3}},
		{Letter: Letter{number: 12, copyOf: 9}},
		{Letter: Letter{number: 14, copyOf: 13}},
	} {
		e.count(seg, &rec)
	}
	if e.done.Waiting != 3 {
		t.Errorf("%+v", *e.done)
	}
}

// TestPrivateLetters: they stay for three days, the others for thirty. Then they are
// overwritten, also those of an earlier process and those that were dropped before.
func TestPrivateLetters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		leave(t, dir, SpoolOptions{}, "ann", "other")
		time.Sleep(time.Hour)
		s, err := openSpool(osFS{}, dir, SpoolOptions{SegmentBytes: minSegment, pace: pace{idle: time.Hour}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = s.Close(context.Background()) }()
		add := func(text string) {
			t.Helper()
			if _, err := s.letters.add(Letter{Item: Item{Body: []byte(text), Key: text, Private: true}, Died: time.Now()}); err != nil {
				t.Fatal(err)
			}
		}
		add("carl")
		add("dora")
		if n, err := s.Drop(func(l Letter) bool { return l.Key == "dora" }); n != 1 || err != nil {
			t.Fatal(n, err)
		}
		letters := func() (keys []string) {
			for _, l := range s.Letters() {
				keys = append(keys, l.Key)
			}
			return keys
		}
		state := func() string {
			synctest.Wait()
			dead := func(text string) int { return letterBytesIn(t, dir, text) }
			return fmt.Sprint(letters(), s.Stats().Letters, dead("ann") > 0, dead("other") > 0, dead("carl") > 0, dead("dora") > 0)
		}
		for _, step := range []struct {
			wait time.Duration
			want string
		}{
			{70 * time.Hour, "[ann other carl] 3 true true true true"},
			{90 * time.Minute, "[other carl] 2 false true true true"},
			{2 * time.Hour, "[other] 1 false true false false"},
			{26 * 24 * time.Hour, "[other] 1 false true false false"},
			{24 * time.Hour, "[] 0 false false false false"},
		} {
			time.Sleep(step.wait)
			if got := state(); got != step.want {
				t.Errorf("after another %v: %s, want %s", step.wait, got, step.want)
			}
		}
	})
}

func letterBytesIn(t *testing.T, dir, text string) (n int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.dead"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		n += bytes.Count(content, []byte(text))
	}
	return n
}

// TestPrivateLettersInMemory are forgotten after three days, too.
func TestPrivateLettersInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := NewMemory(10, 1<<20)
		for _, private := range []bool{true, false} {
			if err := q.Append(t.Context(), Item{Body: []byte("a"), Private: private}); err != nil {
				t.Fatal(err)
			}
		}
		got, err := q.Receive(t.Context(), 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range got {
			d.Dead("because")
		}
		time.Sleep(PrivateAge)
		if n := len(q.Letters()); n != 2 || q.Stats().Letters != 2 {
			t.Errorf("%d letters", n)
		}
		time.Sleep(time.Second)
		if l := q.Letters(); len(l) != 1 || l[0].Private || q.Stats().Letters != 1 {
			t.Errorf("%+v", l)
		}
		if n, err := q.Resend(func(Letter) bool { return true }); n != 1 || err != nil {
			t.Errorf("%d sent again, %v", n, err)
		}
	})
}

// TestPrivateLettersOnADiskThatFails: a letter is not overwritten as long as the disk does not
// have that it is settled. What is left of it would come back as a letter after a restart.
func TestPrivateLettersOnADiskThatFails(t *testing.T) {
	for _, op := range []string{"write", "sync"} {
		synctest.Test(t, func(t *testing.T) {
			dir, disk := t.TempDir(), &hookFS{}
			leave(t, dir, SpoolOptions{}, "ann", "other")
			s, err := openSpool(disk, dir, SpoolOptions{SegmentBytes: minSegment, pace: pace{idle: time.Hour}})
			if err != nil {
				t.Fatal(err)
			}
			fails := 1
			disk.hook(func(what, name string) error {
				if what == op && fails > 0 && strings.HasSuffix(name, ".dead") {
					fails--
					return errors.New("input/output error")
				}
				return nil
			})
			time.Sleep(72 * time.Hour)
			synctest.Wait()
			_ = s.Close(context.Background())
			if fails > 0 {
				t.Fatalf("no %s has failed", op)
			}
			s = openTest(t, osFS{}, dir, SpoolOptions{})
			for _, l := range s.Letters() {
				if l.Key != "ann" && l.Key != "other" {
					t.Errorf("%s: a letter is %q", op, l.Body)
				}
			}
			closeTest(t, s)
		})
	}
}
