package queue_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// What was appended and not settled outlives the process.
func ExampleOpenSpool() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()

	spool, err := queue.OpenSpool(dir, queue.SpoolOptions{Level: queue.LevelStrict, Wait: time.Minute})
	if err != nil {
		panic(err)
	}
	if err := spool.Append(ctx, queue.Item{Body: []byte("goal"), Time: time.Now()}); err != nil {
		panic(err)
	}
	_ = spool.Close(ctx)

	spool, err = queue.OpenSpool(dir, queue.SpoolOptions{})
	if err != nil {
		panic(err)
	}
	fmt.Println("waiting:", spool.Report().Recovered)
	deliveries, _ := spool.Receive(ctx, 10)
	for _, d := range deliveries {
		fmt.Printf("%s\n", d.Body)
		d.Ack()
	}
	_ = spool.Close(ctx)
	// Output:
	// waiting: 1
	// goal
}

// A look at what is in a directory, whether a process is using it or not.
func ExampleInspectSpool() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	spool, err := queue.OpenSpool(dir, queue.SpoolOptions{Wait: time.Minute})
	if err != nil {
		panic(err)
	}
	defer func() { _ = spool.Close(context.Background()) }()
	_ = spool.Append(context.Background(), queue.Item{Body: []byte("goal"), Key: "visitor"})

	err = queue.InspectSpool(dir, func(e queue.SpoolEntry) error {
		fmt.Printf("%d: %s of %s, dead: %v\n", e.Number, e.Body, e.Key, e.Dead)
		return nil
	})
	if err != nil {
		panic(err)
	}
	// Output: 1: goal of visitor, dead: false
}

// Somebody wants what is known of them to be removed. The process that uses the spool has ended.
func ExampleEraseSpool() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ctx := context.Background()
	spool, err := queue.OpenSpool(dir, queue.SpoolOptions{Wait: time.Minute})
	if err != nil {
		panic(err)
	}
	_ = spool.Append(ctx, queue.Item{Body: []byte("goal"), Key: "ann"}, queue.Item{Body: []byte("goal"), Key: "bob"})
	_ = spool.Close(ctx)

	done, err := queue.EraseSpool(dir, func(e queue.SpoolEntry) bool { return e.Key == "ann" })
	fmt.Println("removed:", done.Waiting, "unread files:", len(done.Unread), err)
	err = queue.InspectSpool(dir, func(e queue.SpoolEntry) error {
		fmt.Printf("left: %s of %s\n", e.Body, e.Key)
		return nil
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// removed: 1 unread files: 0 <nil>
	// left: goal of bob
}
