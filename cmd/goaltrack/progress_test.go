package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/accesslog"
)

// screen is a terminal, as far as its mode tells.
type screen struct {
	bytes.Buffer
	mode fs.FileMode
	err  error
}

func (s *screen) Stat() (fs.FileInfo, error) { return mode(s.mode), s.err }

type mode fs.FileMode

func (m mode) Mode() fs.FileMode { return fs.FileMode(m) }
func (mode) Name() string        { return "screen" }
func (mode) Size() int64         { return 0 }
func (mode) ModTime() time.Time  { return time.Time{} }
func (mode) IsDir() bool         { return false }
func (mode) Sys() any            { return nil }

// ticking returns a clock that goes on by that much whenever it is read.
func ticking(by time.Duration) func() time.Time {
	now := time.Unix(1762673131, 0)
	return func() time.Time {
		now = now.Add(by)
		return now
	}
}

// TestProgress reads a file byte by byte and looks at the terminal.
func TestProgress(t *testing.T) {
	terminal := &screen{mode: fs.ModeCharDevice}
	text := strings.Repeat("x", 100)
	// 100 reads in 2.5 s: the bar is due after half a second, and then every
	// fourth time.
	p := newProgress(iotest.OneByteReader(strings.NewReader(text)), 100, terminal, ticking(25*time.Millisecond))
	if got, err := io.ReadAll(p); string(got) != text || err != nil {
		t.Fatalf("read %q, %v", got, err)
	}
	shown := strings.Split(terminal.String(), "\r")[1:]
	if len(shown) != 21 {
		t.Errorf("%d updates: %q", len(shown), shown)
	}
	if want := "[####....................]  20% of 100 bytes"; shown[0] != want {
		t.Errorf("first %q, want %q", shown[0], want)
	}
	if want := "[########################] 100% of 100 bytes"; shown[20] != want {
		t.Errorf("last %q, want %q", shown[20], want)
	}

	terminal.Reset()
	p.clear()
	p.clear()
	if want := "\r" + strings.Repeat(" ", len(shown[20])) + "\r"; terminal.String() != want {
		t.Errorf("taken off with %q", terminal.String())
	}
}

// TestProgressOfGrownFile reads more than the file had.
func TestProgressOfGrownFile(t *testing.T) {
	terminal := &screen{mode: fs.ModeCharDevice}
	p := newProgress(strings.NewReader("0123456789"), 4, terminal, ticking(time.Second))
	if _, err := io.ReadAll(p); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(terminal.String(), "\r["+strings.Repeat("#", progressWidth)+"] 100% of 4 bytes") {
		t.Errorf("it shows %q", terminal.String())
	}
}

// TestProgressCompressed counts the bytes of the file, not those of its text.
func TestProgressCompressed(t *testing.T) {
	packed := zipped(t, strings.Repeat(`192.0.2.1 - - [-] "GET / HTTP/1.1" 200 1`+"\n", 1000))
	p := newProgress(strings.NewReader(packed), int64(len(packed)), io.Discard, time.Now)
	a, err := accesslog.Read(t.Context(), p, func(*accesslog.Line) {})
	if a.Lines != 1000 || err != nil || p.read != int64(len(packed)) {
		t.Errorf("%d lines from %d of %d bytes, %v", a.Lines, p.read, len(packed), err)
	}
}

// TestNoProgress has all reasons not to draw.
func TestNoProgress(t *testing.T) {
	regular, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = regular.Close() }()
	char := fs.ModeCharDevice
	for _, test := range []struct {
		name   string
		size   int64
		stderr io.ReadWriter
		tick   time.Duration
	}{
		{"no terminal", 10, &bytes.Buffer{}, time.Second},
		{"a pipe", 10, &screen{mode: fs.ModeNamedPipe}, time.Second},
		{"a closed file", 10, &screen{mode: char, err: errors.New("closed")}, time.Second},
		{"a file", 10, regular, time.Second},
		{"no size", 0, &screen{mode: char}, time.Second},
		{"a short file", 10, &screen{mode: char}, time.Millisecond},
	} {
		p := newProgress(strings.NewReader("0123456789"), test.size, test.stderr, ticking(test.tick))
		if got, err := io.ReadAll(p); string(got) != "0123456789" || err != nil {
			t.Errorf("%s: read %q, %v", test.name, got, err)
		}
		p.clear()
		if info, err := regular.Stat(); err != nil || info.Size() > 0 {
			t.Errorf("%s: the file has something in it, %v", test.name, err)
		}
		if drawn, err := io.ReadAll(test.stderr); len(drawn) > 0 || err != nil {
			t.Errorf("%s: drawn %q, %v", test.name, drawn, err)
		}
	}
}

// TestSizeText is about sizes for people.
func TestSizeText(t *testing.T) {
	for size, want := range map[int64]string{
		0: "0 bytes", 999: "999 bytes", 1000: "1.0 kB", 999_940: "999.9 kB", 999_950: "1.0 MB",
		2_940_000_000: "2.9 GB", 1<<63 - 1: "9.2 EB",
	} {
		if got := sizeText(size); got != want {
			t.Errorf("%d: %q, want %q", size, got, want)
		}
	}
}
