package rule

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/web"
)

// read is who the visitor is. provider is that of the e-mail address.
func (i *identity) read(x *Exchange, provider string) (who cdp.Identity) {
	if email := i.email.value(x, web.FoldEmail); email != "" {
		who.Identifiers = append(who.Identifiers, cdp.Identifier{ID: email, Provider: provider, ExpiryDate: i.email.expiry(x)})
		if !i.email.sha256 {
			who.Email = email
		}
	}
	for n := range i.ids {
		p := &i.ids[n]
		if id := p.id.value(x, strings.TrimSpace); id != "" {
			who.Identifiers = append(who.Identifiers, cdp.Identifier{ID: id, Provider: p.provider, ExpiryDate: p.id.expiry(x)})
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

// expiry is until when the identifier is good, "" if nothing is known.
func (h *hashed) expiry(x *Exchange) string {
	if v, typed := x.lookupTyped(&h.expires); typed {
		if t, isTime := v.(time.Time); isTime {
			return cdp.FormatTime(t)
		}
	}
	v, _ := x.lookup(&h.expires)
	if v = strings.TrimSpace(v); v == "" || len(v) > maxCollected || !validExpiry(v) {
		return "" // an identifier that is sent without is good for longer, and names the same person
	}
	return v
}
