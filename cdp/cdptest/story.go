package cdptest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// told is how many events, and how many refusals, the message of a failed test lists.
const told = 10

// story returns what arrived and what was refused, for a message about something that did not
// arrive. It begins with a newline.
func (c *CDP) story() string {
	var b strings.Builder
	events := c.Events()
	fmt.Fprintf(&b, "\narrived: %s", count(len(events), "event"))
	for i, e := range events {
		if i >= len(events)-told {
			fmt.Fprintf(&b, "\n  %d. %s", i+1, e.describe())
		}
	}
	refused := c.refusedRequests()
	if len(refused) > 0 {
		fmt.Fprintf(&b, "\nrefused or unanswered: %s", count(len(refused), "request"))
	}
	for _, r := range refused[max(0, len(refused)-told):] {
		fmt.Fprintf(&b, "\n  %s", r.describe())
	}
	return b.String()
}

// refusedRequests returns the requests that did not get what they asked for, or have not yet.
func (c *CDP) refusedRequests() []Request {
	return slices.DeleteFunc(c.Requests(), func(r Request) bool {
		return r.Refusal == "" && r.Status >= 200 && r.Status < 300
	})
}

// describe returns one line about the event.
func (e *Event) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on page %.100q", clip(e.Type, 100), e.Page)
	for i, name := range slices.Sorted(maps.Keys(e.Ext)) {
		b.WriteString(map[bool]string{true: " with ", false: ", "}[i == 0])
		fmt.Fprintf(&b, "%s=%s", clip(name, 50), literal(e.Ext[name]))
	}
	fmt.Fprintf(&b, " from %s", clip(e.BrowserID, 36))
	if e.Lost {
		fmt.Fprintf(&b, " (LOST: point of sale %.100q is not known)", e.PointOfSale)
	}
	return b.String()
}

// describe returns one line about the request. It leaves the query out, which may hold a whole
// event.
func (r Request) describe() string {
	path, _, _ := strings.Cut(r.URL, "?")
	if r.Status == 0 {
		return fmt.Sprintf("%s %s, not answered: %s", r.Method, clip(path, 100), r.why())
	}
	return fmt.Sprintf("%s %s, answered %d: %s", r.Method, clip(path, 100), r.Status, r.why())
}

// why returns why the request was not answered with success.
func (r Request) why() string {
	switch {
	case r.Refusal != "":
		return r.Refusal
	case r.Status == 0:
		return "a fault, or still under way"
	default:
		return "a fault"
	}
}

// literal returns a scalar as JSON writes it, so that "1" and 1 look different.
func literal(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%v (%T)", v, v)
	}
	return clip(string(b), 100)
}

// clip shortens s to about n bytes, between two runes.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
