//go:build unix

package main

import (
	"bufio"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
)

// process is goaltrack running as a process of its own.
type process struct {
	*exec.Cmd
	url string
	out chan string
}

// launch starts the program and waits until it listens.
func launch(t *testing.T, binary string, env []string, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.CommandContext(t.Context(), binary, args...), out: make(chan string, 1)}
	p.Env = slices.Concat(os.Environ(), []string{"GOALTRACK_SHUTDOWN_DELAY=0s"}, patient, env)
	p.Stderr = &syncBuffer{}
	stdout, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(stdout)
	p.url = readURL(t, lines, "listening on ")
	go readRest(lines, p.out)
	if p.url == "" {
		t.Fatalf("goaltrack %v: %v\n%s", args, p.Wait(), p.Stderr)
	}
	return p
}

// terminate asks the process to end and returns what it printed at the end.
func (p *process) terminate(t *testing.T) string {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest := <-p.out // all of it, before Wait closes the pipe
	if err := p.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.Stderr)
	}
	return rest
}
