package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// trial is the try command: it shows what the goals of a file make of requests.
type trial struct {
	json     bool
	rules    *goaltrack.Rules
	requests []string
	examples []goaltrack.Example // of the requests
}

func tryCommand() command {
	return command{
		name: "try", summary: "explain what the goals make of a request",
		operands: operands{value: "FILE REQUEST...", min: 2, about: "the rule file, and requests as examples: are written"},
		note: `A request is one argument, so put quotes around it:
  'GET /pricing'
  'GET /search?q=tea host=shop.example header.Referer=https://example.org/'
  'POST /contact topic=sales message="Call me" -> 303 /thanks'
Before the arrow stand method, path and the fields of the form, or json.NAME=,
header.NAME=, cookie.NAME=, app.NAME=, host= and route=. Behind it stand the
status and where it redirects to, or type=, response.header.NAME= and
response.json.NAME=. Without an arrow the answer is 200. An answer with
response.json is JSON unless type= says otherwise, and
response.header.Content-Encoding=br says how it was compressed.

With --json, a list for each request is printed, a line each, with every goal:
  [{"goal":"NAME","fired":true,"reason":"","value":5,"data":{"topic":"sales"}}]

The exit code is 0 whether or not a goal fired.
`,
		program: &trial{},
	}
}

// check returns the faults of the rules and of the requests together.
func (t *trial) check(v *settings.Values, words []string) error {
	t.json = v.On("json")
	if len(words) == 0 {
		return nil // that was said
	}
	rules, err := goaltrack.LoadRules(words[0])
	t.rules, t.requests = rules, words[1:]
	faults := []error{checkPrefix(v), err}
	for _, line := range t.requests {
		example, err := goaltrack.ParseExample(line)
		example.PathPrefix = v.Text("path-prefix")
		t.examples, faults = append(t.examples, example), append(faults, err)
	}
	return errors.Join(faults...)
}

func (t *trial) run(_ context.Context, out console) error {
	for i, example := range t.examples {
		verdicts := t.rules.Explain(example)
		if t.json {
			if err := sayVerdicts(out.stdout, verdicts); err != nil {
				return err
			}
			continue
		}
		if len(t.examples) > 1 {
			if i > 0 {
				say(out.stdout, "\n")
			}
			say(out.stdout, "%s\n", t.requests[i])
		}
		printVerdicts(out.stdout, verdicts)
	}
	return nil
}

// sayVerdicts writes the verdicts in JSON. Data is an object even if it is
// empty, so that a program can look into it without a test.
func sayVerdicts(w io.Writer, verdicts []goaltrack.Verdict) error {
	for i := range verdicts {
		if verdicts[i].Data == nil {
			verdicts[i].Data = map[string]any{}
		}
	}
	return sayJSON(w, verdicts)
}

// printVerdicts writes a line for each goal.
func printVerdicts(w io.Writer, verdicts []goaltrack.Verdict) {
	width := 0
	for _, v := range verdicts {
		width = max(width, len(v.Goal))
	}
	for _, v := range verdicts {
		mark, text := "-", v.Reason
		if v.Fired {
			mark, text = "fired", sentText(v)
			if v.Note != "" {
				text = strings.TrimSpace(text + "  (" + v.Note + ")")
			}
		}
		say(w, "%s\n", strings.TrimRight(fmt.Sprintf("%-6s  %-*s  %s", mark, width, v.Goal, text), " "))
	}
}

// sentText returns what the CDP would receive, such as: value 5  topic="sales".
func sentText(v goaltrack.Verdict) string {
	var words []string
	if v.Value != nil {
		words = append(words, fmt.Sprint("value ", v.Value))
	}
	for _, name := range slices.Sorted(maps.Keys(v.Data)) {
		if text, isText := v.Data[name].(string); isText {
			words = append(words, name+"="+strconv.Quote(text))
		} else {
			words = append(words, fmt.Sprint(name, "=", v.Data[name]))
		}
	}
	return strings.Join(words, "  ")
}
