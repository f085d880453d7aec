//go:build !unix

package sqlite

import "time"

var started = time.Now()

// processorTime is not known here, so that it is the time that has passed.
func processorTime() time.Duration { return time.Since(started) }
