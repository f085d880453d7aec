//go:build unix

package test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/world"
)

// The rows of docs/reliability.md that need a process of their own: the test
// starts its own binary, which finds its part in the environment.

// helperEnv has the base URL of the CDP, for a process that plays a site.
const helperEnv = "GOALTRACK_TEST_CDP"

// helper starts a test once more, as a process whose site reports to a CDP. It
// returns its input and its output.
func helper(t *testing.T, test, base string) (*exec.Cmd, io.Writer, *bufio.Reader) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // ends what hangs
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+test+"$", "-test.timeout=2m")
	cmd.Env = append(os.Environ(), helperEnv+"="+base)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd, in, bufio.NewReader(out)
}

// say writes a line for the test that started this process.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }

func hear(t *testing.T, out *bufio.Reader) string {
	t.Helper()
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatalf("the helper said no more: %q, %v", line, err)
	}
	return strings.TrimSpace(line)
}

func helperTracker(t *testing.T) *goaltrack.Tracker {
	t.Helper()
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: cdp.Direct{BaseURL: os.Getenv(helperEnv), ClientKey: "key", PointOfSale: "shop"}}},
		Rules:  world.MustParse(t, world.EachTrigger),
		Cookie: goaltrack.Cookie{Warm: -1},
		Logger: slog.New(slog.DiscardHandler),
		Delivery: goaltrack.Delivery{
			BackoffBase: time.Millisecond, BackoffMax: 20 * time.Millisecond, ProbeBase: 5 * time.Millisecond, ProbeMax: 50 * time.Millisecond,
			Timeout: 10 * time.Minute,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return tracker
}

// counting is a CDP that takes everything after a while.
func counting(t *testing.T, took time.Duration) (string, *atomic.Int64) {
	t.Helper()
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		timer := time.NewTimer(took)
		defer timer.Stop()
		select {
		case <-timer.C:
			n.Add(1)
			w.WriteHeader(http.StatusCreated)
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, &n
}

// TestFault21Sigterm stops a site that has events under way, as an orchestrator
// does: with time enough, with too little, and with a second signal.
func TestFault21Sigterm(t *testing.T) {
	if os.Getenv(helperEnv) != "" {
		beStopped(t)
		return
	}
	for _, tc := range []struct {
		name   string
		took   time.Duration // by the CDP, for each of 64 events and 16 workers
		limit  string
		second bool
		left   uint64 // events dropped as shutdown
	}{
		{"time enough", 50 * time.Millisecond, "5m", false, 0},
		{"too little", time.Hour, "300ms", false, 64},
		{"a second signal", time.Hour, "1h", true, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			url, arrived := counting(t, tc.took)
			t.Setenv("GOALTRACK_TEST_LIMIT", tc.limit)
			cmd, _, out := helper(t, "TestFault21Sigterm", url)
			if line := hear(t, out); line != "ready" {
				t.Fatal(line)
			}
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if tc.second {
				if line := hear(t, out); line != "stopping" {
					t.Fatal(line)
				}
				if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
				_ = cmd.Wait()
				if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || ws.Signal() != syscall.SIGTERM {
					t.Errorf("%v", cmd.ProcessState)
				}
				return
			}
			if line := hear(t, out); line != "stopping" {
				t.Fatal(line)
			}
			var a goaltrack.Account
			if err := json.Unmarshal([]byte(hear(t, out)), &a); err != nil {
				t.Fatal(err)
			}
			if !a.Balanced() || a.Accepted != 64 || a.Dropped["shutdown"] != tc.left || a.Delivered != 64-tc.left || arrived.Load() != int64(a.Delivered) {
				t.Errorf("%d arrived\n%s", arrived.Load(), a)
			}
		})
	}
}

// beStopped is the process: a server, stopped as the README's example stops.
func beStopped(t *testing.T) {
	limit, err := time.ParseDuration(os.Getenv("GOALTRACK_TEST_LIMIT"))
	if err != nil {
		t.Fatal(err)
	}
	stopped, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	tracker := helperTracker(t)
	server := httptest.NewServer(tracker.Handler(http.HandlerFunc(world.HTML)))
	for v := range 64 {
		visit(t, server.URL+"/page", v)
	}
	say("ready")
	<-stopped.Done()
	stop() // the next signal ends the process
	server.Close()
	say("stopping")
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	account, _ := tracker.Close(ctx)
	text, err := json.Marshal(account)
	if err != nil {
		t.Fatal(err)
	}
	say("%s", text)
}

// visit requests a page as one of many visitors.
func visit(t *testing.T, url string, visitor int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("User-Agent", world.Chrome)
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	req.Header.Set("Cookie", fmt.Sprintf("bid_key=%08x-0000-4000-8000-000000000000", visitor))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
}

// TestFault30DescriptorsRunOut: a process that may open no more files cannot
// dial. Its events wait until it can.
func TestFault30DescriptorsRunOut(t *testing.T) {
	if os.Getenv(helperEnv) != "" {
		runOut(t)
		return
	}
	url, arrived := counting(t, time.Millisecond)
	_, in, out := helper(t, "TestFault30DescriptorsRunOut", url)
	if line := hear(t, out); line != "down: 50 waiting" {
		t.Fatal(line)
	}
	if n := arrived.Load(); n != 0 {
		t.Errorf("%d events arrived without a connection", n)
	}
	if _, err := io.WriteString(in, "go on\n"); err != nil {
		t.Fatal(err)
	}
	var a goaltrack.Account
	if err := json.Unmarshal([]byte(hear(t, out)), &a); err != nil {
		t.Fatal(err)
	}
	if !a.Balanced() || a.Delivered != 50 || a.PossibleDuplicates > 0 || arrived.Load() != 50 {
		t.Errorf("%d arrived\n%s", arrived.Load(), a)
	}
}

// runOut is the process: it uses up its descriptors before it has anything to
// send, and gives them back when it is told to.
func runOut(t *testing.T) {
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 64, Max: 64}); err != nil {
		t.Fatal(err)
	}
	tracker := helperTracker(t)
	handler := tracker.Handler(http.HandlerFunc(world.HTML))
	var open []net.Listener
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			break // EMFILE, which is what is wanted
		}
		open = append(open, l)
	}
	for v := range 50 {
		r := httptest.NewRequest(http.MethodGet, "/page", nil)
		r.Header.Set("User-Agent", world.Chrome)
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		r.Header.Set("Sec-Fetch-Dest", "document")
		r.Header.Set("Cookie", fmt.Sprintf("bid_key=%08x-0000-4000-8000-000000000000", v))
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for tracker.Snapshot().Delivery[0].State != "down" {
		<-tick.C
	}
	say("down: %d waiting", tracker.Snapshot().Waiting)
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	for _, l := range open {
		_ = l.Close()
	}
	account, err := tracker.Flush(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(account)
	if err != nil {
		t.Fatal(err)
	}
	say("%s", text)
	if _, err := world.Close(tracker); err != nil {
		t.Error(err)
	}
}
