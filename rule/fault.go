package rule

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/selector"
)

// Error is what is wrong with rules. It is returned as an [*Error], which
// [errors.As] finds.
type Error struct {
	// Faults are all of them, in the order of the file; at least one. Of more
	// than 100, the last entry says how many there are beside. Their texts are
	// fit to print: what a file could smuggle into a terminal is replaced, and
	// long words are cut.
	Faults []Fault
}

// Fault is one thing wrong with rules, or a warning.
type Fault struct {
	// File is the name that the rules were read by, "" if there is none.
	File string `json:"file"`
	// Line and Column count from 1, columns by characters. They are 0 for rules
	// made in Go.
	Line   int `json:"line"`
	Column int `json:"column"`
	// Goal is the goal's name, "" for what stands outside of goals.
	Goal string `json:"goal"`
	// Message says what is wrong.
	Message string `json:"message"`
	// Hint says what to write, "" if the message does.
	Hint string `json:"hint"`
}

// Error is one line for each fault, as [Fault.String] has it.
func (e *Error) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// String is "goals.yaml:12:5: goal CONTACT_SENT: message (hint)", without what is not
// known.
func (f Fault) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File + ":")
	}
	if f.Line > 0 {
		fmt.Fprintf(&b, "%d:%d:", f.Line, f.Column)
	}
	if b.Len() > 0 {
		b.WriteByte(' ')
	}
	if f.Goal != "" {
		b.WriteString("goal " + f.Goal + ": ")
	}
	b.WriteString(f.Message)
	if f.Hint != "" {
		b.WriteString(" (" + f.Hint + ")")
	}
	return b.String()
}

// faults collects what is wrong, goal by goal.
type faults struct {
	list []Fault
	// warnings are for a look before publishing; they keep nothing from loading.
	warnings []Fault
	file     string
	at       func(goal int, key string, skip int) (line, column int)
	goal     int
	name     string
}

// add reports a fault at a key of the current goal, such as "visit" or
// "data.topic".
func (f *faults) add(key string, err error) {
	if err == nil {
		return
	}
	hint, skip := "", 0
	if a, ok := errors.AsType[*advice](err); ok {
		hint = a.hint
	} else if p, ok := errors.AsType[*urlpath.Fault](err); ok {
		hint = p.Hint
	} else if s, ok := errors.AsType[*selector.Fault](err); ok {
		hint, skip = s.Hint, s.At
	}
	f.inside(key, skip, err.Error(), hint)
}

func (f *faults) hint(key, message, hint string) { f.inside(key, 0, message, hint) }

// inside reports a fault behind so many bytes of a key's text.
func (f *faults) inside(key string, skip int, message, hint string) {
	line, column := f.at(f.goal, key, skip)
	f.list = append(f.list, Fault{File: f.file, Line: line, Column: column, Goal: f.name, Message: message, Hint: hint})
}

// warn reports what is no fault but may not be what was meant.
func (f *faults) warn(key, message, hint string) {
	line, column := f.at(f.goal, key, 0)
	f.warnings = append(f.warnings, Fault{File: f.file, Line: line, Column: column, Goal: f.name, Message: message, Hint: hint})
}

// rulesError returns the faults found, in the order of the file, and nil if
// there are none.
func rulesError(list []Fault) error {
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b Fault) int {
		return cmp.Or(a.Line-b.Line, a.Column-b.Column)
	})
	if more := len(list) - maxFaults; more > 0 {
		list = append(list[:maxFaults:maxFaults], Fault{File: list[0].File, Message: fmt.Sprintf("and %d more faults", more)})
	}
	for i := range list {
		f := &list[i]
		f.Goal, f.Message, f.Hint = printable(f.Goal, maxFaultText), printable(f.Message, maxFaultText), printable(f.Hint, maxFaultText*3/2)
	}
	return &Error{Faults: list}
}

// maxFaults bounds what is reported at once: nobody reads more.
const maxFaults = 100

// maxFaultText bounds each text of a fault, which may quote the file. A hint, which may list
// all keys, has half as much again.
const maxFaultText = 400

// printable makes a text fit for a terminal and a log line: a rule file may
// hold escape sequences or a megabyte in one word.
func printable(s string, most int) string {
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// advice is an error that knows what to write instead.
type advice struct{ message, hint string }

func (a *advice) Error() string { return a.message }
