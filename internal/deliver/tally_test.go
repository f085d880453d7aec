package deliver

import (
	"slices"
	"sync"
	"testing"

	"github.com/goaltrack/goaltrack/queue"
)

func TestTallyRecords(t *testing.T) {
	var records [][3]string
	tally := NewTally(func(goal, fate, browserID string) { records = append(records, [3]string{goal, fate, browserID}) })
	tally.deliver("A", visitorID(1))
	tally.bury("B", "", "blocked")
	tally.drop("shutdown", 7)
	tally.note("benched")
	if want := [][3]string{{"A", "delivered", visitorID(1)}, {"B", "dead: blocked", ""}}; !slices.Equal(records, want) {
		t.Errorf("recorded %q, want %q", records, want)
	}
}

func TestTallyConcurrently(t *testing.T) {
	tally := NewTally(func(string, string, string) {})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				tally.accepted.Add(1)
				switch i % 4 {
				case 0:
					tally.bury("g", "", "expired")
				case 1:
					tally.drop("shutdown", 1)
				default:
					tally.deliver("g", "")
				}
				tally.note("x")
				tally.Account(queue.Stats{})
				tally.Notes()
			}
		})
	}
	wg.Wait()
	tally.drop("nothing", 0)
	a := tally.Account(queue.Stats{})
	if a.Accepted != a.settled() || a.Delivered != 2000 || a.Dead["expired"] != 1000 || a.Dropped["shutdown"] != 1000 || len(a.Dropped) != 1 {
		t.Errorf("%s", a)
	}
	if n := tally.Notes()["x"]; n != 4000 {
		t.Errorf("noted %d times", n)
	}
}

// What a tally returns is the caller's.
func TestTallyReturnsCopies(t *testing.T) {
	tally := NewTally(func(string, string, string) {})
	tally.bury("g", "", "x")
	tally.note("y")
	for range 2 {
		a, notes := tally.Account(queue.Stats{Damaged: 1}), tally.Notes()
		if a.Dead["x"] != 1 || a.Dropped["damaged"] != 1 || len(notes) != 1 || notes["y"] != 1 {
			t.Errorf("%s\n%v", a, notes)
		}
		a.Dead["x"], a.Dropped["damaged"], notes["y"], notes["z"] = 9, 9, 9, 9
	}
}
