package visit

import (
	"crypto/sha256"
	"hash"
	"slices"
	"sync"

	"github.com/gorilla/securecookie"
)

// codec is securecookie with one key. securecookie makes an HMAC, and for it two
// hashes, for each cookie. Here the hashes are made once for each goroutine that is at
// it, and used again.
type codec struct{ free sync.Pool }

func newCodec(k Key, age int) *codec {
	// It never changes, and the caller's may.
	hashKey, blockKey := slices.Clone(k.Hash), slices.Clone(k.Block)
	c := new(codec)
	c.free.New = func() any {
		// An HMAC asks for two hashes when it is made, and for no more. They belong to
		// one goroutine until the cookie is done.
		hashes, next := [2]hash.Hash{sha256.New(), sha256.New()}, 0
		// securecookie has a limit of its own of 30 days, whatever the cookie's
		// limit is.
		return securecookie.New(hashKey, blockKey).MaxAge(age).MaxLength(2 * maxCookie).SetSerializer(securecookie.NopEncoder{}).
			HashFunc(func() hash.Hash {
				next = 1 - next
				hashes[next].Reset()
				return hashes[next]
			})
	}
	return c
}

// Encode implements [securecookie.Codec].
func (c *codec) Encode(name string, value any) (string, error) {
	s := c.free.Get().(*securecookie.SecureCookie)
	defer c.free.Put(s)
	return s.Encode(name, value)
}

// Decode implements [securecookie.Codec].
func (c *codec) Decode(name, value string, dst any) error {
	s := c.free.Get().(*securecookie.SecureCookie)
	defer c.free.Put(s)
	return s.Decode(name, value, dst)
}
