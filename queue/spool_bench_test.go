package queue

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func benchSpool(b *testing.B, o SpoolOptions) *Spool {
	b.Helper()
	o.Bytes = 8 << 30
	s, err := OpenSpool(b.TempDir(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close(context.Background()) })
	return s
}

// BenchmarkSpoolAppend has so many goroutines append one event at a time, each
// waiting for its own.
func BenchmarkSpoolAppend(b *testing.B) {
	for _, level := range []Level{LevelDurable, LevelStrict} {
		for _, producers := range []int{1, 8, 64} {
			b.Run(fmt.Sprintf("%s/producers=%d", map[Level]string{LevelDurable: "durable", LevelStrict: "strict"}[level], producers), func(b *testing.B) {
				s := benchSpool(b, SpoolOptions{Level: level, Wait: time.Minute})
				item := Item{Body: make([]byte, 300), Key: "0123456789abcdef", Priority: High, Time: time.Now()}
				var left atomic.Int64
				left.Store(int64(b.N))
				var wg sync.WaitGroup
				b.ReportAllocs()
				b.ResetTimer()
				for range producers {
					wg.Go(func() {
						for left.Add(-1) >= 0 {
							if err := s.Append(b.Context(), item); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
			})
		}
	}
}

// BenchmarkSpoolDrain receives and settles what is on the disk, 100 at a time.
func BenchmarkSpoolDrain(b *testing.B) {
	s := benchSpool(b, SpoolOptions{Wait: time.Minute, Intake: 1 << 30})
	item := Item{Body: make([]byte, 300), Key: "0123456789abcdef", Priority: High, Time: time.Now()}
	batch := make([]Item, 100)
	for i := range batch {
		batch[i] = item
	}
	for range b.N/100 + 1 {
		if err := s.Append(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for done := 0; done < b.N; {
		got, err := s.Receive(b.Context(), 100)
		if err != nil {
			b.Fatal(err)
		}
		for _, d := range got {
			d.Ack()
		}
		done += len(got)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkSpoolOpen opens a spool with a million events in it.
func BenchmarkSpoolOpen(b *testing.B) {
	const events = 1_000_000
	dir := b.TempDir()
	o := SpoolOptions{Bytes: 4 << 30, Wait: time.Minute, Intake: 1 << 30}
	s, err := OpenSpool(dir, o)
	if err != nil {
		b.Fatal(err)
	}
	batch := make([]Item, 1000)
	for i := range batch {
		batch[i] = Item{Body: make([]byte, 300), Key: "0123456789abcdef", Priority: High, Time: time.Now()}
	}
	for range events / len(batch) {
		if err := s.Append(b.Context(), batch...); err != nil {
			b.Fatal(err)
		}
	}
	_ = s.Close(b.Context())
	for b.Loop() {
		s, err := OpenSpool(dir, o)
		if err != nil {
			b.Fatal(err)
		}
		if s.Stats().Waiting != events {
			b.Fatalf("%+v", s.Stats())
		}
		_ = s.Close(b.Context())
	}
}
