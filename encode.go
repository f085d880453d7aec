package goaltrack

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/deliver"
	"github.com/goaltrack/goaltrack/internal/ext"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// maxEvent bounds an encoded event.
const maxEvent = 32 << 10

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
	sent, r := g.Event(x, s.base(page))
	if r != rule.Fires {
		return cdp.Event{}, fateOf(r)
	}
	for _, why := range sent.Lacks {
		note(why)
	}
	e := cdp.Event{Type: sent.Type, Referrer: sent.Referrer, UTM: sent.UTM}
	if sent.Order != nil {
		e = sent.Order.Event()
	}
	setBase(&e, base(sent.Base))
	if sent.Order != nil && e.Validate() != nil {
		return e, fateEventInvalid
	}
	e.Ext = sent.Ext
	return e, fired
}

func setBase(e *cdp.Event, b base) {
	e.Page, e.Language, e.Currency, e.Channel, e.PointOfSale = b.Page, b.Language, b.Currency, b.Channel, b.PointOfSale
}

// orderType is the event of an order, which the CDP takes only from a visitor it
// knows.
const orderType = "ORDER_CHECKOUT"

// identityOf makes the IDENTITY that goes before e, the event of a goal. It is
// nil if the rule or the request does not say who the visitor is, or not in a
// form that the CDP takes. What is left out is noted. An order needs one.
func (s *site) identityOf(g *rule.Cause, x *rule.Exchange, e *cdp.Event, note func(string)) (*cdp.Event, fate) {
	read, ok := g.Identity(x)
	if !ok {
		return nil, fired
	}
	who, known := s.personOf(read, e, note)
	switch {
	case known:
		return &who, fired
	case e.Type == orderType:
		return nil, fateNoIdentity
	}
	note("identity_missing")
	return nil, fired
}

// personOf makes the IDENTITY of who was read, on the page of e.
func (s *site) personOf(read cdp.Identity, e *cdp.Event, note func(string)) (who cdp.Event, known bool) {
	who, whole, ok := takeable(tidied(read))
	if !whole {
		note("identity_field_invalid")
	}
	if !ok {
		return who, false
	}
	setBase(&who, base{e.Page, e.Language, e.Currency, e.Channel, e.PointOfSale})
	s.birthDate(&who)
	return who, true
}

// takeable makes the event of an identity. It leaves out what the CDP would not
// take, so that a country in words does not cost the whole. If something is
// left out, whole is false. If no identifier is left, ok is false.
func takeable(who cdp.Identity) (e cdp.Event, whole, ok bool) {
	e = who.Event()
	err := e.Validate()
	if err == nil {
		return e, true, true
	}
	for _, one := range unwrap(err) {
		fault, isField := errors.AsType[*cdp.FieldError](one)
		switch {
		case !isField:
			return e, false, false
		case fault.Field == "email": // then it names nobody either
			who.Identifiers = slices.DeleteFunc(who.Identifiers, func(i cdp.Identifier) bool { return i.ID == who.Email })
			if len(who.Identifiers) == 0 {
				return e, false, false
			}
			e.Fields["identifiers"] = who.Identifiers
		}
		name, _, _ := strings.Cut(fault.Field, "[")
		if name != "identifiers" {
			delete(e.Fields, name)
		}
	}
	return e, false, e.Validate() == nil
}

// unwrap takes errors.Join apart.
func unwrap(err error) []error {
	if all, ok := err.(interface{ Unwrap() []error }); ok {
		return all.Unwrap()
	}
	return []error{err}
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
	if len(out)-start > maxEvent {
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
