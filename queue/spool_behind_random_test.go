package queue

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestBehindAtRandom gives back at random: nothing is handed out twice at once or before
// its time, nothing is lost, also by the end of the process, and Stats are right.
func TestBehindAtRandom(t *testing.T) {
	seeds := uint64(20)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		synctest.Test(t, func(t *testing.T) { behindAtRandom(t, rand.New(rand.NewPCG(seed, 11))) })
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func behindAtRandom(t *testing.T, random *rand.Rand) {
	disk := newCrashFS()
	q := openBehind(t, disk)
	notBefore := map[string]time.Time{} // of what waits
	numbers := map[string]uint64{}      // of what is not settled
	exact := true                       // no process has found copies, which have new numbers
	held := []Delivery{}
	next, most := 0, 0
	receive := func(n int) {
		for _, d := range takeNow(t, q, n) {
			due, waits := notBefore[string(d.Body)]
			if !waits || time.Now().Before(due) {
				t.Errorf("%.9s comes: it waits %t, until %v", d.Body, waits, time.Until(due))
			}
			delete(notBefore, string(d.Body))
			held = append(held, d)
		}
	}
	for range 400 {
		switch op := random.IntN(20); {
		case op < 4:
			for range random.IntN(20) {
				body := fmt.Sprintf("%d %0600d", next, 0)
				next++
				mustAppend(t, q, Item{Body: fmt.Append(nil, body), Time: time.Now(), First: random.IntN(9) == 0})
				notBefore[body], numbers[body] = time.Time{}, q.Stats().Last
			}
		case op < 9:
			receive(1 + random.IntN(30))
		case op < 17:
			for range min(len(held), random.IntN(30)) {
				i := random.IntN(len(held))
				d := held[i]
				held = slices.Delete(held, i, i+1)
				if random.IntN(6) == 0 {
					d.Ack()
					delete(numbers, string(d.Body))
					continue
				}
				after := time.Duration(random.IntN(8)) * 500 * time.Millisecond
				notBefore[string(d.Body)] = time.Now().Add(after)
				d.Nack(after)
			}
		case op < 19:
			<-time.After(time.Duration(random.IntN(3000)) * time.Millisecond)
		case random.IntN(10) == 0:
			exact = exact && q.Report().Copied == 0
			closeTest(t, q)
			q = openBehind(t, disk)
			for _, d := range held {
				notBefore[string(d.Body)] = time.Time{}
			}
			for body := range notBefore {
				notBefore[body] = time.Time{}
			}
			held = nil
		}
		most = max(most, q.behind.leftN())
		st := q.Stats()
		if st.Waiting != len(held)+len(notBefore) || st.Damaged != 0 {
			t.Fatalf("%d are held and %d wait; %+v", len(held), len(notBefore), st)
		}
		for body, number := range numbers {
			if number <= st.Done && exact {
				t.Fatalf("%.9s has number %d and is not settled; %+v", body, number, st)
			}
		}
	}
	if most == 0 {
		t.Error("nothing was left behind")
	}
	for _, d := range held {
		d.Ack()
	}
	held = nil
	for range 100 {
		receive(100)
		for _, d := range held {
			d.Ack()
		}
		held = nil
		<-time.After(time.Second)
	}
	if st := q.Stats(); len(notBefore) != 0 || st.Waiting != 0 || st.Done != st.Last {
		t.Errorf("%d did not come; %+v", len(notBefore), st)
	}
	closeTest(t, q)
}
