package accesslog

import (
	"bufio"
	"bytes"
	"io"
	"strings"
)

// splitter writes each object of a list of JSON in a line of its own: of [{...}, {...}], and
// of {"records": [...]} as Azure's Event Hub has them. It also writes an object in one line
// that stands in several.
type splitter struct {
	in     *bufio.Reader
	around int // brackets around an object
	out    []byte

	open   int  // brackets that are open
	mid    bool // something of the line was read
	plain  bool // the line is no JSON
	loose  bool // something stands between the objects of a list
	text   bool
	escape bool
	err    error
}

// records begins what Azure sends to an Event Hub
// (https://learn.microsoft.com/en-us/azure/azure-monitor/platform/stream-monitoring-data-event-hubs).
var records = []byte(`"records"`)

// split returns the lines of a text that may be JSON in another form than one object a line.
func split(in *bufio.Reader) io.Reader {
	start, _ := in.Peek(512)
	start = bytes.TrimLeft(bytes.TrimPrefix(start, byteOrderMark), " \t\r\n")
	s := &splitter{in: in}
	switch {
	case len(start) < 2:
		return in
	case start[0] == '[' && bytes.HasPrefix(bytes.TrimLeft(start[1:], " \t\r\n"), []byte("{")):
		s.around = 1
	case start[0] != '{':
		return in
	case bytes.HasPrefix(bytes.TrimLeft(start[1:], " \t\r\n"), records):
		s.around = 2
	case start[1] == '\n' || start[1] == '\r':
	default:
		return in
	}
	return s
}

func (s *splitter) Read(b []byte) (n int, err error) {
	for len(s.out) == 0 && s.err == nil {
		s.fill()
	}
	if len(s.out) == 0 {
		return 0, s.err
	}
	n = copy(b, s.out)
	s.out = s.out[:copy(s.out, s.out[n:])]
	return n, nil
}

// fill reads some of the text.
func (s *splitter) fill() {
	if _, err := s.in.Peek(1); err != nil {
		s.err = err
		return
	}
	chunk, _ := s.in.Peek(s.in.Buffered())
	for _, c := range chunk {
		s.take(c)
	}
	_, _ = s.in.Discard(len(chunk)) // they are in the buffer
}

// take takes one byte.
func (s *splitter) take(c byte) {
	inside := s.open > s.around
	if s.open == 0 && s.isPlain(c) { // other lines may follow, as in files that were joined
		s.out = append(s.out, c)
		return
	}
	switch {
	case s.text:
		s.text = s.escape || c != '"'
		s.escape = !s.escape && c == '\\'
	case c == '"':
		s.text = true
	case c == '{' || c == '[':
		s.endLoose()
		s.open++
		inside = s.open > s.around
	case c == '}' || c == ']':
		if s.open > 0 {
			s.open--
		}
		s.endLoose()
		if inside && s.open == s.around {
			s.out = append(s.out, c, '\n')
			return
		}
	case c == '\n' || c == '\r':
		c = ' '
	}
	switch {
	case inside:
		s.out = append(s.out, c)
	case s.open == s.around: // between objects
		s.between(c)
	}
}

// between takes a byte of a list that is in none of its objects. What is more than a comma gets
// a line of its own, so that it is counted.
func (s *splitter) between(c byte) {
	switch {
	case strings.IndexByte(" ,[]", c) < 0:
		s.out, s.loose = append(s.out, c), true
	case s.loose && c == ',':
		s.endLoose()
	}
}

func (s *splitter) endLoose() {
	if s.loose {
		s.out, s.loose = append(s.out, '\n'), false
	}
}

// isPlain reports whether a byte between two texts of JSON is one of a line that is none.
func (s *splitter) isPlain(c byte) bool {
	switch {
	case c == '\n' || c == '\r':
		plain := s.plain
		s.mid, s.plain = false, false
		return plain
	case s.plain:
		return true
	case !s.mid && strings.IndexByte(" \t,{[]}\xef\xbb\xbf", c) < 0:
		s.plain = true
	}
	s.mid = s.mid || c == '{' || c == '['
	return s.plain
}
