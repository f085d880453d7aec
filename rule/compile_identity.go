package rule

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/web"
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
func (h *hashed) value(x *Exchange, tidy func(string) string) string {
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

// Identity is who the visitor is, as the goal's identify: reads it. ok is false if
// the goal identifies nobody.
func (t *Cause) Identity(x *Exchange) (who cdp.Identity, ok bool) {
	if t.goal == nil || t.goal.identity == nil {
		return who, false
	}
	return t.goal.identity.read(x, t.goal.IdentityProvider), true
}

// read is who the visitor is. provider is that of the e-mail address.
func (i *identity) read(x *Exchange, provider string) (who cdp.Identity) {
	if email := i.email.value(x, web.FoldEmail); email != "" {
		who.Identifiers = append(who.Identifiers, cdp.Identifier{ID: email, Provider: provider})
		if !i.email.sha256 {
			who.Email = email
		}
	}
	for n := range i.ids {
		p := &i.ids[n]
		if id := p.id.value(x, strings.TrimSpace); id != "" {
			who.Identifiers = append(who.Identifiers, cdp.Identifier{ID: id, Provider: p.provider})
		}
	}
	for n := range i.person {
		p := &i.person[n]
		if v, ok := x.lookup(&p.from); ok && len(v) <= maxCollected {
			if v = strings.TrimSpace(cleanText(v)); v != "" {
				*p.into(&who) = v
			}
		}
	}
	return who
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
	g.order.itemType = cmp.Or(g.order.itemType, "ORDER")
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

// read makes the order. currency is the site's.
func (o *order) read(x *Exchange, currency string) (cdp.Order, Reason) {
	text := func(from *source) string {
		v, _ := x.lookup(from)
		return cleanText(v[:min(len(v), maxCollected)])
	}
	id := text(&o.id)
	total, err := strconv.ParseFloat(strings.TrimSpace(text(&o.total)), 64)
	if err != nil || !finite(total) || total < 0 || id == "" {
		return cdp.Order{}, reasonValueMissing
	}
	placed := cdp.Order{
		ReferenceID: id, OrderedAt: time.Now(), Status: cdp.OrderPurchased, Price: total,
		Currency: text(&o.currency), PaymentType: text(&o.payment), CardType: text(&o.card),
	}
	placed.Currency = cmp.Or(placed.Currency, currency)
	placed.PaymentType = cmp.Or(placed.PaymentType, "Other")
	placed.Items, _ = x.app[o.items.name].([]cdp.OrderItem)
	if len(placed.Items) == 0 {
		placed.Items = []cdp.OrderItem{{
			Type: o.itemType, ReferenceID: id, Name: "Order " + id,
			ProductID: id, Price: total, Quantity: 1,
		}}
	}
	return placed, Fires
}
