package accesslog

import (
	"bytes"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// value reads a value that is inside depth others.
func (s *jsonScanner) value(depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch s.next() {
	case '{':
		return s.object(depth)
	case '[':
		return s.array(depth)
	case '"':
		value, ok := s.quoted()
		s.keep(value)
		return ok
	case 't':
		return s.keepWord("true")
	case 'f':
		return s.keepWord("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

// next skips white space and returns the byte after it, or 0 at the end.
func (s *jsonScanner) next() byte {
	for ; s.pos < len(s.text); s.pos++ {
		switch c := s.text[s.pos]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// skip reads the byte c, if it is the next one.
func (s *jsonScanner) skip(c byte) bool {
	if s.next() != c {
		return false
	}
	s.pos++
	return true
}

func (s *jsonScanner) word(word string) bool {
	if !bytes.HasPrefix(s.text[s.pos:], []byte(word)) {
		return false
	}
	s.pos += len(word)
	return true
}

func (s *jsonScanner) object(depth int) bool {
	s.pos++
	if s.skip('}') {
		return true
	}
	outer := len(s.name)
	around := 0
	if len(s.inside) > 0 {
		around = s.inside[len(s.inside)-1].object
	}
	s.inside, s.around = append(s.inside, jsonInside{outer, len(s.around)}), append(s.around, around)
	for {
		if s.next() != '"' {
			return false
		}
		name, ok := s.quoted()
		if !ok || !s.skip(':') {
			return false
		}
		s.appendName(name)
		if !s.value(depth + 1) {
			return false
		}
		s.name = s.name[:outer]
		if s.skip('}') {
			s.inside = s.inside[:len(s.inside)-1]
			return true
		}
		if !s.skip(',') {
			return false
		}
	}
}

// array reads an array. Its first element counts as the value itself, because
// Caddy logs all values of a header and most headers have one.
func (s *jsonScanner) array(depth int) bool {
	s.pos++
	if s.skip(']') {
		return true
	}
	for first := true; ; first = false {
		if !s.value(depth + 1) {
			return false
		}
		if s.skip(']') {
			if !first {
				s.others--
			}
			return true
		}
		if !s.skip(',') {
			return false
		}
		if first {
			s.others++
		}
	}
}

// appendName appends the letters and digits of a name.
func (s *jsonScanner) appendName(name []byte) {
	for _, c := range name {
		switch {
		case 'A' <= c && c <= 'Z':
			s.name = append(s.name, c|0x20)
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			s.name = append(s.name, c)
		}
	}
}

// number reads a number.
func (s *jsonScanner) number() bool {
	start := s.pos
	s.sign("-")
	first := s.pos
	n := s.digits()
	if n == 0 || n > 1 && s.text[first] == '0' {
		return false
	}
	if s.sign(".") && s.digits() == 0 {
		return false
	}
	if s.sign("eE") {
		s.sign("+-")
		if s.digits() == 0 {
			return false
		}
	}
	s.keep(s.text[start:s.pos])
	return true
}

// sign reads one byte, if it is one of these.
func (s *jsonScanner) sign(of string) bool {
	if s.pos == len(s.text) || bytes.IndexByte([]byte(of), s.text[s.pos]) < 0 {
		return false
	}
	s.pos++
	return true
}

// digits reads digits and returns how many there were.
func (s *jsonScanner) digits() int {
	start := s.pos
	for s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}

// quoted reads a string. It also accepts the \xHH that nginx writes without
// escape=json, because old logs have it.
func (s *jsonScanner) quoted() ([]byte, bool) {
	start := s.pos + 1
	plain := s.text[start:start]
	for at := start; at < len(s.text); {
		switch c := s.text[at]; {
		case c == '"':
			s.pos = at + 1
			return plain, true
		case c < ' ':
			return nil, false
		case c != '\\':
			plain, at = append(plain, c), at+1
		default:
			if r, size := escapedRune(s.text[at:]); size > 0 {
				plain, at = utf8.AppendRune(plain, r), at+size
			} else if c, size := escaped(s.text[at:]); size > 0 {
				plain, at = append(plain, c), at+size
			} else {
				return nil, false
			}
		}
	}
	return nil, false
}

// escapedRune returns what an escape such as \u00e9 means, and its length; 0 if
// there is no escape. A character beyond U+FFFF is written as a pair of
// escapes.
func escapedRune(text []byte) (r rune, size int) {
	half := func(text []byte) (rune, bool) {
		if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
			return 0, false
		}
		n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
		return rune(n), err == nil
	}
	first, ok := half(text)
	if !ok {
		return 0, 0
	}
	if second, ok := half(text[6:]); ok {
		if r := utf16.DecodeRune(first, second); r != utf8.RuneError {
			return r, 12
		}
	}
	return first, 6 // half a pair becomes U+FFFD
}
