package consent

import "strings"

// A string of the Global Privacy Platform
// (https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform/blob/main/Core/Consent%20String%20Specification.md)
// is a header and sections, with "~" between them. For instance, of a visitor in
// California who opted out of the sale of their data, while their browser sends the
// Global Privacy Control:
//
//	DBABBg~BUUUAAAABY.YA
//
//	DBABBg        000011 000001 000000000001 0 000011 00000
//	              header (3), version 1, one entry, a single one, Fibonacci 8: section
//	              8, which is usca
//	BUUUAAAABY    000001 01 01 00 01 01 ...
//	              version 1; SaleOptOutNotice 1 (notice was given), SharingOptOutNotice
//	              1, SensitiveDataLimitUseNotice 0; SaleOptOut 1 (opted out) ...
//	YA            01 1: a segment of type 1, which is the GPC, and it is on
//
// Sections are in the order of their numbers. What a section of the United States says
// is in gpp_us.go. Section 2 is a TC string, and section 6 four plain characters.

// GPP says how strings of the Global Privacy Platform are judged.
type GPP struct {
	TCF TCF // for section 2
	// GPC is what a visitor refuses whose string has the Global Privacy Control
	// switched on: Refused, Unknown (nothing), or marketing alone.
	GPC Answer
}

// The numbers of the sections that are read.
const (
	sectionTCF   = 2
	sectionUSP   = 6
	sectionUSNat = 7
	maxSections  = 64 // in one string; a few dozen are defined
	maxSection   = 1 << 12
)

// Of reads a string. It joins what its sections say: one refusal is a refusal. A
// section that is not known, or cannot be read, grants nothing, and so nothing is
// granted beside it: it could hold a refusal. All is unknown without any section, and
// if the header is not one.
func (g *GPP) Of(text string) (joined Answer) {
	head, rest, more := strings.Cut(text, "~")
	ids := sectionIDs{bits: bits{text: head}}
	if !ids.begin() {
		return Unknown
	}
	sections := 0
	for ids.next() {
		if !more {
			return Unknown // the header promises a section that is not there
		}
		var section string
		section, rest, more = strings.Cut(rest, "~")
		a := g.section(ids.id, section)
		if sections > 0 {
			a = Join(joined, a)
		}
		joined = a
		if sections++; sections > maxSections {
			return Unknown
		}
	}
	if ids.broken || more || !ids.onlyPadding() {
		return Unknown // nobody knows then which section is which
	}
	return joined
}

func (g *GPP) section(id int, text string) Answer {
	switch id {
	case sectionTCF:
		return g.TCF.Of(text)
	case sectionUSP:
		return uspAnswer(text)
	}
	if l := layoutOf(id); l != nil {
		return g.judge(l, text)
	}
	return Unknown
}

// sectionIDs goes through the numbers of the sections in a header. They are ranges in
// Fibonacci coding, each number being told from the one before it.
type sectionIDs struct {
	bits
	entries uint32 // still to be read
	id, end int    // the present number, and the last one of its range
	broken  bool
}

// begin reads what comes before the entries. It is false if this is no header of
// version 1.
func (s *sectionIDs) begin() bool {
	kind, _ := s.take(6)
	version, _ := s.take(6)
	var ok bool
	s.entries, ok = s.take(12)
	return ok && kind == 3 && version == 1
}

func (s *sectionIDs) next() bool {
	if s.id < s.end {
		s.id++
		return true
	}
	if s.entries == 0 || s.broken {
		return false
	}
	s.entries--
	group, ok := s.take(1)
	first, one := s.fibonacci()
	s.broken = !ok || !one
	s.id, s.end = s.end+first, s.end+first
	if group == 1 && !s.broken {
		length, ok := s.fibonacci()
		s.end, s.broken = s.end+length, !ok
	}
	s.broken = s.broken || s.end > maxSection
	return !s.broken
}

// fibonacci reads a number that is a sum of Fibonacci numbers, 1, 2, 3, 5, ..., one bit
// for each. A second 1 in a row ends it.
func (b *bits) fibonacci() (sum int, ok bool) {
	last := uint32(0)
	for a, next := 1, 2; a <= maxSection; a, next = next, a+next {
		bit, ok := b.take(1)
		if !ok {
			return 0, false
		}
		if bit == 1 && last == 1 {
			return sum, true
		}
		if last = bit; bit == 1 {
			sum += a
		}
	}
	return 0, false
}
