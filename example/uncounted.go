package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"sync"
	"unicode"

	"github.com/goaltrack/goaltrack/fact"
)

// uncounted prints a grey line for each goal that a request could have made happen and
// that did not count, with the reason. It is the Report of the shop's tracker.
type uncounted struct {
	lines chan string
	stop  func()        // once
	ended chan struct{} // all is printed
}

// startUncounted begins to print. Only a terminal gets colours.
func startUncounted(out *log.Logger, color bool) *uncounted {
	stop := make(chan struct{})
	u := &uncounted{lines: make(chan string, 100), stop: sync.OnceFunc(func() { close(stop) }), ended: make(chan struct{})}
	show := func(line string) {
		if color {
			line = "\x1b[90m" + line + "\x1b[0m"
		}
		out.Print(line)
	}
	go func() {
		defer close(u.ended)
		for {
			select {
			case line := <-u.lines:
				show(line)
			case <-stop:
				for range len(u.lines) {
					show(<-u.lines)
				}
				return
			}
		}
	}()
	return u
}

// Report implements [fact.Sink]. A visitor must not wait for a terminal: if the lines are
// not printed as fast as they come, some are left out.
func (u *uncounted) Report(f fact.Fact) {
	if f.Kind != fact.Decision || f.Reason == fact.Fired {
		return
	}
	select {
	case u.lines <- uncountedLine(f):
	default:
	}
}

// close prints what is left. What is reported afterwards is not printed.
func (u *uncounted) close() {
	u.stop()
	<-u.ended
}

// uncountedLine writes one decision on one line: what, why by name, and why in words.
func uncountedLine(f fact.Fact) string {
	line := fmt.Sprintf("Not counted   %-19s %s", f.Goal, f.Reason)
	switch words := inWords[f.Reason]; {
	case f.NearMiss != "":
		return line + ": " + strings.Map(visible, f.NearMiss)
	case words != "":
		return line + ": " + words
	}
	return line
}

// visible leaves out what could be a command to the terminal.
func visible(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return -1
}

// inWords are the reasons that people meet who try the shop. docs/reasons.md has them all.
var inWords = map[string]string{
	"already_counted":     "it had counted before",
	"bot":                 "the visitor is a machine, such as curl; click in a browser",
	"condition":           "a line under if: or unless: says no",
	"gpc":                 "the browser's Global Privacy Control says no",
	"insecure":            "not https, so the browser would not keep the cookie",
	"not_a_browser":       "no browser sends such a request",
	"not_after":           "the goals under after: did not come before",
	"not_navigation":      "the browser does not show it as a page",
	"opt_out":             "the visitor opted out",
	"prefetch":            "the browser fetched it ahead, and nobody has seen it",
	"range":               "a part of the file that is not its beginning",
	"not_a_file":          "a page came in place of the file",
	"status":              "the page was not found, or not shown",
	"no_browser_id":       "the visitor has no browser ID, and gets none here",
	"not_successful":      "the shop did not accept the form",
	"not_html":            "the answer is no page",
	"critical_ch":         "the browser throws the answer away, and asks again",
	"client_gone":         "the visitor left before the page was there",
	"form_not_a_form":     "it is no form",
	"form_unread":         "the shop did not read the form",
	"doubtful_redirect":   "the form led to the home page, perhaps to log in",
	"answer_unreadable":   "the answer could not be read",
	"closed":              "the shop is closing",
	"queue_full":          "too many events wait for the CDP",
	"consent_unknown":     "the visitor has not answered about consent",
	"consent_refused":     "the visitor refused consent",
	"draft":               "the goal is a draft, and never sent",
	"rejected_by_handler": "the shop said that it does not count",
}

// hasColor reports whether lines may be coloured: in a terminal that can, unless the user
// wants none (https://no-color.org).
func hasColor(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
