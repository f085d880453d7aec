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

// hashed is a source whose value may be sent as a hash, and how long it is good.
type hashed struct {
	from    source
	sha256  bool
	expires source // the empty literal if nothing is said
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
	g.identity = g.compilePerson("identify", g.Identify, f)
	if !g.identity.identifies() {
		f.hint("identify", "an identity needs an e-mail address or an ID", "identify: { email: $form.email }")
	}
}

// compilePerson compiles who somebody is, as identify: and an ADD_CONTACTS say it under key.
func (g *goal) compilePerson(key string, said map[string]any, f *faults) *identity {
	i := &identity{}
	verified := g.Success == "confirmed"
	for _, name := range slices.Sorted(maps.Keys(said)) {
		at := key + "." + name
		if name == "verified" {
			verified = verified || said[name] == true
			continue
		}
		h, err := parseIdentifier(said[name])
		if err != nil {
			f.add(at, fmt.Errorf("%s: %w", name, err))
			continue
		}
		if h.from.kind == sourceElement || h.from.kind == sourceEvent {
			f.hint(at, "what a page says names nobody", "let the application say who it is, with a form or with code: true")
		} else {
			g.reads(at, &h.from, f)
		}
		if h.expires != (source{}) {
			g.reads(at, &h.expires, f)
		}
		into := personFields[name]
		switch {
		case name == "email":
			i.email = h
		case into != nil && h.sha256:
			f.hint(at, name+": only an e-mail address or an ID can be hashed", "")
		case into != nil && h.expires != source{}:
			f.hint(at, name+": only an e-mail address or an ID can expire", "")
		case into != nil:
			i.person = append(i.person, personField{h.from, into})
		default:
			i.ids = append(i.ids, providerID{name, h})
		}
	}
	if i.hasEmail() && g.IdentityProvider == "" {
		f.hint(key, "email: needs identityProvider:, the provider of the tenant's identity rule", "identityProvider: email, here or under defaults:")
	}
	if !verified && slices.ContainsFunc(i.sources(), func(s source) bool { return s.visitorWrites() && s.kind != sourceElement && s.kind != sourceEvent }) {
		f.hint(key, "anybody can type another's address, and the CDP would merge the two profiles", "use success: confirmed, or say verified: true if the application has checked it")
	}
	return i
}

func (i *identity) hasEmail() bool { return i.email.from.kind != sourceLiteral }

// identifies reports whether it has what the CDP tells people by.
func (i *identity) identifies() bool { return i.hasEmail() || len(i.ids) > 0 }

func (i *identity) sources() (list []source) {
	list = append(list, i.email.from)
	for _, id := range i.ids {
		list = append(list, id.id.from)
	}
	return list
}

// parseIdentifier reads "$form.email", "sha256($form.email)", and an [IdentifierFrom].
func parseIdentifier(v any) (h hashed, err error) {
	d, isLong := v.(IdentifierFrom)
	if text, isText := v.(string); isText {
		d.From = text
	} else if !isLong {
		d.From = "" // no $source
	}
	h, err = parseHashed(d.From)
	switch {
	case err != nil:
		return h, err
	case h.from.kind == sourceLiteral:
		return h, errors.New("a $source is expected here, such as $form.email")
	case d.Hash == "sha256":
		h.sha256 = true
	case d.Hash != "":
		return h, &advice{fmt.Sprintf("hash: %q is not understood", d.Hash), "hash: sha256"}
	}
	if d.Expires == "" {
		return h, nil
	}
	if h.expires, err = parseSource(d.Expires); err == nil && h.expires.kind == sourceLiteral && !validExpiry(d.Expires) {
		err = &advice{fmt.Sprintf("expires: %q is not a date", d.Expires), "for example 2027-12-31 or 2027-12-31T23:59:59Z"}
	}
	return h, err
}

// validExpiry reports whether the CDP takes a text as an expiry date.
func validExpiry(text string) bool {
	e := cdp.Identity{Identifiers: []cdp.Identifier{{ID: "x", Provider: "x", ExpiryDate: text}}}.Event()
	return e.Validate() == nil
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
	return hashed{from: from, sha256: isHash}, err
}
