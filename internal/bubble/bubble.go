// Package bubble is for tests in fake time (see testing/synctest).
package bubble

import (
	"testing"
	"testing/synctest"
	"time"
)

// Run runs one test of a table in its own bubble.
func Run(t *testing.T, name string, f func(*testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, f) })
}

// Pass lets fake time pass until every goroutine waits again.
func Pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
