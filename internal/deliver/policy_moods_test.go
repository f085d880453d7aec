package deliver

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/bubble"
)

// TestEveryTroubleEnds is a property: whatever the CDP did, when it is well again
// all that waits is delivered soon, and what was given up has a reason.
func TestEveryTroubleEnds(t *testing.T) {
	for seed := range uint64(12) {
		bubble.Run(t, fmt.Sprint("seed ", seed), func(t *testing.T) {
			dice, plan := rand.New(rand.NewPCG(seed, 3)), rand.New(rand.NewPCG(seed, 4)) // the CDP's and the test's
			moods := [][]error{
				{nil},
				{nil, nil, nil, status(500), status(502), status(503), status(408)},
				{status(401)},
				{status(403), nil},
				{retryIn(429, time.Second)},
				{errReset, errRefused, nil},
				{errRefused},
				{status(400), status(401), nil},
			}
			mood := moods[0]
			r := newRig(t, Options{
				MaxAge: time.Hour, BackoffBase: time.Millisecond, BackoffMax: 20 * time.Millisecond,
				ProbeBase: 5 * time.Millisecond, ProbeMax: 50 * time.Millisecond,
			}, nil)
			r.cdp().tell(func(*call) error { return mood[dice.IntN(len(mood))] }) // with the lock held
			r.cdp().takes = func(*call) time.Duration { return time.Duration(dice.IntN(int(20 * time.Millisecond))) }
			for step := range 200 {
				r.cdp().mu.Lock()
				mood = moods[plan.IntN(len(moods))]
				r.cdp().mu.Unlock()
				for range plan.IntN(20) {
					r.offer(plan.IntN(200), fmt.Sprintf("S%dE%d", step, r.offered))
				}
				bubble.Pass(time.Duration(plan.IntN(int(100 * time.Millisecond))))
			}
			r.cdp().tell(nil)
			if took := r.settle(); took > time.Minute {
				t.Errorf("it took %v: %+v", took, r.States())
			}
		})
	}
}
