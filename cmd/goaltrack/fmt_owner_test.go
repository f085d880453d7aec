//go:build unix

package main

import (
	"os"
	"syscall"
	"testing"
)

// TestFmtKeepsOwner: a file that root lays out is still that of the user who reads it.
func TestFmtKeepsOwner(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give a file away")
	}
	file := write(t, "goals.yaml", untidy)
	if err := os.Chown(file, 1234, 4321); err != nil {
		t.Skip(err)
	}
	if code, _, stderr := outcome(t, []string{"fmt", "-w", file}, nil); code != exitOK {
		t.Fatal(stderr)
	}
	info, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if is, ok := info.Sys().(*syscall.Stat_t); !ok || is.Uid != 1234 || is.Gid != 4321 || info.Mode().Perm() != 0o600 {
		t.Errorf("%+v, %v", is, info.Mode())
	}
}
