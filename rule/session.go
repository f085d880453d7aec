package rule

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/visit"
)

// Session judges examples as the requests of one visitor, in their order. So it knows what
// [Set.Explain] takes to hold. What counts once does not count again, and what counts after
// other goals waits for them. A cart confirms only what was put into it. Make it with
// [Set.NewSession]. It belongs to one goroutine at a time.
type Session struct {
	set     *Set
	visit   visit.Visit
	counted map[string]visit.Counted // by the last example, by goals
	added   map[string][]uint32      // to the cart, by the last example, by goals
}

// sessionLength is how long a visitor may pause: what a site has if nothing else is set.
const sessionLength = 20 // minutes

// NewSession begins a session of a visitor who is not known yet.
func (s *Set) NewSession() *Session { return &Session{set: s} }

// Explain judges the next example, as [Set.Explain] does. The example says when it happens
// ([Example.At]). If that is 20 minutes or more after the one before, another session
// begins. Days are those of the goal's timezone:, or of UTC. A goal that counts no more
// gets [ReasonNotAfter], too, and a CONFIRM of what is not in the cart
// [ReasonCartUnknownItem].
func (v *Session) Explain(e Example) []Verdict {
	if e.At.IsZero() {
		e.At = time.Now()
	}
	v.counted, v.added = map[string]visit.Counted{}, map[string][]uint32{}
	v.arrive(&e)
	verdicts := v.set.explainAll(e, &v.visit)
	var happened []*visit.Goal
	for i := range verdicts {
		verdict, g := &verdicts[i], v.set.goals[i]
		if !verdict.Fired {
			continue
		}
		items := verdict.cause.CartItems(verdict.x)
		if r := ReasonOf(v.visit.Bars(&g.past, items, e.At)); r != Fires {
			*verdict = Verdict{Goal: g.Name, Code: r, Reason: v.barred(g, r, e.At)}
			if r == ReasonCartUnknownItem {
				verdict.Reason = v.unknownItem(g, items)
			}
			continue
		}
		if g.past.Leads() {
			happened = append(happened, &g.past)
		}
		if !v.counts(g, verdict, e.At) {
			*verdict = Verdict{Goal: g.Name, Code: ReasonNotAfter, Reason: atLine(g.lines.count.line, "counts "+g.Count+", and has counted before")}
			continue
		}
		v.added[g.Name], _ = v.visit.Carry(g.past.Cart, items)
		verdict.Note = g.note(verdict.lacks, false)
	}
	v.visit.Advance(happened, e.At)
	return verdicts
}

// Lost is told that a goal which the last example made count could not be sent after all,
// so that it may count again.
func (v *Session) Lost(goal string) {
	if c, ok := v.counted[goal]; ok {
		v.visit.Drop(c, false)
	}
	v.visit.TakeOut(v.added[goal])
}

// arrive notes that a request has come.
func (v *Session) arrive(e *Example) {
	minute := visit.Minute(e.At)
	if v.visit.Last <= minute-sessionLength || v.visit.Start <= minute-visit.MaxSession {
		v.visit.Renew(minute)
	}
	v.visit.Last = minute
	x := e.exchange()
	if v.visit.Fresh && x.navigation {
		x.host = e.Host
		v.visit.Origin = x.Origin(&v.set.past)
		if o := x.firstIn(&v.set.past); o != nil {
			v.visit.CameFirst(*o, minute, &v.set.past)
		}
	}
	v.visit.CountSession(false, false)
	v.visit.Fresh = false
}

// counts notes that a goal counted, unless it has.
func (v *Session) counts(g *goal, verdict *Verdict, now time.Time) bool {
	c, r := verdict.cause.Counted(verdict.x, now, time.UTC)
	switch {
	case r != Fires || c.Scope == visit.PerRequest:
		return true
	case v.visit.Has(c):
		return false
	}
	v.visit.Add(c, g.past.Keyed)
	v.counted[g.Name] = c
	return true
}

// barred says why what happened before keeps a goal from counting.
func (v *Session) barred(g *goal, r Reason, now time.Time) string {
	switch {
	case r == ReasonOtherSession:
		return atLine(g.lines.session.line, fmt.Sprintf("counts only in %s of a visitor, and this is number %d", sessionInWords(g.Session), v.visit.Number()))
	case r == ReasonNotAfter && len(g.past.After) > 0:
		return v.notAfter(g)
	case r == ReasonNotAfter:
		return atLine(g.lines.after.line, "counts only "+g.afterInWords()+"; "+v.lacking(g, now))
	case r == ReasonCameBefore && v.barring(g) != "":
		return atLine(g.lines.notAfter.line, "counts not after "+v.barring(g)+", which has happened in this session")
	}
	return g.causes[0].why(r, &Exchange{})
}

// unknownItem says which part of a cart was not added. A CONFIRM that is not sent keeps the
// CHECKOUT of its cart from being sent, too, as on a live site.
func (v *Session) unknownItem(g *goal, items []uint32) string {
	if g.past.Cart != visit.CartConfirm {
		return atLine(g.lines.sends.line, "its cart was not confirmed in this session: the CONFIRM had an item that was not added (cart_unknown_item)")
	}
	added := 0
	for _, item := range items {
		if v.visit.Allows(visit.CartConfirm, []uint32{item}) {
			added++
		}
	}
	v.visit.Refuse()
	return atLine(g.lines.sends.line, fmt.Sprintf("confirms %d of the cart, of which %d added in this session (cart_unknown_item)", len(items), added))
}

// lacking says of the first goal under after: that did not happen often enough how often it
// did.
func (v *Session) lacking(g *goal, now time.Time) string {
	for i, name := range slices.Sorted(maps.Keys(g.AfterEach)) {
		o := g.past.Each[i]
		if v.visit.Enough(o, visit.Minute(now)) {
			continue
		}
		ever, session := v.visit.Times(o)
		switch {
		case ever == 0:
			return name + " has not happened"
		case o.Within == 0 && session == 0:
			return name + " has not happened in this session"
		case o.Within == 0:
			return fmt.Sprintf("%s has happened %s in this session", name, timesInWords(session))
		case o.Within == visit.Ever:
			return fmt.Sprintf("%s has happened %s", name, timesInWords(ever))
		}
		return name + " is longer ago"
	}
	return ""
}

func timesInWords(n uint32) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// notAfter says which goal has not happened yet, or not in time.
func (v *Session) notAfter(g *goal) string {
	text := "counts only " + g.afterInWords()
	switch done := len(v.visit.Walked(g.past.Walk)); {
	case done >= len(g.past.After):
		text += ", and that is longer ago"
	case done > 0:
		text += "; of these, only " + strings.Join(g.past.After[:done], ", ") + " has happened in this session"
	default:
		text += ", and " + g.past.After[0] + " has not happened in this session"
	}
	return atLine(g.lines.after.line, text)
}

// barring are the goals of not after: that have happened.
func (v *Session) barring(g *goal) string {
	var names []string
	for i, walk := range g.past.NotAfter {
		if len(v.visit.Walked(walk)) > 0 && i < len(g.NotAfter) {
			names = append(names, g.NotAfter[i])
		}
	}
	return strings.Join(names, ", ")
}
