package relay

import (
	"net/http"
	"sync"

	"github.com/goaltrack/goaltrack/internal/recent"
)

// kept are the guests of IDs that this process did not make, as the CDP told them. The Cloud
// SDK asks twice.
type kept struct {
	mu     sync.Mutex
	guests recent.Map
}

func (k *kept) get(id string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.guests.Get(id)
}

func (k *kept) put(id, guest string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.guests.Put(id, guest)
}

// create gives the script the visitor's ID, or one that is ready.
func (c *call) create() {
	n := c.namedByURL()
	if !c.belongs(n, false) {
		c.refuse(reasonSite)
		return
	}
	if !c.counts() {
		return
	}
	id, why := c.who.Give(c.r.Context(), c.options.Timeout)
	if id == "" {
		c.tracker.Note(string(reasonNoID))
		c.refused(reasonNoID.status(), why)
		return
	}
	body := appendText([]byte(`{"status":"OK","version":"`+version+`","client_key":`), n.key)
	body = appendText(append(body, `,"ref":`...), id)
	if guest := c.who.Guest(id); guest != "" {
		body = appendText(append(body, `,"customer_ref":`...), guest)
	}
	c.answer(http.StatusOK, append(body, '}'))
}

// counts answers a call that a visitor who may not be counted makes.
func (c *call) counts() bool {
	why := c.who.Reason()
	if why != "" {
		c.tracker.Note(string(reasonUncountable))
		c.refused(reasonUncountable.status(), why)
	}
	return why == ""
}

// show tells the guest of the visitor's ID.
func (c *call) show() {
	n := c.namedByURL()
	if !c.belongs(n, false) {
		c.refuse(reasonSite)
		return
	}
	if !c.counts() {
		return
	}
	if !c.who.Owns(c.id) {
		c.refuse(reasonForeignID)
		return
	}
	guest := c.who.Guest(c.id)
	if guest == "" {
		guest = c.kept.get(c.id)
	}
	if guest == "" {
		var ok bool
		if guest, ok = c.askGuest(); !ok {
			return
		}
	}
	body := appendText([]byte(`{"status":"OK","version":"`+version+`","clientKey":`), n.key)
	body = appendText(append(body, `,"ref":`...), c.id)
	body = appendText(append(body, `,"customer":{"ref":`...), guest)
	c.answer(http.StatusOK, append(body, `}}`...))
}
