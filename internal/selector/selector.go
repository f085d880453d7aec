// Package selector reads CSS selectors as browsers read them for closest() and matches()
// (https://www.w3.org/TR/selectors-4/), so that a mistake has its place and its cure before
// a browser sees it. It refuses what is no selector, what does not stand for an element,
// and what not every browser knows.
package selector

// List is a list of selectors, of which one is enough. [Parse] makes it. It never changes,
// so that any number of goroutines may use it.
type List []chain

// chain is compounds, each with what stands before it.
type chain []compound

// compound is what one element has to be.
type compound struct {
	combinator   byte // before it: ' ', '>', '+', '~'; 0 for the first
	tag          string
	ids, classes []string
	attributes   []attribute
	pseudos      []pseudo
}

// attribute is a test of an attribute. Without an operator, it is there.
type attribute struct {
	name, op, value string
	fold            bool // letters in any case
}

// pseudo is a pseudo-class, with the selectors in its brackets if it takes some.
type pseudo struct {
	name string
	list List
}

// Fault says what is wrong with a selector.
type Fault struct {
	// At is how many bytes stand before what is wrong.
	At int
	// Message says what is wrong, and Hint what to write instead, or is "".
	Message, Hint string
}

// Error returns the message without the hint.
func (f *Fault) Error() string { return f.Message }

// maxDepth bounds how deep selectors stand in selectors. Nobody writes so many, and a
// parser that calls itself must not run out of stack.
const maxDepth = 8

// Parse reads a list of selectors. The error is a [*Fault].
func Parse(text string) (list List, err error) {
	if fault := looksLikeSomethingElse(text); fault != nil {
		return nil, fault
	}
	p := &parser{text: text}
	defer func() {
		if fault, ok := recover().(*Fault); ok {
			list, err = nil, fault
		}
	}()
	p.blanks()
	list = p.list(0, false)
	if p.at < len(p.text) {
		p.fail(p.at, p.unexpected(), "")
	}
	return list, nil
}

// IsName reports whether the text is a bare word: letters, digits, - and _.
func IsName(text string) bool {
	for i := range len(text) {
		if !isNameByte(text[i]) {
			return false
		}
	}
	return text != ""
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}
