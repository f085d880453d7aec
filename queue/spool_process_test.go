package queue

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestSpoolIsLocked(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, osFS{}, dir, SpoolOptions{})
	if _, err := OpenSpool(dir, SpoolOptions{}); !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second: %v", err)
	}
	closeTest(t, s)
	openTest(t, osFS{}, dir, SpoolOptions{})
}

// With PerProcess nobody is refused, and what one leaves behind is taken over,
// items and letters.
func TestSpoolPerProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		o := SpoolOptions{PerProcess: true}
		var spools []*Spool
		for i := range 3 {
			s := openTest(t, osFS{}, dir, o)
			synctest.Wait() // it has looked for what others left
			mustAppend(t, s, Item{Body: fmt.Appendf(nil, "a%d", i)}, Item{Body: fmt.Appendf(nil, "b%d", i)})
			got, _ := s.Receive(t.Context(), 1)
			got[0].Dead("why")
			spools = append(spools, s)
		}
		closeTest(t, spools[0])
		closeTest(t, spools[1])
		s := openTest(t, osFS{}, dir, o)
		<-time.After(10 * time.Second)
		got := bodies(drain(t, s, 10))
		slices.Sort(got)
		if !slices.Equal(got, []string{"b0", "b1"}) || len(s.Letters()) != 2 {
			t.Errorf("%v, %d letters", got, len(s.Letters()))
		}
		if stats, r := s.Stats(), s.Report(); stats.Recovered != 2 || r.Adopted != 1 {
			t.Errorf("%+v, %+v", stats, r)
		}
		if spools[2].Stats().Waiting != 1 {
			t.Error("a living process lost its item")
		}
	})
}

// Whoever begins or ceases to give each process a directory loses nothing: what
// others left is taken over, items and letters, and what a process holds is not.
func TestSpoolPerProcessSwitched(t *testing.T) {
	for _, after := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			dir := t.TempDir()
			before := SpoolOptions{PerProcess: !after}
			leave := func(name string) *Spool {
				s := openTest(t, osFS{}, dir, before)
				mustAppend(t, s, Item{Body: []byte("dead " + name)}, Item{Body: []byte("left " + name)})
				got, _ := s.Receive(t.Context(), 1)
				got[0].Dead("why")
				return s
			}
			want := []string{"left 1"}
			first := leave("1")
			var held *Spool
			if before.PerProcess {
				held = leave("2")
			}
			closeTest(t, first)
			for range 2 { // the second finds nothing more
				s := openTest(t, osFS{}, dir, SpoolOptions{PerProcess: after})
				<-time.After(10 * time.Second)
				got := drain(t, s, 10)
				if !slices.Equal(bodies(got), want) || len(s.Letters()) != 1 {
					t.Errorf("PerProcess %t: %v, %d letters, want %v", after, bodies(got), len(s.Letters()), want)
				}
				for _, d := range got {
					d.Ack()
				}
				want = nil
				closeTest(t, s)
			}
			if held != nil && held.Stats().Waiting != 1 {
				t.Error("a living process lost its item")
			}
		})
	}
}
