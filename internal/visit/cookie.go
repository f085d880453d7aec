package visit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/securecookie"

	"github.com/goaltrack/goaltrack/internal/web"
)

// Key seals visit cookies: Hash signs them, and Block encrypts them. The caller
// checks their lengths; see goaltrack's type of that name.
type Key struct{ Hash, Block []byte }

// Options say whose visit cookie it is and how browsers keep it.
type Options struct {
	Site         string        // its name, of which the cookie's is made
	Domain, Path string        // the cookie's attributes; Domain may be ""
	MaxAge       time.Duration // at most 400 days count, in whole seconds
	Session      time.Duration // a pause that ends a session, rounded up to minutes
}

// Cookie reads and writes a site's visit cookie: "<minute>.<sealed>". What is
// sealed is the visit, for the visitor with one browser ID. The minute of the visitor's last page stands outside the seal, so it can move
// without cryptography. It only says whether the session goes on. Somebody who
// forges it can end their own session, or prolong one that began less than a
// day ago. They could as well have deleted the cookie or asked for a page.
//
// [NewCookie] makes it. It never changes then, so all methods are safe for
// concurrent use.
type Cookie struct {
	Name       string               // of the cookie
	attributes string               // "; Max-Age=..."
	Codecs     []securecookie.Codec // the first seals, all open
	Room       int                  // bytes of the payload, for [Visit.Encode]
	session    int64                // minutes without a request that end a session
}

const (
	// maxCookie bounds the whole Set-Cookie line, so that the cookie takes
	// little of the 8 KiB that servers usually accept for all headers.
	maxCookie = 1 << 10
	// maxAge is the longest time for which browsers keep a cookie
	// (https://developer.chrome.com/blog/cookie-max-age-expires).
	maxAge = 400 * 24 * time.Hour
	// MaxSession is after how many minutes a session ends that never pauses.
	MaxSession = 24 * 60
	// clockSkew is how many minutes the clocks of a site's servers may differ.
	clockSkew = 5
	// MoveEvery is how many minutes old the minute in the cookie must be before
	// a page renews it.
	MoveEvery = 5
)

// NewCookie makes the visit cookie of a site. It returns an error if Domain and
// Path leave too little room in it, and one error for each key that cannot
// seal.
func NewCookie(o Options, keys []Key) (Cookie, error) {
	sum := sha256.Sum256([]byte(o.Site))
	age := min(o.MaxAge, maxAge)
	tail := "; HttpOnly; SameSite=Lax; Secure; Path=" + o.Path
	if o.Domain != "" {
		tail += "; Domain=" + o.Domain
	}
	v := Cookie{
		Name:       "gt_" + hex.EncodeToString(sum[:4]),
		attributes: "; Max-Age=" + strconv.FormatInt(int64(age/time.Second), 10) + tail,
		session:    int64((o.Session + time.Minute - 1) / time.Minute),
	}
	v.Room = sealedRoom(maxCookie - len(v.Name) - len("=00000000.") - len(v.attributes))
	if v.Room < MemoryRoom/2 {
		return v, errors.New("Cookie: Domain and Path are so long that the visit cookie has no room")
	}
	var errs []error
	for i, k := range keys {
		codec := newCodec(k, int(age/time.Second))
		if err := tryCodec(codec, v.Name); err != nil {
			errs = append(errs, fmt.Errorf("Keys[%d]: %w", i, err)) //nolint:staticcheck // It begins with the field, as all faults of settings.
		}
		v.Codecs = append(v.Codecs, codec)
	}
	return v, errors.Join(errs...)
}

// tryCodec seals and opens once, because securecookie reports a bad key only
// then.
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

// NewKey makes a key of random bytes, for this process alone.
func NewKey() Key {
	return Key{Hash: securecookie.GenerateRandomKey(32), Block: securecookie.GenerateRandomKey(32)}
}

// Find returns the first two values of the right form among the cookies of a
// request. It may
// have several values: of another Domain or Path, or left over from other
// settings.
func (c *Cookie) Find(sent web.Cookies) (values [2]string) {
	n := 0
	sent.Value(c.Name, func(v string) bool {
		v = web.CookieText(v)
		if _, _, ok := Split(v); ok {
			values[n] = v
			n++
		}
		return n == len(values)
	})
	return values
}

// Split cuts a cookie's value in two: the minute since 1970 of the visitor's
// last page, and the sealed part, which it does not open. If the value has
// another form, ok is false.
func Split(value string) (minute int64, sealed string, ok bool) {
	digits, sealed, ok := strings.Cut(value, ".")
	if !ok || len(value) > maxCookie || digits == "" || digits[0] == '0' || len(digits) > 9 || len(sealed)%4 != 0 {
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

// Format joins what [Split] cuts.
func Format(minute int64, sealed string) string {
	return strconv.FormatInt(minute, 10) + "." + sealed
}

// Set adds the cookie with that value to a header that is not written yet.
func (c *Cookie) Set(h http.Header, value string) {
	web.AddSetCookie(h, c.Name+"="+value+c.attributes)
}

// Fits reports whether the cookie may hold the value. A value in a request may
// come from other settings, or from somebody else.
func (c *Cookie) Fits(value string) bool {
	return len(c.Name)+len("=")+len(value)+len(c.attributes) <= maxCookie
}

// GoesOn reports whether a session has not ended yet, if its last request was
// in that minute.
func (c *Cookie) GoesOn(last, now int64) bool {
	return last > now-c.session && last <= now+clockSkew
}

// Alive reports whether the visit's session goes on.
func (c *Cookie) Alive(v *Visit, now int64) bool {
	return c.GoesOn(v.Last, now) && v.Start > now-MaxSession
}

// Minute is a moment in minutes since 1970, the unit in which visits and their cookies
// know time.
func Minute(t time.Time) int64 { return t.Unix() / 60 }

// DayOf returns the day of a moment in that zone, counted from 1970.
func DayOf(t time.Time, zone *time.Location) uint16 {
	_, offset := t.In(zone).Zone()
	return uint16((t.Unix() + int64(offset)) / (24 * 60 * 60)) //nolint:gosec // Until the year 2149.
}

// IsWithheld reports whether a browser may have withheld a SameSite=Lax cookie,
// because the request comes from another site and is no person's way to a page.
// An answer that set the cookie would then wipe its content. Browsers without
// Sec-Fetch-Site send Origin with everything except GET
// (https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Origin). host
// is the site's host, perhaps with a port.
func IsWithheld(r *http.Request, host string) bool {
	dest, _ := web.First(r.Header["Sec-Fetch-Dest"])
	if dest == "document" && r.Method == http.MethodGet {
		return false // the usual case
	}
	if site, ok := web.First(r.Header["Sec-Fetch-Site"]); ok {
		return site == "cross-site" && (r.Method != http.MethodGet || dest != "document" && dest != "")
	}
	origin, ok := web.First(r.Header["Origin"])
	if !ok || r.Method == http.MethodGet {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || !strings.EqualFold(web.HostOnly(u.Host), web.HostOnly(host))
}
