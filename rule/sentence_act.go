package rule

import (
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/selector"
)

// actInWords says what has to happen in a page, "" if nothing of that.
func (t *Trigger) actInWords() string {
	words := ""
	switch {
	case t.Click != (Click{}):
		words = t.Click.inWords()
	case t.Seen != "":
		words = "somebody sees " + elementInWords(t.Seen)
	case t.Played != (Played{}):
		words = t.Played.inWords()
	case t.Started == "form":
		words = "somebody begins to fill in a form"
	case t.Started != "":
		words = "somebody begins to fill in " + elementInWords(t.Started)
	case t.Read != "":
		return "somebody reads " + shown(t.Read) + " of " + t.pageInWords()
	case t.Stay != "":
		return "somebody looks at " + t.pageInWords() + " for " + durationInWords(t.Stay)
	case t.Event != "":
		words = "Sitecore's script in the page sends " + quoted(t.Event)
	default:
		return ""
	}
	if t.On != "" {
		words += ", on " + t.pageInWords()
	}
	return words
}

// pageInWords is the page on which it happens.
func (t *Trigger) pageInWords() string {
	if t.On == "" {
		return "a page"
	}
	return pathInWords("the page ", "a page like ", t.On)
}

func (t Click) inWords() string {
	to := map[string]string{"other-site": "to another site", "tel": "to a telephone number", "mailto": "to an e-mail address"}[t.To]
	if to == "" && t.To != "" {
		to = "to " + quoted(t.To)
	}
	switch {
	case t.Element == "":
		return "somebody clicks on a link " + to
	case to == "":
		return "somebody clicks on " + elementInWords(t.Element)
	}
	return "somebody clicks on " + elementInWords(t.Element) + " that leads " + to
}

func (t Played) inWords() string {
	film := elementInWords(t.Element)
	if slices.Contains([]string{"video", "audio"}, t.Element) {
		film = map[string]string{"video": "a film", "audio": "a sound"}[t.Element]
	}
	switch t.Part {
	case "", "start":
		return "somebody starts " + film
	case "end":
		return "somebody plays " + film + " to its end"
	}
	return "somebody plays " + shown(t.Part) + " of " + film
}

// elementInWords says an element by its name in data-goal, or by its selector.
func elementInWords(text string) string {
	if selector.IsName(text) {
		return "the element named " + shown(text)
	}
	return quoted(strings.TrimSpace(text))
}
