package rule

import "fmt"

// dataModel20 is the older of the CDP's two data models. The newer one has ext,
// ORDER_CHECKOUT, and people who are known by identifiers alone (doc.sitecore.com, "Data
// model 2.0" and "Sending orders").
const dataModel20 = "2.0"

// Unfit says why a tenant cannot take what the goal sends, nil if it can. The tenant has
// that data model ("2.0" or "2.1"). Its page views come from goals or from something else.
func (c *Cause) Unfit(dataModel string, viewsFromGoals bool) (why []string) {
	g := c.goal
	if g == nil || g.Status == statusPaused {
		return nil
	}
	if g.typ == eventView && !viewsFromGoals {
		why = append(why, "it sends VIEW, and so does something else")
	}
	if dataModel != dataModel20 {
		return why
	}
	add := func(what, instead string) {
		why = append(why, fmt.Sprintf("data model 2.0 has no %s: %s", what, instead))
	}
	switch {
	case g.typ == eventOrder:
		add("ORDER_CHECKOUT", "send ADD, ADD_CONTACTS, CONFIRM and CHECKOUT")
	case g.typ == formType:
		add("ext, which is all that a FORM holds", "send a custom event")
	case len(g.data) > 0:
		add("ext", "take out data:")
	case g.value.set:
		add("ext", "take out value:")
	}
	if g.identity != nil && !g.identity.hasEmail() {
		add("people who are known by identifiers alone", "identify: needs email:")
	}
	if g.contact != nil {
		for _, name := range []string{"title", "firstName", "lastName"} {
			if g.Fields[name] == nil {
				add("ADD_CONTACTS without "+name+":", "add it under fields:")
			}
		}
	}
	return why
}
