package rule

import (
	"regexp"
	"slices"
	"strings"
)

// A literal is compared, or sent, as it stands. Who knows another tool writes its operators
// here, and gets a goal that never counts, without a word. So what looks like one is warned
// of. It may be meant: then the warning costs a look.

// lintLiterals looks at the literals of conditions and of what is sent.
func (g *goal) lintLiterals(f *faults) {
	for _, cond := range slices.Concat(g.early, g.late, g.success.answer) {
		at := cond.side + "." + cond.key
		if re := cond.test.re; re != nil && slashesAround(re.String()) {
			f.warn(at, cond.key+": "+says(re.String(), "never fits, since the slashes are a part of it"), `write "~ `+undelimited(re.String())+`"`)
		}
		for _, text := range cond.test.equal {
			if what, hint := cond.from.doubt(text); what != "" {
				f.warn(at, cond.key+": "+what, hint)
				break
			}
		}
	}
	for i := range g.data {
		if text, ok := g.data[i].literal.(string); ok && g.data[i].from.kind == sourceLiteral {
			f.warnSource("data."+g.data[i].name, text)
		}
	}
	if g.page.kind == sourceLiteral {
		f.warnSource("page", g.page.text)
	}
}

// operators are words that other tools compare with, and what to write for them. %s is
// what stands behind the word.
var operators = []struct{ word, write string }{
	{"contains", `"~ %s"`},
	{"includes", `"~ %s"`},
	{"has", `"~ %s"`},
	{"starts with", `"~ ^%s"`},
	{"startswith", `"~ ^%s"`},
	{"begins with", `"~ ^%s"`},
	{"ends with", `"~ %s$"`},
	{"endswith", `"~ %s$"`},
	{"matches", `"~ %s"`},
	{"like", `"~ %s"`},
	{"regex", `"~ %s"`},
	{"regexp", `"~ %s"`},
	{"equals", "%s alone"},
	{"equal to", "%s alone"},
	{"is not", "%s under unless:"},
	{"is", "%s alone"},
	{"not", "%s under unless:"},
	{"isn't", "%s under unless:"},
	{"one of", "a list, such as [a, b]"},
	{"any of", "a list, such as [a, b]"},
	{"in", "a list, such as [a, b]"},
	{"between", `two conditions, or a regular expression`},
	{"greater than", `"> %s"`},
	{"more than", `"> %s"`},
	{"at least", `">= %s"`},
	{"less than", `"< %s"`},
	{"at most", `"<= %s"`},
	{"gt", `"> %s"`},
	{"gte", `">= %s"`},
	{"lt", `"< %s"`},
	{"lte", `"<= %s"`},
}

// states are words for what is there and what is not.
var states = map[string]string{
	"exists": "present", "exist": "present", "not empty": "present", "is not empty": "present", "nonempty": "present", "not null": "present",
	"defined": "present", "is set": "present", "filled": "present", "given": "present", "*": "present", "anything": "present",
	"empty": "absent", "is empty": "absent", "missing": "absent", "not exists": "absent", "null": "absent", "undefined": "absent", "not set": "absent", "not present": "absent", "nothing": "absent",
}

// looksLikeRegexp is what hardly stands in a text that somebody types.
var looksLikeRegexp = regexp.MustCompile(`^\^|\.[*+]|\\[dwsb.]|\[[^\]]+\][*+?{]?|\(\?`)

// doubt says of a text that a condition compares with what may be meant by it instead, and
// what to write then. It is "" for most texts.
func (s *source) doubt(text string) (what, hint string) {
	plain := strings.ToLower(strings.TrimSpace(text))
	switch s.kind {
	case sourceReferrer:
		if !isAddress(text) && !strings.ContainsAny(text, "*^$") {
			return says(text, "is compared with the whole address of the other page"), `write "~ ` + regexp.QuoteMeta(text) + `"`
		}
	case sourceHost:
		if strings.Contains(text, "/") {
			return says(text, "is not a host name, so it never fits"), "for example shop.example"
		}
		return "", "" // which knows *.shop.example
	case sourceResponseType:
		if !strings.Contains(text, "/") {
			return says(text, "is no type of an answer, so it never fits"), "for example text/html or application/json"
		}
	default:
	}
	if state := states[plain]; state != "" {
		return says(text, "is compared as that text"), "write " + state
	}
	for _, o := range operators {
		if rest, ok := strings.CutPrefix(plain, o.word+" "); ok {
			rest = strings.Trim(text[len(text)-len(rest):], ` "'()[]`)
			if strings.HasPrefix(o.write, `"~`) {
				rest = regexp.QuoteMeta(rest)
			}
			return says(text, "is compared as that text; there is no operator "+o.word), "write " + strings.ReplaceAll(o.write, "%s", rest)
		}
	}
	switch first, last := text[0], text[len(text)-1]; {
	case strings.Contains(text, "$") && sourceInside.MatchString(text):
		return says(text, "is compared as that text; a condition does not read a second value"), "let the application compare, and set the outcome for $app"
	case looksLikeRegexp.MatchString(text):
		return says(text, "is compared as that text, not as a regular expression"), `write "~ ` + undelimited(text) + `"`
	case first == '/' && last == '/' && len(text) > 2 && strings.ContainsAny(text, `*+?\|^$`):
		return says(text, "is compared as that text, not as a regular expression"), `write "~ ` + undelimited(text) + `"`
	case first == '*' || last == '*' || first == '%' || last == '%' && (plain[0] < '0' || plain[0] > '9'):
		return says(text, "is compared as that text; * stands for something only in a path"), `write "~ ` + wildcard(text) + `"`
	case strings.Contains(text, " || ") || strings.Contains(text, " OR ") || strings.Contains(text, "|") && !strings.Contains(text, " "):
		return says(text, "is compared as one text"), "for one of several, write a list, such as [a, b]"
	case strings.Contains(text, " && ") || strings.Contains(text, " AND "):
		return says(text, "is compared as one text"), "conditions under if: must hold together; write one in each line"
	}
	return "", ""
}

// delimited is a regular expression as other languages write it.
var delimited = regexp.MustCompile(`^/(.+)/([gimsuvy]*)$`)

// undelimited is a regular expression without the slashes around it.
func undelimited(text string) string {
	parts := delimited.FindStringSubmatch(text)
	switch {
	case parts == nil:
		return text
	case strings.Contains(parts[2], "i"):
		return "(?i)" + parts[1]
	}
	return parts[1]
}

// slashesAround reports whether an expression cannot fit anything for the slashes around it.
func slashesAround(expr string) bool {
	parts := delimited.FindStringSubmatch(expr)
	return parts != nil && (strings.HasPrefix(parts[1], "^") || strings.HasSuffix(parts[1], "$") && !strings.HasSuffix(parts[1], `\$`))
}

func says(text, what string) string { return shortQuote(text) + " " + what }

// wildcard is a regular expression for a text with * or % for anything.
func wildcard(text string) string {
	expr := regexp.QuoteMeta(text)
	expr = strings.ReplaceAll(expr, `\*`, ".*")
	expr = strings.ReplaceAll(expr, "%", ".*")
	expr = "^" + expr + "$"
	return strings.TrimSuffix(strings.TrimPrefix(expr, "^.*"), ".*$")
}

// sourceWords are the words that a source can begin with.
const sourceWords = `(path|query|form|json|header|cookie|redirect|response\.header|response\.json|app|utm|element|event|first)`

var (
	sourceInside = regexp.MustCompile(`\$\{?` + sourceWords + `\.[A-Za-z]`)
	sourceBare   = regexp.MustCompile(`^[{%]*\s*` + sourceWords + `\.([A-Za-z_][A-Za-z0-9_.-]*)\s*[}%]*$`)
)

// warnSource warns of a text that is sent and looks like a source.
func (f *faults) warnSource(key, text string) {
	switch m := sourceBare.FindStringSubmatch(text); {
	case m != nil:
		f.warn(key, says(text, "is sent as that text"), "write $"+m[1]+"."+m[2]+" for the value")
	case sourceInside.MatchString(text):
		f.warn(key, says(text, "is sent as that text; a value stands alone"), "write the $source alone, or let the application make the text and read it with $app")
	}
}
