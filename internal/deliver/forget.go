package deliver

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/queue"
)

// Person is whose events are to go: those of a browser, or those about an e-mail address.
// One of the two is set.
type Person struct{ BrowserID, Email string }

// Forgotten says what [Forget] removed.
type Forgotten struct {
	queue.Erased
	// Closed is how many events could not be read, because they are sealed with a key
	// that was not given, or are of another version. They may be the person's.
	Closed int
}

// Forget removes from the spool in dir what waits and what was given up, and overwrites it,
// if it is a person's: events of their browser, and events that have their e-mail address
// or its hash in them. If an event says that a browser is theirs, all events of that
// browser go. No process may use the spool; see [queue.EraseSpool].
func (s *Seal) Forget(dir string, who Person) (Forgotten, error) {
	f := forgetting{seal: s, browsers: map[string]bool{}}
	if who.BrowserID != "" {
		f.browsers[strings.ToLower(who.BrowserID)] = true
	} else {
		f.email = web.FoldEmail(who.Email)
		sum := sha256.Sum256([]byte(f.email))
		f.hash = hex.EncodeToString(sum[:])
		// Nothing is erased before all browsers of the person are known.
		if _, err := queue.EraseSpool(dir, f.look); err != nil {
			return Forgotten{}, err
		}
	}
	erased, err := queue.EraseSpool(dir, f.concerns)
	return Forgotten{Erased: erased, Closed: f.closed}, err
}

// forgetting is one search.
type forgetting struct {
	seal        *Seal
	email, hash string
	browsers    map[string]bool // their IDs, and the keys of those who had none yet
	closed      int
}

// look notes whose browser an event is that says who somebody is.
func (f *forgetting) look(entry queue.SpoolEntry) bool {
	if e, err := f.open(entry); err == nil && e.EventType() == "IDENTITY" && f.names(e.body) {
		f.browsers[strings.ToLower(e.BrowserID())] = true
		f.browsers[strings.ToLower(entry.Key)] = true
		delete(f.browsers, "")
	}
	return false
}

// concerns reports whether an event is the person's.
func (f *forgetting) concerns(entry queue.SpoolEntry) bool {
	if f.browsers[strings.ToLower(entry.Key)] {
		return true
	}
	e, err := f.open(entry)
	if err != nil {
		f.closed++
		return false
	}
	return f.browsers[strings.ToLower(e.BrowserID())] || f.email != "" && f.names(e.body)
}

func (f *forgetting) open(entry queue.SpoolEntry) (Envelope, error) {
	e, err := ParseEnvelope(entry.Body)
	if err == nil {
		err = f.seal.Open(&e)
	}
	return e, err
}

// names reports whether a text in an encoded event has the e-mail address, or is its hash.
func (f *forgetting) names(body []byte) bool {
	decoder := json.NewDecoder(bytes.NewReader(body))
	for {
		token, err := decoder.Token()
		if err != nil {
			return false
		}
		if text, ok := token.(string); ok && (strings.EqualFold(text, f.hash) || hasAddress(strings.ToLower(text), f.email)) {
			return true
		}
	}
}

// hasAddress reports whether a text has an e-mail address, not as a part of a longer one.
func hasAddress(text, address string) bool {
	for from := 0; ; {
		at := strings.Index(text[from:], address)
		if at < 0 {
			return false
		}
		at += from
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		if !isOfAddress(before) && !goesOn(text[at+len(address):]) {
			return true
		}
		from = at + 1
	}
}

// isOfAddress reports whether a character may stand before the rest of an address (RFC
// 5322, section 3.2.3).
func isOfAddress(r rune) bool {
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~.", r))
}

// goesOn reports whether the host of an address goes on: with a letter, or with a dot or a
// hyphen and a letter.
func goesOn(rest string) bool {
	rest = strings.TrimLeft(rest, "-")
	rest = strings.TrimPrefix(rest, ".")
	next, _ := utf8.DecodeRuneInString(rest)
	return next != utf8.RuneError && (unicode.IsLetter(next) || unicode.IsDigit(next))
}
