package notify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/bubble"
	"github.com/goaltrack/goaltrack/internal/logbook"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/report/notify"
)

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// receiver is who is told.
type receiver struct {
	mu     sync.Mutex
	status int // 0: nobody answers
	after  string
	got    []string // bodies that were taken
	tried  int
	ids    map[string]int
}

func (r *receiver) RoundTrip(q *http.Request) (*http.Response, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried++
	if r.status == 0 {
		return nil, errors.New("nobody there")
	}
	body, _ := io.ReadAll(q.Body)
	if r.ids == nil {
		r.ids = map[string]int{}
	}
	r.ids[q.Header.Get("Webhook-Id")]++
	if r.status < 300 {
		r.got = append(r.got, string(body))
	}
	h := http.Header{}
	if r.after != "" {
		h.Set("Retry-After", r.after)
	}
	return &http.Response{StatusCode: r.status, Body: http.NoBody, Header: h}, nil
}

func (r *receiver) answers(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) taken() (got []string, tried int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string{}, r.got...), r.tried
}

// begin makes a Notifier; what it logs is in the result.
func begin(t *testing.T, r *receiver, q queue.Queue, next fact.Sink) (*notify.Notifier, *logbook.Book) {
	t.Helper()
	log := new(logbook.Book)
	n, err := notify.New(notify.Options{
		URL: "https://hooks.example/token-1", Secret: secret, Queue: q, Next: next, Transport: r,
		Logger: slog.New(log),
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, log
}

func fired(goal string) fact.Fact {
	return fact.Fact{
		Kind: fact.Decision, Time: time.Now(), Site: "shop", Goal: goal, Reason: fact.Fired, Page: "/contact",
		Source: "google.com", Campaign: "spring", Browser: [16]byte{1}, Value: fact.ValueOf(10.5, "EUR"),
		Data: []fact.Attribute{{Name: "topic", Value: "tea"}, {Name: "cups", Value: 3.0}},
	}
}

func TestMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{status: http.StatusOK}
		var next sink
		n, _ := begin(t, r, nil, &next)
		n.Report(fired("CONTACT_SENT"))
		n.Report(fact.Fact{Kind: fact.Visit, Reason: fact.Fired})
		n.Report(fact.Fact{Kind: fact.Decision, Goal: "A", Reason: "bot", Uncountable: true})
		plain := fired("B")
		plain.Page, plain.Value, plain.Data = "", fact.Value{}, nil
		synctest.Wait()
		n.Report(plain)
		synctest.Wait()
		got, _ := r.taken()
		want := `[{"type":"goal.fired","timestamp":"2000-01-01T00:00:00Z","data":{"goal":"CONTACT_SENT","site":"shop","page":"/contact","value":10.5,"currency":"EUR","data":{"cups":3,"topic":"tea"}}} ` +
			`{"type":"goal.fired","timestamp":"2000-01-01T00:00:00Z","data":{"goal":"B","site":"shop"}}]`
		if fmt.Sprint(got) != want {
			t.Errorf("got  %v\nwant %s", got, want)
		}
		if len(next) != 4 {
			t.Errorf("handed on: %d facts", len(next))
		}
		if err := n.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if got := n.Counts(); got != (notify.Counts{Delivered: 2}) {
			t.Errorf("%+v", got)
		}
	})
}

type sink []fact.Fact

func (s *sink) Report(f fact.Fact) { *s = append(*s, f) }

// Nothing is lost while the receiver is away, each message keeps its ID, and the log has a
// line when that begins and one when it is over.
func TestReceiverIsAway(t *testing.T) {
	for name, status := range map[string]int{"nobody": 0, "500": 500, "a redirect": 302, "wrong secret": 401} {
		bubble.Run(t, name, func(t *testing.T) {
			r := &receiver{status: status}
			n, log := begin(t, r, nil, nil)
			for i := range 20 {
				n.Report(fired(fmt.Sprint("G", i)))
			}
			bubble.Pass(time.Hour)
			if _, tried := r.taken(); tried < 10 || tried > 400 {
				t.Errorf("tried %d times in an hour", tried)
			}
			r.answers(http.StatusNoContent)
			bubble.Pass(10 * time.Minute)
			got, _ := r.taken()
			if len(got) != 20 || len(r.ids) != 20 || n.Counts() != (notify.Counts{Delivered: 20}) {
				t.Errorf("%d arrived under %d IDs, %+v", len(got), len(r.ids), n.Counts())
			}
			for line, times := range map[string]int{"do not arrive, and wait": 1, "arrive again": 1, "token-1": 0} {
				if got := log.Count(line); got != times {
					t.Errorf("%q is logged %d times\n%s", line, got, log.Lines())
				}
			}
			if err := n.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &receiver{status: http.StatusTooManyRequests, after: "1800"}
		n, _ := begin(t, r, nil, nil)
		n.Report(fired("A"))
		bubble.Pass(29 * time.Minute)
		if _, tried := r.taken(); tried != 1 {
			t.Errorf("tried %d times", tried)
		}
		r.answers(http.StatusOK)
		bubble.Pass(2 * time.Minute)
		if got, _ := r.taken(); len(got) != 1 {
			t.Errorf("arrived: %v", got)
		}
		_ = n.Close(t.Context())
	})
}

func TestGivenUp(t *testing.T) {
	bubble.Run(t, "refused for good", func(t *testing.T) {
		r := &receiver{status: http.StatusUnprocessableEntity}
		n, log := begin(t, r, nil, nil)
		n.Report(fired("A"))
		bubble.Pass(time.Minute)
		if _, tried := r.taken(); tried != 1 || n.Counts() != (notify.Counts{Dead: 1}) || log.Count("notify_refused") != 1 {
			t.Errorf("tried %d times, %+v\n%s", tried, n.Counts(), log.Lines())
		}
		_ = n.Close(t.Context())
	})
	bubble.Run(t, "too old", func(t *testing.T) {
		r := &receiver{}
		n, _ := begin(t, r, nil, nil)
		n.Report(fired("A"))
		bubble.Pass(notify.MaxAge + time.Hour)
		if got := n.Counts(); got != (notify.Counts{Dead: 1}) {
			t.Errorf("%+v", got)
		}
		_ = n.Close(t.Context())
	})
}

// stuck is a queue whose disk hangs.
type stuck struct {
	*queue.Memory

	free chan struct{}
}

func (s *stuck) Append(ctx context.Context, items ...queue.Item) error {
	<-s.free
	return s.Memory.Append(ctx, items...)
}

// Whoever reports does not wait for a disk, and what finds no room is counted.
func TestReportWaitsForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &stuck{queue.NewMemory(10_000, 16<<20), make(chan struct{})}
		n, log := begin(t, &receiver{status: http.StatusOK}, q, nil)
		begun := time.Now()
		for range 2000 {
			n.Report(fired("A"))
		}
		if !time.Now().Equal(begun) {
			t.Error("it waited")
		}
		lost := n.Counts().Lost
		if lost < 900 || lost > 1000 {
			t.Errorf("lost %d", lost)
		}
		close(q.free)
		bubble.Pass(2 * time.Minute)
		if got := n.Counts(); got.Delivered != 2000-lost {
			t.Errorf("%+v", got)
		}
		if err := n.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if log.Count("notify_lost") != 1 || log.Count("there has been room") != 1 {
			t.Errorf("the log:\n%s", log.Lines())
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, log := begin(t, &receiver{}, nil, nil)
		n.Report(fired("A"))
		n.Report(fired("B"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_ = n.Close(ctx)
		n.Report(fired("C"))
		if got := n.Counts(); got.Lost != 3 || log.Count("were lost with the process") != 1 {
			t.Errorf("%+v\n%s", got, log.Lines())
		}
		if err := n.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What waits in a spool is delivered by the next process.
func TestSpool(t *testing.T) {
	dir := t.TempDir()
	open := func() *queue.Spool {
		s, err := queue.OpenSpool(dir, queue.SpoolOptions{})
		for errors.Is(err, queue.ErrLocked) && t.Context().Err() == nil { // Close gives the disk two seconds
			time.Sleep(time.Millisecond)
			s, err = queue.OpenSpool(dir, queue.SpoolOptions{})
		}
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	n, _ := begin(t, &receiver{}, open(), nil)
	n.Report(fired("A"))
	ctx, cancel := context.WithCancel(t.Context())
	for n.Counts().Waiting == 0 && t.Context().Err() == nil {
		time.Sleep(time.Millisecond)
	}
	cancel()
	_ = n.Close(ctx)
	r := &receiver{status: http.StatusOK}
	n, _ = begin(t, r, open(), nil)
	if err := n.Close(t.Context()); err != nil { // delivers what waits
		t.Error(err)
	}
	if got, _ := r.taken(); len(got) != 1 {
		t.Errorf("arrived: %v", got)
	}
}

// What says something of people is sealed where it waits, arrives as it was, and is a dead
// letter if its key is gone. The next process has the key that sealed it.
func TestSealed(t *testing.T) {
	key := notify.Key{Hash: bytes.Repeat([]byte{1}, 32), Block: bytes.Repeat([]byte{2}, 32)}
	other := notify.Key{Hash: bytes.Repeat([]byte{3}, 32), Block: bytes.Repeat([]byte{4}, 32)}
	for name, test := range map[string]struct {
		sealed, opened []notify.Key
		arrives        bool
	}{
		"no keys":             {nil, nil, true},
		"a key":               {[]notify.Key{key}, []notify.Key{key}, true},
		"a former key":        {[]notify.Key{key}, []notify.Key{other, key}, true},
		"a key that is gone":  {[]notify.Key{key}, []notify.Key{other}, false},
		"keys that are gone":  {[]notify.Key{key}, nil, false},
		"keys that are newer": {nil, []notify.Key{key}, true},
	} {
		bubble.Run(t, name, func(t *testing.T) {
			q, r := queue.NewMemory(10, 1<<20), &receiver{}
			n, log := begin(t, r, q, nil)
			if err := n.SetKeys(test.sealed...); err != nil {
				t.Fatal(err)
			}
			f := fired("WROTE")
			f.Private = true
			n.Report(f)
			bubble.Pass(time.Second)
			if err := n.SetKeys(test.opened...); err != nil {
				t.Fatal(err)
			}
			r.answers(http.StatusOK)
			bubble.Pass(time.Hour)
			got, _ := r.taken()
			if test.arrives && (len(got) != 1 || !strings.Contains(got[0], `"topic":"tea"`)) {
				t.Errorf("arrived: %q", got)
			}
			if letters := q.Letters(); !test.arrives && (len(letters) != 1 || letters[0].Reason != "key_unknown" || !letters[0].Private || bytes.Contains(letters[0].Body, []byte("tea")) || log.Count("key_unknown") != 1) {
				t.Errorf("%d letters, %+v\n%s", len(letters), letters, log.Lines())
			}
			_ = n.Close(t.Context())
		})
	}
}

func TestNew(t *testing.T) {
	for _, o := range []notify.Options{{}, {URL: "http://hooks.example", Secret: secret}, {URL: "https://hooks.example"}} {
		if _, err := notify.New(o); err == nil {
			t.Errorf("%+v: no error", o)
		}
	}
}

func BenchmarkReport(b *testing.B) {
	n, err := notify.New(notify.Options{URL: "https://hooks.example", Secret: secret, Transport: &receiver{status: 200}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	f := fired("A")
	for b.Loop() {
		n.Report(f)
	}
	_ = n.Close(b.Context())
}
