package deliver

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// TestOneVisitorsTroubleIsHis: whatever becomes of one visitor's events, and
// however many they have, the events of others go out at once. On a quiet site,
// nobody else may show for a while that the CDP takes events. Then others wait
// for two sixteenths of that while at most, and for a second of a request that
// hangs.
func TestOneVisitorsTroubleIsHis(t *testing.T) {
	for _, tc := range []struct {
		name   string
		answer error
		took   time.Duration // of their attempts
		events int
		most   time.Duration // that others wait
	}{
		{"one is not processed", status(503), 50 * time.Millisecond, 1, 100 * time.Millisecond},
		{"one hangs", errReset, 10 * time.Second, 1, 100 * time.Millisecond},
		{"all are not processed", status(503), 50 * time.Millisecond, 1200, 700 * time.Millisecond},
		{"all break off", status(500), 50 * time.Millisecond, 1200, 700 * time.Millisecond},
		{"all hang", errReset, 10 * time.Second, 500, 2 * time.Second},
		{"all are bad", status(400), 50 * time.Millisecond, 15, 100 * time.Millisecond},
		{"all are refused", status(403), 50 * time.Millisecond, 500, 700 * time.Millisecond},
	} {
		bubble.Run(t, tc.name, func(t *testing.T) {
			hot := visitorID(1)
			r := newRig(t, Options{}, nil)
			r.cdp().tell(func(c *call) error {
				if c.id != hot {
					return nil
				}
				return tc.answer
			})
			r.cdp().takes = func(c *call) time.Duration {
				if c.id != hot {
					return 50 * time.Millisecond
				}
				return tc.took
			}
			for i := range tc.events {
				r.offer(1, fmt.Sprint("HOT", i))
			}
			bubble.Pass(time.Second)
			for v := range 300 { // nine minutes of a quiet site
				bubble.Pass(rand.N(3600 * time.Millisecond))
				offered, goal := time.Now(), fmt.Sprint("OTHER", v)
				r.offer(100+v, goal)
				bubble.Pass(tc.most + 100*time.Millisecond)
				if calls := r.cdp().of(goal); len(calls) != 1 || calls[0].start.Sub(offered) > tc.most {
					t.Fatalf("%s, offered %v after the first event, was sent %d times by %v after", goal, offered.Sub(r.cdp().all()[0].start), len(calls), time.Since(offered))
				}
			}
			r.settle()
			if a := r.account(); a.Delivered != 300 {
				t.Errorf("%s", a)
			}
		})
	}
}

// A site that has a single visitor is told that its CDP is down all the same.
func TestAnOutageOfOneVisitorIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{MaxAge: time.Hour}, script(errRefused))
		r.offer(1, "A")
		bubble.Pass(20 * time.Minute)
		if s := r.States()[0].State; s != "down" || r.logs.Count("does not answer") != 1 {
			t.Errorf("state %q, log %q", s, r.logs.Lines())
		}
		r.cdp().tell(nil)
		r.settle()
		r.wantDelivered(1)
		if s := r.States()[0].State; s != "ok" || r.logs.Count("answers again") != 1 {
			t.Errorf("state %q, log %q", s, r.logs.Lines())
		}
	})
}

// TestRetriesAreFew: there is no budget for retries (docs/reliability.md says
// why); what takes its place keeps them within what one would allow a burst of
// failures.
func TestRetriesAreFew(t *testing.T) {
	for _, tc := range []struct {
		failing int // percent
		most    float64
	}{{5, 1.2}, {20, 1.5}, {40, 2.2}, {50, 2.6}} {
		bubble.Run(t, fmt.Sprint(tc.failing, " percent"), func(t *testing.T) {
			r := newRig(t, Options{}, func(c *call) error {
				if c.start.Minute() < 1 && rand.N(100) < tc.failing {
					return status(503)
				}
				return nil
			})
			for v := range 60 * 20 {
				bubble.Pass(50 * time.Millisecond)
				r.offer(v, fmt.Sprint("E", v))
			}
			r.settle()
			r.wantDelivered(1200)
			if ratio := float64(len(r.cdp().all())) / 1200; ratio > tc.most {
				t.Errorf("%.2f sends an event", ratio)
			}
		})
	}
}

// TestConnectionsAreRenewed: a kept connection can lead to where the CDP no
// longer is. While it does not answer, each probe makes a new one.
func TestConnectionsAreRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{}, script(status(503)))
		var count atomic.Int64
		r.lines[0].Renew = func() { count.Add(1) }
		r.offerMany(0, 3)
		bubble.Pass(60 * time.Millisecond) // one attempt each
		if renewed := count.Load(); renewed > 0 {
			t.Errorf("renewed %d times for a few failures", renewed)
		}
		bubble.Pass(5 * time.Minute)
		if renewed := count.Load(); renewed < 3 || renewed > 40 {
			t.Errorf("renewed %d times in five minutes", renewed)
		}
	})
}

// TestOrderUnderRandomFaults is a property, whatever the CDP does. No event of
// a visitor begins before the one before it has met its fate. None is lost, and
// visitors without trouble are not held up.
func TestOrderUnderRandomFaults(t *testing.T) {
	for seed := range uint64(20) {
		bubble.Run(t, fmt.Sprint("seed ", seed), func(t *testing.T) {
			dice, plan := rand.New(rand.NewPCG(seed, 1)), rand.New(rand.NewPCG(seed, 2)) // the CDP's and the test's
			const visitors, events = 30, 12
			trouble := map[string]error{} // who is in trouble, and which
			faults := []error{status(503), status(500), errReset, errRefused, status(400), status(408)}
			for v := range visitors / 6 {
				trouble[visitorID(v)] = faults[dice.IntN(len(faults))]
			}
			share := dice.IntN(90) // of a troubled visitor's attempts that fail
			r := newRig(t, Options{MaxAge: 24 * time.Hour}, nil)
			r.cdp().tell(func(c *call) error { // called with the lock held
				if err := trouble[c.id]; err != nil && dice.IntN(100) < share {
					return err
				}
				return nil
			})
			r.cdp().takes = func(*call) time.Duration { return time.Duration(dice.IntN(int(100 * time.Millisecond))) }
			goals := make([][]string, visitors)
			for e := range events {
				for _, v := range plan.Perm(visitors) {
					goal := fmt.Sprintf("V%dE%d", v, e)
					goals[v] = append(goals[v], goal)
					r.offer(v, goal)
				}
				// The trouble of several visitors looks like an outage, if
				// nobody else is there to show that it is none. Then there is a
				// probe a minute, of each of them once at most.
				bubble.Pass((visitors/6 + 1) * time.Minute)
				for v := visitors / 6; v < visitors; v++ {
					if len(r.cdp().of(goals[v][e])) == 0 {
						t.Fatalf("visitor %d, who has no trouble, waits for others", v)
					}
				}
			}
			r.settle()
			for v := range visitors {
				r.inOrder("shop", goals[v]...)
			}
			if n := r.note("order_released"); n > 0 {
				t.Errorf("order_released %d", n)
			}
		})
	}
}

// What goes wrong is told in the CDP's words, without the visitor's.
func TestTheReasonOfADeadLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refusal := &cdp.Error{Op: "send event", Outcome: cdp.EventBad, Status: 400, Message: "type is fine, email Ada@Example.com and phone 00441234567 are not"}
		r := newRig(t, Options{}, script(refusal))
		r.offerMany(0, 3)
		r.settle()
		r.wantDead(map[string]uint64{"rejected_400": 3})
		letters := r.letters()
		if want := "rejected_400: type is fine, email … and phone … are not"; len(letters) != 3 || letters[0] != want {
			t.Errorf("%q, want %q", letters, want)
		}
	})
}

func TestWithoutValues(t *testing.T) {
	body := []byte(`{"browser_id":"6f1c1f0c-0000-4000-8000-000000000000","type":"CONTACT_SENT","channel":"WEB","language":"EN","pos":"shop","page":"contact","email":"ada@example.com",` +
		`"identifiers":[{"id":"C-77","provider":"crm"}],"ext":{"topic":"sales of \"nuts\"","n":1234567,"s":"of","goalValue":12.5}}`)
	for text, want := range map[string]string{
		"browser_id is required":                        "browser_id is required",
		"unknown type CONTACT_SENT of channel WEB":      "unknown type CONTACT_SENT of channel WEB",
		"no ADA@example.com here":                       "no … here",
		"other@example.org is nobody":                   "… is nobody",
		`topic "sales of \"nuts\"" of c-77 not allowed`: `topic "…" of … not allowed`,
		"too many: 1234567 of 30":                       "too many: … of 30",
		"call +44 123 456789":                           "call +44 123 …",
		"":                                              "",
	} {
		if got := withoutValues(text, body); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	if got := withoutValues("not json: 99999", []byte("x")); got != "not json: …" {
		t.Errorf("%q", got)
	}
}

// letters are the reasons of the dead letters.
func (r *rig) letters() (reasons []string) {
	q, ok := r.queue.(interface{ Letters() []queue.Letter })
	if !ok {
		r.t.Fatal("the queue keeps no letters")
	}
	for _, l := range q.Letters() {
		reasons = append(reasons, l.Reason)
	}
	return slices.Clone(reasons)
}
