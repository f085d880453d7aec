package goaltrack

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/gorilla/mux"
)

// template is a compiled path template: gorilla/mux's syntax ({id},
// {id:[0-9]+}) plus * for what is left of one segment and ** for any number of
// whole segments. It matches without regard to case, and a slash at the end of
// the path may be there or not.
type template struct {
	text  string
	parts []part // one a segment; nil if the template does not align with segments
	names []string
	// last is the last segment that is fixed text, "" if there is none.
	last string
	// prefix is how many segments before the first that does not align are
	// literal; the index files a template that does not align under them.
	prefix []string
	// whole is mux's own regular expression. It decides where parts cannot.
	whole *regexp.Regexp
}

// part is one segment of an aligned template: a literal, or a variable that
// takes a whole segment.
type part struct {
	literal string // folded
	name    string // "" for *
	pattern string // regular expression of the variable, "" for any
	re      *regexp.Regexp
}

func (p *part) isLiteral() bool { return p.literal != "" }

// parseTemplate compiles text. gorilla/mux decides what is well formed and what
// it means, so that a template can be copied from a router into a rule file.
func parseTemplate(text string) (template, error) {
	t := template{text: text}
	if !strings.HasPrefix(text, "/") {
		return t, fmt.Errorf("the path %q does not begin with a slash", text)
	}
	trimmed := text
	if len(text) > 1 {
		trimmed = strings.TrimSuffix(text, "/")
	}
	segments, err := splitTemplate(trimmed)
	if err != nil {
		return t, err
	}
	expr, names, err := muxRegexp(translateStars(segments))
	if err != nil {
		return t, err
	}
	for _, n := range names {
		if strings.HasPrefix(n, starName) {
			n = ""
		}
		t.names = append(t.names, n)
	}
	if trimmed != "/" {
		expr = strings.TrimSuffix(expr, "$") + "/?$"
	}
	if t.whole, err = regexp.Compile("(?i)" + expr); err != nil {
		return t, fmt.Errorf("the path %q: %w", text, err)
	}
	t.align(segments)
	t.last = lastLiteral(text)
	return t, nil
}

// splitTemplate cuts a template at its slashes, leaving those inside braces.
func splitTemplate(text string) ([]string, error) {
	if text == "" || text == "/" {
		return nil, nil
	}
	var segments []string
	depth, start := 0, 1
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '{':
			depth++
		case '}':
			depth--
		case '/':
			if depth == 0 {
				segments = append(segments, text[start:i])
				start = i + 1
			}
		}
		if depth < 0 {
			break
		}
	}
	if depth != 0 {
		return nil, fmt.Errorf("the path %q has a brace without its partner", text)
	}
	return append(segments, text[start:]), nil
}

const starName = "gtstar"

// translateStars rewrites * and ** as mux variables.
func translateStars(segments []string) string {
	var b strings.Builder
	stars := 0
	star := func(pattern string) {
		b.WriteString("{" + starName + strconv.Itoa(stars) + ":" + pattern + "}")
		stars++
	}
	for i := range segments {
		// ** takes the slash before it as well: /a/** includes /a, and
		// /a/**/b includes /a/b.
		if segments[i] == "**" {
			star("(?:/[^/]+)*")
			continue
		}
		b.WriteByte('/')
		depth := 0
		for _, c := range []byte(segments[i]) {
			switch {
			case c == '*' && depth == 0 && segments[i] == "*":
				star("[^/]+")
			case c == '*' && depth == 0:
				star("[^/]*")
			default:
				if c == '{' {
					depth++
				} else if c == '}' {
					depth--
				}
				b.WriteByte(c)
			}
		}
	}
	if b.Len() == 0 {
		return "/"
	}
	return b.String()
}

// muxRegexp lets mux compile a path template and returns its expression and the
// names of its variables. mux panics on capturing groups inside a variable.
func muxRegexp(path string) (expr string, names []string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("a variable of the path has a capturing group: write (?:...) instead of (...)")
		}
	}()
	// A template that begins with ** begins with a brace; mux wants a slash.
	lead := ""
	if !strings.HasPrefix(path, "/") {
		lead = "/"
	}
	route := mux.NewRouter().NewRoute().Path(lead + path)
	if expr, err = route.GetPathRegexp(); err != nil {
		return "", nil, errors.New(strings.TrimPrefix(err.Error(), "mux: "))
	}
	if names, err = route.GetVarNames(); err != nil {
		return "", nil, err
	}
	if lead != "" {
		expr = "^" + strings.TrimPrefix(expr, "^/")
	}
	return expr, names, nil
}

// align fills parts if every segment is a literal or one variable that cannot
// contain a slash nor be empty. Otherwise it keeps the literal prefix.
func (t *template) align(segments []string) {
	parts := make([]part, 0, len(segments))
	for _, s := range segments {
		p, ok := alignSegment(s)
		if !ok {
			for _, p := range parts {
				if !p.isLiteral() {
					break
				}
				t.prefix = append(t.prefix, p.literal)
			}
			return
		}
		parts = append(parts, p)
	}
	t.parts = parts
}

func alignSegment(s string) (part, bool) {
	switch {
	case s == "*":
		return part{}, true
	case s == "", s == "**":
		return part{}, false
	case !strings.ContainsAny(s, "{}*"):
		return part{literal: string(appendFold(nil, s))}, true
	case s[0] != '{' || strings.IndexByte(s, '}') < 0:
		return part{}, false
	}
	// Is it one variable from end to end?
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth == 0 && i < len(s)-1 {
			return part{}, false
		}
	}
	name, pattern, _ := strings.Cut(s[1:len(s)-1], ":")
	if pattern == "" {
		return part{name: name}, true
	}
	if !staysInSegment(pattern) {
		return part{}, false
	}
	re, err := regexp.Compile("(?i)^(?:" + pattern + ")$")
	if err != nil || re.MatchString("") {
		return part{}, false
	}
	return part{name: name, pattern: pattern, re: re}, true
}

// staysInSegment reports whether no match of the pattern can contain a slash or
// look beyond its own text.
func staysInSegment(pattern string) bool {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return false
	}
	var stays func(*syntax.Regexp) bool
	stays = func(re *syntax.Regexp) bool {
		switch re.Op {
		case syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpBeginLine, syntax.OpEndLine,
			syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
			return false
		case syntax.OpLiteral:
			for _, r := range re.Rune {
				if r == '/' {
					return false
				}
			}
		case syntax.OpCharClass:
			for i := 0; i+1 < len(re.Rune); i += 2 {
				if re.Rune[i] <= '/' && '/' <= re.Rune[i+1] {
					return false
				}
			}
		}
		for _, sub := range re.Sub {
			if !stays(sub) {
				return false
			}
		}
		return true
	}
	return stays(re)
}

// capture returns the values of the template's variables in path, in the order
// of names, their case kept. ok is false if the path does not match.
func (t *template) capture(path string, values []string) (_ []string, ok bool) {
	if t.parts == nil {
		m := t.whole.FindStringSubmatchIndex(path)
		if m == nil {
			return values, false
		}
		for i := 2; i+1 < len(m); i += 2 {
			values = append(values, path[m[i]:m[i+1]])
		}
		return values, true
	}
	rest := trimPath(path)
	for i := range t.parts {
		var segment string
		var more bool
		if segment, rest, more = nextSegment(rest); !more || !t.parts[i].fits(segment) {
			return values, false
		}
		if !t.parts[i].isLiteral() {
			values = append(values, segment)
		}
	}
	return values, rest == ""
}

func (p *part) fits(segment string) bool {
	if p.isLiteral() {
		var buf [128]byte
		return string(appendFold(buf[:0], segment)) == p.literal
	}
	return segment != "" && (p.re == nil || p.re.MatchString(segment))
}

// trimPath removes the slash at the end and leaves the one at the beginning:
// "/a/b/" becomes "/a/b", and "/" becomes "".
func trimPath(path string) string { return strings.TrimSuffix(path, "/") }

// nextSegment cuts the first segment off "/a/b". more is false for "".
func nextSegment(rest string) (segment, tail string, more bool) {
	if rest == "" || rest[0] != '/' {
		return "", "", false
	}
	if i := strings.IndexByte(rest[1:], '/'); i >= 0 {
		return rest[1 : i+1], rest[i+1:], true
	}
	return rest[1:], "", true
}

// lastLiteral is the last segment that is fixed text, "" if there is none.
// It names a page without the IDs in its address.
func lastLiteral(templateText string) string {
	segments, err := splitTemplate(templateText)
	if err != nil {
		return ""
	}
	for i := len(segments) - 1; i >= 0; i-- {
		if segments[i] != "" && !strings.ContainsAny(segments[i], "{}*") {
			return segments[i]
		}
	}
	return ""
}
