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
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/rule"
)

// trial is the try command: it shows what the goals of a file make of requests.
type trial struct {
	json, session, fired bool

	goal     string
	shown    shownEvents
	rules    *goaltrack.Rules
	at       time.Time // of the first request; zero is now
	requests []triedRequest
}

func tryCommand() command {
	return command{
		name: "try", summary: "explain what the goals make of a request",
		operands: operands{value: "FILE REQUEST...", min: 2, about: "the rule file, and requests: as examples: are written, addresses, curl commands, HAR files"},
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

A request may also be what a browser has at hand:
  https://shop.example/pricing            an address
  "curl 'https://...' -H '...'"           a copied "cURL" command, of bash or cmd, with
                                          -> 303 /thanks behind it for the answer
  session.har                             a saved HAR file, with all its answers
  requests.txt, or - for standard input   a file with one of these in each line
Behind -- a curl command needs no quotes of its own:
  goaltrack try goals.yaml -- curl https://shop.example/contact -d topic=sales

With --session, the requests are those of one visitor, in their order; +30m between
two of them lets time pass, and +1d a day.

What happens inside a page begins with CLICK, SEEN, PLAYED, STARTED, READ or
STAY, and an event of Sitecore's scripts with EVENT:
  'CLICK #hero a.demo on /products/7 plan=pro'
  'CLICK footer a on / -> tel:+4930123'
  'PLAYED video 50% on /film'
  'READ 80% on /blog/tea'
  'EVENT CLICKED on /products/7 label=brochure'
Behind the word stands the element, then on and the page, and NAME= for the data
of the element or the attributes of the event. The arrow says where a link leads.

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
	if _, isFaulty := errors.AsType[*goaltrack.RulesError](err); err != nil && !isFaulty {
		return fmt.Errorf("%w (the rule file comes first, then the requests)", err)
	}
	t.rules, t.session, t.fired, t.goal = rules, v.On("session"), v.On("fired"), v.Text("goal")
	faults := []error{checkPrefix(v), t.shown.check(), err, t.checkGoal(), t.readAt(v.Text("at"))}
	t.requests, err = readRequests(words[1:], t.session)
	for i := range t.requests {
		t.requests[i].Example.PathPrefix = v.Text("path-prefix")
	}
	return errors.Join(append(faults, err)...)
}

// checkGoal looks for the goal of --goal among the rules.
func (t *trial) checkGoal() error {
	if t.goal == "" || t.rules == nil || t.rules.Has(t.goal) {
		return nil
	}
	return fmt.Errorf("--goal: there is no goal %q%s", t.goal, settings.DidYouMean("", t.goal, t.rules.Names()))
}

// readAt reads the date of --at. A day is its noon, so that it is that day everywhere.
func (t *trial) readAt(text string) (err error) {
	if text == "" {
		return nil
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04", time.RFC3339} {
		if t.at, err = time.ParseInLocation(layout, text, time.UTC); err == nil {
			if layout == time.DateOnly {
				t.at = t.at.Add(12 * time.Hour)
			}
			return nil
		}
	}
	return fmt.Errorf("--at: %q is not a date, such as 2027-01-15 or \"2027-01-15 18:00\"", text)
}

func (t *trial) run(_ context.Context, out console) error {
	explain := t.explainer()
	said := false
	for _, request := range t.requests {
		verdicts := slices.DeleteFunc(explain(&request), func(v trialVerdict) bool {
			return t.goal != "" && v.Goal != t.goal || t.fired && !v.Fired
		})
		if t.json {
			if err := sayVerdicts(out.stdout, verdicts); err != nil {
				return err
			}
			continue
		}
		if len(verdicts) == 0 {
			continue
		}
		if len(t.requests) > 1 {
			if said {
				say(out.stdout, "\n")
			}
			say(out.stdout, "%s\n", request.Line)
		}
		printVerdicts(out.stdout, verdicts)
		said = true
	}
	if t.fired && !t.json && !said {
		say(out.stdout, "no goal counts\n")
	}
	return nil
}

// explainer returns what judges one request after the other.
func (t *trial) explainer() func(*triedRequest) []trialVerdict {
	explain, lost := t.rules.Explain, func(string) {}
	if t.session {
		session := t.rules.NewSession()
		explain, lost = session.Explain, session.Lost
	}
	began := t.at
	if t.session && began.IsZero() {
		began = time.Now()
	}
	return func(r *triedRequest) []trialVerdict {
		if r.Unseen != "" {
			return t.unseen(r.Unseen)
		}
		r.Example.At = began
		if t.session {
			r.Example.At = began.Add(r.later)
		}
		verdicts := t.shown.of(explain(r.Example), lost)
		for i := range verdicts {
			if v := &verdicts[i]; v.Code == rule.ReasonNotNow && t.at.IsZero() && strings.Contains(v.Reason, "from: and until:") {
				v.Reason += " (--at=2027-01-15 tries another day)"
			}
		}
		return verdicts
	}
}

// unseen is what becomes of the goals if the site did not see the request.
func (t *trial) unseen(why string) (list []trialVerdict) {
	for _, name := range t.rules.Names() {
		list = append(list, trialVerdict{Verdict: goaltrack.Verdict{Goal: name, Reason: why}})
	}
	return list
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
