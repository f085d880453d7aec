package goaltrack

import "net/http"

// TCF says how [ConsentTCF] reads a consent string of the Transparency and
// Consent Framework. The purposes are numbered 1 to 24, as in IAB Europe's
// policies
// (https://iabeurope.eu/iab-europe-transparency-consent-framework-policies/).
type TCF struct {
	// Cookie is the name of the cookie with the string. Default: euconsent-v2.
	Cookie string

	// Analytics are the purposes that must all have consent for analytics.
	// Default: 1, store information on a device; 8, measure content; 9,
	// understand audiences.
	Analytics []int

	// Marketing are the purposes that must all have consent for marketing.
	// Default: 1, store information on a device; 3 to 6, make and use profiles
	// for advertising and content.
	Marketing []int
}

// ConsentTCF reads which purposes have consent, from the core of a version 2
// string
// (https://github.com/InteractiveAdvertisingBureau/GDPR-Transparency-and-Consent-Framework/blob/master/TCFv2/IAB%20Tech%20Lab%20-%20Consent%20string%20and%20vendor%20list%20formats%20v2.md).
// A category is granted if all its purposes have consent, else refused.
// Everything is unknown if the string has another version or is cut short. A
// category is unknown if it has no purposes, or one that does not exist.
//
// Vendors are not looked at: the site itself counts, and the CDP is its
// processor. Legitimate interest is not consent.
func ConsentTCF(o TCF) func(*http.Request) Consent {
	def(&o.Cookie, "euconsent-v2")
	if o.Analytics == nil {
		o.Analytics = []int{1, 8, 9}
	}
	if o.Marketing == nil {
		o.Marketing = []int{1, 3, 4, 5, 6}
	}
	analytics, marketing := purposeMask(o.Analytics), purposeMask(o.Marketing)
	read := func(value string) Consent {
		purposes, ok := tcfPurposes(value)
		if !ok {
			return ConsentUnknown
		}
		return MixedConsent(maskConsent(purposes, analytics), maskConsent(purposes, marketing))
	}
	return consentReader(o.Cookie, read)
}

// The layout of a core string: where its fields are, in bits.
const (
	tcfVersion      = 2   // bits 0 to 5
	tcfPurposesAt   = 152 // PurposesConsent, from left to right
	tcfPurposeCount = 24
	tcfLeast        = 230 // the fields up to the list of vendors
)

// purposeMask has one bit for each purpose, the first purpose leftmost of 24.
// It is 0 if there are no purposes or one of them does not exist.
func purposeMask(purposes []int) (mask uint32) {
	for _, p := range purposes {
		if p < 1 || p > tcfPurposeCount {
			return 0
		}
		mask |= 1 << (tcfPurposeCount - p)
	}
	return mask
}

func maskConsent(purposes, mask uint32) Consent {
	switch {
	case mask == 0:
		return ConsentUnknown
	case purposes&mask == mask:
		return ConsentGranted
	}
	return ConsentRefused
}

// tcfPurposes reads the purposes with consent from a core string. Each
// character of base64url (RFC 4648, section 5) stands for six bits, so the bits
// can be read in place. ok is false if the string is not one of version 2.
func tcfPurposes(s string) (purposes uint32, ok bool) {
	const (
		chars = (tcfLeast + 5) / 6
		from  = tcfPurposesAt / 6
		to    = (tcfPurposesAt + tcfPurposeCount - 1) / 6
		spare = (to+1)*6 - tcfPurposesAt - tcfPurposeCount // bits behind the last purpose
	)
	if len(s) < chars || base64Value(s[0]) != tcfVersion {
		return 0, false
	}
	var bits uint64
	for i := range chars {
		v := base64Value(s[i])
		if v > 63 {
			return 0, false
		}
		if from <= i && i <= to {
			bits = bits<<6 | uint64(v)
		}
	}
	return uint32(bits>>spare) & (1<<tcfPurposeCount - 1), true
}

// base64Value is the value of a character of base64url, 64 if it is none.
func base64Value(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c - 'A'
	case 'a' <= c && c <= 'z':
		return c - 'a' + 26
	case '0' <= c && c <= '9':
		return c - '0' + 52
	case c == '-':
		return 62
	case c == '_':
		return 63
	}
	return 64
}
