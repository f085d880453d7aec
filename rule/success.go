package rule

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/web"
)

// success says which answer means that the application accepted a form.
// A server sees what no page script can: whether the form was accepted. A plain
// 200 is not taken for success, since a form shown again with its errors
// usually answers 200.
type success struct {
	kind   successKind
	status int              // exact, or the hundreds of a class
	target urlpath.Template // of a redirect
	answer []condition      // on the answer, for successIf
	// leaves: whoever is led to the home page or to a log-in page has left, as
	// the goal says.
	leaves bool
}

type successKind uint8

const (
	// successDefault is a redirect elsewhere, or 201, 202 or 204.
	successDefault successKind = iota
	successRedirect
	successRedirectTo
	successStatus
	successClass
	successConfirmed // only if the application confirms it
	successIf        // conditions on the answer
)

// parseSuccess reads the words after success:. isStatus tells the forms
// "303 to /path" and "redirect to /path" from the rest.
func parseSuccess(s string) (success, error) {
	head, target, hasTarget := strings.Cut(s, " to ")
	head, target = strings.TrimSpace(head), strings.TrimSpace(target)
	status, err := strconv.Atoi(head)
	isStatus := err == nil && status >= 200 && status <= 599
	switch {
	case s == "":
		return success{}, nil
	case hasTarget && (head == "redirect" || isStatus && web.IsRedirect(status)):
		t, err := urlpath.Parse(target)
		return success{kind: successRedirectTo, status: status, target: t}, err
	case hasTarget && isStatus:
		return success{}, &advice{fmt.Sprintf("success: %d is no redirect", status), "write redirect to " + target}
	case s == "redirect":
		return success{kind: successRedirect}, nil
	case strings.HasSuffix(s, " to") || strings.HasPrefix(head, "redirect /"):
		return success{}, &advice{fmt.Sprintf("success: %q lacks its path or its \"to\"", s), "for example redirect to /thanks"}
	case s == "confirmed":
		return success{kind: successConfirmed}, nil
	case isStatus:
		return success{kind: successStatus, status: status}, nil
	case len(s) == 3 && s[1:] == "xx" && s[0] >= '2' && s[0] <= '5':
		return success{kind: successClass, status: int(s[0] - '0')}, nil
	}
	if strings.HasPrefix(s, "/") {
		return success{}, &advice{fmt.Sprintf("success: %q is not understood", s), "write redirect to " + s}
	}
	return success{}, &advice{fmt.Sprintf("success: %q is not understood", s), "redirect, redirect to /thanks, 303 to /thanks, 200, 2xx or confirmed"}
}

// judge tells whether the answer in x is a success, and fills the variables of
// the redirect target. form is the path of the trigger.
func (s *success) judge(x *Exchange, pages *failurePages, form string) Reason {
	if x.refusal = nil; x.blind {
		return s.guess(x, pages, form)
	}
	if x.isNoAnswer() {
		return ReasonNotSuccessful
	}
	switch s.kind {
	case successConfirmed:
		return ReasonNotConfirmed
	case successIf:
		return s.judgeAnswer(x, pages)
	case successStatus:
		return succeeds(x.status == s.status && !x.leadsToRefusal(pages, s.leaves))
	case successClass:
		return succeeds(x.status/100 == s.status && !x.leadsToRefusal(pages, s.leaves))
	case successRedirectTo:
		if s.status != 0 && x.status != s.status || !web.IsRedirect(x.status) {
			return ReasonNotSuccessful
		}
		path, query, ok := x.redirectTarget()
		if !ok {
			x.refuseHost()
			return ReasonNotSuccessful
		}
		values, ok := s.target.Capture(path, nil)
		if x.redirect = nil; len(values) > 0 {
			x.redirect = &variables{&s.target, values}
		}
		says := sayingOf(query, x.path, path)
		if !says.failed {
			says = sayingOf(besideQuery(x.location), x.path, path)
		}
		if ok && says.failed {
			x.refusal = &refusal{kind: refusedSays, word: says.word}
			x.refusal.hide()
			return ReasonNotSuccessful
		}
		return succeeds(ok && !s.strays(x, path, values, pages, form))
	case successDefault:
		switch x.status {
		case http.StatusCreated, http.StatusAccepted, http.StatusNoContent:
			if to, ok := scriptTarget(x.responseHeader); ok {
				return x.judgeTarget(to, pages, s.leaves)
			}
			if len(x.responseHeader["X-Remix-Response"]) > 0 { // the body has where React Router leads
				x.refusal = &refusal{kind: refusedNowhere}
				return ReasonNotSuccessful
			}
			return succeeds(!x.leadsToRefusal(pages, s.leaves))
		}
	case successRedirect: // judged like what else leads elsewhere
	}
	return x.judgeRedirect(pages, s.leaves)
}

// strays reports whether a redirect leads to a page of refused forms that success: names by
// a variable or a star alone: whoever writes /orders/{id} does not mean /orders/error. They
// do mean the form itself if its path is written alike, and any page whose name they write
// out: /jobs/{title}/applied. values are those of the variables.
func (s *success) strays(x *Exchange, path string, values []string, pages *failurePages, form string) bool {
	r := refusal{to: plainLead(path)}
	switch {
	case len(values) == 0:
		return false
	case x.isForm(path) && !samePath(unnamed(form), unnamed(s.target.Text)):
		r.kind = refusedForm
	case pages.spares(path):
		return false
	case pages.lists(path):
		r.kind = refusedList
	case !endsInVariable(s.target.Text):
		return false
	default:
		kind, word := valuesSay(values, x.path)
		if kind == wordOther || kind == wordLogin && s.leaves {
			return false
		}
		r.kind, r.word = refusedWord, word
	}
	x.refusal = &r
	return true
}

// endsInVariable reports whether a variable or a star is in the last segment of a template.
func endsInVariable(template string) bool {
	_, last, _ := cutLast(urlpath.Trim(unnamed(template)))
	return strings.Contains(last, "*")
}

// unnamed is a template with a star in place of each variable, whatever its name and pattern.
func unnamed(template string) string {
	var b strings.Builder
	depth := 0
	for _, c := range template {
		switch {
		case c == '{':
			if depth++; depth == 1 {
				b.WriteByte('*')
			}
		case c == '}':
			depth--
		case depth == 0:
			b.WriteRune(c)
		}
	}
	return b.String()
}

// guess judges what a log tells: the status, and rarely where a redirect leads.
func (s *success) guess(x *Exchange, pages *failurePages, form string) Reason {
	switch {
	case s.kind == successIf:
		x.guessed = true
		return s.judgeAnswer(x, pages)
	case s.kind == successConfirmed:
		x.guessed = true
		return succeeds(x.status < http.StatusBadRequest)
	case x.location != "" || !web.IsRedirect(x.status):
		x.blind = false
		defer func() { x.blind = true }()
		return s.judge(x, pages, form)
	case s.kind == successStatus:
		return succeeds(x.status == s.status)
	case s.kind == successClass:
		return succeeds(x.status/100 == s.status)
	case s.kind == successRedirectTo:
		x.guessed = true
		return succeeds(s.status == 0 || s.status == x.status)
	}
	x.guessed = true
	return succeeds(x.status == http.StatusFound || x.status == http.StatusSeeOther)
}

func succeeds(ok bool) Reason {
	if ok {
		return Fires
	}
	return ReasonNotSuccessful
}

// judgeAnswer judges the conditions of success:. They hold only for an answer
// that is no failure: 2xx, or a redirect that is a success.
func (s *success) judgeAnswer(x *Exchange, pages *failurePages) Reason {
	untold := x.blind && x.location == "" && web.IsRedirect(x.status)
	if x.status/100 != 2 && !untold && !s.namesRedirect(x) {
		r := x.judgeRedirect(pages, s.leaves)
		x.refusal = nil // the rule says what to write
		if r != Fires && (r != ReasonDoubtfulRedirect || s.onlyAbsent()) {
			return r
		}
	}
	verdict := Fires
	x.failed = nil
	for i := range s.answer {
		switch r := s.answer[i].judge(x); r {
		case Fires:
		case pending:
			verdict = pending
		case ReasonCondition:
			return ReasonNotSuccessful
		default:
			return r
		}
	}
	return verdict
}

// onlyAbsent reports whether success: is content with what is not there.
func (s *success) onlyAbsent() bool {
	return !slices.ContainsFunc(s.answer, func(cond condition) bool { return !cond.test.absent })
}

// namesRedirect reports whether success: speaks of a header that only the accepted form's
// redirect has: the Location itself, such as that of a payment page. Where that does not
// lead to a page of this site, it may be another, such as the X-Action-Redirect of a
// Next.js server action. That is a 303 without Location
// (https://github.com/vercel/next.js/issues/74026).
func (s *success) namesRedirect(x *Exchange) bool {
	if !web.IsRedirect(x.status) {
		return false
	}
	_, _, here := x.redirectTarget()
	for i := range s.answer {
		cond := &s.answer[i]
		if cond.from.kind != sourceResponseHeader || cond.test.absent || x.responseHeader[cond.from.name] == nil {
			continue
		}
		switch isLocation := cond.from.name == "Location"; {
		case isLocation && !cond.test.present, !isLocation && !here: // any redirect has a Location
			return true
		}
	}
	return false
}
