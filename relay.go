package goaltrack

import (
	"context"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"reflect"
	"strings"
	"sync/atomic"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/internal/idpool"
	"github.com/goaltrack/goaltrack/internal/navigation"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/sdk"
	"github.com/goaltrack/goaltrack/internal/twice"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

// Sitecore's own scripts can send through package relay. It reads what they send, and asks
// here whose it is, whether it may count, and for a place in the queue. An example:
//
//	page     /products/7, with Engage, of a visitor with the cookie bid_key=9f...
//	event    POST .../v1.2/events, Referer: /products/7, browser_id 9f..., type CLICKED
//	Meet     The gate is asked as for the page; its cookie says who the visitor is.
//	Owns     The script says the same ID. Another one's would be refused.
//	Send     The event is queued as one of the visitor's own, behind what they did
//	         before. The ledger has "fired" under the name "relayed".
//
// What always holds:
//
//  1. Of a visitor who may not be counted, only what the gate needs is read. Nothing is
//     queued for them, and they get no ID.
//  2. The request is nobody's form: it makes no goal happen that waits for a request.
//  3. What server and script both tell counts once, by name (view_twice, form_twice).

func init() {
	sdk.Open = func(tracker any) sdk.Tracker {
		t := tracker.(*Tracker)
		if t.relaying.twins.CompareAndSwap(nil, twice.New()) && t.sender != nil {
			t.sender.WatchDrains()
		}
		return (*relayedTracker)(t)
	}
}

// relaying is what a tracker has for scripts that send through a relay.
type relaying struct {
	twins      atomic.Pointer[twice.Table] // nil without a relay
	view, form atomic.Bool                 // it was said that they came twice
}

// relayedTracker is a Tracker as a relay sees it.
type relayedTracker Tracker

// Sites implements [sdk.Tracker].
func (rt *relayedTracker) Sites(r *http.Request) (list []sdk.Site) {
	t := (*Tracker)(rt)
	host := t.host(r)
	path, _ := t.pageFrom(r)
	first := t.siteOf(host, path)
	for i, s := range t.sites {
		if s.fit(web.HostOnly(host)) == hostOther {
			continue
		}
		list = append(list, sdk.Site{Index: i, Name: s.Name, CDP: s.CDP})
		if s == first {
			n := len(list) - 1
			list[0], list[n] = list[n], list[0]
		}
	}
	return list
}

// pageFrom is the page on which a script runs, "" if it does not say.
func (t *Tracker) pageFrom(r *http.Request) (path, rawQuery string) {
	path, rawQuery, ok := navigation.CameFrom(r.Header, t.host(r))
	if !ok {
		return "", ""
	}
	return urlpath.CutPrefix(urlpath.Normal(path), t.prefix(r)), rawQuery
}

// Host implements [sdk.Tracker].
func (rt *relayedTracker) Host(r *http.Request) string { return (*Tracker)(rt).host(r) }

// Address implements [sdk.Tracker].
func (rt *relayedTracker) Address(r *http.Request) netip.Addr { return (*Tracker)(rt).client(r) }

// Network implements [sdk.Tracker].
func (rt *relayedTracker) Network(r *http.Request) uint64 { return (*Tracker)(rt).network(r) }

// Own implements [sdk.Tracker].
func (rt *relayedTracker) Own(path string) { (*inPage)(rt).Own(path) }

// Note implements [sdk.Tracker].
func (rt *relayedTracker) Note(what string) { rt.ledger.note(what) }

// Settings implements [sdk.Tracker].
func (rt *relayedTracker) Settings() sdk.Settings {
	s := sdk.Settings{Logger: rt.config.Logger, HTTPClient: rt.config.Delivery.HTTPClient, DryRun: rt.config.DryRun}
	for _, site := range rt.sites {
		s.Sites = append(s.Sites, site.CDP)
	}
	return s
}

// relayedVisitor is a visitor whose page's script sends something.
type relayedVisitor struct {
	*tracked
	page, query string // "" if they are not known
}

// Meet implements [sdk.Tracker].
func (rt *relayedTracker) Meet(r *http.Request, s sdk.Site) sdk.Visitor {
	t := (*Tracker)(rt)
	path, rawQuery := t.pageFrom(r)
	asked := *r
	asked.URL = &url.URL{Path: path, RawQuery: rawQuery}
	e := t.gate(&asked, path)
	if e.no == allowed && e.absent != fateBot {
		// A page that is prerendered runs its scripts before anybody looks at it. It
		// needs its ID all the same, as it asks for one once.
		if e.absent = allowed; r.Method != http.MethodGet && navigation.IsPrefetch(r.Header) {
			e.absent = fatePrefetch
		}
	}
	v := &relayedVisitor{t.track(t.sites[s.Index], r, path, t.rules.Load()), path, rawQuery}
	if v.watched = t.watch(e.cookies); v.watched.Dry() {
		e.heldBy = "" // nothing is held, as for a page
	}
	v.admit(r, &e)
	v.told.cookieless = true
	return v
}

// Reason implements [sdk.Visitor].
func (v *relayedVisitor) Reason() string { return reasonOf(v.mayPass()) }

// mayPass says why nothing of the visitor may reach the CDP.
func (v *relayedVisitor) mayPass() fate {
	f := v.entry.fate(consent.All)
	if f == fired && v.watched.Dry() {
		return fatePreview
	}
	return f
}

// reasonOf is a fate as a relay is told it.
func reasonOf(f fate) string {
	if f == fired {
		return ""
	}
	return f.String()
}

// ID implements [sdk.Visitor].
func (v *relayedVisitor) ID() string { return v.told.id }

// Owns implements [sdk.Visitor].
func (v *relayedVisitor) Owns(id string) bool {
	line := v.site.line
	switch {
	case !cdp.ValidBrowserID(id), id == v.told.id:
		return true
	case line == nil: // nobody has got an ID
		return v.told.id == ""
	case v.told.id != "":
		// A script keeps the ID that was there when its page was loaded.
		return line.Replacement(id) == v.told.id || line.Replacement(v.told.id) == id
	case !line.IDs.Made(id) || v.site.tenant.forgotten.Has(id):
		return false
	}
	v.told.id = strings.Clone(id)
	return true
}

// Give implements [sdk.Visitor].
func (v *relayedVisitor) Give(ctx context.Context, d time.Duration) (id, reason string) {
	switch {
	case v.told.id != "":
		return v.told.id, ""
	case v.site.line == nil, v.t.budget.IDsSpent():
		return "", fateNoBrowserID.String()
	case v.told.unkept == fateInsecure:
		return "", fateInsecure.String() // each page would ask for another
	}
	if id = v.site.line.IDs.TakeWithin(ctx, d, idpool.Want{Network: v.network()}); id == "" {
		return "", fateNoBrowserID.String()
	}
	v.told.id = id
	v.site.spend(fact.IDGiven)
	return id, ""
}

// Guest implements [sdk.Visitor].
func (v *relayedVisitor) Guest(id string) string {
	if v.site.line == nil {
		return ""
	}
	return v.site.line.IDs.Guest(id)
}

// Heal implements [sdk.Visitor].
func (v *relayedVisitor) Heal(h http.Header) {
	c := &v.site.cookie
	if v.mayPass() != fired || v.told.id != "" || v.site.line == nil || v.told.unkept != allowed || v.t.budget.IDsSpent() || !v.entry.cookies.Has(c.name) {
		return
	}
	if id := v.site.line.IDs.Take(idpool.Want{Network: v.network()}); id != "" {
		v.told.id = id
		v.site.spend(fact.IDGiven)
		c.set(h, id, v.told.brought)
		v.t.ledger.note("cookie_healed")
	}
}

// Drained implements [sdk.Visitor].
func (v *relayedVisitor) Drained(ctx context.Context, d time.Duration) {
	if v.t.sender != nil && v.told.id != "" {
		v.t.sender.Drain(ctx, v.told.id, d)
	}
}

// Showed implements [sdk.Visitor].
func (v *relayedVisitor) Showed(component, name string) {
	if v.site.facts.Sink != nil && v.mayPass() == fired {
		v.site.facts.Showed([]fact.Variant{{Component: component, Name: name}}, v.told.id)
	}
}

// Send implements [sdk.Visitor].
func (v *relayedVisitor) Send(e *sdk.Event) (reason string, full bool) {
	f := v.queue(e)
	v.t.ledger.decide(time.Now(), sdk.Relayed, f, v.told.id, "")
	v.t.firsts.log(f, v.t.config.Logger)
	v.watched.Passed(sdk.Relayed, e.Type, f.String())
	if full = f.class() == ofQueue; full {
		v.raise(e, f)
	} else {
		v.raise(e, fired)
	}
	v.showWatched()
	return reasonOf(f), full
}

// queue offers an event of a script to the queue.
func (v *relayedVisitor) queue(e *sdk.Event) (f fate) {
	defer v.t.recovered("relay", func() { f = fateEventInvalid })
	if f = v.mayPass(); f == fatePreview {
		v.shows(e)
	}
	if f != fired {
		return f
	}
	if v.told.id == "" && v.t.sender != nil {
		return fateNoBrowserID // each event would make another guest
	}
	claim, f := v.claim(e)
	if f != fired {
		return f
	}
	body, f := v.encode(e)
	if f == fired {
		v.shows(e)
		item := queue.Item{Body: body, Priority: e.Priority(), Time: time.Now()}
		f = v.t.offer(context.Background(), []queue.Item{item}, v.told.keyLocked(), v.network(), nil)
	}
	if f != fired {
		claim.Withdraw()
	}
	return f
}

// shows tells the watcher what the script sends.
func (v *relayedVisitor) shows(e *sdk.Event) {
	if v.watched != nil {
		shown := e.CDP(v.told.id)
		v.watched.SendsAs(sdk.Relayed, v.told.id, v.site.CDP, &shown)
	}
}

// showWatched tells the watcher what became of an event.
func (v *relayedVisitor) showWatched() {
	if v.watched == nil {
		return
	}
	seen := fact.Seen{Site: v.site.Name, Method: v.r.Method, Path: v.r.URL.Path}
	if f := v.entry.fate(consent.All); f != allowed {
		seen.Refused = f.String()
	}
	v.watched.Over(v.rules, seen)
}

// raise decides on the goals that wait for an event. They stand behind it in the queue. If
// there was no room for the event, its script may send it again, so none of them counts now.
func (v *relayedVisitor) raise(e *sdk.Event, room fate) {
	defer v.t.recovered("relay", func() {})
	goals := v.rules.Sent(&v.x, e.Type, v.page, v.query, func() map[string]any {
		attributes, beside := e.Values()
		maps.Copy(beside, attributes)
		return beside
	})
	for _, g := range goals {
		if room != fired {
			v.decide(g, room, "")
			continue
		}
		f, waits := v.judgeRaisedLocked(g, nil)
		if f == fired {
			f = v.send(g, nil, new(ruling), waits)
		}
		v.decide(g, f, "")
	}
	if len(goals) > 0 && room == fired && !v.watched.Dry() {
		v.pastLocked().end(time.Now())
	}
}

// claim says that a script tells something, unless the server has told it.
func (v *relayedVisitor) claim(e *sdk.Event) (twice.Claim, fate) {
	var thing twice.Thing
	switch {
	case e.Type == twice.Form && e.FormID != "":
		thing = twice.FormOf(e.FormID, e.Interaction)
	case e.Type == twice.View && v.t.config.Views != ViewsOff && v.page != "":
		thing = twice.ViewOf(v.page)
	default:
		return twice.Claim{}, fired
	}
	c, ok := v.t.relaying.twins.Load().Tell(twice.Script, thing, 0, v.whoLocked(), v.site.Name, v.told.id)
	return c, v.t.fateOfTwin(thing, ok)
}

// roomForLate is how many attributes are left for what a late event says.
const roomForLate = 2

// encode writes an event of a script as this package writes its own, in the layout that
// cdp.Event.AppendJSON promises. What the script said stays as it is.
func (v *relayedVisitor) encode(e *sdk.Event) ([]byte, fate) {
	c := &v.t.config
	withID := !c.NoEventID && !e.HasID && e.Attributes+roomForLate < maxAttributes
	head := deliver.Envelope{Site: v.site.Name, Goal: sdk.Relayed, UserAgent: v.entry.userAgent, Address: e.ClientIP, HasExt: e.Attributes > 0 || withID, Private: true}
	head.DropLate, head.DropStale, _ = rule.View.Marks(e.Type)
	out := head.AppendHead(make([]byte, 0, 256+len(e.Rest)+len(e.Ext)))
	start := len(out)
	hasExt := e.Attributes > 0
	changed, f := v.beforeSend(e)
	switch {
	case f != fired:
		return nil, f
	case changed != nil:
		hasExt = len(changed.Ext) > 0
		head.HasExt = hasExt || withID
		out = head.AppendHead(out[:0])
		start = len(out)
		out = changed.AppendJSON(out, v.site.CDP)
	default:
		out = e.AppendJSON(out, v.told.id)
	}
	if withID {
		out = ext.AppendEventID(out, hasExt)
	}
	if len(out)-start > events.Most {
		return nil, fateEventInvalid
	}
	return out, fired
}

// maxAttributes is how many the CDP takes of one event.
const maxAttributes = 50

// beforeSend shows an event of a script to Config.BeforeSend. It is nil if that changed
// nothing: then the event is sent as the script wrote it.
func (v *relayedVisitor) beforeSend(e *sdk.Event) (changed *cdp.Event, f fate) {
	if v.t.config.BeforeSend == nil {
		return nil, fired
	}
	own, seen := e.CDP(v.told.id), e.CDP(v.told.id)
	defer v.t.recovered("BeforeSend", func() { f = fateBeforeSend })
	switch {
	case !v.t.config.BeforeSend(&seen):
		return nil, fateBeforeSend
	case reflect.DeepEqual(own, seen):
		return nil, fired
	case seen.BrowserID != v.told.id || seen.Validate() != nil:
		return nil, fateEventInvalid
	}
	return &seen, fired
}
