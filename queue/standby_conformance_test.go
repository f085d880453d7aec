package queue_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/queue/queuetest"
)

// A standby is a queue like any other before it has moved, afterwards, and when it
// moves in the middle of something.
func TestStandbyConforms(t *testing.T) {
	const bytes = 1 << 20
	o := queue.SpoolOptions{Bytes: bytes, SegmentBytes: 256 << 10, Wait: time.Minute}
	open := func(place string) *queue.Standby {
		return queue.NewStandby(place, o, queue.NewMemory(1<<20, bytes), errors.New("locked"), nil)
	}
	for name, engine := range map[string]queuetest.Engine{
		"in memory": {Open: func(t *testing.T, place string) queue.Queue {
			dir := filepath.Join(place, "taken")
			first, err := queue.OpenSpool(dir, o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = first.Close(context.WithoutCancel(t.Context())) })
			return open(dir)
		}},
		"moved": {Keeps: true, Open: func(_ *testing.T, place string) queue.Queue {
			q := open(place)
			for q.Spool() == nil {
				<-time.After(time.Second)
			}
			return q
		}},
		"whenever": {Keeps: true, Open: func(t *testing.T, place string) queue.Queue {
			before, err := os.ReadDir(place)
			if err != nil {
				t.Fatal(err)
			}
			q := open(place)
			for len(before) > 0 && q.Spool() == nil { // what was kept there is asked for at once
				<-time.After(time.Second)
			}
			return q
		}},
	} {
		engine.Bytes = bytes
		t.Run(name, func(t *testing.T) { queuetest.Run(t, engine) })
	}
}
