package consent

import (
	"bytes"
	"strings"
)

// OneTrust says which categories of OneTrust's stand for the two, and what stands for
// them on a site with IAB's framework.
type OneTrust struct {
	Analytics, Marketing string // such as C0002 and C0004
	TCF                  TCF
}

// TCString is the TC string that a browser sends beside OneTrust's cookie: what it
// says, and whether there is one.
type TCString struct {
	Says  Answer
	There bool
}

// Of reads the value of OptanonConsent, which has the syntax of a form's body:
//
//	isGpcEnabled=0&groups=C0001%3A1%2CC0002%3A0%2CV2STACK42%3A1&geolocation=US%3BTX
//
// tc is asked only if a stack of purposes takes the place of a category.
func (o *OneTrust) Of(value string, tc func() TCString) (a Answer) {
	found := false
	for pair := range strings.SplitSeq(value, "&") {
		name, v, _ := strings.Cut(pair, "=")
		switch {
		case name == "groups":
			one := o.groups(v, tc)
			if found {
				one = Join(a, one)
			}
			a, found = one, true
		case name == "AwaitingReconsent" && strings.EqualFold(v, "true"):
			return Unknown
		}
	}
	return a
}

// groups reads C0001:1,C0002:0. Commas and colons may be escaped.
func (o *OneTrust) groups(escaped string, tc func() TCString) Answer {
	var buf [256]byte // enough for thirty categories
	list := AppendUnescaped(buf[:0], escaped)
	var analytics, marketing, whole opinion
	stacks := false
	for len(list) > 0 {
		var entry []byte
		entry, list, _ = bytes.Cut(list, []byte{','})
		id, state, _ := bytes.Cut(entry, []byte{':'})
		if string(id) == o.Analytics {
			analytics.add(state, "1", "0")
		}
		if string(id) == o.Marketing {
			marketing.add(state, "1", "0")
		}
		if number, ok := stackOf(id); ok {
			if stacks = true; string(number) == "42" || string(number) == "43" {
				whole.add(state, "1", "0")
			}
		}
	}
	if stacks && (!analytics.said || !marketing.said) {
		a := whole.answer
		if s := tc(); s.There {
			if a = s.Says; whole.said {
				a = Join(a, whole.answer)
			}
		}
		analytics.orElse(a)
		marketing.orElse(a)
	}
	return Mixed(analytics.answer, marketing.answer)
}

// stackOf returns the number of a group that is a stack of IAB's purposes
// (https://iabeurope.eu/iab-europe-transparency-consent-framework-policies/): 42 of
// STACK42 and of V2STACK42. The stacks 42 and 43 have purposes 2 to 10, and so all but
// the first of what goals need; the first has no stack.
func stackOf(group []byte) (number []byte, ok bool) {
	version, number, ok := bytes.Cut(group, []byte("STACK"))
	if !ok || len(number) == 0 || len(version) > 0 && version[0] != 'V' {
		return nil, false
	}
	return number, true
}

// Regions looks at where OneTrust says that the visitor is, such as US;TX. It says so
// in the same cookie, and an empty one if it does not know. said is whether it does, and
// all whether each of those is in one of the regions.
func Regions(value string, of []string) (said, all bool) {
	all = true
	for pair := range strings.SplitSeq(value, "&") {
		if v, ok := strings.CutPrefix(pair, "geolocation="); ok {
			var buf [32]byte
			if region := AppendUnescaped(buf[:0], v); len(region) > 0 && string(region) != ";" {
				said, all = true, all && IsIn(string(region), of)
			}
		}
	}
	return said, all
}

// IsIn reports whether a region, a country or a part of one, is in one of others.
func IsIn(region string, of []string) bool {
	country, _, _ := strings.Cut(region, ";")
	for _, other := range of {
		if strings.EqualFold(other, region) || strings.EqualFold(other, country) {
			return true
		}
	}
	return false
}
