package rule

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/goaltrack/goaltrack/internal/spelling"
)

// words cuts a name at everything that is no letter and at humps: "userPin" and
// "user_pin2" are user, pin; "PINCode" is pin, code.
func words(name string) []string {
	var out []string
	start := -1
	runes := []rune(name)
	flush := func(end int) {
		if start >= 0 {
			out = append(out, strings.ToLower(string(runes[start:end])))
		}
		start = -1
	}
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r):
			flush(i)
		case start >= 0 && unicode.IsUpper(r) && (unicode.IsLower(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1])):
			flush(i)
			start = i
		case start < 0:
			start = i
		}
	}
	flush(len(runes))
	return out
}

// nearest finds the word that s may have been meant to be: at most two letters
// off and no more than a third of it.
func nearest(s string, words []string) string {
	if len(s) > 40 {
		return ""
	}
	s = strings.ToLower(s)
	best, least := "", min(2, (len(s)+2)/3)+1
	for _, w := range words {
		if d := spelling.Distance(s, w); d < least {
			best, least = w, d
		}
	}
	return best
}

func didYouMean(name string, names []string) string {
	if near := nearest(strings.ToLower(name), lower(names)); near != "" {
		return "did you mean " + strings.ToUpper(near) + "?"
	}
	return ""
}

// didYouMeanWord is didYouMean for words that are not all in upper case.
func didYouMeanWord(word string, words []string) string {
	if near := nearest(strings.ToLower(word), lower(words)); near != "" {
		return "did you mean " + words[slices.Index(lower(words), near)] + "?"
	}
	return ""
}

func lower(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.ToLower(n)
	}
	return out
}

// suggestName writes a name the way the CDP wants it.
func suggestName(s string) string {
	s = strings.Trim(regexp.MustCompile(`[^A-Z0-9_:]+`).ReplaceAllString(strings.ToUpper(unaccented(s)), "_"), "_")
	if !goalName.MatchString(s) {
		return "for example CONTACT_SENT"
	}
	return "write " + s
}

// camel writes a name as the CDP advises.
func camel(name string) string {
	var b strings.Builder
	for i, w := range words(name) {
		if i > 0 {
			w = strings.ToUpper(w[:1]) + w[1:]
		}
		b.WriteString(w)
	}
	if !extName.MatchString(b.String()) {
		return "orderId"
	}
	return b.String()
}
