package goaltrack

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// unknowns makes the CDP know no visitor of whom bad says so.
func (s *scripted) unknowns(bad func(id string) bool) {
	s.shown = func(id string) error {
		if bad(id) {
			return errNoID
		}
		return nil
	}
	s.tell(func(c *call) error {
		if bad(c.id) {
			return errNoID
		}
		return nil
	})
}

func TestAnUnknownIDIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Delivery{}, nil)
		old := visitorID(777)
		r.cdp().unknowns(func(id string) bool { return id == old })
		r.offerMany(0, 10)
		r.settle()
		r.offer(777, "FIRST")
		r.offer(777, "SECOND") // queued under the old ID as well
		r.settle()
		r.offer(777, "THIRD") // from a page that came before the new cookie
		r.settle()
		r.wantDelivered(13)
		fresh := r.order[0].replaced.get(old)
		if fresh == "" || r.cdp().made != 1 {
			t.Errorf("the old ID is replaced by %q, %d were made", fresh, r.cdp().made)
		}
		for _, goal := range []string{"FIRST", "SECOND", "THIRD"} {
			calls := r.cdp().of(goal)
			if c := calls[len(calls)-1]; c.id != fresh || c.err != nil {
				t.Errorf("%s went to %s: %v", goal, c.id, c.err)
			}
			if want := map[string]int{"FIRST": 2}[goal]; len(calls) != max(want, 1) {
				t.Errorf("%s was sent %d times", goal, len(calls))
			}
		}
		if r.order[0].replaced.get(visitorID(3)) != "" || r.note("id_replaced") != 1 {
			t.Error("others were replaced")
		}
	})
}

func TestAnUnknownIDNeedsTwoOpinions(t *testing.T) {
	for _, tc := range []struct {
		name  string
		shown error
		dead  map[string]uint64
		heals bool
	}{
		{"Show knows it", nil, map[string]uint64{"blocked": 1}, false},
		{"Show does not answer", errReset, map[string]uint64{}, true},
		{"Show is refused", status(401), map[string]uint64{}, true},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			r := newRig(t, Delivery{}, func(c *call) error {
				if c.goal == "STRANGE" {
					return errNoID
				}
				return nil
			})
			r.cdp().shown = func(string) error { return tc.shown }
			r.offerMany(0, 20)
			r.settle()
			r.offer(777, "STRANGE")
			after(time.Second)
			if tc.heals {
				after(time.Minute)
				r.cdp().tell(nil)
			} else {
				for v := range 100 {
					r.offer(100+v, fmt.Sprint("GOOD", v))
					after(100 * time.Millisecond)
				}
			}
			r.settle()
			r.wantDead(tc.dead)
			if r.cdp().made != 0 || r.account().PossibleDuplicates != 0 {
				t.Errorf("%d IDs made, %s", r.cdp().made, r.account())
			}
		})
	}
}

func TestAWrongTenantReplacesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Delivery{}, nil)
		var wrong atomic.Bool
		wrong.Store(true)
		r.cdp().unknowns(func(string) bool { return wrong.Load() })
		r.offerMany(0, 200)
		after(72 * time.Hour)
		if s := r.states()[0].State; s != "held" || r.cdp().made != 0 {
			t.Errorf("state %q, %d IDs made", s, r.cdp().made)
		}
		r.wantDead(map[string]uint64{})
		wrong.Store(false)
		r.settle()
		r.wantDelivered(200)
		if r.cdp().made != 0 {
			t.Errorf("%d IDs made", r.cdp().made)
		}
	})
}

// The tenant changes under a site that ran well: some IDs are known, from before.
func TestAnIncidentReplacesFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Delivery{}, nil)
		r.offerMany(0, 100)
		r.settle()
		var wrong atomic.Bool
		wrong.Store(true)
		r.cdp().unknowns(func(id string) bool { return wrong.Load() && id[:4] != "feed" })
		r.offerMany(1000, 500)
		after(time.Hour)
		if n := r.note("id_replaced"); n > idHistorySize/5+16 {
			t.Errorf("%d IDs were replaced", n)
		}
		if s := r.states()[0].State; s != "held" {
			t.Errorf("state %q", s)
		}
		wrong.Store(false)
		r.settle()
		r.wantDelivered(600)
	})
}

// With too few visitors to tell, the event waits; and not for ever, once others
// get through.
func TestAnUnknownIDAmongFew(t *testing.T) {
	for _, others := range []int{5, 12} {
		bubble(t, fmt.Sprint(others, " others"), func(t *testing.T) {
			r := newRig(t, Delivery{}, nil)
			r.cdp().unknowns(func(id string) bool { return id == visitorID(777) })
			r.offer(777, "STRANGE")
			for i := range 100 {
				after(20 * time.Second)
				r.offer(i%others, fmt.Sprint("E", i))
			}
			r.settle()
			if others >= idHistoryLeast {
				r.wantDelivered(101)
			} else {
				r.wantDelivered(100)
				r.wantDead(map[string]uint64{"blocked": 1})
			}
		})
	}
}

func TestIDHistory(t *testing.T) {
	var line health
	h := &line.ids
	for i := range 9 {
		h.add(fmt.Sprint("good", i), false, idHistorySize)
		h.add(fmt.Sprint("good", i), false, idHistorySize)
	}
	if line.mostKnown() {
		t.Error("nine IDs are too few")
	}
	h.add("bad0", true, idHistorySize)
	if !line.mostKnown() {
		t.Error("one in ten may be replaced")
	}
	h.add("bad1", true, idHistorySize)
	h.add("bad2", true, idHistorySize)
	if line.mostKnown() {
		t.Error("three in twelve are more than a fifth")
	}
	h.add("bad2", false, idHistorySize)
	if !line.mostKnown() {
		t.Error("the last verdict counts")
	}
	for i := range 3 * idHistorySize {
		h.add(fmt.Sprint("more", i), true, idHistorySize)
	}
	if len(h.order) != idHistorySize || len(h.bad) != idHistorySize || cap(h.order) > 4*idHistorySize {
		t.Errorf("%d and %d verdicts are kept", len(h.order), len(h.bad))
	}
}
