package deliver

import (
	"encoding/binary"
	"errors"

	"github.com/goaltrack/goaltrack/internal/atrest"
	"github.com/goaltrack/goaltrack/queue"
)

// Seal encrypts what a queue keeps of people's data: the user agent and the body of an
// event. Site, goal and type stay readable, so that somebody can see what waits. It is
// safe for concurrent use. A nil Seal seals nothing and opens nothing.
type Seal struct{ keys *atrest.Keys }

// sealUse is what the keys are for.
const sealUse = "goaltrack: events at rest, AES-256-GCM"

// NewSeal makes a seal. The first secret seals, and each opens. Without secrets, the seal
// is nil.
func NewSeal(secrets ...atrest.Secret) (*Seal, error) {
	keys, err := atrest.New(sealUse, secrets...)
	if keys == nil {
		return nil, err
	}
	return &Seal{keys}, nil
}

// Mark says of the items that are somebody's data that they are, and seals them.
func (s *Seal) Mark(items []queue.Item) {
	for i := range items {
		b := items[i].Body
		if len(b) < 2 || b[0] != envelopeVersion || b[1]&flagPrivate == 0 || b[1]&flagSealed != 0 {
			continue
		}
		items[i].Private = true
		if s == nil {
			continue
		}
		if e, err := ParseEnvelope(b); err == nil && e.awaited == 0 {
			items[i].Body = s.shut(&e)
		}
	}
}

// shut encodes an event as sealed.
func (s *Seal) shut(e *Envelope) []byte {
	head := *e
	head.Type = typeOf(e.body)
	out := head.appendSealedHead(make([]byte, 0, len(e.Site)+len(e.Goal)+len(e.UserAgent)+len(e.body)+128))
	plain := appendText(make([]byte, 0, len(e.UserAgent)+len(e.Address)+len(e.body)+2*binary.MaxVarintLen64), e.UserAgent)
	if e.Address != "" {
		plain = appendText(plain, e.Address)
	}
	plain = append(plain, e.body...)
	return s.keys.Shut(out, plain)
}

// errSealed says that none of the keys opens an event.
var errSealed = errors.New("goaltrack: sealed with a key that is not among Keys")

// Open opens an event if it is sealed. The error says that no key does.
func (s *Seal) Open(e *Envelope) error {
	if !e.Sealed() {
		return nil
	}
	if s == nil {
		return errSealed
	}
	plain, ok := s.keys.Open(e.appendSealedHead(nil), e.sealed)
	if !ok {
		return errSealed
	}
	opened := *e
	plain, err := cutText(plain, &opened.UserAgent)
	if err != nil {
		return err
	}
	opened.sealed = nil
	if err := opened.readRest(plain); err != nil {
		return err
	}
	*e = opened
	return nil
}

// Record is what [atrest.Forget] has to know of an event in a spool.
func (s *Seal) Record(entry queue.SpoolEntry) (atrest.Record, error) {
	e, err := ParseEnvelope(entry.Body)
	if err == nil {
		err = s.Open(&e)
	}
	if err != nil {
		return atrest.Record{}, err
	}
	r := atrest.Record{Text: e.body, Of: atrest.Browser(e.BrowserID())}
	if e.EventType() == "IDENTITY" {
		r.Says = []string{e.BrowserID(), entry.Key}
	}
	return r, nil
}
