// Package atrest is about people's data where they lie on a disk until somebody took them:
// they are sealed there, and removed if the person asks for that. Events are sealed and read
// by package deliver, messages about goals by [Keys.Keep].
package atrest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"slices"
)

// Secret is what a key is derived from: a key of the visit cookie, both parts of it.
type Secret struct{ Hash, Block []byte }

// Keys seal and open for one use. They are safe for concurrent use. nil opens nothing.
//
// Each text is sealed with AES-256-GCM and a random nonce of 96 bits. By NIST SP 800-38D,
// section 8.3, one key may seal 2^32 of them: ten a second for thirteen years.
type Keys struct{ aeads []cipher.AEAD }

// New makes keys for a use, which has to be named in a few words: one key has one use (RFC
// 5869). The first secret seals, and each opens. Without secrets, they are nil.
func New(use string, secrets ...Secret) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, nil
	}
	k := &Keys{}
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, slices.Concat(secret.Hash, secret.Block), nil, use, 32)
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
		k.aeads = append(k.aeads, aead)
	}
	return k, nil
}

// Shut appends to head what it makes of a text. Whoever changes head cannot open it.
func (k *Keys) Shut(head, plain []byte) []byte {
	return k.aeads[0].Seal(head, nil, plain, head) //nolint:gosec // It makes its own nonce.
}

// Open returns the text that was sealed behind a head. It reports false if no key opens it.
func (k *Keys) Open(head, sealed []byte) (plain []byte, ok bool) {
	if k == nil {
		return nil, false
	}
	for _, aead := range k.aeads {
		if plain, err := aead.Open(nil, nil, sealed, head); err == nil {
			return plain, true
		}
	}
	return nil, false
}
