package deliver

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/goaltrack/goaltrack/queue"
)

// Seal encrypts what a queue keeps of people's data: the user agent and the body of an
// event. Site, goal and type stay readable, so that somebody can see what waits. It is
// safe for concurrent use. A nil Seal seals nothing and opens nothing.
//
// Each is sealed with AES-256-GCM and a random nonce of 96 bits. By NIST SP 800-38D,
// section 8.3, one key may seal 2^32 of them: ten a second for thirteen years.
type Seal struct{ keys []cipher.AEAD }

// sealUse is what the keys are derived for (RFC 5869): one key has one use.
const sealUse = "goaltrack: events at rest, AES-256-GCM"

// Secret is what a key is derived from: a key of the visit cookie, both parts of it.
type Secret struct{ Hash, Block []byte }

// NewSeal makes a seal. The first secret seals, and each opens. Without secrets, the seal
// is nil.
func NewSeal(secrets ...Secret) (*Seal, error) {
	if len(secrets) == 0 {
		return nil, nil
	}
	s := &Seal{}
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, slices.Concat(secret.Hash, secret.Block), nil, sealUse, 32)
		if err != nil {
			return nil, fmt.Errorf("goaltrack: seal: %w", err)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("goaltrack: seal: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("goaltrack: seal: %w", err)
		}
		s.keys = append(s.keys, aead)
	}
	return s, nil
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
	return s.keys[0].Seal(out, nil, plain, out) //nolint:gosec // It makes its own nonce.
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
	head := e.appendSealedHead(nil)
	for _, key := range s.keys {
		plain, err := key.Open(nil, nil, e.sealed, head)
		if err != nil {
			continue
		}
		opened := *e
		if plain, err = cutText(plain, &opened.UserAgent); err != nil {
			return err
		}
		opened.sealed = nil
		if err := opened.readRest(plain); err != nil {
			return err
		}
		*e = opened
		return nil
	}
	return errSealed
}
