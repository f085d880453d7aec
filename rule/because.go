package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// because says why the condition kept a goal from counting, for the person who wrote the
// rule and the request: what the exchange has, and what the rule wants.
func (cond *condition) because(x *Exchange) string {
	wants := "the rule wants "
	if cond.unless {
		wants = "the rule does not want "
	}
	text := fmt.Sprintf("%s: %s %s, %s%s", cond.side, cond.key, cond.has(x), wants, cond.test.inWords())
	if hint := cond.nearly(x); hint != "" {
		text += " (" + hint + ")"
	}
	return atLine(cond.line, text)
}

// has is what the exchange has of what the condition looks at.
func (cond *condition) has(x *Exchange) string {
	v, ok := x.lookup(&cond.from)
	values := slices.Clone(x.others(&cond.from))
	if ok {
		values = append(values, v)
	}
	switch {
	case len(values) == 0 && x.hasMany(&cond.from):
		return "is a list or an object"
	case len(values) == 0:
		return "is not there"
	case len(values) == 1 && v == "":
		return "is empty"
	}
	for i, v := range values {
		values[i] = shortQuote(v)
	}
	return "is " + strings.Join(values, ", ")
}

// shortQuote is a value of a request as it may be printed.
func shortQuote(v string) string {
	const most = 100
	if len(v) > most {
		return strconv.Quote(strings.ToValidUTF8(v[:most], "")) + "..."
	}
	return strconv.Quote(v)
}

// inWords is what the test asks for.
func (t *test) inWords() string {
	switch {
	case t.present:
		return "it present"
	case t.absent:
		return "it absent"
	case t.re != nil:
		return "what fits ~ " + t.re.String()
	case t.op != "":
		return t.op + " " + strconv.FormatFloat(t.number, 'f', -1, 64)
	}
	list := make([]string, 0, len(t.paths)+len(t.equal))
	for i := range t.paths {
		list = append(list, t.paths[i].Text)
	}
	for _, e := range t.equal {
		list = append(list, shortQuote(e))
	}
	return strings.Join(list, " or ")
}

// nearly says what to look at if a value is nearly what the rule wants.
func (cond *condition) nearly(x *Exchange) string {
	v, ok := x.lookup(&cond.from)
	if cond.unless || !ok {
		return ""
	}
	if cond.test.op != "" {
		if _, isNumber := x.decimalOf(&cond.from, cond.decimal).parse(v); !isNumber {
			return "that is not read as a number; decimal: says how numbers are written"
		}
		return ""
	}
	for _, e := range cond.test.equal {
		switch {
		case strings.EqualFold(v, e):
			return "capital letters matter"
		case strings.TrimSpace(v) == e:
			return "blanks matter"
		}
	}
	return ""
}

// notSuccessful says why an answer is no success.
func (c *Cause) notSuccessful(x *Exchange) string {
	line, why := c.goal.lines.success.line, c.goal.success.inWords()
	if to, ok := x.missingHost(); ok {
		why = "that is on " + to + ", and the request does not say its host: add host=" + to
	} else if what, hint := x.refusal.inWords(x.host); what != "" {
		why = strings.TrimSuffix(what+"; "+hint, "; ")
	} else if c.goal.success.kind == successIf && x.failed != nil {
		cond := *x.failed
		line, cond.line = cond.line, 0 // which stands before the answer
		why = cond.because(x)
	}
	return atLine(line, "answered "+x.answered()+"; "+why)
}

// missingHost is the host to which an answer leads, if that is no success because the
// example does not say which host was asked.
func (x *Exchange) missingHost() (host string, ok bool) {
	if !x.noHost || x.refusal == nil || x.refusal.kind != refusedHost {
		return "", false
	}
	host, ok = strings.CutPrefix(x.refusal.to, "//")
	return host, ok && host != ""
}

// tooMuch says which value is too long, or over its maximum.
func (g *goal) tooMuch(x *Exchange) string {
	if v := &g.value; v.set && v.from.kind != sourceLiteral {
		text, r := x.collect(&v.from)
		if n, ok := x.number(&v.from, g.decimal, text); r == Fires && ok && beyond(n, v.max) {
			return atLine(g.lines.value.line, fmt.Sprintf("value: is %s, which is more than max: %s", shortQuote(text), strconv.FormatFloat(v.max, 'f', -1, 64)))
		}
	}
	for i := range g.data {
		if _, _, r := g.data[i].value(x); r != Fires {
			return atLine(g.lines.data.line, fmt.Sprintf("data: what is to be sent as %s is longer than %d bytes", g.data[i].name, maxCollected))
		}
	}
	return "a value is too long or over its maximum"
}

// lacking says which value is not there, or no number.
func (g *goal) lacking(x *Exchange) string {
	if o := g.order; o != nil {
		if id, _ := x.lookup(&o.id); id == "" {
			return atLine(g.lines.order.line, "order: the order has no id")
		}
		if total, _ := x.lookup(&o.total); total == "" {
			return atLine(g.lines.order.line, "order: the order has no total")
		} else if n, err := strconv.ParseFloat(strings.TrimSpace(total), 64); err != nil || !finite(n) || n < 0 {
			return atLine(g.lines.order.line, "order: the total is "+shortQuote(total)+", which is not a number of 0 or more")
		}
	}
	return atLine(g.lines.count.line, "count: what it counts once for is not there, or is empty")
}
