// Package logbook keeps what a test's subject logs.
package logbook

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// Book is a [slog.Handler] that keeps the lines of a log. It is safe for
// concurrent use, and its zero value is empty.
type Book struct {
	mu    sync.Mutex
	lines []string
}

// Enabled implements [slog.Handler].
func (b *Book) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements [slog.Handler]; the attributes are left out.
func (b *Book) WithAttrs([]slog.Attr) slog.Handler { return b }

// WithGroup implements [slog.Handler]; the group is left out.
func (b *Book) WithGroup(string) slog.Handler { return b }

// Handle implements [slog.Handler].
func (b *Book) Handle(_ context.Context, r slog.Record) error {
	var line bytes.Buffer
	fmt.Fprintf(&line, "%s %s", r.Level, r.Message)
	r.Attrs(func(a slog.Attr) bool { fmt.Fprintf(&line, " %s=%v", a.Key, a.Value); return true })
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line.String())
	return nil
}

// Lines returns all lines.
func (b *Book) Lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

// About returns the lines that contain text.
func (b *Book) About(text string) []string {
	return slices.DeleteFunc(b.Lines(), func(l string) bool { return !strings.Contains(l, text) })
}

// Without returns the lines that do not contain text.
func (b *Book) Without(text string) []string {
	return slices.DeleteFunc(b.Lines(), func(l string) bool { return strings.Contains(l, text) })
}

// Count tells how many lines contain text.
func (b *Book) Count(text string) int { return len(b.About(text)) }
