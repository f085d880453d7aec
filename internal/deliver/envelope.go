package deliver

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"time"

	"github.com/goaltrack/goaltrack/internal/ext"
)

// Envelope is what a queue keeps of an event: the body as the CDP will get it,
// and what is needed to send and account for it. Its encoding is
//
//	version (1 byte), flags (1 byte),
//	site, goal and user agent (each a uvarint length and the bytes),
//	the visitor's address (likewise, if the flags say so), body,
//	the number of a request that waits (8 bytes, if the flags say so)
//
// Of a sealed event, which a flag says, site and goal are followed by its type, and by what
// [Seal] made of user agent, address and body. Earlier versions find no event in it:
//
//	version, flags, site, goal, type, sealed, the number of a request that waits
//
// The body is kept encoded, so that a worker need not parse it. What is only known
// later is spliced in: a browser ID, and that the event is late. This is safe by what
// cdp.Event.AppendJSON promises about its layout.
type Envelope struct {
	Site, Goal, UserAgent string
	HasExt                bool
	DropLate              bool   // rather dropped than sent late
	DropStale             bool   // rather dropped than sent after its session
	Private               bool   // somebody's data
	Address               string // the visitor's, to be sent with the event; nearly always ""
	hasAddress            bool   // of a sealed event
	Type                  string // of a sealed event
	body                  []byte
	sealed                []byte // in place of user agent and body
	awaited               uint64 // a request waits for its fate under this number; see waits
}

const (
	envelopeVersion = 1
	flagExt         = 1
	flagDropLate    = 2
	flagAwaited     = 4
	flagDropStale   = 8 // earlier versions do not know it, and send the event
	flagPrivate     = 16
	flagSealed      = 32
	flagAddress     = 64 // earlier versions do not know it, and find no event
)

// Sealed reports whether the event is sealed, so that its body and browser ID are not known.
func (e *Envelope) Sealed() bool { return e.sealed != nil }

// AppendHead appends all but the body.
func (e *Envelope) AppendHead(dst []byte) []byte {
	dst = appendTexts(append(dst, envelopeVersion, e.flags()), e.Site, e.Goal, e.UserAgent)
	if e.Address != "" {
		dst = appendText(dst, e.Address)
	}
	return dst
}

// appendSealedHead appends what is readable of a sealed event. It is sealed with the rest,
// so that nobody can make another site's event of it.
func (e *Envelope) appendSealedHead(dst []byte) []byte {
	return appendTexts(append(dst, envelopeVersion, e.flags()|flagSealed), e.Site, e.Goal, e.Type)
}

func (e *Envelope) flags() (flags byte) {
	if e.HasExt {
		flags |= flagExt
	}
	if e.DropLate {
		flags |= flagDropLate
	}
	if e.DropStale {
		flags |= flagDropStale
	}
	if e.Private {
		flags |= flagPrivate
	}
	if e.Address != "" || e.hasAddress {
		flags |= flagAddress
	}
	return flags
}

func appendTexts(dst []byte, texts ...string) []byte {
	for _, s := range texts {
		dst = appendText(dst, s)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// cutText reads what appendText wrote, and returns the rest.
func cutText(b []byte, into *string) (rest []byte, err error) {
	n, used := binary.Uvarint(b)
	if used <= 0 || n > uint64(len(b[used:])) {
		return nil, errEnvelope
	}
	*into = string(b[used : used+int(n)]) //nolint:gosec // n is at most len(b).
	return b[used+int(n):], nil           //nolint:gosec // As above.
}

var errEnvelope = errors.New("goaltrack: not an event of a version this program knows")

// ParseEnvelope reads what AppendHead and the body wrote. The body shares b. It
// is checked just enough to be completed safely. A sealed event has to be opened.
func ParseEnvelope(b []byte) (e Envelope, err error) {
	if len(b) < 2 || b[0] != envelopeVersion {
		return e, errEnvelope
	}
	third := &e.UserAgent
	isSealed := b[1]&flagSealed != 0
	if isSealed {
		third = &e.Type
	}
	e.HasExt, e.DropLate, e.DropStale = b[1]&flagExt != 0, b[1]&flagDropLate != 0, b[1]&flagDropStale != 0
	e.Private, e.hasAddress = b[1]&flagPrivate != 0, b[1]&flagAddress != 0
	awaited := b[1]&flagAwaited != 0
	b = b[2:]
	if awaited {
		end := len(b) - awaitedSize
		if end < 0 {
			return e, errEnvelope
		}
		e.awaited, b = binary.BigEndian.Uint64(b[end:]), b[:end:end]
	}
	for _, into := range [...]*string{&e.Site, &e.Goal, third} {
		if b, err = cutText(b, into); err != nil {
			return e, err
		}
	}
	if isSealed {
		e.sealed = b
		return e, nil
	}
	return e, e.readRest(b)
}

// readRest reads what follows the user agent.
func (e *Envelope) readRest(b []byte) (err error) {
	if e.hasAddress {
		if b, err = cutText(b, &e.Address); err != nil {
			return err
		}
	}
	if e.body = b; !e.hasLayout() {
		return errEnvelope
	}
	return nil
}

// hasLayout reports whether the body begins and ends like one that can be
// completed.
func (e *Envelope) hasLayout() bool {
	rest, ok := bytes.CutPrefix(e.body, []byte(idPrefix))
	_, rest, closed := bytes.Cut(rest, []byte{'"'})
	if !ok || !closed {
		return false
	}
	if e.HasExt {
		return bytes.HasSuffix(rest, []byte("}}")) && !bytes.HasSuffix(rest, []byte("{}}"))
	}
	return bytes.HasSuffix(rest, []byte("}"))
}

const idPrefix = `{"browser_id":"`

// BrowserID returns the ID in the body, "" if there is none yet.
func (e *Envelope) BrowserID() string {
	rest, ok := bytes.CutPrefix(e.body, []byte(idPrefix))
	if !ok {
		return ""
	}
	id, _, _ := bytes.Cut(rest, []byte{'"'})
	return string(id)
}

// EventType is the type of the event, "" if it is not known.
func (e *Envelope) EventType() string {
	if e.Type != "" {
		return e.Type
	}
	return typeOf(e.body)
}

// typeOf reads the type in an encoded event.
func typeOf(body []byte) string {
	var event struct{ Type string }
	if json.Unmarshal(body, &event) != nil {
		return ""
	}
	return event.Type
}

// setBrowserID puts an ID into a copy of the body, which belongs to the queue.
func (e *Envelope) setBrowserID(id string) {
	old, rest, _ := bytes.Cut(e.body[len(idPrefix):], []byte{'"'})
	if string(old) != id {
		e.body = []byte(idPrefix + id + `"` + string(rest))
	}
}

// WithBrowserID returns an item of the queue with another browser ID.
func WithBrowserID(item []byte, id string) ([]byte, error) {
	e, err := ParseEnvelope(item)
	switch {
	case err != nil:
		return nil, err
	case e.Sealed():
		return nil, errSealed
	}
	e.setBrowserID(id)
	return append(e.AppendHead(nil), e.body...), nil
}

// lateAfter is how old an event may be before it says when it happened. The
// CDP dates events by their arrival.
const lateAfter = time.Minute

// markLate adds to ext when the event happened.
func (e *Envelope) markLate(at time.Time) {
	if e.HasExt && !e.hasRoom() {
		return // the CDP would refuse more
	}
	stamp := at.UTC().Format(time.RFC3339)
	e.body = appendToExt(e.body, e.HasExt, `"`+ext.OccurredAt+`":"`+stamp+`","`+ext.Late+`":true`)
	e.HasExt = true
}

// hasRoom reports whether ext has room for what markLate adds: the CDP takes 50 attributes.
// What goaltrack makes always has.
func (e *Envelope) hasRoom() bool {
	var event struct{ Ext map[string]json.RawMessage }
	return json.Unmarshal(e.body, &event) != nil || len(event.Ext)+2 <= 50
}

// appendToExt adds members to the ext object at the end of an encoded event.
func appendToExt(body []byte, hasExt bool, members string) []byte {
	out := append(make([]byte, 0, len(body)+len(members)+10), body...)
	if hasExt {
		return append(append(append(out[:len(out)-2], ','), members...), '}', '}')
	}
	return append(append(append(out[:len(out)-1], `,"ext":{`...), members...), '}', '}')
}
