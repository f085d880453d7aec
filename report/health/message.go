package health

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// The types of messages. Their names do not change.
const (
	Unwell = "goal.unwell"
	Well   = "goal.well"
)

// message is what a program is told.
type message struct {
	Type string    `json:"type"`
	Time time.Time `json:"timestamp"`
	Data about     `json:"data"`
}

// about is how a goal is doing.
type about struct {
	Goal     string    `json:"goal"`
	Label    string    `json:"label,omitempty"`
	Site     string    `json:"site,omitempty"`
	Expected int       `json:"expected"`
	Counted  uint64    `json:"counted"`
	Refused  uint64    `json:"refused"`
	Hours    int       `json:"hours"`
	Since    time.Time `json:"since"`
	Causes   []string  `json:"causes"`
	Text     string    `json:"text"`
}

// messageOf makes a message about a goal that has been unwell since a time.
func messageOf(kind string, s *State, since, now time.Time) []byte {
	causes := slices.Clone(s.Causes)
	if causes == nil {
		causes = []string{}
	}
	body, err := json.Marshal(message{kind, now.UTC().Truncate(time.Second), about{
		Goal: s.Goal.Name, Label: s.Goal.Label, Site: s.Site, Expected: s.Goal.Expect, Counted: s.Counted, Refused: s.Refused, Hours: Hours,
		Since: since.UTC().Truncate(time.Second), Causes: causes, Text: s.text(kind),
	}})
	if err != nil { // texts, numbers and lists always encode
		return nil
	}
	return body
}

// text says it in words: first that the rules changed, as that is the likeliest cause and
// the easiest to look at.
func (s *State) text(kind string) string {
	name := s.Goal.Label
	if name == "" {
		name = s.Goal.Name
	}
	if s.Site != "" {
		name += " on " + s.Site
	}
	counted := fmt.Sprintf("it counted %s in %d hours", times(s.Counted), Hours)
	if kind == Well {
		if s.Goal.Expect == 0 {
			return name + ": nothing is expected of it any more."
		}
		return fmt.Sprintf("%s is well again: %s.", name, counted)
	}
	var parts []string
	for _, cause := range s.Causes {
		switch cause {
		case RulesChanged:
			parts = append(parts, "The rules changed at "+s.Changed.UTC().Format("2006-01-02 15:04")+" UTC.")
		case TooFew:
			parts = append(parts, fmt.Sprintf("%s: %s, and at least %d are expected.", name, counted, s.Goal.Expect))
		case Delivery:
			parts = append(parts, name+": events of its site wait, and the CDP does not have them yet.")
		}
	}
	if s.Refused > 0 {
		parts = append(parts, s.refusedInWords())
	}
	return strings.Join(parts, " ")
}

func (s *State) refusedInWords() string {
	text := "The site refused " + forms(s.Refused)
	if slices.Contains(s.Causes, Refused) {
		text += fmt.Sprintf(", usually %.0f", math.Round(s.UsuallyRefused))
	}
	if s.NearMiss != "" {
		text += ", mostly: " + s.NearMiss
	}
	return text + "."
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func forms(n uint64) string {
	if n == 1 {
		return "1 form"
	}
	return fmt.Sprintf("%d forms", n)
}
