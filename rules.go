package goaltrack

import "github.com/goaltrack/goaltrack/rule"

// The language of the rule file is package rule. Programs can use that package
// without a Tracker, to check, try and explain rules. The names below stand for
// its names.

// Rules are goals that were checked and compiled, by [LoadRules], [ParseRules]
// or [NewRules]. They never change, so any number of goroutines may use them. A
// [Tracker] exchanges one set for another. See [rule.Set] for its methods.
type Rules = rule.Set

// Goal is one goal: what has to happen, and what is sent to the CDP. See
// [rule.Goal] for its fields.
type Goal = rule.Goal

// Parts of a [Goal]; see the types of the same names in package rule.
type (
	// Trigger is one alternative of a goal.
	Trigger = rule.Trigger
	// Submit is the trigger of a form.
	Submit = rule.Submit
	// Conditions are tests by what they look at.
	Conditions = rule.Conditions
	// Value is what a goal is worth.
	Value = rule.Value
	// Order is an order placed.
	Order = rule.Order
	// DataFrom is a $source that is sent with a certain type.
	DataFrom = rule.DataFrom
	// Examples say what counts and what does not.
	Examples = rule.Examples
)

// RulesError is the error of LoadRules, ParseRules and NewRules for rules with
// faults. It has every [Fault] at once. See [rule.Error].
type RulesError = rule.Error

// Fault is one fault of rules, or a warning. See [rule.Fault].
type Fault = rule.Fault

// Lead is a page to which accepted forms of a goal led. See [rule.Lead].
type Lead = rule.Lead

// The types that try rules on examples and on the log of a site. New programs
// should take them from package rule.
type (
	// Defaults apply to every goal of a rule file that does not say otherwise.
	Defaults = rule.Defaults
	// Example is one request and its answer.
	Example = rule.Example
	// Verdict is what one goal makes of an exchange.
	Verdict = rule.Verdict
	// LogEntry is a request as an access log tells it.
	LogEntry = rule.LogEntry
	// Replay counts what rules would have counted in a log.
	Replay = rule.Replay
	// ReplayCount is what a log says about one goal.
	ReplayCount = rule.ReplayCount
	// Suggestion is a goal that the rules do not have.
	Suggestion = rule.Suggestion
)

// NewRules checks and compiles goals made in Go. The error is a *RulesError
// with every fault.
func NewRules(goals ...Goal) (*Rules, error) { return rule.New(goals...) }

// LoadRules reads a rule file: one YAML document in UTF-8 of at most 4 MiB. The
// error is a *RulesError with every fault, or the error of reading the file.
func LoadRules(path string) (*Rules, error) { return rule.Load(path) }

// ParseRules reads the text of a rule file, as LoadRules does. The error is a
// *RulesError with every fault.
func ParseRules(text []byte) (*Rules, error) { return rule.Parse(text) }

// ParseExample reads a line such as
//
//	POST /contact topic=sales -> 303 /thanks
//
// See [rule.ParseExample].
func ParseExample(line string) (Example, error) { return rule.ParseExample(line) }

// Schema returns the JSON Schema of the rule file, for editors. See
// [rule.Schema].
func Schema() []byte { return rule.Schema() }
