// Package consent says which consent a goal can need (need.go), and what a visitor answered
// (answer.go). It reads the answer from the cookies of consent tools: Cookiebot
// (cookiebot.go), OneTrust (onetrust.go), and strings of the IAB's two frameworks (tcf.go, and
// gpp.go with gpp_us.go for the United States).
//
// A value that cannot be read is unknown, and unknown is not yes. Of several that say
// something about one category, one refusal is a refusal, and only grants of all are a grant.
// All functions are safe for concurrent use, and none keeps what it reads.
package consent

// Need is the consent that a goal needs.
type Need uint8

// What a goal can need.
const (
	All Need = iota // every category; also for what goaltrack does of its own accord
	Analytics
	Marketing
	Nothing // also for a visitor who refused
	Needs   // how many there are
)

// Words are the words of consent: in a rule.
var Words = [Needs]string{"required", "analytics", "marketing", "not-needed"}

// Terms is what the gate has to know about a goal.
type Terms struct {
	Need       Need
	CountsBots bool // a form by a suspected machine counts
	MayWait    bool // it may be held until the visitor answers
}
