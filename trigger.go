package goaltrack

import (
	"fmt"
	"maps"
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

// trigger is one path and method that makes a goal a candidate: what a live site
// asks about a goal. All of it is read only.
type trigger struct {
	goal   *goal
	kind   triggerKind
	method string
	path   urlpath.Template
	form   string // what the form calls itself, "" for any
}

type triggerKind uint8

const (
	triggerVisit triggerKind = iota
	triggerSubmit
	triggerDownload
	triggerCode
	triggerScript   // a click or an element seen, which a page script would report
	triggerView     // a VIEW event, which no rule names
	triggerIdentity // an IDENTITY event from the handler
)

// What counts without a rule: page views, and the identities that handlers tell.
var (
	viewTrigger     = &trigger{kind: triggerView}
	identityTrigger = &trigger{kind: triggerIdentity}
)

// Name is that of the goal, or of the event that no rule names.
func (t *trigger) Name() string {
	switch {
	case t.goal != nil:
		return t.goal.Name
	case t.kind == triggerIdentity:
		return "IDENTITY"
	}
	return viewType
}

// Label is the goal's name for people.
func (t *trigger) Label() string { return t.goal.Label }

// SameGoal reports whether two triggers are alternatives of one goal.
func (t *trigger) SameGoal(other *trigger) bool { return t.goal != nil && t.goal == other.goal }

// IsPage reports whether it happens when a page is shown.
func (t *trigger) IsPage() bool { return t.kind == triggerVisit || t.kind == triggerView }

// IsDraft reports whether the goal is decided and counted, and not sent.
func (t *trigger) IsDraft() bool { return t.goal != nil && t.goal.Status == statusDraft }

// Ends reports whether the goal ends the visitor's profile when it counts. A draft
// has no effect.
func (t *trigger) Ends() bool { return t.goal != nil && t.goal.ends() }

func (g *goal) ends() bool { return g.Forget && g.Status != statusDraft }

// IsWorthMost reports whether its event is one to keep when there is room for few:
// it has a value, or says who somebody is.
func (t *trigger) IsWorthMost() bool {
	return t.goal != nil && t.goal.value.set || t.kind == triggerIdentity
}

// DropsLate reports whether an event that is late is not sent any more.
func (t *trigger) DropsLate() bool { return t.goal != nil && t.goal.limits.dropLate }

// LacksCurrency reports whether the goal has a value in a currency that only the
// site can say.
func (t *trigger) LacksCurrency() bool {
	return t.goal != nil && t.goal.value.set && t.goal.value.currency == "" && t.goal.Currency == ""
}

// RulesHash is the fingerprint of the file in which the goal stands.
func (t *trigger) RulesHash() string {
	if t.goal == nil {
		return ""
	}
	return t.goal.rules.hash
}

// Terms is what the gate has to know of the goal. One whose rule reads cookies
// cannot be held, since it cannot be judged without them, nor a draft, which
// sends nothing, nor one that ends a visitor's profile, which then has none.
func (t *trigger) Terms() consent.Terms {
	if t.goal == nil {
		return consent.Terms{MayWait: true}
	}
	g := t.goal
	return consent.Terms{
		Need:       g.need,
		CountsBots: t.countsBots(),
		MayWait:    !g.needs.cookie && !g.ends() && g.Status != statusDraft,
	}
}

// countsBots reports whether a form by a suspected bot counts.
func (t *trigger) countsBots() bool { return t.kind == triggerSubmit && t.goal.Bots == "count" }

// Past is what the goal asks of a visitor's past.
func (t *trigger) Past() *visit.Goal {
	if t.goal == nil {
		return &noPast
	}
	return &t.goal.past
}

var noPast visit.Goal

// WantsOrigin reports whether the goal wants to know where the session came from.
func (t *trigger) WantsOrigin() bool { return t.goal != nil && t.goal.needs.origin() }

// Early tests what is known before the handler runs.
func (t *trigger) Early(x *exchange) reason {
	x.failed = nil
	if t.goal == nil {
		return fires
	}
	return t.goal.judgeAt(x, time.Time{})
}

// Judge tests the answer, and what had to wait for it. confirmed: the application
// said that it accepted the form. open: it cannot be judged yet; the reason is then
// that of one who never can.
func (t *trigger) Judge(x *exchange, confirmed bool) (r reason, open bool) {
	x.confirmed = confirmed
	var pages *failurePages
	if t.goal != nil {
		pages = t.goal.rules.failure
	}
	x.failed, x.refusal, x.unreadWhy = nil, refusal{}, ""
	if r = t.judgeLate(x, pages); r == pending {
		return reasonFormUnread, true
	}
	return r, false
}

// JudgeRaised tests what the rule of a goal raised in code says beside that, in the
// environment env.
func (t *trigger) JudgeRaised(x *exchange, env string) reason {
	x.failed = nil
	switch {
	case t.goal.Status == statusPaused:
		return reasonPaused
	case !t.goal.hasEnv(env):
		return reasonOtherEnv
	}
	if f := t.goal.judgeAt(x, time.Time{}); f != fires {
		return f
	}
	return t.judgeConditions(x)
}

// Page names the page of the event: for a form, the page it was on; otherwise the
// last fixed segment of the path's template, if one is known, so that no ID becomes
// a page; otherwise the last segment of the path. described tells the template of a
// path that a router knows.
func (t *trigger) Page(x *exchange, described func(path string) string) string {
	if t.kind == triggerSubmit || t.kind == triggerIdentity && x.method != http.MethodGet {
		if page, ok := submitPage(x); ok {
			return page
		}
	}
	switch {
	case t.path.Last != "":
		return t.path.Last
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
func (t *trigger) Unlike(x *exchange) (asked, seen string, unlike bool) {
	if t.kind != triggerSubmit || !web.IsRedirect(x.status) {
		return "", "", false
	}
	if k := t.goal.success.kind; k != successDefault && k != successRedirect {
		return "", "", false
	}
	asked, unlike = x.askedFor()
	return plainLead(asked), plainLead(x.path), unlike
}

// capture fills in the variables of the goal's templates.
func (t *trigger) capture(x *exchange) {
	if x.varNames = t.path.Names; len(x.varNames) > 0 {
		x.vars, _ = t.path.Capture(x.path, x.vars[:0])
	}
	if s := &t.goal.success; s.kind == successRedirectTo {
		s.judge(x, nil)
	}
}

// checkData reports what is wrong with data given to a goal raised in code.
func (t *trigger) checkData(data map[string]any) error {
	e := cdp.Event{Type: "A", Ext: make(cdp.Ext, 0, len(data))} // what the goal's own type needs comes from its rule
	for _, k := range slices.Sorted(maps.Keys(data)) {
		if slices.Contains(ext.Reserved, k) {
			return fmt.Errorf("%s is sent by goaltrack itself", k)
		}
		e.Ext = append(e.Ext, cdp.Attr{Name: k, Value: data[k]})
	}
	if n := len(data) + len(t.goal.data); n > ext.Max {
		return fmt.Errorf("%d attributes are more than %d", n, ext.Max)
	}
	return e.Validate()
}
