// Package path knows the paths of addresses: the normal form of a path,
// templates that match paths, and an index that finds what belongs to a path.
// It knows nothing of rules and requests.
//
// normal.go has the normal form, with prefix.go for what proxies take off and slash.go for
// %2F. template.go reads a template and matches it, check.go says what is wrong with one,
// fold.go compares without case, and script.go writes it as a regular expression of JavaScript.
// index.go finds the templates of a path. language.go knows segments such as de-DE.
package path

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"

	"github.com/gorilla/mux"
	"golang.org/x/text/unicode/norm"
)

// Template is a compiled path template. It has gorilla/mux's syntax ({id},
// {id:[0-9]+}), and * for the rest of one segment and ** for any number of
// whole segments. Case does not matter, nor does a slash at the end of the
// path. [Parse] makes it; the zero value is the template of "/". It is safe for
// concurrent use.
type Template struct {
	Text string // in NFC, as paths come
	// parts are the segments up to the first one that does not align.
	parts []part
	// tail matches the rest of the path after parts. It is nil if all segments
	// align, as in most templates; then no regular expression runs.
	tail *regexp.Regexp
	// Names are the names of the variables, "" for a star. Callers only read
	// them.
	Names []string
	// Last is the last segment that is fixed text, "" if there is none.
	Last string
}

// part is one segment that aligns: a literal, or a variable that stands for a
// whole segment.
type part struct {
	literal string         // folded
	pattern string         // of the variable, "" for any
	re      *regexp.Regexp // nil for any
}

func (p *part) isLiteral() bool { return p.literal != "" }

// Parse compiles text. gorilla/mux decides whether it is well formed and what
// it means, so that a template can be copied from a router into a rule file.
// The error is a [*Fault], perhaps wrapped, if the text is not a template or
// could never match. Names still has the names found then, so that $path.id is
// not reported as a second fault.
func Parse(text string) (Template, error) {
	text = norm.NFC.String(text) // as paths come
	segments, err := splitTemplate(trimEnd(text))
	whole, names := translateStars(segments)
	t := Template{Text: text, Names: names}
	if fault := checkTemplate(text); fault != nil {
		return t, fault
	}
	if err != nil {
		return t, err
	}
	if err := checkSegments(text, segments, names); err != nil {
		return t, err
	}
	if _, err := muxRegexp(whole); err != nil {
		return t, fmt.Errorf("the path %q: %w", text, err)
	}
	if rest := t.align(segments); len(rest) > 0 {
		tail, _ := translateStars(rest)
		if t.tail, err = compileTail(tail); err != nil {
			return t, fmt.Errorf("the path %q: %w", text, err)
		}
	}
	t.Last = LastLiteral(text)
	return t, nil
}

// trimEnd removes the slash at the end of a template, except from "/".
func trimEnd(text string) string {
	if len(text) > 1 {
		return strings.TrimSuffix(text, "/")
	}
	return text
}

// splitTemplate cuts a template at its slashes, except at those inside braces.
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
		return nil, &Fault{fmt.Sprintf("the path %q has a brace without its partner", text), "a variable is written {id} or {id:[0-9]+}"}
	}
	return append(segments, text[start:]), nil
}

// translateStars writes * and ** as variables of mux. names are the names of
// all variables, "" for a star.
func translateStars(segments []string) (text string, names []string) {
	var b strings.Builder
	star := func(pattern string) {
		b.WriteString("{star" + strconv.Itoa(len(names)) + ":" + pattern + "}")
		names = append(names, "")
	}
	for _, s := range segments {
		// ** includes the slash before it: /a/** matches /a, and /a/**/b
		// matches /a/b.
		if s == "**" {
			star("(?:/[^/]+)*")
			continue
		}
		b.WriteByte('/')
		depth := 0
		for i, c := range []byte(s) {
			switch {
			case c == '*' && s == "*":
				star("[^/]+")
				continue
			case c == '*' && depth == 0:
				star("[^/]*")
				continue
			case c == '{':
				if depth++; depth == 1 {
					names = append(names, variableName(s[i+1:]))
				}
			case c == '}':
				depth--
			}
			b.WriteByte(c)
		}
	}
	if b.Len() == 0 {
		return "/", names
	}
	return b.String(), names
}

// variableName returns the name at the beginning of s, which follows a brace.
func variableName(s string) string { return s[:strings.IndexAny(s, ":}")] }

// muxRegexp lets mux compile a path template and returns its expression.
func muxRegexp(path string) (expr string, err error) {
	defer func() {
		// mux panics on capturing groups inside a variable.
		if p := recover(); p != nil {
			err = &Fault{"a variable has a capturing group", "write (?:...) instead of (...)"}
		}
	}()
	// A template that begins with ** begins with a brace; mux wants a slash.
	lead := ""
	if !strings.HasPrefix(path, "/") {
		lead = "/"
	}
	expr, err = mux.NewRouter().NewRoute().Path(lead + path).GetPathRegexp()
	if err != nil {
		if strings.Contains(err.Error(), "missing name or pattern") {
			return "", &Fault{"a variable lacks its name or its pattern", "a variable is written {id} or {id:[0-9]+}"}
		}
		return "", &Fault{strings.TrimPrefix(err.Error(), "error parsing regexp: "), "what follows the colon of a variable is a regular expression"}
	}
	return "^" + strings.TrimPrefix(expr, "^"+lead), nil
}

// compileTail compiles the end of a template, whose slash at the end is
// optional.
func compileTail(path string) (*regexp.Regexp, error) {
	expr, err := muxRegexp(path)
	if err != nil {
		return nil, err
	}
	return regexp.Compile("(?i)" + strings.TrimSuffix(expr, "$") + "/?$")
}

// align fills parts with the leading segments that are a literal, or one
// variable that can contain no slash and cannot be empty. It returns the other
// segments.
func (t *Template) align(segments []string) (rest []string) {
	t.parts = make([]part, 0, len(segments))
	for i, s := range segments {
		p, ok := alignSegment(s)
		if !ok {
			return segments[i:]
		}
		t.parts = append(t.parts, p)
	}
	return nil
}

// alignSegment reads one segment. It reports false if the segment does not align.
func alignSegment(s string) (part, bool) {
	switch {
	case s == "*":
		return part{}, true
	case s == "", s == "**":
		return part{}, false
	case !strings.ContainsAny(s, "{}*"):
		return part{literal: string(AppendFold(nil, s))}, true
	case s[0] != '{' || closingBrace(s) != len(s)-1:
		return part{}, false
	}
	_, pattern, _ := strings.Cut(s[1:len(s)-1], ":")
	if pattern == "" {
		return part{}, true
	}
	if !staysInSegment(pattern) {
		return part{}, false
	}
	re, err := regexp.Compile("(?i)^(?:" + pattern + ")$")
	if err != nil || re.MatchString("") {
		return part{}, false
	}
	return part{pattern: pattern, re: re}, true
}

// closingBrace finds the partner of the brace at the beginning of s.
func closingBrace(s string) int {
	depth := 0
	for i := range len(s) {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
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
		if mayBeSlash(re) {
			return false
		}
		switch re.Op {
		case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
			return false
		case syntax.OpLiteral:
			if slices.Contains(re.Rune, '/') {
				return false
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

// IsLoose reports whether a regular expression has to read a part of the path.
// An index can file the template only up to that part.
func (t *Template) IsLoose() bool { return t.tail != nil }

// Capture appends the values of the template's variables in path to values, in
// the order of Names. Their case stays. ok is false if the path does not match.
func (t *Template) Capture(path string, values []string) (_ []string, ok bool) {
	if len(path) > MaxLength {
		return values, false
	}
	rest := path
	for i := range t.parts {
		var segment string
		if segment, rest = NextSegment(rest); !t.parts[i].fits(segment) {
			return values, false
		}
		if !t.parts[i].isLiteral() {
			values = append(values, segment)
		}
	}
	if t.tail == nil {
		return values, isEnd(rest)
	}
	m := t.tail.FindStringSubmatchIndex(rest)
	for i := 2; i+1 < len(m); i += 2 {
		values = append(values, rest[m[i]:m[i+1]])
	}
	return values, m != nil
}

func (p *part) fits(segment string) bool {
	if p.isLiteral() {
		return foldsTo(segment, p.literal)
	}
	return segment != "" && (p.re == nil || p.re.MatchString(segment))
}

// Trim removes the slash at the end and leaves the one at the beginning:
// "/a/b/" becomes "/a/b", and "/" becomes "".
func Trim(path string) string { return strings.TrimSuffix(path, "/") }

// NextSegment cuts the first segment off "/a/b". The segment is "" if there is
// none.
func NextSegment(rest string) (segment, tail string) {
	if rest == "" || rest[0] != '/' {
		return "", rest
	}
	if i := strings.IndexByte(rest[1:], '/'); i >= 0 {
		return rest[1 : i+1], rest[i+1:]
	}
	return rest[1:], ""
}

// isEnd reports whether at most a slash is left of a path.
func isEnd(rest string) bool { return rest == "" || rest == "/" }

// LastLiteral returns the last segment that is fixed text, "" if there is none.
// It names a page without the IDs in its address.
func LastLiteral(templateText string) string {
	segments, err := splitTemplate(templateText)
	if err != nil {
		return ""
	}
	for _, s := range slices.Backward(segments) {
		if s != "" && !strings.ContainsAny(s, "{}*") {
			return s
		}
	}
	return ""
}
