// Package trouble tells the log when something begins to refuse, and when that is over.
package trouble

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Quiet is how long nothing may have happened until a trouble is over. So there are at
// most two lines a minute about each, however often it comes and goes.
const Quiet = time.Minute

// Trouble is one thing that can go wrong. Whoever makes it sets the exported fields and
// changes them no more. All methods are safe for concurrent use.
type Trouble struct {
	Log        *slog.Logger // nil: nothing is told
	Begun      string       // what the log says, at level WARN, when it begins
	Over       string       // and when it is over, at level INFO
	mu         sync.Mutex
	times      uint64 // since it began
	began      time.Time
	last       time.Time
	timer      *time.Timer
	closed, on bool
}

// Happens notes that it has happened once. It never waits for the log.
func (t *Trouble) Happens() { t.Fails(nil) }

// Fails is Happens for an error. The line that says when it begins has it.
func (t *Trouble) Fails(err error) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.Log == nil {
		return
	}
	t.times++
	t.last = now
	if t.on {
		return
	}
	t.on, t.began = true, now
	t.timer = time.AfterFunc(0, func() { t.tell(err) })
}

// tell writes the first line, and looks again when it may be over.
func (t *Trouble) tell(err error) {
	if err != nil {
		t.Log.Warn(t.Begun, "error", err)
	} else {
		t.Log.Warn(t.Begun)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.again(t.look)
}

// again calls look when nothing may have happened for long enough. The lock is held.
func (t *Trouble) again(look func()) {
	if !t.closed {
		t.timer = time.AfterFunc(max(Quiet-time.Since(t.last), 0), look)
	}
}

// look writes the second line if it is over.
func (t *Trouble) look() {
	t.mu.Lock()
	if t.closed || time.Since(t.last) < Quiet {
		t.again(t.look)
		t.mu.Unlock()
		return
	}
	times, lasted := t.times, t.last.Sub(t.began)
	t.on, t.times = false, 0
	t.mu.Unlock()
	t.Log.LogAttrs(context.Background(), slog.LevelInfo, t.Over, slog.Uint64("times", times), slog.Duration("lasted", lasted.Round(time.Second)))
}

// Close ends it. Nothing is told any more.
func (t *Trouble) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	if t.timer != nil {
		t.timer.Stop()
	}
}
