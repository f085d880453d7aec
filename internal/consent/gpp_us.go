package consent

import "strings"

// The sections of the United States have one form: a version of six bits, and then
// numbers of two bits. What a number says depends on its field:
//
//	a notice    0 there is nothing to opt out of; 1 notice was given; 2 it was not
//	an opt-out  0 not applicable, or no notice; 1 opted out; 2 did not opt out
//	a consent   0 not applicable; 1 no consent; 2 consent
//
// Which fields a section has is in its specification
// (https://github.com/InteractiveAdvertisingBureau/Global-Privacy-Platform/tree/main/Sections).

// role is what a field means for a goal.
type role uint8

const (
	beside     role = iota // nothing
	processing             // notice that data are processed
	saleNotice
	sharingNotice
	targetedNotice
	sale
	sharing
	targeted
	child // consent for a child's data
	other // consent to other uses of the data than were told
)

// field is a field of a section.
type field struct {
	name string
	n    int // of how many numbers
	as   role
}

// layout is a section.
type layout struct {
	name   string
	fields []field
	noGPC  bool // its segments have no types, and none of them is the GPC
}

var (
	sharingNotes  = field{"SharingNotice", 1, processing}
	notes         = field{"ProcessingNotice", 1, processing}
	saleNotes     = field{"SaleOptOutNotice", 1, saleNotice}
	sharingOut    = field{"SharingOptOutNotice", 1, sharingNotice}
	targetedNotes = field{"TargetedAdvertisingOptOutNotice", 1, targetedNotice}
	sensitiveOut  = field{"SensitiveDataProcessingOptOutNotice", 1, beside}
	sensitiveOld  = field{"SensitiveDataOptOutNotice", 1, beside}
	limitNotes    = field{"SensitiveDataLimitUseNotice", 1, beside}
	sales         = field{"SaleOptOut", 1, sale}
	shares        = field{"SharingOptOut", 1, sharing}
	targets       = field{"TargetedAdvertisingOptOut", 1, targeted}
	personal      = field{"PersonalDataConsents", 1, other}
	additional    = field{"AdditionalDataProcessingConsent", 1, other}
	covered       = field{"MspaCoveredTransaction", 1, beside}
	optOutMode    = field{"MspaOptOutOptionMode", 1, beside}
	providerMode  = field{"MspaServiceProviderMode", 1, beside}
	mode          = field{"MspaMode", 1, beside}
)

func sensitive(n int) field { return field{"SensitiveDataProcessing", n, beside} }
func children(n int) field  { return field{"KnownChildSensitiveDataConsents", n, child} }

// The first version of usnat had fewer numbers. The length tells which form it is, as in
// the IAB's own library, whatever version stands in front.
var (
	national      = layout{name: "usnat", fields: nationalFields(16, 3)}
	nationalShort = layout{name: "usnat", fields: nationalFields(12, 2)}
)

func nationalFields(sensitives, ages int) []field {
	return []field{
		sharingNotes, saleNotes, sharingOut, targetedNotes, sensitiveOut, limitNotes, sales, shares, targets,
		sensitive(sensitives), children(ages), personal, covered, optOutMode, providerMode,
	}
}

// state is a section of most states: notices, the opt-outs, what is sensitive, children.
func state(name string, first field, sensitives, ages int, more ...field) layout {
	fields := []field{first, saleNotes, targetedNotes, sales, targets, sensitive(sensitives), children(ages)}
	return layout{name: name, fields: append(append(fields, more...), covered, optOutMode, providerMode)}
}

// later is a section of the states that came last.
func later(name string, noGPC bool, more ...field) layout {
	fields := []field{covered, mode, notes, saleNotes, targetedNotes, sales, targets}
	return layout{name: name, noGPC: noGPC, fields: append(append(fields, more...), additional)}
}

// states are the sections from 8 on.
var states = [...]layout{
	{name: "usca", fields: []field{
		saleNotes, sharingOut, limitNotes, sales, shares, sensitive(9), children(2), personal, covered, optOutMode, providerMode,
	}},
	state("usva", sharingNotes, 8, 1),
	state("usco", sharingNotes, 7, 1),
	{name: "usut", fields: []field{
		sharingNotes, saleNotes, targetedNotes, sensitiveOut, sales, targets, sensitive(8), children(1), covered, optOutMode, providerMode,
	}},
	state("usct", sharingNotes, 8, 3),
	state("usfl", notes, 8, 3, additional),
	state("usmt", sharingNotes, 8, 3, additional),
	state("usor", notes, 11, 3, additional),
	state("ustx", notes, 8, 1, additional),
	state("usde", notes, 9, 5, additional),
	{name: "usia", fields: []field{
		notes, saleNotes, targetedNotes, sensitiveOld, sales, targets, sensitive(8), children(1), covered, optOutMode, providerMode,
	}},
	state("usne", notes, 8, 1, additional),
	state("usnh", notes, 8, 3, additional),
	state("usnj", notes, 10, 5, additional),
	state("ustn", notes, 8, 1, additional),
	state("usmn", notes, 8, 1, additional),
	later("usmd", false),
	later("usin", true, children(1)),
	later("usky", true, children(1)),
	later("usri", true, children(1)),
}

// layoutOf is the layout of a section, nil if it is none of the United States'.
func layoutOf(id int) *layout {
	switch i := id - sectionUSNat - 1; {
	case id == sectionUSNat:
		return &national
	case i >= 0 && i < len(states):
		return &states[i]
	}
	return nil
}

// read hands out the numbers of a section's core, in order. It is false if the core is
// not of a version that is known, is too short, has a number that means nothing, or
// goes on behind its last field.
func (l *layout) read(core string, got func(f *field, number uint8)) bool {
	if l == &national && len(core) < 12 {
		l = &nationalShort
	}
	b := bits{text: core}
	version, _ := b.take(6)
	if version != 1 && (version != 2 || l != &national) {
		return false
	}
	for i := range l.fields {
		f := &l.fields[i]
		for range f.n {
			number, ok := b.take(2)
			if !ok || number > 2 {
				return false
			}
			got(f, uint8(number))
		}
	}
	return b.onlyPadding()
}

// choices is what a section says of a goal's concern.
type choices struct {
	notice, optOut        [3]uint8 // of sale, sharing, targeted advertising
	uninformed            bool     // no notice was given that data are processed
	childNoConsent, other bool     // a consent is lacking
	gpc                   bool
}

func (c *choices) take(f *field, number uint8) {
	switch f.as {
	case processing:
		c.uninformed = number == 2
	case saleNotice, sharingNotice, targetedNotice:
		c.notice[f.as-saleNotice] = number
	case sale, sharing, targeted:
		c.optOut[f.as-sale] = number
	case child:
		c.childNoConsent = c.childNoConsent || number == 1
	case other:
		c.other = number == 1
	case beside:
	}
}

// judge says what a section means for goals. It is what docs/visitors.md tells:
//
//   - a child without consent refuses all;
//   - one opt-out refuses marketing, and so does a consent that was not given;
//   - GPC refuses what the setting says;
//   - marketing is granted if at least one opt-out was offered and not used, and none
//     is open;
//   - analytics is granted if an opt-out was offered, whatever became of it, because
//     none of them is about a site that counts for itself.
func (g *GPP) judge(l *layout, text string) Answer {
	core, segments, more := strings.Cut(text, ".")
	var c choices
	readable := l.read(core, c.take)
	for more && !l.noGPC {
		var segment string
		segment, segments, more = strings.Cut(segments, ".")
		b := bits{text: segment}
		kind, _ := b.take(2)
		on, ok := b.take(1)
		if !ok || kind != 1 {
			readable = false
			continue
		}
		c.gpc = c.gpc || on == 1
	}
	a := c.answer(readable)
	if c.gpc {
		a = refuse(a, g.GPC)
	}
	return a
}

// answer is what is said without GPC. readable is false if some of the section could
// not be read. Then it grants nothing, but what it refused before that is refused.
func (c *choices) answer(readable bool) Answer {
	asked, open, out := false, false, c.other
	for i, optOut := range c.optOut {
		switch notice := c.notice[i]; {
		case optOut == 1:
			asked, out = true, true
		case optOut == 2 && notice != 2:
			asked = true
		case optOut == 2 || notice != 0:
			open = true // no answer, or no notice
		}
	}
	if c.childNoConsent {
		return Refused
	}
	a := Unknown
	if readable && asked && !c.uninformed {
		if a = Granted; open {
			a = Mixed(Granted, Unknown)
		}
	}
	if out {
		a = Mixed(a, Refused)
	}
	return a
}

// refuse takes away what by refuses.
func refuse(a, by Answer) Answer {
	if by.Analytics() == Refused {
		a = Mixed(Refused, a)
	}
	if by.Marketing() == Refused {
		a = Mixed(a, Refused)
	}
	return a
}

// uspAnswer reads the section uspv1, of four characters
// (https://github.com/InteractiveAdvertisingBureau/USPrivacy/blob/master/CCPA/US%20Privacy%20String.md).
// The first is the version, 1. The second says whether notice was given: Y, N, or - for not
// applicable. The others say whether the visitor opted out of the sale of their data, and
// whether an agreement covers it.
func uspAnswer(text string) Answer {
	if len(text) != 4 || text[0] != '1' {
		return Unknown
	}
	for _, c := range []byte(text[1:]) {
		if c != 'Y' && c != 'N' && c != '-' {
			return Unknown
		}
	}
	switch notice, out := text[1], text[2]; {
	case out == 'Y':
		return Mixed(Granted, Refused)
	case out == 'N' && notice == 'Y':
		return Granted
	}
	return Unknown
}
