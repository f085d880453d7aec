package health_test

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/goaltrack/goaltrack/report"
	"github.com/goaltrack/goaltrack/report/health"
)

// Run looks every five minutes, until its context ends. What is said of a goal that does
// not do what its rule expects goes to the log, and to the URL.
func ExampleNew() {
	recorder, err := report.New(report.Options{Store: report.NewMemory(0)}) // the Report of a tracker's Config
	if err != nil {
		fmt.Println(err)
		return
	}
	watch, err := health.New(health.Options{
		Store:  recorder.Store(),
		Fresh:  recorder.Flush,
		URL:    "https://chat.example/hook",
		Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	stop() // a program stops it when it ends
	watch.Run(ctx)
	fmt.Println(recorder.Close(context.Background()))
	// Output: <nil>
}
