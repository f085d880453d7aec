package accesslog

import (
	"bytes"
	"strconv"
	"strings"
)

// readText reads a line of text, as far as its format is known.
func (l *Line) readText(line []byte) (f logFormat, ok bool) {
	switch {
	case isAWS(line):
		return awsFormat, l.readAWS(line)
	case line[0] == '[' && l.readEnvoy(line):
		return envoyFormat, true
	}
	return l.readCombined(line)
}

// readCombined reads a line of the common or the combined log format, with or
// without the name of the virtual host in front:
//
//	[host[:port]] client ident user [time] "request" status bytes ["referer" "user agent" ...]
//
// People write formats of their own beginning with these. Then the request is the first
// field in quotes, a time in brackets is before it, and the status follows it.
func (l *Line) readCombined(line []byte) (f logFormat, ok bool) {
	// A user name may contain spaces and brackets, but its quotes are escaped.
	// So the first quote is that of the request.
	end := bytes.Index(line, []byte(`] "`))
	if quote := bytes.IndexByte(line, '"'); end < 0 && quote > 0 {
		if l.readHAProxy(line, quote) {
			return haproxyFormat, true
		}
		return l.readOwn(line, quote)
	}
	start := bytes.LastIndexByte(line[:max(end, 0)], '[')
	if start < 0 {
		return f, false
	}
	l.Host = virtualHost(line[:start])
	l.Time = parseTime(line[start+1 : end])
	return l.readAnswer(line[end+2:])
}

// readOwn reads a line of a format of somebody's own, in which more stands between the
// time and the request.
func (l *Line) readOwn(line []byte, quote int) (f logFormat, ok bool) {
	start := bytes.IndexByte(line[:quote], '[')
	end := start + 1 + bytes.IndexByte(line[start+1:quote], ']')
	if start < 0 || end <= start {
		return f, false
	}
	if l.Time = parseTime(line[start+1 : end]); l.Time.IsZero() {
		return f, false
	}
	return l.readAnswer(line[quote:])
}

// readAnswer reads the request and what follows it.
func (l *Line) readAnswer(text []byte) (f logFormat, ok bool) {
	request, rest, ok := cutQuoted(text)
	if method, target := splitRequest(request); !ok || !l.setTarget(method, target) {
		return f, false
	}
	status, rest, _ := bytes.Cut(rest, []byte(" "))
	size, rest, _ := bytes.Cut(rest, []byte(" "))
	if isCacheWord(size) {
		size, rest, _ = bytes.Cut(rest, []byte(" "))
	}
	if string(size) == "-" {
		size = []byte("0") // what "-" means here, says mod_log_config of Apache of %b
	}
	if l.Bytes, ok = parseDigits(size); !ok || !l.setStatus(status) {
		return f, false
	}
	if len(rest) == 0 || rest[0] != '"' {
		return l.readLooks(rest), true
	}
	referer, rest, ok := cutQuoted(rest)
	if !ok {
		return f, false
	}
	agent, _, ok := cutQuoted(rest)
	l.Referer, l.UserAgent = present(referer), present(agent)
	return combinedFormat, ok
}

// readLooks finds the user agent and the referer among what stands behind the common
// format, such as a duration before them. It knows them by their looks, and leaves out
// what looks like neither.
func (l *Line) readLooks(rest []byte) logFormat {
	var room [maxQuoted]quotedField
	found := quotedFields(rest, room[:0])
	for i := range found {
		field, before := found[i].text, []byte(nil)
		if i > 0 {
			before = found[i-1].text
		}
		switch {
		case l.UserAgent == nil && looksLikeAgent(field):
			if l.UserAgent = field; looksLikeAddress(before) {
				l.Referer = before
			}
		case l.Referer == nil && looksLikeAddress(field) && looksLikeAgent(before):
			l.Referer = field
		case l.Referer == nil && l.UserAgent == nil && string(field) == "-" && looksLikeAddress(before):
			l.Referer = before // and no user agent
		}
	}
	if l.UserAgent == nil {
		return commonFormat
	}
	return combinedFormat
}

// maxQuoted is how many fields in quotes are looked at.
const maxQuoted = 16

// quotedField is a field in quotes, and where its quote begins.
type quotedField struct {
	text []byte
	at   int
}

// quotedFields appends the fields in quotes, as far as there is room in them.
func quotedFields(text []byte, fields []quotedField) []quotedField {
	for rest := text; len(fields) < cap(fields); {
		start := bytes.IndexByte(rest, '"')
		if start < 0 {
			break
		}
		field, after, ok := cutQuoted(rest[start:])
		if !ok {
			break
		}
		fields, rest = append(fields, quotedField{field, len(text) - len(rest) + start}), after
	}
	return fields
}

// looksLikeAgent reports whether a text begins with a product and its version, as RFC
// 9110, section 10.1.5, has it.
func looksLikeAgent(text []byte) bool {
	product, _, _ := bytes.Cut(text, []byte(" "))
	name, version, ok := bytes.Cut(product, []byte("/"))
	return ok && isToken(name) && len(version) > 0 && version[0] >= '0' && version[0] <= '9'
}

// looksLikeAddress reports whether a text is an address of the web.
func looksLikeAddress(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	_, _, ok := cutAbsolute(text)
	return ok
}

// virtualHost returns the host in front of the client, or nil. It looks at the
// identity after the client, which is "-" everywhere, because nobody asks for
// it any more.
func virtualHost(words []byte) []byte {
	host, words, _ := bytes.Cut(words, []byte(" "))
	client, words, _ := bytes.Cut(words, []byte(" "))
	if string(client) == "-" || !bytes.HasPrefix(words, []byte("- ")) || len(words) == len("- ") {
		return nil
	}
	return present(withoutPort(host))
}

// cutQuoted cuts a quoted field off the front, with the space after it. It
// unescapes the field in place. nginx with escape=none does not escape quotes
// inside a field; such a quote is one without a space after it.
func cutQuoted(text []byte) (field, rest []byte, ok bool) {
	if len(text) == 0 || text[0] != '"' {
		return nil, nil, false
	}
	for end := 1; ; end++ {
		next := bytes.IndexByte(text[end:], '"')
		if next < 0 {
			return nil, nil, false
		}
		end += next
		if last := end+1 == len(text); (last || text[end+1] == ' ') && !isEscaped(text[1:end]) {
			return unescape(text[1:end]), text[min(end+2, len(text)):], true
		}
	}
}

// isEscaped reports whether the byte after the text is escaped: whether the
// number of backslashes at the end of the text is odd.
func isEscaped(text []byte) bool {
	return (len(text)-len(bytes.TrimRight(text, `\`)))%2 == 1
}

// unescape undoes the escapes of Apache and nginx, in place. A backslash that
// begins no escape stays.
func unescape(text []byte) []byte {
	at := bytes.IndexByte(text, '\\')
	if at < 0 {
		return text
	}
	plain := text[:at]
	for at < len(text) {
		c, size := text[at], 1
		if c == '\\' {
			if meant, n := escaped(text[at:]); n > 0 {
				c, size = meant, n
			}
		}
		plain, at = append(plain, c), at+size
	}
	return plain
}

// escaped returns which byte the escape at the front of the text means, and how
// long the escape is. The length is 0 if there is no escape.
func escaped(text []byte) (c byte, size int) {
	if len(text) >= 4 && text[1] == 'x' {
		if n, err := strconv.ParseUint(string(text[2:4]), 16, 8); err == nil {
			return byte(n), 4
		}
	}
	if len(text) >= 2 {
		if i := strings.IndexByte(`"\/bfnrtv`, text[1]); i >= 0 {
			return "\"\\/\b\f\n\r\t\v"[i], 2
		}
	}
	return 0, 0
}
