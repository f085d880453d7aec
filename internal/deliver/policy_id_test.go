package deliver

import (
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
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
		r := newRig(t, Options{}, nil)
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
		fresh := r.lines[0].replaced.Get(old)
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
		if r.lines[0].replaced.Get(visitorID(3)) != "" || r.note("id_replaced") != 1 {
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
		bubble.Run(t, tc.name, func(t *testing.T) {
			r := newRig(t, Options{}, func(c *call) error {
				if c.id == visitorID(777) {
					return errNoID
				}
				return nil
			})
			r.cdp().shown = func(string) error { return tc.shown }
			r.offerMany(0, 20)
			r.settle()
			r.offer(777, "STRANGE")
			bubble.Pass(time.Second)
			if tc.heals {
				bubble.Pass(time.Minute)
				r.cdp().tell(nil)
			} else {
				for v := range 1000 {
					r.offer(10_000+v, "STRANGE")
					bubble.Pass(100 * time.Millisecond)
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
		r := newRig(t, Options{}, nil)
		var wrong atomic.Bool
		wrong.Store(true)
		r.cdp().unknowns(func(string) bool { return wrong.Load() })
		r.offerMany(0, 200)
		bubble.Pass(72 * time.Hour)
		if s := r.States()[0].State; s != "held" || r.cdp().made != 0 {
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
		r := newRig(t, Options{}, nil)
		r.offerMany(0, 100)
		r.settle()
		var wrong atomic.Bool
		wrong.Store(true)
		r.cdp().unknowns(func(id string) bool { return wrong.Load() && id[:4] != "feed" })
		r.offerMany(1000, 500)
		bubble.Pass(time.Hour)
		if n := r.note("id_replaced"); n > idsSeen/5+16 {
			t.Errorf("%d IDs were replaced", n)
		}
		if s := r.States()[0].State; s != "held" {
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
		bubble.Run(t, fmt.Sprint(others, " others"), func(t *testing.T) {
			r := newRig(t, Options{}, nil)
			r.cdp().unknowns(func(id string) bool { return id == visitorID(777) })
			r.offer(777, "STRANGE")
			for i := range 100 {
				bubble.Pass(20 * time.Second)
				r.offer(i%others, fmt.Sprint("E", i))
			}
			r.settle()
			// It came before anybody could tell. Later the ID of an event that was
			// benched is replaced only if many others were accepted.
			r.wantDelivered(100)
			r.wantDead(map[string]uint64{"blocked": 1})
			r.offer(777, "AGAIN")
			bubble.Pass(time.Second)
			replaced := r.note("id_replaced") == 1
			if replaced != (others >= idsLeast) {
				t.Errorf("of %d others, replaced: %v", others, replaced)
			}
			r.cdp().tell(nil)
			r.settle()
		})
	}
}

func TestReplacing(t *testing.T) {
	var r replacing
	if r.unrecognised("x"); r.spend(true) {
		t.Error("nothing was accepted yet")
	}
	r = replacing{}
	for i := range 9 {
		r.recognised(fmt.Sprint("good", i))
		r.recognised(fmt.Sprint("good", i))
	}
	if r.spend(true) {
		t.Error("nine IDs are too few")
	}
	r.unrecognised("bad0")
	if !r.spend(true) {
		t.Error("one in ten may be replaced")
	}
	if r.spend(true) {
		t.Error("nine IDs pay for one replacement, not for two")
	}
	for i := range 6 {
		r.recognised(fmt.Sprint("more", i))
	}
	if r.spend(false) {
		t.Error("an event from the bench left less than half of the credit")
	}
	r.unrecognised("bad1")
	r.unrecognised("bad2")
	r.unrecognised("bad3")
	if r.spend(true) {
		t.Error("four in nineteen are more than a fifth")
	}
	if r.recognised("bad2"); !r.spend(true) {
		t.Error("the last verdict counts")
	}
	exact := replacing{}
	for i := range 8 {
		exact.recognised(fmt.Sprint("good", i))
	}
	exact.unrecognised("bad0")
	exact.unrecognised("bad1")
	if !exact.spend(true) {
		t.Error("two in ten are a fifth, and no more")
	}
	exact.credit = idCredit
	exact.recognised("good8")
	exact.unrecognised("bad2")
	if exact.spend(true) {
		t.Error("three in twelve are more than a fifth")
	}
	for i := range 3 * idsSeen {
		r.recognised(fmt.Sprint("again", i))
	}
	if n, bad := r.seen.Count(); n != idsSeen || bad != 0 || r.credit != idCredit {
		t.Errorf("%d verdicts are kept, %d bad, credit %d", n, bad, r.credit)
	}
	replaced := 0
	for r.spend(false) {
		replaced++
	}
	for r.spend(true) {
		replaced++
	}
	if replaced != idCredit/idShare {
		t.Errorf("%d replaced", replaced)
	}
}
