package rule

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/consent"
	"github.com/goaltrack/goaltrack/internal/ext"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Cause is one way in which a goal can happen: its trigger, or one of its alternatives,
// compiled. It is what a live site asks about a goal. [Set.Find], [Set.Goals] and
// [Set.Raised] return causes; the zero value is of no use. A Cause never changes, so that
// any number of goroutines may ask it.
type Cause struct {
	goal   *goal
	kind   causeKind
	method string
	path   urlpath.Template // of what is done in a page, it is on:, without a text for every page
	form   string           // what the form calls itself, "" for any
	act    act              // what is done in a page
}

type causeKind uint8

const (
	causeVisit causeKind = iota
	causeSubmit
	causeDownload
	causeCode

	// What a visitor does in a page; see inPage.
	causeClick
	causeSeen
	causePlayed
	causeStarted
	causeRead
	causeStay

	causeEvent    // an event that one of Sitecore's scripts sends through the relay
	causeView     // a VIEW event, which no rule names
	causeIdentity // an IDENTITY event from the handler
)

// What can happen without a rule. Neither may be assigned to.
var (
	// View is a VIEW event: a page is shown (doc.sitecore.com, "VIEW event").
	View = &Cause{kind: causeView}
	// Identity is an IDENTITY event: the handler tells who the visitor is
	// (doc.sitecore.com, "IDENTITY event").
	Identity = &Cause{kind: causeIdentity}
)

// Name is that of the goal, or VIEW or IDENTITY.
func (c *Cause) Name() string {
	switch {
	case c.goal != nil:
		return c.goal.Name
	case c.kind == causeIdentity:
		return "IDENTITY"
	}
	return "VIEW"
}

// Label is the goal's name for people, "" if it has none. It is for causes of a goal.
func (c *Cause) Label() string {
	if c.goal == nil {
		return ""
	}
	return c.goal.Label
}

// Paths are those of all alternatives of the goal, as the rule writes them, "" for those
// without one. It is for causes of a goal. The list is the caller's.
func (c *Cause) Paths() []string {
	paths := make([]string, 0, len(c.goal.causes))
	for i := range c.goal.causes {
		paths = append(paths, c.goal.causes[i].path.Text)
	}
	return paths
}

// SameGoal reports whether two causes are of one goal.
func (c *Cause) SameGoal(other *Cause) bool { return c.goal != nil && c.goal == other.goal }

// IsPage reports whether it happens when a page is shown: [View], and a visit.
func (c *Cause) IsPage() bool { return c.kind == causeVisit || c.kind == causeView }

// IsDraft reports whether the goal is a draft: decided and counted, and not sent.
func (c *Cause) IsDraft() bool { return c.goal != nil && c.goal.Status == statusDraft }

// Ends reports whether the goal ends the visitor's profile when it counts, as
// [Goal.Forget] says. A draft ends nothing.
func (c *Cause) Ends() bool { return c.goal != nil && c.goal.ends() }

// IsWorthMost reports whether its event is one to keep when there is room for few:
// it has a value, or says who somebody is.
func (c *Cause) IsWorthMost() bool {
	return c.goal != nil && (c.goal.value.set || c.goal.typ == eventWho) || c.kind == causeIdentity
}

// Terms is what the goal asks of consent, and whether it may wait for that. Six kinds
// of goals may not:
//
//   - an identity, which is not kept if it was told before the visitor agreed;
//   - an order, which is nothing without an identity;
//   - what is in a cart, which has its place among other events;
//   - one whose rule reads cookies, and cannot be judged without them;
//   - a draft, which sends nothing;
//   - one that ends the visitor's profile, which would have none later.
func (c *Cause) Terms() consent.Terms {
	if c.goal == nil {
		return consent.Terms{MayWait: c.kind != causeIdentity}
	}
	g := c.goal
	return consent.Terms{
		Need:       g.need,
		CountsBots: c.countsBots(),
		MayWait:    !g.goesBeforeOthers() && !g.needs.cookie && !g.ends() && g.Status != statusDraft,
	}
}

// goesBeforeOthers reports whether the goal's event says who somebody is, or has its place among
// those of an order or a cart.
func (g *goal) goesBeforeOthers() bool {
	return g.order != nil || g.standard != nil && slices.Contains([]string{
		eventWho, eventOrder, eventAdd, eventContacts, eventPeople, eventConfirm, eventPayment, eventCheckout, eventClear,
	}, g.typ)
}

// Past is what the goal asks of a visitor's past: its count: and its after:. Nobody may
// change it.
func (c *Cause) Past() *visit.Goal {
	if c.goal == nil {
		return &noPast
	}
	return &c.goal.past
}

var noPast visit.Goal

// Judge judges the answer, and what had to wait for it: conditions on the answer and on
// the body. It is for causes that [Exchange.Consider] let pass, and may be asked more than
// once. A form is confirmed if the application said that it accepted it; then it counts
// whatever the answer is. The verdict is open if it may change until the handler has
// returned. The reason is then [ReasonFormUnread].
func (c *Cause) Judge(x *Exchange, confirmed bool) (r Reason, open bool) {
	x.at(c)
	x.confirmed = confirmed
	var pages *failurePages
	if c.goal != nil {
		pages = c.goal.rules.failure
	}
	x.failed, x.refusal, x.unreadWhy = nil, nil, ""
	if r = c.judgeLate(x, pages); r == pending {
		return ReasonFormUnread, true
	}
	return r, false
}

// JudgeRaised judges a goal that no request makes happen, in the environment env: its
// status, its times and hosts, its page, and its conditions. It is for causes that
// [Set.Raised], [Set.Reported] and [Set.Relayed] return. What happened in a page is judged
// by an exchange of [Exchange.Telling].
func (c *Cause) JudgeRaised(x *Exchange, env string) Reason {
	x.failed = nil
	switch {
	case c.goal.Status == statusPaused:
		return ReasonPaused
	case !c.goal.hasEnv(env):
		return ReasonOtherEnv
	case c.told() && !c.fitsPage(x.path):
		return ReasonOtherPage
	}
	if r := c.goal.judgeAt(x, time.Time{}); r != Fires {
		return r
	}
	if r := c.judgeConditions(x); r != pending {
		return r
	}
	return ReasonFormUnread
}

// Counted is the name under which the goal counts, with the value that "for $source" asks
// for: the zero value if it counts every time. A day is one in zone, unless the goal has a
// timezone of its own. It is for goals that fired. The reason is [ReasonValueMissing] or
// [ReasonValueTooLong] if there is no such value.
func (c *Cause) Counted(x *Exchange, now time.Time, zone *time.Location) (visit.Counted, Reason) {
	if c.goal == nil {
		return visit.Counted{}, Fires
	}
	counted := c.goal.past.Counted(now, zone)
	if !c.goal.past.Keyed {
		return counted, Fires
	}
	c.capture(x)
	value, r := x.collect(&c.goal.key)
	switch {
	case r != Fires:
		return counted, r
	case value == "":
		return counted, ReasonValueMissing
	}
	counted.Hash = hashOfTexts("for", c.goal.pastName(), c.goal.Count, value)
	return counted, Fires
}

// Identifies reports whether the goal says who the visitor is, by identify:.
func (c *Cause) Identifies() bool { return c.goal != nil && c.goal.identity != nil }

// Identity is who the visitor is, as the goal's identify: reads it. Values that are not
// there are left out, so that it may have no identifier. It is not ok if the goal
// identifies nobody. It is for goals that fired.
func (c *Cause) Identity(x *Exchange) (who cdp.Identity, ok bool) {
	if !c.Identifies() {
		return who, false
	}
	return c.goal.identity.read(x, c.goal.IdentityProvider), true
}

// Event makes what the goal sends. Values are read from x; what the goal does not say is
// taken from what the site says. It is for goals that fired. A value that is missing or
// too long keeps the goal from counting after all: the reason says so, and the event is
// not whole.
func (c *Cause) Event(x *Exchange, from Base) (e Event, r Reason) {
	if c.goal == nil {
		e.Type = c.Name()
		e.Base, _ = c.base(x, from)
		if c == View {
			e.Referrer, e.UTM = x.otherSite(), utmOf(x.rawQuery)
		}
		return e, Fires
	}
	c.capture(x)
	e.Type = c.goal.typ
	if c.goal.order != nil {
		o, r := c.goal.order.read(x, from.Currency)
		if r != Fires {
			return e, r
		}
		e.Order = &o
	}
	if e.Base, r = c.base(x, from); r != Fires {
		return e, r
	}
	if why := c.lacks(x); why != "" {
		e.lack(why)
	}
	if given, ok := x.given(); ok {
		e.take(&given, from)
	}
	if e.Type == eventView && c.IsPage() {
		e.Referrer, e.UTM = x.otherSite(), utmOf(x.rawQuery)
	}
	if r = c.goal.addData(&e, x); r != Fires {
		return e, r
	}
	if c.goal.contact != nil {
		who := c.goal.contact.read(x, c.goal.IdentityProvider)
		e.Contact = &who
	}
	r = c.goal.addFields(&e, x)
	if c.told() {
		e.Ext = append(e.Ext, cdp.Attr{Name: ext.GoalFrom, Value: ext.FromPage})
	}
	return e, r
}

// Page names the page of the event. For a form, that is the page it was on. Otherwise it
// is the last fixed segment of the path's template, if one is known, so that no ID becomes
// a page. Otherwise it is the last segment of the path that does not look like a secret.
// What a router knows is asked of described: the template of a path, or "".
func (c *Cause) Page(x *Exchange, described func(path string) string) string {
	x.at(c)
	if c.kind == causeSubmit || c.kind == causeIdentity && x.method != http.MethodGet {
		if page, ok := submitPage(x); ok {
			return page
		}
	}
	switch {
	case c.path.Last != "":
		return c.path.Last
	case x.wants.described != "":
		return x.wants.described
	}
	if last := urlpath.LastLiteral(described(x.wholePath())); last != "" {
		return last
	}
	return pageName(x.path)
}

// Unlike reports whether the accepted answer of a form could not surely be told from a
// refusal, since what goaltrack sees of the path is not what was asked for. The two paths
// are returned as [Lead.To] has them. It is for goals that fired.
func (c *Cause) Unlike(x *Exchange) (asked, seen string, unlike bool) {
	if c.kind != causeSubmit || !web.IsRedirect(x.status) {
		return "", "", false
	}
	if k := c.goal.success.kind; k != successDefault && k != successRedirect {
		return "", "", false
	}
	asked, unlike = x.askedFor()
	return plainLead(asked), plainLead(x.path), unlike
}

// capture fills in the variables of the goal's templates.
func (c *Cause) capture(x *Exchange) {
	x.at(c)
	if x.vars.of = &c.path; len(c.path.Names) > 0 {
		x.vars.values, _ = c.path.Capture(cmp.Or(x.address().segments, x.path), x.vars.values[:0])
		if x.address().segments != "" {
			for i, v := range x.vars.values {
				x.vars.values[i] = urlpath.PartSlashes(v)
			}
		}
	}
	if s := &c.goal.success; s.kind == successRedirectTo {
		s.judge(x, nil, c.path.Text)
	}
}
