package queuetest_test

import (
	"testing"

	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/queue/queuetest"
)

// The author of an engine runs the suite in a test of the engine's package. An
// engine that keeps its items opens the place it is given, says Keeps, and is
// opened there again.
func ExampleRun() {
	TestMyEngine := func(t *testing.T) {
		const bytes = 1 << 20
		queuetest.Run(t, queuetest.Engine{
			Open: func(_ *testing.T, _ string) queue.Queue {
				return queue.NewMemory(10_000, bytes)
			},
			Bytes: bytes,
		})
	}
	_ = TestMyEngine // go test finds it where it is declared at the top
}
