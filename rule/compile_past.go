package rule

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/visit"
)

// maxAfter bounds the steps of one after:, of which the visit cookie holds few.
const maxAfter = 10

// compileCount reads "every", "once per session", "once per day for $form.email"
// and "once per $redirect.orderId".
func (g *goal) compileCount(f *faults) {
	if g.Count == "" || g.Count == "every" {
		return
	}
	rest, ok := strings.CutPrefix(g.Count, "once per ")
	word, key, hasKey := strings.Cut(rest, " for ")
	if strings.HasPrefix(rest, "$") {
		word, key, hasKey = "visitor", rest, true
	}
	scope := map[string]visit.Scope{"session": visit.PerSession, "visitor": visit.PerVisitor, "day": visit.PerDay, "week": visit.PerWeek, "month": visit.PerMonth}[word]
	if !ok || scope == visit.PerRequest {
		f.hint("count", fmt.Sprintf("count: %q is not understood", g.Count), countHint(g.Count))
		return
	}
	if hasKey {
		s, err := parseSource(key)
		if err == nil && s.kind == sourceLiteral {
			err = &advice{fmt.Sprintf("count: %q is not a $source", key), "for example once per session for $path.id"}
		}
		if err != nil {
			f.add("count", err)
			return
		}
		g.reads("count", &s, f)
		g.key, g.past.Keyed = s, true
	}
	g.past.Scope = scope
	g.past.Hash = hashOfTexts("count", g.pastName(), word)
}

// countHint says what to write in place of a count: that is not understood.
func countHint(text string) string {
	words := strings.ToLower(text)
	has := func(some ...string) bool { return hasOneOf(words, some) }
	const rolling = "; a week begins on Monday, and a month on its first day"
	switch {
	case has("person", "people", "customer", "user", "guest", "contact", "email", "e-mail", "identity"):
		return "write once per visitor, which is one browser; for one person on several devices, " + segmentsDoIt
	case has("year", "quarter", "365", "90 day"):
		return "write once per visitor, or once per month; beyond that " + segmentsDoIt
	case has("month", "30 day"):
		return "write once per month" + rolling
	case has("week", "7 day"):
		return "write once per week" + rolling
	case has("day", "dai", "24"):
		return "write once per day"
	case has("session", "visit"):
		return "write once per session, or once per visitor"
	}
	return "every, once per session, visitor, day, week or month, perhaps with for $source"
}

// hasOneOf reports whether one of some words is a part of a text.
func hasOneOf(text string, words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
}

func (g *goal) compileAfter(f *faults) {
	var err error
	if g.Within != "" {
		if g.past.Within, err = time.ParseDuration(g.Within); err != nil || g.past.Within <= 0 {
			hint := timeHint(g.Within)
			if d, err := parseSpan(g.Within); err == nil && d > longestSession && len(g.After) > 0 {
				hint = acrossSessions(g.After[0], g.Within)
			}
			f.hint("within", fmt.Sprintf("within: %q is not a time", g.Within), hint)
		}
		switch {
		case len(g.AfterEach) > 0:
			f.hint("within", "within: is for a list of goals under after:", "write it with the goal: after: { NAME: { within: "+g.Within+" } }")
		case len(g.After) == 0:
			f.hint("within", "within: is for after: only", "")
		case g.past.Within > longestSession:
			f.warn("within", "within: "+g.Within+" is longer than a session, and what is listed under after: has to happen in this one", acrossSessions(g.After[0], g.Within))
		}
	}
	if len(g.After) > maxAfter {
		f.hint("after", fmt.Sprintf("after: has %d goals, more than %d", len(g.After), maxAfter), "the visit cookie is small; name the goals that matter")
	}
	if len(g.NotAfter) > maxAfter {
		f.hint("not after", fmt.Sprintf("not after: has %d goals, more than %d", len(g.NotAfter), maxAfter), "the visit cookie is small; name the goals that matter")
	}
	if i := slices.Index(g.NotAfter, g.Name); i >= 0 {
		f.hint(fmt.Sprintf("not after.%d", i), "the goal comes after itself", "count: once per session counts it once")
	}
	g.past.Each = g.compileOften("after", g.AfterEach, f)
	g.past.NotEach = g.compileOften("not after", g.NotAfterEach, f)
	g.past.Name, g.past.After = g.Name, g.After
}

// longestSession is after what time a session ends that never pauses.
const longestSession = visit.MaxSession * time.Minute

// acrossSessions says how to write that a goal may have come before in an earlier session.
func acrossSessions(name, within string) string {
	return "for earlier sessions, too, write after: { " + name + ": { within: " + within + " } }"
}

// pastName is the goal's name for what is remembered. A draft counts for itself,
// so that the goal begins anew when it goes live. A goal of a site that is called draft does
// not share what is remembered with the draft of another one: no name has a blank.
func (g *goal) pastName() string {
	switch name := g.known(); {
	case g.Status == statusDraft:
		return draftPrefix + name
	case strings.HasPrefix(name, draftPrefix):
		return "live " + name
	default:
		return name
	}
}

const draftPrefix = "draft:"

// hashOfTexts makes the name under which a cookie knows a goal. It is the same
// on every instance, and short: a false match has a chance of 1 in 10^8 with
// forty counts.
func hashOfTexts(texts ...string) uint32 {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return binary.BigEndian.Uint32(sum[:])
}

// inWords is what count: and after: say, "" if nothing.
func (g *goal) inWords() string {
	var words []string
	if g.past.Scope != visit.PerRequest {
		words = append(words, g.Count)
	}
	if g.Session != "" {
		words = append(words, "only in "+sessionInWords(g.Session)+" of a visitor")
	}
	for i := range g.first {
		words = append(words, "only if "+g.first[i].String()+" holds for the visitor's first session")
	}
	if g.comesAfter() {
		words = append(words, "only "+g.afterInWords())
	}
	if not := g.notAfter(); len(not) > 0 {
		words = append(words, "not after "+strings.Join(not, ", "))
	}
	return strings.Join(words, ", ")
}

// comesAfter reports whether other goals have to come before.
func (g *goal) comesAfter() bool { return len(g.past.After)+len(g.AfterEach) > 0 }

// notAfter are the goals that may not come before.
func (g *goal) notAfter() []string {
	return append(slices.Clone(g.NotAfter), eachInWords(g.NotAfterEach, Often.inWords)...)
}

func (g *goal) afterInWords() string {
	if len(g.past.After) == 0 {
		return "after " + strings.Join(eachInWords(g.AfterEach, Often.inWords), " and ")
	}
	text := "after " + strings.Join(g.past.After, ", ")
	if g.past.Within > 0 {
		text += " within " + g.Within
	}
	return text
}

// linkPast tells each goal whose after: names it, and sums up what they need.
func (s *Set) linkPast() {
	p := &s.past
	p.Once, p.Tallies = make(map[uint32]bool), make(map[uint32]int64)
	bars := make(map[string]*visit.Goal)
	for _, g := range s.goals {
		if g.past.Scope != visit.PerRequest && !g.past.Keyed {
			p.Once[g.past.Hash] = true
		}
		s.nameOften(g.AfterEach, g.past.Each)
		s.nameOften(g.NotAfterEach, g.past.NotEach)
		s.keepOften(g.past.Each)
		s.keepOften(g.past.NotEach)
		p.FirstUTM = append(p.FirstUTM, g.needs.first...)
		p.FirstReferrer = p.FirstReferrer || g.needs.firstReferrer
		if g.Status == statusPaused {
			continue
		}
		g.past.Walk = hashOfTexts(append([]string{"after", g.pastName()}, s.allKnownAs(g.After)...)...)
		for i, name := range g.past.After {
			if before := s.byID[name]; before != nil && !slices.Contains(g.past.After[:i], name) {
				before.past.LeadTo(&g.past)
			}
		}
		for _, name := range g.NotAfter {
			if before := s.byID[name]; before != nil {
				if bars[name] == nil {
					bars[name] = &visit.Goal{After: []string{name}, Walk: hashOfTexts("not after", s.knownAs(name))}
					before.past.LeadTo(bars[name])
				}
				g.past.NotAfter = append(g.past.NotAfter, bars[name].Walk)
			}
		}
		s.tally(g.AfterEach, g.past.Each)
		s.tally(g.NotAfterEach, g.past.NotEach)
		p.Bars = p.Bars || len(g.past.NotAfter)+len(g.past.NotEach) > 0
		if g.needs.origin() {
			p.Origins = append(p.Origins, g.Env)
			p.UTM = append(p.UTM, g.needs.utm...)
			p.Referrer = p.Referrer || g.needs.referrer
		}
		if g.past.Sessions != (visit.Range{}) {
			p.Sessions = append(p.Sessions, g.Env)
		}
		if g.needs.readsFirst() {
			p.First = append(p.First, g.Env)
		}
		p.Used = p.Used || g.past.Counts() || g.needs.origin() || g.needs.readsFirst()
	}
	s.linkCart()
	slices.Sort(p.UTM)
	p.UTM = slices.Compact(p.UTM)
	slices.Sort(p.FirstUTM)
	p.FirstUTM = slices.Compact(p.FirstUTM)
}
