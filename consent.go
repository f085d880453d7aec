package goaltrack

import (
	"net/http"

	"github.com/goaltrack/goaltrack/internal/consent"
)

// Consent is a visitor's answer to the site's consent question. It has one
// answer for analytics and one for marketing, the two categories that a goal's
// rule may name. Values can be compared. The zero value is unknown for both,
// and unknown is not yes. Make other values by the constants and by
// [MixedConsent] only; a number that has no meaning counts as unknown.
type Consent uint8

// The answers that are the same for both categories.
const (
	ConsentUnknown Consent = 0 // not asked yet, or not answered
	ConsentGranted Consent = answerGranted | answerGranted<<marketingBits
	ConsentRefused Consent = answerRefused | answerRefused<<marketingBits
)

// The answers for one category, two bits each.
const (
	answerGranted = 1
	answerRefused = 2
	answerBits    = 3
	marketingBits = 2 // how far those of marketing are shifted
)

// MixedConsent makes the answer of a visitor who decided on each category
// separately. It takes the answer for analytics from the first argument and the
// answer for marketing from the second.
//
//	goaltrack.MixedConsent(goaltrack.ConsentGranted, goaltrack.ConsentRefused)
func MixedConsent(analytics, marketing Consent) Consent {
	return analytics&answerBits | marketing&(answerBits<<marketingBits)
}

// Analytics returns the answer for analytics: one of the three constants.
func (c Consent) Analytics() Consent { return bothAre(c & answerBits) }

// Marketing returns the answer for marketing: one of the three constants.
func (c Consent) Marketing() Consent { return bothAre(c >> marketingBits) }

// open reports whether the visitor has yet to answer for a category.
func (c Consent) open() bool {
	return c.Analytics() == ConsentUnknown || c.Marketing() == ConsentUnknown
}

func bothAre(answer Consent) Consent {
	switch answer {
	case answerGranted:
		return ConsentGranted
	case answerRefused:
		return ConsentRefused
	}
	return ConsentUnknown
}

// String returns the answer in words, such as "granted" or "analytics granted,
// marketing refused".
func (c Consent) String() string {
	words := map[Consent]string{ConsentUnknown: "unknown", ConsentGranted: "granted", ConsentRefused: "refused"}
	analytics, marketing := words[c.Analytics()], words[c.Marketing()]
	if analytics == marketing {
		return analytics
	}
	return "analytics " + analytics + ", marketing " + marketing
}

// fate judges the answer by what a goal needs. It returns fired,
// consent_refused or consent_unknown.
func (c Consent) fate(n consent.Need) fate {
	switch n {
	case consent.Nothing:
		return fired
	case consent.Analytics:
		c = c.Analytics()
	case consent.Marketing:
		c = c.Marketing()
	default:
		c = bothOf(c.Analytics(), c.Marketing())
	}
	switch c {
	case ConsentGranted:
		return fired
	case ConsentRefused:
		return fateConsentRefused
	}
	return fateConsentUnknown
}

// bothOf joins two answers. One refusal is a refusal, and only two grants are a
// grant.
func bothOf(a, b Consent) Consent {
	join := func(a, b Consent) Consent {
		switch {
		case a == b:
			return a
		case a == ConsentRefused || b == ConsentRefused:
			return ConsentRefused
		}
		return ConsentUnknown
	}
	return MixedConsent(join(a.Analytics(), b.Analytics()), join(a.Marketing(), b.Marketing()))
}

// consent asks the reader. Without a reader, consent is granted.
func (t *Tracker) consent(r *http.Request) (c Consent) {
	if t.config.Consent == nil {
		return ConsentGranted
	}
	defer t.recovered("Consent", func() { c = ConsentUnknown })
	return t.config.Consent(r)
}
