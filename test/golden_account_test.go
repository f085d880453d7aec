package test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/golden"
	"github.com/goaltrack/goaltrack/queue"
)

// TestGoldenAccount: a snapshot that a monitor of any version wrote can be read, and
// a monitor that knows only its attributes finds them all in one of today.
func TestGoldenAccount(t *testing.T) {
	golden.Kind{Name: "account", Write: func(t *testing.T, dir string) {
		s := goldenSnapshot()
		for _, name := range zeroFields("Snapshot", reflect.ValueOf(s)) {
			t.Errorf("%s has no value", name)
		}
		writeGolden(t, dir, "snapshot.json", inJSON(t, s))
		writeGolden(t, dir, "letter.json", inJSON(t, goldenLetter()))
	}, Read: readGoldenAccount}.Test(t, goldenRoot)
}

func readGoldenAccount(t *testing.T, dir string) golden.Texts {
	var s goaltrack.Snapshot
	var letter goaltrack.DeadLetter
	kept(t, filepath.Join(dir, "snapshot.json"), &s)
	kept(t, filepath.Join(dir, "letter.json"), &letter)
	l := s.Delivery[0].Latency
	return golden.Texts{"meaning.txt": fmt.Sprintf("%v\nbalanced: %v\nheld by %v\nlatency of %d requests: %v, %v, %v, %v\n",
		s.Account, s.Balanced(), s.Queue.HeldBy, l.Requests, l.P50, l.P95, l.P99, l.Max)}
}

// kept reads a value that was written as JSON, and looks whether all that was
// written is there when it is written again.
func kept(t *testing.T, file string, into any) {
	t.Helper()
	fromJSON(t, file, into)
	var then, now any
	if err := json.Unmarshal([]byte(readText(t, file)), &then); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(inJSON(t, into)), &now); err != nil {
		t.Fatal(err)
	}
	for _, lost := range lostIn("", then, now) {
		t.Errorf("%s: %s", file, lost)
	}
}

// lostIn tells what of a value in JSON is not in another: that may have more
// attributes, and no fewer.
func lostIn(at string, then, now any) (lost []string) {
	switch was := then.(type) {
	case map[string]any:
		is, _ := now.(map[string]any)
		for key, value := range was {
			lost = append(lost, lostIn(at+"."+key, value, is[key])...)
		}
	case []any:
		is, _ := now.([]any)
		if len(is) != len(was) {
			return []string{fmt.Sprintf("%s has %d elements, had %d", at, len(is), len(was))}
		}
		for i := range was {
			lost = append(lost, lostIn(fmt.Sprintf("%s[%d]", at, i), was[i], is[i])...)
		}
	default:
		if then != now {
			lost = append(lost, fmt.Sprintf("%s is %v, was %v", at, now, then))
		}
	}
	return lost
}

// zeroFields are the fields of a value, however deep, that have none.
func zeroFields(name string, v reflect.Value) (zero []string) {
	if v.IsZero() {
		return []string{name}
	}
	if _, isTime := reflect.TypeAssert[time.Time](v); isTime {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		return zeroFields(name, v.Elem())
	case reflect.Slice:
		if v.Len() == 0 {
			return []string{name}
		}
		return zeroFields(name+"[0]", v.Index(0))
	case reflect.Struct:
		for field, value := range v.Fields() {
			zero = append(zero, zeroFields(name+"."+field.Name, value)...)
		}
	}
	return zero
}

// TestGoldenAccountIsWhole: the snapshot that the next version's golden one is made
// from has a value for every field.
func TestGoldenAccountIsWhole(t *testing.T) {
	zero := append(zeroFields("Snapshot", reflect.ValueOf(goldenSnapshot())), zeroFields("DeadLetter", reflect.ValueOf(goldenLetter()))...)
	if len(zero) > 0 {
		t.Errorf("without a value: %s", strings.Join(zero, ", "))
	}
}

// goldenSnapshot has a value in every field, and sums that hold.
func goldenSnapshot() goaltrack.Snapshot {
	at := func(minute int) time.Time { return time.Date(2026, 11, 28, 17, minute, 0, 0, time.UTC) }
	return goaltrack.Snapshot{
		Account: goaltrack.Account{
			Decisions: 100, Fired: 40, Held: 3,
			NotFired: map[string]uint64{"bot": 30, "already_counted": 20, "doubtful_redirect": 7},
			Accepted: 40, Recovered: 10, Delivered: 35, Waiting: 5,
			Dead:               map[string]uint64{"rejected_400": 4, "blocked": 3, "unknown": 1, "expired": 1},
			Dropped:            map[string]uint64{"damaged": 1},
			PossibleDuplicates: 2,
		},
		Since: at(0), RulesHash: "0a1b2c3d", RulesFault: "goals.yaml:3:5: goal A: unknown key lable: (did you mean label:?)",
		Goals: []goaltrack.GoalCount{{
			Goal: "CONTACT_SENT", Label: "Sent the contact form", Fired: 40, Held: 3, Last: at(9),
			NotFired:   map[string]uint64{"bot": 30},
			NearMisses: []goaltrack.NearMiss{{What: "the form led to /", Times: 7, Last: at(8), Hint: "if that is success, write success: redirect to /"}},
			LedTo:      []goaltrack.Lead{{To: "/thanks", Times: 40}},
		}},
		Notes:  map[string]uint64{"not_yet_on_disk": 1, "id_replaced": 2},
		Recent: []goaltrack.Record{{Time: at(9), Goal: "CONTACT_SENT", Fate: "dead: blocked", Browser: "aaaaaaaa", Note: "client_gone"}},
		Month:  fact.Month{IDs: 900, LimitIDs: 1000, Events: 7000, LimitEvents: 10000},
		Queue: goaltrack.QueueState{
			Level: goaltrack.LevelDurable, Degraded: "queue: the disk is full", HeldBy: &queue.Holder{PID: 4711, Host: "web-1", Since: at(0)},
			Damage: "1 events lost", QuarantineBytes: 65536, Events: 5, Bytes: 2000, Oldest: at(2), Full: 0.25, DeadLetters: 9,
		},
		Delivery: []goaltrack.SiteState{{
			Site: "shop", State: "slow", SilentSince: at(3), Benched: 2, TwoMinds: true, HeldGoals: []string{"CONTACT_SENT"},
			InFlight: 1, IDsReady: 2, Sends: 60, Retries: 20, Outcomes: map[string]uint64{"accepted": 35, "sender_bad": 25},
			LastError: "403", LastErrorAt: at(9),
			Latency:   goaltrack.Latency{Requests: 60, P50: 51500 * time.Microsecond, P95: 90 * time.Millisecond, P99: 120 * time.Millisecond, Max: 2 * time.Second},
			Durations: cdp.Durations{Requests: 60, Sum: 4 * time.Second, AtMost: []cdp.AtMost{{Time: 50 * time.Millisecond, Requests: 30}}},
		}},
	}
}

func goldenLetter() goaltrack.DeadLetter {
	return goaltrack.DeadLetter{
		Type: "IDENTITY",
		Goal: "CONTACT_SENT", Site: "shop", Reason: "rejected_400", Status: 400, Explanation: "the ext attribute … is not allowed",
		Happened: time.Date(2026, 11, 28, 17, 0, 0, 0, time.UTC), Died: time.Date(2026, 11, 28, 17, 1, 0, 5000, time.UTC), Browser: "aaaaaaaa",
	}
}
