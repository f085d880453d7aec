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
			f.hint("within", fmt.Sprintf("within: %q is not a time", g.Within), timeHint(g.Within))
		}
		if len(g.After) == 0 {
			f.hint("within", "within: is for after: only", "")
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
	g.past.Name, g.past.After = g.Name, g.After
	g.past.Walk = hashOfTexts(append([]string{"after", g.pastName()}, g.After...)...)
}

// pastName is the goal's name for what is remembered. A draft counts for itself,
// so that the goal begins anew when it goes live.
func (g *goal) pastName() string {
	if g.Status == statusDraft {
		return "draft:" + g.Name
	}
	return g.Name
}

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
	if len(g.past.After) > 0 {
		words = append(words, "only "+g.afterInWords())
	}
	if len(g.NotAfter) > 0 {
		words = append(words, "not after "+strings.Join(g.NotAfter, ", "))
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

// linkPast tells each goal whose after: names it, and sums up what they need.
func (s *Set) linkPast() {
	p := &s.past
	p.Once = make(map[uint32]bool)
	bars := make(map[string]*visit.Goal)
	for _, g := range s.goals {
		if g.past.Scope != visit.PerRequest && !g.past.Keyed {
			p.Once[g.past.Hash] = true
		}
		if g.Status == statusPaused {
			continue
		}
		for i, name := range g.past.After {
			if before := s.byID[name]; before != nil && !slices.Contains(g.past.After[:i], name) {
				before.past.LeadTo(&g.past)
			}
		}
		for _, name := range g.NotAfter {
			if before := s.byID[name]; before != nil {
				if bars[name] == nil {
					bars[name] = &visit.Goal{After: []string{name}, Walk: hashOfTexts("not after", name)}
					before.past.LeadTo(bars[name])
				}
				g.past.NotAfter = append(g.past.NotAfter, bars[name].Walk)
			}
		}
		if g.needs.origin() {
			p.Origins = append(p.Origins, g.Env)
			p.UTM = append(p.UTM, g.needs.utm...)
			p.Referrer = p.Referrer || g.needs.referrer
		}
		p.Used = p.Used || g.past.Counts() || g.needs.origin()
	}
	s.linkCart()
	slices.Sort(p.UTM)
	p.UTM = slices.Compact(p.UTM)
}
