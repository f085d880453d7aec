package report

import (
	"encoding/binary"
	"time"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/fact"
)

// Facts are kept as bytes between the request and the goroutine that counts, so that none
// of them holds on to a request's memory, and a request allocates nothing.

// maxText bounds each text of a fact, in bytes. A byte says how long a text is.
const maxText = 200

// maxEncoded bounds an encoded fact: its texts, and what is around them.
const maxEncoded = (10+4*fact.MaxVariants)*(maxText+1) + 64

// The bits of the second byte.
const (
	bitUncountable = 1 << iota
	bitTagged
	bitValue
)

// putFact encodes a fact of the site with that number. There is room for it: maxEncoded.
// It returns how many bytes it took.
func putFact(to []byte, site int, f *fact.Fact) (n int) {
	bits := byte(0)
	if f.Uncountable {
		bits |= bitUncountable
	}
	if f.Tagged {
		bits |= bitTagged
	}
	if f.Value.Known {
		bits |= bitValue
	}
	to[0], to[1] = byte(f.Kind), bits
	binary.LittleEndian.PutUint16(to[2:], uint16(site))          //nolint:gosec // There are few.
	binary.LittleEndian.PutUint64(to[4:], uint64(f.Time.Unix())) //nolint:gosec // It is read as it was written.
	n = 12
	n = putText(to, n, f.Goal)
	n = putText(to, n, f.Reason)
	if f.Uncountable {
		return n
	}
	n = putText(to, n, f.Page)
	n = putText(to, n, f.Source)
	n = putText(to, n, f.Campaign)
	n = putText(to, n, f.Language)
	n = putText(to, n, f.Device)
	n = putText(to, n, f.LedTo)
	n = putText(to, n, f.NearMiss)
	n += copy(to[n:], f.Browser[:])
	if f.Value.Known {
		binary.LittleEndian.PutUint64(to[n:], uint64(f.Value.Minor)) //nolint:gosec // As above.
		n = putText(to, n+8, f.Value.Currency)
	}
	return putVariants(to, putVariants(to, n, f.Variants), f.Before)
}

// putVariants writes the first of a list at n, and returns where they end.
func putVariants(to []byte, n int, list []fact.Variant) int {
	list = list[:min(len(list), fact.MaxVariants)]
	to[n] = byte(len(list)) //nolint:gosec // There are few.
	n++
	for i := range list {
		n = putText(to, n, list[i].Component)
		n = putText(to, n, list[i].Name)
	}
	return n
}

// putText writes a text at n, and returns where it ends. A longer one is cut.
func putText(to []byte, n int, s string) int {
	if len(s) > maxText {
		end := maxText
		for end > maxText-utf8.UTFMax && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	to[n] = byte(len(s)) //nolint:gosec // At most maxText.
	return n + 1 + copy(to[n+1:], s)
}

// reader reads what putFact wrote.
type reader struct {
	rest  []byte
	texts map[string]string // each text once
}

// maxTexts bounds the texts that are kept for the next facts.
const maxTexts = 20_000

func (r *reader) next() byte {
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) uint64() uint64 {
	v := binary.LittleEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}

func (r *reader) text() string {
	n := r.next()
	b := r.rest[:n]
	r.rest = r.rest[n:]
	if s, ok := r.texts[string(b)]; ok {
		return s
	}
	if len(r.texts) >= maxTexts || r.texts == nil {
		r.texts = make(map[string]string)
	}
	s := string(b)
	r.texts[s] = s
	return s
}

// fact reads the next fact, and the number of its site.
func (r *reader) fact() (f fact.Fact, site int) {
	f.Kind = fact.Kind(r.next())
	bits := r.next()
	f.Uncountable, f.Tagged, f.Value.Known = bits&bitUncountable != 0, bits&bitTagged != 0, bits&bitValue != 0
	site = int(binary.LittleEndian.Uint16(r.rest))
	r.rest = r.rest[2:]
	f.Time = time.Unix(int64(r.uint64()), 0) //nolint:gosec // See putFact.
	f.Goal, f.Reason = r.text(), r.text()
	if f.Uncountable {
		return f, site
	}
	for _, into := range [...]*string{&f.Page, &f.Source, &f.Campaign, &f.Language, &f.Device, &f.LedTo, &f.NearMiss} {
		*into = r.text()
	}
	r.rest = r.rest[copy(f.Browser[:], r.rest):]
	if f.Value.Known {
		f.Value.Minor, f.Value.Currency = int64(r.uint64()), r.text() //nolint:gosec // See putFact.
	}
	f.Variants, f.Before = r.variants(), r.variants()
	return f, site
}

func (r *reader) variants() (list []fact.Variant) {
	for range r.next() {
		list = append(list, fact.Variant{Component: r.text(), Name: r.text()})
	}
	return list
}
