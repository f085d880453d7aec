package relay

import (
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/internal/sdk"
	"github.com/goaltrack/goaltrack/internal/views"
	"github.com/goaltrack/goaltrack/rule"
)

// event takes an event: it is read whole, queued and answered. Nothing of it waits for the
// CDP, and nothing hangs on the browser, which may leave the page at once.
func (c *call) event() {
	body, ok := c.read()
	if !ok {
		return
	}
	e, said, ok := parse(body)
	if !ok {
		c.refuse(reasonBody)
		return
	}
	n := c.namedByURL()
	if n.pos = said.pos; !c.is.edge || said.key != "" {
		n.key = said.key
	}
	if !c.belongs(n, true) {
		c.refuse(reasonSite)
		return
	}
	switch {
	case events.IsIdentity(e.Type) && !c.options.AllowIdentity:
		c.once(&c.said.identity, "goaltrack: a script says who a visitor is, and the relay was not told to take IDENTITY (relay_identity)")
		c.tracker.Note(string(reasonIdentity))
		c.accept(said.key)
		return
	case c.who.Reason() == "" && !c.who.Owns(said.id):
		c.refuse(reasonForeignID)
		return
	}
	key, again := c.isResent(body)
	if again && c.who.Reason() == "" {
		c.tracker.Note(string(reasonResent))
		c.accept(said.key)
		return
	}
	if c.is.edge && !said.timed {
		e.Rest = append(e.Rest, `,"requested_at":"`+time.Now().UTC().Format("2006-01-02T15:04:05.000Z")+`"`...)
	}
	if c.options.ForwardIP {
		if a := c.tracker.Address(c.r); a.IsValid() {
			e.ClientIP = a.String()
		}
	}
	c.who.Heal(c.w.Header())
	why, full := c.who.Send(e)
	if full {
		c.resent.forget(key) // they may try again
		c.refused(reasonBusy.status(), why)
		return
	}
	if e.Variant != "" && (why == "" || why == "view_twice") {
		c.who.Showed(rule.PageVariant, e.Variant)
	}
	c.accept(said.key)
}

const (
	form = "FORM"
	view = "VIEW"
)

// saying is what an event says of whose it is.
type saying struct {
	id, key, pos string
	timed        bool // it has requested_at
}

// own are the members that goaltrack reads. Their names are written in one way only, so that
// nobody takes another member for one of them.
var own = []string{"browser_id", "ext", "type", "client_key", "pos", "requested_at"}

// parse reads an event. It is not ok if it is none that an SDK sends.
func parse(body []byte) (e *sdk.Event, s saying, ok bool) {
	members, ok := membersOf(body, maxMembers)
	if !ok {
		return nil, s, false
	}
	e = &sdk.Event{Rest: make([]byte, 0, len(body)+48)}
	var attributes []member
	for _, m := range members {
		if slices.ContainsFunc(own, func(name string) bool { return m.name != name && strings.EqualFold(m.name, name) }) {
			return nil, s, false
		}
		switch m.name {
		case "browser_id":
			s.id = textOf(m.value)
			continue
		case "ext":
			if string(m.value) == "null" {
				continue
			}
			if attributes, ok = split(m.value, maxAttributes); !ok {
				return nil, s, false
			}
			continue
		case "type":
			e.Type = textOf(m.value)
		case "client_key":
			s.key = nameIn(m.value)
		case "pos":
			s.pos = nameIn(m.value)
		case "requested_at":
			s.timed = true
		}
		e.Rest = append(append(appendText(append(e.Rest, ','), m.name), ':'), m.value...)
	}
	if !validType(e.Type) {
		return nil, s, false
	}
	e.Ext, e.Attributes = write(nil, attributes), len(attributes)
	e.HasID = slices.ContainsFunc(attributes, func(m member) bool { return m.name == ext.EventID })
	e.Values = func() (ext, beside map[string]any) { return valuesOf(attributes), valuesOf(members) }
	switch e.Type {
	case form:
		e.FormID, e.Interaction = text(attributes, "formId"), text(attributes, "interactionType")
	case view:
		if id := text(attributes, "pageVariantId"); views.ValidVariant(id) {
			e.Variant = id
		}
	}
	return e, s, true
}

// validType reports whether a type may be sent. Its letters are not looked at: the CDP says
// which types there are.
func validType(typ string) bool {
	return typ != "" && len(typ) <= maxType && !strings.ContainsFunc(typ, func(r rune) bool { return r < ' ' })
}

const maxType = 200

// isResent reports whether a browser sent the same request again, because a connection broke
// before the answer came. RFC 9110, section 9.2.2, forbids that for a POST, and Chromium does
// it. Events of the edge have their time in milliseconds, so the same body is the same event.
// Those of Engage have none: two clicks may make the same body. But a browser that sends
// again does so at once, by another connection.
func (c *call) isResent(body []byte) (key uint64, again bool) {
	window, from := c.times.resent, c.r.RemoteAddr
	if _, edge := c.site.CDP.(cdp.Edge); edge {
		window, from = resentEdge, ""
	}
	return c.resent.again(window, from, c.site.Name+" "+c.who.ID()+" "+c.r.Referer(), body)
}
