// Package consent says which consent a goal can need.
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
