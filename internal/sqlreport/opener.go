package sqlreport

import (
	"context"
	"time"

	"github.com/goaltrack/goaltrack/report"
)

// Opener is a store whose tables are opened when they are first needed. It returns the tables,
// or why they cannot be opened. Each method of [report.Store] but Close asks it, and returns
// its error. It implements those methods.
type Opener func(ctx context.Context) (*Tables, error)

// Flush implements [report.Store].
func (o Opener) Flush(ctx context.Context, b *report.Batch) error {
	t, err := o(ctx)
	if err != nil {
		return err
	}
	return t.Flush(ctx, b)
}

// Sum implements [report.Store].
func (o Opener) Sum(ctx context.Context, q report.Question) ([]report.Count, error) {
	t, err := o(ctx)
	if err != nil {
		return nil, err
	}
	return t.Sum(ctx, q)
}

// Sketches implements [report.Store].
func (o Opener) Sketches(ctx context.Context, site string, from, to report.Day) ([]report.Sketch, error) {
	t, err := o(ctx)
	if err != nil {
		return nil, err
	}
	return t.Sketches(ctx, site, from, to)
}

// SketchesOf implements [report.SketcherOf].
func (o Opener) SketchesOf(ctx context.Context, site, goal string, from, to report.Day) ([]report.Sketch, error) {
	t, err := o(ctx)
	if err != nil {
		return nil, err
	}
	return t.SketchesOf(ctx, site, goal, from, to)
}

// Marks implements [report.Store].
func (o Opener) Marks(ctx context.Context, from, to time.Time) ([]report.Mark, error) {
	t, err := o(ctx)
	if err != nil {
		return nil, err
	}
	return t.Marks(ctx, from, to)
}

// Costs implements [report.Store].
func (o Opener) Costs(ctx context.Context, from, to report.Day) ([]report.Cost, error) {
	t, err := o(ctx)
	if err != nil {
		return nil, err
	}
	return t.Costs(ctx, from, to)
}

// Info implements [report.Store].
func (o Opener) Info(ctx context.Context) (report.Info, error) {
	t, err := o(ctx)
	if err != nil {
		return report.Info{Trouble: err.Error()}, err
	}
	return t.Info(ctx)
}

// CloseDays implements [report.Store].
func (o Opener) CloseDays(ctx context.Context, site string, through report.Day, least uint64) error {
	t, err := o(ctx)
	if err != nil {
		return err
	}
	return t.CloseDays(ctx, site, through, least)
}

// Expire implements [report.Store].
func (o Opener) Expire(ctx context.Context, before report.Day) error {
	t, err := o(ctx)
	if err != nil {
		return err
	}
	return t.Expire(ctx, before)
}

// Drop implements [report.Store].
func (o Opener) Drop(ctx context.Context, before report.Day) error {
	t, err := o(ctx)
	if err != nil {
		return err
	}
	return t.Drop(ctx, before)
}

// DropWriter implements [report.Store].
func (o Opener) DropWriter(ctx context.Context, writer string) (days int, err error) {
	t, err := o(ctx)
	if err != nil {
		return 0, err
	}
	return t.DropWriter(ctx, writer)
}
