package goaltrack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Rules are goals checked and compiled. They never change; a [Tracker] swaps
// one set for another. The zero value has no goals.
type Rules struct {
	goals []*goal
	byID  map[string]*goal // by the name Trigger is given
	index index
	// failure are the pages a refused form leads to.
	failure []template
	hash    string
}

// Goal is one goal: what has to happen, and what the CDP is told. It is the
// rule file's entry in Go's words; both are checked by the same code.
type Goal struct {
	// Name is the goal's name and, unless Sends says otherwise, the type of
	// the event the CDP receives: upper case, digits, _ and :, not a name the
	// CDP reserves. Unique among the goals.
	Name string
	// Label, Note and Owner are for people.
	Label, Note, Owner string
	// Sends is the event type, if it differs from Name; goals may share one.
	Sends string

	// Exactly one trigger is set.

	// Visit is the path of a page: a GET by a human that is answered with
	// HTML and 200 or 304. Prefetches do not count.
	Visit string
	// Submit is a form that the application accepted (see Success).
	Submit Submit
	// Download is the path of a file: a GET answered with 200, or with a 206
	// that begins at the first byte.
	Download string
	// Code is raised by the application with [Tracker.Trigger] or
	// [Tracker.Send].
	Code bool

	// Success says which answer means that the form was accepted: "redirect",
	// "redirect to /thanks", "303 to /orders/{orderId}", "200", "2xx" or
	// "confirmed" (the handler calls [Tracker.Confirm]). Default: a 302 or 303
	// to another page of the site that is no failure page, or 201, 202, 204.
	Success string

	// If must hold altogether, and nothing of Unless may hold.
	If, Unless Conditions

	// Count is how often the goal counts. Default and, so far, the only one:
	// "every".
	Count string
	// Bots "count" lets a form by a suspected bot count all the same.
	// Default: bots never count.
	Bots string

	// Value is what the goal is worth.
	Value Value
	// Data is sent in the event's ext: literals (texts, numbers, true, false)
	// and $sources. Names are letters and digits, beginning with a letter.
	Data map[string]any

	// Page, Language, Currency, Channel and PointOfSale replace what the site
	// says, as a literal or a $source. Page defaults to the page the visitor
	// was on: the last fixed segment of the address.
	Page, Language, Currency, Channel, PointOfSale string
}

// Submit is the trigger of a form. Method defaults to POST.
type Submit struct {
	Path, Method string
}

// Conditions are tests by what they look at: "query.q", "form.email",
// "header.x", "cookie.x", "path", "host", "route", "response.header.x",
// "response.type". A test is "present", "absent", a value, a list of values
// ([]any), "~ regex" or a comparison such as "> 10".
type Conditions map[string]any

// Value is what a goal is worth: an Amount, or From a $source. Currency
// defaults to the site's. Max bounds what a $source may say, which is needed
// where the visitor writes it ($form, $query, $cookie, $header).
type Value struct {
	Amount   float64
	From     string
	Currency string
	Max      float64
}

// Defaults apply to every goal of a rule file that does not say otherwise.
type Defaults struct {
	Language, Currency, Channel string
	// Failure are pages that a refused form leads to; a redirect there is no
	// success. Default: /login, /signin, /error/**.
	Failure []string
}

var defaultFailure = []string{"/login", "/signin", "/error/**"}

// NewRules checks and compiles goals made in Go. The error is a *RulesError
// with every fault.
func NewRules(goals ...Goal) (*Rules, error) {
	return compileRules(Defaults{}, goals, func(int, string) (int, int) { return 0, 0 }, "")
}

// LoadRules reads a rule file. The error is a *RulesError with every fault, or
// that of reading the file.
func LoadRules(path string) (*Rules, error) {
	text, err := os.ReadFile(path) //nolint:gosec // The operator names the file.
	if err != nil {
		return nil, fmt.Errorf("goaltrack: %w", err)
	}
	return parseRules(path, text)
}

// ParseRules reads the text of a rule file. The error is a *RulesError with
// every fault.
func ParseRules(text []byte) (*Rules, error) { return parseRules("", text) }

// Hash is a short fingerprint of the file the rules came from, "" for rules
// made in Go.
func (rs *Rules) Hash() string { return rs.hash }

// Names lists the goals in the order of the file.
func (rs *Rules) Names() []string {
	names := make([]string, 0, len(rs.goals))
	for _, g := range rs.goals {
		names = append(names, g.Name)
	}
	return names
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:4])
}

// RulesError is every fault of a set of rules.
type RulesError struct {
	Faults []Fault
}

// Fault is one thing wrong with a rule file. Line and Column count from 1 and
// are 0 for rules made in Go.
type Fault struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Goal    string `json:"goal"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

// Error prints one line for each fault.
func (e *RulesError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, f := range e.Faults {
		lines[i] = f.String()
	}
	return strings.Join(lines, "\n")
}

// String is "goals.yaml:12:5: goal CONTACT_SENT: message (hint)".
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
	file string
	at   func(goal int, key string) (line, column int)
	goal int
	name string
}

// add reports a fault at a key of the current goal, such as "visit" or
// "data.topic".
func (f *faults) add(key string, err error) {
	if err == nil {
		return
	}
	f.hint(key, err.Error(), "")
}

func (f *faults) hint(key, message, hint string) {
	line, column := f.at(f.goal, key)
	f.list = append(f.list, Fault{File: f.file, Line: line, Column: column, Goal: f.name, Message: message, Hint: hint})
}

// err returns the faults found, in the order of the file.
func (f *faults) err() error {
	if len(f.list) == 0 {
		return nil
	}
	slices.SortStableFunc(f.list, func(a, b Fault) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return &RulesError{Faults: f.list}
}

// compileRules checks and compiles goals. at tells where a key of a goal
// stands in the file.
func compileRules(d Defaults, goals []Goal, at func(int, string) (int, int), file string) (*Rules, error) {
	f := &faults{file: file, at: at, goal: -1}
	rs := &Rules{byID: make(map[string]*goal, len(goals))}
	if d.Failure == nil {
		d.Failure = defaultFailure
	}
	for _, path := range d.Failure {
		t, err := parseTemplate(path)
		f.add("defaults.failure", err)
		rs.failure = append(rs.failure, t)
	}
	for i, def := range goals {
		f.goal, f.name = i, def.Name
		def = d.apply(def)
		g := compileGoal(def, f)
		if rs.byID[def.Name] != nil {
			f.hint("goal", fmt.Sprintf("the name %s is used twice", def.Name), "names are unique; several goals may share an event type with sends:")
		}
		rs.byID[def.Name] = g
		rs.goals = append(rs.goals, g)
	}
	if err := f.err(); err != nil {
		return nil, err
	}
	for i, g := range rs.goals {
		g.number = i
		for j := range g.triggers {
			rs.index.add(&g.triggers[j])
		}
	}
	return rs, nil
}

func (d Defaults) apply(g Goal) Goal {
	def(&g.Language, d.Language)
	def(&g.Currency, d.Currency)
	def(&g.Channel, d.Channel)
	return g
}
