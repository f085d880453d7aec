package relay

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/fair"
)

// read reads the whole body of a call. If it cannot, the call is refused.
func (c *call) read() (body []byte, ok bool) {
	r := c.r
	if !isJSON(r.Header) {
		c.refuse(reasonType)
		return nil, false
	}
	size := r.ContentLength
	switch {
	case size > maxBody:
		c.leave()
		c.refuse(reasonTooLarge)
		return nil, false
	case size < 0:
		size = maxBody // nobody says how long it is
	}
	who := fair.Who{Network: c.tracker.Network(r)}
	used := c.reading.Load()
	if _, room := c.bodies.Enter(who, fair.Asked{Events: 1, Amount: size, Used: used}); !room || used+size > bodyRoom {
		if room {
			c.bodies.Leave(who, false, 1, size)
		}
		c.leave()
		c.refuse(reasonBusy)
		return nil, false
	}
	c.reading.Add(size)
	defer func() {
		c.reading.Add(-size)
		c.bodies.Leave(who, false, 1, size)
	}()
	wire := http.NewResponseController(c.w)
	_ = wire.SetReadDeadline(time.Now().Add(c.times.body)) // what cannot have one has another, or none
	body, err := io.ReadAll(http.MaxBytesReader(c.w, r.Body, maxBody))
	if err == nil {
		_ = wire.SetReadDeadline(time.Time{})
		return body, true
	}
	c.leave()
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		c.refuse(reasonTooLarge)
	} else {
		c.refuse(reasonTooSlow)
	}
	return nil, false
}

// isJSON reports whether a body is JSON, in UTF-8 and not packed.
func isJSON(h http.Header) bool {
	said := h.Get("Content-Type")
	if h.Get("Content-Encoding") != "" || said == "" {
		return false
	}
	if said == "application/json" { // as all SDKs send it
		return true
	}
	kind, parameters, err := mime.ParseMediaType(said)
	charset := parameters["charset"]
	return err == nil && kind == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// leave ends the connection behind the answer, so that the rest of a body, which may never
// end, is no request. What comes of it meanwhile is read for a while, up to the 256 KiB of
// net/http. A connection that is closed with bytes unread is reset, and the client may then
// lose the answer (https://www.rfc-editor.org/rfc/rfc9112#section-9.6).
func (c *call) leave() {
	if c.r.ProtoMajor < 2 { // of HTTP/2, the stream ends; others may be on the connection
		c.w.Header().Set("Connection", "close")
	}
	_ = http.NewResponseController(c.w).SetReadDeadline(time.Now().Add(c.times.leave))
}
