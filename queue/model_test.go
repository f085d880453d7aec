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
	letterBytes        int
	keeps              bool // what is not settled when it is closed
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
		if bytes += len(l.Body) + len(l.Key); bytes > m.letterBytes {
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

func (m *model) stats() Stats {
	s := Stats{Last: uint64(len(m.all)), Done: uint64(len(m.all)), Dead: m.dead, Recovered: m.recovered}
	n, bytes := m.waiting()
	s.Waiting, s.Bytes = n, int64(bytes)
	if m.closed && !m.keeps {
		s.Lost = n
	}
	if i := slices.IndexFunc(m.all, func(i *modelItem) bool { return !i.settled }); i >= 0 {
		s.Oldest, s.Done = m.all[i].Time, uint64(i)
	}
	return s
}

// TestMemoryIsTheModel runs random operations on both and compares all they say.
func TestMemoryIsTheModel(t *testing.T) {
	for seed := range uint64(300) {
		synctest.Test(t, func(t *testing.T) {
			againstModel(t, rand.New(rand.NewPCG(seed, 1)), 0, false, func(items int, bytes int64) engine { return NewMemory(items, bytes) })
		})
	}
}

// engine is all that the engines of this package do.
type engine interface {
	Queue
	Reserver
	LetterBox
}

// againstModel keeps so many bytes of letters, as many as of items if that is 0.
func againstModel(t *testing.T, random *rand.Rand, letterBytes int, keeps bool, open func(items int, bytes int64) engine) {
	m := &model{maxItems: 1 + random.IntN(30), maxBytes: 20 + random.IntN(300), letterBytes: letterBytes, keeps: keeps}
	if letterBytes == 0 {
		m.letterBytes = m.maxBytes
	}
	q := open(m.maxItems, int64(m.maxBytes))
	type pair struct {
		Delivery
		item *modelItem
	}
	var held, old []pair
	var rooms []*Room
	var trace []string
	say := func(format string, args ...any) { trace = append(trace, fmt.Sprintf(format, args...)) }
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("%s\nafter %q of %d items, %d bytes", fmt.Sprintf(format, args...), trace, m.maxItems, m.maxBytes)
	}
	for range 200 {
		switch op := random.IntN(24); {
		case op < 6:
			batch := make([]Item, random.IntN(4))
			for i := range batch {
				batch[i] = Item{Body: fmt.Appendf(nil, "%0*d", 1+random.IntN(25), len(m.all)+i), Key: strconv.Itoa(random.IntN(3)), Priority: Priority(random.IntN(3) - 1), Time: time.Now()}
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
			case len(want) == 0 && !errors.Is(err, context.DeadlineExceeded), len(got) != len(want):
				fail("Receive: %d items, %v; want %d", len(got), err, len(want))
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
			size, p := random.IntN(40), Priority(random.IntN(3)-1)
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
		case op == 19 && random.IntN(20) == 0:
			say("close")
			m.closed = true
			if err := q.Close(t.Context()); err != nil {
				fail("Close: %v", err)
			}
		}
		if got, want := q.Stats(), m.stats(); got != want {
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
	h := heap{before: func(a, b *entry) bool { return a.number < b.number }}
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
