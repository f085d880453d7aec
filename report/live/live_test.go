package live_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/report/live"
)

func decision(goal string) fact.Fact {
	return fact.Fact{Kind: fact.Decision, Time: time.Now(), Site: "shop", Goal: goal, Reason: fact.Fired, Page: "/p/{id}"}
}

func names(list []live.Entry) string {
	all := make([]string, len(list))
	for i, e := range list {
		all[i] = e.Goal
	}
	return strings.Join(all, " ")
}

func TestDecisionsAreShownLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := live.New(live.Options{})
		l.Report(decision("A"))
		bubble.Pass(live.Late - time.Second)
		l.Report(decision("B"))
		if got := names(l.Last("", 10)); got != "" {
			t.Errorf("shown too early: %s", got)
		}
		bubble.Pass(time.Second)
		if got := names(l.Last("", 10)); got != "A" {
			t.Errorf("after %v: %q, want A", live.Late, got)
		}
		bubble.Pass(live.Late)
		if got := names(l.Last("", 10)); got != "B A" {
			t.Errorf("the newest is not first: %q", got)
		}
	})
}

func TestWhatIsNotListed(t *testing.T) {
	l := live.New(live.Options{AtOnce: true})
	l.Report(fact.Fact{Kind: fact.Visit, Reason: fact.Fired})
	l.Report(fact.Fact{Kind: fact.RulesChanged})
	l.Report(fact.Fact{Kind: fact.Decision, Goal: "A", Reason: "bot", Uncountable: true})
	if got := l.Last("", 10); len(got) > 0 {
		t.Errorf("listed: %v", got)
	}
	if got := l.Counts(); got != (live.Counts{Uncounted: 1}) {
		t.Errorf("counts: %+v", got)
	}
}

func TestListOfOneSite(t *testing.T) {
	l := live.New(live.Options{AtOnce: true})
	for i := range 100 {
		f := decision(fmt.Sprint("G", i))
		f.Site = [...]string{"shop", "press"}[i%2]
		l.Report(f)
	}
	if got := names(l.Last("press", 3)); got != "G99 G97 G95" {
		t.Errorf("of press: %s", got)
	}
	if got := len(l.Last("press", 1000)); got != 50 {
		t.Errorf("%d of press, want 50", got)
	}
}

// What has not been shown yet stays, whatever comes after it; and texts of any length have
// a bound.
func TestListIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := live.New(live.Options{})
		for i := range live.Kept + 10 {
			f := decision(fmt.Sprint("G", i))
			f.Page, f.NearMiss, f.Site = strings.Repeat("x", 5000), strings.Repeat("y", 5000), strings.Repeat("z", 5000)
			l.Report(f)
		}
		bubble.Pass(live.Late)
		all := l.Last("", 2*live.Kept)
		if len(all) != live.Kept || all[0].Goal != fmt.Sprint("G", live.Kept-1) || l.Counts().Missed != 10 {
			t.Errorf("%d kept, %d missed, the newest is %s", len(all), l.Counts().Missed, all[0].Goal)
		}
		if e := all[0]; len(e.Page) > 200 || len(e.NearMiss) > 200 || len(e.Site) > 200 {
			t.Errorf("texts of %d, %d and %d bytes", len(e.Page), len(e.NearMiss), len(e.Site))
		}
		l.Report(decision("LAST"))
		bubble.Pass(live.Late)
		if all := l.Last("", 2*live.Kept); len(all) != live.Kept || all[0].Goal != "LAST" {
			t.Errorf("%d kept, the newest is %s", len(all), all[0].Goal)
		}
	})
}

// collect follows a list into a slice.
func collect(ctx context.Context, l *live.List, after uint64) (got func() string, ended <-chan error) {
	var mu sync.Mutex
	var all []live.Entry
	end := make(chan error, 1)
	go func() {
		end <- l.Follow(ctx, "shop", after, func(some []live.Entry) error {
			mu.Lock()
			defer mu.Unlock()
			all = append(all, some...)
			return nil
		})
	}()
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return names(all)
	}, end
}

func TestFollow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := live.New(live.Options{})
		l.Report(decision("BEFORE"))
		bubble.Pass(live.Late)
		got, ended := collect(t.Context(), l, 1)
		want := make([]string, 100)
		for i := range want {
			want[i] = fmt.Sprint("G", i)
			l.Report(decision(want[i]))
		}
		bubble.Pass(live.Late - time.Second)
		if got() != "" {
			t.Errorf("told too early: %s", got())
		}
		bubble.Pass(2 * time.Second)
		if got() != strings.Join(want, " ") {
			t.Errorf("got %s", got())
		}
		l.Close()
		l.Close()
		if err := <-ended; err != nil {
			t.Errorf("Close ends it with %v", err)
		}
	})
}

func TestFollowEnds(t *testing.T) {
	bubble.Run(t, "after a while", func(t *testing.T) {
		begun := time.Now()
		_, ended := collect(t.Context(), live.New(live.Options{}), 0)
		if err := <-ended; err != nil || time.Since(begun) != live.LongestFollow {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
	bubble.Run(t, "with its context", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		_, ended := collect(ctx, live.New(live.Options{}), 0)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	bubble.Run(t, "when nobody listens, though nothing happens", func(t *testing.T) {
		gone := errors.New("gone")
		begun := time.Now()
		calls := 0
		err := live.New(live.Options{}).Follow(t.Context(), "", 0, func([]live.Entry) error {
			if calls++; calls > 1 {
				return gone
			}
			return nil
		})
		if !errors.Is(err, gone) || time.Since(begun) > 20*time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}

func TestFollowersAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := live.New(live.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		var all []<-chan error
		for range live.MostFollowers {
			_, ended := collect(ctx, l, 0)
			all = append(all, ended)
		}
		synctest.Wait()
		if err := l.Follow(ctx, "", 0, func([]live.Entry) error { return nil }); !errors.Is(err, live.ErrTooMany) {
			t.Errorf("one more: %v", err)
		}
		cancel()
		for _, ended := range all {
			<-ended
		}
		_, ended := collect(t.Context(), l, 0)
		l.Close()
		if err := <-ended; err != nil {
			t.Errorf("after the others have left: %v", err)
		}
	})
}

// A browser that reconnects after a restart says a number that the new list does not have.
func TestFollowAfterRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := live.New(live.Options{AtOnce: true})
		l.Report(decision("A"))
		got, _ := collect(t.Context(), l, 5000)
		bubble.Pass(time.Second)
		if got() != "A" {
			t.Errorf("got %q", got())
		}
		l.Close()
	})
}

type sink []fact.Fact

func (s *sink) Report(f fact.Fact) { *s = append(*s, f) }

func TestReportHandsOn(t *testing.T) {
	var next sink
	l := live.New(live.Options{Next: &next})
	l.Close()
	l.Report(fact.Fact{Kind: fact.Visit})
	l.Report(decision("A"))
	if len(next) != 2 {
		t.Errorf("handed on: %v", next)
	}
}

func TestReportAllocatesNothing(t *testing.T) {
	l := live.New(live.Options{AtOnce: true})
	f := decision("A")
	if n := testing.AllocsPerRun(100, func() { l.Report(f) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkReport(b *testing.B) {
	l := live.New(live.Options{AtOnce: true})
	f := decision("A")
	for b.Loop() {
		l.Report(f)
	}
}

func TestReportWhileOthersLook(t *testing.T) {
	l := live.New(live.Options{AtOnce: true})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 1000 {
				l.Report(decision("A"))
				l.Last("shop", 5)
			}
		})
	}
	all.Wait()
	if got := l.Last("", 1)[0].Number; got != 4000 {
		t.Errorf("the last has the number %d", got)
	}
}
