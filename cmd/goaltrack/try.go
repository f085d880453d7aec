package main

import (
	"context"
	"encoding/json"
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
	shown    shownEvents
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

Under a goal that counts stands each event that would be sent, in order.

With --json, a list for each request is printed, a line each, with every goal:
  [{"goal":"NAME","fired":true,"reason":"","value":5,"data":{"topic":"sales"},"events":[]}]
Its events are the bodies that the CDP would get, without times, and with "" for
what the proxy knows: IDs, client key and point of sale.

The exit code is 0 whether or not a goal fired.
`,
		program: &trial{},
	}
}

// check returns the faults of the rules and of the requests together.
func (t *trial) check(v *settings.Values, words []string) error {
	t.json = v.On("json")
	t.shown = shownEvents{identity: v.On("show-identity"), currency: v.Text("currency")}
	if len(words) == 0 {
		return nil // that was said
	}
	rules, err := goaltrack.LoadRules(words[0])
	t.rules, t.requests = rules, words[1:]
	faults := []error{checkPrefix(v), t.shown.check(), err}
	for _, line := range t.requests {
		example, err := goaltrack.ParseExample(line)
		example.PathPrefix = v.Text("path-prefix")
		t.examples, faults = append(t.examples, example), append(faults, err)
	}
	return errors.Join(faults...)
}

func (t *trial) run(_ context.Context, out console) error {
	for i, example := range t.examples {
		verdicts := t.shown.of(t.rules.Explain(example))
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
// empty, and events are a list, so that a program can look into them without a test.
func sayVerdicts(w io.Writer, verdicts []trialVerdict) error {
	for i := range verdicts {
		v := &verdicts[i]
		if v.Data == nil {
			v.Data = map[string]any{}
		}
		v.Bodies = make([]json.RawMessage, len(v.events))
		for n := range v.events {
			v.Bodies[n] = v.events[n].AppendJSON(nil, nil)
		}
	}
	return sayJSON(w, verdicts)
}

// printVerdicts writes a line for each goal, and one for each of its events.
func printVerdicts(w io.Writer, verdicts []trialVerdict) {
	width := 0
	for _, v := range verdicts {
		width = max(width, len(v.Goal))
	}
	for _, v := range verdicts {
		mark, text := "-", v.Reason
		if v.Fired {
			mark, text = "fired", sentText(v.Verdict)
			if v.Note != "" {
				text = strings.TrimSpace(text + "  (" + v.Note + ")")
			}
		}
		say(w, "%s\n", strings.TrimRight(fmt.Sprintf("%-6s  %-*s  %s", mark, width, v.Goal, text), " "))
		for i := range v.events {
			say(w, "        %s\n", eventText(&v.events[i]))
		}
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
