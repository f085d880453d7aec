package goaltrack

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/goaltrack/goaltrack/internal/web"
)

// Key seals visit cookies: Hash signs them (HMAC-SHA-256), Block encrypts them
// (AES). All instances of a site need the same.
type Key struct {
	// Hash is at least 32 random bytes.
	Hash []byte
	// Block is 16, 24 or 32 random bytes, for AES-128, AES-192 or AES-256.
	Block []byte
}

func (k Key) validate() error {
	var errs configFaults
	if len(k.Hash) < 32 {
		errs.add("Hash: %d bytes are fewer than 32", len(k.Hash))
	}
	if n := len(k.Block); n != 16 && n != 24 && n != 32 {
		errs.add("Block: %d bytes are none of 16, 24, 32", n)
	}
	return errors.Join(errs...)
}

// visitCookie reads and writes a site's visit cookie: "<minute>.<sealed>". The
// minute of the visitor's last page stands outside the seal, so that it moves
// without cryptography. It says nothing but whether the session goes on: whoever
// forges it can end his session, or prolong one that began less than a day ago,
// and could as well have deleted the cookie or asked for a page.
type visitCookie struct {
	name       string
	attributes string // "; Max-Age=..."
	codecs     []securecookie.Codec
	room       int   // bytes of the payload
	session    int64 // minutes without a request that end a session
	zone       *time.Location
}

const (
	// maxVisitCookie bounds the whole Set-Cookie line, so that the cookie takes
	// little of the 8 KiB that servers commonly accept in all headers.
	maxVisitCookie = 1 << 10
	// maxVisitAge is the longest that browsers keep a cookie
	// (https://developer.chrome.com/blog/cookie-max-age-expires).
	maxVisitAge = 400 * 24 * time.Hour
	// maxSession ends a session that never pauses.
	maxSession = 24 * 60
	// clockSkew is by how many minutes the clocks of a site's servers may differ.
	clockSkew = 5
	// moveEvery is how many minutes old the minute is before a page moves it.
	moveEvery = 5
)

func newVisitCookie(s Site, c Cookie, keys []Key) (visitCookie, error) {
	sum := sha256.Sum256([]byte(s.Name))
	age := min(c.MaxAge, maxVisitAge)
	tail := "; HttpOnly; SameSite=Lax; Secure; Path=" + c.Path
	if c.Domain != "" {
		tail += "; Domain=" + c.Domain
	}
	v := visitCookie{
		name:       "gt_" + hex.EncodeToString(sum[:4]),
		attributes: "; Max-Age=" + strconv.FormatInt(int64(age/time.Second), 10) + tail,
		session:    int64((s.SessionLength + time.Minute - 1) / time.Minute),
	}
	v.room = payloadRoom(maxVisitCookie - len(v.name) - len("=00000000.") - len(v.attributes))
	if v.room < memoryRoom/2 {
		return v, errors.New("Cookie: Domain and Path are so long that the visit cookie has no room")
	}
	var errs configFaults
	var err error
	if v.zone, err = web.LoadZone(s.TimeZone); err != nil {
		errs.add("TimeZone: %w", err)
	}
	for i, k := range keys {
		// securecookie's own limit is 30 days, whatever the cookie's is.
		codec := securecookie.New(slices.Clone(k.Hash), slices.Clone(k.Block)).MaxAge(int(age / time.Second)).
			MaxLength(maxVisitCookie).SetSerializer(securecookie.NopEncoder{})
		if err := tryCodec(codec, v.name); err != nil {
			errs.add("Keys[%d]: %w", i, err)
		}
		v.codecs = append(v.codecs, codec)
	}
	return v, errors.Join(errs...)
}

// tryCodec seals and opens once: securecookie reports a bad key no sooner.
func tryCodec(c securecookie.Codec, name string) error {
	const probe = "probe"
	sealed, err := c.Encode(name, []byte(probe))
	if err != nil {
		return err
	}
	var opened []byte
	if err = c.Decode(name, sealed, &opened); err == nil && string(opened) != probe {
		err = errors.New("what was sealed opens as something else")
	}
	return err
}

// newKey makes a key for this process alone.
func newKey() Key {
	return Key{Hash: securecookie.GenerateRandomKey(32), Block: securecookie.GenerateRandomKey(32)}
}

// sealedLength is how long securecookie makes a payload: encrypted behind 16
// random bytes and in base64, between a time and a signature of 32 bytes, and
// that in base64 again.
func sealedLength(payload int) int {
	base64 := base64.URLEncoding.EncodedLen
	return base64(len("0000000000|") + base64(16+payload) + len("|") + sha256.Size)
}

// payloadRoom is how long a payload may be, to fit sealed.
func payloadRoom(sealed int) (n int) {
	for sealedLength(n+1) <= sealed {
		n++
	}
	return n
}

// find returns the cookie's first two values of the right form. A request may
// have several: of another Domain or Path, or as a remnant of other settings.
func (c *visitCookie) find(h http.Header) (values [2]string) {
	n := 0
	web.CookieValue(h, c.name, func(v string) bool {
		if _, _, ok := splitVisit(v); ok {
			values[n] = v
			n++
		}
		return n == len(values)
	})
	return values
}

// splitVisit takes a value apart, if it is of the right form.
func splitVisit(value string) (minute int64, sealed string, ok bool) {
	digits, sealed, ok := strings.Cut(value, ".")
	if !ok || len(value) > maxVisitCookie || digits == "" || digits[0] == '0' || len(digits) > 9 || len(sealed)%4 != 0 {
		return 0, "", false
	}
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return 0, "", false
		}
		minute = minute*10 + int64(c-'0')
	}
	return minute, sealed, true
}

// open returns the first of the values that one of the keys opens, and which
// value and which key it was; nil if there is none. This is where the
// cryptography is.
func (c *visitCookie) open(values [2]string, now int64) (v *visit, came string, key int) {
	for _, value := range values {
		minute, sealed, ok := splitVisit(value)
		if !ok || !isCanonical(sealed) {
			continue
		}
		for key, codec := range c.codecs {
			var payload []byte
			if codec.Decode(c.name, sealed, &payload) != nil {
				continue
			}
			v, err := decodeVisit(payload)
			if err != nil {
				continue
			}
			if minute <= now+clockSkew {
				v.last = max(v.last, minute)
			}
			return v, value, key
		}
	}
	return nil, "", 0
}

// isCanonical reports whether a text is base64 as it is written. Others that
// decode to the same bytes are refused, so that a visit has one form: Go ignores
// line ends, and but for Strict the last bits too (encoding/base64).
func isCanonical(sealed string) bool {
	if strings.ContainsAny(sealed, "\r\n") {
		return false
	}
	_, err := base64.URLEncoding.Strict().DecodeString(sealed)
	return err == nil
}

// seal makes the cookie's value.
func (c *visitCookie) seal(payload []byte, now int64) (string, error) {
	// The codec encrypts in place.
	sealed, err := c.codecs[0].Encode(c.name, slices.Clone(payload))
	return formatVisit(now, sealed), err
}

func formatVisit(minute int64, sealed string) string {
	return strconv.FormatInt(minute, 10) + "." + sealed
}

func (c *visitCookie) set(h http.Header, value string) {
	h.Add("Set-Cookie", c.name+"="+value+c.attributes)
}

// fits reports whether a value makes no more than the cookie may have: what came
// may be of other settings, or of somebody else.
func (c *visitCookie) fits(value string) bool {
	return len(c.name)+len("=")+len(value)+len(c.attributes) <= maxVisitCookie
}

// goesOn reports whether a session whose last request was in that minute has
// not ended.
func (c *visitCookie) goesOn(last, now int64) bool {
	return last > now-c.session && last <= now+clockSkew
}

// alive reports whether the visit's session goes on.
func (c *visitCookie) alive(v *visit, now int64) bool {
	return c.goesOn(v.last, now) && v.start > now-maxSession
}

func unixMinute(t time.Time) int64 { return t.Unix() / 60 }

// day is the day of a moment in that zone, counted from 1970.
func dayOf(t time.Time, zone *time.Location) uint16 {
	_, offset := t.In(zone).Zone()
	return uint16((t.Unix() + int64(offset)) / (24 * 60 * 60)) //nolint:gosec // Until the year 2149.
}

// isWithheld reports whether a browser may have kept a SameSite=Lax cookie back:
// the request comes from another site and is not a person's way to a page. An
// answer that set the cookie would then wipe what it held. Browsers that do not
// say it with Sec-Fetch-Site send Origin with everything but a GET
// (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Origin).
func isWithheld(r *http.Request, host string) bool {
	if site, ok := web.First(r.Header["Sec-Fetch-Site"]); ok {
		dest, _ := web.First(r.Header["Sec-Fetch-Dest"])
		return site == "cross-site" && (r.Method != http.MethodGet || dest != "document" && dest != "")
	}
	origin, ok := web.First(r.Header["Origin"])
	if !ok || r.Method == http.MethodGet {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || !strings.EqualFold(web.HostOnly(u.Host), web.HostOnly(host))
}
