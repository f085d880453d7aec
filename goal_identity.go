package goaltrack

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
)

// identity is identify: compiled.
type identity struct {
	email  hashed // its from is an empty literal if there is none
	ids    []providerID
	person []personField
}

type providerID struct {
	provider string
	id       hashed
}

type personField struct {
	from source
	into func(*cdp.Identity) *string
}

// hashed is a source whose value may be sent as a hash.
type hashed struct {
	from   source
	sha256 bool
}

// personFields are the attributes of a person that IDENTITY takes.
var personFields = map[string]func(*cdp.Identity) *string{
	"title":      func(i *cdp.Identity) *string { return &i.Title },
	"firstName":  func(i *cdp.Identity) *string { return &i.FirstName },
	"lastName":   func(i *cdp.Identity) *string { return &i.LastName },
	"gender":     func(i *cdp.Identity) *string { return &i.Gender },
	"dob":        func(i *cdp.Identity) *string { return &i.DateOfBirth },
	"mobile":     func(i *cdp.Identity) *string { return &i.Mobile },
	"phone":      func(i *cdp.Identity) *string { return &i.Phone },
	"city":       func(i *cdp.Identity) *string { return &i.City },
	"state":      func(i *cdp.Identity) *string { return &i.State },
	"postalCode": func(i *cdp.Identity) *string { return &i.PostalCode },
	"country":    func(i *cdp.Identity) *string { return &i.Country },
	"street":     func(i *cdp.Identity) *string { i.Street = []string{""}; return &i.Street[0] },
}

// compileIdentity compiles identify:.
func (g *goal) compileIdentity(f *faults) {
	if g.Identify == nil {
		return
	}
	g.identity = &identity{}
	verified := g.Success == "confirmed"
	for _, key := range slices.Sorted(maps.Keys(g.Identify)) {
		at := "identify." + key
		if key == "verified" {
			verified = verified || g.Identify[key] == true
			continue
		}
		text, ok := g.Identify[key].(string)
		h, err := parseHashed(text)
		if !ok || err == nil && h.from.kind == sourceLiteral {
			err = errors.New("a $source is expected here, such as $form.email")
		}
		if err != nil {
			f.add(at, fmt.Errorf("%s: %w", key, err))
			continue
		}
		g.reads(at, &h.from, f)
		into := personFields[key]
		switch {
		case key == "email":
			g.identity.email = h
		case into != nil && h.sha256:
			f.hint(at, key+": only an e-mail address or an ID can be hashed", "")
		case into != nil:
			g.identity.person = append(g.identity.person, personField{h.from, into})
		default:
			g.identity.ids = append(g.identity.ids, providerID{key, h})
		}
	}
	g.checkIdentity(verified, f)
}

func (g *goal) checkIdentity(verified bool, f *faults) {
	hasEmail := g.identity.email.from.kind != sourceLiteral
	switch {
	case !hasEmail && len(g.identity.ids) == 0:
		f.hint("identify", "an identity needs an e-mail address or an ID", "identify: { email: $form.email }")
	case hasEmail && g.IdentityProvider == "":
		f.hint("identify", "email: needs identityProvider:, the provider of the tenant's identity rule", "identityProvider: email, here or under defaults:")
	}
	if verified {
		return
	}
	for _, s := range g.identity.sources() {
		if s.visitorWrites() {
			f.hint("identify", "anybody can type another's address, and the CDP would merge the two profiles", "use success: confirmed, or say verified: true if the application has checked it")
			return
		}
	}
}

// visitorWrites reports whether the visitor can make the value up.
func (s *source) visitorWrites() bool {
	switch s.kind {
	case sourceForm, sourceJSON, sourceQuery, sourcePath, sourceHeader, sourceCookie, sourceUTM, sourceReferrer:
		return true
	}
	return false
}

func (i *identity) sources() (list []source) {
	list = append(list, i.email.from)
	for _, id := range i.ids {
		list = append(list, id.id.from)
	}
	return list
}

// parseHashed reads "$form.email" and "sha256($form.email)".
func parseHashed(s string) (hashed, error) {
	inner, isHash := strings.CutPrefix(s, "sha256(")
	if isHash {
		var closed bool
		if inner, closed = strings.CutSuffix(inner, ")"); !closed {
			return hashed{}, fmt.Errorf("%q has no closing parenthesis", s)
		}
	}
	from, err := parseSource(inner)
	return hashed{from, isHash}, err
}

// value returns the source's value, hashed if that is asked for. Case and
// spaces around it must not make two people of one.
func (h *hashed) value(x *exchange, tidy func(string) string) string {
	v, ok := x.lookup(&h.from)
	if !ok || len(v) > maxCollected {
		return ""
	}
	v = tidy(cleanText(v))
	if v != "" && h.sha256 {
		sum := sha256.Sum256([]byte(v))
		return hex.EncodeToString(sum[:])
	}
	return v
}

// identityOf makes the IDENTITY that goes before a goal, nil if its rule or the
// request does not say who the visitor is, or not in a form the CDP takes; what is
// left out is noted. An order needs one.
func (s *site) identityOf(g *goal, x *exchange, page string, note func(string)) (*cdp.Event, fate) {
	if g.identity == nil {
		return nil, fired
	}
	e, known := s.personOf(g, x, page, note)
	switch {
	case known:
		return &e, fired
	case g.order != nil:
		return nil, fateNoIdentity
	}
	note("identity_missing")
	return nil, fired
}

// personOf is identityOf with an identity.
func (s *site) personOf(g *goal, x *exchange, page string, note func(string)) (e cdp.Event, known bool) {
	var who cdp.Identity
	if email := g.identity.email.value(x, foldEmail); email != "" {
		who.Identifiers = append(who.Identifiers, cdp.Identifier{ID: email, Provider: g.IdentityProvider})
		if !g.identity.email.sha256 {
			who.Email = email
		}
	}
	for i := range g.identity.ids {
		p := &g.identity.ids[i]
		if id := p.id.value(x, strings.TrimSpace); id != "" {
			who.Identifiers = append(who.Identifiers, cdp.Identifier{ID: id, Provider: p.provider})
		}
	}
	for i := range g.identity.person {
		p := &g.identity.person[i]
		if v, ok := x.lookup(&p.from); ok && len(v) <= maxCollected {
			if v = strings.TrimSpace(cleanText(v)); v != "" {
				*p.into(&who) = v
			}
		}
	}
	e, whole, ok := takeable(tidied(who))
	if !whole {
		note("identity_field_invalid")
	}
	if !ok {
		return e, false
	}
	e.Page = page
	s.base(&e, x)
	s.birthDate(&e)
	return e, g.replaceBase(&e, x) == fired
}

// takeable makes the event of an identity and leaves out what the CDP would not
// take, so that a country in words does not cost the whole. whole is false if
// that was something, ok if no identifier is left.
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

// order is order: compiled.
type order struct {
	id, total, currency, payment, card, items source
	itemType                                  string
}

func (g *goal) compileOrder(f *faults) {
	o := g.Order
	if o == (Order{}) {
		return
	}
	g.typ = "ORDER_CHECKOUT"
	g.order = &order{itemType: o.ItemType}
	def(&g.order.itemType, "ORDER")
	if g.identity == nil {
		f.hint("order", "the CDP takes an order only from a visitor it knows", "add identify:, or send a custom event with value: and data:")
	}
	if g.Sends != "" {
		f.hint("order", "order: sends ORDER_CHECKOUT, so there is no sends:", "")
	}
	if o.ID == "" || o.Total == "" {
		f.hint("order", "an order needs id: and total:", "order: { id: $redirect.orderId, total: $app.total, payment: Card }")
	}
	for _, p := range []struct {
		key, text string
		into      *source
	}{
		{"id", o.ID, &g.order.id},
		{"total", o.Total, &g.order.total},
		{"currency", o.Currency, &g.order.currency},
		{"payment", o.Payment, &g.order.payment},
		{"card", o.Card, &g.order.card},
		{"items", o.Items, &g.order.items},
	} {
		var err error
		if *p.into, err = parseSource(p.text); err != nil {
			f.add("order."+p.key, err)
			continue
		}
		g.reads("order."+p.key, p.into, f)
	}
	if k := g.order.items.kind; o.Items != "" && k != sourceApp {
		f.hint("order.items", "items: come from the handler", "items: $app.items, with Tracker.Set(r, \"items\", []cdp.OrderItem{...})")
	}
	if g.order.total.visitorWrites() {
		f.hint("order.total", "the visitor writes "+o.Total+": an order's total comes from the handler", "total: $app.total")
	}
}

// orderOf makes the ORDER_CHECKOUT of a goal.
func (s *site) orderOf(g *goal, x *exchange, page string, now time.Time) (cdp.Event, fate) {
	text := func(from *source) string {
		v, _ := x.lookup(from)
		return cleanText(v[:min(len(v), maxCollected)])
	}
	total, err := strconv.ParseFloat(strings.TrimSpace(text(&g.order.total)), 64)
	if id := text(&g.order.id); err != nil || math.IsNaN(total) || math.IsInf(total, 0) || total < 0 || id == "" {
		return cdp.Event{}, fateValueMissing
	}
	o := cdp.Order{
		ReferenceID: text(&g.order.id), OrderedAt: now, Status: cdp.OrderPurchased, Price: total,
		Currency: text(&g.order.currency), PaymentType: text(&g.order.payment), CardType: text(&g.order.card),
	}
	def(&o.Currency, s.Currency)
	def(&o.PaymentType, "Other")
	o.Items, _ = x.app[g.order.items.name].([]cdp.OrderItem)
	if len(o.Items) == 0 {
		o.Items = []cdp.OrderItem{{
			Type: g.order.itemType, ReferenceID: o.ReferenceID, Name: "Order " + o.ReferenceID,
			ProductID: o.ReferenceID, Price: total, Quantity: 1,
		}}
	}
	e := o.Event()
	e.Page = page
	s.base(&e, x)
	if f := g.replaceBase(&e, x); f != fired {
		return e, f
	}
	if e.Validate() != nil {
		return e, fateEventInvalid
	}
	return e, fired
}
