package page

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"sync/atomic"
	"time"
)

// A page that the server has shown says later, by its script, that it is shown. If another
// process gets to know that, it takes the page for one that a cache answered, and counts it
// a second time. So the address of the script has a stamp, of the process that named it:
//
//	/goals/e/Zk3...mjs#pXw0AQAAaG1...
//
// The script sends the stamp with all it tells. If it is another process's, nobody here knows
// whether the page was shown. And if that process was at work while this one was, there are
// several: then not even a stamp of one's own says that this process has shown the page.
//
// What a browser does with the stamp is of no account: it is a fragment, which no server gets.

// process is this process, as long as it lives.
type process struct {
	id      [4]byte
	key     [8]byte // of all processes of the site
	keyed   bool    // they have one
	since   time.Time
	first   string      // its stamp when it began
	several atomic.Bool // there are others
}

// A stamp is an ID, the minute, and a code that proves both to whoever has the site's key.
const (
	stampCode   = 6
	stampBytes  = 4 + 4 + stampCode
	stampBegins = "p"
)

func (p *process) begin(key [8]byte, keyed bool) {
	_, _ = rand.Read(p.id[:])
	p.key, p.keyed, p.since = key, keyed, time.Now()
	p.first = p.stamp()
}

// stamp is that of this process, at this time. What the answers of a site contain has the
// first one, so that a page that is the same has the same ETag.
func (p *process) stamp() string {
	raw := append(make([]byte, 0, stampBytes), p.id[:]...)
	raw = binary.BigEndian.AppendUint32(raw, uint32(time.Now().Unix()/60)) //nolint:gosec // It fits for 8000 years.
	return stampBegins + base64.RawURLEncoding.EncodeToString(append(raw, p.code(raw)...))
}

func (p *process) code(raw []byte) []byte {
	mac := hmac.New(sha256.New, p.key[:])
	_, _ = mac.Write(raw)
	return mac.Sum(nil)[:stampCode]
}

// met is told of the stamp that a script sends. It reports whether another process may have
// shown the page, and whether this stamp is the first to prove that there is one. Messages
// without a stamp are not the script's: they prove nothing.
func (p *process) met(stamp string) (elsewhere, first bool) {
	code, ok := strings.CutPrefix(stamp, stampBegins)
	raw, err := base64.RawURLEncoding.DecodeString(code)
	if !ok || err != nil || len(raw) != stampBytes {
		return p.several.Load(), false
	}
	if [4]byte(raw) == p.id {
		return p.several.Load(), false
	}
	// Nobody can make one up, or keep one from before this process began, in order to have
	// pages of others not count. The clocks of two machines may differ by a minute.
	made := time.Unix(int64(binary.BigEndian.Uint32(raw[4:]))*60, 0)
	if p.keyed && made.Sub(p.since) > 2*time.Minute && time.Until(made) < 2*time.Minute && hmac.Equal(raw[8:], p.code(raw[:8])) {
		first = !p.several.Swap(true)
	}
	return true, first
}
