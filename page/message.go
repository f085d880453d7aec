package page

import (
	"bytes"
	"encoding/json"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/internal/script"
)

// parse reads the text of a message, nil if it is none, and the stamp of the script. Members
// that it does not know mean nothing: a page decides no value, no currency and no identity.
func parse(text []byte) (m *script.Message, stamp string) {
	if m, stamp, ok := skim(text); ok {
		return m, stamp
	}
	var said struct {
		Goal *string            `json:"g"`
		ID   string             `json:"i"`
		Page string             `json:"u"`
		Data map[string]*string `json:"d"`
		Soft int                `json:"s"`
		From string             `json:"p"`
	}
	if json.Unmarshal(text, &said) != nil || said.Goal == nil {
		return nil, ""
	}
	m = message(*said.Goal, said.ID, said.Page)
	if m == nil || len(said.Data) > mostData {
		return nil, ""
	}
	m.Soft = said.Soft != 0
	for name, value := range said.Data {
		switch {
		case value == nil: // the element does not have it
			if !isName(name) {
				return nil, ""
			}
		case !add(m, name, *value):
			return nil, ""
		}
	}
	return m, said.From
}

// message is one about a page, nil if a part is out of bounds.
func message(goal, id, page string) *script.Message {
	if len(goal) > mostGoal || !isID(id) || !strings.HasPrefix(page, "/") {
		return nil
	}
	m := &script.Message{Goal: goal, ID: id}
	page, _, _ = strings.Cut(page, "#")
	m.Path, m.Query, _ = strings.Cut(page, "?")
	if _, err := url.PathUnescape(m.Path); err != nil || strings.ContainsFunc(m.Path, isControl) {
		return nil
	}
	return m
}

// add adds what an element says, if it is within bounds.
func add(m *script.Message, name, value string) bool {
	if !isName(name) || utf8.RuneCountInString(value) > mostValue {
		return false
	}
	if m.Data == nil {
		m.Data = make(map[string]string, 1)
	}
	m.Data[name] = value
	return true
}

func isName(name string) bool { return name != "" && len(name) <= mostName }

// skim reads a message that is just as the script writes nearly all of them, without
// escapes and blanks, in a third of the time. It is not ok for any other.
func skim(text []byte) (m *script.Message, stamp string, ok bool) {
	if bytes.IndexByte(text, '\\') >= 0 || !utf8.Valid(text) || bytes.ContainsFunc(text, func(c rune) bool { return c < ' ' }) {
		return nil, "", false
	}
	s := skimmer{rest: string(text), ok: true}
	goal, id, page := s.text(`{"g":"`), s.text(`,"i":"`), s.text(`,"u":"`)
	s.word(`,"d":{`)
	if !s.ok {
		return nil, "", false
	}
	m = message(goal, id, page)
	for begins := `"`; m != nil && !s.has("}"); begins = `,"` {
		name := s.text(begins)
		switch s.word(":"); {
		case !s.ok, s.has("null"):
			m = nil // the other way says why
		case !add(m, name, s.text(`"`)), len(m.Data) > mostData:
			m = nil
		}
	}
	if m == nil || !s.ok {
		return nil, "", false
	}
	m.Soft = s.has(`,"s":1`)
	if s.has(`,"p":"`) {
		stamp = s.text("")
	}
	return m, stamp, s.ok && s.rest == "}"
}

// skimmer takes apart what is left of a text, as long as all is as expected.
type skimmer struct {
	rest string
	ok   bool
}

// has takes a word off, if it comes next.
func (s *skimmer) has(word string) (has bool) {
	s.rest, has = strings.CutPrefix(s.rest, word)
	return has
}

// word takes off a word that has to come next.
func (s *skimmer) word(word string) { s.ok = s.has(word) && s.ok }

// text takes off a word, and returns what follows up to the next quotation mark.
func (s *skimmer) text(word string) (text string) {
	s.word(word)
	var ends bool
	text, s.rest, ends = strings.Cut(s.rest, `"`)
	s.ok = s.ok && ends
	return text
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
