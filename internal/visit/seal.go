package visit

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strconv"
	"strings"
	"time"
)

// The sealed part of the cookie is what securecookie makes, written shorter.
// securecookie writes base64(seconds "|" base64(iv, encrypted) "|" mac), one
// text within another. Here stands each part as it is, and all in base64 once:
//
//	1 byte    the form: format 2, of whose visit it is
//	4 bytes   when it was sealed, in seconds since 1970
//	16 bytes  the iv
//	          the payload, encrypted
//	32 bytes  the mac
//
// What securecookie calls the cookie's name is covered by the mac. It is the
// name, the format and the browser ID here. So a cookie opens for the visitor for
// whom it was sealed, and for nobody to whom somebody else gives it.
//
// In format 1, which had no browser ID, stands securecookie's own text.

// form is the first byte of a sealed part.
type form byte

const (
	formOwned   form = 2        // for whoever has the browser ID
	formNobodys form = 2 | 0x80 // for a visitor who had none
	formOne     form = 1        // it begins with a digit, of the seconds

	sealedHead = 1 + 4
	sealedMore = sealedHead + 16 + 32 // bytes beside the payload
)

// formOneUntil is when format 1 is not read any more: two years after the last
// version that wrote it. Browsers keep its cookies for 400 days, and so long the
// codec opens them. The rest is time for a site to update.
var formOneUntil = Minute(time.Date(2028, time.December, 1, 0, 0, 0, 0, time.UTC))

var strict = base64.URLEncoding.Strict()

// formOf tells the form of a sealed part without the rest of it, 0 if it has none.
func formOf(sealed string) form {
	var head [3]byte
	if len(sealed) < 4 {
		return 0
	}
	if _, err := strict.Decode(head[:], []byte(sealed[:4])); err != nil {
		return 0
	}
	switch f := form(head[0]); {
	case '0' <= f && f <= '9':
		return formOne
	case f == formOwned, f == formNobodys:
		return f
	}
	return 0
}

// sealName is what securecookie takes for the name of the cookie of that visitor.
func (c *Cookie) sealName(id string) string { return c.Name + "/2/" + id }

var errSealed = errors.New("goaltrack: the codec did not write what securecookie writes")

// Most cookies are short. Room for the longest would have to be cleared for each.
const (
	shortText   = 304 // of securecookie
	shortSealed = 228
)

// pack writes securecookie's text shorter, behind the minute that a cookie's value
// begins with.
func pack(text, id string, minute int64) (string, error) {
	if len(text) <= shortText {
		var outer, raw [shortText]byte
		return packIn(outer[:], raw[:], text, id, minute)
	}
	return packIn(make([]byte, len(text)), make([]byte, len(text)), text, id, minute)
}

func packIn(outer, raw []byte, text, id string, minute int64) (string, error) {
	n, err := base64.URLEncoding.Decode(outer, []byte(text))
	if err != nil {
		return "", err
	}
	seconds, rest, ok := bytes.Cut(outer[:n], []byte("|"))
	inner, mac, more := bytes.Cut(rest, []byte("|"))
	at, err := strconv.ParseUint(string(seconds), 10, 32)
	if err != nil || !ok || !more {
		return "", errSealed
	}
	raw = append(raw[:0], byte(formOwned))
	if id == "" {
		raw[0] = byte(formNobodys)
	}
	raw = binary.BigEndian.AppendUint32(raw, uint32(at))
	if raw, err = base64.URLEncoding.AppendDecode(raw, inner); err != nil {
		return "", errSealed
	}
	raw = append(raw, mac...)
	value := append(strconv.AppendInt(outer[:0], minute, 10), '.')
	return string(base64.URLEncoding.AppendEncode(value, raw)), nil
}

// unpack is securecookie's text for a sealed part, and its form; 0 if it is none.
// It reads only what pack writes: of texts that decode to the same bytes, Go takes
// several (encoding/base64). So a visit has one form.
func unpack(sealed string) (text string, f form) {
	switch n := len(sealed); {
	case n > maxCookie || strings.IndexByte(sealed, '\n') >= 0 || strings.IndexByte(sealed, '\r') >= 0:
		return "", 0
	case n <= shortSealed:
		var raw, inner [shortSealed]byte
		var outer [shortText]byte
		return unpackIn(raw[:], inner[:], outer[:], sealed)
	default:
		return unpackIn(make([]byte, n), make([]byte, n), make([]byte, 2*n), sealed)
	}
}

func unpackIn(raw, inner, outer []byte, sealed string) (text string, f form) {
	n, err := strict.Decode(raw, []byte(sealed))
	if err != nil || n == 0 {
		return "", 0
	}
	switch f = form(raw[0]); {
	case '0' <= f && f <= '9':
		return sealed, formOne
	case f != formOwned && f != formNobodys || n <= sealedMore:
		return "", 0
	}
	b := strconv.AppendUint(inner[:0], uint64(binary.BigEndian.Uint32(raw[1:])), 10)
	b = append(b, '|')
	b = base64.URLEncoding.AppendEncode(b, raw[sealedHead:n-32])
	b = append(append(b, '|'), raw[n-32:n]...)
	return string(base64.URLEncoding.AppendEncode(outer[:0], b)), f
}

// sealedRoom is how long a payload may be so that its sealed form takes at most so
// many bytes.
func sealedRoom(sealed int) int { return sealed/4*3 - sealedMore }

// Seal turns what [Visit.Encode] wrote into the cookie's value for the visitor with
// that browser ID, with the first key. now is in minutes since 1970.
func (c *Cookie) Seal(payload []byte, id string, now int64) (string, error) {
	// The codec encrypts in place.
	text, err := c.Codecs[0].Encode(c.sealName(id), bytes.Clone(payload))
	if err != nil {
		return "", err
	}
	return pack(text, id, now)
}

// Opened is a visit out of a cookie, nil if there is none.
type Opened struct {
	*Visit
	Value string // of the cookie
	// Anew says that it has to be sealed anew: it has a former key or format, or
	// was a visitor's who had no browser ID.
	Anew bool
}

// Open opens the first of the values for which there is a key, and which is the
// visitor's with that browser ID, "" for one without. The cryptography happens here.
// now is in minutes since 1970; a minute in the future is not believed.
func (c *Cookie) Open(values [2]string, id string, now int64) (o Opened) {
	for _, value := range values {
		minute, sealed, ok := Split(value)
		if !ok {
			continue
		}
		text, f := unpack(sealed)
		name := c.Name
		switch {
		case f == formOne && now < formOneUntil:
		case f == formOwned && id != "":
			name = c.sealName(id)
		case f == formNobodys:
			name = c.sealName("")
		default:
			continue
		}
		for key, codec := range c.Codecs {
			var payload []byte
			if codec.Decode(name, text, &payload) != nil {
				continue
			}
			v, err := decode(payload, f == formOne)
			if err != nil {
				continue
			}
			if minute <= now+clockSkew {
				v.Last = max(v.Last, minute)
			}
			if f == formNobodys && id != "" {
				v = v.adopted()
			}
			return Opened{v, value, key > 0 || IsForeign(value, id)}
		}
	}
	return Opened{}
}

// IsForeign reports whether a cookie's value is not of the visitor with that ID as
// it stands: it is of format 1, or was sealed when they had no ID. It opens nothing.
func IsForeign(value, id string) bool {
	_, sealed, ok := Split(value)
	if !ok {
		return false
	}
	f := formOf(sealed)
	return f == formOne || f == formNobodys && id != ""
}

// adopted is what a visitor with an ID takes over from a cookie of somebody without
// one. The page's script may have made the ID after their first page. But the cookie
// may also be somebody else's, so what they had counted is not theirs.
func (v *Visit) adopted() *Visit {
	a := &Visit{Start: v.Start, Last: v.Last, after: v.after, Origin: v.Origin}
	if h := v.History; h != nil {
		of := &History{Visits: h.Visits, First: h.First, FirstAt: h.FirstAt}
		for _, o := range h.Happened {
			if o.Times = o.Session; o.Session > 0 {
				of.Happened = append(of.Happened, o)
			}
		}
		if h.Cut >= v.Start {
			of.Cut = h.Cut
		}
		if len(of.Happened) > 0 || of.Cut > 0 || of.Visits > 0 || of.First.Known {
			a.History = of
		}
	}
	return a
}
