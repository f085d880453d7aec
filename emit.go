package goaltrack

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/caching"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/internal/twice"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/queue"
	"github.com/goaltrack/goaltrack/rule"
)

// emit makes the event of a goal that fired and offers it to the queue.
func (tr *tracked) emit(g *rule.Cause, data Data, reserved places) fate {
	if g.Ends() && !tr.watched.Dry() {
		tr.forgetLocked()
	}
	if f := tr.mayEmitLocked(g); f != fired {
		return f
	}
	var e cdp.Event
	if f := tr.eventOfLocked(&e, g, data, tr.t.ledger.note); f != fired {
		return f
	}
	tr.facts.Sent(&e)
	identity, f := tr.identityOf(g, data, &e)
	if f != fired {
		return f
	}
	tr.watched.Sends(g, tr.told.id, tr.site.CDP, identity, &e, events.Connected(g, &e))
	if tr.watched.Dry() {
		return fatePreview
	}
	claim, f := tr.claimLocked(twinOf(g, &e, tr.path), 0)
	if f != fired {
		return f
	}
	if f = tr.t.enqueue(context.Background(), tr.guest(), g, parcel{&e, identity}, tr.awaits(), reserved); f != fired {
		claim.Withdraw()
	}
	return f
}

// emitIdentity offers an identity of the handler's to the queue.
func (tr *tracked) emitIdentity(e *cdp.Event) fate {
	f, _ := tr.entry.admits(rule.Identity)
	if f == fired {
		f = tr.mayEmitLocked(rule.Identity)
	}
	if f != fired {
		return f
	}
	events.Place(e, &tr.x, tr.pageLocked(rule.Identity), tr.site.says, tr.site.CDP)
	tr.watched.Sends(rule.Identity, tr.told.id, tr.site.CDP, e)
	if tr.watched.Dry() {
		return fatePreview
	}
	return tr.t.enqueue(context.Background(), tr.guest(), rule.Identity, parcel{event: e}, tr.awaits(), places{})
}

// identityOf makes the IDENTITY that goes before a goal; see site.identityOf.
func (tr *tracked) identityOf(g *rule.Cause, data Data, e *cdp.Event) (*cdp.Event, fate) {
	return tr.site.identityOf(g, tr.exchangeFor(data), e, tr.t.ledger.note)
}

// exchangeFor is what the sources of a goal read: for one raised in code, its
// data beside what the handler set.
func (tr *tracked) exchangeFor(data Data) *rule.Exchange {
	if len(data) == 0 {
		return &tr.x
	}
	return tr.x.With(data)
}

// eventOfLocked makes the event of a goal in e, since events are large to copy.
func (tr *tracked) eventOfLocked(e *cdp.Event, g *rule.Cause, data Data, note func(string)) fate {
	if tr.told.recognised {
		tr.x.CameFrom(g, tr.visitLocked)
	}
	f := tr.site.eventOf(e, g, tr.exchangeFor(data), tr.pageLocked(g), note)
	if f != fired || e.Type != rule.View.Name() {
		return f
	}
	id, f := tr.variantLocked()
	if id != "" {
		e.Ext = append(e.Ext, cdp.Attr{Name: variantAttribute, Value: id})
	}
	return f
}

// mayEmitLocked refuses events that could only be sent by making a guest where none
// may be made: one for each page view of a browser that keeps no cookie.
func (tr *tracked) mayEmitLocked(g *rule.Cause) fate {
	create := tr.t.creates()
	switch {
	case tr.told.id != "", tr.told.assumed:
		return fired
	case tr.told.cookieless && tr.isDry():
		return fired // nobody is answered here, and so nobody is told from anybody
	case tr.told.cookieless:
		return fateNoBrowserID // each call would make another guest
	case g.IsDraft():
		return fired // decided as if it were sent
	case create == CreateNever, tr.status >= http.StatusBadRequest:
		return fateNoBrowserID
	case tr.stranger && !g.Terms().CountsBots:
		return fateNotABrowser
	case tr.told.unkept != allowed:
		return tr.told.unkept
	case g == rule.View && (create == CreateGoal || tr.store == caching.Public):
		return fateNoBrowserID
	}
	return fired
}

// twinOf is what an event of a goal tells that a script may tell as well.
func twinOf(g *rule.Cause, e *cdp.Event, path string) twice.Thing {
	if g.IsDraft() {
		return twice.Thing{}
	}
	return twice.Of(e, path)
}

// claimLocked says that the server tells something that happened so long ago, unless a script has
// told it meanwhile.
func (tr *tracked) claimLocked(thing twice.Thing, ago time.Duration) (twice.Claim, fate) {
	twins, id := tr.t.relaying.twins.Load(), tr.told.id
	if twins == nil || id == "" || thing.Kind() == "" {
		return twice.Claim{}, fired
	}
	c, ok := twins.Tell(twice.Server, thing, ago, tr.whoLocked(), tr.site.Name, id)
	return c, tr.t.fateOfTwin(thing, ok)
}

// fateOfTwin is the fate of what one of the two tells. That the other one has told it is said
// once.
func (t *Tracker) fateOfTwin(thing twice.Thing, ok bool) fate {
	switch {
	case ok:
		return fired
	case thing.Kind() == twice.Form:
		if !t.relaying.form.Swap(true) {
			t.config.Logger.Warn("goaltrack: a form is told by a goal and by a script through the relay, and one of two is dropped (form_twice): take the form's event out of the script, or sends: FORM out of the goal")
		}
		return fateFormTwice
	}
	if !t.relaying.view.Swap(true) {
		t.config.Logger.Warn("goaltrack: page views come from the server and from a script through the relay, and one of two is dropped (view_twice): set Views to off, or take the page view out of the script")
	}
	return fateViewTwice
}

// requestKey begins the key of events whose visitor has no browser ID yet.
const requestKey = "request-"

// keyLocked orders the visitor's events: by their ID, or by the request as long
// as they have none. It is a text of its own, because an event may wait for long
// and would otherwise keep the whole Cookie header in memory.
func (tl *told) keyLocked() string {
	switch {
	case tl.id != "" && tl.orderKey != tl.id:
		tl.orderKey = strings.Clone(tl.id)
	case tl.orderKey == "":
		tl.orderKey = requestKey + strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // Only has to differ.
	}
	return tl.orderKey
}

// places are those kept in the queue for an event, the IDENTITY before it, and what a
// connector counts behind it.
type places struct{ event, identity, connected *deliver.Place }

func (p places) giveBack() {
	p.event.Release()
	p.identity.Release()
	p.connected.Release()
}

// guest is the visitor whose event it is, as the CDP and the queue know them.
type guest struct {
	site      *site
	id        string // the browser ID, "" while there is none
	key       string // orders the events; see told.keyLocked
	network   uint64 // that the visitor comes from; see Tracker.network
	userAgent string
	rules     string    // the fingerprint of those by which the event is sent
	at        time.Time // when it happened; zero is now
}

// parcel is what a goal sends: its event, and the IDENTITY before it if there is
// one.
type parcel struct{ event, identity *cdp.Event }

// guest is the visitor of the request. It takes the lock, as a goroutine of the handler may
// still ask for the key ([tracked.resume]).
func (tr *tracked) guest() guest {
	tl := &tr.told
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return guest{
		site: tr.site, id: tl.id, key: tl.keyLocked(), network: tr.networkLocked(),
		userAgent: tr.entry.userAgent, rules: tr.rules.Hash(), at: tr.now(),
	}
}

// enqueue encodes a parcel and offers it to the queue, all events or none. With
// a, if that is not nil, their fate can be waited for.
func (t *Tracker) enqueue(ctx context.Context, of guest, g *rule.Cause, p parcel, a *deliver.Awaited, reserved places) fate {
	items, f := t.items(of, g, p)
	switch {
	case f != fired:
		return f
	case g.IsDraft():
		return fateDraft
	}
	rest := items
	if p.identity != nil {
		rest[0].Room, rest = reserved.identity.Room(), rest[1:]
	}
	rest[0].Room = reserved.event.Room()
	if len(rest) > 1 {
		rest[1].Room = reserved.connected.Room()
	}
	return t.offer(ctx, items, of.key, of.network, a)
}

// items encodes a parcel, and what a connector counts behind it. If BeforeSend refuses
// only the latter, the goal is sent without.
func (t *Tracker) items(of guest, g *rule.Cause, p parcel) ([]queue.Item, fate) {
	connected := events.Connected(g, p.event)
	items, f := t.itemsOf(&of, g, p)
	if connected == nil || f != fired {
		return items, f
	}
	var last queue.Item
	if f = t.item(&last, &of, g, connected); f == fateBeforeSend {
		return items, fired
	}
	return append(items, last), f
}

// itemsOf encodes a parcel.
func (t *Tracker) itemsOf(of *guest, g *rule.Cause, p parcel) ([]queue.Item, fate) {
	if of.at.IsZero() {
		of.at = time.Now()
	}
	if p.identity == nil {
		items := make([]queue.Item, 1)
		return items, t.item(&items[0], of, g, p.event)
	}
	items := make([]queue.Item, 2)
	if f := t.item(&items[1], of, g, p.event); f != fired {
		return nil, f
	}
	f := t.item(&items[0], of, g, p.identity)
	items[0].Priority = queue.High
	return items, f
}

// item encodes one event for the queue, in to.
func (t *Tracker) item(to *queue.Item, of *guest, g *rule.Cause, e *cdp.Event) (f fate) {
	e.BrowserID, e.RequestedAt = of.id, of.at
	if t.config.BeforeSend != nil {
		if f = t.beforeSend(e); f != fired {
			return f
		}
	}
	to.Body, f = of.site.encode(e, g, of.userAgent, &t.config, of.rules)
	to.Priority, to.Time = priorityOf(g), of.at
	return f
}

// beforeSend lets the configuration look at the event, and checks what it made
// of it. The function gets a copy, so that an event of a tracker without one
// need not be on the heap.
func (t *Tracker) beforeSend(e *cdp.Event) (f fate) {
	defer t.recovered("BeforeSend", func() { f = fateBeforeSend })
	seen := *e
	if !t.config.BeforeSend(&seen) {
		return fateBeforeSend
	}
	if *e = seen; e.Validate() != nil {
		return fateEventInvalid
	}
	return fired
}

// priorityOf: page visits are refused first when the queue fills, goals with a
// value last.
func priorityOf(g *rule.Cause) queue.Priority {
	switch {
	case g.IsWorthMost():
		return queue.High
	case g.IsPage():
		return queue.Low
	}
	return queue.Normal
}

// visitLocked is the visitor's visit as it is now: what they did, and where they came from.
func (tr *tracked) visitLocked() *visit.Visit { return tr.pastLocked().open(time.Now()) }

// eventOf makes the CDP's event of what a goal sends in e. What it lacks is noted.
func (s *site) eventOf(e *cdp.Event, g *rule.Cause, x *rule.Exchange, page string, note func(string)) fate {
	switch r, valid := events.Of(e, g, x, page, s.says, note); {
	case r != rule.Fires:
		return fateOf(r)
	case !valid:
		return fateEventInvalid
	}
	return fired
}

// identityOf makes the IDENTITY that goes before e, the event of a goal; nil if there is
// none.
func (s *site) identityOf(g *rule.Cause, x *rule.Exchange, e *cdp.Event, note func(string)) (*cdp.Event, fate) {
	identity, ok := events.IdentityOf(g, x, e, s.CDP, note)
	if !ok {
		return nil, fateNoIdentity
	}
	return identity, fired
}

// encode writes the event and its envelope in one piece. The result is the
// caller's.
func (s *site) encode(e *cdp.Event, g *rule.Cause, userAgent string, c *Config, rulesHash string) ([]byte, fate) {
	noExt := s.DataModel == dataModel20
	if noExt {
		e.Ext = nil
	} else if c.RulesHash && rulesHash != "" && g != rule.View && g != rule.Identity {
		e.Ext = append(e.Ext, cdp.Attr{Name: ext.GoalConfig, Value: rulesHash})
	}
	var buf [1 << 10]byte // room for most
	head := deliver.Envelope{Site: s.Name, Goal: g.Name(), UserAgent: web.CutUserAgent(userAgent), HasExt: len(e.Ext) > 0 || !c.NoEventID && !noExt}
	head.DropLate, head.DropStale, head.Private = g.Marks(e.Type)
	head.Private = head.Private || len(e.Fields) > 0 // as BeforeSend may have written
	out := head.AppendHead(buf[:0])
	start := len(out)
	out = e.AppendJSON(out, s.CDP)
	if !c.NoEventID && !noExt {
		out = ext.AppendEventID(out, len(e.Ext) > 0)
	}
	if len(out)-start > events.Most {
		return nil, fateEventInvalid
	}
	return append([]byte(nil), out...), fired
}
