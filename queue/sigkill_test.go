package queue

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// What has to die for a test runs in a process of its own: this test binary,
// started again with the directory to use.
const (
	victimDir   = "QUEUE_TEST_VICTIM"
	victimPoint = "QUEUE_TEST_POINT" // "3 place": dies when it passes the place for the third time
	victimSteps = "QUEUE_TEST_STEPS" // how long it lives if nobody kills it
	victimFirst = "QUEUE_TEST_FIRST" // the number of its first item
	victimOpens = "QUEUE_TEST_OPENS" // it only opens and closes
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(victimDir); dir != "" {
		victim(dir)
		return
	}
	os.Exit(m.Run())
}

// say goes to the pipe at once: what was said before the end is heard after it.
func say(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }

func number(name string) int {
	n, _ := strconv.Atoi(os.Getenv(name))
	return n
}

// victim uses a spool and says what it knows:
//   - tries N: before it appends items up to N
//   - took N: when Append has surely taken item N
//   - acking N: before it acknowledges item N
//   - acked N: after that
func victim(dir string) {
	nth, place, _ := strings.Cut(os.Getenv(victimPoint), " ")
	var mu sync.Mutex
	passed := map[string]int{}
	crashPoint = func(p string) {
		mu.Lock()
		defer mu.Unlock()
		passed[p]++
		if p == place && strconv.Itoa(passed[p]) == nth {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		}
	}
	q, err := OpenSpool(dir, narrowSpool(false))
	if err != nil {
		say("error %v", err)
		return
	}
	if os.Getenv(victimOpens) == "" {
		victimLives(q)
	}
	if err := q.Close(context.Background()); err != nil {
		say("error %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	for p, n := range passed {
		say("passed %d %s", n, p)
	}
}

func victimLives(q *Spool) {
	next, steps := number(victimFirst), number(victimSteps)
	random := rand.New(rand.NewPCG(uint64(next), 11))
	for range steps {
		batch := make([]Item, 1+random.IntN(3))
		for i := range batch {
			batch[i] = numbered(next + i)
		}
		say("tries %d", next+len(batch)-1)
		switch err := q.Append(context.Background(), batch...); {
		case err == nil:
			for i := range batch {
				say("took %d", next+i)
			}
		case !errors.Is(err, ErrNotYetOnDisk) && !errors.Is(err, ErrFull):
			say("error %v", err)
		}
		next += len(batch)
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		got, _ := q.Receive(ctx, random.IntN(5))
		cancel()
		newest, _ := q.ReceiveNewest(context.Background(), random.IntN(4))
		for _, d := range append(got, newest...) {
			n, _ := numberOf(d.Item)
			switch random.IntN(6) {
			case 0: // keeps it
			case 1:
				d.Nack(0)
			case 2:
				d.Dead("why not")
			default:
				say("acking %d", n)
				d.Ack()
				say("acked %d", n)
			}
		}
	}
}

// numbered is item n, which looks like no other.
func numbered(n int) Item {
	return Item{
		Body: fmt.Appendf(nil, "%d:%s", n, strings.Repeat(string(rune('a'+n%26)), n*7919%4000)),
		Key:  strconv.Itoa(n % 3), Priority: High, Time: time.Unix(int64(n), 0),
	}
}

// numberOf is the number of an item that is exactly as numbered made it.
func numberOf(i Item) (int, error) {
	digits, _, _ := strings.Cut(string(i.Body), ":")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0, fmt.Errorf("a body that nobody appended: %.60q", i.Body)
	}
	if want := numbered(n); string(i.Body) != string(want.Body) || i.Key != want.Key || i.Priority != want.Priority || !i.Time.Equal(want.Time) {
		return n, fmt.Errorf("item %d is not as it was appended: %.60q, key %q", n, i.Body, i.Key)
	}
	return n, nil
}

// victims is what all processes on one directory said.
type victims struct {
	*testing.T
	dir                 string
	took, acking, acked map[int]bool
	passed              map[string]int // by the last that ended by itself
	top                 int
	killed              int
}

func newVictims(t *testing.T) *victims {
	return &victims{T: t, dir: t.TempDir(), took: map[int]bool{}, acking: map[int]bool{}, acked: map[int]bool{}, passed: map[string]int{}}
}

// run starts a victim and hears it out. After a life longer than 0 it is
// killed.
func (v *victims) run(life time.Duration, environment ...string) {
	v.Helper()
	v.runFrom(0, life, environment...)
}

// runFrom is run with a life that begins when the victim has said so much, so that
// a busy machine kills nobody before they have done anything.
func (v *victims) runFrom(words int, life time.Duration, environment ...string) {
	v.Helper()
	child := exec.CommandContext(v.Context(), os.Args[0])
	child.Env = append(append(os.Environ(), victimDir+"="+v.dir, victimFirst+"="+strconv.Itoa(v.top+1)), environment...)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		v.Fatal(err)
	}
	if err := child.Start(); err != nil {
		v.Fatal(err)
	}
	live := func() {}
	if life > 0 {
		timer := time.AfterFunc(time.Hour, func() { _ = child.Process.Kill() })
		defer timer.Stop()
		live = func() { timer.Reset(life) }
	}
	clear(v.passed)
	v.hear(out, words, live)
	if err := child.Wait(); err != nil {
		v.killed++
	}
}

func (v *victims) hear(out io.Reader, words int, live func()) {
	v.Helper()
	if words == 0 {
		live()
	}
	for scanner := bufio.NewScanner(out); scanner.Scan(); {
		if words--; words == 0 {
			live()
		}
		word, rest, _ := strings.Cut(scanner.Text(), " ")
		digits, place, _ := strings.Cut(rest, " ")
		n, err := strconv.Atoi(digits)
		if word == "error" || err != nil {
			v.Errorf("a victim said: %s", scanner.Text())
			continue
		}
		switch word {
		case "took":
			v.took[n] = true
		case "acking":
			v.acking[n] = true
		case "acked":
			v.acked[n] = true
		case "passed":
			v.passed[place] = n
			continue
		}
		v.top = max(v.top, n)
	}
}

// verify opens the directory: all that was taken and not settled is there, and
// nothing that was acknowledged.
func (v *victims) verify(when string) {
	v.Helper()
	q, err := OpenSpool(v.dir, narrowSpool(false))
	if err != nil {
		v.Fatalf("%s: the spool does not open: %v", when, err)
	}
	defer func() {
		if err := q.Close(context.WithoutCancel(v.Context())); err != nil {
			v.Errorf("%s: %v", when, err)
		}
	}()
	found := map[int]string{}
	note := func(i Item, where string) {
		n, err := numberOf(i)
		if err != nil {
			v.Errorf("%s: %v", when, err)
		}
		if where == "the queue" && found[n] == where {
			v.Errorf("%s: item %d is there twice", when, n)
		}
		found[n] = where
	}
	if err := q.letters.walk(func(_ *segment, l Letter) error { // Letters shows the newest
		note(l.Item, "the dead letters")
		return nil
	}, func() error { return nil }); err != nil {
		v.Errorf("%s: the letters: %v", when, err)
	}
	for waiting := q.Stats().Waiting; waiting > 0; {
		ctx, cancel := context.WithTimeout(v.Context(), time.Minute)
		got, err := q.Receive(ctx, waiting)
		cancel()
		if err != nil {
			v.Fatalf("%s: %d more should wait: %v", when, waiting, err)
		}
		for _, d := range got {
			note(d.Item, "the queue")
		}
		waiting -= len(got)
	}
	for n := range v.took {
		if found[n] == "" && !v.acking[n] {
			v.Errorf("%s: item %d is lost", when, n)
		}
	}
	for n := range v.acked {
		if found[n] == "the queue" { // a letter of it may be left of an end amid Dead
			v.Errorf("%s: item %d was acknowledged, and came again", when, n)
		}
	}
	if st := q.Stats(); st.Damaged > 0 {
		v.Errorf("%s: %+v", when, st)
	}
}

// TestKilledAtEveryPoint kills a process at each place between two operations
// on files, the first times and the last it comes by, and after each looks
// whether all is there.
func TestKilledAtEveryPoint(t *testing.T) {
	const steps = victimSteps + "=60"
	whole := newVictims(t)
	whole.run(0, steps)
	whole.verify("nobody was killed")
	if len(whole.passed) < 5 || whole.killed > 0 {
		t.Fatalf("passed %v", whole.passed)
	}
	for place, times := range whole.passed {
		for _, nth := range slices.Compact([]int{1, min(2, times), (times + 1) / 2, times}) {
			v := newVictims(t)
			v.run(0, steps, fmt.Sprintf("%s=%d %s", victimPoint, nth, place))
			when := fmt.Sprintf("killed at %q, time %d of %d", place, nth, times)
			v.verify(when)
		}
	}
	t.Logf("%d places: %v", len(whole.passed), whole.passed)
}

// TestKilledDuringRecovery: a process is killed, and the next one while it opens
// what the first left, at each place it comes by.
func TestKilledDuringRecovery(t *testing.T) {
	const steps = victimSteps + "=60"
	random := rand.New(rand.NewPCG(1, 13))
	places := map[string]int{}
	for range 3 {
		v := newVictims(t)
		v.run(time.Duration(10+random.IntN(40))*time.Millisecond, steps+"000")
		copied := newVictims(t)
		copyDir(t, v.dir, copied.dir)
		copied.run(0, victimOpens+"=1")
		for place, times := range copied.passed {
			places[place]++
			for _, nth := range slices.Compact([]int{1, times}) {
				again := *v
				again.dir = t.TempDir()
				copyDir(t, v.dir, again.dir)
				again.passed = map[string]int{}
				again.run(0, victimOpens+"=1", fmt.Sprintf("%s=%d %s", victimPoint, nth, place))
				again.verify(fmt.Sprintf("killed while opening, at %q, time %d of %d", place, nth, times))
			}
		}
	}
	t.Logf("%d places in recovery: %v", len(places), places)
}

func copyDir(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// TestKilledAtRandom kills process after process on one directory: some at any time
// from their start on, the others when they have begun to work.
// QUEUE_TEST_KILLS asks for more kills than fit a test suite.
func TestKilledAtRandom(t *testing.T) {
	v := newVictims(t)
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 17))
	for i := range max(20, number("QUEUE_TEST_KILLS")) {
		v.runFrom(i%3*(20+random.IntN(40)), time.Duration(5+random.IntN(60))*time.Millisecond, victimSteps+"=1000000")
		v.verify(fmt.Sprintf("after %d kills", v.killed))
		if t.Failed() {
			return
		}
	}
	if v.killed < 20 || len(v.took) < 100 {
		t.Errorf("%d were killed, %d items taken", v.killed, len(v.took))
	}
	t.Logf("%d kills, %d items taken, %d acknowledged, 0 lost, 0 came twice", v.killed, len(v.took), len(v.acked))
}
