package web

import (
	_ "embed"
	"fmt"
	"strings"
)

// All words of the pages stand in words.en.txt, so that one file is to be translated. Each
// line is a name, "=" and a text, with the verbs of package fmt.

//go:embed words.en.txt
var english string

var words = readWords(english)

// readWords reads a file of words. What is no line of that kind would be a mistake of
// ours, so it panics.
func readWords(file string) map[string]string {
	list := map[string]string{}
	for line := range strings.Lines(file) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, text, ok := strings.Cut(line, " = ")
		if _, twice := list[name]; !ok || twice {
			panic("web: words: " + line)
		}
		list[name] = text
	}
	return list
}

// say is the text of a name, with what belongs into it. A name without a text is a
// mistake of ours; a test looks for it.
func say(name string, with ...any) string {
	text, ok := words[name]
	if !ok {
		return "[" + name + "]"
	}
	if len(with) == 0 {
		return text
	}
	return fmt.Sprintf(text, with...)
}

// sayCount says a text that differs for one thing and for several: name.one and
// name.many. The number comes first in it.
func sayCount(name string, n uint64, with ...any) string {
	form := name + ".many"
	if n == 1 {
		form = name + ".one"
	}
	return say(form, append([]any{number(n)}, with...)...)
}
