// Package notify tells a program of the user's about each goal that counted: Sitecore
// Connect, a data pool, a chat.
//
//	n, err := notify.New(notify.Options{URL: url, Secret: secret, Queue: spool, Next: recorder})
//	tracker, err := goaltrack.New(goaltrack.Config{Report: n, ...})
//	...
//	err = n.Close(ctx) // after tracker.Close
//
// A message waits in a queue until it was answered with 2xx; with a spool, a crash loses
// none that is in it. It may come twice, and has an ID for that. It says what the goal is
// worth and what data: of its rule names, and nothing else about the visitor.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/atrest"
	"github.com/goaltrack/goaltrack/internal/trouble"
	"github.com/goaltrack/goaltrack/internal/webhook"
	"github.com/goaltrack/goaltrack/queue"
)

// Options say who is told.
type Options struct {
	// URL is who is told, as https://..., or as http:// on this machine. Required.
	URL string
	// Secret signs the messages: "whsec_" and at least 24 random bytes in base64. Required.
	Secret string
	// Queue is where messages wait; the Notifier closes it. nil is 10,000 messages in
	// memory, which end with the process.
	Queue queue.Queue
	// Keys seal what messages say of people where they wait: a goal whose rule takes values
	// from a form, a query and the like. The first key seals, and each opens. Most give
	// it the Keys of the tracker. nil seals nothing.
	Keys []Key
	// Next is told every fact, too, such as a report's recorder. nil is nobody.
	Next fact.Sink
	// Transport takes the messages to URL, such as one that trusts a certificate of your
	// own. nil is one of its own.
	Transport http.RoundTripper
	// Logger is told what goes wrong. nil is [slog.Default].
	Logger *slog.Logger
}

// Key is as in goaltrack.Config.Keys. Keys for sealing messages are derived from it.
type Key struct{ Hash, Block []byte }

// The bounds of what waits in memory before it is in the queue, and without one.
const (
	mostComing = 1024
	mostKept   = 10_000
	mostBytes  = 16 << 20
)

// Type is the type of all messages.
const Type = "goal.fired"

// Notifier is a [fact.Sink] that tells of goals that counted. Make one with [New]. All
// methods are safe for concurrent use. Report waits for nobody.
type Notifier struct {
	options Options
	hook    *webhook.Hook
	queue   queue.Queue
	keys    atomic.Pointer[atrest.Keys]
	coming  chan coming

	full   trouble.Trouble
	pacing pacing
	counts struct{ lost, delivered, dead atomic.Uint64 }

	mu     sync.RWMutex // held for writing while coming is closed
	closed bool
	stop   context.CancelFunc
	taken  chan struct{}  // all that came is in the queue
	ending sync.WaitGroup // workers
}

// coming is a message on its way to the queue.
type coming struct {
	atrest.Message

	at time.Time
}

// New makes and starts a Notifier. It returns an error if URL, Secret or Keys cannot be used.
func New(o Options) (*Notifier, error) {
	hook, err := webhook.New(o.URL, o.Secret, o.Transport)
	if err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Queue == nil {
		o.Queue = queue.NewMemory(mostKept, mostBytes)
	}
	n := &Notifier{options: o, hook: hook, queue: o.Queue, coming: make(chan coming, mostComing), taken: make(chan struct{})}
	if err := n.SetKeys(o.Keys...); err != nil {
		return nil, err
	}
	n.full.Log, n.full.Begun, n.full.Over = o.Logger, logFull, logFullOver
	n.pacing.log, n.pacing.host = o.Logger, hook.Host()
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	go n.take()
	for range workers {
		n.ending.Go(func() { n.work(ctx) })
	}
	return n, nil
}

// SetKeys puts other keys in the place of Options.Keys. What was sealed with a key that is
// gone cannot be delivered any more.
func (n *Notifier) SetKeys(keys ...Key) error {
	secrets := make([]atrest.Secret, len(keys))
	for i, k := range keys {
		secrets[i] = atrest.Secret(k)
	}
	made, err := atrest.New(atrest.MessageUse, secrets...)
	if err == nil {
		n.keys.Store(made)
	}
	return err
}

// The texts of the log about messages that are lost, which begin and end as package trouble
// says.
const (
	logFull     = "goaltrack: messages about goals are lost (notify_lost), as there is no room for them"
	logFullOver = "goaltrack: there has been room for messages about goals for a minute"
)

// message is what a program is told.
type message struct {
	Type string    `json:"type"`
	Time time.Time `json:"timestamp"`
	Data about     `json:"data"`
}

// about is a goal that counted.
type about struct {
	Goal     string         `json:"goal"`
	Site     string         `json:"site"`
	Page     string         `json:"page,omitempty"`
	Value    *float64       `json:"value,omitempty"`
	Currency string         `json:"currency,omitempty"`
	Data     map[string]any `json:"data,omitempty"`
}

// Report implements [fact.Sink].
func (n *Notifier) Report(f fact.Fact) {
	if f.Kind == fact.Decision && f.Reason == fact.Fired {
		n.offer(&f)
	}
	if n.options.Next != nil {
		n.options.Next.Report(f)
	}
}

func (n *Notifier) offer(f *fact.Fact) {
	body, err := json.Marshal(messageOf(f))
	if err != nil {
		n.lose() // such as a number that is none
		return
	}
	n.mu.RLock()
	defer n.mu.RUnlock()
	if n.closed {
		n.lose()
		return
	}
	select {
	case n.coming <- coming{atrest.Message{Browser: f.Browser, Private: f.Private, Body: body}, f.Time}:
	default:
		n.lose()
	}
}

func messageOf(f *fact.Fact) message {
	m := message{Type, f.Time.UTC().Truncate(time.Millisecond), about{Goal: f.Goal, Site: f.Site, Page: f.Page}}
	if f.Value.Known {
		amount := f.Value.Amount()
		m.Data.Value, m.Data.Currency = &amount, f.Value.Currency
	}
	if len(f.Data) > 0 {
		m.Data.Data = make(map[string]any, len(f.Data))
		for _, a := range f.Data {
			m.Data.Data[a.Name] = a.Value
		}
	}
	return m
}

func (n *Notifier) lose() {
	n.counts.lost.Add(1)
	n.full.Happens()
}

// take puts what comes into the queue, which may have to wait for a disk.
func (n *Notifier) take() {
	defer close(n.taken)
	for c := range n.coming {
		item := queue.Item{Key: webhook.NewID(), Body: n.keys.Load().Keep(&c.Message), Private: c.Private, Time: c.at}
		if err := n.queue.Append(context.Background(), item); err != nil && !errors.Is(err, queue.ErrNotYetOnDisk) {
			n.lose()
		}
	}
}

// Counts are what became of messages since the start.
type Counts struct {
	// Delivered were answered with 2xx.
	Delivered uint64
	// Dead were refused for good, or not delivered for [MaxAge].
	Dead uint64
	// Lost found no room, or ended with the process.
	Lost uint64
	// Waiting are in the queue.
	Waiting int
}

// Counts tells what became of messages.
func (n *Notifier) Counts() Counts {
	s := n.queue.Stats()
	return Counts{n.counts.delivered.Load(), n.counts.dead.Load(), n.counts.lost.Load(), s.Waiting}
}

// closeGrace is how long the queue may take to write what it has, whatever is left of the
// time for delivery.
const closeGrace = 2 * time.Second

// Close takes no more goals, delivers what waits until ctx ends, and closes the queue. What
// is left in memory is lost, and the error says how much.
func (n *Notifier) Close(ctx context.Context) error {
	n.mu.Lock()
	again := n.closed
	if n.closed = true; !again {
		close(n.coming)
	}
	n.mu.Unlock()
	if again {
		return nil
	}
	n.settle(ctx)
	n.stop()
	n.ending.Wait()
	n.hook.Close()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeGrace)
	defer cancel()
	err := n.queue.Close(closing)
	n.full.Close()
	if s := n.queue.Stats(); s.Lost > 0 {
		n.counts.lost.Add(uint64(s.Lost))
		n.options.Logger.Warn("goaltrack: messages about goals were lost with the process (notify_lost)", "messages", s.Lost)
	}
	return err
}
