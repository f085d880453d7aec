package consent

// opinion collects what one cookie says about one category.
type opinion struct {
	answer Answer
	said   bool
}

// add takes in one more word about the category.
func (a *opinion) add(word []byte, yes, no string) {
	c := Unknown
	switch string(word) {
	case yes:
		c = Granted
	case no:
		c = Refused
	}
	if a.said {
		c = Join(a.answer, c)
	}
	a.answer, a.said = c, true
}

// orElse takes an answer from elsewhere if the category was not among what was read.
func (a *opinion) orElse(c Answer) {
	if !a.said {
		a.answer = c
	}
}
