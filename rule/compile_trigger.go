package rule

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

// compileTriggers compiles the goal's own trigger or its alternatives, and what
// counts as success.
func (g *goal) compileTriggers(f *faults) {
	own := g.trigger()
	n := g.addTriggers("", own, f)
	for i, t := range g.Any {
		at := "any." + strconv.Itoa(i)
		switch n := g.addTriggers(at+".", t, f); {
		case n > 1:
			f.hint(at, "an alternative has one trigger", "begin each with - ")
		case n == 0 && t.On != "":
			f.hint(at, "an alternative needs a trigger", "on: only says on which page")
		}
	}
	switch {
	case g.On != "" && n == 0 && len(g.Any) > 0:
		f.hint("on", "on: stands with its trigger", "write it in each alternative that it is for")
	case n > 1 || n == 1 && len(g.Any) > 0:
		f.hint("goal", "the goal has more than one trigger", "list them under any:, or make a goal of each with sends:")
	case len(g.Any) > 0 && slices.ContainsFunc(g.causes, func(c Cause) bool { return c.kind == causeCode }):
		f.hint("any", "code: has no alternatives", "a goal raised in code can share an event type with sends:")
	}
	g.compileSuccess(f)
}

// addTriggers compiles what is set in t and returns how many that is. at is
// where t stands in the goal.
func (g *goal) addTriggers(at string, t Trigger, f *faults) (n int) {
	add := func(key string, kind causeKind, method, path string) *Cause {
		n++
		c := Cause{goal: g, kind: kind, method: method}
		if kind == causeCode {
			g.causes = append(g.causes, c)
			return &g.causes[len(g.causes)-1]
		}
		if hint := queryHint(path); hint != "" {
			f.hint(at+key, fmt.Sprintf("the path %q has a query string, which a path never has", path), hint)
			return nil
		}
		var err error
		if c.path, err = urlpath.Parse(path); err != nil {
			f.add(at+key, err)
		}
		g.causes = append(g.causes, c)
		return &g.causes[len(g.causes)-1]
	}
	if t.Visit != "" {
		add("visit", causeVisit, http.MethodGet, t.Visit)
	}
	if t.Submit != (Submit{}) {
		method := strings.ToUpper(t.Submit.Method)
		method = cmp.Or(method, http.MethodPost)
		if !slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, method) {
			f.hint(at+"submit", fmt.Sprintf("submit: the method %q sends no form", t.Submit.Method), "POST, PUT, PATCH or DELETE")
		}
		if c := add("submit", causeSubmit, method, t.Submit.Path); c != nil && t.Submit.Form != "" {
			c.form = composed(t.Submit.Form)
			g.needs.form = append(g.needs.form, formNameFields...)
			g.needs.must.form = append(g.needs.must.form, formNameFields...)
		}
	}
	if t.Download != "" {
		add("download", causeDownload, http.MethodGet, t.Download)
	}
	if t.Code {
		add("code", causeCode, "", "")
	}
	if t.On != "" && n > 0 {
		f.hint(at+"on", "on: is for what happens in a page", "visit:, submit: and download: name the path themselves")
	}
	return n + g.addActs(at, t, f)
}

// formNameFields are the fields in which forms commonly name themselves.
var formNameFields = []string{"form", "form_id", "formId", "form_name"}

func (g *goal) compileSuccess(f *faults) {
	if len(g.causes) > 0 && !g.submits() && (g.Success != "" || g.SuccessIf != nil) {
		f.hint("success", "success: is for submit: only", "a visit needs a page, a download a file; leave the line out")
		return
	}
	var err error
	if g.success, err = parseSuccess(g.Success); err != nil {
		f.add("success", err)
	}
	g.success.leaves = g.Forget
	if g.SuccessIf == nil {
		return
	}
	if g.Success != "" {
		f.hint("success", "success: is either words or conditions", "")
	}
	g.success.kind = successIf
	g.success.answer = g.parseConditions("success", g.SuccessIf, false, f)
	for i := range g.success.answer {
		cond := &g.success.answer[i]
		cond.failure = "success: " + cond.String() + " does not hold"
		switch cond.from.kind {
		case sourceResponseJSON, sourceResponseHeader, sourceResponseType:
		default:
			f.hint("success."+cond.key, "success: looks at the answer: response.json.x, response.header.x or response.type", "put conditions on the request under if:")
		}
	}
}

// queryHint says what to write instead of a path with a query string.
func queryHint(path string) string {
	_, query, ok := strings.Cut(urlpath.OutsideBraces(path), "?")
	if !ok {
		return ""
	}
	key, val, _ := strings.Cut(strings.Split(query, "&")[0], "=")
	if key == "" {
		return "leave the ? out"
	}
	condition := fmt.Sprintf("if: { query.%s: %s }", key, cmp.Or(val, "present"))
	if u, err := url.Parse(path); err == nil && u.Host != "" { // an address, as a browser shows it
		return "write " + cmp.Or(u.Path, "/") + ", and under it " + condition
	}
	return "write " + condition
}
