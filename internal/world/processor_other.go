//go:build !unix

package world

import "time"

var started = time.Now()

// Processor is not known here, so that it is the time that has passed.
func Processor() time.Duration { return time.Since(started) }
