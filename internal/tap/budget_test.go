package tap

import (
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/scan"
)

// upload is a body of JSON that comes in pieces.
type upload struct {
	tee  bodyTee
	from *io.PipeWriter
	read sync.WaitGroup
}

// newUpload begins a body of so many bytes.
func newUpload(t *testing.T, b *Budget, who fair.Who, length int) *upload {
	t.Helper()
	reads, writes := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", reads)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = int64(length)
	r.Header.Set("Content-Type", "application/json")
	u := &upload{from: writes}
	if fate, ok := u.tee.start(r, 64<<10, b, who, scan.Kinds{JSON: true}, nil); !ok {
		t.Fatal(fate)
	}
	u.read.Go(func() { _, _ = io.Copy(io.Discard, &u.tee) })
	return u
}

// send sends so many bytes more, which have been read when it returns.
func (u *upload) send(n int) {
	_, _ = io.WriteString(u.from, strings.Repeat(" ", n))
	synctest.Wait()
}

// end ends the body and returns what became of it.
func (u *upload) end() scan.Outcome {
	_ = u.from.Close()
	u.read.Wait()
	_, fate := u.tee.seal()
	u.tee.release()
	return fate
}

// whole sends a whole body at once and returns what became of it.
func whole(t *testing.T, b *Budget, who fair.Who, n int) scan.Outcome {
	t.Helper()
	u := newUpload(t, b, who, n)
	u.send(n)
	return u.end()
}

// stalled has others send the beginning of bodies, and then nothing more.
func stalled(t *testing.T, b *Budget, who func(i int) fair.Who, n, bytes int) []*upload {
	t.Helper()
	all := make([]*upload, n)
	for i := range all {
		all[i] = newUpload(t, b, who(i), bytes+1000)
		_, _ = io.WriteString(all[i].from, strings.Repeat(" ", bytes))
	}
	synctest.Wait()
	return all
}

func nobody(int) fair.Who { return fair.Who{} }

// TestStalledUploadsTakeNoForm: whatever is stalled, a usual form is read, and after
// some seconds a large one is, too.
func TestStalledUploadsTakeNoForm(t *testing.T) {
	for _, tc := range []struct {
		name  string
		n     int
		bytes int
		who   func(i int) fair.Who
		large scan.Outcome // of a large body at once
		small scan.Outcome // of a usual form at once
	}{
		{"large", 520, 60_000, nobody, scan.OverBudget, scan.Complete},
		{"large, of one visitor", 520, 60_000, func(int) fair.Who { return fair.Who{Visitor: 1} }, scan.Complete, scan.Complete},
		{"large, of one network", 520, 60_000, func(int) fair.Who { return fair.Who{Network: 1} }, scan.OverBudget, scan.Complete},
		{"small, of one network", 9000, 4000, func(int) fair.Who { return fair.Who{Network: 1} }, scan.Complete, scan.Complete},
		{"small", 9000, 4000, nobody, scan.OverBudget, scan.Complete}, // they cannot take the last bytes
		{"tiny", 80_000, 500, nobody, scan.OverBudget, scan.OverBudget},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if testing.Short() && tc.n > 1000 {
				t.Skip("so many goroutines take the race detector half a minute, and do the same as 520")
			}
			synctest.Test(t, func(t *testing.T) {
				b := &Budget{Limit: 32 << 20}
				them := stalled(t, b, tc.who, tc.n, tc.bytes)
				if got := whole(t, b, fair.Who{Visitor: 2, Network: 2}, 30); got != tc.small {
					t.Errorf("a form at once: %v, want %v", got, tc.small)
				}
				if got := whole(t, b, fair.Who{Visitor: 2, Network: 2}, 50_000); got != tc.large {
					t.Errorf("a large body at once: %v, want %v", got, tc.large)
				}
				<-time.After(patience + time.Second)
				for _, n := range []int{30, 4000, 50_000} {
					if got := whole(t, b, fair.Who{Visitor: 3, Network: 3}, n); got != scan.Complete {
						t.Errorf("a body of %d bytes, later: %v", n, got)
					}
				}
				for _, u := range them {
					u.end()
				}
				if b.held != 0 || b.large != 0 || b.hand != nil {
					t.Errorf("%d bytes are held in the end", b.held)
				}
			})
		})
	}
}

// TestWhoKeepsTheirRoom: a body that makes progress keeps its room, and one that only
// seems to does not.
func TestWhoKeepsTheirRoom(t *testing.T) {
	for _, tc := range []struct {
		name  string
		begin int           // bytes at once
		every time.Duration // and then
		bytes int
		keeps bool
	}{
		{"a slow phone", 100, time.Second, 2000, true},
		{"a byte a second", 100, time.Second, 1, false},
		{"a byte a second after a quick beginning", 40_000, time.Second, 1, true}, // for 40 s
		{"nothing after a quick beginning", 40_000, time.Hour, 0, false},
		{"a burst now and then", 1000, 6 * time.Second, 20_000, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &Budget{Limit: 128 << 10}
				u := newUpload(t, b, fair.Who{}, 64<<10)
				u.send(tc.begin)
				sent := tc.begin
				for began := time.Now(); time.Since(began) < 20*time.Second; {
					<-time.After(min(tc.every, 20*time.Second) - time.Nanosecond)
					for _, o := range stalled(t, b, nobody, 8, 20_000) { // who want its room
						o.end()
					}
					<-time.After(time.Nanosecond)
					if tc.bytes > 0 && sent+tc.bytes < 64<<10 {
						u.send(tc.bytes)
						sent += tc.bytes
					}
				}
				if kept := u.fate() == scan.Unread; kept != tc.keeps {
					t.Errorf("it keeps its room: %t, want %t", kept, tc.keeps)
				}
				u.end()
			})
		})
	}
}

func (u *upload) fate() scan.Outcome {
	u.tee.mu.Lock()
	defer u.tee.mu.Unlock()
	return u.tee.fate
}

// TestWholeBodiesWaitForTheirAnswer: for a minute, and as long as they like once the
// answer has begun.
func TestWholeBodiesWaitForTheirAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &Budget{Limit: 64 << 10}
		begin := func(n int) *upload {
			u := newUpload(t, b, fair.Who{}, n)
			u.send(n)
			return u
		}
		answered, waits := begin(30_000), begin(3000)
		if _, ok := answered.tee.snapshot(); !ok {
			t.Fatal("it is not whole")
		}
		fill := func() {
			for range 40 {
				whole(t, b, fair.Who{}, 60_000)
			}
		}
		<-time.After(wholeFor - time.Second)
		if fill(); waits.fate() != scan.Unread {
			t.Error("a whole body lost its room within a minute")
		}
		<-time.After(2 * time.Second)
		if fill(); waits.fate() != scan.OverBudget {
			t.Errorf("a whole body without an answer keeps its room: %v", waits.fate())
		}
		if got := answered.end(); got != scan.Complete {
			t.Errorf("one that was answered: %v", got)
		}
		waits.end()
	})
}

// TestBudgetAtRandom: nothing is held in the end, and never more than the limit,
// whatever many bodies do at once.
func TestBudgetAtRandom(t *testing.T) {
	for _, limit := range []int64{200 << 10, 2 << 20} {
		b := &Budget{Limit: limit}
		var all sync.WaitGroup
		for worker := range uint64(8) {
			all.Go(func() {
				dice := rand.New(rand.NewPCG(worker, 1))
				for range 200 {
					tees := make([]bodyTee, 1+dice.IntN(8))
					for i := range tees {
						body := strings.Repeat(" ", 1+dice.IntN(40_000))
						r := formPost("application/json", body)
						if _, ok := tees[i].start(r, 64<<10, b, fair.Who{Visitor: dice.Uint64N(3), Network: dice.Uint64N(3)}, scan.Kinds{JSON: true}, nil); !ok {
							t.Error("not started")
							return
						}
						_, _ = io.CopyN(io.Discard, &tees[i], dice.Int64N(int64(len(body)))+1)
						tees[i].mu.Lock()
						tees[i].last = tees[i].last.Add(-time.Duration(dice.IntN(10)) * time.Second)
						tees[i].mu.Unlock()
						if held := b.Held(); held > b.Limit {
							t.Errorf("%d bytes are held", held)
						}
					}
					for i := range tees {
						if dice.IntN(2) == 0 {
							tees[i].seal()
						}
						tees[i].release()
					}
				}
			})
		}
		all.Wait()
		if b.held != 0 || b.large != 0 || b.hand != nil {
			t.Errorf("%d bytes are held in the end, %d of large bodies", b.held, b.large)
		}
	}
}

// A budget's work for one body does not depend on how many others there are.
func BenchmarkBudgetWithStalled(b *testing.B) {
	for _, n := range []int{0, 500, 5000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			budget := &Budget{Limit: int64(n+1)*4000 + 1<<20}
			for range n {
				t := &bodyTee{limit: 64 << 10, budget: budget, began: time.Now(), last: time.Now()}
				t.mu.Lock()
				budget.take(t, 4000)
				t.mu.Unlock()
			}
			budget.Limit = budget.held
			t := &bodyTee{limit: 64 << 10, budget: budget}
			for b.Loop() {
				t.mu.Lock()
				if budget.take(t, 4096) {
					budget.give(t)
				}
				t.mu.Unlock()
			}
		})
	}
}
