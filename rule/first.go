package rule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/internal/visit"
)

// What a goal asks of the visitor's first session, and which of their sessions it is for.

// sessionText is a number, or a comparison with one.
var sessionText = regexp.MustCompile(`^(?:(<=|>=|<|>) *)?([1-9][0-9]{0,5})$`)

// compileSession reads "3", ">= 3" and the like.
func (g *goal) compileSession(f *faults) {
	if g.Session == "" {
		return
	}
	m := sessionText.FindStringSubmatch(strings.TrimSpace(g.Session))
	if m == nil {
		f.hint("session", fmt.Sprintf("session: %q is not understood", g.Session), sessionHint(g.Session))
		return
	}
	n64, _ := strconv.ParseUint(m[2], 10, 32) // six digits
	n := uint32(n64)
	switch m[1] {
	case "":
		g.past.Sessions = visit.Range{Least: n, Most: n}
	case ">":
		g.past.Sessions.Least = n + 1
	case ">=":
		g.past.Sessions.Least = n
	case "<=":
		g.past.Sessions = visit.Range{Least: 1, Most: n}
	case "<":
		if n == 1 {
			f.hint("session", "session: there is none before the first", "write 1 for the first")
		}
		g.past.Sessions = visit.Range{Least: 1, Most: max(n-1, 1)}
	}
}

func sessionHint(text string) string {
	words := strings.ToLower(text)
	has := func(some ...string) bool { return hasOneOf(words, some) }
	switch {
	case has("first", "new"):
		return "write 1 for the first session of a visitor"
	case has("return", "repeat", "again", "second"):
		return `write ">= 2" for all but the first session of a visitor`
	}
	return `3, or ">= 3" for the third and all that follow`
}

// sessionInWords says which sessions of a visitor a session: means.
func sessionInWords(text string) string {
	m := sessionText.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return "session " + quoted(text)
	}
	n, _ := strconv.Atoi(m[2]) // six digits
	switch m[1] {
	case ">":
		return fmt.Sprintf("session %d and later", n+1)
	case ">=":
		return fmt.Sprintf("session %d and later", n)
	case "<":
		n--
		fallthrough
	case "<=":
		if n > 1 {
			return fmt.Sprintf("sessions 1 to %d", n)
		}
	}
	return fmt.Sprintf("session %d", n)
}

// readsFirst reports whether the goal wants to know where the visitor first came from.
func (n *needs) readsFirst() bool { return len(n.first) > 0 || n.firstReferrer }

// asksFirst notes what a source needs of the first session.
func (n *needs) asksFirst(s *source) {
	if s.name == firstReferrer {
		n.firstReferrer = true
	} else {
		n.first = append(n.first, s.name)
	}
}

const firstReferrer = "referrer"

// compileFirst takes the conditions about the first session out of the others: they are
// judged when the visit is opened.
func (g *goal) compileFirst(list []condition) {
	g.first = list
	if len(list) == 0 {
		return
	}
	g.past.First = func(o *visit.Origin) bool {
		x := Exchange{first: o}
		for i := range list {
			if list[i].judge(&x) != Fires {
				return false
			}
		}
		return true
	}
}

// firstInWords says that a condition on the first session does not hold.
func (g *goal) firstInWords() string {
	if len(g.first) == 0 {
		return "a condition does not hold"
	}
	words := make([]string, len(g.first))
	for i := range g.first {
		words[i] = g.first[i].inWords()
	}
	return atLine(g.first[0].line, strings.Join(words, ", or "))
}

// lookupFirst reads a value of the visitor's first session.
func (x *Exchange) lookupFirst(name string) (string, bool) {
	switch {
	case x.first == nil:
		return "", false
	case name == firstReferrer:
		return x.first.Referrer, x.first.Referrer != ""
	}
	return x.first.Param(name)
}
