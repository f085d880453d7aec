package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestFullOutput: what cannot be printed is said once, and is no success.
func TestFullOutput(t *testing.T) {
	file, other := write(t, "goals.yaml", rules), write(t, "faulty.yaml", "goals:\n  - goal: A\n")
	untidied := write(t, "untidy.yaml", untidy)
	for _, args := range [][]string{
		{"check", file},
		{"check", other},
		{"check", "--json", file},
		{"try", file, "GET /pricing"},
		{"try", "--json", file, "GET /pricing"},
		{"fmt", file},
		{"fmt", "-l", untidied},
		{"fmt", "-d", untidied},
		{"docs", file},
		{"docs", "--format=csv", file},
		{"diff", file, untidied},
		{"schema"},
		{"settings"},
		{"settings", "--json"},
		{"help"},
		{"try", "--help"},
		{"version"},
		{"--version"},
	} {
		var stderr bytes.Buffer
		code := run(deadline(t), args, noEnv, full{}, &stderr)
		if code != exitFailed || strings.Count(stderr.String(), "no space left on device") != 1 {
			t.Errorf("%q: exit code %d, %s", args, code, &stderr)
		}
	}
}
