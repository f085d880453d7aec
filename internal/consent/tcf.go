package consent

// A string of the Transparency and Consent Framework, version 2, begins with its
// core, whose bits are
// (https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework/blob/master/TCFv2/IAB%20Tech%20Lab%20-%20Consent%20string%20and%20vendor%20list%20formats%20v2.md):
//
//	bits 0 to 5      the version, 2
//	bits 152 to 175  PurposesConsent: purpose 1 leftmost, 24 rightmost
//	up to bit 229    the other fields that come before the list of vendors
const (
	tcfVersion      = 2
	tcfPurposesAt   = 152
	tcfPurposeCount = 24
	tcfLeast        = 230
)

// Purposes are purposes of the framework, one bit each. The first purpose is the
// leftmost of 24.
type Purposes uint32

// PurposesOf makes a set of numbers from 1 to 24. It is 0 if there are none, or one of
// them does not exist.
func PurposesOf(numbers []int) (set Purposes) {
	for _, p := range numbers {
		if p < 1 || p > tcfPurposeCount {
			return 0
		}
		set |= 1 << (tcfPurposeCount - p)
	}
	return set
}

// TCF says which purposes stand for a category.
type TCF struct{ Analytics, Marketing Purposes }

// Of reads a TC string. A category is granted if all its purposes have consent, else
// refused. It is unknown if it has no purposes. All is unknown if the string has
// another version or is cut short.
func (t TCF) Of(text string) Answer {
	given, ok := purposesWithConsent(text)
	if !ok {
		return Unknown
	}
	return Mixed(given.allow(t.Analytics), given.allow(t.Marketing))
}

func (given Purposes) allow(needed Purposes) Answer {
	switch {
	case needed == 0:
		return Unknown
	case given&needed == needed:
		return Granted
	}
	return Refused
}

// purposesWithConsent reads them from the core of a string. All characters of the
// fields up to the list of vendors have to be right.
func purposesWithConsent(text string) (given Purposes, ok bool) {
	const chars = (tcfLeast + 5) / 6
	if len(text) < chars {
		return 0, false
	}
	for i := range chars {
		if base64Value(text[i]) > 63 {
			return 0, false
		}
	}
	b := bits{text: text}
	if version, _ := b.take(6); version != tcfVersion {
		return 0, false
	}
	b.at = tcfPurposesAt
	purposes, ok := b.take(tcfPurposeCount)
	return Purposes(purposes), ok
}
