package queue

import (
	"errors"
	"sync"
	"testing"
	"time"
)

func sized(n int, r *Room) Item { return Item{Body: make([]byte, n), Priority: Low, Room: r} }

// A room is a place at its own priority that nobody else can take.
func TestRoom(t *testing.T) {
	other := NewMemory(10, 1000)
	foreign, err := other.Reserve(High, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		use  func(r *Room) []Item
		want error // the queue is full but for the room of 10 bytes
	}{
		{"used", func(r *Room) []Item { return []Item{sized(10, r)} }, nil},
		{"not filled", func(r *Room) []Item { return []Item{sized(1, r)} }, nil},
		{"too small", func(r *Room) []Item { return []Item{sized(11, r)} }, ErrFull},
		{"not named", func(*Room) []Item { return []Item{sized(10, nil)} }, ErrFull},
		{"named twice", func(r *Room) []Item { return []Item{sized(1, r), sized(1, r)} }, ErrFull},
		{"another queue's", func(*Room) []Item { return []Item{sized(1, foreign)} }, ErrFull},
		{"released", func(r *Room) []Item { r.Release(); r.Release(); return []Item{sized(10, r)} }, ErrFull},
		{"never fits", func(r *Room) []Item { return []Item{sized(1, r), sized(101, nil)} }, ErrTooLarge},
	} {
		m := NewMemory(3, 100)
		room, err := m.Reserve(High, 10)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Append(t.Context(), Item{Body: make([]byte, 45), Priority: High}, Item{Body: make([]byte, 45), Priority: High}); err != nil {
			t.Fatal(err)
		}
		items := tc.use(room)
		if err := m.Append(t.Context(), items...); !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
		want := 2
		if tc.want == nil {
			want += len(items)
		}
		if s := m.Stats(); s.Waiting != want {
			t.Errorf("%s: %d are waiting, want %d", tc.name, s.Waiting, want)
		}
		// Whatever happened, the room is used up or there is one place again.
		room.Release()
		err = m.Append(t.Context(), Item{Body: make([]byte, 10), Priority: High})
		if (err == nil) != (tc.want != nil) {
			t.Errorf("%s: afterwards: %v", tc.name, err)
		}
	}
	if err := other.Append(t.Context(), sized(10, foreign)); err != nil {
		t.Errorf("the other queue's room was touched: %v", err)
	}
}

func TestReserveIsRefused(t *testing.T) {
	m := NewMemory(10, 100)
	for _, tc := range []struct {
		p     Priority
		bytes int64
		want  error
	}{
		{Low, 81, ErrFull}, {High, 101, ErrTooLarge}, {Normal, 96, ErrFull}, {High, 50, nil}, {Low, -5, nil}, {Low, 31, ErrFull}, {High, 50, nil}, {High, 1, ErrFull},
	} {
		room, err := m.Reserve(tc.p, tc.bytes)
		if !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) || (room == nil) != (err != nil) {
			t.Errorf("%d bytes at %d: %v, want %v", tc.bytes, tc.p, err, tc.want)
		}
	}
	_ = m.Close(t.Context())
	if _, err := m.Reserve(High, 1); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	(*Room)(nil).Release()
}

// A room is used up or released once, however many try.
func TestRoomConcurrently(t *testing.T) {
	m := NewMemory(10_000, 1<<20)
	var wg sync.WaitGroup
	for range 1000 {
		room, err := m.Reserve(High, 10)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(room.Release)
		wg.Go(func() { _ = m.Append(t.Context(), sized(10, room)) })
		wg.Go(room.Release)
	}
	wg.Wait()
	if m.bounds.roomItems != 0 || m.bounds.roomBytes != 0 || m.bounds.items != 1000 {
		t.Errorf("%+v", m.bounds)
	}
}

func TestResend(t *testing.T) {
	m := NewMemory(10, 100)
	born := time.Unix(5, 0)
	for _, body := range []string{"a", "b", "c"} {
		if err := m.Append(t.Context(), Item{Body: []byte(body), Key: "k", Time: born}); err != nil {
			t.Fatal(err)
		}
		got, _ := m.Receive(t.Context(), 1)
		got[0].Dead("why")
	}
	n, err := m.Resend(func(l Letter) bool {
		_ = m.Letters() // no lock is held
		return string(l.Body) != "b"
	})
	if n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if l := m.Letters(); len(l) != 1 || string(l[0].Body) != "b" {
		t.Errorf("%v are left", l)
	}
	got, _ := m.Receive(t.Context(), 5)
	if len(got) != 2 || string(got[0].Body) != "a" || string(got[1].Body) != "c" {
		t.Fatalf("%v", bodies(got))
	}
	if d := got[0]; d.Key != "k" || !d.Time.Equal(born) || d.Resent.IsZero() {
		t.Errorf("%+v", d.Item)
	}
	if s := m.Stats(); s.Last != 5 || s.Recovered != 2 || s.Dead != 3 || s.Waiting != 2 {
		t.Errorf("%+v", s)
	}
	_ = m.Close(t.Context())
	if n, err := m.Resend(func(Letter) bool { return true }); n != 0 || !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %d, %v", n, err)
	}
}
