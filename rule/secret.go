package rule

import (
	"fmt"
	"net/textproto"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// allowed refuses what must never leave a request: credentials by header, and
// fields whose name says they are secret.
func (s *source) allowed() error {
	switch s.kind {
	case sourceHeader, sourceResponseHeader:
		s.name = textproto.CanonicalMIMEHeaderKey(s.name)
		switch {
		case slices.Contains(forbiddenHeaders, s.name):
			return fmt.Errorf("the header %s holds credentials and is never read", s.name)
		case !web.ValidToken(s.name):
			return fmt.Errorf("%q is not the name of a header", s.name)
		case s.name == "Host" && s.kind == sourceHeader:
			return &advice{"the host is no header to net/http", "if: { host: www.example.com }"}
		}
	case sourceCookie:
		if !web.ValidToken(s.name) {
			return fmt.Errorf("%q is not the name of a cookie", s.name)
		}
	default: // any name will do
	}
	switch s.kind {
	case sourceForm, sourceJSON, sourceQuery, sourceHeader, sourceResponseHeader, sourceResponseJSON, sourceCookie:
		if w := secretWord(s.name); w != "" {
			return fmt.Errorf("%q looks like a secret (%s) and is never read", s.name, w)
		}
	case sourceLiteral, sourcePath, sourceRedirect, sourceApp, sourceUTM, sourceReferrer: // who writes the rule or the application names it
	case sourceWholePath, sourceHost, sourceRoute, sourceResponseType: // without a name
	}
	return nil
}

var forbiddenHeaders = []string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"}

// secretWords are names of fields that hold secrets. They match whole words, so
// that "pin" is found in user_pin and cardPin, not in shipping.
var secretWords = []string{
	"password", "passwd", "passwort", "pwd", "passphrase", "secret", "token", "csrf", "xsrf", "jwt",
	"otp", "totp", "pin", "cvv", "cvc", "cvn", "csc", "iban", "ssn", "cc", "card", "cardnumber",
	"creditcard", "apikey", "sessionid",
}

// secretCompounds are secrets that people write in one word, in two or as a part
// of one: credit-card, apiKey, userpassword.
var secretCompounds = []string{
	"password", "passwort", "passwd", "creditcard", "cardnumber", "apikey", "sessionid",
	"accesstoken", "authtoken", "csrftoken", "refreshtoken",
}

// secretWord returns the word of name that says it is a secret, or "".
func secretWord(name string) string {
	for _, w := range words(name) {
		if slices.Contains(secretWords, w) {
			return w
		}
	}
	joined := strings.Join(words(name), "")
	for _, w := range secretCompounds {
		if strings.Contains(joined, w) {
			return w
		}
	}
	return ""
}
