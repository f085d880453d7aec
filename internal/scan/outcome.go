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
