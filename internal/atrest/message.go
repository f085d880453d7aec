package atrest

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/goaltrack/goaltrack/queue"
)

// Message is a message to a program of the user's, as package notify has it wait in a
// queue. It is encoded as
//
//	version (1 byte), flags (1 byte),
//	salt and mark (16 bytes each, if the flags say so), body
//
// A sealed message has what [Keys.Shut] made of the body in its place. The mark says whose
// it is to nobody but those who know the browser ID: it is an HMAC of that, with a salt of
// its own. So messages of one visitor cannot even be told from those of others.
type Message struct {
	Browser [16]byte // of whom it is, zero if that is not known
	Private bool     // it says who somebody is, or what they typed
	Body    []byte   // JSON
}

const (
	messageVersion = 2 // earlier ones were JSON, which begins with a brace
	messageSealed  = 1
	messageOf      = 2
	saltSize       = 16
	markSize       = 16
)

// MessageUse is what the keys of messages are for.
const MessageUse = "goaltrack: messages at rest, AES-256-GCM"

// Keep encodes a message, and seals it if it is private and there are keys.
func (k *Keys) Keep(m *Message) []byte {
	b := append(make([]byte, 0, 2+saltSize+markSize+len(m.Body)+32), messageVersion, 0)
	if m.Browser != [16]byte{} {
		b[1] |= messageOf
		var salt [saltSize]byte
		_, _ = rand.Read(salt[:]) // it never fails
		b = append(append(b, salt[:]...), markOf(salt[:], m.Browser[:])...)
	}
	if m.Private && k != nil {
		b[1] |= messageSealed
		return k.Shut(b, m.Body)
	}
	return append(b, m.Body...)
}

func markOf(salt, browser []byte) []byte {
	mac := hmac.New(sha256.New, salt)
	_, _ = mac.Write(browser)
	return mac.Sum(nil)[:markSize]
}

// errMessage says that nobody can read a message.
var errMessage = errors.New("goaltrack: not a message of a version this program knows")

// ErrNoKey says that a message is sealed with a key that is not there.
var ErrNoKey = errors.New("goaltrack: sealed with a key that is not among Keys")

// Text is the body of a message that Keep encoded.
func (k *Keys) Text(kept []byte) ([]byte, error) {
	head, rest, err := cutMessage(kept)
	switch {
	case err != nil:
		return nil, err
	case head == nil || head[1]&messageSealed == 0:
		return rest, nil
	}
	if plain, ok := k.Open(head, rest); ok {
		return plain, nil
	}
	return nil, ErrNoKey
}

// IsMessage reports whether bytes may be those of a message, and not those of an event.
func IsMessage(kept []byte) bool {
	return len(kept) > 0 && (kept[0] == messageVersion || kept[0] == '{')
}

// cutMessage tells what is before the body from the rest. There is nothing before that of an
// earlier version.
func cutMessage(b []byte) (head, rest []byte, err error) {
	switch {
	case len(b) > 0 && b[0] == '{':
		return nil, b, nil
	case len(b) < 2 || b[0] != messageVersion || b[1]&^(messageSealed|messageOf) != 0:
		return nil, nil, errMessage
	}
	n := 2
	if b[1]&messageOf != 0 {
		n += saltSize + markSize
	}
	if len(b) < n {
		return nil, nil, errMessage
	}
	return b[:n:n], b[n:], nil
}

// MessageRecord is what [Forget] has to know of a message in a spool. A message that no key
// opens is the person's if its mark says so; otherwise it is an error.
func (k *Keys) MessageRecord(entry queue.SpoolEntry) (r Record, err error) {
	head, _, err := cutMessage(entry.Body)
	if err != nil {
		return r, err
	}
	r.Of = func(browserID string) bool { return isMarked(head, browserID) }
	r.Text, err = k.Text(entry.Body)
	return r, err
}

func isMarked(head []byte, browserID string) bool {
	browser, err := hex.DecodeString(strings.ReplaceAll(browserID, "-", ""))
	if err != nil || head == nil || head[1]&messageOf == 0 {
		return false
	}
	salt, mark := head[2:2+saltSize], head[2+saltSize:]
	return hmac.Equal(markOf(salt, browser), mark)
}
