package relay_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/relay"
)

// A page's Engage SDK has the targetURL location.origin + "/goals/e/r". Its event is answered
// at once, and arrives by the tracker's queue.
func ExampleNew() {
	const id = "11111111-2222-4333-8444-555555555555"
	stand := cdptest.New(cdptest.Options{})
	stand.Know(id)
	api := httptest.NewServer(stand)

	tracker, err := goaltrack.New(goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: cdp.Direct{BaseURL: api.URL, ClientKey: "key", PointOfSale: "shop"}}},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		log.Fatal(err)
	}
	handler, err := relay.New(tracker, relay.Options{})
	if err != nil {
		log.Fatal(err)
	}
	site := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<!doctype html>") })
	mux := http.NewServeMux()
	mux.Handle(relay.Path+"/", handler)
	mux.Handle("/", tracker.Handler(site))
	server := httptest.NewServer(mux)

	// What the SDK sends, with the cookie that it shares with goaltrack.
	body := `{"type":"CLICKED","browser_id":"` + id + `","client_key":"key","pos":"shop","channel":"WEB","language":"EN","currency":"EUR","page":"home"}`
	r, _ := http.NewRequest(http.MethodPost, server.URL+relay.Path+"/v1.2/events", strings.NewReader(body))
	r.Header = http.Header{
		"Content-Type": {"application/json"}, "Sec-Fetch-Site": {"same-origin"}, "Cookie": {"bid_key=" + id},
		"User-Agent": {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"},
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		log.Fatal(err)
	}
	_ = res.Body.Close()
	fmt.Println(res.Status)

	server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	account, err := tracker.Close(ctx)
	fmt.Println(account.Delivered, "delivered", err)
	for _, e := range stand.Events() {
		fmt.Println(e.Type, e.Page, e.Header["Cookie"])
	}
	api.Close()
	// Output:
	// 201 Created
	// 1 delivered <nil>
	// CLICKED home []
}

// Each refusal has a name, which the tracker's Snapshot counts.
func ExampleReasons() {
	for _, reason := range relay.Reasons()[:3] {
		fmt.Println(reason.Name)
	}
	// Output:
	// relay_path
	// relay_method
	// relay_origin
}
