package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// openBehind opens a spool that keeps no more than four items in memory that were given
// back.
func openBehind(t *testing.T, disk fsys) *Spool {
	t.Helper()
	q, err := openSpool(disk, spoolDir, behindOptions())
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// behindOptions are those of a spool that keeps no more than four items in memory.
func behindOptions() SpoolOptions {
	return SpoolOptions{Window: 4, SegmentBytes: minSegment, keptBack: 4, pace: pace{1, 20 * time.Millisecond, 20 * time.Millisecond}}
}

// takeNow receives at most n items, without waiting.
func takeNow(t *testing.T, q Queue, n int) (got []Delivery) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	for len(got) < n {
		some, err := q.Receive(ctx, n-len(got))
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Receive: %v", err)
			}
			break
		}
		got = append(got, some...)
	}
	return got
}

func names(all []Delivery) string { return strings.Join(bodies(all), " ") }

// TestBehindExample runs the example at the head of spool_behind.go.
func TestBehindExample(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openBehind(t, newCrashFS())
		for n := range 10 {
			mustAppend(t, q, Item{Body: fmt.Append(nil, n+1), Time: time.Unix(int64(n+1), 0)})
		}
		<-time.After(time.Second) // they are synced
		expect := func(step string, inMemory, left, pass, done int) {
			t.Helper()
			q.mu.Lock()
			b := &q.behind
			begun, nowLeft, nowPass := len(q.begun.entries), b.leftN(), b.pass.n
			q.mu.Unlock()
			if begun != inMemory || nowLeft != left || nowPass != pass {
				t.Errorf("%s: %d in memory, %d left, %d in the pass; want %d, %d, %d", step, begun, nowLeft, nowPass, inMemory, left, pass)
			}
			if st := q.Stats(); st.Waiting != 10 || st.Done != uint64(done) || st.Oldest != time.Unix(int64(done+1), 0) {
				t.Errorf("%s: %+v", step, st)
			}
		}
		take := func(n int, want string) []Delivery {
			t.Helper()
			got := takeNow(t, q, n)
			if names(got) != want {
				t.Errorf("%d come: %s; want %s", n, names(got), want)
			}
			return got
		}
		giveBack := func(all []Delivery) {
			for _, d := range all {
				d.Nack(2 * time.Second)
			}
		}
		got := take(10, "1 2 3 4 5 6 7 8 9 10")
		expect("handed out", 10, 0, 0, 0)
		giveBack(got)
		expect("given back", 4, 6, 0, 0)
		take(10, "")
		<-time.After(2 * time.Second)
		got = take(4, "1 2 3 4")
		expect("four come again, and a pass begins", 4, 0, 6, 0)
		giveBack(got)
		got = take(4, "5 6 7 8")
		expect("four of the pass", 8, 0, 2, 0)
		giveBack(got)
		expect("left behind again", 4, 4, 2, 0)
		take(4, "9 10")
		expect("the pass is over", 6, 4, 0, 0)
		<-time.After(2 * time.Second)
		got = take(10, "1 2 3 4")
		<-time.After(time.Second)
		got = append(got, take(10, "5 6 7 8")...)
		expect("all are out", 10, 0, 0, 0)
		for _, d := range got {
			d.Ack()
		}
		if st := q.Stats(); st.Waiting != 2 || st.Done != 8 {
			t.Errorf("9 and 10 are left: %+v", st)
		}
		if err := q.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestMuchGivenBackKeepsNobodyWaiting: far more is given back than may be handed out. What
// comes later is handed out all the same, whether it goes first or not, and in the end all
// comes, in its order.
func TestMuchGivenBackKeepsNobodyWaiting(t *testing.T) {
	for _, again := range []bool{false, true} {
		t.Run(fmt.Sprintf("found on the disk %v", again), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newCrashFS()
				q := openBehind(t, disk)
				total := 3 * q.mostBegun()
				for n := range total {
					mustAppend(t, q, Item{Body: fmt.Append(nil, n), Key: "flood", Time: time.Now()})
				}
				if again {
					closeTest(t, q)
					q = openBehind(t, disk)
				}
				put := func(first bool) {
					t.Helper()
					for n := range 3 {
						mustAppend(t, q, Item{Body: fmt.Append(nil, "other", n), Key: "other", Time: time.Now(), First: first})
					}
				}
				flood := 0
				giveBack := func(most int) (others int) {
					for range most / 10 {
						for _, d := range takeNow(t, q, 10) {
							if d.Key == "other" {
								d.Ack()
								others++
								continue
							}
							flood++
							d.Nack(10 * time.Second)
						}
					}
					return others
				}
				<-time.After(time.Second)
				giveBack(2 * total / 3)
				put(false)
				if n := giveBack(total/3 + 20); n != 3 {
					t.Errorf("%d of 3 others came", n)
				}
				if flood != total {
					t.Errorf("%d of %d were handed out", flood, total)
				}
				if n := len(q.begun.entries); n > 2*q.o.keptBack {
					t.Errorf("%d are in memory", n)
				}
				<-time.After(20 * time.Second) // all are due
				put(true)
				if got := takeNow(t, q, 3); len(got) != 3 || got[0].Key != "other" || got[2].Key != "other" {
					t.Errorf("first come %q", names(got))
				} else {
					for _, d := range got {
						d.Ack()
					}
				}
				var came []string
				for range 10 * total {
					got := takeNow(t, q, 1)
					if len(got) == 0 {
						break
					}
					came = append(came, string(got[0].Body))
					got[0].Ack()
				}
				if len(came) != total || q.Stats().Waiting != 0 || q.Stats().Done != q.Stats().Last {
					t.Errorf("%d of %d came; %+v", len(came), total, q.Stats())
				}
				closeTest(t, q)
			})
		})
	}
}

// TestBehindIsOnTheDisk: what is not synced is not left behind, since it may have to be
// written again. So it survives a loss of power even if the first sync fails.
func TestBehindIsOnTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk := newCrashFS()
		f := &faulty{suits: operations("sync"), err: syscall.EIO}
		disk.before = f.strike
		q := openBehind(t, disk)
		for n := range 20 {
			mustAppend(t, q, Item{Body: fmt.Append(nil, n), Time: time.Now()})
		}
		synctest.Wait() // they are written
		f.on.Store(true)
		for _, d := range takeNow(t, q, 20) {
			d.Nack(5 * time.Second)
		}
		<-time.After(time.Second)
		f.on.Store(false)
		if q.Report().Rewritten == 0 {
			t.Error("nothing was written again")
		}
		<-time.After(10 * time.Second)
		after := openBehind(t, disk.powerLoss(rand.New(rand.NewPCG(1, 1)), keepNothing))
		for _, q := range []*Spool{q, after} {
			if got := takeNow(t, q, 20); len(got) != 20 {
				t.Errorf("%s come", names(got))
			}
			closeTest(t, q)
		}
	})
}

// TestBehindAndCompaction: one item in ten cannot be delivered, far more of them in all than
// are handed out. Their segments are emptied, memory lets go of them all the same, and each
// comes once in the end.
func TestBehindAndCompaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openBehind(t, newCrashFS())
		stuck := map[string]bool{}
		give := func() {
			for _, d := range takeNow(t, q, 20) {
				if d.Key == "stuck" {
					d.Nack(5 * time.Second)
				} else {
					d.Ack()
				}
			}
		}
		n, first := 0, fmt.Sprintf("0 %0500d", 0)
		for ; len(stuck) < 2*q.mostBegun(); n++ {
			item := Item{Body: fmt.Appendf(nil, "%d %0500d", n, 0), Time: time.Now()}
			if n%10 == 0 {
				item.Key = "stuck"
				stuck[string(item.Body)] = true
			}
			mustAppend(t, q, item)
			if n%10 == 9 {
				give()
				<-time.After(50 * time.Millisecond)
			}
		}
		for range 60 {
			for range 40 {
				give()
			}
			<-time.After(time.Second)
		}
		if st := q.Stats(); st.Done != 0 {
			t.Errorf("the first item is not settled: %+v", st)
		}
		begun, segments, copied := len(q.begun.entries), len(q.segments), q.Report().Copied
		// More than a quarter of some 100 records are left in each segment: 512 lie in at most 20.
		if st := q.Stats(); begun > q.mostBegun()/2 || segments > 22 || copied == 0 || st.Waiting != len(stuck) {
			t.Errorf("of %d items %d are in memory and %d were copied, in %d segments; %+v", len(stuck), begun, copied, segments, st)
		}
		for range 60 {
			for _, d := range takeNow(t, q, 1000) {
				if !stuck[string(d.Body)] {
					t.Errorf("%.9s comes twice", d.Body)
				}
				if st := q.Stats(); stuck[first] && st.Done != 0 {
					t.Fatalf("the first item is not settled: %+v", st)
				}
				delete(stuck, string(d.Body))
				d.Ack()
			}
			<-time.After(time.Second)
		}
		if st := q.Stats(); len(stuck) > 0 || st.Waiting != 0 || st.Done != st.Last {
			t.Errorf("%d did not come; %+v", len(stuck), st)
		}
		closeTest(t, q)
	})
}

// leftN is how many were left behind and are in no pass.
func (b *behind) leftN() (n int) {
	for _, c := range b.cohorts {
		n += c.n
	}
	return n
}

// behindFor opens a spool with 40 items that are given back for so long, one after the
// other, and returns it. All but four are left behind.
func behindFor(t *testing.T, wait func(n int) time.Duration) *Spool {
	t.Helper()
	q := openBehind(t, newCrashFS())
	for n := range 40 {
		mustAppend(t, q, Item{Body: fmt.Append(nil, n), Key: "flood", Time: time.Now()})
	}
	<-time.After(time.Second)
	for n, d := range receive(t, q, 40) {
		d.Nack(wait(n))
	}
	return q
}

// TestBehindWaitsForNoOther: an item that is left behind comes soon after it is due, however
// long others wait that are left behind with it, and whatever is left behind meanwhile.
func TestBehindWaitsForNoOther(t *testing.T) {
	for _, tc := range []struct {
		name string
		wait func(n int) time.Duration
		due  int // how many are due after six seconds
	}{
		{"one waits for minutes", func(n int) time.Duration {
			if n == 20 {
				return 9 * time.Minute
			}
			return 4 * time.Second
		}, 39},
		{"each waits longer than the one before", func(n int) time.Duration { return time.Second + time.Duration(n)*500*time.Millisecond }, 7},
		{"one waits for ever", func(n int) time.Duration {
			if n == 20 {
				return 1<<63 - 1
			}
			return 4 * time.Second
		}, 39},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := behindFor(t, tc.wait)
				<-time.After(6500 * time.Millisecond)
				if got := takeNow(t, q, 40); len(got) < tc.due {
					t.Errorf("%d come, want %d: %s", len(got), tc.due, names(got))
				}
				closeTest(t, q)
			})
		})
	}
	t.Run("others are given back all the time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			q := behindFor(t, func(int) time.Duration { return 4 * time.Second })
			came := map[string]bool{}
			for n := range 71 { // ten a second, each for four seconds
				mustAppend(t, q, Item{Body: fmt.Append(nil, "new", n), Key: "flood", Time: time.Now()})
				<-time.After(100 * time.Millisecond)
				for _, d := range takeNow(t, q, 20) {
					came[string(d.Body)] = came[string(d.Body)] || d.Key == "flood" && !strings.HasPrefix(string(d.Body), "new")
					d.Nack(4 * time.Second)
				}
			}
			for n := range 40 {
				if !came[strconv.Itoa(n)] {
					t.Errorf("%d did not come", n)
				}
			}
			closeTest(t, q)
		})
	})
}

// TestBehindKeepsOthers: who has few items given back has them in memory, whatever somebody
// else has: they come when they are due, in their order and before what is newer.
func TestBehindKeepsOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, err := openSpool(newCrashFS(), spoolDir, SpoolOptions{Window: 40, SegmentBytes: minSegment, keptBack: 120})
		if err != nil {
			t.Fatal(err)
		}
		put := func(key string, n int) {
			for i := range n {
				mustAppend(t, q, Item{Body: fmt.Append(nil, key, i), Key: key, Time: time.Now()})
			}
			<-time.After(time.Second)
		}
		put("flood", 400)
		for _, d := range receive(t, q, 400) {
			d.Nack(3 * time.Second)
		}
		put("other", 3)
		for _, d := range receive(t, q, 3) {
			d.Nack(1500 * time.Millisecond)
		}
		if n := q.behind.leftN(); n != 281 { // the third of the others is too much: two are a sixtieth
			t.Errorf("%d are left behind", n)
		}
		put("more", 1)
		<-time.After(time.Second)
		q.mu.Lock()
		q.beginPassLocked()
		q.mu.Unlock()
		got := receive(t, q, 200)
		i := slices.IndexFunc(got, func(d Delivery) bool { return d.Key == "other" })
		if i != 120 || string(got[i].Body) != "other0" || string(got[i+1].Body) != "other1" {
			t.Errorf("the others come at %d of %s", i, names(got))
		}
		closeTest(t, q)
	})
}
