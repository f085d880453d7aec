package queue_test

import (
	"testing"

	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/queue/queuetest"
)

func TestSpoolConforms(t *testing.T) {
	const bytes = 1 << 20
	for name, level := range map[string]queue.Level{"durable": queue.LevelDurable, "strict": queue.LevelStrict} {
		t.Run(name, func(t *testing.T) {
			queuetest.Run(t, queuetest.Engine{
				Open: func(t *testing.T, place string) queue.Queue {
					q, err := queue.OpenSpool(place, queue.SpoolOptions{Level: level, Bytes: bytes, SegmentBytes: 256 << 10})
					if err != nil {
						t.Fatal(err)
					}
					return q
				},
				Keeps: true, Bytes: bytes,
			})
		})
	}
}
