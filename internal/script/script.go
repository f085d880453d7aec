// Package script is what package page and a tracker say to each other. Package page has
// the script that runs in pages, and knows nothing of visitors and events; a tracker knows
// nothing of scripts. What a tracker has to remember of pages and of what their scripts
// told is here, too: [Sightings] and [Once].
package script

import (
	"net/http"

	"github.com/goaltrack/goaltrack/rule"
)

// Message is what the script of a page tells, as far as it can be read.
type Message struct {
	Goal string // the goal that happened; "" says that the page is shown
	ID   string // of the event: a request that is sent again has the same
	// Path and Query are those of the page as the browser shows them, undecoded.
	Path, Query string
	Data        map[string]string // of the element
	// Soft says that a script put the page in place of another.
	Soft bool
	// Another says that another process has named the script of the page, and Elsewhere that
	// another process may have shown it.
	Another, Elsewhere bool
}

// Look is what a visitor's page needs.
type Look struct {
	// Rules are those in force.
	Rules *rule.Set
	// Goals are those that may count on the page, of this visitor. The list and what it
	// points to belong to the tracker.
	Goals []*rule.PageGoal
	// Visits says that a visit to the page counts for a goal, and Shown that it matters
	// that the page is shown.
	Visits, Shown bool
	// Asked says that visitors are asked for their consent.
	Asked bool
	// GPC says that the Global Privacy Control refuses everything, and OptOut names the
	// cookie that says no.
	GPC    bool
	OptOut string
	// Prefix is what is taken off the addresses of the site.
	Prefix string
}

// Tracker is a tracker as package page sees it. All methods are safe for concurrent use.
type Tracker interface {
	// Own says that what is at a path and below it is package page's: it counts for
	// nothing.
	Own(path string)
	// Derive makes eight bytes of a purpose and of the key that all instances of the site
	// have. It is not ok if they have none.
	Derive(purpose string) (made [8]byte, ok bool)
	// Environment tells the site's processes from those of another environment, such as
	// staging, which may have the same key.
	Environment() string
	// Host is the host that the visitor's browser asked for.
	Host(r *http.Request) string
	// Page is what the page needs that r is for, or what all pages of the whole site do.
	Page(r *http.Request, whole bool) Look
	// Tell counts what a script tells, and answers 204.
	Tell(w http.ResponseWriter, r *http.Request, m *Message)
	// Note counts a message that could not be read, under a reason.
	Note(reason string)
	// Several says that several processes serve the pages of a visitor.
	Several()
}

// of makes the Tracker of a *goaltrack.Tracker. Only this package could export it, and
// not for a user to see.
var of func(tracker any) Tracker

// Serve is for package goaltrack: it says how to make a Tracker of its own.
func Serve(as func(tracker any) Tracker) { of = as }

// Of is the Tracker of a *goaltrack.Tracker.
func Of(tracker any) Tracker { return of(tracker) }
