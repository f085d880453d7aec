package rule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

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
		if h.from.kind == sourceElement || h.from.kind == sourceEvent {
			f.hint(at, "what a page says names nobody", "let the application say who it is, with a form or with code: true")
		} else {
			g.reads(at, &h.from, f)
		}
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
		if s.visitorWrites() && s.kind != sourceElement && s.kind != sourceEvent {
			f.hint("identify", "anybody can type another's address, and the CDP would merge the two profiles", "use success: confirmed, or say verified: true if the application has checked it")
			return
		}
	}
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
