package queue

import (
	"bytes"
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
	q, err := openSpool(disk, spoolDir, SpoolOptions{Window: 4, SegmentBytes: minSegment, keptBack: 4, pace: pace{1, 20 * time.Millisecond, 20 * time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	return q
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

// TestBehindOnABadDisk: what was left behind cannot be read for a while, or for good, or is
// damaged. The rest is handed out.
func TestBehindOnABadDisk(t *testing.T) {
	for _, tc := range []struct {
		name  string
		harm  func(t *testing.T, q *Spool, f *faulty)
		comes int // of the 40
	}{
		{"for a while", func(_ *testing.T, _ *Spool, f *faulty) {
			f.on.Store(true)
			time.AfterFunc(2500*time.Millisecond, func() { f.on.Store(false) })
		}, 40},
		{"for good", func(_ *testing.T, _ *Spool, f *faulty) { f.on.Store(true) }, 4},
		{"one is damaged", func(t *testing.T, q *Spool, _ *faulty) { spoilItem(t, q, "item 17;") }, 39},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				disk := newCrashFS()
				f := &faulty{suits: operations("read"), err: syscall.EIO}
				disk.before = f.strike
				q := openBehind(t, disk)
				for n := range 40 {
					mustAppend(t, q, Item{Body: fmt.Appendf(nil, "item %d;", n), Time: time.Now()})
				}
				<-time.After(time.Second)
				for range 4 {
					for _, d := range takeNow(t, q, 10) {
						d.Nack(5 * time.Second)
					}
				}
				<-time.After(5 * time.Second)
				tc.harm(t, q, f)
				came := 0
				for n := range 200 {
					if n%2 == 0 { // something else can be had
						mustAppend(t, q, Item{Body: []byte("new"), Time: time.Now()})
					}
					ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
					got, err := q.Receive(ctx, 100)
					cancel()
					if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, syscall.EIO) {
						t.Error(err)
					}
					for _, d := range got {
						if string(d.Body) != "new" {
							came++
						}
						d.Ack()
					}
					<-time.After(50 * time.Millisecond)
				}
				st := q.Stats()
				if came != tc.comes || st.Damaged != uint64(40-tc.comes) || st.Waiting != 0 || st.Done != st.Last {
					t.Errorf("%d of %d came; %+v", came, tc.comes, st)
				}
				f.on.Store(false)
				closeTest(t, q)
			})
		})
	}
}

// TestBehindWhileReadingHangs: a pass hangs in the disk. What is in memory is handed out,
// and when the disk answers, so is the rest.
func TestBehindWhileReadingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		disk, h := newCrashFS(), &hanging{suits: operations("read")}
		disk.before = h.before
		q := openBehind(t, disk)
		for n := range 40 {
			mustAppend(t, q, Item{Body: fmt.Append(nil, n), Time: time.Now()})
		}
		<-time.After(time.Second)
		for range 4 {
			for _, d := range takeNow(t, q, 10) {
				d.Nack(3 * time.Second)
			}
		}
		<-time.After(3 * time.Second)
		h.begin()
		all := receive(t, q, 4)
		mustAppend(t, q, Item{Body: []byte("new"), Time: time.Now()})
		all = append(all, receive(t, q, 1)...)
		if names(all) != "0 1 2 3 new" {
			t.Errorf("%s come while the disk hangs", names(all))
		}
		if got := takeNow(t, q, 1); len(got) > 0 {
			t.Errorf("%s comes, too", names(got))
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got, err := q.Receive(soon, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s comes, too, %v", names(got), err)
		}
		h.end()
		all = append(all, receive(t, q, 36)...)
		for _, d := range all {
			d.Ack()
		}
		if st := q.Stats(); st.Waiting != 0 || st.Done != st.Last {
			t.Errorf("in the end %+v", st)
		}
		closeTest(t, q)
	})
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

// TestFreshItemsTakeTurns with those of a pass, and what is left behind is not copied by a
// compaction that had chosen it before.
func TestFreshItemsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openBehind(t, newCrashFS())
		for n := range 20 {
			mustAppend(t, q, Item{Body: fmt.Append(nil, n), Time: time.Now()})
		}
		<-time.After(time.Second)
		for _, d := range takeNow(t, q, 20) {
			e := d.ticket.(ticket).entry
			where := e.place
			d.Nack(3 * time.Second)
			q.mu.Lock()
			if q.behind.leftN() > 0 {
				q.copyLocked(e, where, nil)
			}
			q.mu.Unlock()
		}
		<-time.After(3 * time.Second)
		takeNow(t, q, 4) // those in memory
		for n := range 4 {
			mustAppend(t, q, Item{Body: fmt.Append(nil, "new", n), Time: time.Now()})
		}
		if got := names(takeNow(t, q, 8)); got != "4 new0 5 new1 6 new2 7 new3" && got != "new0 4 new1 5 new2 6 new3 7" {
			t.Errorf("%s come", got)
		}
		if n := q.Report().Copied; n > 0 {
			t.Errorf("%d were copied", n)
		}
		closeTest(t, q)
	})
}

// spoilItem changes a byte of an item in the file that is written to.
func spoilItem(t *testing.T, q *Spool, body string) {
	t.Helper()
	at := bytes.Index(q.disk.(*crashFS).bytes(q.active.path), []byte(body))
	f, err := q.disk.Open(q.active.path)
	if err == nil {
		_, err = f.WriteAt([]byte{'X'}, int64(at))
	}
	if err != nil {
		t.Fatal(err)
	}
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
		if st := q.Stats(); begun > q.mostBegun()/2 || segments > 15 || copied == 0 || st.Waiting != len(stuck) {
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
		put("other", 2)
		for _, d := range receive(t, q, 2) {
			d.Nack(1500 * time.Millisecond)
		}
		if n := q.behind.leftN(); n != 280 {
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

// TestBehindWithoutABody: memory has let go of a body, and the disk does not give it: then
// the item is left behind. What is lost of it in the end counts with all its bytes.
func TestBehindWithoutABody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := behindFor(t, func(int) time.Duration { return 0 })
		q.mu.Lock()
		for _, e := range slices.Concat(q.notDue.entries, q.due.entries) {
			q.window.givenBackBytes -= int64(len(e.Body))
			e.Body, e.dropped = nil, true
		}
		q.mu.Unlock()
		f := &faulty{suits: operations("read"), err: syscall.EIO}
		f.on.Store(true)
		synctest.Wait() // nobody uses the disk
		q.disk.(*crashFS).before = f.strike
		for range 60 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if got, err := q.Receive(ctx, 40); err == nil {
				t.Errorf("%s come", names(got))
			}
			cancel()
			<-time.After(time.Second)
		}
		f.on.Store(false)
		for _, d := range takeNow(t, q, 40) {
			d.Ack()
		}
		if st := q.Stats(); st.Waiting != 0 || st.Bytes != 0 || st.Damaged != 36 {
			t.Errorf("in the end %+v", st)
		}
		closeTest(t, q)
	})
}
