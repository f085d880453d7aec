package goaltrack

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/rule"
)

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
// visitor whose cookie the request has. That is so on any other request, after
// the handler returned, and from the ninth call in one request on. A visitor
// who may not be counted is not identified, as in [Tracker.Trigger]. The ledger
// counts it under the name IDENTITY.
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
	return t.now("Identify", r, tr, rule.Identity, func(tr *tracked) fate { return tr.identify(&e) })
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

// identify offers an identity of the handler's to the queue.
func (tr *tracked) identify(e *cdp.Event) fate {
	f, _ := tr.entry.admits(rule.Identity)
	if f == fired {
		f = tr.mayEmitLocked(rule.Identity)
	}
	if f != fired {
		return f
	}
	sent, _ := rule.Identity.Event(&tr.x, tr.site.base(tr.pageLocked(rule.Identity)))
	events.SetBase(e, sent.Base)
	events.BirthDate(e, tr.site.CDP)
	tr.watched.Sends(rule.Identity, tr.told.id, tr.site.CDP, e)
	if tr.watched.Dry() {
		return fatePreview
	}
	return tr.t.enqueue(context.Background(), tr.guest(), rule.Identity, parcel{event: e}, tr.awaits(), rooms{})
}
