package goaltrack

import (
	"bytes"
	"net/http"
)

// ConsentCookiebot reads the cookie CookieConsent of Cookiebot, as Cookiebot
// documents it for servers
// (https://www.cookiebot.com/en/developer/#h-server-side-usage):
//
//   - -1: the visitor is outside the regions where consent is asked. Cookiebot
//     takes this for consent to everything, so it is granted.
//   - 0: the visitor declined, so it is refused.
//   - a JavaScript object: its statistics is the answer for analytics, its
//     marketing the answer for marketing.
//
// Without the cookie, or with a value that is none of these, consent is
// unknown.
func ConsentCookiebot() func(*http.Request) Consent {
	return consentReader("CookieConsent", readCookiebot)
}

// readCookiebot reads {stamp:'...',necessary:true,statistics:false,...}. The
// value may be escaped in whole or in part, and its names may have quotes.
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
