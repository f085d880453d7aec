package queue

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestShortWaitsKeepNobodyWaiting: far more is given back for less than a second than may be
// handed out. It fills a quarter of the places at most, so that what comes later is handed out
// at once. All comes in the end, and nothing before its time.
func TestShortWaitsKeepNobodyWaiting(t *testing.T) {
	for _, wait := range []time.Duration{time.Millisecond, 250 * time.Millisecond, leaveFrom - 1} {
		t.Run(wait.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := openBehind(t, newCrashFS())
				total := 2 * q.mostBegun()
				for n := range total {
					mustAppend(t, q, Item{Body: fmt.Append(nil, n), Key: "flood", Time: time.Now()})
				}
				<-time.After(time.Second)
				for n := range total {
					for _, d := range takeNow(t, q, 1) {
						d.Nack(wait)
					}
					if left := q.behind.leftN(); n+1 == q.mostBegun()/4 && left > 0 {
						t.Errorf("%d are left behind while there are places", left)
					}
				}
				mustAppend(t, q, Item{Body: []byte("other"), Key: "other", Time: time.Now()})
				if got := names(takeNow(t, q, 10)); got != "other" {
					t.Errorf("%s come before their time", got)
				}
				if n := len(q.begun.entries); n > q.mostBegun()/4+1 {
					t.Errorf("%d are in memory", n)
				}
				came := map[string]bool{}
				for range 4 {
					<-time.After(leaveFrom)
					for got := takeNow(t, q, 100); len(got) > 0; got = takeNow(t, q, 100) {
						for _, d := range got {
							came[string(d.Body)] = true
							d.Ack()
						}
					}
				}
				if len(came) != total {
					t.Errorf("%d of %d came", len(came), total)
				}
				closeTest(t, q)
			})
		})
	}
}

// TestLongWaitsStayInMemory: what is given back for more than ten minutes, or at once, is
// not left behind, however much it is. It takes the places that there are, and no more.
func TestLongWaitsStayInMemory(t *testing.T) {
	for _, wait := range []time.Duration{-1, 0, leaveMost + time.Nanosecond, 1<<63 - 1} {
		t.Run(wait.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := openBehind(t, newCrashFS())
				for n := range 2 * q.mostBegun() {
					mustAppend(t, q, Item{Body: fmt.Append(nil, n), Key: "flood", Time: time.Now()})
				}
				<-time.After(time.Second)
				got := takeNow(t, q, 2*q.mostBegun())
				for _, d := range got {
					d.Nack(wait)
				}
				takeNow(t, q, 1)
				if n := len(q.begun.entries); n != q.mostBegun() || len(got) != n || q.behind.leftN() != 0 {
					t.Errorf("%d are in memory, and %d are left behind", n, q.behind.leftN())
				}
				closeTest(t, q)
			})
		})
	}
}

// TestFirstWaitsInMemory: an item that goes first is not left behind, since its record does not
// say that it does.
func TestFirstWaitsInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openBehind(t, newCrashFS())
		for n := range 40 {
			mustAppend(t, q, Item{Body: fmt.Append(nil, n), Key: "flood", First: n >= 20, Time: time.Now()})
		}
		<-time.After(time.Second)
		for _, d := range takeNow(t, q, 40) {
			d.Nack(2 * time.Second)
		}
		if n := q.behind.leftN(); n != 20 {
			t.Errorf("%d are left behind, want the 20 others", n)
		}
		<-time.After(2 * time.Second)
		if got := takeNow(t, q, 20); len(got) != 20 || string(got[0].Body) != "20" || !got[19].First {
			t.Errorf("first come %s", names(got))
		}
		closeTest(t, q)
	})
}

// TestWhatLosesItsOrderSaysSo: whatever is given back until the same moment comes in the
// order of its key, but for what says that it does not.
func TestWhatLosesItsOrderSaysSo(t *testing.T) {
	for seed := range uint64(5) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 13))
			q := openBehind(t, newCrashFS())
			fresh, said, changed, next := map[string]bool{}, 0, 0, 0
			for range 20 {
				for range 20 {
					body := strconv.Itoa(next)
					next++
					fresh[body] = true
					mustAppend(t, q, Item{Body: []byte(body), Key: strconv.Itoa(random.IntN(3)), Time: time.Now()})
				}
				<-time.After(5 * time.Second) // all that is given back is due, and whatever waits for a pass
				var all []Delivery
				for got := takeNow(t, q, 1+random.IntN(20)); len(got) > 0; got = takeNow(t, q, 1+random.IntN(20)) {
					all = append(all, got...)
				}
				last := map[string]int{}
				for _, d := range all {
					n, err := strconv.Atoi(string(d.Body))
					overtook := err != nil || n < last[d.Key]
					switch {
					case d.OutOfOrder():
						said++
					case overtook:
						t.Errorf("%s comes after %d and says nothing", d.Body, last[d.Key])
					}
					if overtook {
						changed++
					}
					if d.OutOfOrder() && fresh[string(d.Body)] {
						t.Errorf("%s was never left behind", d.Body)
					}
					last[d.Key] = max(last[d.Key], n)
					fresh[string(d.Body)] = false
				}
				wait := time.Duration(1+random.IntN(2)) * time.Second
				for _, d := range all {
					if random.IntN(8) == 0 {
						d.Ack()
					} else {
						d.Nack(wait)
					}
				}
			}
			if said == 0 || changed == 0 {
				t.Errorf("%d say that their order is given up, and it changed for %d", said, changed)
			}
			closeTest(t, q)
		})
	}
}

// TestBehindIsTakenOver: whoever takes a directory over in which items were left behind has
// all of them, once each.
func TestBehindIsTakenOver(t *testing.T) {
	killed := func(t *testing.T, q *Spool, disk *crashFS) *crashFS {
		after := disk.powerLoss(rand.New(rand.NewPCG(1, 14)), keepEverything)
		closeTest(t, q) // its goroutines, on a disk that nobody sees any more
		return after
	}
	closed := func(t *testing.T, q *Spool, disk *crashFS) *crashFS {
		closeTest(t, q)
		return disk
	}
	for _, tc := range []struct {
		name string
		ends func(*testing.T, *Spool, *crashFS) *crashFS
		next func(*testing.T, *crashFS) Queue
	}{
		{"adopted from one that was closed", closed, adopts},
		{"adopted from one that was killed", killed, adopts},
		{"by a standby", nil, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := behindFor(t, func(int) time.Duration { return 5 * time.Second })
				disk := q.disk.(*crashFS)
				total := 40
				var next Queue
				if tc.next != nil {
					next = tc.next(t, tc.ends(t, q, disk))
				} else {
					total += 10
					next = standsBy(t, disk)
					closeTest(t, q)
				}
				<-time.After(10 * time.Second)
				for round := range 3 { // in which they are left behind once more
					came := map[string]bool{}
					for _, d := range takeNow(t, next, 2*total) {
						came[string(d.Body)] = true
						if round < 2 {
							d.Nack(2 * time.Second)
						} else {
							d.Ack()
						}
					}
					if len(came) != total {
						t.Errorf("round %d: %d of %d came", round, len(came), total)
					}
					<-time.After(5 * time.Second)
				}
				if st := next.Stats(); st.Waiting != 0 || st.Done != st.Last || st.Recovered != 40 {
					t.Errorf("in the end %+v", st)
				}
				if err := inspectSpool(disk, spoolDir, func(e SpoolEntry) error { return fmt.Errorf("%s is there", e.Body) }); err != nil && tc.name != "adopted from one that was killed" {
					t.Error(err)
				}
				if err := next.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// adopts opens a spool that has its own directory, and takes over what is beside it.
func adopts(t *testing.T, disk *crashFS) Queue {
	t.Helper()
	o := behindOptions()
	o.PerProcess = true
	q, err := openSpool(disk, spoolDir, o)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// standsBy begins a standby with ten items, of which it has handed out eight and given back
// five.
func standsBy(t *testing.T, disk *crashFS) Queue {
	t.Helper()
	s := newStandby(disk, spoolDir, behindOptions(), NewMemory(100, 1<<20), ErrLocked, nil)
	for n := range 10 {
		mustAppend(t, s, Item{Body: fmt.Append(nil, "standby", n), Time: time.Now()})
	}
	for n, d := range takeNow(t, s, 8) {
		if n < 5 {
			d.Nack(3 * time.Second)
		} else {
			time.AfterFunc(7*time.Second, func() { d.Nack(time.Second) }) // by then it has moved
		}
	}
	return s
}

// TestBehindInAFullSpool: what is left behind keeps so many files that there may be no more. New
// items are refused until it is delivered.
func TestBehindInAFullSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := behindOptions()
		o.Bytes = 256 << 10
		q, err := openSpool(newCrashFS(), spoolDir, o)
		if err != nil {
			t.Fatal(err)
		}
		settle := func(keep func(n int) bool) {
			for n := 0; ; {
				got := takeNow(t, q, 20)
				for _, d := range got {
					if n++; keep(n) {
						d.Nack(time.Minute)
					} else {
						d.Ack()
					}
				}
				if len(got) == 0 {
					return
				}
			}
		}
		body := bytes.Repeat([]byte{'x'}, 1000)
		for n := 0; err == nil || errors.Is(err, ErrNotYetOnDisk) && q.Err() == nil; n++ {
			err = q.Append(t.Context(), Item{Body: body, Priority: High, Time: time.Now()})
			if n%20 == 19 {
				<-time.After(200 * time.Millisecond)
				settle(func(n int) bool { return n%10 < 4 })
			}
		}
		if st := q.Stats(); !errors.Is(q.Err(), errCrowded) || q.behind.leftN() < st.Waiting/2 {
			t.Errorf("%d are left behind; %v, %+v", q.behind.leftN(), q.Err(), st)
		}
		<-time.After(2 * time.Minute)
		settle(func(int) bool { return false })
		<-time.After(2 * time.Second)
		mustAppend(t, q, Item{Body: body, Time: time.Now()})
		settle(func(int) bool { return false })
		if st := q.Stats(); q.Err() != nil || st.Waiting != 0 || st.Done != st.Last {
			t.Errorf("in the end %v, %+v", q.Err(), st)
		}
		closeTest(t, q)
	})
}

// TestCloseWhileAPassHangs: a pass hangs in the disk while the spool is closed. Nothing is
// lost, and the next process has all.
func TestCloseWhileAPassHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := behindFor(t, func(int) time.Duration { return 3 * time.Second })
		disk, h := q.disk.(*crashFS), &hanging{suits: operations("read")}
		synctest.Wait() // nobody uses the disk
		disk.before = h.before
		<-time.After(5 * time.Second)
		h.begin()
		for _, d := range takeNow(t, q, 4) { // what is in memory
			d.Ack()
		}
		if st := q.Stats(); st.Waiting != 36 || q.behind.pass.n != 36 {
			t.Errorf("while the disk hangs: %+v", st)
		}
		closeTest(t, q)
		if st := q.Stats(); st.Waiting != 36 || st.Lost != 0 || st.Damaged != 0 {
			t.Errorf("when it is closed: %+v", st)
		}
		h.end()
		synctest.Wait()
		q = openBehind(t, disk)
		if got := takeNow(t, q, 100); len(got) != 36 || got[0].OutOfOrder() {
			t.Errorf("then come %s", names(got))
		}
		closeTest(t, q)
	})
}

// TestCohorts: an item is due at most a second before its cohort, or half as long before as it
// was given back for, and never after it. There are few cohorts, whatever the waits. And each
// is due by the monotonic clock, which nobody can set.
func TestCohorts(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 15))
	var b behind
	most := 0
	for now := time.Now(); b.began.IsZero() || now.Sub(b.began) < time.Hour; now = now.Add(time.Duration(random.IntN(2000)) * time.Millisecond) {
		for range 10 {
			wait := time.Duration(random.Int64N(int64(leaveMost))) >> random.IntN(12)
			due := now.Add(wait)
			c := b.cohort(due, wait)
			if late := c.due.Sub(due); late < 0 || late > max(time.Second, wait/2) {
				t.Fatalf("what was given back for %v is late by %v", wait, late)
			}
			if !strings.Contains(c.due.String(), " m=") {
				t.Fatal("it is due by the time of day, which can be set")
			}
		}
		if !slices.IsSortedFunc(b.cohorts, func(a, b *cohort) int { return a.due.Compare(b.due) }) {
			t.Fatal("the first is not the one that is due first")
		}
		most = max(most, len(b.cohorts))
		b.cohorts = slices.DeleteFunc(b.cohorts, func(c *cohort) bool { return !now.Before(c.due) })
	}
	if most > 40 {
		t.Errorf("there were %d at once", most)
	}
}
