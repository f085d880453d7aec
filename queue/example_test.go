package queue_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/goaltrack/goaltrack/queue"
)

// A request appends an item, and a worker receives it and says what became of it.
func ExampleNewMemory() {
	ctx := context.Background()
	q := queue.NewMemory(10_000, 16<<20)
	err := q.Append(ctx, queue.Item{Body: []byte("goal"), Key: "visitor", Time: time.Now()})
	if err != nil {
		fmt.Println(err) // for example queue.ErrFull
		return
	}

	deliveries, err := q.Receive(ctx, 10) // waits until there is something
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range deliveries {
		fmt.Printf("%s of %s\n", d.Body, d.Key)
		d.Ack()
	}
	fmt.Println("waiting:", q.Stats().Waiting)
	// Output:
	// goal of visitor
	// waiting: 0
}

// A worker gives an item back for a while, and gives it up in the end.
func ExampleDelivery() {
	ctx := context.Background()
	q := queue.NewMemory(10_000, 16<<20)
	_ = q.Append(ctx, queue.Item{Body: []byte("goal")})

	for try := 1; q.Stats().Waiting > 0; try++ {
		deliveries, _ := q.Receive(ctx, 1)
		fmt.Printf("try %d: %s\n", try, deliveries[0].Body)
		if try < 3 {
			deliveries[0].Nack(10 * time.Millisecond)
		} else {
			deliveries[0].Dead("refused three times")
		}
	}
	fmt.Println("dead letters:", q.Stats().Letters)
	// Output:
	// try 1: goal
	// try 2: goal
	// try 3: goal
	// dead letters: 1
}

// Somebody reads why items were given up, and sends some of them again.
func ExampleLetterBox() {
	ctx := context.Background()
	q := queue.NewMemory(10_000, 16<<20)
	_ = q.Append(ctx, queue.Item{Body: []byte("goal 1")}, queue.Item{Body: []byte("goal 2")})
	deliveries, _ := q.Receive(ctx, 2)
	deliveries[0].Dead("refused")
	deliveries[1].Dead("too old")

	for _, l := range q.Letters() {
		fmt.Printf("%s: %s\n", l.Body, l.Reason)
	}
	n, err := q.Resend(func(l queue.Letter) bool { return l.Reason == "refused" })
	fmt.Println("sent again:", n, err)
	again, _ := q.Receive(ctx, 2)
	fmt.Printf("received again: %s\n", again[0].Body)
	// Output:
	// goal 1: refused
	// goal 2: too old
	// sent again: 1 <nil>
	// received again: goal 1
}

// A handler takes a place before it promises something, and uses it later.
func ExampleReserver() {
	ctx := context.Background()
	q := queue.NewMemory(1, 1<<10)
	room, err := q.Reserve(queue.High, 100)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer room.Release() // does nothing if the room is used up

	err = q.Append(ctx, queue.Item{Body: []byte("another"), Priority: queue.High})
	fmt.Println("without a room:", err)
	err = q.Append(ctx, queue.Item{Body: []byte("goal"), Priority: queue.High, Room: room})
	fmt.Println("with the room:", err)
	// Output:
	// without a room: queue: full
	// with the room: <nil>
}

// Old items cannot be delivered now. The newest is looked at first.
func ExampleNewestReceiver() {
	ctx := context.Background()
	q := queue.NewMemory(10_000, 16<<20)
	_ = q.Append(ctx, queue.Item{Body: []byte("old")}, queue.Item{Body: []byte("older than the newest")}, queue.Item{Body: []byte("newest")})
	deliveries, err := q.ReceiveNewest(ctx, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s\n", deliveries[0].Body)
	// Output: newest
}

// A process is started while its predecessor still has the directory.
func ExampleNewStandby() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	predecessor, err := queue.OpenSpool(dir, queue.SpoolOptions{})
	if err != nil {
		panic(err)
	}

	_, err = queue.OpenSpool(dir, queue.SpoolOptions{})
	if locked, ok := errors.AsType[*queue.LockedError](err); ok {
		fmt.Println("locked by this process:", locked.Holder.PID == os.Getpid())
	}
	moved := make(chan int, 1)
	q := queue.NewStandby(dir, queue.SpoolOptions{}, queue.NewMemory(10_000, 16<<20), err,
		func(_ *queue.Spool, n int) { moved <- n })
	_ = q.Append(ctx, queue.Item{Body: []byte("goal")})

	_ = predecessor.Close(ctx) // it ends
	fmt.Println("moved to the spool:", <-moved)
	_ = q.Close(ctx)
	// Output:
	// locked by this process: true
	// moved to the spool: 1
}
