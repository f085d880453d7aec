package visit

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
)

var errVisit = errors.New("goaltrack: no visit of a version known here")

// Decode reads what [Visit.Encode] wrote, and nothing else.
func Decode(text []byte) (*Visit, error) { return decode(text, false) }

// decode reads what Encode wrote, and nothing else. A text of another form is
// an error, even if one could make sense of it. With one it is of format 1.
func decode(text []byte, one bool) (*Visit, error) {
	d := decoder{rest: text}
	switch v := d.byte(); {
	case one && v == versionOne:
		if v := decodeOne(&d); !d.failed && len(d.rest) == 0 {
			return v, nil
		}
	case !one && v == version:
		var room [usualRoom]byte
		if v := decodeTwo(&d); !d.failed && len(d.rest) == 0 && string(v.append(room[:0])) == string(text) {
			return v, nil
		}
	}
	return nil, errVisit
}

// decodeTwo reads a payload behind its version.
func decodeTwo(d *decoder) *Visit {
	v := &Visit{Start: d.minutes()}
	v.Last = v.Start + d.minutes()
	bits := d.number()
	if bits >= sectionsEnd {
		d.fail()
	}
	for s := PerSession; s <= PerMonth; s++ {
		if bits&scopeSections[s] != 0 {
			n := d.count(4)
			v.plain = slices.Grow(v.plain, n)
			for range n {
				v.plain = append(v.plain, d.counted(s))
			}
		}
	}
	if bits&sectionKeyed != 0 {
		v.keyed = d.keyed(PerMonth)
	}
	if bits&sectionAfter != 0 {
		v.after = d.progress(v.Start)
	}
	if bits&sectionOrigin != 0 {
		v.Origin = d.origin(d.count(2))
	}
	if bits&(sectionNumbers|sectionHappened|sectionFirst|sectionShown|sectionCart|sectionCartTurn|sectionCut) != 0 {
		v.History = d.history(bits)
	}
	return v
}

func (d *decoder) history(bits uint64) *History {
	h := new(History)
	if bits&sectionNumbers != 0 {
		h.Visits, h.Pages = d.small(), d.small()
	}
	if bits&sectionHappened != 0 {
		for range d.atMost(d.count(7), MaxHappened) {
			h.Happened = append(h.Happened, Happened{d.uint32(), d.small(), d.small(), d.minutes()})
		}
	}
	if bits&sectionFirst != 0 {
		h.FirstAt = d.minutes()
		h.First = d.origin(d.count(2))
	}
	if bits&sectionShown != 0 {
		for range d.atMost(d.count(2), MaxShown) {
			h.Shown = append(h.Shown, Variant{d.text(), d.text()})
		}
	}
	if bits&sectionCart != 0 {
		for range d.atMost(d.count(4), MaxCart) {
			h.Cart = append(h.Cart, d.uint32())
		}
	}
	if bits&sectionCartTurn != 0 {
		h.CartTurn = d.small()
	}
	if bits&sectionCut != 0 {
		h.Cut = d.minutes()
	}
	return h
}

// keyed reads goals that count once for each value. last is the last of the scopes.
func (d *decoder) keyed(last Scope) []Counted {
	n := d.count(5)
	list := make([]Counted, 0, n)
	for range n {
		s := Scope(d.byte())
		if s < PerSession || s > last {
			d.fail()
			return nil
		}
		list = append(list, d.counted(s))
	}
	return list
}

// progress reads how far a session has come that began in that minute.
func (d *decoder) progress(start int64) (list []progress) {
	for range d.count(5) {
		p := progress{hash: d.uint32()}
		for range d.count(1) {
			p.began = append(p.began, start*60+d.minutes())
		}
		list = append(list, p)
	}
	return list
}

// origin reads where a session came from, with n parameters.
func (d *decoder) origin(n int) Origin {
	o := Origin{Known: true}
	for range n {
		o.UTM = append(o.UTM, UTM{d.text(), d.text()})
	}
	o.Referrer = d.text()
	return o
}

// decoder reads a text from the front. Beyond the end it reads zeros.
type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) take(n int) []byte {
	if n > len(d.rest) {
		d.fail()
		return make([]byte, min(n, 4))
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) fail() { d.failed, d.rest = true, nil }

// atMost is n, unless that is more than there may be.
func (d *decoder) atMost(n, most int) int {
	if n > most {
		d.fail()
		return 0
	}
	return n
}

func (d *decoder) byte() byte     { return d.take(1)[0] }
func (d *decoder) uint32() uint32 { return binary.BigEndian.Uint32(d.take(4)) }

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.fail()
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

// small reads a number of 32 bits.
func (d *decoder) small() uint32 {
	n := d.number()
	if n > math.MaxUint32 {
		d.fail()
		return 0
	}
	return uint32(n)
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
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) counted(s Scope) (c Counted) {
	c.Scope = s
	if s >= PerDay {
		c.Day = binary.BigEndian.Uint16(d.take(2))
	}
	c.Hash = d.uint32()
	return c
}

func (d *decoder) text() string {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.fail()
		return ""
	}
	return string(d.take(int(n))) //nolint:gosec // Just looked at.
}
