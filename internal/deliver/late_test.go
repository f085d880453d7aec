package deliver

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/queue"
)

// lateItem is an event of a visitor as it waits.
func lateItem(visitor int, head Envelope) queue.Item {
	head.Site = "shop"
	e := cdp.Event{BrowserID: visitorID(visitor), Type: head.Goal, Channel: "WEB", Language: "EN"}
	return queue.Item{Body: e.AppendJSON(head.AppendHead(nil), cdp.Direct{ClientKey: "k", PointOfSale: "p"}), Key: visitorID(visitor), Time: time.Now()}
}

// TestAfterTheSession: what must not come after its session does not, when the CDP was
// down for so long. All else comes.
func TestAfterTheSession(t *testing.T) {
	for _, tc := range []struct {
		name      string
		down      time.Duration
		delivered int
		dead      map[string]uint64
	}{
		{"a few seconds", 5 * time.Second, 4, map[string]uint64{}},
		{"more than a minute", 3 * time.Minute, 3, map[string]uint64{"late": 1}},
		{"almost a session", 19 * time.Minute, 3, map[string]uint64{"late": 1}},
		{"an hour", time.Hour, 2, map[string]uint64{"late": 2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Options{MaxAge: 72 * time.Hour}, script(errRefused))
				r.lines[0].Session = 20 * time.Minute
				r.offerItem(lateItem(1, Envelope{Goal: "VIEW", DropStale: true}))
				r.offerItem(lateItem(1, Envelope{Goal: "ORDER"}))
				r.offerItem(lateItem(2, Envelope{Goal: "OFFER", DropLate: true}))
				r.offerItem(lateItem(2, Envelope{Goal: "SENT"}))
				bubble.Pass(tc.down - time.Second)
				r.cdp().tell(nil)
				r.settle()
				r.wantDelivered(tc.delivered)
				r.wantDead(tc.dead)
			})
		})
	}
}

// TestLateEventsUseUpNoProbe: thousands of page views wait when an outage ends. They are
// dropped, and the goals behind them come at once, not after a probe for each.
func TestLateEventsUseUpNoProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Options{MaxAge: 72 * time.Hour}, script(errRefused))
		r.lines[0].Session = 20 * time.Minute
		for i := range 3000 {
			r.offerItem(lateItem(i, Envelope{Goal: "VIEW", DropStale: true}))
		}
		for i := range 100 {
			r.offerItem(lateItem(i, Envelope{Goal: "SENT"}))
		}
		bubble.Pass(4 * time.Hour)
		r.cdp().tell(nil)
		if took := r.settle(); took > 3*time.Minute {
			t.Errorf("it took %v", took)
		}
		r.wantDelivered(100)
		r.wantDead(map[string]uint64{"late": 3000})
		if sent := len(r.cdp().of("VIEW")); sent > 200 {
			t.Errorf("%d views were sent in vain", sent)
		}
	})
}
