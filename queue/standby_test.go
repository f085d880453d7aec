package queue

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// standby is a queue whose directory another spool has.
func (s *story) standby(disk *crashFS) (first *Spool, q *Standby) {
	s.Helper()
	first = s.open(disk, false)
	_, err := openSpool(disk, spoolDir, smallSpool(false))
	if !errors.Is(err, ErrLocked) {
		s.Fatalf("a second spool: %v", err)
	}
	q = newStandby(disk, spoolDir, smallSpool(false), NewMemory(1000, 1<<20), err, nil)
	return first, q
}

// takesOver lets the first end, and waits until the standby has moved.
func (s *story) takesOver(first *Spool, q *Standby) {
	s.Helper()
	<-time.After(10 * standbyEvery)
	if q.Spool() != nil || !errors.Is(q.Err(), ErrLocked) {
		s.Errorf("it moved while another had the directory: %v", q.Err())
	}
	s.close(first)
	<-time.After(standbyEvery)
	synctest.Wait()
	if q.Spool() == nil || q.Err() != nil {
		s.Fatalf("%v after the directory is free: %v", standbyEvery, q.Err())
	}
}

// TestStandbyTakesOver: what the predecessor left is found. What is in memory goes to the
// disk, whether it was handed out, given back or neither. What was handed out is settled
// as if nothing had happened, and nothing comes twice.
func TestStandbyTakesOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 21)
		disk := newCrashFS()
		first, q := s.standby(disk)
		for range 5 { // left behind
			if err := s.append(first, 1, 100); err != nil {
				t.Fatal(err)
			}
		}
		for range 12 {
			if err := s.append(q, 1, 100); err != nil {
				t.Fatal(err)
			}
		}
		out := s.receive(q, 9)
		s.ack(out[0])
		out[1].Nack(2 * time.Minute)
		if !out[2].Dead("why not") {
			t.Error("memory keeps no letter")
		}
		s.died[string(out[2].Body)] = true
		room, err := q.Reserve(Low, 100)
		if err != nil {
			t.Fatal(err)
		}
		before := q.Stats()
		s.takesOver(first, q)

		if st := q.Stats(); st.Waiting != 5+12-2 || st.Last != before.Last+5 || st.Done != before.Done || st.Recovered != 5 || st.Dead != 1 || st.Letters != 1 {
			t.Errorf("before %+v, then %+v", before, st)
		}
		if err := q.Append(t.Context(), Item{Body: []byte("roomed"), Room: room, Priority: Low}); err != nil {
			t.Errorf("with a room that was promised before: %v", err)
		}
		s.offered["roomed"] = Item{Body: []byte("roomed"), Priority: Low}
		// Everything may end now.
		p := newStory(t, 22)
		p.offered, p.confirmed, p.acked, p.died = s.offered, s.confirmed, s.acked, s.died
		p.verify(picture{"killed when it had moved", disk.powerLoss(s.random, keepEverything), p.owed(0)})

		for i, d := range out {
			d.Ack() // once more makes no difference
			if i > 2 {
				s.ack(d)
			}
		}
		out[8].Nack(0)
		rest := s.receive(q, 100)
		if len(rest) != 5+3+1 {
			t.Errorf("%d items came", len(rest))
		}
		for _, d := range rest {
			s.ack(d)
		}
		<-time.After(2 * time.Minute)
		if last := s.receive(q, 100); len(last) != 1 || string(last[0].Body) != string(out[1].Body) {
			t.Errorf("%d items came after two minutes", len(last))
		} else {
			s.ack(last[0])
		}
		if st := q.Stats(); st.Waiting != 0 || st.Done != st.Last || st.Last != before.Last+5+1 {
			t.Errorf("all is settled: %+v", st)
		}
		if n, err := q.Resend(func(l Letter) bool { return l.Reason == "why not" }); n != 1 || err != nil || s.drain(q) != 1 {
			t.Errorf("the letter: %d, %v", n, err)
		}
		s.close(q)
		s.verify(picture{"in the end", disk, nil})
	})
}

// TestStandbyBehindABacklog: what was handed out in memory is on the disk behind more
// than fits into memory, and is not handed out a second time when the reader comes by.
func TestStandbyBehindABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 23)
		disk := newCrashFS()
		first, q := s.standby(disk)
		const backlog = 3000
		for range backlog {
			if err := s.append(first, 1, 100); err != nil {
				t.Fatal(err)
			}
		}
		for range 60 {
			_ = s.append(q, 1, 100)
		}
		out := s.receive(q, 30)
		s.takesOver(first, q)
		<-time.After(time.Minute) // all is synced
		for range 2000 {
			_ = s.append(q, 1, 100)
		}
		for _, d := range out[:15] {
			s.ack(d)
		}
		times := map[string]int{}
		for got := s.receive(q, 100); len(got) > 0; got = s.receive(q, 100) {
			if st := q.Stats(); st.Done >= st.Last {
				t.Fatalf("not all is settled: %+v", st)
			}
			for _, d := range got {
				if times[string(d.Body)]++; times[string(d.Body)] > 1 {
					t.Errorf("%.40q came twice", d.Body)
				}
				s.ack(d)
			}
		}
		for _, d := range out {
			if times[string(d.Body)] > 0 {
				t.Errorf("%.40q was handed out once more", d.Body)
			}
			s.ack(d)
		}
		if st := q.Stats(); len(times) != backlog+30+2000 || st.Waiting != 0 || st.Done != st.Last || st.Damaged > 0 {
			t.Errorf("%d items came; %+v", len(times), st)
		}
		s.close(q)
		s.verify(picture{"in the end", disk, nil})
	})
}

// TestStandbyAtRandom ends everything at random moments before, while and after it
// moves: from then on nothing is lost that the disk had.
func TestStandbyAtRandom(t *testing.T) {
	seeds := uint64(30)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStory(t, 100+seed)
				disk := newCrashFS()
				first, q := s.standby(disk)
				for range s.random.IntN(50) {
					_ = s.append(first, 1, 500)
				}
				var out []Delivery
				live := func() {
					for range s.random.IntN(80) {
						switch s.random.IntN(6) {
						case 0, 1, 2:
							_ = s.append(q, 1+s.random.IntN(3), 500)
						case 3:
							out = append(out, s.receive(q, s.random.IntN(10))...)
						default:
							if len(out) == 0 {
								continue
							}
							i := s.random.IntN(len(out))
							d := out[i]
							out = slices.Delete(out, i, i+1)
							switch s.random.IntN(3) {
							case 0:
								d.Nack(time.Duration(s.random.IntN(3)) * time.Second)
							case 1:
								s.mu.Lock()
								s.died[string(d.Body)] = true
								s.mu.Unlock()
								d.Dead("why not")
							default:
								s.ack(d)
							}
						}
					}
				}
				live()
				s.takesOver(first, q)
				live()
				if err := q.Spool().syncAll(t.Context(), time.Minute); err != nil {
					t.Error(err)
				}
				p := newStory(t, 200+seed)
				p.offered, p.confirmed, p.acked, p.died = s.offered, s.confirmed, s.acked, s.died
				p.verify(picture{"killed", disk.powerLoss(s.random, keepEverything), p.owed(0)})
				live()
				for _, d := range out {
					s.ack(d)
				}
				<-time.After(10 * time.Second) // longer than any is put off
				s.drain(q)
				if st := q.Stats(); st.Waiting != 0 || st.Done != st.Last {
					t.Errorf("%+v", st)
				}
				s.close(q)
			})
		})
	}
}

// TestStandbyCloses: what is in memory when it is closed goes to the disk if the
// directory is free by then, and is lost and counted if not.
func TestStandbyCloses(t *testing.T) {
	for _, free := range []bool{true, false} {
		t.Run(strconv.FormatBool(free), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStory(t, 24)
				disk := newCrashFS()
				first, q := s.standby(disk)
				for range 10 {
					if err := s.append(q, 1, 100); err != nil {
						t.Fatal(err)
					}
				}
				out := s.receive(q, 3)
				s.ack(out[0])
				if free {
					s.close(first)
				}
				s.close(q)
				if err := q.Append(t.Context(), s.item(10)); !errors.Is(err, ErrClosed) {
					t.Errorf("Append after Close: %v", err)
				}
				if _, err := q.Receive(t.Context(), 1); !errors.Is(err, ErrClosed) {
					t.Errorf("Receive after Close: %v", err)
				}
				lost := 0
				if !free {
					lost = 9
					s.close(first)
				}
				if st := q.Stats(); st.Waiting != 9 || st.Lost != lost {
					t.Errorf("%+v", st)
				}
				next := s.open(disk, false)
				if n := next.Stats().Waiting; n != 9-lost {
					t.Errorf("%d items are on the disk", n)
				}
				s.close(next)
			})
		})
	}
}

// A receiver that waits is woken by what is found on the disk, and what the spool
// could never take is refused from the start.
func TestStandbyWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 25)
		disk := newCrashFS()
		first, q := s.standby(disk)
		if err := s.append(first, 1, 100); err != nil {
			t.Fatal(err)
		}
		if err := q.Append(t.Context(), Item{Body: make([]byte, minSegment)}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("an item larger than a segment: %v", err)
		}
		if _, err := q.Reserve(High, minSegment); !errors.Is(err, ErrTooLarge) {
			t.Errorf("a room larger than a segment: %v", err)
		}
		got := make(chan int)
		go func() {
			all, err := q.Receive(context.WithoutCancel(t.Context()), 10)
			if err != nil {
				t.Error(err)
			}
			got <- len(all)
		}()
		s.takesOver(first, q)
		if n := <-got; n != 1 {
			t.Errorf("%d items came", n)
		}
		s.close(q)
	})
}

// TestStandbyKeepsItsPromises: a place that was promised in memory is there in a spool
// that turns out to be full, and is given back if it is not used.
func TestStandbyKeepsItsPromises(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStory(t, 26)
		disk := newCrashFS()
		first, q := s.standby(disk)
		for s.append(first, 1, 10_000) == nil { // as much as there is room for
			continue
		}
		var rooms []*Room
		for range 3 {
			room, err := q.Reserve(High, 30_000)
			if err != nil {
				t.Fatal(err)
			}
			rooms = append(rooms, room)
		}
		s.takesOver(first, q)
		item := Item{Body: make([]byte, 30_000), Priority: High}
		s.offered[string(item.Body)] = item
		if err := q.Append(t.Context(), item); !errors.Is(err, ErrFull) {
			t.Errorf("without a room: %v", err)
		}
		item.Room = rooms[0]
		if err := q.Append(t.Context(), item); err != nil {
			t.Errorf("with a room: %v", err)
		}
		if err := q.Append(t.Context(), item); !errors.Is(err, ErrFull) {
			t.Errorf("with a room that is used up: %v", err)
		}
		rooms[1].Release()
		item.Room = rooms[1]
		if err := q.Append(t.Context(), item); !errors.Is(err, ErrFull) {
			t.Errorf("with a room that was given back: %v", err)
		}
		item.Room = rooms[2]
		if err := q.Append(t.Context(), item, Item{Body: make([]byte, minSegment)}); !errors.Is(err, ErrTooLarge) {
			t.Errorf("beside one that is too large: %v", err)
		}
		s.drain(q)
		if st := q.Stats(); st.Full != 0 || st.Waiting != 0 {
			t.Errorf("all is settled: %+v", st)
		}
		s.close(q)
	})
}
