package deliver

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestReadyList(t *testing.T) {
	begin := time.Now()
	var l, other readyList
	if l.oldest() != nil || l.newest() != nil || l.newestKnown() != nil {
		t.Error("an empty list has events")
	}
	jobs := make([]*job, 10)
	for i := range jobs {
		jobs[i] = &job{attempts: i}
		jobs[i].Time = begin.Add(time.Duration(i))
	}
	for _, i := range []int{0, 2, 1, 4, 3, 9, 5, 8, 6, 7} {
		l.push(jobs[i], i%3 == 0) // 0, 3, 6 and 9 are of known visitors
	}
	if l.oldest() != jobs[0] || l.newest() != jobs[9] || l.newestKnown() != jobs[9] {
		t.Error("the ends are wrong")
	}
	for _, i := range []int{9, 0, 5, 9} {
		jobs[i].leaveList()
	}
	if l.len() != 7 || l.oldest() != jobs[1] || l.newest() != jobs[8] || l.newestKnown() != jobs[6] {
		t.Errorf("%d are left", l.len())
	}
	even := l.take(func(j *job) bool { return j.attempts%2 == 0 })
	if want := []*job{jobs[2], jobs[4], jobs[6], jobs[8]}; !slices.Equal(even, want) || l.newestKnown() != jobs[3] {
		t.Errorf("taken %d, want %d", len(even), len(want))
	}
	other.push(jobs[2], true)
	if jobs[2].leaveList(); other.len() != 0 || l.len() != 3 {
		t.Error("an event left another list than its own")
	}
}

func TestDueHeap(t *testing.T) {
	dice := rand.New(rand.NewPCG(1, 1))
	begin := time.Now()
	var h, other dueHeap
	var waiting []*job
	for range 2000 {
		switch {
		case len(waiting) < 2 || dice.IntN(3) > 0:
			j := &job{}
			h.add(j, begin.Add(time.Duration(dice.IntN(1e6))))
			waiting = append(waiting, j)
		case dice.IntN(4) == 0:
			first := h.first()
			h.postpone(first.notYet.Add(time.Duration(dice.IntN(1e6))))
		case dice.IntN(50) == 0:
			h.hurry(begin.Add(time.Duration(dice.IntN(1e6))))
		default:
			i := dice.IntN(len(waiting))
			j := waiting[i]
			if other.remove(j) || !h.remove(j) || h.remove(j) {
				t.Fatal("an event was not removed once, from where it was")
			}
			waiting = slices.Delete(waiting, i, i+1)
		}
		soonest := slices.MinFunc(waiting, func(a, b *job) int { return a.notYet.Compare(b.notYet) })
		if len(h) != len(waiting) || !h.first().notYet.Equal(soonest.notYet) {
			t.Fatalf("%d of %d, the first at %v, want %v", len(h), len(waiting), h.first().notYet.Sub(begin), soonest.notYet.Sub(begin))
		}
	}
}
