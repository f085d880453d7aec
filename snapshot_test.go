package goaltrack

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/logbook"
	"github.com/goaltrack/goaltrack/queue"
)

// answers is a CDP that answers each request with its status.
type answers struct{ status int }

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	return &http.Response{StatusCode: a.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// slowDisk is a queue that accepts events before they are on the disk while slow
// is set.
type slowDisk struct {
	*queue.Memory
	slow bool
}

func (q *slowDisk) Append(ctx context.Context, items ...queue.Item) error {
	if err := q.Memory.Append(ctx, items...); err != nil || !q.slow {
		return err
	}
	return queue.ErrNotYetOnDisk
}

// A minute in which nothing happened has no line.
func TestSummaryOfEachMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wire, logs := &answers{http.StatusCreated}, &logbook.Book{}
		disk := &slowDisk{Memory: queue.NewMemory(10, 1<<20)}
		rules, err := ParseRules([]byte("goals: [{goal: A, code: true}]"))
		if err != nil {
			t.Fatal(err)
		}
		tracker, err := New(Config{
			Sites:    []Site{{CDP: cdp.Direct{BaseURL: "https://cdp.example", ClientKey: "k", PointOfSale: "shop"}}},
			Rules:    rules,
			Cookie:   Cookie{Warm: -1},
			Logger:   slog.New(logs),
			Delivery: Delivery{Queue: disk, MaxAge: 2 * time.Minute, HTTPClient: &http.Client{Transport: wire}},
		})
		if err != nil {
			t.Fatal(err)
		}
		send := func(from, n int) (refused int) {
			for v := from; v < from+n; v++ {
				if err := tracker.Send(t.Context(), Visitor{BrowserID: someID(v)}, "A", nil); err != nil {
					refused++
				}
			}
			return refused
		}
		bubble.Pass(10 * time.Minute)
		send(0, 5)
		bubble.Pass(time.Minute)
		bubble.Pass(10 * time.Minute)
		wire.status = http.StatusBadRequest
		send(5, 1)
		bubble.Pass(time.Minute)
		wire.status = http.StatusServiceUnavailable
		if refused := send(6, 12); refused != 3 {
			t.Fatalf("%d were refused", refused)
		}
		tracker.ledger.decide(time.Now(), "A", fateBot, "", "")
		bubble.Pass(time.Minute)
		bubble.Pass(time.Minute)
		bubble.Pass(20 * time.Minute)
		wire.status, disk.slow = http.StatusCreated, true
		send(1, 2)
		bubble.Pass(time.Minute)
		want := []string{
			"INFO goaltrack: the last minute decisions=5 fired=5 accepted=5 delivered=5 waiting=0",
			"WARN goaltrack: the last minute decisions=1 fired=1 accepted=1 delivered=0 waiting=0 dead=[rejected_400=1]",
			"WARN goaltrack: the last minute decisions=13 fired=9 not_fired=[bot=1 queue_full=3] accepted=9 delivered=0 waiting=9 oldest=1m0s",
			"INFO goaltrack: the last minute decisions=0 fired=0 accepted=0 delivered=0 waiting=9 oldest=2m0s",
		}
		got := logs.About("the last minute")
		if len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
			t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if all := strings.Join(got, "\n"); !strings.Contains(all, "dead=[expired=") {
			t.Errorf("nothing expired:\n%s", all)
		}
		if late := got[len(got)-1]; late != "WARN goaltrack: the last minute decisions=2 fired=2 accepted=2 delivered=2 waiting=0 not_yet_on_disk=2" {
			t.Errorf("%s", late)
		}
		for _, l := range got {
			if strings.Contains(l, someID(6)[:8]) {
				t.Errorf("a visitor is named: %s", l)
			}
		}
		if _, err := tracker.Close(t.Context()); err != nil {
			t.Error(err)
		}
		bubble.Pass(time.Hour)
		if after := logs.About("the last minute"); len(after) != len(got) {
			t.Errorf("after Close: %q", after[len(got):])
		}
	})
}

func TestLatencyAsJSON(t *testing.T) {
	got, err := json.Marshal(Latency{3, 1500 * time.Microsecond, time.Second, 2 * time.Second, time.Minute})
	if want := `{"requests":3,"p50":1.5,"p95":1000,"p99":2000,"max":60000}`; err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

// TestLatencyJSON: what is written in milliseconds is read as such.
func TestLatencyJSON(t *testing.T) {
	want := Latency{7, 51500 * time.Microsecond, 90*time.Millisecond + time.Microsecond, time.Second, time.Hour}
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Latency
	if err := json.Unmarshal(text, &got); err != nil || got != want {
		t.Errorf("%s is read as %+v, want %+v (%v)", text, got, want, err)
	}
	if err := json.Unmarshal([]byte(`{"p50":"slow"}`), &got); err == nil || got != want {
		t.Errorf("nonsense is read as %+v (%v)", got, err)
	}
}
