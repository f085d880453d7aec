package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// model is the simplest queue there could be.
type model struct {
	maxItems, maxBytes int
	maxLetters         int // bytes
	keeps              bool
	closed             bool
	all                []*modelItem // by number
	letters            []Item
	dead, recovered    uint64
	lent               []int // promised, each with its bytes
}

type modelItem struct {
	Item
	out, settled bool
	due          time.Time // of one given back
	fresh        bool
}

func (m *model) waiting() (n, bytes int) {
	for _, i := range m.all {
		if !i.settled {
			n++
			bytes += len(i.Body) + len(i.Key)
		}
	}
	return n, bytes
}

func (m *model) append(items []Item) error {
	if m.closed {
		return ErrClosed
	}
	n, bytes := m.waiting()
	var err error
	for _, i := range items {
		size := len(i.Body) + len(i.Key)
		if size > m.maxBytes {
			return ErrTooLarge
		}
		n, bytes = n+1, bytes+size
		if !m.fits(n, bytes, i.Priority) {
			err = ErrFull
		}
	}
	if err == nil {
		for _, i := range items {
			m.all = append(m.all, &modelItem{Item: i, fresh: true})
		}
	}
	return err
}

func (m *model) fits(n, bytes int, p Priority) bool {
	percent := map[Priority]int{Low: 80, Normal: 95, High: 100}[p]
	for _, size := range m.lent {
		n, bytes = n+1, bytes+size
	}
	return n*100 <= m.maxItems*percent && bytes*100 <= m.maxBytes*percent
}

func (m *model) giveBack(i int) { m.lent = slices.Delete(m.lent, i, i+1) }

func (m *model) reserve(size int, p Priority) error {
	n, bytes := m.waiting()
	switch {
	case m.closed:
		return ErrClosed
	case size > m.maxBytes:
		return ErrTooLarge
	case !m.fits(n+1, bytes+size, p):
		return ErrFull
	}
	return nil
}

// bury keeps the letter, and forgets the oldest while they are too many bytes.
func (m *model) bury(i Item) {
	m.dead++
	m.letters = append(m.letters, i)
	bytes := 0
	for i, l := range slices.Backward(m.letters) {
		if bytes += len(l.Body) + len(l.Key); bytes > m.maxLetters {
			m.letters = m.letters[i+1:]
			return
		}
	}
}

// resend brings every second letter back.
func (m *model) resend() (n int, err error) {
	kept := m.letters[:0:0]
	for i, l := range m.letters {
		if err == nil && i%2 == 0 {
			if err = m.append([]Item{l}); err == nil {
				n++
				continue
			}
		}
		kept = append(kept, l)
	}
	m.letters = kept
	m.recovered += uint64(n)
	return n, err
}

// ready is what may be handed out now, in order: given back, then fresh.
func (m *model) ready(now time.Time) (items []*modelItem) {
	for _, fresh := range []bool{false, true} {
		for _, i := range m.all {
			if !i.settled && !i.out && i.fresh == fresh && !i.due.After(now) {
				items = append(items, i)
			}
		}
	}
	return items
}

// newest is what may be handed out now, from the other end.
func (m *model) newest(now time.Time) (items []*modelItem) {
	for _, i := range slices.Backward(m.all) {
		if !i.settled && !i.out && !i.due.After(now) {
			items = append(items, i)
		}
	}
	return items
}

func (m *model) stats() Stats {
	s := Stats{Last: uint64(len(m.all)), Done: uint64(len(m.all)), Dead: m.dead, Letters: len(m.letters), Recovered: m.recovered}
	n, bytes := m.waiting()
	s.Waiting, s.Bytes = n, int64(bytes)
	for _, size := range m.lent {
		n, bytes = n+1, bytes+size
	}
	s.Full = max(float64(n)/float64(m.maxItems), float64(bytes)/float64(m.maxBytes))
	if m.closed && !m.keeps {
		s.Lost = s.Waiting
	}
	if i := slices.IndexFunc(m.all, func(i *modelItem) bool { return !i.settled }); i >= 0 {
		s.Oldest, s.Done = m.all[i].Time, uint64(i)
	}
	return s
}

// reopened is what the next process finds: what is not settled, all of it as if
// it had never been handed out.
func (m *model) reopened() {
	m.closed, m.dead, m.lent = false, 0, nil
	n, _ := m.waiting()
	m.recovered = uint64(n)
	for _, i := range m.all {
		i.out, i.due, i.fresh = false, time.Time{}, true
	}
}

// sortAsOnDisk is for copies: a new process hands them out after all that was newer.
func (m *model) sortAsOnDisk(t *testing.T, q *Spool) {
	settled := slices.DeleteFunc(slices.Clone(m.all), func(i *modelItem) bool { return !i.settled })
	waiting := slices.DeleteFunc(slices.Clone(m.all), func(i *modelItem) bool { return i.settled })
	m.all = settled
	if err := inspectSpool(q.disk, q.dir, func(e SpoolEntry) error {
		i := slices.IndexFunc(waiting, func(i *modelItem) bool { return string(i.Body) == string(e.Body) && i.Key == e.Key })
		if !e.Dead && i >= 0 {
			m.all = append(m.all, waiting[i])
			waiting = slices.Delete(waiting, i, i+1)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(waiting) > 0 {
		t.Fatalf("%d items are not on the disk", len(waiting))
	}
}

// engine is all that an engine of this package offers.
type engine interface {
	Queue
	Reserver
	LetterBox
	NewestReceiver
}

// TestEnginesAreTheModel runs one random sequence of operations on the model
// and on each engine, and compares all they say.
func TestEnginesAreTheModel(t *testing.T) {
	for _, tc := range []struct {
		name  string
		seeds uint64
		scale int  // of the items
		keeps bool // what was not settled, when it is opened again
		// open returns how to open one queue, again and again.
		open func(t *testing.T, maxItems int, maxBytes int64) func() engine
	}{
		{"Memory", 300, 1, false, func(_ *testing.T, maxItems int, maxBytes int64) func() engine {
			return func() engine { return NewMemory(maxItems, maxBytes) }
		}},
		{"Spool", 200, 1, true, openModelled},
		{"Spool with large items", 100, 200, true, openModelled},
		{"Spool with few items a segment", 100, 1000, true, openModelled},
	} {
		t.Run(tc.name, func(t *testing.T) {
			seeds := tc.seeds
			if testing.Short() {
				seeds /= 4 // each does the same things in another order, ten times as slowly under the race detector
			}
			for seed := range seeds {
				synctest.Test(t, func(t *testing.T) {
					againstModel(t, rand.New(rand.NewPCG(seed, 1)), tc.scale, tc.keeps, tc.open)
				})
				if t.Failed() {
					t.Fatalf("with seed %d", seed)
				}
			}
		})
	}
}

func openModelled(t *testing.T, maxItems int, maxBytes int64) func() engine {
	disk := newCrashFS()
	return func() engine {
		q, err := openSpool(disk, spoolDir, SpoolOptions{Items: maxItems, Bytes: maxBytes, SegmentBytes: minSegment, Window: 3, keptBack: 1000, Letters: 64 << 20, pace: pace{1, 20 * time.Millisecond, 20 * time.Millisecond}})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
}

func againstModel(t *testing.T, random *rand.Rand, scale int, keeps bool, opener func(*testing.T, int, int64) func() engine) {
	m := &model{maxItems: 1 + random.IntN(30), maxBytes: scale * (20 + random.IntN(300))}
	if m.keeps, m.maxLetters = keeps, m.maxBytes; keeps {
		m.maxLetters = windowBytes // what a spool shows
	}
	open := opener(t, m.maxItems, int64(m.maxBytes))
	q := open()
	defer func() { _ = q.Close(context.WithoutCancel(t.Context())) }()
	type pair struct {
		Delivery
		item *modelItem
	}
	var held, old []pair
	var rooms []*Room
	copies := false
	var trace []string
	say := func(format string, args ...any) { trace = append(trace, fmt.Sprintf(format, args...)) }
	fail := func(format string, args ...any) {
		t.Helper()
		for i, line := range trace {
			trace[i] = line[:min(len(line), 60)]
		}
		t.Fatalf("%s\nafter %q of %d items, %d bytes", fmt.Sprintf(format, args...), trace, m.maxItems, m.maxBytes)
	}
	for range 200 {
		switch op := random.IntN(28); {
		case op < 6:
			batch := make([]Item, random.IntN(4))
			for i := range batch {
				batch[i] = Item{Body: fmt.Appendf(nil, "%0*d", 1+random.IntN(25*scale), len(m.all)+i), Key: strconv.Itoa(random.IntN(3)), Priority: Priority(random.IntN(3) - 1), Time: time.Now()}
			}
			want, got := m.append(batch), q.Append(t.Context(), batch...)
			say("append %d: %v", len(batch), got)
			if !errors.Is(got, want) || (got == nil) != (want == nil) {
				fail("Append: %v, want %v", got, want)
			}
		case op < 11:
			n := random.IntN(6)
			want := m.ready(time.Now())
			want = want[:min(len(want), max(n, 1))]
			ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
			got, err := q.Receive(ctx, n)
			cancel()
			say("receive %d: %v %v", n, bodies(got), err)
			switch {
			case m.closed:
				if !errors.Is(err, ErrClosed) {
					fail("Receive: %v", err)
				}
				continue
			case len(want) == 0 && !errors.Is(err, context.DeadlineExceeded), len(got) > len(want), len(got) == 0 && len(want) > 0:
				fail("Receive: %d items, %v; want %d", len(got), err, len(want)) // fewer may be had at once
			}
			for i, d := range got {
				if string(d.Body) != string(want[i].Body) || d.Key != want[i].Key {
					fail("Receive: item %d is %s, want %s", i, d.Body, want[i].Body)
				}
				want[i].out, want[i].fresh = true, false
				held = append(held, pair{d, want[i]})
			}
		case op < 17 && len(held) > 0:
			i := random.IntN(len(held))
			p := held[i]
			held = slices.Delete(held, i, i+1)
			old = append(old, p)
			p.item.out = false
			switch op {
			case 11, 12:
				after := time.Duration(random.IntN(5)-1) * time.Second
				say("nack %s %v", p.Body, after)
				p.item.due = time.Now().Add(after)
				p.Nack(after)
			case 13:
				say("dead %s", p.Body)
				p.item.settled = true
				m.bury(p.item.Item)
				p.Dead("why")
			default:
				say("ack %s", p.Body)
				p.item.settled = true
				p.Ack()
			}
		case op == 17 && len(old) > 0: // "further calls do nothing"
			p := old[random.IntN(len(old))]
			p.Ack()
			p.Nack(0)
			p.Dead("again")
		case op == 18:
			<-time.After(time.Duration(random.IntN(2500)) * time.Millisecond)
		case op == 20 && m.closed && m.keeps: // the letters are where nobody reads any more
			if n, err := q.Resend(func(Letter) bool { return true }); n != 0 || !errors.Is(err, ErrClosed) {
				fail("Resend after Close: %d, %v", n, err)
			}
		case op == 20:
			i := 0
			gotN, got := q.Resend(func(Letter) bool { i++; return i%2 == 1 })
			wantN, want := m.resend()
			say("resend: %d, %v", gotN, got)
			if gotN != wantN || (got == nil) != (want == nil) || !errors.Is(got, want) {
				fail("Resend: %d, %v; want %d, %v", gotN, got, wantN, want)
			}
		case op == 21:
			size, p := random.IntN(40*scale), Priority(random.IntN(3)-1)
			room, got := q.Reserve(p, int64(size))
			want := m.reserve(size, p)
			say("reserve %d: %v", size, got)
			if (got == nil) != (want == nil) || !errors.Is(got, want) {
				fail("Reserve: %v, want %v", got, want)
			}
			if got == nil {
				rooms, m.lent = append(rooms, room), append(m.lent, size)
			}
		case op == 22 && len(rooms) > 0: // use the room up with an item that fits it
			i := random.IntN(len(rooms))
			size := m.lent[i]
			item := Item{Body: fmt.Appendf(nil, "%0*d", size, len(m.all))[:size], Priority: Low, Room: rooms[i]}
			if got := q.Append(t.Context(), item); m.closed && !errors.Is(got, ErrClosed) || !m.closed && got != nil {
				fail("Append into a room: %v", got)
			}
			say("append %d into a room", size)
			if m.closed {
				continue
			}
			m.giveBack(i)
			rooms = slices.Delete(rooms, i, i+1)
			m.all = append(m.all, &modelItem{Item: item, fresh: true})
		case op == 23 && len(rooms) > 0:
			say("release")
			i := random.IntN(len(rooms))
			rooms[i].Release()
			rooms[i].Release()
			m.giveBack(i)
			rooms = slices.Delete(rooms, i, i+1)
		case op >= 24:
			n := random.IntN(6)
			want := m.newest(time.Now())
			want = want[:min(len(want), n)]
			got, err := q.ReceiveNewest(t.Context(), n)
			say("newest %d: %v %v", n, bodies(got), err)
			if m.closed {
				if !errors.Is(err, ErrClosed) || len(got) > 0 {
					fail("ReceiveNewest: %d items, %v", len(got), err)
				}
				continue
			}
			if err != nil || len(got) != len(want) {
				fail("ReceiveNewest: %d items, %v; want %d", len(got), err, len(want))
			}
			for i, d := range got {
				if string(d.Body) != string(want[i].Body) || d.Key != want[i].Key {
					fail("ReceiveNewest: item %d is %s, want %s", i, d.Body, want[i].Body)
				}
				want[i].out, want[i].fresh = true, false
				held = append(held, pair{d, want[i]})
			}
		case op == 19 && random.IntN(10) == 0:
			say("close")
			first := !m.closed
			m.closed = true
			if err := q.Close(t.Context()); err != nil {
				fail("Close: %v", err)
			}
			if keeps && first && random.IntN(4) > 0 {
				say("reopen")
				q = open()
				m.reopened()
				if q, ok := q.(*Spool); ok && copies {
					m.sortAsOnDisk(t, q)
				}
				held, old, rooms = nil, nil, nil
			}
		}
		got, want := q.Stats(), m.stats()
		if m.closed && m.keeps { // nobody writes letters any more
			got.Letters, want.Letters = 0, 0
		}
		if q, ok := q.(*Spool); ok && q.Report().Copied > 0 {
			copies = true
		}
		if copies { // they have numbers, too
			if got.Last < want.Last || (got.Last == got.Done) != (want.Last == want.Done) {
				fail("Stats: %+v, want %+v and copies", got, want)
			}
			got.Last, got.Done = want.Last, want.Done
		}
		if got != want {
			fail("Stats: %+v, want %+v", got, want)
		}
	}
	if m.closed && m.keeps {
		return
	}
	got := q.Letters()
	if len(got) != len(m.letters) {
		fail("%d letters, want %d", len(got), len(m.letters))
	}
	for i, l := range got {
		if string(l.Body) != string(m.letters[i].Body) || l.Key != m.letters[i].Key || l.Reason != "why" {
			fail("letter %d is %s, want %s", i, l.Body, m.letters[i].Body)
		}
	}
}

func TestHeap(t *testing.T) {
	h := heap{before: func(a, b *entry) bool { return a.number < b.number }, which: 1}
	var want []uint64
	for n := range 200 {
		for range n {
			e := &entry{number: rand.Uint64N(50)}
			want = append(want, e.number)
			h.push(e)
		}
		slices.Sort(want)
		for len(want) > n/3 {
			if got := h.first().number; got != want[0] || h.pop().number != got {
				t.Fatalf("%d comes first, want %d", got, want[0])
			}
			want = want[1:]
		}
		for range len(want) / 4 {
			e := h.entries[rand.IntN(len(h.entries))]
			h.remove(e)
			i, _ := slices.BinarySearch(want, e.number)
			want = slices.Delete(want, i, i+1)
		}
	}
}

func BenchmarkMemory(b *testing.B) {
	m := NewMemory(1000, 1<<20)
	item := Item{Body: make([]byte, 300), Key: "k", Priority: High}
	b.ReportAllocs()
	for b.Loop() {
		if m.Append(b.Context(), item) != nil {
			b.Fatal("full")
		}
		got, _ := m.Receive(b.Context(), 1)
		got[0].Ack()
	}
}

func bodies(ds []Delivery) (got []string) {
	for _, d := range ds {
		got = append(got, string(d.Body))
	}
	return got
}
