package test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/world"
)

// wire is an http.RoundTripper that answers as it is told, for tests in fake
// time.
type wire struct {
	mu     sync.Mutex
	answer func(typ string) (status int, err error)
}

func (w *wire) tell(answer func(typ string) (int, error)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answer = answer
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	var event struct{ Type string }
	if r.Body != nil {
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	select {
	case <-time.After(50 * time.Millisecond):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	status, err := http.StatusCreated, error(nil)
	if w.answer != nil {
		status, err = w.answer(event.Type)
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"status":"OK"}`))}, nil
}

// faked is a tracker in fake time whose CDP is a wire.
func faked(t *testing.T, rules string, adjust ...func(*goaltrack.Config)) (*goaltrack.Tracker, *wire) {
	t.Helper()
	w := &wire{}
	config := goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: cdp.Direct{BaseURL: "https://cdp.example", ClientKey: "k", PointOfSale: "shop"}, Currency: "EUR"}},
		Rules:  world.MustParse(t, rules),
		Cookie: goaltrack.Cookie{Warm: -1},
		Logger: slog.New(slog.DiscardHandler),
		Delivery: goaltrack.Delivery{
			HTTPClient: &http.Client{Transport: w}, BackoffBase: time.Second, BackoffMax: time.Second,
		},
	}
	for _, a := range adjust {
		a(&config)
	}
	tracker, err := goaltrack.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return tracker, w
}

// page asks for a page as a visitor of that number.
func page(tracker *goaltrack.Tracker, visitor int, path string) {
	r := httptest.NewRequest(http.MethodGet, "https://shop.example"+path, nil)
	r.Header.Set("User-Agent", world.Chrome)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Cookie", fmt.Sprintf("bid_k=%08x-0000-4000-8000-000000000000", visitor))
	tracker.Handler(http.HandlerFunc(world.HTML)).ServeHTTP(httptest.NewRecorder(), r)
}

const snapshotRules = `
version: 1
goals:
  - {goal: GOOD, visit: /good}
  - {goal: BAD, visit: /bad, label: Never taken}
  - {goal: SLOW, visit: /slow}
`

func snapshotJSON(t *testing.T, tracker *goaltrack.Tracker) string {
	t.Helper()
	s := tracker.Snapshot()
	s.Recent = s.Recent[:min(len(s.Recent), 2)]
	s.RulesHash = ""
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return moment.ReplaceAllStringFunc(string(text), func(quoted string) string { // written in the time zone of this machine
		at, err := time.Parse(`"`+time.RFC3339Nano+`"`, quoted)
		if err != nil {
			t.Error(err)
		}
		return at.UTC().Format(`"` + time.RFC3339Nano + `"`)
	})
}

var moment = regexp.MustCompile(`"\d{4}-\d\d-\d\dT[^"]*"`)

// TestSnapshot has a scripted run and compares all that a snapshot says.
func TestSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, cdp := faked(t, snapshotRules)
		cdp.tell(func(typ string) (int, error) {
			switch typ {
			case "BAD":
				return 400, nil
			case "SLOW":
				return 0, errors.New("connection reset")
			}
			return 201, nil
		})
		for v := range 5 {
			page(tracker, v, "/good")
		}
		bubble.Pass(time.Second)
		page(tracker, 5, "/bad")
		bubble.Pass(time.Second)
		page(tracker, 6, "/slow")
		bubble.Pass(60 * time.Millisecond) // the first answer is there, the next attempt waits
		want := `{
  "decisions": 7,
  "fired": 7,
  "notFired": {},
  "accepted": 7,
  "recovered": 0,
  "delivered": 5,
  "dead": {
    "rejected_400": 1
  },
  "dropped": {},
  "waiting": 1,
  "possibleDuplicates": 0,
  "since": "2000-01-01T00:00:00Z",
  "rulesHash": "",
  "goals": [
    {
      "goal": "GOOD",
      "fired": 5,
      "notFired": {},
      "last": "2000-01-01T00:00:00Z"
    },
    {
      "goal": "BAD",
      "label": "Never taken",
      "fired": 1,
      "notFired": {},
      "last": "2000-01-01T00:00:01Z"
    },
    {
      "goal": "SLOW",
      "fired": 1,
      "notFired": {},
      "last": "2000-01-01T00:00:02Z"
    }
  ],
  "notes": {},
  "recent": [
    {
      "time": "2000-01-01T00:00:02Z",
      "goal": "SLOW",
      "fate": "fired",
      "browser": "00000006"
    },
    {
      "time": "2000-01-01T00:00:01.05Z",
      "goal": "BAD",
      "fate": "dead: rejected_400",
      "browser": "00000005"
    }
  ],
  "queue": {
    "level": "memory",
    "events": 1,
    "bytes": BYTES,
    "oldest": "2000-01-01T00:00:02Z",
    "full": 0.0001,
    "deadLetters": 1
  },
  "month": {
    "ids": 0,
    "events": 7
  },
  "delivery": [
    {
      "site": "shop",
      "state": "ok",
      "silentSince": "2000-01-01T00:00:01Z",
      "inFlight": 0,
      "idsReady": 0,
      "sends": 7,
      "retries": 0,
      "outcomes": {
        "accepted": 5,
        "event_bad": 1,
        "unknown": 1
      },
      "lastError": "cdp: send event: unknown: connection reset",
      "lastErrorAt": "2000-01-01T00:00:02.05Z",
      "latency": {
        "requests": 7,
        "p50": 50,
        "p95": 50,
        "p99": 50,
        "max": 50
      }
    }
  ]
}`
		held := tracker.Snapshot().Queue.Bytes
		if held < 200 || held > 500 {
			t.Errorf("one event has %d bytes", held)
		}
		want = strings.Replace(want, "BYTES", strconv.FormatInt(held, 10), 1)
		if got := snapshotJSON(t, tracker); got != want {
			t.Errorf("%s", firstDifference(got, want))
		}

		_, err := tracker.Close(t.Context())
		if err != nil {
			t.Error(err)
		}
		s := tracker.Snapshot()
		d := s.Delivery[0]
		if d.State != "closed" || d.Sends != 9 || d.Retries != 2 || d.Outcomes["unknown"] != 3 || s.Dead["unknown"] != 1 || s.PossibleDuplicates == 0 {
			t.Errorf("after Close: %+v", s)
		}
		if q := s.Queue; q.Events != 0 || q.Bytes != 0 || !q.Oldest.IsZero() || q.DeadLetters != 2 {
			t.Errorf("after Close: %+v", q)
		}
	})
}

// firstDifference shows where two texts part.
func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d is %q, want %q, in\n%s", i+1, g[i], append(w, "")[min(i, len(w))], got)
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// What a memory queue held when Close gave up is neither waiting nor there.
func TestSnapshotOfWhatCloseGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, cdp := faked(t, snapshotRules)
		cdp.tell(func(string) (int, error) { return 401, nil })
		for v := range 20 {
			page(tracker, v, "/good")
		}
		bubble.Pass(20 * time.Second)
		if s := tracker.Snapshot(); s.Delivery[0].State != "held" || s.Queue.Events != 20 {
			t.Errorf("%+v", s)
		}
		account, err := tracker.Close(t.Context())
		if err == nil || account.Dropped["shutdown"] != 20 || !account.Balanced() {
			t.Errorf("%v, %v", account, err)
		}
		if s := tracker.Snapshot(); s.Waiting != 0 || s.Queue.Events != 0 || s.Queue.Bytes != 0 {
			t.Errorf("%+v", s.Queue)
		}
	})
}

func TestSnapshotConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker, _ := faked(t, snapshotRules)
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for v := range 50 {
					page(tracker, g*1000+v, "/good")
				}
			})
			wg.Go(func() {
				for range 50 {
					if b, err := json.Marshal(tracker.Snapshot()); err != nil || bytes.Contains(b, []byte("-0000-4000-8000-")) {
						t.Errorf("%s, %v", b, err)
					}
				}
			})
		}
		wg.Wait()
		if account, err := tracker.Close(t.Context()); err != nil || account.Delivered != 200 {
			t.Errorf("%v, %v", account, err)
		}
	})
}

func TestSnapshotOfADryRun(t *testing.T) {
	tracker, _ := faked(t, snapshotRules, func(c *goaltrack.Config) { c.DryRun = true })
	page(tracker, 1, "/good")
	if s := tracker.Snapshot(); s.Fired != 1 || s.Queue != (goaltrack.QueueState{}) || s.Delivery != nil {
		t.Errorf("%+v", s)
	}
}
