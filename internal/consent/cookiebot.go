package consent

import "bytes"

// Cookiebot reads {stamp:'...',necessary:true,statistics:false,...}. The
// value may be escaped in whole or in part, and its names may have quotes.
func Cookiebot(value string) Answer {
	switch value {
	case "-1":
		return Granted
	case "0":
		return Refused
	}
	var buf [512]byte
	text := AppendUnescaped(buf[:0], value)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return Unknown
	}
	var statistics, marketing opinion
	for rest := text[1 : len(text)-1]; len(rest) > 0; {
		var name, word []byte
		var ok bool
		if name, rest, ok = bytes.Cut(rest, []byte{':'}); !ok {
			return Unknown
		}
		if word, rest, ok = cookiebotWord(rest); !ok {
			return Unknown
		}
		switch string(bytes.Trim(name, ` '"`)) {
		case "statistics":
			statistics.add(word, "true", "false")
		case "marketing":
			marketing.add(word, "true", "false")
		}
	}
	return Mixed(statistics.answer, marketing.answer)
}

// cookiebotWord cuts off the value at the beginning of text and the comma after
// it. A quoted value may contain commas; ok is false if its quote does not end.
func cookiebotWord(text []byte) (word, rest []byte, ok bool) {
	text = bytes.TrimLeft(text, " ")
	if len(text) > 0 && (text[0] == '\'' || text[0] == '"') {
		if word, rest, ok = bytes.Cut(text[1:], text[:1]); !ok {
			return nil, nil, false
		}
		_, rest, _ = bytes.Cut(rest, []byte{','})
		return word, rest, true
	}
	word, rest, _ = bytes.Cut(text, []byte{','})
	return bytes.TrimRight(word, " "), rest, true
}
