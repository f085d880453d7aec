package atrest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/queue"
)

// Person is whose data are to go: what is filed under a browser, or what is about an e-mail
// address. One of the two is set.
type Person struct{ BrowserID, Email string }

// Spool is a directory of a spool, and how its records are read. With an error of Record,
// Of may be set all the same.
type Spool struct {
	Dir    string
	Record func(queue.SpoolEntry) (Record, error)
}

// Record is what has to be known of a record of a spool.
type Record struct {
	// Text is JSON. Its values can have an e-mail address in them.
	Text []byte
	// Of reports whether the record is filed under a browser ID in lower case. What is
	// filed by the key of the spool is known without.
	Of func(browserID string) bool
	// Says are the browser IDs and keys of the person whose e-mail address is in Text.
	Says []string
}

// Browser is for Record.Of, where the browser ID is known.
func Browser(id string) func(string) bool {
	return func(other string) bool { return strings.EqualFold(id, other) }
}

// Forgotten says what [Forget] removed of a spool.
type Forgotten struct {
	queue.Erased
	// Closed is how many records could not be read, because they are sealed with a key
	// that was not given, or are of another version. They may be the person's.
	Closed int
}

// Forget removes a person's records from spools, those that wait and those that were given
// up, and overwrites them. They are those filed under the person's browser, and those with
// their e-mail address or its hash in them. If a record says that a browser is theirs, all
// records of that browser go, in all of the spools. No process may use them; see
// [queue.EraseSpool]. There is a result for each spool.
func Forget(who Person, spools ...Spool) ([]Forgotten, error) {
	f := forgetting{browsers: map[string]bool{}}
	done := make([]Forgotten, len(spools))
	if who.BrowserID != "" {
		f.browsers[strings.ToLower(who.BrowserID)] = true
	} else {
		f.email = web.FoldEmail(who.Email)
		sum := sha256.Sum256([]byte(f.email))
		f.hash = hex.EncodeToString(sum[:])
		// Nothing is erased before all browsers of the person are known.
		for _, s := range spools {
			if _, err := queue.EraseSpool(s.Dir, func(e queue.SpoolEntry) bool { return f.look(s, e) }); err != nil {
				return done, err
			}
		}
	}
	var err error
	for i, s := range spools {
		erased, failed := queue.EraseSpool(s.Dir, func(e queue.SpoolEntry) bool { return f.concerns(s, e, &done[i].Closed) })
		done[i].Erased, err = erased, errors.Join(err, failed)
	}
	return done, err
}

// forgetting is one search.
type forgetting struct {
	email, hash string
	browsers    map[string]bool // their IDs, and the keys of those who had none yet
}

// look notes whose browser a record is that says who somebody is.
func (f *forgetting) look(s Spool, entry queue.SpoolEntry) bool {
	if r, err := s.Record(entry); err == nil && len(r.Says) > 0 && f.names(r.Text) {
		for _, id := range r.Says {
			f.browsers[strings.ToLower(id)] = true
		}
		delete(f.browsers, "")
	}
	return false
}

// concerns reports whether a record is the person's, and counts those of which nobody knows.
func (f *forgetting) concerns(s Spool, entry queue.SpoolEntry, closed *int) bool {
	if f.browsers[strings.ToLower(entry.Key)] {
		return true
	}
	r, err := s.Record(entry)
	for id := range f.browsers {
		if r.Of != nil && r.Of(id) {
			return true
		}
	}
	if err != nil {
		*closed++
		return false
	}
	return f.email != "" && f.names(r.Text)
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
