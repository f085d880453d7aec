package rule

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

// Cause is one path and method that makes a goal a candidate: what a live site
// asks about a goal. All of it is read only.
type Cause struct {
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
	View     = &Cause{kind: triggerView}
	Identity = &Cause{kind: triggerIdentity}
)

// Name is that of the goal, or of the event that no rule names.
func (t *Cause) Name() string {
	switch {
	case t.goal != nil:
		return t.goal.Name
	case t.kind == triggerIdentity:
		return "IDENTITY"
	}
	return "VIEW"
}

// Label is the goal's name for people.
func (t *Cause) Label() string { return t.goal.Label }

// SameGoal reports whether two triggers are alternatives of one goal.
func (t *Cause) SameGoal(other *Cause) bool { return t.goal != nil && t.goal == other.goal }

// IsPage reports whether it happens when a page is shown.
func (t *Cause) IsPage() bool { return t.kind == triggerVisit || t.kind == triggerView }

// IsDraft reports whether the goal is decided and counted, and not sent.
func (t *Cause) IsDraft() bool { return t.goal != nil && t.goal.Status == statusDraft }

// Ends reports whether the goal ends the visitor's profile when it counts. A draft
// has no effect.
func (t *Cause) Ends() bool { return t.goal != nil && t.goal.ends() }

func (g *goal) ends() bool { return g.Forget && g.Status != statusDraft }

// IsWorthMost reports whether its event is one to keep when there is room for few:
// it has a value, or says who somebody is.
func (t *Cause) IsWorthMost() bool {
	return t.goal != nil && t.goal.value.set || t.kind == triggerIdentity
}

// DropsLate reports whether an event that is late is not sent any more.
func (t *Cause) DropsLate() bool { return t.goal != nil && t.goal.limits.dropLate }

// LacksCurrency reports whether the goal has a value in a currency that only the
// site can say.
func (t *Cause) LacksCurrency() bool {
	return t.goal != nil && t.goal.value.set && t.goal.value.currency == "" && t.goal.Currency == ""
}

// Terms is what the gate has to know of the goal. One whose rule reads cookies
// cannot be held, since it cannot be judged without them, nor a draft, which
// sends nothing, nor one that ends a visitor's profile, which then has none.
func (t *Cause) Terms() consent.Terms {
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
func (t *Cause) countsBots() bool { return t.kind == triggerSubmit && t.goal.Bots == "count" }

// Past is what the goal asks of a visitor's past.
func (t *Cause) Past() *visit.Goal {
	if t.goal == nil {
		return &noPast
	}
	return &t.goal.past
}

var noPast visit.Goal

// Judge tests the answer, and what had to wait for it. confirmed: the application
// said that it accepted the form. open: it cannot be judged yet; the reason is then
// that of one who never can.
func (t *Cause) Judge(x *Exchange, confirmed bool) (r Reason, open bool) {
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
func (t *Cause) JudgeRaised(x *Exchange, env string) Reason {
	x.failed = nil
	switch {
	case t.goal.Status == statusPaused:
		return reasonPaused
	case !t.goal.hasEnv(env):
		return reasonOtherEnv
	}
	if f := t.goal.judgeAt(x, time.Time{}); f != Fires {
		return f
	}
	if f := t.judgeConditions(x); f != pending {
		return f
	}
	return reasonFormUnread
}

// Page names the page of the event: for a form, the page it was on; otherwise the
// last fixed segment of the path's template, if one is known, so that no ID becomes
// a page; otherwise the last segment of the path. described tells the template of a
// path that a router knows.
func (t *Cause) Page(x *Exchange, described func(path string) string) string {
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
func (t *Cause) Unlike(x *Exchange) (asked, seen string, unlike bool) {
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
func (t *Cause) capture(x *Exchange) {
	if x.varNames = t.path.Names; len(x.varNames) > 0 {
		x.vars, _ = t.path.Capture(x.path, x.vars[:0])
	}
	if s := &t.goal.success; s.kind == successRedirectTo {
		s.judge(x, nil)
	}
}

// checkData reports what is wrong with data given to a goal raised in code.
func (t *Cause) checkData(data map[string]any) error {
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

// Paths are those of all alternatives of the goal, as the rule writes them.
func (t *Cause) Paths() []string {
	paths := make([]string, 0, len(t.goal.triggers))
	for i := range t.goal.triggers {
		paths = append(paths, t.goal.triggers[i].path.Text)
	}
	return paths
}
