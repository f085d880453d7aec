package twice

import (
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/fair"
)

// The types of events that a server and a script may both send.
const (
	View = "VIEW"
	Form = "FORM"
)

// Thing is what a server and a script may both tell of a visitor. The zero Thing is what only
// one of them tells.
type Thing struct {
	kind  string    // of event
	which [2]string // the page's path, or the form and what was done with it
}

// ViewOf is that the page at a path was seen.
func ViewOf(path string) Thing { return Thing{View, [2]string{path}} }

// FormOf is that something was done with a form.
func FormOf(id, interaction string) Thing { return Thing{Form, [2]string{id, interaction}} }

// Of is what an event tells, of the page at a path.
func Of(e *cdp.Event, path string) Thing {
	switch e.Type {
	case View: // the server's own, or one that a goal sends
		return ViewOf(path)
	case Form:
		return FormOf(textOf(e.Ext, "formId"), textOf(e.Ext, "interactionType"))
	}
	return Thing{}
}

// textOf is an attribute that is a text.
func textOf(ext cdp.Ext, name string) string {
	for _, a := range ext {
		if text, ok := a.Value.(string); ok && a.Name == name {
			return text
		}
	}
	return ""
}

// Kind is View or Form, "" of the zero Thing.
func (t Thing) Kind() string { return t.kind }

// Size is how many bytes its texts have.
func (t Thing) Size() int { return len(t.which[0]) + len(t.which[1]) }

// Detached is the same, of texts that keep no request in memory.
func (t Thing) Detached() Thing {
	return Thing{t.kind, [2]string{strings.Clone(t.which[0]), strings.Clone(t.which[1])}}
}

// within is how far apart the two are that tell the same.
func (t Thing) within() time.Duration {
	if t.kind == View {
		return 30 * time.Second // a script waits until its page is loaded
	}
	return 10 * time.Second
}

// Tell claims a thing that happened so long ago, to a visitor of a site; see [Table.Claim].
func (t *Table) Tell(by Teller, thing Thing, ago time.Duration, w fair.Who, site, browserID string) (c Claim, ok bool) {
	if t == nil || thing.kind == "" {
		return Claim{}, true
	}
	return t.Claim(by, thing.within()+ago, w, thing.kind, site, browserID, thing.which[0], thing.which[1])
}
