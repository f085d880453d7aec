package visit

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"
)

// The sealed part of the visit cookie, and what memory keeps, in format 2. Numbers are
// unsigned varints in their shortest form, days two bytes and hashes four, big
// endian; a text is its length and its bytes:
//
//	2                              the version
//	start idle                     the session: minutes from 1970 to its beginning, and from there to its last request
//	bits                           which of the following are there, in this order; one that is empty is not
//	n hash...                      goals that counted once per session, in this one
//	n hash...                      goals that counted once per visitor
//	n (day hash)...                goals that counted once per day, and when last
//	n (day hash)...                the same per week, and per month, with its first day
//	n (scope [day] hash)...        the same with for $source, oldest first; a day only from the scope PerDay on
//	n (hash m seconds...)...       progress, by after:; seconds from the session's beginning
//	origin                         of this session: n (name value)... its utm_ parameters, and a text, its referrer
//	visits pages                   how many sessions, and pages in this one
//	n (hash times session last)... goals that happened: how often ever and in this session, and the last minute
//	minute origin                  where the first session came from; without a value stands what was asked and not there
//	n (component variant)...       what was shown in this session, oldest first
//	n hash...                      what is in the cart
//	turn                           how often the cart has changed
//	minute                         until when something may have happened that is not in the list of goals
//
// A version that knows more bits writes them only if a rule asks for that. One that
// does not know a bit takes the cookie for one that it has no key for, and leaves it
// alone.
const version = 2

// Encode writes the visit in at most room bytes. If it does not fit, the oldest
// counts with for $source are left out first. Then texts go: where the first session came
// from, what was shown, and where this session came from, which is shortened. Then the
// oldest goals of earlier sessions go, the cart, and the oldest progress. Then
// counts without for $source go: those that no goal asks for, unless needs is nil, and at
// last the newest. whole is false if one of these newest is missing.
func (v *Visit) Encode(room int, needs *Needs) (text []byte, whole bool) {
	if text = v.append(make([]byte, 0, usualRoom)); len(text) <= room {
		return text, true
	}
	less := v.Clone()
	var known map[uint32]bool
	if needs != nil {
		known = needs.Once
	}
	for whole = true; len(text) > room; text = less.append(text[:0]) {
		switch {
		case len(less.keyed) > 0:
			less.keyed = less.keyed[1:]
		case less.History.shortenTexts():
		case less.Origin.shorten():
		case less.History.shorten():
		case len(less.after) > 0:
			less.after = less.after[1:]
			if needs == nil || needs.Bars {
				less.history().Cut = v.Last // what may not come before may be among them
			}
		case less.FirstOrigin() != nil:
			less.History.First = Origin{}
		case known != nil:
			less.plain = slices.DeleteFunc(less.plain, func(c Counted) bool { return !known[c.Hash] })
			known = nil
		case len(less.plain) > 0:
			less.plain, whole = less.plain[:len(less.plain)-1], false
		case less.History != nil:
			less.History = nil
		default:
			return nil, false
		}
	}
	return text, whole
}

// MemoryRoom is how many bytes of a visit a process keeps beside the cookie.
const MemoryRoom = 600

// usualRoom is enough for the payload of most visits.
const usualRoom = 128

// shortenTexts leaves out a text of a history. It reports false if none is left.
func (h *History) shortenTexts() bool {
	switch {
	case h == nil:
		return false
	case h.First.forget():
	case len(h.Shown) > 0:
		h.Shown = h.Shown[1:]
	default:
		return false
	}
	return true
}

// shorten leaves out the oldest of a history's lists. It reports false if they are
// empty.
func (h *History) shorten() bool {
	switch {
	case h == nil:
		return false
	case len(h.Happened) > 0:
		h.forgetOldest()
	case len(h.Cart) > 0:
		h.Cart = h.Cart[1:]
	default:
		return false
	}
	return true
}

// The sections of a payload, by their bits. Those that most visits have are in the
// lowest seven, so that the bits take one byte.
const (
	sectionSession = 1 << iota
	sectionVisitor
	sectionDay
	sectionKeyed
	sectionAfter
	sectionOrigin
	sectionNumbers
	sectionHappened
	sectionFirst
	sectionShown
	sectionCart
	sectionWeek
	sectionMonth
	sectionCartTurn
	sectionCut
	sectionsEnd
)

// scopeSections are the sections of goals that count once without for $source.
var scopeSections = [...]uint64{PerSession: sectionSession, PerVisitor: sectionVisitor, PerDay: sectionDay, PerWeek: sectionWeek, PerMonth: sectionMonth}

// sections says which sections the visit has.
func (v *Visit) sections() (bits uint64) {
	has := func(bit uint64, is bool) {
		if is {
			bits |= bit
		}
	}
	for _, c := range v.plain {
		bits |= scopeSections[c.Scope]
	}
	has(sectionKeyed, len(v.keyed) > 0)
	has(sectionAfter, len(v.after) > 0)
	has(sectionOrigin, v.Origin.Known)
	if h := v.History; h != nil {
		has(sectionNumbers, h.Visits|h.Pages != 0)
		has(sectionHappened, len(h.Happened) > 0)
		has(sectionFirst, h.First.Known)
		has(sectionShown, len(h.Shown) > 0)
		has(sectionCart, len(h.Cart) > 0)
		has(sectionCartTurn, h.CartTurn > 0)
		has(sectionCut, h.Cut > 0)
	}
	return bits
}

func (v *Visit) append(b []byte) []byte {
	number := func(n uint64) { b = binary.AppendUvarint(b, n) }
	bits := v.sections()
	b = append(b, version)
	number(uint64(max(v.Start, 0)))
	number(uint64(max(v.Last-v.Start, 0)))
	number(bits)
	for s := PerSession; s <= PerMonth; s++ {
		if bits&scopeSections[s] != 0 {
			b = v.appendPlain(b, s)
		}
	}
	if bits&sectionKeyed != 0 {
		number(uint64(len(v.keyed)))
		for _, c := range v.keyed {
			b = c.append(append(b, byte(c.Scope)))
		}
	}
	if bits&sectionAfter != 0 {
		number(uint64(len(v.after)))
		for _, p := range v.after {
			b = binary.BigEndian.AppendUint32(b, p.hash)
			number(uint64(len(p.began)))
			for _, s := range p.began {
				number(uint64(max(s-v.Start*60, 0)))
			}
		}
	}
	if bits&sectionOrigin != 0 {
		b = v.Origin.append(b)
	}
	if h := v.History; h != nil {
		b = h.append(b, bits)
	}
	return b
}

func (v *Visit) appendPlain(b []byte, s Scope) []byte {
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
	return b
}

func (h *History) append(b []byte, bits uint64) []byte {
	number := func(n uint64) { b = binary.AppendUvarint(b, n) }
	if bits&sectionNumbers != 0 {
		number(uint64(h.Visits))
		number(uint64(h.Pages))
	}
	if bits&sectionHappened != 0 {
		number(uint64(len(h.Happened)))
		for _, o := range h.Happened {
			b = binary.BigEndian.AppendUint32(b, o.Hash)
			number(uint64(o.Times))
			number(uint64(o.Session))
			number(uint64(max(o.Last, 0)))
		}
	}
	if bits&sectionFirst != 0 {
		number(uint64(max(h.FirstAt, 0)))
		b = h.First.append(b)
	}
	if bits&sectionShown != 0 {
		number(uint64(len(h.Shown)))
		for _, s := range h.Shown {
			b = appendText(appendText(b, s.Component), s.Variant)
		}
	}
	if bits&sectionCart != 0 {
		number(uint64(len(h.Cart)))
		for _, item := range h.Cart {
			b = binary.BigEndian.AppendUint32(b, item)
		}
	}
	if bits&sectionCartTurn != 0 {
		number(uint64(h.CartTurn))
	}
	if bits&sectionCut != 0 {
		number(uint64(max(h.Cut, 0)))
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func (c Counted) append(b []byte) []byte {
	if c.Scope >= PerDay {
		b = binary.BigEndian.AppendUint16(b, c.Day)
	}
	return binary.BigEndian.AppendUint32(b, c.Hash)
}

func (o *Origin) append(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(o.UTM)))
	for _, u := range o.UTM {
		b = appendText(appendText(b, u.Name), u.Value)
	}
	return appendText(b, o.Referrer)
}

// Param returns the value of a utm_ parameter, whose name is given without
// "utm_". It reports false if there is none.
func (o *Origin) Param(name string) (string, bool) {
	for _, u := range o.UTM {
		if u.Name == name {
			return u.Value, u.Value != ""
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
