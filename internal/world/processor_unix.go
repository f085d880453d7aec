//go:build unix

package world

import (
	"syscall"
	"time"
)

// Processor is how long this process has used a processor, whatever else the machine does.
func Processor() time.Duration {
	var used syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &used)
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
