package consent

// Answer is what a visitor answered: for analytics in its lowest two bits, for
// marketing in the two above. Every other number is unknown. goaltrack's own type
// has the same numbers.
type Answer uint8

// The answers that are the same for both categories.
const (
	Unknown Answer = 0
	Granted Answer = yes | yes<<marketingBits
	Refused Answer = no | no<<marketingBits
)

// The answers for one category, two bits each.
const (
	yes           = 1
	no            = 2
	answerBits    = 3
	marketingBits = 2 // how far those of marketing are shifted
)

// Mixed takes the answer for analytics from the first and the answer for marketing
// from the second.
func Mixed(analytics, marketing Answer) Answer {
	return analytics&answerBits | marketing&(answerBits<<marketingBits)
}

// Analytics is the answer for analytics: Granted, Refused or Unknown.
func (a Answer) Analytics() Answer { return bothAre(a & answerBits) }

// Marketing is the answer for marketing: Granted, Refused or Unknown.
func (a Answer) Marketing() Answer { return bothAre(a >> marketingBits) }

func bothAre(answer Answer) Answer {
	switch answer {
	case yes:
		return Granted
	case no:
		return Refused
	}
	return Unknown
}

// Join makes one answer of two. One refusal is a refusal, and only two grants are a
// grant.
func Join(a, b Answer) Answer {
	join := func(a, b Answer) Answer {
		switch {
		case a == b:
			return a
		case a == Refused || b == Refused:
			return Refused
		}
		return Unknown
	}
	return Mixed(join(a.Analytics(), b.Analytics()), join(a.Marketing(), b.Marketing()))
}

// To is the answer for what a goal needs: Granted, Refused or Unknown.
func (a Answer) To(n Need) Answer {
	if a == Granted {
		return Granted // as most, to everything
	}
	switch n {
	case Nothing:
		return Granted
	case Analytics:
		return a.Analytics()
	case Marketing:
		return a.Marketing()
	}
	return Join(a.Analytics(), a.Marketing())
}
