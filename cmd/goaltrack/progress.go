package main

import (
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

const (
	progressAfter = 500 * time.Millisecond // a short file needs no bar
	progressEvery = 100 * time.Millisecond
	progressWidth = 24 // of the bar, in characters
)

// progress reads a file and draws on a terminal how much of it was read. It
// counts bytes of the file, so it stands below any decompression. It is not
// safe for concurrent use.
type progress struct {
	file       io.Reader
	size, read int64
	terminal   io.Writer // nil: nothing is drawn
	now        func() time.Time
	next       time.Time // when the bar is due
	drawn      int       // its length on the terminal
}

// newProgress returns a progress. It draws nothing if stderr is not a terminal,
// or if size is not above 0, which means that it is unknown.
func newProgress(file io.Reader, size int64, stderr io.Writer, now func() time.Time) *progress {
	p := &progress{file: file, size: size, now: now}
	if size > 0 && isTerminal(stderr) {
		p.terminal, p.next = stderr, now().Add(progressAfter)
	}
	return p
}

// isTerminal reports whether w is a terminal, as far as the standard library
// can tell. It also takes the null device for one, which does no harm.
func isTerminal(w io.Writer) bool {
	file, ok := w.(interface{ Stat() (fs.FileInfo, error) })
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&fs.ModeCharDevice != 0
}

// Read reads from the file, and draws the bar when it is due.
func (p *progress) Read(b []byte) (int, error) {
	n, err := p.file.Read(b)
	p.read += int64(n)
	if p.terminal != nil {
		if now := p.now(); !now.Before(p.next) {
			p.next = now.Add(progressEvery)
			p.draw()
		}
	}
	return n, err
}

// draw writes the bar over the last one.
func (p *progress) draw() {
	done := min(float64(p.read)/float64(p.size), 1) // the file may have grown
	full := int(done * progressWidth)
	bar := fmt.Sprintf("[%s%s] %3d%% of %s", strings.Repeat("#", full), strings.Repeat(".", progressWidth-full),
		int(done*100), sizeText(p.size))
	p.drawn = len(bar)
	say(p.terminal, "\r%s", bar)
}

// clear removes the bar from the terminal, so that other text can follow.
func (p *progress) clear() {
	if p.drawn > 0 {
		say(p.terminal, "\r%*s\r", p.drawn, "")
		p.drawn = 0
	}
}

// sizeText writes a number of bytes for people.
func sizeText(size int64) string {
	const units = "kMGTPE"
	if size < 1000 {
		return fmt.Sprintf("%d bytes", size)
	}
	n, unit := float64(size)/1000, 0
	for n >= 999.95 { // what would be written as 1000.0
		n, unit = n/1000, unit+1
	}
	return fmt.Sprintf("%.1f %cB", n, units[unit])
}
