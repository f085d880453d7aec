package visit

import (
	"encoding/binary"
	"errors"
	"slices"
	"unicode/utf8"
)

// The sealed part of the visit cookie, and what memory keeps. Numbers are
// unsigned varints in their shortest form, days two bytes and hashes four, big
// endian; a text is its length and its bytes:
//
//	1                         the version
//	start idle                the session: minutes from 1970 to its beginning, and from there to its last request
//	n hash...                 goals that counted once per session, in this one
//	n hash...                 goals that counted once per visitor
//	n (day hash)...           goals that counted once per day, and when last
//	n (scope [day] hash)...   the same with for $source, oldest first; a day only if the scope is PerDay
//	n (hash m seconds...)...  progress, by after:; seconds from the session's beginning
//	0, or n+1 (name value)... the utm_ parameters of the session's first page, 0 if that is not known,
//	  and then a text:        its referrer
const version = 1

// Encode writes the visit in at most room bytes. If it does not fit, the oldest
// counts with for $source are left out first. Then the session's origin is
// shortened, and then the oldest progress is left out. Then counts without for
// $source go: those that known lacks, unless known is nil, and at last the
// newest. whole is false if one of these newest is missing.
func (v *Visit) Encode(room int, known map[uint32]bool) (text []byte, whole bool) {
	if text = v.append(make([]byte, 0, memoryRoom)); len(text) <= room {
		return text, true
	}
	less := v.Clone()
	for whole = true; len(text) > room; text = less.append(text[:0]) {
		switch {
		case len(less.keyed) > 0:
			less.keyed = less.keyed[1:]
		case less.Origin.shorten():
		case len(less.after) > 0:
			less.after = less.after[1:]
		case known != nil:
			less.plain = slices.DeleteFunc(less.plain, func(c Counted) bool { return !known[c.Hash] })
			known = nil
		case len(less.plain) > 0:
			less.plain, whole = less.plain[:len(less.plain)-1], false
		default:
			return nil, false
		}
	}
	return text, whole
}

func (v *Visit) append(b []byte) []byte {
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(max(v.Start, 0)))
	b = binary.AppendUvarint(b, uint64(max(v.Last-v.Start, 0)))
	for _, s := range [...]Scope{PerSession, PerVisitor, PerDay} {
		n := 0
		for _, c := range v.plain {
			if c.Scope == s {
				n++
			}
		}
		b = binary.AppendUvarint(b, uint64(n))
		for _, c := range v.plain {
			if c.Scope == s {
				b = c.append(b)
			}
		}
	}
	b = binary.AppendUvarint(b, uint64(len(v.keyed)))
	for _, c := range v.keyed {
		b = c.append(append(b, byte(c.Scope)))
	}
	b = binary.AppendUvarint(b, uint64(len(v.after)))
	for _, p := range v.after {
		b = binary.BigEndian.AppendUint32(b, p.hash)
		b = binary.AppendUvarint(b, uint64(len(p.began)))
		for _, s := range p.began {
			b = binary.AppendUvarint(b, uint64(max(s-v.Start*60, 0)))
		}
	}
	return v.Origin.append(b)
}

func (c Counted) append(b []byte) []byte {
	if c.Scope == PerDay {
		b = binary.BigEndian.AppendUint16(b, c.Day)
	}
	return binary.BigEndian.AppendUint32(b, c.Hash)
}

func (o *Origin) append(b []byte) []byte {
	if !o.Known {
		return append(b, 0)
	}
	b = binary.AppendUvarint(b, uint64(len(o.UTM)+1))
	text := func(s string) { b = append(binary.AppendUvarint(b, uint64(len(s))), s...) }
	for _, u := range o.UTM {
		text(u.Name)
		text(u.Value)
	}
	text(o.Referrer)
	return b
}

// Param returns the value of a utm_ parameter, whose name is given without
// "utm_". It reports false if there is none.
func (o *Origin) Param(name string) (string, bool) {
	for _, u := range o.UTM {
		if u.Name == name {
			return u.Value, true
		}
	}
	return "", false
}

// shorten halves the longest text. It reports false if nothing is left to
// shorten.
func (o *Origin) shorten() bool {
	longest := &o.Referrer
	for i := range o.UTM {
		if len(o.UTM[i].Value) > len(*longest) {
			longest = &o.UTM[i].Value
		}
	}
	if *longest != "" {
		*longest = CutText(*longest, len(*longest)/2)
		return true
	}
	left := o.Known
	*o = Origin{}
	return left
}

// CutText cuts a text to at most n bytes, and never inside a character.
func CutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

var errVisit = errors.New("goaltrack: no visit of a version known here")

// decode reads what Encode wrote, and nothing else. A text of another form is
// an error, even if one could make sense of it.
func decode(text []byte) (*Visit, error) {
	d := decoder{rest: text}
	if d.byte() != version {
		return nil, errVisit
	}
	v := &Visit{Start: d.minutes()}
	v.Last = v.Start + d.minutes()
	for _, s := range [...]Scope{PerSession, PerVisitor, PerDay} {
		n := d.count(4)
		v.plain = slices.Grow(v.plain, n)
		for range n {
			v.plain = append(v.plain, d.counted(s))
		}
	}
	n := d.count(5)
	v.keyed = slices.Grow(v.keyed, n)
	for range n {
		s := Scope(d.byte())
		if s < PerSession || s > PerDay {
			return nil, errVisit
		}
		v.keyed = append(v.keyed, d.counted(s))
	}
	for range d.count(5) {
		p := progress{hash: d.uint32()}
		for range d.count(1) {
			p.began = append(p.began, v.Start*60+d.minutes())
		}
		v.after = append(v.after, p)
	}
	if n := d.count(1); n > 0 {
		v.Origin.Known = true
		for range n - 1 {
			v.Origin.UTM = append(v.Origin.UTM, UTM{d.text(), d.text()})
		}
		v.Origin.Referrer = d.text()
	}
	if d.failed || len(d.rest) > 0 || string(v.append(make([]byte, 0, len(text)))) != string(text) {
		return nil, errVisit
	}
	return v, nil
}

// decoder reads a text from the front. Beyond the end it reads zeros.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) take(n int) []byte {
	if n > len(d.rest) {
		d.failed, d.rest = true, nil
		return make([]byte, min(n, 4))
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) byte() byte     { return d.take(1)[0] }
func (d *decoder) uint32() uint32 { return binary.BigEndian.Uint32(d.take(4)) }

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// minutes reads a time or a span. It is never so large that sums overflow.
func (d *decoder) minutes() int64 {
	n := d.number()
	if n > 1<<40 {
		d.failed = true
		return 0
	}
	return int64(n)
}

// count reads how many things follow, each of at least so many bytes.
func (d *decoder) count(least int) int {
	n := d.number()
	if n > uint64(len(d.rest)/max(least, 1)) || n > 1<<10 {
		d.failed, d.rest = true, nil
		return 0
	}
	return int(n)
}

func (d *decoder) counted(s Scope) (c Counted) {
	c.Scope = s
	if s == PerDay {
		c.Day = binary.BigEndian.Uint16(d.take(2))
	}
	c.Hash = d.uint32()
	return c
}

func (d *decoder) text() string {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.failed, d.rest = true, nil
		return ""
	}
	return string(d.take(int(n))) //nolint:gosec // Just looked at.
}
