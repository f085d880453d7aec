package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/hostname"
	"github.com/goaltrack/goaltrack/internal/navigation"
	"github.com/goaltrack/goaltrack/internal/sdk"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Path is where a relay is mounted, if Options say nothing else.
const Path = "/goals/e/r"

// Options say how a relay works. The zero value is fit for use.
type Options struct {
	// Path is the path at which the relay is mounted, without a slash at the end. It is
	// cut off the paths of requests that begin with it, so http.StripPrefix is not needed
	// and does no harm. Default: [Path].
	Path string

	// AllowIdentity relays IDENTITY events, too. By them a script says who the visitor is,
	// and the CDP joins profiles that have the same address; anybody can type another's.
	// Default: false, they are dropped with the reason relay_identity, and the log says so
	// once.
	AllowIdentity bool

	// SearchWithoutConsent passes calls of the Search SDK for visitors who may not be
	// counted, too. Set it if the site's search has to work for everybody. Default:
	// false, nothing is sent for them.
	SearchWithoutConsent bool

	// ForwardIP sends the visitor's address with what is relayed, in X-Forwarded-For. With
	// an event it waits in the queue, sealed as the event is. Nothing public says that the
	// CDP reads it. Default: false.
	ForwardIP bool

	// Timeout is how long the CDP may take for an answer that is passed through, and for
	// a browser ID. A negative time is a fault. Default: 5 s.
	Timeout time.Duration
}

// Bounds of what is under way.
const (
	defaultTimeout = 5 * time.Second
	maxBody        = 32 << 10
	bodyRoom       = 32 << 20 // of all bodies that are being read
	passRoom       = 256      // calls that are passed through at the same time
	passLeast      = 8        // that a visitor may have of these
	passWorkers    = 64
)

// times are how long things may take.
type times struct {
	drain  time.Duration // a visitor's events, before a decision is asked for
	body   time.Duration // a body
	leave  time.Duration // the rest of a body that is refused
	resent time.Duration // an event of Engage that is sent again: it says no time of its own
}

// usual are the times of every relay; tests have others.
func usual() times {
	return times{drain: 300 * time.Millisecond, body: 10 * time.Second, leave: 2 * time.Second, resent: 2 * time.Second}
}

// Relay is a handler for what Sitecore's scripts send. Make it with [New]. It is safe for
// concurrent use, and needs no Close: what it has taken is in the tracker's queue.
type Relay struct {
	options   Options
	times     times
	tracker   sdk.Tracker
	settings  sdk.Settings
	transport http.RoundTripper
	bodies    fair.Room
	reading   atomic.Int64 // bytes of bodies
	passes    fair.Room
	passing   atomic.Int64 // calls
	names     *fair.Names
	resent    *resent
	kept      kept
	cdns      []cdn // by site
	said      struct{ site, origin, identity atomic.Bool }
}

// New makes a relay for a tracker. The error names every fault of the options.
func New(tracker *goaltrack.Tracker, o Options) (*Relay, error) {
	var errs []error
	if tracker == nil {
		errs = append(errs, errors.New("relay: there is no tracker"))
	}
	switch {
	case o.Path == "":
		o.Path = Path
	case o.Path[0] != '/' || strings.HasSuffix(o.Path, "/") || strings.ContainsAny(o.Path, "?#{}*"):
		errs = append(errs, fmt.Errorf("relay: Options.Path %q is not a path such as %s", o.Path, Path))
	}
	if o.Timeout < 0 {
		errs = append(errs, errors.New("relay: Options.Timeout is negative"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	h := &Relay{options: o, times: usual(), tracker: sdk.Open(tracker), names: fair.NewNames(), resent: newResent()}
	h.tracker.Own(o.Path)
	h.settings = h.tracker.Settings()
	h.cdns = make([]cdn, len(h.settings.Sites))
	h.bodies.Size, h.bodies.Least = bodyRoom, 4*maxBody
	h.passes.Size, h.passes.Least = passRoom, passLeast
	if c := h.settings.HTTPClient; c != nil {
		h.transport = c.Transport
	}
	if h.transport == nil {
		own := cdp.NewTransport(passWorkers)
		own.ResponseHeaderTimeout = max(own.ResponseHeaderTimeout, o.Timeout)
		h.transport = own
	}
	return h, nil
}

// call is one request.
type call struct {
	*Relay
	w    http.ResponseWriter
	r    *http.Request
	is   *endpoint
	id   string   // the browser ID in the path of show.json
	site sdk.Site // whose it is
	who  sdk.Visitor
}

// ServeHTTP implements [http.Handler].
func (h *Relay) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Relay: h, w: w, r: r}
	var known bool
	if c.is, c.id, known = find(cutPath(r.URL.Path, h.options.Path)); !known {
		c.refuse(reasonPath)
		return
	}
	switch {
	case r.Method != c.is.method:
		w.Header().Set("Allow", c.is.method)
		c.refuse(reasonMethod)
	case !sameOrigin(r, h.tracker.Host(r)):
		h.once(&h.said.origin, "goaltrack: a request to the relay comes from another origin, and is refused (relay_origin): scripts have to ask at the origin of their page")
		c.refuse(reasonOrigin)
	default:
		c.is.serve(c)
	}
}

func cutPath(path, mounted string) string {
	if rest, ok := strings.CutPrefix(path, mounted); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return path
}

// once logs a warning once in the life of the relay.
func (h *Relay) once(done *atomic.Bool, text string, attrs ...any) {
	if !done.Load() && !done.Swap(true) {
		h.settings.Logger.Log(context.Background(), slog.LevelWarn, text, attrs...)
	}
}

// sameOrigin reports whether a script of the same origin sent a request. Browsers say so in
// Sec-Fetch-Site; older ones name the origin of a POST, and the page of a GET.
func sameOrigin(r *http.Request, host string) bool {
	if site, ok := web.First(r.Header["Sec-Fetch-Site"]); ok {
		return site == "same-origin" && len(r.Header["Sec-Fetch-Site"]) == 1
	}
	if origin, ok := web.First(r.Header["Origin"]); ok {
		u, err := url.Parse(origin)
		return err == nil && u.Host != "" && hostname.SameOrigin(u.Host, host) && len(r.Header["Origin"]) == 1
	}
	_, _, ok := navigation.CameFrom(r.Header, host)
	return ok && r.Method == http.MethodGet
}

// whose finds the site that a call names, and asks who the visitor is.
func (c *call) whose(fits func(cdp.Site) bool) bool {
	for _, s := range c.tracker.Sites(c.r) {
		if fits(s.CDP) {
			c.site, c.who = s, c.tracker.Meet(c.r, s)
			return true
		}
	}
	c.once(&c.said.site, "goaltrack: the relay refuses a script, as its client key, point of sale, context or site does not belong to the host (relay_site): compare the settings of the SDK with those of goaltrack",
		"host", c.tracker.Host(c.r))
	return false
}
