//go:build !race

package page_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"

	"github.com/goaltrack/goaltrack/queue"
)

// shut is a queue that takes everything and hands out nothing, so that what is counted is
// of the request alone.
type shut struct{}

func (*shut) Append(context.Context, ...queue.Item) error { return nil }

func (*shut) Receive(ctx context.Context, _ int) ([]queue.Delivery, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func (*shut) Stats() queue.Stats { return queue.Stats{} }

func (*shut) Close(context.Context) error { return nil }

// TestCountAllocates keeps what a click costs from growing unnoticed. The race detector
// allocates of its own accord.
func TestCountAllocates(t *testing.T) {
	_, collector, tracker := counting(t, new(shut))
	ended, end := context.WithCancel(t.Context())
	end()
	const runs = 200
	clicks := visits(runs+1, http.MethodPost, "/goals/e/c", func(i int) string {
		return `{"g":"DEMO_CLICKED","i":"allocates-` + strconv.Itoa(i) + `","u":"/products/7","d":{"plan":"pro"}}`
	})
	w, next := nobody{http.Header{}}, 0
	n := testing.AllocsPerRun(runs, func() {
		clear(w.h)
		collector.ServeHTTP(w, clicks[next])
		next++
	})
	if n > clickAllocs {
		t.Errorf("a click makes %v allocations, want at most %d", n, clickAllocs)
	}
	if account, _ := tracker.Close(ended); account.Fired != runs+1 {
		t.Errorf("%v", account)
	}
}

// clickAllocs is what a click may allocate that counts, with an attribute of the element.
const clickAllocs = 20
