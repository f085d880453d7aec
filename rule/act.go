package rule

import (
	"fmt"
	"time"

	"github.com/goaltrack/goaltrack/internal/selector"
)

// A goal can happen in a page: somebody clicks, or sees something. No request of its own
// tells that. goaltrack's script reports it, and one of Sitecore's scripts may send an event
// through the relay. What is reported comes with the page on which it happened, and is
// judged as a goal that is raised in code, by [Cause.JudgeRaised].

// act is what a visitor does in a page, compiled.
type act struct {
	key     string // of the rule: click, seen
	written string // what the rule says of the element
	// The element: the name under which it stands in data-goal, or a selector. If both are
	// "", it is any that leads to `to`, or there is none.
	name, selector string
	list           selector.List
	to             string        // where a click leads: other-site, tel, mailto; "" is anywhere
	percent        int           // of a film, or of a page
	stay           time.Duration // in view
	event          string        // the type of an event
}

// byRequest reports whether a request makes it happen.
func (c *Cause) byRequest() bool { return c.kind <= causeDownload || c.kind > causeEvent }

// inPage reports whether goaltrack's script in the page reports it.
func (c *Cause) inPage() bool { return causeClick <= c.kind && c.kind <= causeStay }

// told reports whether a script in the page tells it, goaltrack's or one of Sitecore's.
func (c *Cause) told() bool { return causeClick <= c.kind && c.kind <= causeEvent }

// hasElement reports whether it happens to an element.
func (c *Cause) hasElement() bool { return causeClick <= c.kind && c.kind <= causeStarted }

// fitsPage reports whether the page is one of those of on:.
func (c *Cause) fitsPage(path string) bool {
	if c.path.Text == "" {
		return true
	}
	var room [4]string // so that a template of the usual length needs no memory
	_, fits := c.path.Capture(path, room[:0])
	return fits
}

// String is the act as the rule writes it, without its page.
func (a *act) String() string {
	more := ""
	switch {
	case a.to != "":
		more = " to " + a.to
	case a.key == "played":
		more = " " + partInWords(a.percent)
	}
	return a.key + ": " + a.written + more
}

// partInWords is a part of a film as a rule writes it.
func partInWords(percent int) string {
	switch percent {
	case 0:
		return "start"
	case 100:
		return "end"
	}
	return fmt.Sprintf("%d%%", percent)
}
