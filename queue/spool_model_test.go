package queue

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
)

// TestSpoolIsTheModel runs the same as TestMemoryIsTheModel.
func TestSpoolIsTheModel(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			againstModel(t, rand.New(rand.NewPCG(seed, 2)), windowBytes, true, func(items int, bytes int64) engine {
				s, err := OpenSpool(t.TempDir(), SpoolOptions{Items: items, Bytes: bytes, SegmentBytes: minSegment, Window: 3})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = s.Close(context.Background()) })
				return s
			})
		})
	}
}
