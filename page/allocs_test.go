//go:build !race

package page_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"

	"github.com/goaltrack/goaltrack/internal/world"
)

// TestCountAllocates keeps what a click costs from growing unnoticed. The race detector
// allocates of its own accord.
func TestCountAllocates(t *testing.T) {
	_, collector, tracker := counting(t, new(world.Sink))
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
