package goaltrack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/idpool"
	"github.com/goaltrack/goaltrack/queue"
)

// This file is the tracker's end of delivery: what can be set (Delivery), who sends the events
// (connect), and how those of a request get into the queue (offer, await). They wait in a store
// (store.go), from which package deliver takes them to the CDP.

// Delivery sets where events wait and how they are sent. New refuses negative
// numbers and durations.
type Delivery struct {
	// Queue keeps events until they are delivered. [Tracker.Close] closes a
	// queue given here. It excludes SpoolDir. Default: a [queue.Memory] with
	// the bounds below.
	Queue queue.Queue

	// QueueEvents and QueueBytes bound the default queue. An event that does
	// not fit is lost as queue_full. Defaults: 10,000 events and 16 MiB.
	QueueEvents int
	QueueBytes  int64

	// SpoolDir is a directory on a local disk in which events wait until they
	// are delivered, so that they outlive the process; see [Level]. It is made
	// if it does not exist. It belongs to one process at a time. Default: "",
	// events wait in memory.
	//
	// If the directory cannot be used, the site still starts, with a queue in
	// memory. One line with the level Error says so, and so do Degraded and
	// HeldBy in the Snapshot's Queue. The tracker tries again every two
	// seconds. When the directory can be used, because the process that had it
	// has ended, the tracker delivers what that process left. It then moves
	// what waits in memory to the disk and logs one line.
	SpoolDir string

	// SpoolRequired makes New fail if the SpoolDir cannot be used. Default:
	// false, events then wait in memory.
	SpoolRequired bool

	// SpoolPerProcess gives each process its own directory below SpoolDir, for
	// several processes that run at once. A process that starts takes over what
	// an ended one left behind. Default: false, one process has the SpoolDir.
	SpoolPerProcess bool

	// SpoolWait bounds how long a request whose goal fired waits until its
	// event is on the disk. If that takes longer, the event is accepted and
	// noted as not_yet_on_disk; it is lost if the process ends before it is
	// written. At most 10 s; it needs a SpoolDir. Default: 20 ms with
	// LevelDurable, 100 ms with LevelStrict.
	SpoolWait time.Duration

	// Level says what a crash may cost. LevelDurable and LevelStrict need a
	// SpoolDir. Default: LevelDurable with a SpoolDir, else LevelMemory.
	Level Level

	// SpoolBytes bounds how many bytes of the disk the spool takes. Default: 1
	// GiB.
	SpoolBytes int64

	// MaxAge is how long the tracker tries to deliver an event. After that the
	// event goes to the dead letters with the reason "expired". Default: 10
	// minutes, or 72 hours with a SpoolDir.
	MaxAge time.Duration

	// Workers is how many requests to the CDP may be under way at once for each
	// site, at most 1024. It bounds the rate of delivery: workers divided by
	// the CDP's answer time. 16 workers and 50 ms make 320 events a second.
	// Default: 16.
	Workers int

	// Timeout ends one attempt. If it is shorter than the CDP's own timeout,
	// events may count twice. A new browser ID may take half as long, and 5 s
	// at least. Default: 10 s.
	Timeout time.Duration

	// UnknownAttempts bounds how often an event is sent in all if an earlier
	// attempt may have counted. It may have after 500, 502, 504, and after a
	// timeout or a reset when the request was written. 1 means that it is never
	// sent again; it then becomes the dead letter "unknown". Default: 3.
	UnknownAttempts int

	// BackoffBase and BackoffMax set the wait after a failed attempt: a random
	// time up to BackoffBase x 2^failures, at most BackoffMax. Defaults: 1 s
	// and 5 min.
	BackoffBase, BackoffMax time.Duration

	// Wait is for serverless platforms that freeze a process as soon as it has
	// answered: AWS Lambda, or Cloud Run with CPU during requests only. There,
	// a queued event would be sent with the next request, or never. With Wait,
	// a request whose goals fired returns when its events have met their fate.
	// It waits no longer than Wait: then the note wait_timed_out is counted,
	// and the events stay queued. The handler has returned by then, but the
	// answer may not have left.
	//
	// Other requests do not wait. [Tracker.Send], and a [Tracker.Trigger] that
	// sends at once, wait as well. Default: 0, nobody waits.
	Wait time.Duration

	// ProbeBase and ProbeMax set the pace while the CDP accepts nothing,
	// because it does not answer or refuses this sender. Defaults: 1 s and 1
	// min.
	//
	// This pace begins after twenty sends in a row and ProbeBase without an
	// accepted event. Then one event at a time is sent. The wait before each is
	// a sixteenth of the time since the last acceptance, from ProbeBase/16 to
	// ProbeMax. So delivery resumes soon after a short fault, and a long fault
	// costs little more than a request a minute. After ProbeMax without an
	// acceptance the log says so.
	//
	// If the CDP refuses one event and accepts others, that event is tried
	// again after ProbeBase. Each later wait is four times as long, up to
	// ProbeMax.
	ProbeBase, ProbeMax time.Duration

	// HTTPClient sends the events. Default: a client made for this purpose.
	// Redirects are refused with every client, because a redirected POST
	// becomes an empty GET that looks delivered. While the CDP does not answer,
	// the client's idle connections are closed, so that the next attempt
	// resolves the address again.
	HTTPClient *http.Client
}

// Level says where events wait until they are delivered, and so what a crash
// may cost.
type Level string

const (
	// LevelMemory keeps events in this process: a crash loses what waits. It is
	// the default without a SpoolDir.
	LevelMemory Level = "memory"
	// LevelDurable writes an event to the spool with write(2) and waits for it,
	// at most Delivery.SpoolWait. This happens before the handler's answer
	// leaves, if the answer fits net/http's buffer and is not flushed. A crash
	// of the process loses nothing that was written. A loss of power loses at
	// most the last 100 ms, because files are synced in groups. It is the
	// default with a SpoolDir.
	LevelDurable Level = "durable"
	// LevelStrict does the same, and waits for the sync as well.
	LevelStrict Level = "strict"
)

// idTimeout is how long a browser ID may take, unless Delivery.Timeout says more. A request that
// is given up may still have made a guest.
const idTimeout = 5 * time.Second

// connect makes what belongs to the delivery, and starts it when nothing can
// fail any more.
func (t *Tracker) connect(open func() (store, error)) error {
	c := &t.config
	calls := cdp.Options{HTTPClient: c.Delivery.HTTPClient, Workers: c.Delivery.Workers, Timeout: c.Delivery.Timeout}
	var lines []*deliver.Line
	var clients, creators []*cdp.Client
	var errs []error
	for _, s := range t.sites {
		client, err := cdp.New(s.CDP, calls)
		errs = append(errs, err)
		// IDs are made over connections of their own, so that a queue of
		// events never keeps a new visitor waiting.
		own := calls
		own.Workers, own.CreateTimeout = idpool.Flights, max(idTimeout, calls.Timeout/2)
		creator, err := cdp.New(s.CDP, own)
		errs = append(errs, err)
		s.line = &deliver.Line{Name: s.Name, Client: client, Session: s.SessionLength, NoExt: s.DataModel == dataModel20, Given: s.givesID, Sent: s.requests, Renew: func() { client.Close(); creator.Close() }}
		lines, clients, creators = append(lines, s.line), append(clients, client), append(creators, creator)
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	where, err := open()
	if err != nil {
		return err
	}
	warm := c.Cookie.Warm
	if c.Cookie.Create == CreateNever {
		warm = 0
	}
	if c.Delivery.HTTPClient == nil {
		t.clients = slices.Concat(clients, creators)
	}
	budget := idpool.NewBucket(c.Cookie.CreatePerSecond, c.Cookie.CreateBurst)
	kept := c.takeUnused()
	for i, ln := range lines {
		var mine []idpool.Unused // nil: nothing is kept
		if kept != nil {
			tenant := tenantName(t.sites[i].CDP)
			mine = append([]idpool.Unused{}, kept[tenant]...)
			delete(kept, tenant) // another site of the tenant gets none of the same
		}
		ln.IDs = idpool.New(idpool.Options{
			Create: t.sites[i].makesIDs(creators[i]), Budget: budget, Note: t.ledger.note, Log: c.Logger, Warm: warm, Kept: mine,
		})
	}
	options := c.Delivery.options(&where, t.names)
	if options.Seal, err = c.seal(); err != nil {
		return err
	}
	if _, inMemory := where.queue.(*queue.Memory); !inMemory {
		t.atRest = options.Seal
	}
	t.sender, t.store = deliver.New(where.queue, lines, options, t.ledger.events, c.Logger), where
	var summaries context.Context
	summaries, t.stopSummaries = context.WithCancel(context.Background())
	go t.summarize(summaries)
	t.logStart()
	return nil
}

// options is what the sender needs of the configuration.
func (d *Delivery) options(where *store, names *fair.Names) deliver.Options {
	return deliver.Options{
		QueueEvents: int64(where.events), QueueBytes: where.bytes, Names: names,
		Workers: d.Workers, MaxAge: d.MaxAge, UnknownAttempts: d.UnknownAttempts, Wait: d.Wait, AppendWait: where.wait,
		BackoffBase: d.BackoffBase, BackoffMax: d.BackoffMax, ProbeBase: d.ProbeBase, ProbeMax: d.ProbeMax,
	}
}

// makesIDs is how a browser ID is made for the site.
func (s *site) makesIDs(client *cdp.Client) func(context.Context) (cdp.Browser, error) {
	return func(ctx context.Context) (cdp.Browser, error) {
		b, err := client.CreateBrowser(ctx)
		if err == nil {
			s.spend(fact.IDMade)
		}
		return b, err
	}
}

// givesID notes that an event was given a browser ID.
func (s *site) givesID() { s.spend(fact.IDGiven) }

// requests notes that an event is sent, perhaps again.
func (s *site) requests(again bool) {
	if again {
		s.spend(fact.EventAgain)
	} else {
		s.spend(fact.EventSent)
	}
}

// takeUnused returns the browser IDs that an earlier process has left, by tenant, nil if
// none are kept.
func (c *Config) takeUnused() map[string][]idpool.Unused {
	if c.Cookie.UnusedFile == "" {
		return nil
	}
	kept, err := idpool.Keep{Path: c.Cookie.UnusedFile}.Take()
	if err != nil {
		c.Logger.Warn("goaltrack: the unused browser IDs of an earlier process cannot be used", "file", c.Cookie.UnusedFile, "error", err)
	}
	if kept == nil || err != nil {
		kept = map[string][]idpool.Unused{}
	}
	return kept
}

// putUnused leaves the browser IDs that nobody was given to the next process.
func (t *Tracker) putUnused() {
	file := t.config.Cookie.UnusedFile
	if file == "" {
		return
	}
	unused := map[string][]idpool.Unused{}
	for _, s := range t.sites {
		tenant := tenantName(s.CDP)
		unused[tenant] = append(unused[tenant], s.line.IDs.Unused()...)
	}
	if err := (idpool.Keep{Path: file}).Put(unused); err != nil {
		t.config.Logger.Warn("goaltrack: browser IDs that are still unused cannot be kept for the next process", "file", file, "error", err)
	}
}

// tenantName tells tenants apart without saying who they are. An ID is good for one
// tenant alone.
func tenantName(site cdp.Site) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%T %+v", site, site))
	return hex.EncodeToString(sum[:8])
}

// offer puts the events of one goal into the queue, as this visitor's.
func (t *Tracker) offer(ctx context.Context, items []queue.Item, key string, network uint64, a *deliver.Awaited) fate {
	if t.sender == nil {
		return fired
	}
	for i := range items {
		items[i].Key = key
	}
	t.atRest.Mark(items)
	return queueFate(t.sender.Offer(ctx, a, network, items...))
}

// queueFate is why a queue refused an event, fired if it did not.
func queueFate(err error) fate {
	switch {
	case err == nil:
		return fired
	case errors.Is(err, queue.ErrClosed):
		return fateClosed
	case errors.Is(err, queue.ErrTooLarge):
		return fateEventInvalid
	case errors.Is(err, deliver.ErrVisitorFull): // also an ErrFull
		return fateVisitorFull
	case errors.Is(err, queue.ErrDiskFull): // also an ErrFull
		return fateDiskFull
	case errors.Is(err, queue.ErrDiskFailed):
		return fateDiskFailed
	case errors.Is(err, queue.ErrFull):
		return fateQueueFull
	case errors.Is(err, deliver.ErrGivenUp):
		return fateTimedOut
	}
	return fateQueueFailed
}

// awaits returns where to note events whose fate is waited for, nil if
// Delivery.Wait says to wait for none.
func (t *Tracker) awaits() *deliver.Awaited {
	if t.config.Delivery.Wait <= 0 || t.sender == nil {
		return nil
	}
	return new(deliver.Awaited)
}

// awaits is the same for all events of a request.
func (tr *tracked) awaits() *deliver.Awaited {
	if tr.awaited == nil {
		tr.awaited = tr.t.awaits()
	}
	return tr.awaited
}

// await waits for what was noted, but not longer than Delivery.Wait or ctx.
func (t *Tracker) await(ctx context.Context, a *deliver.Awaited) {
	if a != nil && !t.sender.Wait(ctx, a) {
		t.ledger.note("wait_timed_out")
	}
}

// ErrUndelivered is the error of [Tracker.Close] when events are left that
// could not be delivered in time. The account says how many.
var ErrUndelivered = deliver.ErrUndelivered
