package rule

import (
	"net/http"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/consent"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Cause is one path and method that makes a goal a candidate: what a live site
// asks about a goal. All of it is read only.
type Cause struct {
	goal   *goal
	kind   causeKind
	method string
	path   urlpath.Template
	form   string // what the form calls itself, "" for any
}

type causeKind uint8

const (
	causeVisit causeKind = iota
	causeSubmit
	causeDownload
	causeCode
	causeScript   // a click or an element seen, which a page script would report
	causeView     // a VIEW event, which no rule names
	causeIdentity // an IDENTITY event from the handler
)

// What counts without a rule: page views, and the identities that handlers tell.
var (
	View     = &Cause{kind: causeView}
	Identity = &Cause{kind: causeIdentity}
)

// Name is that of the goal, or of the event that no rule names.
func (c *Cause) Name() string {
	switch {
	case c.goal != nil:
		return c.goal.Name
	case c.kind == causeIdentity:
		return "IDENTITY"
	}
	return "VIEW"
}

// Label is the goal's name for people.
func (c *Cause) Label() string { return c.goal.Label }

// Paths are those of all alternatives of the goal, as the rule writes them.
func (c *Cause) Paths() []string {
	paths := make([]string, 0, len(c.goal.causes))
	for i := range c.goal.causes {
		paths = append(paths, c.goal.causes[i].path.Text)
	}
	return paths
}

// SameGoal reports whether two causes are alternatives of one goal.
func (c *Cause) SameGoal(other *Cause) bool { return c.goal != nil && c.goal == other.goal }

// IsPage reports whether it happens when a page is shown.
func (c *Cause) IsPage() bool { return c.kind == causeVisit || c.kind == causeView }

// IsDraft reports whether the goal is decided and counted, and not sent.
func (c *Cause) IsDraft() bool { return c.goal != nil && c.goal.Status == statusDraft }

// Ends reports whether the goal ends the visitor's profile when it counts. A draft
// has no effect.
func (c *Cause) Ends() bool { return c.goal != nil && c.goal.ends() }

// IsWorthMost reports whether its event is one to keep when there is room for few:
// it has a value, or says who somebody is.
func (c *Cause) IsWorthMost() bool {
	return c.goal != nil && c.goal.value.set || c.kind == causeIdentity
}

// DropsLate reports whether an event that is late is not sent any more.
func (c *Cause) DropsLate() bool { return c.goal != nil && c.goal.limits.dropLate }

// LacksCurrency reports whether the goal has a value in a currency that only the
// site can say.
func (c *Cause) LacksCurrency() bool {
	return c.goal != nil && c.goal.value.set && c.goal.value.currency == "" && c.goal.Currency == ""
}

// Terms is what the gate has to know of the goal. One whose rule reads cookies
// cannot be held, since it cannot be judged without them, nor a draft, which
// sends nothing, nor one that ends a visitor's profile, which then has none.
func (c *Cause) Terms() consent.Terms {
	if c.goal == nil {
		return consent.Terms{MayWait: true}
	}
	g := c.goal
	return consent.Terms{
		Need:       g.need,
		CountsBots: c.countsBots(),
		MayWait:    !g.needs.cookie && !g.ends() && g.Status != statusDraft,
	}
}

// Past is what the goal asks of a visitor's past.
func (c *Cause) Past() *visit.Goal {
	if c.goal == nil {
		return &noPast
	}
	return &c.goal.past
}

var noPast visit.Goal

// Judge judges the answer, and what had to wait for it. confirmed: the application
// said that it accepted the form. open: it cannot be judged yet; the reason is then
// that of one who never can.
func (c *Cause) Judge(x *Exchange, confirmed bool) (r Reason, open bool) {
	x.confirmed = confirmed
	var pages *failurePages
	if c.goal != nil {
		pages = c.goal.rules.failure
	}
	x.failed, x.refusal, x.unreadWhy = nil, refusal{}, ""
	if r = c.judgeLate(x, pages); r == pending {
		return reasonFormUnread, true
	}
	return r, false
}

// JudgeRaised judges what the rule of a goal raised in code says beside that, in the
// environment env.
func (c *Cause) JudgeRaised(x *Exchange, env string) Reason {
	x.failed = nil
	switch {
	case c.goal.Status == statusPaused:
		return reasonPaused
	case !c.goal.hasEnv(env):
		return reasonOtherEnv
	}
	if r := c.goal.judgeAt(x, time.Time{}); r != Fires {
		return r
	}
	if r := c.judgeConditions(x); r != pending {
		return r
	}
	return reasonFormUnread
}

// Counted is the name under which the goal counts, with the value that
// for $source asks for: the zero value if it counts every time.
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
		return counted, reasonValueMissing
	}
	counted.Hash = hashOfTexts("for", c.goal.pastName(), c.goal.Count, value)
	return counted, Fires
}

// Identity is who the visitor is, as the goal's identify: reads it. ok is false if
// the goal identifies nobody.
func (c *Cause) Identity(x *Exchange) (who cdp.Identity, ok bool) {
	if c.goal == nil || c.goal.identity == nil {
		return who, false
	}
	return c.goal.identity.read(x, c.goal.IdentityProvider), true
}

// Event makes what the goal sends. Values come from x; from is what the site
// says.
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
	return e, c.goal.addData(&e, x)
}

// Page names the page of the event: for a form, the page it was on; otherwise the
// last fixed segment of the path's template, if one is known, so that no ID becomes
// a page; otherwise the last segment of the path. described tells the template of a
// path that a router knows.
func (c *Cause) Page(x *Exchange, described func(path string) string) string {
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

// Unlike reports that the accepted answer of a form could not surely be told from a
// refusal, since what goaltrack sees of the path is not what was asked for.
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
	if x.varNames = c.path.Names; len(x.varNames) > 0 {
		x.vars, _ = c.path.Capture(x.path, x.vars[:0])
	}
	if s := &c.goal.success; s.kind == successRedirectTo {
		s.judge(x, nil)
	}
}
