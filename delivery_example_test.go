package goaltrack_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/queue"
)

// contactRules has one goal, a contact form.
func contactRules() *goaltrack.Rules {
	rules, err := goaltrack.NewRules(goaltrack.Goal{Name: "CONTACT_SENT", Submit: goaltrack.Submit{Path: "/contact"}})
	if err != nil {
		panic(err)
	}
	return rules
}

// A page for those who run the site lists what was given up, and why.
func ExampleTracker_DeadLetters() {
	stand := cdptest.New(cdptest.Options{})
	server := httptest.NewServer(stand)
	defer server.Close()
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{BaseURL: server.URL, ClientKey: "test", PointOfSale: "shop"}}},
		Rules: contactRules(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer func() { _, _ = tracker.Close(ctx) }()

	stand.Fault(cdptest.Status(http.StatusBadRequest).On(cdptest.Sends)) // the CDP refuses every event
	ask(tracker.Handler(http.RedirectHandler("/thanks", http.StatusSeeOther)), http.MethodPost, "/contact", url.Values{})
	_, _ = tracker.Flush(ctx)
	for _, l := range tracker.DeadLetters() {
		fmt.Println(l.Goal, "of", l.Site, "was given up:", l.Reason)
	}
	// Output: CONTACT_SENT of shop was given up: rejected_400
}

// With a SpoolDir, events wait on disk and outlive the process.
func ExampleDelivery_spool() {
	dir, err := os.MkdirTemp("", "spool") // in earnest, a directory that stays: /var/lib/shop/goals
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	stand := httptest.NewServer(cdptest.New(cdptest.Options{}))
	defer stand.Close()
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites:    []goaltrack.Site{{CDP: cdp.Direct{BaseURL: stand.URL, ClientKey: "test", PointOfSale: "shop"}}},
		Rules:    contactRules(),
		Logger:   slog.New(slog.DiscardHandler),
		Delivery: goaltrack.Delivery{SpoolDir: dir},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ask(tracker.Handler(http.RedirectHandler("/thanks", http.StatusSeeOther)), http.MethodPost, "/contact", url.Values{})
	fmt.Println("events wait:", tracker.Snapshot().Queue.Level)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	account, err := tracker.Close(ctx)
	fmt.Println("delivered", account.Delivered, err)
	// Output:
	// events wait: durable
	// delivered 1 <nil>
}

// A program that looks at a spool without a tracker says what was given up there.
func ExampleDeadLetterOf() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	stand := cdptest.New(cdptest.Options{})
	server := httptest.NewServer(stand)
	defer server.Close()
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites:    []goaltrack.Site{{CDP: cdp.Direct{BaseURL: server.URL, ClientKey: "test", PointOfSale: "shop"}}},
		Rules:    contactRules(),
		Logger:   slog.New(slog.DiscardHandler),
		Delivery: goaltrack.Delivery{SpoolDir: dir},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	stand.Fault(cdptest.Status(http.StatusBadRequest).On(cdptest.Sends)) // the CDP refuses every event
	ask(tracker.Handler(http.RedirectHandler("/thanks", http.StatusSeeOther)), http.MethodPost, "/contact", url.Values{})
	_, _ = tracker.Close(context.Background())

	err = queue.InspectSpool(dir, func(e queue.SpoolEntry) error {
		l := goaltrack.DeadLetterOf(e.Letter)
		fmt.Println(l.Goal, "of", l.Site, "was given up:", l.Reason, l.Status)
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: CONTACT_SENT of shop was given up: rejected_400 400
}

// An event that the CDP calls bad is kept as a dead letter, and can be sent again
// when what was wrong is put right.
func ExampleTracker_Resend() {
	stand := cdptest.New(cdptest.Options{})
	server := httptest.NewServer(stand)
	defer server.Close()
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites: []goaltrack.Site{{CDP: cdp.Direct{BaseURL: server.URL, ClientKey: "test", PointOfSale: "shop"}}},
		Rules: contactRules(),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer func() { _, _ = tracker.Close(ctx) }()
	site := http.RedirectHandler("/thanks", http.StatusSeeOther)

	stand.Fault(cdptest.Status(http.StatusUnprocessableEntity).On(cdptest.Sends))
	ask(tracker.Handler(site), http.MethodPost, "/contact", url.Values{})
	_, _ = tracker.Flush(ctx)
	for _, l := range tracker.DeadLetters() {
		fmt.Println(l.Goal, l.Reason, l.Status)
	}

	stand.ClearFaults()
	n, err := tracker.Resend(func(l goaltrack.DeadLetter) bool { return l.Status == http.StatusUnprocessableEntity })
	fmt.Println(n, err)
	account, _ := tracker.Flush(ctx)
	fmt.Println(account)
	// Output:
	// CONTACT_SENT rejected_422 422
	// 1 <nil>
	// decisions 1 = fired 1 + not fired 0
	// accepted 1 + recovered 1 = delivered 1 + dead 1 (rejected_422 1) + dropped 0 + waiting 0
}

// Some platforms freeze the process between requests, such as AWS Lambda behind
// an HTTP adapter. With Wait, a request whose goals fired waits for its events,
// here at most ten seconds. The event has arrived when the handler returns. If it
// took longer, that is counted.
func ExampleDelivery_serverless() {
	stand := cdptest.New(cdptest.Options{})
	server := httptest.NewServer(stand)
	defer server.Close()
	tracker, err := goaltrack.New(goaltrack.Config{
		Sites:    []goaltrack.Site{{CDP: cdp.Direct{BaseURL: server.URL, ClientKey: "test", PointOfSale: "shop"}}},
		Rules:    contactRules(),
		Delivery: goaltrack.Delivery{Wait: 10 * time.Second},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _, _ = tracker.Close(context.Background()) }()
	site := tracker.Handler(http.RedirectHandler("/thanks", http.StatusSeeOther))
	ask(site, http.MethodPost, "/contact", url.Values{})
	arrived, late := slices.Contains(stand.Types(), "CONTACT_SENT"), tracker.Snapshot().Notes["wait_timed_out"]
	fmt.Println("arrived, or counted as late:", arrived || late > 0)
	// Output:
	// arrived, or counted as late: true
}
