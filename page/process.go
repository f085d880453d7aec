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

	"github.com/goaltrack/goaltrack/internal/hostname"
)

// A page that the server has shown says later, by its script, that it is shown. If another
// process gets to know that, it takes the page for one that a cache answered, and counts it
// a second time. So the address of the script has a stamp, of the process that named it:
//
//	/goals/e/Zk3...mjs#pXw0AQAAaG1...
//
// The script sends the stamp with all it tells. If it is another process's, nobody here knows
// whether the page was shown. And if that process was at work while this one was, there are
// several: then not even a stamp of one's own says that this process has shown the page. A
// stamp is good for one host, and for one environment and its CDP, so that a staging site with
// the same keys proves nothing.
//
// What a browser does with the stamp is of no account: it is a fragment, which no server gets.

// process is this process, as long as it lives.
type process struct {
	id      [4]byte
	key     [8]byte // of all processes of the site
	keyed   bool    // they have one
	since   time.Time
	several atomic.Bool // there are others
}

// A stamp is an ID, the minute, and a code that proves both for a host, to whoever has the
// site's key.
const (
	stampCode   = 6
	stampBytes  = 4 + 4 + stampCode
	stampBegins = "p"
)

func (p *process) begin(key [8]byte, keyed bool) {
	_, _ = rand.Read(p.id[:])
	p.key, p.keyed, p.since = key, keyed, time.Now()
}

// stamp is that of this process for a host, at a time.
func (p *process) stamp(host string, at time.Time) string {
	raw := append(make([]byte, 0, stampBytes), p.id[:]...)
	raw = binary.BigEndian.AppendUint32(raw, uint32(at.Unix()/60)) //nolint:gosec // It fits for 8000 years.
	return stampBegins + base64.RawURLEncoding.EncodeToString(append(raw, p.code(raw, host)...))
}

// settled is after which time a stamp proves something to a process that began together with
// this one, which is within two minutes.
const settled = 5 * time.Minute

// steady is a time for the stamp that the answers of a site contain. It seldom changes, so that
// a page that is the same has the same ETag.
func (p *process) steady() time.Time {
	switch age := time.Since(p.since); {
	case age < settled:
		return p.since
	case age < time.Hour:
		return p.since.Add(settled)
	default:
		return p.since.Add(age.Truncate(time.Hour))
	}
}

func (p *process) code(raw []byte, host string) []byte {
	mac := hmac.New(sha256.New, p.key[:])
	_, _ = mac.Write(raw)
	_, _ = mac.Write([]byte(hostname.Plain(host)))
	return mac.Sum(nil)[:stampCode]
}

// met is told of the stamp that a script on a host sends. It reports whether the stamp is that
// of another process, and whether it is the first to prove that there is one. Messages without
// a stamp are not the script's: they prove nothing.
func (p *process) met(stamp, host string) (another, first bool) {
	code, ok := strings.CutPrefix(stamp, stampBegins)
	raw, err := base64.RawURLEncoding.DecodeString(code)
	if !ok || err != nil || len(raw) != stampBytes || [4]byte(raw) == p.id {
		return false, false
	}
	// Nobody can make one up, or keep one from before this process began, in order to have
	// pages of others not count. The clocks of two machines may differ by a minute.
	made := time.Unix(int64(binary.BigEndian.Uint32(raw[4:]))*60, 0)
	if p.keyed && made.Sub(p.since) > 2*time.Minute && time.Until(made) < 2*time.Minute && hmac.Equal(raw[8:], p.code(raw[:8], host)) {
		first = !p.several.Swap(true)
	}
	return true, first
}
