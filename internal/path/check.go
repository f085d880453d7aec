package path

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/internal/spelling"
)

// Some templates are correct for a router, but can never match a request or do
// not mean what their writer meant: an address with its query, or another
// router's syntax. They are refused, because a goal that silently never counts
// is worse than a refused file.

// MaxLength is how many bytes a path and a template may have. A longer path
// matches nothing, so no visitor can make a regular expression slow.
const MaxLength = 2 << 10

// Fault says what is wrong with a template. Hint says what to write instead, or
// is "".
type Fault struct{ Message, Hint string }

// Error returns the message without the hint.
func (f *Fault) Error() string { return f.Message }

// checkTemplate refuses texts that are not paths.
func checkTemplate(text string) error {
	fixed := OutsideBraces(text)
	switch {
	case len(text) > MaxLength:
		return &Fault{fmt.Sprintf("the path is longer than %d bytes", MaxLength), "no address is that long"}
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return &Fault{fmt.Sprintf("the path %q holds characters that cannot be printed", text), ""}
	case text == "":
		return &Fault{"the path is empty", "for example /newsletter"}
	case spelling.Unseen(text) != "":
		return &Fault{fmt.Sprintf("the path %q has %s", text, spelling.Unseen(text)), "type it anew, without that"}
	case !strings.HasPrefix(text, "/"):
		return &Fault{fmt.Sprintf("the path %q does not begin with a slash", text), pathHint(text)}
	case strings.Contains(fixed, "?"):
		return &Fault{fmt.Sprintf("the path %q has a query string, which a path never has", text), "leave out what follows the ?"}
	case strings.Contains(fixed, "#"):
		return &Fault{fmt.Sprintf("the path %q has a #", text), "what follows a # never leaves the browser: leave it out"}
	case Normal(fixed) != fixed:
		return neverNormal(text, fixed)
	}
	if decoded, err := url.PathUnescape(text); err == nil && decoded != text && OutsideBraces(decoded) != fixed {
		return &Fault{fmt.Sprintf("the path %q is percent-encoded", text), "write " + decoded}
	}
	return nil
}

// neverNormal says why the template can match no path: rules see paths in their
// normal form (see Normal), and the fixed part of the text is not in that form.
func neverNormal(text, fixed string) error {
	why := "rules see one slash between parts, no parts . and .., and no blanks at the end of a part"
	hint := ""
	if strings.Contains(fixed, ";") {
		why, hint = "what follows a semicolon is cut off before rules see it", "leave it out"
	}
	if !strings.ContainsAny(text, "{}") {
		hint = "write " + Normal(text)
	}
	return &Fault{fmt.Sprintf("the path %q can never match: %s", text, why), hint}
}

// pathHint says what to write instead of a text that is not a path.
func pathHint(text string) string {
	if u, err := url.Parse(text); err == nil && u.Host != "" {
		return "leave the host out: write /" + strings.TrimPrefix(u.Path, "/")
	}
	if method, rest, _ := strings.Cut(text, " "); strings.Trim(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" && strings.HasPrefix(rest, "/") {
		return "leave the method out: write " + rest
	}
	if bare := strings.Trim(text, "“”„‟‘’‚‛«»‹›"); bare != text && strings.HasPrefix(bare, "/") {
		return "an editor made these quotes; write " + bare + " without any"
	}
	if ending, ok := strings.CutPrefix(text, "*."); ok && !strings.ContainsAny(ending, `*/\[](){}^$+?`) {
		return "write /**/" + text
	}
	if strings.ContainsAny(text[:1], `*.^\`) {
		return "for example /files/**"
	}
	return "write /" + text
}

// checkSegments refuses what other routers would understand differently.
func checkSegments(text string, segments, names []string) error {
	for _, s := range segments {
		fixed := OutsideBraces(s)
		switch {
		case strings.HasPrefix(s, ":") && len(s) > 1:
			return &Fault{fmt.Sprintf("the path %q has a variable of another router's kind", text), "write {" + s[1:] + "}"}
		case strings.Contains(fixed, ".*"):
			return &Fault{fmt.Sprintf("the path %q is no regular expression", text), "* stands for one segment, ** for any number of them"}
		case s != "**" && strings.Contains(fixed, "**"):
			return &Fault{fmt.Sprintf("** stands for whole segments, not for a part of one as in %q", text), "for example " + strings.ReplaceAll(s, "**", "*") + "/**"}
		}
	}
	seen := make([]string, 0, len(names))
	for _, name := range names {
		switch {
		case name == "":
			continue
		case strings.HasSuffix(name, "..."):
			return &Fault{fmt.Sprintf("{%s} is not understood", name), "write ** for the rest of a path"}
		case name == "$":
			return &Fault{"{$} is not understood", "leave it out: a path always ends where it ends"}
		case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' }):
			return &Fault{fmt.Sprintf("the variable {%s} is not made of letters, digits, _ and -", name), "for example {id} or {id:[0-9]+}"}
		case slices.Contains(seen, name):
			return &Fault{fmt.Sprintf("the path %q has {%s} twice", text, name), "give each its own name, or write * for one that nobody reads"}
		}
		seen = append(seen, name)
	}
	return nil
}

// OutsideBraces replaces what is inside braces, because a ? in there belongs to
// a regular expression. It keeps the length in characters. The text need not be
// a path.
func OutsideBraces(s string) string {
	depth := 0
	return strings.Map(func(r rune) rune {
		switch r {
		case '{':
			depth++
		case '}':
			depth--
		}
		if depth > 0 {
			return '_'
		}
		return r
	}, s)
}
