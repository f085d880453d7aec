package rule

import (
	"fmt"
	"slices"
	"strings"
)

// needs is what a goal has to see of a request and its answer, so that nothing
// else is kept.
type needs struct {
	form         []string // fields of the form
	json         bool     // the body, if it is JSON
	must         bodyNeeds
	header       bool // a header or cookie, after the handler ran
	cookie       bool // a cookie
	answerHeader bool
	answerType   bool
	answerJSON   bool
	route        bool
	utm          []string // parameters of the session's first page
	referrer     bool     // and its referrer
	// first are utm_ parameters of the visitor's first session.
	first         []string
	firstReferrer bool
	element       []string // data of the element in the page
}

// bodyNeeds is what of a body a goal cannot be judged without: what a condition, a key
// or an order reads. Without the rest, its event only has less.
type bodyNeeds struct {
	form []string
	json bool
}

// isExtra reports whether a goal counts without the value of a key.
func isExtra(key string) bool {
	return strings.HasPrefix(key, "data.") || strings.HasPrefix(key, "identify.") ||
		slices.Contains([]string{"value", "page", "language", "currency", "channel", "pos"}, key)
}

// origin reports whether the goal wants to know where the session came from.
func (n *needs) origin() bool { return len(n.utm) > 0 || n.referrer }

// reads notes what a source needs, and refuses what the trigger cannot give.
func (g *goal) reads(key string, s *source, f *faults) {
	if err := g.permits(s); err != nil {
		f.add(key, err)
		return
	}
	if len(g.causes) == 0 {
		return
	}
	if g.raised() && s.kind != sourceLiteral && s.kind != sourceApp {
		f.hint(key, "a goal raised in code has no request of its own to read from", "give the value to Trigger as data and write $app.name")
		return
	}
	if g.tellsNothing(key, s, f) {
		return
	}
	switch s.kind {
	case sourceForm, sourceJSON:
		g.readsBody(key, s, f)
	case sourceElement, sourceEvent:
		g.readsTold(key, s, f)
	case sourcePath:
		g.readsPath(key, s, f)
	case sourceRedirect:
		if g.success.kind != successRedirectTo || !slices.Contains(g.success.target.Names, s.name) {
			f.hint(key, fmt.Sprintf("$redirect.%s needs a target with {%s}", s.name, s.name), fmt.Sprintf("success: redirect to /orders/{%s}", s.name))
		}
	case sourceHeader, sourceCookie:
		g.needs.header = true
		if s.kind == sourceCookie {
			g.needs.cookie = true
			g.cookies = append(g.cookies, s.name)
		}
	case sourceResponseHeader:
		g.needs.answerHeader = true
		g.needs.answerType = g.needs.answerType || s.ofType()
	case sourceResponseType:
		g.needs.answerType = true
	case sourceResponseJSON:
		g.needs.answerJSON = true
	case sourceRoute:
		g.needs.route = true
	case sourceUTM:
		if s.ofVisit {
			g.needs.utm = append(g.needs.utm, s.name)
		}
	case sourceFirst:
		g.needs.asksFirst(s)
	case sourceReferrer:
		g.needs.referrer = g.needs.referrer || s.ofVisit
	case sourceLiteral, sourceQuery, sourceApp, sourceWholePath, sourceHost: // always there
	}
}

// readsBody is reads for a field of a form, or of JSON.
func (g *goal) readsBody(key string, s *source, f *faults) {
	if !g.submits() {
		f.hint(key, "only a submit has a form", "use submit: instead, or read query."+s.name)
	}
	must := !isExtra(key)
	if s.kind == sourceJSON {
		g.needs.json = true
		g.needs.must.json = g.needs.must.json || must
		return
	}
	g.needs.form = append(g.needs.form, s.names()...)
	if must {
		g.needs.must.form = append(g.needs.must.form, s.names()...)
	}
}

// readsPath is reads for a part of the path, which each path of the goal has to name.
func (g *goal) readsPath(key string, s *source, f *faults) {
	for i := range g.causes {
		if c := &g.causes[i]; c.told() && c.path.Text == "" {
			f.hint(key, fmt.Sprintf("nothing says which pages have {%s}", s.name), fmt.Sprintf("for example on: /products/{%s}", s.name))
		} else if !slices.Contains(c.path.Names, s.name) {
			f.hint(key, fmt.Sprintf("the path %s has no {%s}", c.path.Text, s.name), known("it has", c.path.Names))
		}
	}
}

func known(lead string, names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "" })
	if len(names) == 0 {
		return ""
	}
	return lead + " {" + strings.Join(names, "}, {") + "}"
}
