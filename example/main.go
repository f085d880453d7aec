// Command example is a small shop that counts goals. It needs nothing but
// itself, not even a CDP: it brings one along and shows what that receives.
//
//	go run ./example
//
// Everything goaltrack needs is in newTracker and routes; the goals are in
// goals.yaml; the shop (shop.go) knows nothing of either. To send to a real tenant:
//
//	go run ./example -spool /var/lib/shop/goals -cdp https://api-engage-eu.sitecorecloud.io -client-key KEY -pos POINT_OF_SALE
package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
)

//go:embed goals.yaml
var goals []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // A second Ctrl+C does not wait.
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "example:", err)
		os.Exit(1)
	}
}

// run opens the shop, keeps it open until ctx ends, and closes it in order.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	opts, err := parseFlags(args)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", opts.listen)
	if err != nil {
		return fmt.Errorf("%w (choose another address with -listen)", err)
	}
	defer func() { _ = listener.Close() }() // for the ways out before it is served
	shop, err := newShop()
	if err != nil {
		return err
	}
	out := log.New(stdout, "", 0) // whole lines, from any goroutine

	site := cdp.Direct{BaseURL: opts.cdp, ClientKey: opts.clientKey, PointOfSale: opts.pos}
	if opts.cdp == "" {
		local, err := startCDP(ctx, out)
		if err != nil {
			return err
		}
		defer local.close()
		site, shop.cdpPage = local.site, local.page
	}

	quiet := startUncounted(out, hasColor(stdout)) // what did not count, and why
	defer quiet.close()
	counts, err := startReport(quiet) // conversions over time
	if err != nil {
		return err
	}
	defer func() { _ = counts.close(ctx) }() // for the ways out before the end
	tracker, err := newTracker(opts, site, counts)
	if err != nil {
		return err
	}
	settleIn(ctx, tracker)

	notice := ""
	if opts.cdp == "" {
		notice = pastNotice
		madeUp(counts.Recorder, site.PointOfSale, time.Now())
	}
	front, err := counts.around(routes(shop, tracker), tracker, notice)
	if err != nil {
		return err
	}

	defer context.AfterFunc(ctx, counts.live.Close)() // so that the shop need not wait for who looks on
	out.Print(directions("http://"+listener.Addr().String(), shop.cdpPage))
	serveErr := serve(ctx, listener, front, opts.grace)

	account, closeErr := closeAll(ctx, opts.grace, tracker, counts)
	out.Printf("\nThe shop is closed.\n%v", account)
	return errors.Join(serveErr, closeErr)
}

// cdpTimeout is how long the CDP may take for an event. 0 is goaltrack's default, and tests wait
// longer: what is given up too early comes twice.
var cdpTimeout time.Duration

// newTracker is the first half of what every site does: rules, and a tracker for them.
func newTracker(opts options, site cdp.Site, counts *reported) (*goaltrack.Tracker, error) {
	rules, err := goaltrack.ParseRules(goals)
	if opts.rules != "" {
		rules, err = goaltrack.LoadRules(opts.rules)
	}
	if err != nil {
		return nil, err
	}
	return goaltrack.New(goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: site, Language: "EN", Currency: "EUR"}},
		Rules:  rules,
		Keys:   keys(opts.spool),      // for goals that count once
		Views:  goaltrack.ViewsServer, // the pages have no Sitecore script that would send them
		Report: counts, Preview: counts.preview,
		// With -spool, events outlive a crash.
		Delivery: goaltrack.Delivery{SpoolDir: opts.spool, Timeout: cdpTimeout},
	})
}

// routes is the other half: one line of routing. Two calls tell what no address shows.
func routes(s *shop, tracker *goaltrack.Tracker) http.Handler {
	router := mux.NewRouter()
	router.Use(tracker.Handler) // mux does not run it for a 404 or 405, which never count anyway
	s.routes(router)
	s.onPlaced = func(r *http.Request, o order) {
		warn(tracker.Set(r, "total", o.Total().Euros()))
	}
	s.onPaid = func(r *http.Request, o order) {
		warn(tracker.Trigger(r, "ORDER_PAID", goaltrack.Data{"orderId": o.ID, "total": o.Total().Euros()}))
	}
	return router
}

// keys are random bytes. A real site keeps its keys where it keeps its other secrets,
// and all its instances have the same. Keys also seal what lies in a spool, and the next
// process has to open that. The shop keeps none, so it has none with a spool.
func keys(spool string) []goaltrack.Key {
	if spool != "" {
		return nil
	}
	key := goaltrack.Key{Hash: make([]byte, 32), Block: make([]byte, 32)}
	_, _ = rand.Read(key.Hash) // never fails
	_, _ = rand.Read(key.Block)
	return []goaltrack.Key{key}
}

// settleIn gives the CDP a second to make browser IDs for the first visitors.
// The shop opens in any case.
func settleIn(ctx context.Context, tracker *goaltrack.Tracker) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = tracker.Ready(ctx)
}

// serve answers until ctx ends and then lets the visitors finish.
func serve(ctx context.Context, listener net.Listener, handler http.Handler, grace time.Duration) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	return server.Shutdown(closing)
}

// warn logs what went wrong with the tracking. That is no reason to turn a
// customer away.
func warn(err error) {
	if err != nil {
		slog.Warn("goal not counted", "err", err)
	}
}
