package follow

import (
	"cmp"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// followed is a file that is looked at every two seconds, in fake time.
type followed struct {
	*testing.T
	path string
	file *File
}

func read(path string) (text []byte, hash string, err error) {
	text, err = os.ReadFile(path)
	return text, string(text), err
}

// write writes the file, and gives it the time of the bubble.
func (f *followed) write(text string) {
	f.Helper()
	if err := os.WriteFile(f.path, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
	f.touch(time.Now())
}

func (f *followed) touch(at time.Time) {
	f.Helper()
	if err := os.Chtimes(f.path, at, at); err != nil {
		f.Fatal(err)
	}
}

// looks looks so many times and expects the same each time.
func (f *followed) looks(n int, want News) {
	f.Helper()
	for i := range n {
		time.Sleep(2 * time.Second)
		if got, text, err := f.file.Look(); got != want || (got == Changed) != (text != nil) || (got == Failed) != (err != nil) {
			f.Errorf("look %d: %v, %q, %v; want %v", i, got, text, err, want)
		}
	}
}

func TestLook(t *testing.T) {
	for name, change := range map[string]func(*followed){
		"not at all": func(f *followed) { f.looks(20, Nothing) },
		"at once": func(f *followed) {
			f.write("two")
			f.looks(4, Nothing)
			f.looks(1, Changed)
			f.looks(20, Nothing)
		},
		"slowly": func(f *followed) {
			f.write("t")
			f.looks(3, Nothing)
			f.write("tw") // 7 s after it was begun
			f.looks(3, Nothing)
			f.write("two")
			f.looks(4, Nothing)
			f.looks(1, Changed)
		},
		"half, and then as it was": func(f *followed) {
			f.write("o")
			f.looks(3, Nothing)
			f.write("one")
			f.looks(20, Nothing)
		},
		"gone, and back": func(f *followed) {
			_ = os.Rename(f.path, f.path+".bak")
			f.looks(1, Failed)
			f.looks(3, Nothing)
			_ = os.Rename(f.path+".bak", f.path)
			f.looks(1, Back)
			f.looks(3, Nothing)
		},
		"moved there, and long written": func(f *followed) {
			f.write("two")
			f.touch(time.Now().Add(-time.Hour))
			f.looks(1, Nothing)
			f.looks(1, Changed)
		},
		"by another clock": func(f *followed) {
			f.write("two")
			f.touch(time.Now().Add(time.Hour))
			f.looks(1, Nothing)
			f.looks(1, Changed)
		},
		"its time is set again and again": func(f *followed) {
			f.write("two")
			for range mostLooks - 1 {
				f.looks(1, Nothing)
				f.touch(time.Now())
			}
			f.looks(1, Changed)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &followed{T: t, path: filepath.Join(t.TempDir(), "file")}
				f.write("one")
				f.file = New(f.path, "one", read)
				f.looks(1, Nothing)
				change(f)
			})
		})
	}
}

// TestLookAtLink: what a link leads to is whole when the link is changed.
func TestLookAtLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		f := &followed{T: t, path: filepath.Join(folder, "one")}
		f.write("one")
		link := filepath.Join(folder, "link")
		if err := os.Symlink(f.path, link); err != nil {
			t.Skip(err)
		}
		f.file = New(link, "one", read)
		f.looks(1, Nothing)
		f.path = filepath.Join(folder, "two")
		f.write("two")
		if err := errors.Join(os.Remove(link), os.Symlink(f.path, link)); err != nil {
			t.Fatal(err)
		}
		f.looks(1, Nothing)
		f.looks(1, Changed)
		f.write("three") // in place, behind the link
		f.looks(4, Nothing)
		f.looks(1, Changed)
	})
}

// TestSettle: whoever says that a file is ready may be too early. What was changed just now is
// waited for, until it rests.
func TestSettle(t *testing.T) {
	const ago, often = -time.Minute, 700 * time.Millisecond
	for name, c := range map[string]struct {
		age, other time.Duration // of two files
		pieces     int           // in which the first is written on, one often
		within     time.Duration // for how long the caller has time; 0: as long as it takes
		want       time.Duration
	}{
		"long ago":         {age: ago, other: ago},
		"just now":         {age: 0, other: ago, want: RestWhenTold},
		"a second ago":     {age: -time.Second, other: ago, want: RestWhenTold - time.Second},
		"the other":        {age: ago, other: 0, want: RestWhenTold},
		"in pieces":        {age: 0, other: ago, pieces: 2, want: 2*often + RestWhenTold},
		"by a clock ahead": {age: time.Hour, other: ago},
		"for ever":         {age: 0, other: ago, pieces: 60, want: mostWhenTold},
		"for too long":     {age: 0, other: ago, pieces: 60, within: 3 * time.Second, want: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &followed{T: t, path: filepath.Join(t.TempDir(), "goals.yaml")}
				other := &followed{T: t, path: filepath.Join(t.TempDir(), "goaltrack.yaml")}
				f.write("half")
				f.touch(time.Now().Add(c.age))
				other.write("")
				other.touch(time.Now().Add(c.other))
				ctx, stop := context.WithTimeout(t.Context(), cmp.Or(c.within, time.Hour))
				defer stop()
				began, took := time.Now(), make(chan time.Duration, 1)
				go func() {
					Settle(ctx, f.path, other.path, f.path+".not-there", "")
					took <- time.Since(began)
				}()
				for range c.pieces {
					time.Sleep(often)
					f.touch(time.Now())
				}
				if got := <-took; got != c.want {
					t.Errorf("it took %s, want %s", got, c.want)
				}
			})
		})
	}
}
