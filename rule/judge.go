package rule

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/scan"
	"github.com/goaltrack/goaltrack/internal/web"
)

// judgeAt judges what is known before the handler runs, at a time; zero means now.
func (g *goal) judgeAt(x *Exchange, now time.Time) Reason {
	if r := g.limits.judge(x, now); r != Fires {
		return r
	}
	for i := range g.early {
		if r := g.early[i].judge(x); r != Fires {
			return r
		}
	}
	return Fires
}

// judgeLate judges the answer, then the conditions that needed it. pages are what
// failure: says. It returns fires, a reason, or pending.
func (c *Cause) judgeLate(x *Exchange, pages *failurePages) Reason {
	confirmed := c.kind == causeSubmit && x.confirmed // whatever the answer looks like
	if x.unanswered && !confirmed {
		return ReasonNothingWritten
	}
	var r Reason
	switch c.kind {
	case causeVisit, causeView:
		r = judgePage(x)
	case causeDownload:
		r = c.judgeDownload(x)
	case causeSubmit:
		if r = c.goal.success.judge(x, pages, c.path.Text); confirmed {
			r = Fires
		}
	default: // no answer makes it happen
	}
	if r != Fires || c.goal == nil {
		return r
	}
	return c.judgeConditions(x)
}

// judgeConditions judges the conditions that had to wait for the answer.
func (c *Cause) judgeConditions(x *Exchange) Reason {
	g := c.goal
	body := c.judgeBody(x)
	if body != Fires && body != pending {
		return body
	}
	verdict := body
	for i := range g.late {
		cond := &g.late[i]
		if (cond.from.kind == sourceForm || cond.from.kind == sourceJSON) && body == pending {
			continue
		}
		switch r := cond.judge(x); r {
		case Fires:
		case pending:
			verdict = pending
		default:
			return r
		}
	}
	switch {
	case verdict != Fires:
		return verdict
	case c.form != "" && !c.callsItself(x):
		return ReasonOtherForm
	case !c.bodyFits(x):
		return ReasonFormNotAForm
	}
	return x.judgeData(&g.needs)
}

// callsItself reports whether the form calls itself what the trigger asks for.
func (c *Cause) callsItself(x *Exchange) bool {
	return slices.ContainsFunc(formNameFields, func(field string) bool {
		v, ok := x.form.Get(field)
		is := func(name string) bool { return composed(name) == c.form }
		return ok && (is(v) || slices.ContainsFunc(x.form.Others(field), is))
	})
}

// judgePage: a page was shown if the answer is 200 with HTML, or a 304, which
// tells a browser to show the copy it has. HTML that a browser saves is not shown.
func judgePage(x *Exchange) Reason {
	switch {
	case !x.navigation, x.isData():
		return ReasonNotNavigation
	case x.restarts:
		return ReasonCriticalCH
	case x.status == http.StatusNotModified && x.blind && !x.soft && !web.IsHTML(x.contentType):
		return ReasonNotHTML // by its ending: a log does not say whether somebody went there
	case x.status == http.StatusNotModified:
		return Fires
	case x.status != http.StatusOK, x.leadsOn():
		return ReasonStatus
	case isSaved(x.responseHeader):
		return ReasonNotHTML
	case !x.typeKnown:
		return pending
	case !web.IsHTML(x.contentType) && (!x.soft || !isPageData(x.contentType)):
		return ReasonNotHTML
	}
	return Fires
}

// leadsOn reports whether the answer leads a browser to another page before anybody sees this
// one: by a header Refresh, or a script that fetched it.
func (x *Exchange) leadsOn() bool {
	to, ok := refreshTarget(x.responseHeader)
	if x.soft {
		if to, ok = pageTarget(x.responseHeader); len(x.responseHeader["Hx-Refresh"]) > 0 || x.dataLeadsOn() {
			return true // htmx loads the page anew
		}
	}
	if !ok {
		return false
	}
	if !x.soft && savesFile(to) {
		return false
	}
	path, _, here := x.resolve(to)
	return !here || !samePath(path, x.path)
}

// dataLeadsOn reports whether the data of a page of Next.js says so. It has the status 200
// then (https://github.com/vercel/next.js/pull/16642). While it is written nobody knows: the
// goal is noted in the visit cookie, and does not count if it turns out so.
func (x *Exchange) dataLeadsOn() bool {
	return x.nextData && x.answer.Look() == scan.AnswerRead && x.answer.Member("pageProps.__N_REDIRECT") != nil
}

// isPageData reports whether a script can make a page of the answer: the JSON
// and the component streams that Next.js navigates with.
func isPageData(contentType string) bool {
	mime, _, _ := strings.Cut(contentType, ";")
	mime = strings.TrimSpace(mime)
	return strings.EqualFold(mime, "application/json") || strings.EqualFold(mime, "text/x-component")
}

// countsBots reports whether a form by a suspected bot counts.
func (c *Cause) countsBots() bool { return c.kind == causeSubmit && c.goal.Bots == "count" }
