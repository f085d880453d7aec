package web

import "strings"

// Language turns "de-DE" and "de" into "DE". It returns "" for a text that is
// not a language.
func Language(s string) string {
	lang, _, _ := strings.Cut(s, "-")
	lang, _, _ = strings.Cut(lang, "_")
	if len(lang) != 2 {
		return ""
	}
	lang = strings.ToUpper(lang)
	if lang[0] < 'A' || lang[0] > 'Z' || lang[1] < 'A' || lang[1] > 'Z' {
		return ""
	}
	return lang
}
