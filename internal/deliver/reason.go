package deliver

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The parts of a letter's reason: rejectedPrefix begins one that names a status,
// explanationMark stands before what the CDP wrote.
const (
	rejectedPrefix  = "rejected_"
	explanationMark = ": "
)

// CutReason cuts a letter's reason into its name, the CDP's status (0 if there
// is none), and what the CDP wrote.
func CutReason(text string) (reason string, status int, explanation string) {
	reason, explanation, _ = strings.Cut(text, explanationMark)
	if code, ok := strings.CutPrefix(reason, rejectedPrefix); ok {
		status, _ = strconv.Atoi(code)
	}
	return reason, status, explanation
}

// explain says for a log why an event was not taken. It uses the CDP's words,
// but without those of the visitor, which an answer may repeat.
func (j *job) explain() string { return explain(j.err, j.body) }

func explain(err error, body []byte) string {
	if err == nil {
		return ""
	}
	return withoutValues(err.Error(), body)
}

// ours are the attributes whose values come from the configuration. They tell
// what is wrong and nothing about the visitor.
var ours = []string{"type", "channel", "language", "currency", "pos"}

// personal finds what looks like an e-mail address or a long number, for what
// an answer repeats in another form than it was sent in.
var personal = regexp.MustCompile(`[^\s"'<>(),;:]+@[^\s"'<>(),;:]+|\d{5,}`)

// maxReason is how many bytes the reason in a dead letter has at most. One
// sentence is enough; more of an HTML page would not help.
const maxReason = 500

// withoutValues removes from a text what an event says about its visitor. It
// removes the values of the event's attributes, except those in ours, if they
// have three characters or more. It also removes what looks personal. The text
// is at most maxReason bytes long.
func withoutValues(text string, body []byte) string {
	var event map[string]any
	if json.Unmarshal(body, &event) == nil {
		for _, name := range ours {
			delete(event, name)
		}
	}
	values := textsIn(event, nil)
	// The longest come first, because one may be a part of another.
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	for _, v := range values {
		text = replaceFold(text, v)
	}
	text = personal.ReplaceAllString(text, "…")
	if len(text) > maxReason {
		text = strings.ToValidUTF8(text[:maxReason-len("…")], "") + "…"
	}
	return text
}

// textsIn collects the texts in a value of JSON, also as they look inside JSON.
func textsIn(v any, into []string) []string {
	switch v := v.(type) {
	case string:
		if len(v) >= 3 {
			into = append(into, v)
			if quoted, err := json.Marshal(v); err == nil && len(quoted) > len(v)+2 {
				into = append(into, string(quoted[1:len(quoted)-1]))
			}
		}
	case map[string]any:
		for _, member := range v {
			into = textsIn(member, into)
		}
	case []any:
		for _, member := range v {
			into = textsIn(member, into)
		}
	}
	return into
}

// replaceFold puts "…" in the place of a value where it stands as words of its
// own. Case does not matter.
func replaceFold(text, value string) string {
	pattern := regexp.QuoteMeta(value)
	if word.MatchString(value[:1]) {
		pattern = `\b` + pattern
	}
	if word.MatchString(value[len(value)-1:]) {
		pattern += `\b`
	}
	fold, err := regexp.Compile("(?i)" + pattern)
	if err != nil { // a value that is no valid UTF-8
		return strings.ReplaceAll(text, value, "…")
	}
	return fold.ReplaceAllLiteralString(text, "…")
}

var word = regexp.MustCompile(`\w`)
