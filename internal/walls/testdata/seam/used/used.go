// Package used is used by the package beside it, for a test of what is counted.
package used

// Size is a constant.
const Size = 1

// Unused is used by nobody.
const Unused = 2

// Shared is a variable.
var Shared int

// Thing has a field and methods of its own, and those of Part.
type Thing struct {
	Name string
	Idle string
	Part
}

// Part is embedded.
type Part struct{ Depth int }

// Deepen is a method.
func (p *Part) Deepen() { p.Depth++ }

// Say is a method.
func (t Thing) Say() string { return t.Name }

// Quiet is a method that only a test uses.
func (t Thing) Quiet() {}

// Sayer is an interface.
type Sayer interface{ Say() string }

// Box is generic.
type Box[T any] struct{ Value T }

// Get is a method of a generic type.
func (b Box[T]) Get() T { return b.Value }

// New is a function.
func New(name string) *Thing { return &Thing{Name: name} }
