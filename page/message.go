package page

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/internal/script"
)

// said is a message as it is written.
type said struct {
	Goal *string            `json:"g"`
	ID   string             `json:"i"`
	Page string             `json:"u"`
	Data map[string]*string `json:"d"`
	Soft int                `json:"s"`
}

// parse reads the text of a message, nil if it is none. Members that it does not know mean
// nothing: a page decides no value, no currency and no identity.
func parse(text []byte) *script.Message {
	said, ok := skim(text)
	if !ok && json.Unmarshal(text, &said) != nil {
		return nil
	}
	return said.message()
}

// message is what is said, nil if it is out of bounds.
func (said *said) message() *script.Message {
	if said.Goal == nil || len(*said.Goal) > mostGoal || !isID(said.ID) || len(said.Data) > mostData || !strings.HasPrefix(said.Page, "/") {
		return nil
	}
	m := &script.Message{Goal: *said.Goal, ID: said.ID, Soft: said.Soft != 0}
	page, _, _ := strings.Cut(said.Page, "#")
	m.Path, m.Query, _ = strings.Cut(page, "?")
	if _, err := url.PathUnescape(m.Path); err != nil || strings.ContainsFunc(m.Path, isControl) {
		return nil
	}
	for name, value := range said.Data {
		switch {
		case len(name) > mostName || name == "":
			return nil
		case value == nil: // the element does not have it
			continue
		case len(*value) > mostValue:
			return nil
		case m.Data == nil:
			m.Data = make(map[string]string, len(said.Data))
		}
		m.Data[name] = *value
	}
	return m
}

// skim reads a message that is just as the script writes nearly all of them, without
// escapes and blanks, in a third of the time. It is not ok for any other.
func skim(text []byte) (m said, ok bool) {
	if bytes.IndexByte(text, '\\') >= 0 || !utf8.Valid(text) || bytes.ContainsFunc(text, func(c rune) bool { return c < ' ' }) {
		return m, false
	}
	rest := string(text)
	goal := skimText(&rest, `{"g":`)
	id, page := skimText(&rest, `,"i":`), skimText(&rest, `,"u":`)
	if goal == nil || id == nil || page == nil || !skimWord(&rest, `,"d":{`) {
		return said{}, false
	}
	m.Goal, m.ID, m.Page = goal, *id, *page
	for before := ""; !skimWord(&rest, "}"); before = "," {
		name := skimText(&rest, before)
		if name == nil || !skimWord(&rest, ":") {
			return said{}, false
		}
		var value *string
		if !skimWord(&rest, "null") {
			if value = skimText(&rest, ""); value == nil {
				return said{}, false
			}
		}
		if m.Data == nil {
			m.Data = make(map[string]*string, 1)
		}
		m.Data[*name] = value
	}
	if skimWord(&rest, `,"s":1`) {
		m.Soft = 1
	}
	return m, rest == "}"
}

// skimWord takes a word off the beginning of what is left, if it is there.
func skimWord(rest *string, word string) (ok bool) {
	*rest, ok = strings.CutPrefix(*rest, word)
	return ok
}

// skimText takes a text in quotes off it, behind a word; nil if it is not there.
func skimText(rest *string, word string) *string {
	if !skimWord(rest, word) || !skimWord(rest, `"`) {
		return nil
	}
	text, after, ok := strings.Cut(*rest, `"`)
	if !ok {
		return nil
	}
	*rest = after
	return &text
}

func isID(id string) bool { return len(id) >= leastID && len(id) <= mostID && isWord(id, ".-") }

// isWord reports whether a text has letters and digits alone, and these other characters.
func isWord(text, others string) bool {
	for _, c := range []byte(text) {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', strings.IndexByte(others, c) >= 0:
		default:
			return false
		}
	}
	return true
}

func isControl(c rune) bool { return c <= ' ' || c == 0x7f }
