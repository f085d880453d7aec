package queuetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// reserving tests a [queue.Reserver]. Any other engine passes.
var reserving = []check{
	{"Reserve/room is there when all else is full", withReserver(func(r *rig, e queue.Reserver) {
		size := r.engine.Bytes / 50
		room := r.reserve(e, size)
		r.fill(queue.High, size)
		item := r.padded(queue.High, size)
		if err := r.queue.Append(r.Context(), item); !errors.Is(err, queue.ErrFull) {
			r.Fatalf("Append to a full queue without room: %v, want ErrFull", err)
		}
		item.Room = room
		r.append(item)
		item.Room = nil
		if err := r.queue.Append(r.Context(), item); !errors.Is(err, queue.ErrFull) {
			r.Errorf("Append after the room was used: %v, want ErrFull", err)
		}
	})},
	{"Reserve/room taken is room gone", withReserver(func(r *rig, e queue.Reserver) {
		size := r.engine.Bytes / 50
		n := r.fill(queue.High, size)
		r.settleAll(n)
		for range n / 2 {
			r.reserve(e, size)
		}
		if more := r.fill(queue.High, size); more < n/2-2 || more > n-n/2+2 {
			r.Errorf("of %d places %d are reserved, and %d items went in", n, n/2, more)
		}
		if room, err := e.Reserve(queue.High, size); !errors.Is(err, queue.ErrFull) || room != nil {
			r.Errorf("Reserve of a full queue: %v, %v; want ErrFull", room, err)
		}
	})},
	{"Reserve/who is refused first", withReserver(func(r *rig, e queue.Reserver) {
		r.fill(queue.Low, r.engine.Bytes/200)
		if _, err := e.Reserve(queue.Low, r.engine.Bytes/200); !errors.Is(err, queue.ErrFull) {
			r.Errorf("Reserve at Low where Low is refused: %v, want ErrFull", err)
		}
		r.reserve(e, r.engine.Bytes/200).Release()
	})},
	{"Reserve/released room can be taken again, once", withReserver(func(r *rig, e queue.Reserver) {
		size := r.engine.Bytes / 50
		room := r.reserve(e, size)
		n := r.fill(queue.High, size)
		room.Release()
		room.Release()
		if more := r.fill(queue.High, size); more < 1 || more > 2 {
			r.Errorf("beside one reserved room of %d bytes %d items fitted; released twice, it takes %d", size, n, more)
		}
		room.Release()
		if s := r.queue.Stats(); s.Waiting < n {
			r.Errorf("%d items were appended, Stats are %+v", n, s)
		}
	})},
	{"Reserve/room that was used has nothing left to release", withReserver(func(r *rig, e queue.Reserver) {
		size := r.engine.Bytes / 50
		item := r.padded(queue.High, size)
		item.Room = r.reserve(e, size)
		room := item.Room
		r.append(item)
		r.fill(queue.High, size)
		room.Release()
		if more := r.fill(queue.High, size); more > 0 {
			r.Errorf("room was used and then released, and %d more items fitted", more)
		}
	})},
	{"Reserve/at once", withReserver(func(r *rig, e queue.Reserver) {
		size := r.engine.Bytes / 50
		n := r.fill(queue.High, size)
		r.settleAll(n)
		var wg sync.WaitGroup
		var used atomic.Int64
		items := make([]queue.Item, 8)
		for i := range items {
			items[i] = r.padded(queue.High, size)
		}
		for _, item := range items {
			wg.Go(func() {
				for i := range 2 * n {
					room, err := e.Reserve(queue.High, size)
					switch {
					case err != nil:
						continue
					case i%3 == 0:
						room.Release()
						continue
					}
					item.Room = room
					if err := r.queue.Append(r.Context(), item); !Taken(err) {
						r.Errorf("Append into reserved room: %v", err)
					}
					used.Add(1)
				}
			})
		}
		wg.Wait()
		if s := r.queue.Stats(); int64(s.Waiting) != used.Load() || used.Load() > int64(n)+2 || used.Load() < int64(n)-2 {
			r.Errorf("%d rooms were used, %d items fit: Stats are %+v", used.Load(), n, s)
		}
	})},
	{"Reserve/a closed queue has no room", withReserver(func(r *rig, e queue.Reserver) {
		room := r.reserve(e, 10)
		r.close()
		room.Release()
		if room, err := e.Reserve(queue.High, 10); !errors.Is(err, queue.ErrClosed) || room != nil {
			r.Errorf("Reserve after Close: %v, %v; want ErrClosed", room, err)
		}
	})},
}

func withReserver(run func(*rig, queue.Reserver)) func(*rig) {
	return func(r *rig) {
		if e, ok := r.queue.(queue.Reserver); ok && r.engine.Bytes > 0 {
			run(r, e)
		}
	}
}

func (r *rig) reserve(e queue.Reserver, size int64) *queue.Room {
	r.Helper()
	room, err := e.Reserve(queue.High, size)
	if err != nil || room == nil {
		r.Fatalf("Reserve of %d bytes: %v, %v; want room", size, room, err)
	}
	return room
}

// lettering tests a [queue.LetterBox]. Any other engine passes.
var lettering = []check{
	{"Letters/say what died, why and when", withLetterBox(func(r *rig, e queue.LetterBox) {
		if n := len(e.Letters()); n > 0 {
			r.Errorf("%d letters before anything died", n)
		}
		before := time.Now()
		items := r.items(3)
		r.append(items...)
		got := r.receive(items...)
		if !got[2].Dead("too late") || !got[0].Dead("400 größer \x00") {
			r.Error("Dead reports that a letter cannot be kept")
		}
		r.letters(e, before, letter{items[2], "too late"}, letter{items[0], "400 größer \x00"})
		if r.engine.Keeps {
			r.reopen()
			r.letters(r.queue.(queue.LetterBox), before, letter{items[2], "too late"}, letter{items[0], "400 größer \x00"})
		}
	})},
	{"Letters/can be sent again, those chosen", withLetterBox(func(r *rig, e queue.LetterBox) {
		before := time.Now()
		items := r.items(4)
		r.append(items...)
		for i, d := range r.receive(items...) {
			d.Dead(fmt.Sprint("reason ", i))
		}
		n, err := e.Resend(func(l queue.Letter) bool { return l.Reason == "reason 1" || string(l.Body) == string(items[3].Body) })
		if n != 2 || err != nil {
			r.Errorf("Resend of 2 letters of 4: %d, %v", n, err)
		}
		r.letters(e, before, letter{items[0], "reason 0"}, letter{items[2], "reason 2"})
		for _, d := range r.receive(items[1], items[3]) {
			if d.Resent.Before(before) || d.Resent.After(time.Now()) {
				r.Errorf("sent again at %v, want between %v and now", d.Resent, before)
			}
			d.Ack()
		}
		r.nothing("the letters sent again are settled")
		if s := r.queue.Stats(); s.Waiting != 0 || s.Last != s.Done || s.Dead != 4 || s.Recovered != 2 {
			r.Errorf("4 died, 2 were sent again and acknowledged: Stats are %+v", s)
		}
		if r.engine.Keeps {
			r.reopen()
			r.nothing("after reopening, the letters sent again are settled")
			r.letters(r.queue.(queue.LetterBox), before, letter{items[0], "reason 0"}, letter{items[2], "reason 2"})
		}
	})},
	{"Letters/sent again are items like others", withLetterBox(func(r *rig, e queue.LetterBox) {
		items := r.items(2)
		r.append(items...)
		r.receive(items[0])[0].Dead("x")
		if n, err := e.Resend(func(queue.Letter) bool { return true }); n != 1 || err != nil {
			r.Fatalf("Resend: %d, %v; want 1", n, err)
		}
		if s := r.queue.Stats(); s.Waiting != 2 {
			r.Errorf("one waits and one was sent again: Stats are %+v", s)
		}
		r.receive(items[1], items[0])[1].Dead("y")
		if all := e.Letters(); len(all) != 1 || all[0].Reason != "y" {
			r.Errorf("a letter was sent again and died again: %d letters, %+v", len(all), all)
		}
	})},
	{"Letters/none chosen, nothing done", withLetterBox(func(r *rig, e queue.LetterBox) {
		items := r.items(1)
		r.append(items...)
		r.receive(items...)[0].Dead("x")
		before := r.queue.Stats()
		if n, err := e.Resend(func(queue.Letter) bool { return false }); n != 0 || err != nil {
			r.Errorf("Resend of none: %d, %v", n, err)
		}
		if after := r.queue.Stats(); after != before {
			r.Errorf("Resend of none: Stats were %+v, are %+v", before, after)
		}
	})},
	{"Letters/are bounded", withLetterBox(func(r *rig, e queue.LetterBox) {
		size := r.engine.Bytes / 20
		if size == 0 {
			return // no bound is known
		}
		for range 100 {
			item := r.padded(queue.High, size)
			r.append(item)
			r.receive(item)[0].Dead("again and again")
			<-time.After(r.delay / 100) // an engine may need a while until its room is free
		}
		var total int64
		all := e.Letters()
		for _, l := range all {
			total += int64(len(l.Body) + len(l.Key))
		}
		if total > 2*r.engine.Bytes || len(all) == 0 {
			r.Errorf("%d letters of %d bytes are kept, %d items of %d bytes fill the queue", len(all), total, 20, size)
		}
		if s := r.queue.Stats(); s.Dead != 100 || s.Waiting != 0 {
			r.Errorf("100 items died: Stats are %+v", s)
		}
	})},
}

type letter struct {
	queue.Item
	reason string
}

func (r *rig) letters(e queue.LetterBox, before time.Time, want ...letter) {
	r.Helper()
	got := e.Letters()
	if len(got) != len(want) {
		r.Errorf("%d letters, want %d: %+v", len(got), len(want), got)
		return
	}
	if s := r.queue.Stats(); s.Letters != len(want) {
		r.Errorf("%d letters, Stats are %+v", len(want), s)
	}
	for i, l := range got {
		if err := same(l.Item, want[i].Item); err != nil {
			r.Errorf("letter %d: %v", i+1, err)
		}
		if l.Reason != want[i].reason {
			r.Errorf("letter %d: the reason is %q, want %q", i+1, l.Reason, want[i].reason)
		}
		if l.Died.Before(before.Truncate(time.Second)) || l.Died.After(time.Now()) {
			r.Errorf("letter %d died at %v, want between %v and now", i+1, l.Died, before)
		}
	}
}

func withLetterBox(run func(*rig, queue.LetterBox)) func(*rig) {
	return func(r *rig) {
		if e, ok := r.queue.(queue.LetterBox); ok {
			run(r, e)
		}
	}
}
