//go:build unix

package sqlite

import (
	"syscall"
	"time"
)

// processorTime is how long this process has used a processor.
func processorTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
