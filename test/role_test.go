package test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// What has to die for a test runs in a process of its own: this test binary,
// started again in a role.

// roles are what the binary can be, by name. A role ends when its standard
// input does, so none outlives the test.
var roles = map[string]func(){"site": killedSite}

const roleVariable = "GOALTRACK_TEST_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		roles[role]()
		return
	}
	os.Exit(m.Run())
}

// process is a role at play. It ends with the test at the latest.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string // what it prints; closed when it ends
}

// startRole starts the role; the environment is as of package os/exec.
func startRole(t *testing.T, role string, environment ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0]), lines: make(chan string, 1000)}
	p.cmd.Env = append(append(os.Environ(), roleVariable+"="+role), environment...)
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.in = in
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	go func() {
		defer close(p.lines)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			p.lines <- scanner.Text()
		}
	}()
	return p
}

// expect reads lines until one begins with the word, and returns the rest of it.
func (p *process) expect(word string) string {
	p.t.Helper()
	for line := range p.lines {
		if rest, ok := strings.CutPrefix(line, word+" "); ok {
			return rest
		}
	}
	p.t.Fatalf("the process ended before it said %q", word)
	return ""
}

// kill is kill -9, and waits until the process is gone. It may be called again.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// stop lets the process end in its own time.
func (p *process) stop() { _ = p.in.Close() }
