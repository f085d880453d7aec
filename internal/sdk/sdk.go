// Package sdk is what a relay for Sitecore's own scripts needs of a tracker, and what it
// tells it. It is the seam between package relay and package goaltrack: what a script
// sends is read there, and what it means for a visitor is decided here.
package sdk

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// Open returns a *goaltrack.Tracker as a Tracker. Package goaltrack sets it. The tracker then
// watches for what a script and the server both tell.
var Open func(tracker any) Tracker

// Relayed is the name under which the ledger counts the scripts' events. No goal can have
// it: the names of goals are in upper case.
const Relayed = "relayed"

// Tracker is a tracker as a relay sees it. All methods are safe for concurrent use.
type Tracker interface {
	// Sites are those that the host of a request has, first the one of the page that the
	// request comes from.
	Sites(r *http.Request) []Site
	// Meet asks the gate about the visitor who sent a request to one of these sites.
	Meet(r *http.Request, s Site) Visitor
	// Own says that the requests at a path and below are the relay's, so that no rule looks
	// at them.
	Own(path string)
	// Host is the host that the visitor's browser asked for.
	Host(r *http.Request) string
	// Address is the visitor's address, invalid if it cannot be told.
	Address(r *http.Request) netip.Addr
	// Network is the name of the visitor's network; see package fair.
	Network(r *http.Request) uint64
	// Note counts what happened under a name.
	Note(what string)
	// Settings are those of the tracker's configuration.
	Settings() Settings
}

// Settings are what a relay takes over from the tracker.
type Settings struct {
	Logger     *slog.Logger
	HTTPClient *http.Client // of Delivery, nil for the default
	DryRun     bool
	Sites      []cdp.Site
}

// Site is one of the tracker's sites.
type Site struct {
	Index int
	Name  string
	CDP   cdp.Site
}

// Visitor is who sent one request. It belongs to one goroutine.
type Visitor interface {
	// Reason is why nothing that needs all consent counts, "" if it does.
	Reason() string
	// ID is the visitor's browser ID, "" if they have none or may not be counted.
	ID() string
	// Owns reports whether a script may send events under an ID. What is no ID, as scripts
	// are known to send, means the visitor's own. Without a cookie, an ID is theirs that
	// this process has made.
	Owns(id string) bool
	// Give returns the visitor's ID, or one that is made for them. It waits at most d. If
	// there is none, reason says why.
	Give(ctx context.Context, d time.Duration) (id, reason string)
	// Guest is the guest of an ID that this process has made, "" if it is not known.
	Guest(id string) string
	// Heal sets the cookie anew if the browser keeps something in it that is no ID, and an
	// ID is ready.
	Heal(h http.Header)
	// Send queues an event, and raises the goals that wait for it. It returns "", or the
	// reason why the event was not queued. full says that it could be later.
	Send(e *Event) (reason string, full bool)
	// Drained waits until nothing of the visitor waits, at most d.
	Drained(ctx context.Context, d time.Duration)
	// Showed tells a report which variant of something the visitor was shown.
	Showed(component, name string)
}

// Event is an event as a script sent it.
type Event struct {
	Type string
	// Rest is all of it but browser_id and ext: each member behind a comma.
	Rest []byte
	// Ext are the members of ext, with commas between, and Attributes their number.
	Ext        []byte
	Attributes int
	// HasID says that one of them is eventId.
	HasID bool
	// FormID and Interaction are those of a FORM, Variant that of a VIEW.
	FormID, Interaction, Variant string
	// ClientIP is the address to send with it, "" for none.
	ClientIP string
	// Values reads the members: those of ext, and those beside it.
	Values func() (ext, beside map[string]any)
}
