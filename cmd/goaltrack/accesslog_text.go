package main

import (
	"bytes"
	"strconv"
	"strings"
)

// readText reads a line of the common or the combined log format, with or
// without the name of the virtual host in front:
//
//	[host[:port]] client ident user [time] "request" status bytes ["referer" "user agent" ...]
func (l *logLine) readText(line []byte) (f logFormat, ok bool) {
	// A user name may contain spaces and brackets, but its quotes are escaped.
	// So the first quote is that of the request.
	end := bytes.Index(line, []byte(`] "`))
	start := bytes.LastIndexByte(line[:max(end, 0)], '[')
	if start < 0 {
		return f, false
	}
	l.host = virtualHost(line[:start])
	l.time = parseTime(line[start+1 : end])
	request, rest, ok := cutQuoted(line[end+2:])
	if method, target := splitRequest(request); !ok || !l.setTarget(method, target) {
		return f, false
	}
	status, rest, _ := bytes.Cut(rest, []byte(" "))
	size, rest, _ := bytes.Cut(rest, []byte(" "))
	if string(size) == "-" {
		size = []byte("0") // what "-" means here, says mod_log_config of Apache of %b
	}
	if l.bytes, ok = parseDigits(size); !ok || !l.setStatus(status) {
		return f, false
	}
	if len(rest) == 0 || rest[0] != '"' {
		return commonFormat, true // the common format, perhaps with more at its end
	}
	referer, rest, ok := cutQuoted(rest)
	if !ok {
		return f, false
	}
	agent, _, ok := cutQuoted(rest)
	l.referer, l.userAgent = present(referer), present(agent)
	return combinedFormat, ok
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
