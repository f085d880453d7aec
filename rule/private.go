package rule

import "slices"

// saysWho reports whether a standard event says who somebody is.
func saysWho(event string) bool {
	switch event {
	case "IDENTITY", "ADD_CONTACTS", "ADD_CONSUMERS", "ORDER_CHECKOUT":
		return true
	}
	return false
}

// isPrivate reports whether the goal sends what a visitor or the application says. That is
// an identity, or a value that is neither in the rule, nor in the address, nor in where the
// visitor came from. Nobody knows what is in it.
func (g *goal) isPrivate() bool {
	if g.identity != nil || g.order != nil || g.value.from.isPrivate() || g.page.isPrivate() || g.key.isPrivate() {
		return true
	}
	return g.contact != nil || slices.ContainsFunc(g.data, func(d field) bool { return d.from.isPrivate() }) ||
		slices.ContainsFunc(g.fields, func(d sentField) bool { return d.from.isPrivate() }) ||
		slices.ContainsFunc(g.base[:], func(s source) bool { return s.isPrivate() })
}

func (s *source) isPrivate() bool {
	switch s.kind {
	case sourceForm, sourceJSON, sourceQuery, sourceHeader, sourceCookie, sourceApp, sourceResponseHeader, sourceResponseJSON, sourceElement, sourceEvent:
		return true
	case sourceLiteral, sourcePath, sourceRedirect, sourceUTM, sourceReferrer, sourceFirst, sourceWholePath, sourceHost, sourceRoute, sourceResponseType:
	}
	return false
}
