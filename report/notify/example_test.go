package notify_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/report/notify"
)

// A notifier is the Report of a tracker's Config. Here, a fact is given to it by hand.
func ExampleNew() {
	got := make(chan string, 1)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var message struct {
			Type string
			Data struct{ Goal string }
		}
		_ = json.NewDecoder(r.Body).Decode(&message)
		got <- message.Type + " " + message.Data.Goal
	}))
	defer receiver.Close()

	notifier, err := notify.New(notify.Options{
		URL:    receiver.URL,
		Secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", // with which the receiver checks who sent it
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	notifier.Report(fact.Fact{Kind: fact.Decision, Time: time.Now(), Site: "shop", Zone: time.UTC, Goal: "CONTACT_SENT", Reason: fact.Fired})
	fmt.Println(<-got)
	_ = notifier.Close(context.Background())
	// Output: goal.fired CONTACT_SENT
}
