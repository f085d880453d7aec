package rule

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/internal/visit"
)

// Which of the visitor's sessions a goal is for: session:.

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
