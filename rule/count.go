package rule

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
)

// maxAfter bounds the steps of one after:, of which the visit cookie holds few.
const maxAfter = 10

// hashOfTexts makes the name under which a cookie knows a goal. It is the same
// on every instance, and short: a false match has a chance of 1 in 10^8 with
// forty counts.
func hashOfTexts(texts ...string) uint32 {
	sum := sha256.Sum256([]byte(strings.Join(texts, "\x00")))
	return binary.BigEndian.Uint32(sum[:])
}

// pastName is the goal's name for what is remembered. A draft counts for itself,
// so that the goal begins anew when it goes live.
func (g *goal) pastName() string {
	if g.Status == statusDraft {
		return "draft:" + g.Name
	}
	return g.Name
}

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
	scope := map[string]visit.Scope{"session": visit.PerSession, "visitor": visit.PerVisitor, "day": visit.PerDay}[word]
	if !ok || scope == visit.PerRequest {
		f.hint("count", fmt.Sprintf("count: %q is not understood", g.Count), "every, once per session, once per visitor or once per day, perhaps with for $source")
		return
	}
	if hasKey {
		s, err := parseSource(key)
		if err == nil && s.kind == sourceLiteral {
			err = fmt.Errorf("count: %q is not a $source", key)
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

func (g *goal) compileAfter(f *faults) {
	var err error
	if g.Within != "" {
		if g.past.Within, err = time.ParseDuration(g.Within); err != nil || g.past.Within <= 0 {
			f.hint("within", fmt.Sprintf("within: %q is not a time", g.Within), "for example 30m or 2h")
		}
		if len(g.After) == 0 {
			f.hint("within", "within: is for after: only", "")
		}
	}
	if len(g.After) > maxAfter {
		f.hint("after", fmt.Sprintf("after: has %d goals, more than %d", len(g.After), maxAfter), "the visit cookie is small; name the goals that matter")
	}
	g.past.Name, g.past.After = g.Name, g.After
	g.past.Walk = hashOfTexts(append([]string{"after", g.pastName()}, g.After...)...)
}

// inWords is what count: and after: say, "" if nothing.
func (g *goal) inWords() string {
	var words []string
	if g.past.Scope != visit.PerRequest {
		words = append(words, g.Count)
	}
	if len(g.past.After) > 0 {
		words = append(words, "only "+g.afterInWords())
	}
	return strings.Join(words, ", ")
}

func (g *goal) afterInWords() string {
	text := "after " + strings.Join(g.past.After, ", ")
	if g.past.Within > 0 {
		text += " within " + g.Within
	}
	return text
}

// Past is what the goals ask of visitors' past.
func (rs *Set) Past() *visit.Needs { return &rs.past }

// Origin reads where a session came from off its first page, as far as goals ask.
// Of the referrer, the address without its query is enough.
func (x *Exchange) Origin(n *visit.Needs) (o visit.Origin) {
	if len(n.Origins) == 0 {
		return o
	}
	o.Known = true
	for _, name := range n.UTM {
		if v, ok := web.QueryValue(x.rawQuery, "utm_"+name); ok && v != "" && len(v) <= maxCollected && len(o.UTM) < maxUTM {
			o.UTM = append(o.UTM, visit.UTM{Name: name, Value: visit.CutText(cleanText(v), visit.MaxOrigin)})
		}
	}
	if n.Referrer {
		o.Referrer = visit.CutText(withoutQuery(x.otherSite()), visit.MaxOrigin)
	}
	return o
}

// linkPast tells each goal whose after: names it, and sums up what they need.
func (rs *Set) linkPast() {
	p := &rs.past
	p.Once = make(map[uint32]bool)
	for _, g := range rs.goals {
		if g.past.Scope != visit.PerRequest && !g.past.Keyed {
			p.Once[g.past.Hash] = true
		}
		if g.Status == statusPaused {
			continue
		}
		for i, name := range g.past.After {
			if before := rs.byID[name]; before != nil && !slices.Contains(g.past.After[:i], name) {
				before.past.LeadTo(&g.past)
			}
		}
		if g.needs.origin() {
			p.Origins = append(p.Origins, g.Env)
			p.UTM = append(p.UTM, g.needs.utm...)
			p.Referrer = p.Referrer || g.needs.referrer
		}
		p.Used = p.Used || g.past.Counts() || g.needs.origin()
	}
	slices.Sort(p.UTM)
	p.UTM = slices.Compact(p.UTM)
}

// lintPast warns of what the visit cookie may not hold, and of goals that come
// after what never happens.
func (rs *Set) lintPast(f *faults) {
	plain, steps := 0, 0
	for i, g := range rs.goals {
		if f.goal, f.name = i, g.Name; g.Status == statusPaused {
			continue
		}
		if g.past.Scope != visit.PerRequest && !g.past.Keyed {
			if plain++; plain == visit.MaxPlain+1 {
				f.warn("count", fmt.Sprintf("more than %d goals count once", visit.MaxPlain), "the visit cookie may have no room for the last of them, which would then count again")
			}
		}
		before := steps
		if steps += len(g.past.After); steps > visit.MaxSteps && before <= visit.MaxSteps {
			f.warn("after", fmt.Sprintf("the goals of all after: together are more than %d", visit.MaxSteps), "the visit cookie may forget the oldest of them")
		}
	}
	happens := rs.happening()
	for i, g := range rs.goals {
		f.goal, f.name = i, g.Name
		for n, name := range g.past.After {
			if before := rs.byID[name]; before != nil && !happens[before] && g.Status != statusPaused {
				f.warn("after."+strconv.Itoa(n), "never counts: "+name+" is paused, or waits for this goal in turn", "")
				break
			}
		}
	}
}

// happening finds the goals that can happen: those that are not paused and come
// after nothing, or after such as can happen.
func (rs *Set) happening() map[*goal]bool {
	can := make(map[*goal]bool, len(rs.goals))
	for more := true; more; {
		more = false
		for _, g := range rs.goals {
			never := func(name string) bool { return rs.byID[name] != nil && !can[rs.byID[name]] }
			if !can[g] && g.Status != statusPaused && !slices.ContainsFunc(g.past.After, never) {
				can[g], more = true, true
			}
		}
	}
	return can
}

// Counted is the name under which the goal counts, with the value that
// for $source asks for: the zero value if it counts every time.
func (t *Cause) Counted(x *Exchange, now time.Time, zone *time.Location) (visit.Counted, Reason) {
	if t.goal == nil {
		return visit.Counted{}, Fires
	}
	c := t.goal.past.Counted(now, zone)
	if !t.goal.past.Keyed {
		return c, Fires
	}
	t.capture(x)
	value, f := x.collect(&t.goal.key)
	switch {
	case f != Fires:
		return c, f
	case value == "":
		return c, reasonValueMissing
	}
	c.Hash = hashOfTexts("for", t.goal.pastName(), t.goal.Count, value)
	return c, Fires
}

// withoutQuery is an address up to the ? or #.
func withoutQuery(address string) string {
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		return address[:i]
	}
	return address
}
