package cdp

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// isoMillis is how the edge SDKs write requested_at.
const isoMillis = "2006-01-02T15:04:05.000Z"

// AppendJSON appends the event to dst, as site's endpoint wants it, and returns the extended
// slice. It does not change the event.
//
// Two things about the layout are promised, so that a stored body can be completed without
// being parsed:
//   - It begins with {"browser_id":" and the ID, or with nothing after the quotation mark if
//     there is no ID yet.
//   - If there are attributes, "ext" is the last member.
//
// The result is valid JSON whatever the event holds. Use Validate first to be told of these:
//   - Bytes that are not UTF-8 become U+FFFD.
//   - A value that JSON cannot hold becomes null in ext, and is left out of Fields.
//   - A name that the event has itself is left out of Fields.
//
// Characters that matter to HTML are not escaped. An event without Fields and with scalar Ext
// costs no allocation beyond dst. A nil site adds no client key and no point of sale.
func (e *Event) AppendJSON(dst []byte, site Site) []byte {
	var w wire
	if s, err := plain(site); err == nil {
		w = s.wire()
	}
	dst = append(dst, `{"browser_id":`...)
	dst = appendString(dst, e.BrowserID)
	dst = appendMember(dst, "type", e.Type)
	if !w.omitKey {
		dst = appendMember(dst, "client_key", w.clientKey)
	}
	pos := e.PointOfSale
	if pos == "" {
		pos = w.pointOfSale
	}
	dst = appendMember(dst, "pos", pos)
	dst = appendOptional(dst, "channel", e.Channel)
	if e.Language != "" {
		dst = append(dst, `,"language":`...)
		dst = appendCased(dst, e.Language, 'a', 'z')
	}
	dst = appendOptional(dst, "currency", e.Currency)
	if e.Page != "" || e.Type != "FORM" {
		dst = appendMember(dst, "page", e.Page)
	}
	if w.edge && !e.RequestedAt.IsZero() {
		dst = append(dst, `,"requested_at":"`...)
		dst = e.RequestedAt.UTC().AppendFormat(dst, isoMillis)
		dst = append(dst, '"')
	}
	dst = appendOptional(dst, "referrer", e.Referrer)
	for i := range e.UTM {
		dst = append(dst, ',')
		dst = appendCased(dst, e.UTM[i].Name, 'A', 'Z')
		dst = append(dst, ':')
		dst = appendScalar(dst, e.UTM[i].Value)
	}
	if len(e.Fields) > 0 {
		dst = appendFields(dst, e.Fields)
	}
	if len(e.Ext) > 0 {
		dst = appendExt(dst, e.Ext)
	}
	return append(dst, '}')
}

func appendExt(dst []byte, ext Ext) []byte {
	dst = append(dst, `,"ext":{`...)
	for i := range ext {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, ext[i].Name)
		dst = append(dst, ':')
		dst = appendScalar(dst, ext[i].Value)
	}
	return append(dst, '}')
}

// appendFields writes the members of fields, sorted by name.
func appendFields(dst []byte, fields map[string]any) []byte {
	var buf bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if ownMember(name) {
			continue
		}
		buf.Reset()
		if encode(&buf, fields[name]) != nil {
			continue
		}
		dst = append(dst, ',')
		dst = appendString(dst, name)
		dst = append(dst, ':')
		dst = append(dst, bytes.TrimRight(buf.Bytes(), "\n")...)
	}
	return dst
}

// encode writes v as encoding/json does, but does not escape for HTML.
func encode(buf *bytes.Buffer, v any) error {
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// ownMember reports whether Event itself writes a member of that name.
func ownMember(name string) bool {
	switch name {
	case "browser_id", "type", "client_key", "channel", "pos", "language", "currency",
		"page", "requested_at", "referrer", "ext":
		return true
	}
	return utmName(name)
}

// utmName reports whether name begins with utm_, in either case, and goes on.
func utmName(name string) bool {
	return len(name) > 4 && strings.EqualFold(name[:4], "utm_")
}

// appendMember appends a comma and a member whose name needs no escaping.
func appendMember(dst []byte, name, value string) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return appendString(dst, value)
}

// appendOptional does the same, unless value is empty.
func appendOptional(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendMember(dst, name, value)
}

// appendCased is appendString with the ASCII letters from..to in the other case.
func appendCased(dst []byte, s string, from, to byte) []byte {
	start := len(dst)
	dst = appendString(dst, s)
	for i := start; i < len(dst); i++ {
		switch {
		case dst[i] == '\\': // the letter of an escape must stay as it is
			i++
		case from <= dst[i] && dst[i] <= to:
			dst[i] ^= 0x20
		}
	}
	return dst
}

// appendScalar writes, without reflection, the kinds that an attribute may have.
func appendScalar(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(dst, v)
	case bool:
		return strconv.AppendBool(dst, v)
	case int:
		return strconv.AppendInt(dst, int64(v), 10)
	case int64:
		return strconv.AppendInt(dst, v, 10)
	case int32:
		return strconv.AppendInt(dst, int64(v), 10)
	case uint64:
		return strconv.AppendUint(dst, v, 10)
	case uint32:
		return strconv.AppendUint(dst, uint64(v), 10)
	case float64:
		return appendFloat(dst, v, 64)
	case float32:
		return appendFloat(dst, float64(v), 32)
	default:
		return appendKind(dst, v)
	}
}

// appendKind writes the rarer kinds, and named types by their kind.
func appendKind(dst []byte, v any) []byte {
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.String:
		if n, ok := v.(json.Number); ok && validNumber(n) {
			return append(dst, n...)
		}
		return appendString(dst, r.String())
	case reflect.Bool:
		return strconv.AppendBool(dst, r.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(dst, r.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(dst, r.Uint(), 10)
	case reflect.Float32:
		return appendFloat(dst, r.Float(), 32)
	case reflect.Float64:
		return appendFloat(dst, r.Float(), 64)
	default:
		var buf bytes.Buffer
		if encode(&buf, v) != nil {
			return append(dst, "null"...)
		}
		return append(dst, bytes.TrimRight(buf.Bytes(), "\n")...)
	}
}

// validNumber reports whether n is a number in JSON's own grammar.
func validNumber(n json.Number) bool {
	return n != "" && (n[0] == '-' || digit(n[0])) && json.Valid([]byte(n))
}

// appendFloat writes a number as ECMAScript and encoding/json do.
func appendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	format, abs := byte('f'), math.Abs(f)
	if abs != 0 && (bits == 64 && (abs < 1e-6 || abs >= 1e21) ||
		bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21)) {
		format = 'e'
	}
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if n := len(dst); format == 'e' && n >= 4 && dst[n-4] == 'e' && dst[n-3] == '-' && dst[n-2] == '0' {
		dst[n-2] = dst[n-1] // e-09 is written e-9
		dst = dst[:n-1]
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// isSpecial has 1 for each byte that a JSON string does not hold as it is, or that may be
// no UTF-8, and otherwise 0.
var isSpecial = func() (special [256]uint8) {
	for c := range special {
		if c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			special[c] = 1
		}
	}
	return special
}()

// plainLength is how many bytes at the beginning of s a JSON string holds as they are. It
// looks at eight at a time, since nearly all texts are plain.
func plainLength(s string) (n int) {
	for ; len(s)-n >= 8; n += 8 {
		b, special := s[n:n+8], &isSpecial
		if special[b[0]]|special[b[1]]|special[b[2]]|special[b[3]]|special[b[4]]|special[b[5]]|special[b[6]]|special[b[7]] != 0 {
			break
		}
	}
	for n < len(s) && isSpecial[s[n]] == 0 {
		n++
	}
	return n
}

// appendString writes s as a JSON string. It escapes only what must be escaped (RFC 8259,
// section 7).
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	if plain := plainLength(s); plain == len(s) {
		dst = append(dst, s...)
	} else {
		dst = appendEscaped(dst, s, plain)
	}
	return append(dst, '"')
}

// appendEscaped appends what stands between the quotation marks, of which the beginning is
// plain.
func appendEscaped(dst []byte, s string, plain int) []byte {
	start := 0
	for i := plain; i < len(s); {
		c := s[i]
		if isSpecial[c] == 0 {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\uFFFD"...)
				start = i + 1
			}
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(dst, s[start:]...)
}

// isoUTC writes the time of an order: in UTC, with milliseconds and Z.
func isoUTC(t time.Time) string { return t.UTC().Format(isoMillis) }
