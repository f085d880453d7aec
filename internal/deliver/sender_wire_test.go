package deliver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/idpool"
	"github.com/goaltrack/goaltrack/internal/logbook"
	"github.com/goaltrack/goaltrack/queue"
)

// These tests are about what sockets do; the schedule is tested in fake time
// elsewhere. Waits are scaled down to milliseconds.

// wired is a sender that talks to a real server.
type wired struct {
	*rig
	known []string // browser IDs
}

// wiring says how a sender is wired.
type wiring struct {
	Options
	Timeout    time.Duration
	HTTPClient *http.Client
}

func newWired(t *testing.T, base string, c *cdptest.CDP, adjust ...func(*wiring)) *wired {
	t.Helper()
	// A machine that stops for some seconds is not to be taken for a CDP that does not answer.
	d := wiring{Timeout: 10 * time.Minute, Options: Options{
		BackoffBase: time.Millisecond, BackoffMax: 20 * time.Millisecond,
		ProbeBase: 5 * time.Millisecond, ProbeMax: 50 * time.Millisecond,
	}.orDefaults()}
	for _, a := range adjust {
		a(&d)
	}
	site := cdp.Direct{BaseURL: base, ClientKey: cdptest.TestClientKey, PointOfSale: cdptest.TestPointOfSale}
	client, err := cdp.New(site, cdp.Options{Workers: d.Workers, Timeout: d.Timeout, HTTPClient: d.HTTPClient})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	r := &rig{t: t, logs: &logbook.Book{}}
	tally := NewTally(func(string, string, string) {})
	ids := idpool.New(idpool.Options{Create: client.CreateBrowser, Budget: idpool.NewBucket(20, 200), Note: tally.note, Log: slog.New(r.logs)})
	ln := &Line{Name: "shop", Client: client, IDs: ids, Renew: client.Close}
	r.Sender = New(queue.NewMemory(10_000, 16<<20), []*Line{ln}, d.Options, tally, slog.New(r.logs))
	t.Cleanup(func() {
		_ = r.close(0)
		ids.Close()
		r.balanced()
	})
	w := &wired{rig: r}
	for v := range 100 {
		w.known = append(w.known, visitorID(v))
		c.Know(visitorID(v))
	}
	return w
}

// send offers n events of a hundred visitors.
func (w *wired) send(n int) {
	w.t.Helper()
	for i := range n {
		goal, id := fmt.Sprintf("E%d", i), w.known[i%len(w.known)]
		e := cdp.Event{BrowserID: id, Type: goal, Channel: "WEB", Language: "EN", Currency: "EUR", Page: "p"}
		head := Envelope{Site: "shop", Goal: goal, UserAgent: "UA"}
		body := e.AppendJSON(head.AppendHead(nil), cdp.Direct{ClientKey: cdptest.TestClientKey, PointOfSale: cdptest.TestPointOfSale})
		w.offerItem(queue.Item{Body: body, Key: id, Time: time.Now()})
	}
}

// arrived flushes, and counts how many events are at the CDP, how many of them
// are different ones.
func (w *wired) arrived(c *cdptest.CDP) (all, different int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	if err := w.Flush(ctx); err != nil {
		w.t.Fatalf("%v: %s", err, w.account())
	}
	w.balanced()
	types := map[string]bool{}
	for _, typ := range c.Types() {
		types[typ] = true
	}
	return len(c.Types()), len(types)
}

// until waits for a state of the line.
func (w *wired) until(state string) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
	defer cancel()
	for w.States()[0].State != state {
		if !sleep(ctx, time.Millisecond) {
			w.t.Fatalf("the line is never %q but %+v", state, w.States())
		}
	}
}

func TestWireResets(t *testing.T) {
	s := cdptest.NewServer(t, cdptest.Options{})
	w := newWired(t, s.URL, s.CDP)
	before, after := cdptest.ResetBefore().On(cdptest.Sends).Times(1), cdptest.ResetAfter().On(cdptest.Sends).Times(1)
	good := cdptest.Normal().On(cdptest.Sends).Times(10)
	s.Fault(good, before, good, after, good, before, good, after, good, before)
	w.send(200)
	all, different := w.arrived(s.CDP)
	a := w.account()
	if all != 202 || different != 200 || a.Delivered != 200 {
		t.Errorf("%d events arrived, %d different ones; %s", all, different, a)
	}
	if a.PossibleDuplicates < 2 || a.PossibleDuplicates > 5 {
		t.Errorf("2 duplicates, %d possible ones", a.PossibleDuplicates)
	}
}

func TestWireCloseWithA503(t *testing.T) {
	s := cdptest.NewServer(t, cdptest.Options{})
	w := newWired(t, s.URL, s.CDP)
	s.Fault(cdptest.Normal().On(cdptest.Sends).Times(100), cdptest.Status(http.StatusServiceUnavailable).On(cdptest.Sends).Times(1))
	w.send(500)
	if err := w.close(time.Minute); err != nil {
		t.Error(err)
	}
	if n := len(s.Types()); n != 500 || w.account().Delivered != 500 {
		t.Errorf("%d arrived; %s", n, w.account())
	}
}

func TestWireCloseWhenTheCDPHangs(t *testing.T) {
	s := cdptest.NewServer(t, cdptest.Options{})
	w := newWired(t, s.URL, s.CDP, func(d *wiring) { d.Timeout = time.Hour }) // nothing but Close ends a request
	s.Fault(cdptest.Normal().On(cdptest.Sends).Times(10), cdptest.Hang())
	w.send(100)
	for w.account().Delivered < 10 {
		if !sleep(t.Context(), time.Millisecond) {
			t.Fatal(w.account())
		}
	}
	if err := w.close(300 * time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if a := w.balanced(); a.Delivered != 10 || a.Dropped["shutdown"] != 90 {
		t.Errorf("%s", a)
	}
}

func TestWireAForgottenID(t *testing.T) {
	s := cdptest.NewServer(t, cdptest.Options{})
	w := newWired(t, s.URL, s.CDP)
	w.send(100)
	w.arrived(s.CDP)
	s.Forget(visitorID(7))
	w.send(100)
	if all, _ := w.arrived(s.CDP); all != 200 || s.Made() != 1 {
		t.Errorf("%d events arrived, %d IDs were made", all, s.Made())
	}
	if fresh := w.lines[0].replaced.Get(visitorID(7)); fresh == "" || len(s.EventsOf(fresh)) != 1 {
		t.Errorf("replaced by %q, with %d events", fresh, len(s.EventsOf(fresh)))
	}
}
