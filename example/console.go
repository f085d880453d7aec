package main

import (
	"context"
	"fmt"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// localCDP is the CDP that the shop brings along, on its own loopback address.
type localCDP struct {
	site  cdp.Direct
	page  string // lists what arrived
	close func()
}

// startCDP opens a CDP that prints a line for every event it takes in.
func startCDP(ctx context.Context, out *log.Logger) (localCDP, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return localCDP{}, err
	}
	stand := cdptest.New(cdptest.Options{OnEvent: func(e cdptest.Event) { out.Print(eventLine(e)) }})
	server := &http.Server{Handler: stand, ReadHeaderTimeout: 5 * time.Second}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = server.Serve(listener) // Ends with ErrServerClosed.
	}()
	url := "http://" + listener.Addr().String()
	return localCDP{
		site: cdp.Direct{BaseURL: url, ClientKey: "demo", PointOfSale: "kettle-and-cup"},
		page: url + "/",
		close: func() {
			_ = server.Close()
			_ = stand.Close()
			<-stopped
		},
	}, nil
}

// bookkeeping are attributes that goaltrack adds for people who work with the
// CDP's data. They would only crowd the line.
var bookkeeping = []string{"eventId", "goalConfig", "occurredAt", "late"}

// eventLine writes one event on one line: what, who, where, and with which
// data.
func eventLine(e cdptest.Event) string {
	line := fmt.Sprintf("CDP received  %-19s visitor %.8s  page %-15s %s",
		e.Type, e.BrowserID, printable(e.Page), strings.Join(attributes(e), " "))
	return strings.TrimRight(line, " ")
}

// attributes returns what an event says beyond its name, as name=value.
func attributes(e cdptest.Event) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(e.Ext)) {
		if !slices.Contains(bookkeeping, name) {
			list = append(list, name+"="+printable(fmt.Sprint(e.Ext[name])))
		}
	}
	return list
}

// printable quotes a text that would not read as one word, such as the words of
// a search, or an attempt to send a command to the terminal.
func printable(s string) string {
	odd := func(r rune) bool { return r == '"' || unicode.IsSpace(r) || !unicode.IsPrint(r) }
	if s == "" || strings.ContainsFunc(s, odd) {
		return strconv.Quote(s)
	}
	return s
}

// directions says where to click.
func directions(shop, cdpPage string) string {
	stops := []struct{ what, url string }{
		{"The shop", shop + "/"},
		{"A page that is a goal", shop + "/pricing"},
		{"A form (send it empty first)", shop + "/contact"},
		{"A download", shop + "/files/2026/tea-guide.pdf"},
		{"An order", shop + "/checkout"},
		{"Conversions over time", shop + reportPath},
		{"What the CDP received", cdpPage},
	}
	if cdpPage == "" {
		stops = stops[:len(stops)-1]
	}
	var b strings.Builder
	b.WriteString("Kettle & Cup is open. Where to click:\n\n")
	for i, stop := range stops {
		fmt.Fprintf(&b, "  %d. %-29s %s\n", i+1, stop.what, stop.url)
	}
	b.WriteString("\nCtrl+C closes the shop and settles the account.\n")
	return b.String()
}
