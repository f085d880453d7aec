//go:build unix

package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// TestMain lets the test binary be the example, for tests that end a process.
func TestMain(m *testing.M) {
	if os.Getenv("EXAMPLE_PROCESS") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// shopProcess is the example in its own process.
type shopProcess struct {
	*openShop
	cmd    *exec.Cmd
	opened chan string
	out    bytes.Buffer
}

// Write receives the process's standard output, whole lines at a time.
func (p *shopProcess) Write(b []byte) (int, error) {
	p.out.Write(b)
	if m := regexp.MustCompile(`The shop +(http://127\.0\.0\.1:\d+)/`).FindSubmatch(b); m != nil {
		p.opened <- string(m[1])
	}
	return len(b), nil
}

func startShop(t *testing.T, stand *cdptest.Server, args ...string) *shopProcess {
	t.Helper()
	p := &shopProcess{openShop: &openShop{}, opened: make(chan string, 1)}
	p.cmd = exec.CommandContext(t.Context(), os.Args[0], append([]string{
		"-listen", "127.0.0.1:0", "-cdp", stand.URL, "-client-key", cdptest.TestClientKey, "-pos", cdptest.TestPointOfSale,
	}, args...)...)
	p.cmd.Env = append(os.Environ(), "EXAMPLE_PROCESS=1")
	p.cmd.Stdout = p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case p.url = <-p.opened:
	case <-time.After(time.Minute):
		t.Fatal("the shop did not open")
	}
	return p
}

// sendForms lets a visitor send n forms, and ask for more pages.
func (p *shopProcess) sendForms(t *testing.T, n int) {
	t.Helper()
	v := p.visitor(t)
	for range n {
		v.take(t, step{
			name: "contact", path: "/contact", form: "name=Ann&email=ann@tea.example&topic=sales&message=Hello",
			via: http.StatusSeeOther, end: "/thanks",
		})
	}
}

// settled is what the account of a closed shop says of events.
type settled struct{ accepted, recovered, delivered, dropped, waiting int }

var accountLine = regexp.MustCompile(`accepted (\d+)(?: \+ recovered (\d+))? = delivered (\d+) \+ dead 0 \+ dropped (\d+)(?: \(shutdown \d+\))? \+ waiting (\d+)`)

// end sends SIGTERM and waits for the process. If impatient, it sends the
// signal again and again.
func (p *shopProcess) end(t *testing.T, impatient bool) (settled, error) {
	t.Helper()
	ended := make(chan error)
	go func() { ended <- p.cmd.Wait() }()
	var again <-chan time.Time
	if impatient {
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		again = ticker.C
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	var err error
	for waiting := true; waiting; {
		select {
		case err = <-ended:
			waiting = false
		case <-again:
			_ = p.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	m := accountLine.FindSubmatch(p.out.Bytes())
	if m == nil {
		return settled{}, err
	}
	var n [5]int
	for i := range n {
		n[i], _ = strconv.Atoi(string(m[i+1]))
	}
	s := settled{n[0], n[1], n[2], n[3], n[4]}
	if s.accepted+s.recovered != s.delivered+s.dropped+s.waiting {
		t.Errorf("%+v does not balance", s)
	}
	return s, err
}

// arrived is how many events have come. One that comes again is the same: on a machine that stops,
// the shop gives up the CDP after ten seconds, and tries again.
func arrived(stand *cdptest.Server) int {
	different := map[any]bool{}
	for _, e := range stand.Events() {
		different[e.Ext["eventId"]] = true
	}
	return len(different)
}

// TestFault21ExampleWithASpool ends the shop's process while events wait.
func TestFault21ExampleWithASpool(t *testing.T) {
	down := cdptest.Status(http.StatusServiceUnavailable).On(cdptest.Sends)
	slow := cdptest.Delay(200 * time.Millisecond).On(cdptest.Sends)

	t.Run("time enough", func(t *testing.T) {
		stand := cdptest.NewServer(t, cdptest.Options{})
		stand.Fault(slow)
		shop := startShop(t, stand, "-grace", "5m")
		shop.sendForms(t, 5)
		s, err := shop.end(t, false)
		if err != nil || s.accepted < 10 || s.delivered != s.accepted || arrived(stand) != s.accepted {
			t.Errorf("%+v, %v, %d arrived", s, err, arrived(stand))
		}
	})
	for name, impatient := range map[string]bool{"too little, with a spool": false, "a second one, with a spool": true} {
		t.Run(name, func(t *testing.T) {
			stand := cdptest.NewServer(t, cdptest.Options{})
			stand.Fault(down)
			dir, grace := t.TempDir(), "300ms"
			if impatient {
				grace = "5m" // which the second cuts short
			}
			shop := startShop(t, stand, "-spool", dir, "-grace", grace)
			shop.sendForms(t, 5)
			first, err := shop.end(t, impatient)
			if err == nil || first.delivered+first.dropped != 0 {
				t.Errorf("%+v, %v", first, err)
			}
			stand.ClearFaults()
			again := startShop(t, stand, "-spool", dir, "-grace", "5m")
			second, err := again.end(t, false)
			if err != nil || second.recovered < 10 || second.delivered != second.recovered || arrived(stand) != second.delivered {
				t.Errorf("%+v, %v, %d arrived", second, err, arrived(stand))
			}
			if !impatient && first.waiting != second.recovered {
				t.Errorf("%+v, then %+v", first, second)
			}
		})
	}
}
