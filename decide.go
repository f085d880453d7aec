package goaltrack

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
)

// BeforeHeader is the moment of truth: status and Location are known, and
// cookies can still be set. It implements [tap.Hook].
func (tr *tracked) BeforeHeader(status int) {
	defer tr.t.recovered("header", func() {})
	h := tr.rec.Header()
	tr.x.status = status
	tr.x.responseHeader = h
	tr.x.location, _ = web.First(h["Location"])
	tr.x.contentType, _ = web.First(h["Content-Type"])
	tr.x.typeKnown = tr.x.contentType != ""
	tr.keepAnswer(h)
	if tr.needsRoute() {
		tr.x.route = routeOf(tr.inner).text(tr.x.wholePath())
	}
	if !tr.x.typeKnown && tr.awaitsType() {
		if tr.rules.past.used && tr.rec.BeginsAsHTML() {
			// Known now, a visit can still be counted in the cookie.
			tr.x.contentType, tr.x.typeKnown = "text/html", true
		} else {
			tr.rec.Sniff()
		}
	}
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.x.app = tr.app
	tr.committed = true
	if tr.releases || !tr.recognised && tr.mayFire(true) {
		tr.recogniseLate()
	}
	if tr.t.config.DryRun {
		tr.release()
		return
	}
	tr.setCookies(h)
	tr.release()
	tr.keepVisit(h)
	tr.dropVisit(h)
}

// awaitsType reports whether a candidate depends on the answer's Content-Type.
func (tr *tracked) awaitsType() bool {
	for _, c := range tr.candidates {
		if c.early != fired {
			continue
		}
		if k := c.trigger.kind; k == triggerVisit || k == triggerView || c.trigger.goal.needs.answerType {
			return true
		}
	}
	return false
}

// needsRoute reports whether a candidate has a condition on the route.
func (tr *tracked) needsRoute() bool {
	return slices.ContainsFunc(tr.candidates, func(c candidate) bool {
		return c.early == fired && c.trigger.goal != nil && c.trigger.goal.needs.route
	})
}

// keepAnswer keeps the header, and asks for the body if it may be JSON, for
// goals that look at them after the handler has returned.
func (tr *tracked) keepAnswer(h http.Header) {
	header, body := false, false
	for _, c := range tr.candidates {
		if g := c.trigger.goal; g != nil && c.early == fired {
			header = header || g.needs.answerHeader
			body = body || g.needs.answerJSON
		}
	}
	if header {
		tr.x.responseHeader = h.Clone()
	}
	if body {
		tr.x.answer = new(scan.Answer)
		tr.rec.Keep(tr.x.answer.Expect(tr.x.status, h))
	}
}

// peekForm reads the form as soon as the handler has, which it usually has by
// the time it answers.
func (tr *tracked) peekForm() {
	if tr.x.formFate != pending {
		return
	}
	if body, ok := tr.tee.Snapshot(); ok && tr.tee.Started() {
		tr.readForm(body)
	}
}

// judge decides on one candidate with what is known so far. open says that more
// has to be known first; the fate is then that of one who never learns it.
func (tr *tracked) judge(c *candidate) (f fate, open bool) {
	if c.early != fired {
		return c.early, false
	}
	g := c.trigger.goal
	switch {
	case g == nil:
		tr.x.confirmed = false
	case slices.Contains(tr.rejected, g.Name):
		return fateRejected, false
	default:
		tr.x.confirmed = slices.Contains(tr.confirmed, g.Name)
	}
	r := c.trigger.judgeLate(&tr.x, tr.rules.failure)
	return fateOf(r), r == pending
}

// conclude decides, after the handler returned normally, and hands the events
// over. It must not wait: the client may not have its answer yet.
func (tr *tracked) conclude() {
	defer tr.t.recovered("conclusion", func() {})
	switch err := tr.r.Context().Err(); {
	case errors.Is(err, context.DeadlineExceeded):
		tr.end(fateTimedOut) // an http.TimeoutHandler around us has answered in our place
		return
	case tr.rec.Hijacked():
		tr.endAnswered(fateHijacked)
		return
	}
	if !tr.x.typeKnown {
		tr.x.contentType, tr.x.typeKnown = tr.rec.ContentType(), true
	}
	if tr.x.formFate == pending && tr.tee.Started() {
		body, fate := tr.tee.Seal()
		if tr.x.formFate = formFates[fate]; tr.x.formFate == fires {
			tr.readForm(body)
		}
	}
	tr.x.bodied = tr.rec.HasBody()
	tr.x.answer.End()
	tr.endAnswered(fired)
}

// settle lets the handler's goroutines change nothing from here on.
func (tr *tracked) settle() {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.ended = true
	tr.x.app = tr.app
	if tr.route == (route{}) && len(tr.candidates)+len(tr.raised) > 0 {
		tr.route = routeOf(tr.inner)
	}
	tr.x.route = tr.route.text(tr.x.wholePath())
}

// end gives every candidate the same fate, but for those that have one already;
// what the handler raised is dropped.
func (tr *tracked) end(f fate) {
	defer tr.t.recovered("end", func() {})
	tr.mu.Lock()
	tr.ended = true
	tr.mu.Unlock()
	for i := range tr.candidates {
		c := &tr.candidates[i]
		tr.x.failed = c.failed
		switch {
		case tr.decidedLater(i):
		case c.early != fired:
			tr.decide(c.trigger, c.early, "")
		default:
			tr.decide(c.trigger, f, "")
		}
	}
	for range tr.identities {
		tr.decide(identityTrigger, f, "")
	}
	for _, raised := range tr.raised {
		tr.decide(&raised.goal.triggers[0], f, "")
	}
	tr.takeBack()
}

// takeBack lets goals count again that were noted with the header of an answer
// that then failed: they were offered to nobody. A cookie that has left stays.
func (tr *tracked) takeBack() {
	now := time.Now()
	for i := range tr.candidates {
		tr.past.undo(tr.candidates[i].ruling.counted, now)
	}
	for i := range tr.raised {
		tr.past.undo(tr.raised[i].ruling.counted, now)
	}
}

// endAnswered settles every candidate, with their own verdict if f is fired,
// and sends what fired.
func (tr *tracked) endAnswered(f fate) {
	tr.settle()
	gone := tr.r.Context().Err() != nil
	for i := range tr.identities {
		verdict := tr.identify(&tr.identities[i])
		tr.decide(identityTrigger, verdict, leftNote(gone, verdict))
	}
	for i := range tr.candidates {
		c := &tr.candidates[i]
		if slices.ContainsFunc(tr.candidates[:i], func(b candidate) bool { return b.counted && c.trigger.sameGoal(b.trigger) }) {
			continue
		}
		tr.x.failed = c.failed
		verdict := f
		if f == fired || c.early != fired {
			verdict, _ = tr.judge(c)
		}
		if f == fired && c.early == fired {
			tr.noteForm(c.trigger, verdict)
		}
		if k := c.trigger.kind; gone && verdict == fired && (k == triggerVisit || k == triggerView) && tr.rulingOf(i).counted == (visit.Counted{}) {
			verdict = fateClientGone // a page nobody saw is no visit, but for one that his visit cookie has as counted
		}
		if verdict == fired {
			c.counted = true
			verdict = tr.send(c.trigger, nil, tr.rulingOf(i), c.held)
		} else if tr.decidedLater(i) {
			continue
		}
		tr.decide(c.trigger, verdict, leftNote(gone, verdict))
	}
	for i := range tr.raised {
		g := &tr.raised[i].goal.triggers[0]
		tr.x.failed = nil
		verdict, held := tr.judgeRaised(g, tr.raised[i].data)
		if verdict == fired {
			verdict = tr.send(g, tr.raised[i].data, &tr.raised[i].ruling, held)
		}
		tr.decide(g, verdict, leftNote(gone, verdict))
	}
	if len(tr.past.happened) > 0 {
		tr.past.end(time.Now())
	}
}

// noteForm counts where the accepted form of a goal led, and says once that a way
// back may not be recognised.
func (tr *tracked) noteForm(g *trigger, verdict fate) {
	if g.kind != triggerSubmit || !web.IsRedirect(tr.x.status) {
		return
	}
	if verdict == fired {
		tr.t.ledger.lead(g.name(), &tr.x)
	}
	if k := g.goal.success.kind; k != successDefault && k != successRedirect {
		return
	}
	if asked, ok := tr.x.askedFor(); ok {
		tr.t.unlike.Do(func() {
			tr.t.config.Logger.Warn("goaltrack: paths are changed before they get here, as http.StripPrefix does, so a way back to a form may not be recognised: set PathPrefix or Path",
				"asked", plainLead(asked), "seen", plainLead(tr.x.path))
		})
	}
}

// judgeRaised decides on a goal that the application raised: the gate, the
// handler's Reject and the rule's own limits and conditions apply to it as to
// any other.
func (tr *tracked) judgeRaised(g *trigger, data Data) (f fate, held bool) {
	switch f, held = g.judgeGate(&tr.entry); {
	case f != fired:
		return f, false
	case slices.Contains(tr.rejected, g.goal.Name):
		return fateRejected, false
	}
	return fateOf(g.judgeRaised(tr.exchangeFor(g, data), tr.t.config.Env)), held
}

// raisedFires reports whether a goal that was raised counts now.
func (tr *tracked) raisedFires(r raised) bool {
	f, held := tr.judgeRaised(&r.goal.triggers[0], r.data)
	return f == fired && !held
}

// decidedLater reports whether another alternative of the same goal follows, so
// that the goal is decided once.
func (tr *tracked) decidedLater(i int) bool {
	g := tr.candidates[i].trigger
	return slices.ContainsFunc(tr.candidates[i+1:], func(c candidate) bool { return g.sameGoal(c.trigger) })
}

// leftNote marks what counted although the client had left: the answer to a
// double click is lost with its request, yet the application did accept the
// form.
func leftNote(gone bool, f fate) string {
	if gone && f == fired {
		return fateClientGone.String()
	}
	return ""
}

func (tr *tracked) decide(g *trigger, f fate, note string) {
	if f == fateHeld {
		return // it was counted when it was put there, since it may have left again
	}
	if f == fired && tr.entry.absent == fateBot {
		note = "bot_counted"
	}
	tr.t.ledger.decide(g.name(), f, tr.id, note)
	if r, ok := f.ofRules(); ok && g.goal != nil && r.isNearMiss() {
		tr.t.ledger.miss(g.name(), tr.x.missed(r))
	}
}
