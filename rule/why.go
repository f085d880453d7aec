package rule

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/web"
)

// A reason in words, for whoever wrote the rule. What an exchange was judged by last is still in
// it, so that the words can say what it has.

// Why says in words why a goal does not count that was judged last and got that reason, ""
// if it counts. It is for people who look at what a live site made of one request.
func (c *Cause) Why(r Reason, x *Exchange) string {
	if c.goal == nil || x.isNone() {
		return ""
	}
	return c.why(r, x)
}

// why says a reason in words.
func (c *Cause) why(r Reason, x *Exchange) string {
	switch r {
	case Fires:
		return ""
	case ReasonCondition:
		if x.failed == nil {
			return c.goal.firstInWords()
		}
		return x.failed.because(x)
	case ReasonFieldMissing, ReasonFieldInvalid:
		return "the " + c.goal.typ + " cannot be sent: " + x.fieldFault
	case ReasonValueTooLong:
		return c.goal.tooMuch(x)
	case ReasonValueMissing:
		return c.goal.lacking(x)
	case ReasonOtherSession:
		return atLine(c.goal.lines.session.line, "counts only in "+sessionInWords(c.goal.Session)+" of a visitor, and this is another, or nobody knows which it is")
	case ReasonNotAfter:
		return atLine(c.goal.lines.after.line, "counts only "+c.goal.afterInWords())
	case ReasonOtherHost:
		return atLine(c.goal.lines.hosts.line, fmt.Sprintf("the host %s is not among hosts:", web.HostOnly(x.host)))
	case ReasonOtherForm:
		return fmt.Sprintf("the form has another name than %q", c.form)
	case ReasonStatus:
		if c.kind == causeDownload {
			return fmt.Sprintf("answered %d; a download needs 200, or 206 from the first byte", x.status)
		}
		if x.status == http.StatusOK {
			return "the answer leads to another page at once"
		}
		return fmt.Sprintf("answered %d; a visit needs 200 or 304", x.status)
	case ReasonNotHTML:
		if isSaved(x.responseHeader) {
			return "the browser saves the answer (Content-Disposition), and does not show it"
		}
		return fmt.Sprintf("the answer is %s, not HTML", orNothing(x.contentType))
	case ReasonNotAFile:
		is, _, _ := strings.Cut(x.contentType, ";")
		return fmt.Sprintf("the answer is %s, which is not the file; if the site says so of the file itself, add if: { response.type: %s }", orNothing(x.contentType), strings.TrimSpace(is))
	case ReasonNotSuccessful, ReasonDoubtfulRedirect:
		return c.notSuccessful(x)
	case ReasonAnswerUnreadable:
		return cmp.Or(x.unreadWhy, "the answer could not be read")
	case ReasonFormTooLarge:
		if x.bodyReason == r {
			return fmt.Sprintf("the body is over %d KiB, which is the limit unless another is set", scan.BodyLimit>>10)
		}
	case ReasonFormNotAForm:
		return "the body is " + c.goal.needs.missed()
	case ReasonOtherPage:
		return fmt.Sprintf("the page %s does not match %s", x.path, c.path.Text)
	case ReasonCameBefore:
		return atLine(c.goal.lines.notAfter.line, "counts only if none of these came before: "+strings.Join(c.goal.notAfter(), ", "))
	case ReasonNotNow, ReasonNotNavigation, ReasonRange, ReasonNotConfirmed, ReasonCriticalCH, ReasonNothingWritten,
		ReasonRouteUnknown, ReasonFormUnread, ReasonFormReadOutside, ReasonNoPageGoal, ReasonCartUnknownItem, ReasonPastForgotten: // see whyAlways
	case ReasonUnknownGoal, ReasonPaused, ReasonOtherEnv, ReasonFormOverBudget, ReasonFormEncoded, pending: // whose names say it
	}
	return cmp.Or(whyAlways[r], strings.ReplaceAll(r.String(), "_", " "))
}

// whyAlways has the words of the reasons that are the same for every goal and request.
var whyAlways = map[Reason]string{
	ReasonNotNow:          "the date is outside from: and until:",
	ReasonNotNavigation:   "the browser does not show the answer as a page",
	ReasonRange:           "the answer is a part of the file that is not its beginning, or a probe",
	ReasonNotConfirmed:    "the application did not confirm it",
	ReasonCriticalCH:      "the answer needs a client hint (Critical-CH), so the browser throws it away and asks again",
	ReasonNothingWritten:  "the handler wrote nothing, so something around it may have written another answer",
	ReasonRouteUnknown:    "the router does not say which route it was",
	ReasonFormUnread:      "the application did not read the form to its end, or something in front of goaltrack had read it",
	ReasonFormReadOutside: "something in front of goaltrack had read the form; let goaltrack come first",
	ReasonNoPageGoal:      "does not happen in a page",
	ReasonCartUnknownItem: "an item was not added to the cart in this session, so the order would fail",
	ReasonPastForgotten:   "the visit cookie does not have all that happened before, so nobody knows whether it counts",
}

func orNothing(s string) string {
	if s == "" {
		return "of no known type"
	}
	return s
}

// answered is "200" or "303 to /login".
func (x *Exchange) answered() string {
	if x.location == "" {
		return strconv.Itoa(x.status)
	}
	return fmt.Sprintf("%d to %.200s", x.status, x.location)
}

// inWords says what would have been a success.
func (s *success) inWords() string {
	switch s.kind {
	case successRedirect:
		return "success needs a redirect (302 or 303) to another page"
	case successRedirectTo:
		if s.status != 0 {
			return fmt.Sprintf("success needs %d to %s", s.status, s.target.Text)
		}
		return "success needs a redirect to " + s.target.Text
	case successStatus:
		return fmt.Sprintf("success needs %d", s.status)
	case successClass:
		return fmt.Sprintf("success needs %dxx", s.status)
	case successIf:
		return "success needs 2xx or a redirect to another page, and what success: says of the answer"
	case successDefault, successConfirmed: // of which the second has a reason of its own
	}
	return "success needs a redirect to another page, 201, 202 or 204"
}

// String is the condition as it is written in the rule file.
func (cond *condition) String() string { return cond.key + ": " + cond.written }

// inWords says that the condition kept a goal from counting.
func (cond *condition) inWords() string {
	if cond.unless {
		return "unless: " + cond.String() + " holds"
	}
	return "if: " + cond.String() + " does not hold"
}

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
