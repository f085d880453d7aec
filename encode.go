package goaltrack

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/events"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// base are the fields of every event, as [rule.Base] has them.
type base struct {
	Page, Language, Currency, Channel, PointOfSale string
}

// base is what the site says of an event on that page.
func (s *site) base(page string) rule.Base {
	return rule.Base(base{Page: page, Language: s.Language, Currency: s.Currency, Channel: s.Channel})
}

// eventOf makes the CDP's event of what a goal sends. What it lacks is noted.
func (s *site) eventOf(g *rule.Cause, x *rule.Exchange, page string, note func(string)) (cdp.Event, fate) {
	e, r, valid := events.Of(g, x, s.base(page), note)
	switch {
	case r != rule.Fires:
		return e, fateOf(r)
	case !valid:
		return e, fateEventInvalid
	}
	return e, fired
}

// identityOf makes the IDENTITY that goes before e, the event of a goal; nil if there is
// none.
func (s *site) identityOf(g *rule.Cause, x *rule.Exchange, e *cdp.Event, note func(string)) (*cdp.Event, fate) {
	who, ok := events.Who(g, x, e, s.CDP, note)
	if !ok {
		return nil, fateNoIdentity
	}
	return who, fired
}

// encode writes the event and its envelope in one piece. The result is the
// caller's.
func (s *site) encode(e *cdp.Event, g *rule.Cause, userAgent string, c *Config, rulesHash string) ([]byte, fate) {
	if c.RulesHash && rulesHash != "" && g != rule.View && g != rule.Identity {
		e.Ext = append(e.Ext, cdp.Attr{Name: ext.GoalConfig, Value: rulesHash})
	}
	var buf [1 << 10]byte // room for most
	head := deliver.Envelope{Site: s.Name, Goal: g.Name(), UserAgent: web.CutUserAgent(userAgent), HasExt: len(e.Ext) > 0 || !c.NoEventID}
	head.DropLate, head.DropStale, head.Private = g.Marks(e.Type)
	head.Private = head.Private || len(e.Fields) > 0 // as BeforeSend may have written
	out := head.AppendHead(buf[:0])
	start := len(out)
	out = e.AppendJSON(out, s.CDP)
	if !c.NoEventID {
		out = appendEventID(out, len(e.Ext) > 0)
	}
	if len(out)-start > events.Most {
		return nil, fateEventInvalid
	}
	return append([]byte(nil), out...), fired
}

// appendEventID adds ext.eventId to an encoded event, in place. The ID only has
// to differ from all others, so the fast generator will do.
func appendEventID(body []byte, hasExt bool) []byte {
	if hasExt {
		body = append(body[:len(body)-2], ',')
	} else {
		body = append(body[:len(body)-1], `,"ext":{`...)
	}
	body = append(body, `"`+ext.EventID+`":"`...)
	body = appendUUID(body, rand.Uint64(), rand.Uint64()) //nolint:gosec // See above.
	return append(body, `"}}`...)
}

// appendUUID writes a version 4 UUID (RFC 9562) of random bits.
func appendUUID(dst []byte, hi, lo uint64) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], hi&^0xf000|0x4000)
	binary.BigEndian.PutUint64(b[8:], lo&^(3<<62)|2<<62)
	var digits [2 * len(b)]byte
	hex.Encode(digits[:], b[:])
	dst = append(append(dst, digits[:8]...), '-')
	dst = append(append(dst, digits[8:12]...), '-')
	dst = append(append(dst, digits[12:16]...), '-')
	dst = append(append(dst, digits[16:20]...), '-')
	return append(dst, digits[20:]...)
}
