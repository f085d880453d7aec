package accesslog

import (
	"bytes"
	"slices"
)

// wrappings takes off what programs put around the lines of a log.
type wrappings struct {
	partial [2][]byte // of the standard output and error, by CRI
}

// ansi begins the colours with which "docker compose logs" writes names.
var ansi = []byte("\x1b[")

// unwrap returns the line inside of another, or the line itself. more says that the rest of
// the line comes with one of the next.
func (w *wrappings) unwrap(line []byte) (inner []byte, more bool) {
	if line[0] == '{' || line[0] == '#' {
		return line, false
	}
	if rest, stream, tag, ok := cutCRI(line); ok {
		return w.join(rest, stream, tag)
	}
	if rest, ok := cutCompose(line); ok {
		if line = rest; len(line) == 0 {
			return nil, false // a container wrote an empty line
		}
	}
	if rest, ok := cutSyslog(line); ok {
		line = rest
	}
	return bytes.TrimSpace(line), false
}

// cutCRI cuts off what a container runtime writes before each line: a time, the stream, and
// whether the line is whole (F) or goes on (P). See
// https://github.com/kubernetes/design-proposals-archive/blob/main/node/kubelet-cri-logging.md
func cutCRI(line []byte) (rest []byte, stream int, tag byte, ok bool) {
	if line[0] < '0' || line[0] > '9' {
		return nil, 0, 0, false
	}
	_, rest, _ = bytes.Cut(line, []byte(" "))
	name, rest, _ := bytes.Cut(rest, []byte(" "))
	tags, rest, _ := bytes.Cut(rest, []byte(" "))
	switch string(name) {
	case "stdout":
	case "stderr":
		stream = 1
	default:
		return nil, 0, 0, false
	}
	if len(tags) == 0 || tags[0] != 'F' && tags[0] != 'P' {
		return nil, 0, 0, false
	}
	return rest, stream, tags[0], true
}

// cut returns how many lines have begun whose rest never came, as at the end of a file that
// was rotated meanwhile.
func (w *wrappings) cut() (n int64) {
	for _, part := range w.partial {
		if len(part) > 0 {
			n++
		}
	}
	return n
}

// join puts the parts of a line together. What gets longer than a line may be is given up.
func (w *wrappings) join(rest []byte, stream int, tag byte) (inner []byte, more bool) {
	part := &w.partial[stream]
	if tag == 'P' {
		if *part = append(*part, rest...); len(*part) > maxLine {
			*part = append((*part)[:0], "too long"...)
		}
		return nil, true
	}
	if len(*part) > 0 {
		rest = slices.Concat(*part, rest)
		*part = (*part)[:0]
	}
	return bytes.TrimSpace(rest), false
}

// cutCompose cuts off the name of the container, as in "web-1  | ".
func cutCompose(line []byte) (rest []byte, ok bool) {
	name, rest, found := bytes.Cut(line[:min(len(line), 100)], []byte("| "))
	if !found {
		return nil, false
	}
	name = withoutColours(name)
	if name = bytes.TrimRight(name, " "); len(name) == 0 || bytes.ContainsFunc(name, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	}) {
		return nil, false
	}
	return withoutColours(line[len(line[:min(len(line), 100)])-len(rest):]), true
}

// withoutColours cuts colours off both ends.
func withoutColours(text []byte) []byte {
	for bytes.HasPrefix(text, ansi) {
		end := bytes.IndexByte(text, 'm')
		if end < 0 {
			break
		}
		text = text[end+1:]
	}
	return text
}

// cutSyslog cuts off what syslog writes before a message: by RFC 5424, by RFC 3164, or as
// files have it. Files lack the priority, and may have a time by RFC 3339.
func cutSyslog(line []byte) (rest []byte, ok bool) {
	rest = line
	priority := false
	if rest[0] == '<' {
		end := bytes.IndexByte(rest[:min(len(rest), 5)], '>')
		if end < 2 || end+1 == len(rest) {
			return nil, false
		}
		rest, priority = rest[end+1:], true
		if bytes.HasPrefix(rest, []byte("1 ")) {
			return cutStructured(rest[2:])
		}
	}
	switch {
	case len(rest) > 16 && rest[3] == ' ' && rest[6] == ' ' && rest[9] == ':' && rest[12] == ':' && rest[15] == ' ':
		rest = rest[16:] // Oct 11 22:14:15
	case len(rest) > 20 && rest[4] == '-' && rest[10] == 'T':
		_, rest, _ = bytes.Cut(rest, []byte(" "))
	default:
		return nil, false
	}
	host, after, ok := bytes.Cut(rest, []byte(" "))
	if bytes.HasSuffix(host, []byte("]:")) {
		return after, ok // HAProxy names no host, unless it is told to
	}
	rest = after
	tag, message, found := bytes.Cut(rest, []byte(": "))
	if !ok || !found || bytes.IndexByte(tag, ' ') >= 0 && !priority {
		return nil, false
	}
	return message, true
}

// cutStructured cuts off the rest of a header by RFC 5424, and the structured data.
func cutStructured(rest []byte) (message []byte, ok bool) {
	for range 5 { // time, host, program, process, message ID
		if _, rest, ok = bytes.Cut(rest, []byte(" ")); !ok {
			return nil, false
		}
	}
	if bytes.HasPrefix(rest, []byte("-")) {
		return bytes.TrimPrefix(bytes.TrimSpace(rest[1:]), byteOrderMark), true
	}
	for bytes.HasPrefix(rest, []byte("[")) {
		end, quoted := 0, false
		for i := 1; i < len(rest) && end == 0; i++ {
			switch {
			case rest[i] == '\\' && quoted:
				i++
			case rest[i] == '"':
				quoted = !quoted
			case rest[i] == ']' && !quoted:
				end = i
			}
		}
		if end == 0 {
			return nil, false
		}
		rest, ok = rest[end+1:], true
	}
	return bytes.TrimPrefix(bytes.TrimSpace(rest), byteOrderMark), ok
}
