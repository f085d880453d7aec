package queue_test

import (
	"testing"

	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/queue/queuetest"
)

func TestMemoryConforms(t *testing.T) {
	const bytes = 1 << 20
	queuetest.Run(t, queuetest.Engine{
		Open:  func(*testing.T, string) queue.Queue { return queue.NewMemory(1<<20, bytes) },
		Bytes: bytes,
	})
}
