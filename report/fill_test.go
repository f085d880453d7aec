package report

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
)

// fill fills in four days: n visits each, and a conversion for each third.
func fill(t *testing.T, s Store, writer string, n int) (FilledIn, error) {
	t.Helper()
	f, err := NewFiller(Options{Store: s, Writer: writer})
	if err != nil {
		t.Fatal(err)
	}
	line := []byte("/page") // that is written over, as a line of a log is
	for day := range 4 {
		for i := range n {
			copy(line, "/page")
			one := page(string(line), "news", 0)
			one.Time = time.Now().AddDate(0, 0, -day).Add(-time.Duration(i) * time.Second)
			f.Report(one)
			if i%3 == 0 {
				c := conversion("/page", 0)
				c.Time = one.Time
				f.Report(c)
			}
			one.Page = fmt.Sprint("/only/", i) // nobody else goes there
			f.Report(one)
		}
	}
	f.Report(fact.Fact{Kind: fact.Spent, Time: time.Now().AddDate(0, 0, -1), Reason: fact.IDMade})
	return f.Fill(t.Context())
}

// TestFill: days that are over and have no counts are filled in, once; what few share is
// not told apart; and all of it can be deleted.
func TestFill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9*24*time.Hour + 12*time.Hour)
		s := NewMemory(30)
		r := recording(t, s)
		own := page("/", "", 1)
		own.Time = time.Now().AddDate(0, 0, -2)
		r.Report(own)
		flushed(t, r)
		today := DayOf(time.Now(), nil)
		byDay := func() string { return asked(t, s, Query{From: today - 5, To: today, By: ByDay}) }

		done, err := fill(t, s, "logs", 30)
		if err != nil || len(done.Days) != 2 || done.Days[0].Day != today-3 || done.Days[1].Day != today-1 || done.Left != 2 {
			t.Errorf("%+v, %v", done, err)
		}
		const filled = "2000-01-07 10 of 60; 2000-01-08 0 of 1; 2000-01-09 10 of 60"
		if got := byDay(); got != filled {
			t.Errorf("%s, want %s", got, filled)
		}
		if got, want := asked(t, s, Query{From: today - 1, To: today - 1, By: ByPage}), "/page 10 of 30; (other) 0 of 30"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		done, err = fill(t, s, "logs", 99)
		if err != nil || len(done.Days) != 0 || done.Left != 4 || byDay() != filled {
			t.Errorf("again: %+v, %v, %s", done, err, byDay())
		}
		marks, err := MarksOf(t.Context(), s, Query{From: today - 5, To: today})
		if err != nil || len(marks) != 2 || marks[0].Kind != MarkFilled || marks[0].Text != "logs" {
			t.Errorf("%+v, %v", marks, err)
		}
		if n, err := s.DropWriter(t.Context(), "logs"); n != 2 || err != nil || byDay() != "2000-01-08 0 of 1" {
			t.Errorf("%d days are deleted, %v: %s", n, err, byDay())
		}
		if done, err = fill(t, s, "logs", 30); err != nil || len(done.Days) != 2 || byDay() != filled {
			t.Errorf("after they were deleted: %+v, %v, %s", done, err, byDay())
		}
	})
}

// stuck is a store that takes one day, and then no more.
type stuck struct {
	*Memory
	days int
}

func (s *stuck) Flush(ctx context.Context, b *Batch) error {
	if s.days++; s.days == 2 {
		return errors.New("the disk is full")
	}
	return s.Memory.Flush(ctx, b)
}

// TestFillIsBroken: what was filled in before a store failed is not filled in again.
func TestFillIsBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(9*24*time.Hour + 12*time.Hour)
		s := &stuck{Memory: NewMemory(30)}
		if done, err := fill(t, s, "logs", 30); err == nil || !strings.Contains(err.Error(), "the disk is full") || len(done.Days) != 1 {
			t.Errorf("%+v, %v", done, err)
		}
		done, err := fill(t, s, "logs", 30)
		if err != nil || len(done.Days) != 2 || done.Left != 2 {
			t.Errorf("%+v, %v", done, err)
		}
		today := DayOf(time.Now(), nil)
		if got, want := asked(t, s, Query{From: today - 5, To: today, By: ByDay}), "2000-01-07 10 of 60; 2000-01-08 10 of 60; 2000-01-09 10 of 60"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
	if _, err := NewFiller(Options{Store: NewMemory(0)}); err == nil {
		t.Error("a filler without a name")
	}
}
