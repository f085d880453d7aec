package goaltrack

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/rule"
)

// The errors of the methods that handlers call. Test for them with errors.Is.
var (
	// ErrUnknownGoal: no rule has that name, or the rule's trigger is not the
	// one that the call needs.
	ErrUnknownGoal = errors.New("goaltrack: unknown goal")
	// ErrInvalid: the CDP would refuse the values given.
	ErrInvalid = errors.New("goaltrack: invalid")
	// ErrClosed: the tracker is closed. Trigger and Send return it together
	// with ErrRefused, Flush returns it alone.
	ErrClosed = deliver.ErrClosed
	// ErrRefused: the event was not queued; the error says why. If the queue did
	// not take it, the error is also one of package queue, such as
	// [queue.ErrFull].
	ErrRefused = errors.New("goaltrack: not queued")
)

// Data are attributes of an event. Names consist of letters and digits; values
// are texts, numbers or booleans. The Tracker copies a Data that it gets.
type Data map[string]any

// raised is a goal raised by the handler, to be sent when it has returned.
type raised struct {
	cause  *rule.Cause
	data   Data
	ruling ruling
}

// Trigger raises a goal whose rule says code: true. Its data becomes attributes
// of the event, beside those that the rule names. In the rule, $app.x is the
// value of the name x; what fields: reads may be a list or a time. If the rule
// sends a standard event of Sitecore's and has no fields:, the whole event is the
// value of the name "event". It is a [cdp.Event] of that type, as the builders of
// package cdp make. Its maps and lists may not be changed any more.
//
// Within a request that the Tracker follows, the event is sent when the handler
// has returned normally; a panic takes it back. Otherwise it is sent at once,
// for the visitor whose cookie the request has: on any other request, after the
// handler returned, and from the 65th goal of one request on. If the visitor
// may not be counted, nothing is sent, and the ledger says why.
//
// The error is ErrUnknownGoal, ErrInvalid, or ErrRefused if the event is sent
// at once and not queued. It is no error that a limit of the rule, count: or the
// visitor's choice keeps the goal from counting. Without an error the goal was
// taken in, which does not mean that it was delivered.
func (t *Tracker) Trigger(r *http.Request, goal string, data Data) error {
	tr := t.trackedOf(r)
	g, err := raisedGoal(t.rulesOf(tr), goal, data)
	if err != nil {
		return err
	}
	data = maps.Clone(data)
	if tr != nil && tr.told.raise(g, data) {
		return nil
	}
	return t.triggerNow(r, tr, g, data)
}

// rulesOf returns the rules a request began with, which may have been replaced
// since.
func (t *Tracker) rulesOf(tr *tracked) *Rules {
	if tr != nil {
		return tr.rules
	}
	return t.rules.Load()
}

// raise keeps the goal until the handler returns. It reports false if it has
// returned already. More than maxRaised of one request are sent at once.
func (tl *told) raise(g *rule.Cause, data Data) bool {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	said := tl.handlerLocked()
	if said == nil || len(said.raised) == maxRaised {
		return false
	}
	said.raised = append(said.raised, raised{cause: g, data: data})
	return true
}

const maxRaised = 64

// triggerNow sends a goal for a request that is not followed, or not any more.
func (t *Tracker) triggerNow(r *http.Request, earlier *tracked, g *rule.Cause, data Data) error {
	return t.atOnce("Trigger", r, earlier, g, func(tr *tracked) fate {
		f, waits := tr.judgeRaisedLocked(g, data)
		if f == fired {
			f = tr.send(g, data, new(ruling), waits)
			tr.pastLocked().end(time.Now())
		}
		return f
	})
}

// afterPanic is what a caller is told of a panic of goaltrack's or of a configured function.
const afterPanic = "goaltrack recovered from a panic; see the log"

// atOnce decides something that a handler asks for on a request that is not followed,
// or not any more: there is nothing to wait for. earlier is nil, or what followed the
// request. send decides and sends.
func (t *Tracker) atOnce(what string, r *http.Request, earlier *tracked, g *rule.Cause, send func(*tracked) fate) (err error) {
	defer t.recovered(what, func() { err = fmt.Errorf("%w: %s", ErrRefused, afterPanic) })
	path := t.path(r)
	s := t.siteOf(t.host(r), path)
	if earlier != nil && earlier.site != nil {
		s, path = earlier.site, earlier.path
	}
	if s == nil {
		return fmt.Errorf("%w: no site serves %s%s", ErrRefused, r.Host, path)
	}
	tr := t.track(s, r, path, t.rulesOf(earlier))
	if earlier != nil {
		tr.resume(earlier)
		tr.watched = earlier.watched.Another()
	} else {
		e := t.gate(r, path)
		tr.watched = t.watch(e.cookies)
		tr.admit(r, &e)
		tr.told.cookieless = true
	}
	f := send(tr)
	t.await(context.Background(), tr.awaited)
	tr.decide(g, f, "")
	tr.showWatched()
	return refused(f)
}

// resume takes over what is known of the visitor, so that an ID made for them in
// this request stays their only one.
func (tr *tracked) resume(earlier *tracked) {
	tr.entry, tr.unasked, tr.withheld = earlier.entry, earlier.unasked, earlier.withheld
	own, old := &tr.told, &earlier.told
	old.mu.Lock()
	defer old.mu.Unlock()
	own.cookieless = old.cookieless
	tr.stranger = earlier.stranger
	if earlier.site == nil {
		return // the gate let nothing of it through, and nothing was kept
	}
	own.orderKey = old.keyLocked()
	own.id, own.recognised, own.brought, own.unkept = old.id, old.recognised, old.brought, old.unkept
	said := old.saidLocked()
	own.seldomLocked().rejected = slices.Clone(said.rejected)
	tr.x.Set(maps.Clone(said.app))
}

// maxIdentities is how many identities a request keeps until its handler has
// returned.
const maxIdentities = 8

// Identify tells the CDP who the visitor is, with an IDENTITY event. Call it
// when the application has just made sure of that, such as after a log-in. By
// the tenant's identity rules, the CDP joins the visits of this browser with
// what it knows of the person. This cannot be undone: never identify by what a
// visitor merely typed.
//
// Within a request that the Tracker follows, the event is sent when the handler
// has returned normally. It goes before the goals of the request, in the order
// of the calls; a panic takes it back. Otherwise it is sent at once, for the
// visitor whose cookie the request has: on any other request, after the handler
// returned, and from the ninth call in one request on. A visitor who may not be
// counted is not identified, as in [Tracker.Trigger]. The ledger counts it
// under the name IDENTITY.
//
// who is copied. Its e-mail address is sent trimmed and in lower case, also
// where it is an identifier. The gender is sent in lower case and the country
// in upper case. The date of birth may be given as YYYY-MM-DD or
// YYYY-MM-DDThh:mm. It is sent as the site's API has it: without a time for a
// [cdp.Edge] with ContextHeader, with one for any other Edge and for a
// [cdp.Direct].
//
// The error is ErrInvalid, with everything that is wrong, or ErrRefused if the
// event is sent at once and not queued. Without an error the identity was taken
// in, which does not mean that it was delivered.
func (t *Tracker) Identify(r *http.Request, who cdp.Identity) error {
	e := events.Tidied(who).Event()
	if err := checkIdentityEvent(&e); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	tr := t.trackedOf(r)
	if tr != nil && tr.told.identify(e) {
		return nil
	}
	return t.atOnce("Identify", r, tr, rule.Identity, func(tr *tracked) fate { return tr.emitIdentity(&e) })
}

func checkIdentityEvent(e *cdp.Event) error {
	for _, a := range e.Ext {
		if slices.Contains(ext.Reserved, a.Name) {
			return fmt.Errorf("%s is sent by goaltrack itself", a.Name)
		}
	}
	if len(e.Ext) > ext.Max {
		return fmt.Errorf("%d attributes are more than %d", len(e.Ext), ext.Max)
	}
	return e.Validate()
}

// identify keeps an identity until the handler returns. It reports false if the
// handler has, or if there are too many.
func (tl *told) identify(e cdp.Event) bool {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	said := tl.handlerLocked()
	if said == nil || len(said.identities) == maxIdentities {
		return false
	}
	said.identities = append(said.identities, e)
	return true
}

// Visitor says for whom [Tracker.Send] sends a goal when there is no request of
// theirs: in a webhook of a payment provider, or a nightly job.
type Visitor struct {
	// BrowserID is the visitor's ID, kept from [Tracker.BrowserID] during an
	// earlier request. Required.
	BrowserID string
	// Site is the name of the site. Required if the Tracker has several sites.
	Site string
	// UserAgent is the visitor's, if it was kept. Default: goaltrack's own.
	UserAgent string
}

// Send sends a goal whose rule says code: true for a visitor who is not there.
// All limits of the rule apply except hosts:, because there is no host. A goal
// that its limits keep from counting, or a draft, is not an error. identify:
// and order: apply, with the values in data. The caller has to know whether the
// visitor may be counted.
//
// ctx bounds the wait of a queue that writes to disk; the default queue never
// waits. With Delivery.Wait, Send then waits for the delivery, until ctx ends at
// the latest. The error is ErrUnknownGoal, ErrInvalid, ErrRefused or that of ctx.
func (t *Tracker) Send(ctx context.Context, v Visitor, goal string, data Data) (err error) {
	defer t.recovered("Send", func() { err = fmt.Errorf("%w: %s", ErrRefused, afterPanic) })
	rules := t.rules.Load()
	g, err := raisedGoal(rules, goal, data)
	if err != nil {
		return err
	}
	if !cdp.ValidBrowserID(v.BrowserID) {
		return fmt.Errorf("%w: the browser ID is not one the CDP makes", ErrInvalid)
	}
	s := t.sites[0]
	if i := slices.IndexFunc(t.sites, func(s *site) bool { return s.Name == v.Site }); i >= 0 {
		s = t.sites[i]
	} else if v.Site != "" || len(t.sites) > 1 {
		return fmt.Errorf("%w: %s", ErrInvalid, t.whichSite(v.Site))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	x := new(rule.Exchange).With(data)
	f := fateOf(g.JudgeRaised(x, t.config.Env))
	var e cdp.Event
	var identity *cdp.Event
	if f == fired && g.Ends() {
		s.forget(v.BrowserID)
	}
	if f == fired {
		f = s.eventOf(&e, g, x, "", t.ledger.note)
	}
	if f == fired {
		identity, f = s.identityOf(g, x, &e, t.ledger.note)
	}
	if f == fired {
		of := guest{site: s, id: v.BrowserID, key: v.BrowserID, network: deliver.OfTheSite, userAgent: v.UserAgent, rules: rules.Hash()}
		a, p := t.awaits(), past{t: t, site: s, id: v.BrowserID, needs: rules.Past(), maybe: true}
		f = p.send(g, x, func() fate {
			return t.enqueue(ctx, of, g, parcel{&e, identity}, a, places{})
		})
		t.await(ctx, a)
	}
	t.ledger.decide(time.Now(), g.Name(), f, v.BrowserID, "")
	if s.facts.Sink != nil {
		s.facts.Raised(g.Name(), f.String(), v.BrowserID, &e)
	}
	if f == fateTimedOut { // ctx ended while the queue had to wait
		return ctx.Err()
	}
	return refused(f)
}

// whichSite says of the name of a site, which is that of none, what it may be.
func (t *Tracker) whichSite(name string) string {
	names := make([]string, len(t.sites))
	for i, s := range t.sites {
		names[i] = s.Name
	}
	are := "the sites are " + strings.Join(names, ", ")
	if name == "" {
		return "Visitor.Site is needed: " + are
	}
	return fmt.Sprintf("Visitor.Site: no site is named %q; %s", name, are)
}

// raisedGoal finds a goal that may be raised in code and checks its data.
func raisedGoal(rules *Rules, name string, data Data) (*rule.Cause, error) {
	g, err := rules.Raised(name, data)
	switch {
	case g == nil:
		return nil, fmt.Errorf("%w: %w", ErrUnknownGoal, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return g, nil
}

// Confirm says that the application accepted the form of a submit goal,
// whatever the answer looks like. It is the only success of a rule that says
// success: confirmed. The rule's if: and unless: must still hold. Call it
// before the handler returns. Later, and on a request that the Tracker does not
// follow, it does nothing. The error is ErrUnknownGoal.
func (t *Tracker) Confirm(r *http.Request, goal string) error {
	return t.overrule(r, goal, func(s *said) *[]string { return &s.confirmed })
}

// Reject says that a goal does not count in this request, whatever the answer
// looks like. It wins over Confirm. The rest is as in [Tracker.Confirm].
func (t *Tracker) Reject(r *http.Request, goal string) error {
	return t.overrule(r, goal, func(s *said) *[]string { return &s.rejected })
}

func (t *Tracker) overrule(r *http.Request, goal string, list func(*said) *[]string) error {
	tr := t.trackedOf(r)
	if !t.rulesOf(tr).Has(goal) {
		return fmt.Errorf("%w: %s", ErrUnknownGoal, goal)
	}
	if tr != nil {
		tr.told.overrule(goal, list)
	}
	return nil
}

// overrule adds a goal to one of the lists of what the handler said.
func (tl *told) overrule(goal string, list func(*said) *[]string) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	if said := tl.handlerLocked(); said != nil {
		if l := list(said); !slices.Contains(*l, goal) {
			*l = append(*l, goal)
		}
	}
}

// Set gives the rules of this request a value that only the application knows.
// Rules read it as $app.key. The value is a text, a number or a boolean. For an
// order: it may be a []cdp.OrderItem; for fields: it may be a time, or a list
// ([]string, []any or []map[string]any). A list is copied. A request has room for 44
// keys; Set ignores further ones. Call it before the handler returns. Later,
// and on a request that the Tracker does not follow, it does nothing. The error
// is ErrInvalid.
func (t *Tracker) Set(r *http.Request, key string, value any) error {
	if list, ok := ext.List(value); ok && key != "" {
		value = list
	} else if err := (&cdp.Event{Type: "A", Ext: cdp.Ext{{Name: key, Value: value}}}).Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if tr := t.trackedOf(r); tr != nil {
		tr.told.set(key, value)
	}
	return nil
}

// set keeps a value for the rules.
func (tl *told) set(key string, value any) {
	tl.mu.Lock()
	defer tl.mu.Unlock()
	said := tl.handlerLocked()
	if said == nil || len(said.app) >= ext.Max && said.app[key] == nil {
		return
	}
	if said.app == nil {
		said.app = make(map[string]any)
	}
	said.app[key] = value
}
