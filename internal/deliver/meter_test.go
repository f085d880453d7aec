package deliver

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/idpool"
)

func TestLatencyPercentiles(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		name string
		took []time.Duration
		want Latency
	}{
		{"none", nil, Latency{}},
		{"one", []time.Duration{7 * ms}, Latency{1, 7 * ms, 7 * ms, 7 * ms, 7 * ms}},
		{"faster than the first bucket", []time.Duration{time.Microsecond}, Latency{1, time.Microsecond, time.Microsecond, time.Microsecond, time.Microsecond}},
		{"slower than the last", []time.Duration{time.Hour}, Latency{1, latencyBounds[160], latencyBounds[160], latencyBounds[160], time.Hour}},
		{"a hundred", upTo(100), Latency{100, 50 * ms, 95 * ms, 99 * ms, 100 * ms}},
		{"a thousand", upTo(1000), Latency{1000, 500 * ms, 950 * ms, 990 * ms, 1000 * ms}},
	} {
		var l latency
		now := time.Now()
		for _, d := range tc.took {
			l.add(now, d)
		}
		got := l.summary(now)
		if got.Requests != tc.want.Requests || got.Max != tc.want.Max {
			t.Errorf("%s: %+v", tc.name, got)
		}
		for _, p := range [][2]time.Duration{{got.P50, tc.want.P50}, {got.P95, tc.want.P95}, {got.P99, tc.want.P99}} {
			if p[0] < p[1] || float64(p[0]) > 1.091*float64(p[1]) || p[0] > got.Max {
				t.Errorf("%s: %v, want at most 9 %% more than %v", tc.name, p[0], p[1])
			}
		}
	}
}

// upTo is 1 ms, 2 ms ... n ms.
func upTo(n int) (all []time.Duration) {
	for i := range n {
		all = append(all, time.Duration(i+1)*time.Millisecond)
	}
	return all
}

func TestLatencyForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l latency
		l.add(time.Now(), time.Minute)
		for minute := 1; minute <= 12; minute++ {
			bubble.Pass(time.Minute)
			l.add(time.Now(), time.Millisecond)
			if got := l.summary(time.Now()); (got.Max == time.Minute) != (minute < 10) || got.Requests > 11 {
				t.Errorf("after %d minutes: %+v", minute, got)
			}
		}
		bubble.Pass(time.Hour)
		if got := l.summary(time.Now()); got != (Latency{}) {
			t.Errorf("after an hour: %+v", got)
		}
		l.add(time.Now(), time.Second)
		if got := l.summary(time.Now()); got.Requests != 1 {
			t.Errorf("%+v", got)
		}
	})
}

// An error of the CDP may repeat what a visitor wrote.
func TestInOurWords(t *testing.T) {
	err := &cdp.Error{Op: "send event", Outcome: cdp.EventBad, Status: 400, Message: "ann@tea.example is no address"}
	got := inOurWords(fmt.Errorf("x: %w", err))
	if want := "cdp: send event: event bad: status 400"; got != want || !strings.Contains(err.Error(), "ann@") {
		t.Errorf("%q", got)
	}
	if got := inOurWords(idpool.ErrLimited); got != idpool.ErrLimited.Error() {
		t.Errorf("%q", got)
	}
}

func TestMeterCostsNoAllocation(t *testing.T) {
	var m meter
	j := &job{attempts: 2, began: time.Now(), took: time.Millisecond}
	if n := testing.AllocsPerRun(100, func() { m.add(j) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if m.sends != 101 || m.retries != 101 || m.outcomes[cdp.Accepted] != 101 {
		t.Errorf("%+v", m)
	}
}

// TestDurationsAddUp: each request is in each row whose bound it did not exceed, and what
// took longer than all is in none.
func TestDurationsAddUp(t *testing.T) {
	var d durations
	for _, took := range []time.Duration{0, 5 * time.Millisecond, 6 * time.Millisecond, 10 * time.Second, time.Hour} {
		d.add(took)
	}
	got := d.summary()
	if got.Requests != 5 || got.Sum != time.Hour+10*time.Second+11*time.Millisecond {
		t.Errorf("%+v", got)
	}
	for i, want := range map[int]uint64{0: 2, 1: 3, len(durationBounds) - 2: 3, len(durationBounds) - 1: 4} {
		if row := got.AtMost[i]; row.Requests != want || row.Time != durationBounds[i] {
			t.Errorf("row %d: %+v, want %d", i, row, want)
		}
	}
}
