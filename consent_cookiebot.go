package goaltrack

import (
	"bytes"
	"net/http"
)

// ConsentCookiebot reads the cookie of Cookiebot, CookieConsent, as its page for
// developers shows it for servers
// (https://www.cookiebot.com/en/developer/#h-server-side-usage): -1 for a
// visitor outside the regions where consent is asked, which Cookiebot takes for
// consent to all; 0 for one who declined; and otherwise an object in the
// notation of JavaScript, whose statistics is the answer for analytics and whose
// marketing that for marketing. Without the cookie he has not answered.
func ConsentCookiebot() func(*http.Request) Consent {
	return consentReader("CookieConsent", readCookiebot)
}

// readCookiebot reads {stamp:'...',necessary:true,statistics:false,...},
// perhaps escaped in whole or in part, perhaps with quotes around the names.
func readCookiebot(value string) Consent {
	switch value {
	case "-1":
		return ConsentGranted
	case "0":
		return ConsentRefused
	}
	var buf [512]byte
	text := appendUnescaped(buf[:0], value)
	if len(text) < 2 || text[0] != '{' || text[len(text)-1] != '}' {
		return ConsentUnknown
	}
	var statistics, marketing answer
	for rest := text[1 : len(text)-1]; len(rest) > 0; {
		var name, word []byte
		var ok bool
		if name, rest, ok = bytes.Cut(rest, []byte{':'}); !ok {
			return ConsentUnknown
		}
		if word, rest, ok = cookiebotWord(rest); !ok {
			return ConsentUnknown
		}
		switch string(bytes.Trim(name, ` '"`)) {
		case "statistics":
			statistics.add(word, "true", "false")
		case "marketing":
			marketing.add(word, "true", "false")
		}
	}
	return MixedConsent(statistics.consent, marketing.consent)
}

// cookiebotWord cuts off the value at the beginning of text and the comma after
// it. A quoted one may have commas in it; ok is false if it does not end.
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
