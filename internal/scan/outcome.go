package scan

// Outcome says how the attempt to read a form ended.
type Outcome uint8

// The outcomes.
const (
	Unread      Outcome = iota // the handler did not read all of it, so it did not process it
	Complete                   // every byte was read by the handler and kept
	TooLarge                   // over the limit of one body
	OverBudget                 // over the limit of all bodies at once
	Encoded                    // it has a Content-Encoding, so the bytes are not a form yet
	NotAForm                   // its Content-Type is none of ours
	NoBody                     // the request has no body
	ReadOutside                // something outside of goaltrack had read it, or a part of it
)

var outcomeWords = [...]string{
	Unread:     "form_unread",
	Complete:   "form_complete",
	TooLarge:   "form_too_large",
	OverBudget: "form_over_budget",
	Encoded:    "form_encoded",
	NotAForm:   "form_not_a_form",
	NoBody:     "form_no_body",

	ReadOutside: "form_read_outside",
}

// String returns the word used in counts and reasons.
func (f Outcome) String() string {
	if int(f) < len(outcomeWords) {
		return outcomeWords[f]
	}
	return "form_unknown"
}
