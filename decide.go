package goaltrack

import (
	"net/http"
	"slices"
	"time"

	"github.com/goaltrack/goaltrack/internal/navigation"
	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/rule"
)

// This file decides what becomes of the goals of a request: of some with the header, of
// the rest when the handler has returned. An example:
//
//	rules    PAGE_SEEN: visit /contact; FORM_SENT: submit /contact; CALLED: code: true
//	visitor  has the browser ID 9f..., and agreed to everything
//	request  POST /contact, from a form
//	before   interest makes a candidate of FORM_SENT. The gate lets it through, and
//	         early is allowed. PAGE_SEEN is for GET, and so no candidate.
//	handler  reads the form, calls Trigger(r, "CALLED", nil), and answers 303 to
//	         /thanks.
//	header   BeforeHeader: FORM_SENT is judged by status, Location and the form so far:
//	         it fires, or would if nothing else comes. Cookies are set by that.
//	return   conclude: endTelling ends what handlers may say; endAnswered judges
//	         FORM_SENT for good and sends it, and then CALLED. The ledger has "fired"
//	         for both.
//	or       The handler panics: end gives FORM_SENT and CALLED the fate panicked.
//	or       Confirm, Reject and Set after the header: they still decide the events.
//	         Only the cookies have left.
//
// What always holds:
//
//  1. Every candidate, raised goal and identity gets exactly one fate, by end or by
//     endAnswered. Alternatives of one goal get one together.
//  2. A candidate with an early fate keeps it, however the request ends.
//  3. Nothing of this request is sent before the handler has returned normally. What earlier
//     requests left to wait goes to the queue with the header.
//  4. Once ended is set, handlers change nothing: what they say then is decided for
//     itself, by Tracker.atOnce.
//  5. Identities are decided first, then candidates, then raised goals: the CDP has to
//     know the visitor before it hears what they did.
//  6. A fault of ours here is noted, and harms neither the answer nor a panic on its
//     way.

// routeNow is what a rule's route: condition sees, while the handler runs.
func (tr *tracked) routeNow(path string) string { return routeOf(tr.inner).text(path) }

// peekFormLocked reads the form as soon as the handler has, which it usually has by
// the time it answers.
func (tr *tracked) peekFormLocked() {
	if tr.body == nil || !tr.body.Started() {
		return
	}
	if body, ok := tr.body.Snapshot(); ok {
		tr.x.Body(scan.Complete, body)
	}
}

// restartsLocked reports whether the browser throws the answer away, since it needs a
// client hint. A visitor who has no such hint for a second time counts all the same: some
// browsers never send one.
func (tr *tracked) restartsLocked(h http.Header) bool {
	return navigation.Restarts(tr.r.Header, h) && (tr.told.id == "" || !tr.t.hintless.Has(tr.told.id))
}

// judgeLocked decides on one candidate with what is known so far. open says
// that more has to be known first. The fate is then the one for a request of
// which nothing more becomes known.
func (tr *tracked) judgeLocked(c *candidate) (f fate, open bool) {
	if c.early != allowed {
		return c.early, false
	}
	name := c.cause.Name()
	said := tr.told.saidLocked()
	if slices.Contains(said.rejected, name) {
		return fateRejected, false
	}
	r, open := c.cause.Judge(&tr.x, slices.Contains(said.confirmed, name))
	return fateOf(r), open
}

// sealForm takes the form as the handler has read it, which has returned.
func (tr *tracked) sealForm() {
	if tr.body != nil && tr.body.Started() {
		body, outcome := tr.body.Seal()
		tr.x.Body(outcome, body)
	}
}

// endTelling lets the handler's goroutines change nothing from here on, so that nobody
// needs the lock any more.
func (tr *tracked) endTelling() {
	tr.told.mu.Lock()
	defer tr.told.mu.Unlock()
	tr.told.ended = true
	tr.x.Set(tr.told.saidLocked().app)
	if tr.told.route == (route{}) && (tr.facts != nil || len(tr.candidates)+len(tr.told.saidLocked().raised) > 0) {
		tr.told.route = routeOf(tr.inner)
	}
	tr.x.Ended(tr.told.route.text, tr.rec.HasBody(), tr.unanswered)
}

// end gives every candidate the same fate, but for those that have one already;
// what the handler raised is dropped.
func (tr *tracked) end(f fate) {
	defer tr.t.recovered("end", func() {})
	tr.told.mu.Lock()
	tr.told.ended = true
	tr.told.mu.Unlock()
	tr.takeBack() // before anybody is told that it failed, and does it again
	for i := range tr.candidates {
		c := &tr.candidates[i]
		switch {
		case tr.decidedLater(i):
		case c.early != allowed:
			tr.decideEarly(c, "")
		default:
			tr.decide(c.cause, f, "")
		}
	}
	said := tr.told.saidLocked()
	for range said.identities {
		tr.decide(rule.Identity, f, "")
	}
	for _, raised := range said.raised {
		tr.decide(raised.cause, f, "")
	}
	tr.reportPage(f)
	tr.showWatched()
	if tr.ahead.fetches() {
		tr.ahead.fetch.Forget()
	}
}

// takeBack lets goals count again that were noted with the header of an answer
// that then failed: they were offered to nobody. A cookie that has left stays.
func (tr *tracked) takeBack() {
	s := tr.told.seldom.Load()
	if s == nil {
		return
	}
	now := time.Now()
	for i := range s.rulings {
		s.past.undo(&s.rulings[i], now)
	}
	for i := range s.raised {
		s.past.undo(&s.raised[i].ruling, now)
	}
}

// endAnswered settles every candidate, with their own verdict if f is fired,
// and sends what fired.
func (tr *tracked) endAnswered(f fate) {
	gone := tr.r.Context().Err() != nil
	said := tr.told.saidLocked()
	if len(tr.candidates)+len(said.identities)+len(said.raised) > 0 {
		tr.at = time.Now()
	}
	for i := range said.identities {
		verdict := tr.emitIdentity(&said.identities[i])
		tr.decide(rule.Identity, verdict, leftNote(gone, verdict))
	}
	for i := range tr.candidates {
		c := &tr.candidates[i]
		if slices.ContainsFunc(tr.candidates[:i], func(b candidate) bool { return b.fired && c.cause.SameGoal(b.cause) }) {
			continue
		}
		verdict := f
		if f == fired || c.early != allowed {
			verdict, _ = tr.judgeLocked(c)
		}
		if f == fired && c.early == allowed {
			tr.noteForm(c.cause, verdict)
		}
		if _, ok := verdict.ofRules(); ok && c.waits && tr.ahead.fetches() {
			verdict = fatePrefetch // nobody looks, see refusedEarly
		}
		if gone && verdict == fired && c.cause.IsPage() && !tr.countedEarly(i) {
			verdict = fateClientGone // a page nobody saw is no visit, but for one that their visit cookie has as counted
		}
		if verdict == fired {
			c.fired = true
			verdict = tr.send(c.cause, nil, tr.rulingOfLocked(i), c.waits)
		} else if tr.decidedLater(i) {
			continue
		}
		if c.early != allowed {
			tr.decideEarly(c, leftNote(gone, verdict))
		} else {
			tr.decide(c.cause, verdict, leftNote(gone, verdict))
		}
	}
	for i := range said.raised {
		r := &said.raised[i]
		verdict, waits := tr.judgeRaisedLocked(r.cause, r.data)
		if verdict == fired {
			verdict = tr.send(r.cause, r.data, &r.ruling, waits)
		}
		tr.decide(r.cause, verdict, leftNote(gone, verdict))
	}
	if s := tr.told.seldom.Load(); s != nil && len(s.past.happened) > 0 && !tr.watched.Dry() {
		s.past.end(time.Now())
	}
	if gone && f == fired {
		f = fateClientGone
	}
	tr.reportPage(f)
	tr.showWatched()
	tr.endAhead()
	tr.logScript()
}

// now is the time at which the request's goals are decided. It is the same for all of them,
// since a look at the clock is dear on the way of a request.
func (tr *tracked) now() time.Time {
	if tr.at.IsZero() {
		return time.Now()
	}
	return tr.at
}

// noteForm counts where the accepted form of a goal led, and says once that a way
// back may not be recognised.
func (tr *tracked) noteForm(g *rule.Cause, verdict fate) {
	if g.IsPage() {
		return
	}
	if verdict == fired && !tr.watched.Dry() {
		tr.t.ledger.lead(g.Name(), &tr.x)
	}
	if asked, seen, ok := g.Unlike(&tr.x); ok {
		tr.t.unlike.Do(func() {
			tr.t.config.Logger.Warn("goaltrack: paths are changed before goaltrack sees them, as http.StripPrefix does, so a redirect back to a form may count as accepted: set PathPrefix or Path",
				"asked", asked, "seen", seen)
		})
	}
}

// judgeRaisedLocked decides on a goal that the application raised: the gate, the
// handler's Reject and the rule's own limits and conditions apply to it as to
// any other.
func (tr *tracked) judgeRaisedLocked(g *rule.Cause, data Data) (f fate, waits bool) {
	switch f, waits = tr.entry.admits(g); {
	case f != allowed:
		return f, false
	case slices.Contains(tr.told.saidLocked().rejected, g.Name()):
		return fateRejected, false
	}
	return fateOf(g.JudgeRaised(tr.exchangeFor(data), tr.t.config.Env)), waits
}

// raisedFiresLocked reports whether a goal that was raised counts now.
func (tr *tracked) raisedFiresLocked(r raised) bool {
	f, waits := tr.judgeRaisedLocked(r.cause, r.data)
	return f == fired && !waits
}

// decidedLater reports whether another alternative of the same goal follows, so
// that the goal is decided once.
func (tr *tracked) decidedLater(i int) bool {
	g := tr.candidates[i].cause
	return slices.ContainsFunc(tr.candidates[i+1:], func(c candidate) bool { return g.SameGoal(c.cause) })
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

// decide counts what became of a goal, and how it nearly counted.
func (tr *tracked) decide(g *rule.Cause, f fate, note string) {
	tr.explain(g, f)
	if tr.watched.Dry() {
		tr.decideDry(g)
		return
	}
	tr.book(g, f, note)
	var missed *rule.Miss
	if r, ok := f.ofRules(); ok && g != rule.View { // about which no rule says anything
		if m, ok := tr.x.Missed(r); ok {
			tr.t.ledger.miss(g.Name(), m)
			missed = &m
		}
	}
	tr.report(g, f, missed)
}

// decideEarly is decide for a candidate that was known not to count before the
// handler ran.
func (tr *tracked) decideEarly(c *candidate, note string) {
	if tr.watched != nil {
		tr.watched.Decided(c.cause, c.early.String(), "")
		if tr.watched.Dry() {
			tr.decideDry(c.cause)
			return
		}
	}
	tr.book(c.cause, c.early, note)
	if c.miss != nil {
		tr.t.ledger.miss(c.cause.Name(), *c.miss)
	}
	tr.report(c.cause, c.early, c.miss)
}

// decideDry is both for a request that somebody only looks at: it counts for nothing.
func (tr *tracked) decideDry(g *rule.Cause) {
	tr.book(g, fatePreview, "")
	tr.report(g, fatePreview, nil)
}

// book counts the fate of a goal.
func (tr *tracked) book(g *rule.Cause, f fate, note string) {
	if f == fateHeld {
		return // it was counted when it was put there, since it may have left again
	}
	if f == fired && tr.entry.absent == fateBot {
		note = "bot_counted"
	}
	if f == fired && tr.cached {
		note = "confirmed_by_script"
	}
	tr.t.ledger.decide(tr.now(), g.Name(), f, tr.told.id, note)
	tr.t.firsts.log(f, tr.t.config.Logger)
}

// NothingWritten says what the answer is if a handler returned and wrote
// nothing.
type NothingWritten string

const (
	// NothingAuto decides by the [http.ResponseWriter]. In net/http's own
	// writer it is the empty 200 that net/http sends then. That is the writer
	// of a server, of [http.TimeoutHandler], or a
	// [net/http/httptest.ResponseRecorder]. Any other writer may belong to a
	// framework that writes the errors of its handlers when goaltrack's part is
	// over. There it is NothingUndecided.
	NothingAuto NothingWritten = "auto"
	// NothingIs200 always means 200. It is for sites that wrap net/http's
	// writer themselves, to log or to compress, and whose handlers write their
	// own errors.
	NothingIs200 NothingWritten = "200"
	// NothingUndecided never takes it for an answer. No visit, form or download
	// counts then, with the reason nothing_written. It is for a site whose
	// handlers return errors and get net/http's own writer.
	NothingUndecided NothingWritten = "undecided"
)

// leftUnanswered reports whether the handler, which has returned, left the answer to somebody
// further out. It also did if it flushed and then named another status, or if it wrote too
// late: what the visitor got then depends on what is further out.
func (tr *tracked) leftUnanswered() bool {
	if tr.rec.Disputed() {
		return true
	}
	if tr.rec.Begun() {
		return false
	}
	switch tr.t.config.NothingWritten {
	case NothingIs200:
		return false
	case NothingUndecided:
		return true
	}
	return !tr.rec.IsServers()
}
