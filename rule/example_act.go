package rule

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/hostname"
	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/selector"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Act is what happens in a page, in an [Example].
type Act struct {
	// Kind is what the visitor does, or [PageEvent].
	Kind PageKind
	// Element is the element to which it happens: the name in its data-goal, or a selector
	// as the rule has it. It may also be what it is and what it is in: "#hero a.demo". ""
	// is none.
	Element string
	// To is where the link leads that is clicked: an address such as "tel:+4930123", or
	// "other-site", "tel" or "mailto". "" is another page of the site.
	To string
	// Percent is how much is played or read. Stay is how long the page is in view.
	Percent int
	Stay    time.Duration
	// Event is the type of an event of Sitecore's scripts.
	Event string
	// Data is what the element's attributes data-goal-x say, by their names x, or the
	// attributes of the event.
	Data map[string]any
}

// PageEvent is an event that one of Sitecore's scripts sends, in an example.
const PageEvent PageKind = "event"

// actVerbs are the words with which examples of what happens in a page begin.
var actVerbs = map[string]PageKind{
	"CLICK": PageClick, "SEEN": PageSeen, "PLAYED": PagePlayed, "STARTED": PageStarted, "READ": PageRead, "STAY": PageStay, "EVENT": PageEvent,
}

// actExamples show how to write them.
var actExamples = map[PageKind]string{
	PageClick: "CLICK a.demo on /products/7", PageSeen: "SEEN price-table on /pricing", PagePlayed: "PLAYED video 50% on /film", PageStarted: "STARTED form on /contact",
	PageRead: "READ 80% on /blog/tea", PageStay: "STAY 40s on /blog/tea", PageEvent: "EVENT CLICKED on /products/7",
}

// readAct reads what stands behind the verb.
func (e *Example) readAct(verb, rest string) error {
	act := &Act{Kind: actVerbs[verb], Data: map[string]any{}}
	e.Act, e.Method, e.Path = act, verb, "/"
	words, err := splitOutside(rest)
	if err != nil {
		return err
	}
	var element []string
	onPage := false
	for i := 0; i < len(words); i++ {
		word := words[i]
		name, value, isPair := cutPair(word)
		switch {
		case word == "on" && i+1 < len(words) && isPage(words[i+1]):
			i++
			if err := e.setPage(unquoted(words[i])); err != nil {
				return err
			}
			onPage = true
		case word == "->":
			if i+2 != len(words) || act.Kind != PageClick {
				return fmt.Errorf("after -> stands where the link of a CLICK leads, such as tel:+4930123, and nothing else in %q", verb+" "+rest)
			}
			act.To = unquoted(words[i+1])
			return e.setElement(element, verb+" "+rest)
		case isPair:
			if err := e.actPair(name, unquoted(value)); err != nil {
				return err
			}
		case onPage:
			return fmt.Errorf("%q is no name=value", word)
		default:
			element = append(element, word)
		}
	}
	return e.setElement(element, verb+" "+rest)
}

// isPage reports whether a word is a path or a whole address.
func isPage(word string) bool {
	word = unquoted(word)
	return strings.HasPrefix(word, "/") || isAddress(word)
}

func (e *Example) setPage(page string) error {
	if isAddress(page) {
		return e.SetURL(page)
	}
	e.Path = page
	return nil
}

// setElement reads the words between the verb and the page.
func (e *Example) setElement(words []string, line string) error {
	a := e.Act
	var last string
	if len(words) > 0 {
		last = words[len(words)-1]
	}
	ok := len(words) == 1
	switch a.Kind {
	case PageRead:
		var isPercent bool
		a.Percent, isPercent = percentOf(last)
		ok = ok && isPercent
	case PageStay:
		var err error
		a.Stay, err = time.ParseDuration(last)
		ok = ok && err == nil && a.Stay > 0
	case PageEvent:
		a.Event = unquoted(last)
	case PagePlayed:
		if percent, isPart := partOf(last); isPart && len(words) > 1 {
			a.Percent, words = percent, words[:len(words)-1]
		}
		a.Element, ok = strings.Join(words, " "), len(words) > 0
	case PageClick:
		a.Element, ok = strings.Join(words, " "), len(words) > 0 || a.To != ""
	default:
		a.Element, ok = strings.Join(words, " "), len(words) > 0
	}
	if !ok {
		return fmt.Errorf("%q is not understood: write it as in %s", line, actExamples[a.Kind])
	}
	if a.Element != "" && !selector.IsName(a.Element) {
		if _, err := selector.Parse(a.Element); err != nil {
			return fmt.Errorf("%q: %w", a.Element, err)
		}
	}
	return nil
}

// partOf reads start, end or 50%.
func partOf(s string) (percent int, ok bool) {
	switch s {
	case "start":
		return 0, true
	case "end":
		return 100, true
	}
	return percentOf(s)
}

func percentOf(s string) (int, bool) {
	number, isPercent := strings.CutSuffix(s, "%")
	n, err := strconv.Atoi(number)
	return n, isPercent && err == nil && n >= 0 && n <= 100
}

// actPair reads name=value.
func (e *Example) actPair(name, value string) error {
	kind, rest, dotted := strings.Cut(name, ".")
	data := "element"
	if e.Act.Kind == PageEvent {
		data = "event"
	}
	switch {
	case name == "host", dotted && (kind == "header" || kind == "cookie"):
		return e.request(name+"="+value, nil)
	case dotted && kind == data:
		name = rest
	case dotted && (kind == "form" || kind == "json" || kind == "app" || kind == "element" || kind == "event"):
		return fmt.Errorf("what happens in a page has no %s", name)
	}
	if e.Act.Kind == PageRead || e.Act.Kind == PageStay {
		return fmt.Errorf("%s has no element, and so no %s", e.Method, name)
	}
	e.Act.Data[name] = value
	if e.Act.Kind == PageEvent {
		e.Act.Data[name] = scalarOf(value)
	}
	return nil
}

// cutPair cuts name=value, unless it is a part of a selector such as a[href="/x"].
func cutPair(word string) (name, value string, ok bool) {
	name, value, ok = strings.Cut(word, "=")
	isName := name != "" && !strings.HasPrefix(name, ".") && selector.IsName(strings.ReplaceAll(name, ".", ""))
	return name, value, ok && isName
}

// splitOutside cuts at blanks that are neither between quotes nor in brackets. Quotes stay,
// since a selector may have some.
func splitOutside(line string) (words []string, err error) {
	var quote rune
	depth, start := 0, -1
	for i, r := range line {
		blank := quote == 0 && depth == 0 && (r == ' ' || r == '\t')
		switch {
		case blank && start >= 0:
			words, start = append(words, line[start:i]), -1
		case !blank && start < 0:
			start = i
		}
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
		case r == '"' || r == '\'' && depth > 0: // elsewhere it is an apostrophe
			quote = r
		case r == '[' || r == '(':
			depth++
		case (r == ']' || r == ')') && depth > 0:
			depth--
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("a quote is opened and never closed in %q", line)
	}
	if start >= 0 {
		words = append(words, line[start:])
	}
	return words, nil
}

// unquoted is a word without its quotes.
func unquoted(word string) string { return strings.ReplaceAll(word, `"`, "") }

// actExchange is the example of what happens in a page as the rules see it.
func (e *Example) actExchange() Exchange {
	page, rawQuery, _ := strings.Cut(e.Path, "?")
	if p, err := url.PathUnescape(page); err == nil {
		page = p
	}
	x := Exchange{
		method: http.MethodPost, host: e.Host, header: e.Header, typeKnown: true, bodyReason: Fires,
		userAgent: e.Header.Get("User-Agent"),
	}
	prefix := urlpath.NormalPrefix(e.PathPrefix)
	x.setOdd(oddAddress{prefix: prefix})
	told := Told{Path: urlpath.CutPrefix(urlpath.Normal(cmp.Or(page, "/")), prefix), RawQuery: rawQuery, act: e.Act}
	if e.Act.Kind == PageEvent {
		told.Event = e.Act.Data
	} else {
		told.Element = make(map[string]string, len(e.Act.Data))
		for name, v := range e.Act.Data {
			told.Element[name], _ = textOf(v)
		}
	}
	return *x.Telling(told)
}

// judgeAct judges a cause by an example of what happens in a page; see judgeBySteps.
func (c *Cause) judgeAct(x *Exchange, now time.Time) (r Reason, step int, why string) {
	is := x.told.act
	switch {
	case c.kind == causeCode:
		return ReasonCondition, 0, "raised in code, not in a page"
	case c.byRequest():
		return ReasonCondition, 0, fmt.Sprintf("needs %s %s, and this happens in a page", c.method, c.path.Text)
	case c.act.key != string(is.Kind):
		return ReasonCondition, 0, fmt.Sprintf("needs %s:, and this is %s:", c.act.key, is.Kind)
	case !c.fitsPage(x.path):
		return ReasonOtherPage, 1, c.why(ReasonOtherPage, x)
	}
	if why := c.act.unlike(is, x.host); why != "" {
		return ReasonCondition, 2, why
	}
	if r := c.goal.judgeAt(x, now); r != Fires {
		return r, 3, c.why(r, x)
	}
	r = c.judgeConditions(x)
	return r, 3, c.why(r, x)
}

// unlike says why what happened is not what the rule asks for, "" if it is.
func (a *act) unlike(is *Act, host string) string {
	switch {
	case a.event != is.Event:
		return fmt.Sprintf("needs the event %s, and this is %s", a.event, is.Event)
	case a.percent > is.Percent:
		return fmt.Sprintf("needs %s, and this is %s", partInWords(a.percent), partInWords(is.Percent))
	case a.stay > is.Stay:
		return fmt.Sprintf("needs %s, and this is %s", a.written, is.Stay)
	case !a.isElement(is):
		return fmt.Sprintf("the element is %s, and not %s", cmp.Or(is.Element, "not named"), a.written)
	}
	if to := is.leadsTo(host); a.to != "" && a.to != to {
		return fmt.Sprintf("needs a link to %s, and this leads to %s", a.to, to)
	}
	return ""
}

// isElement reports whether the rule means the element of the example.
func (a *act) isElement(is *Act) bool {
	plain := strings.Join(strings.Fields(is.Element), " ")
	switch {
	case a.name == "" && a.selector == "":
		return true
	case a.name != "" && plain == a.name, a.selector != "" && plain == strings.Join(strings.Fields(a.selector), " "):
		return true
	}
	e, ok := is.described()
	wanted := a.list
	if a.name != "" {
		wanted, _ = selector.Parse(`[data-goal="` + a.name + `"]`)
	}
	if is.Kind == PageClick || is.Kind == PageStarted {
		return ok && wanted.Closest(e)
	}
	return ok && wanted.Matches(e)
}

// described is the element of the example, if it is described.
func (a *Act) described() (e selector.Element, ok bool) {
	text := a.Element
	if selector.IsName(text) && !selector.IsElement(text) {
		text = `[data-goal="` + text + `"]`
	}
	list, err := selector.Parse(text)
	if err != nil {
		return e, false
	}
	return selector.Describe(list)
}

// leadsTo is where the link leads, in the words of to:, or "a page of the site".
func (a *Act) leadsTo(host string) string {
	to := a.To
	if e, ok := a.described(); ok && to == "" {
		to = e.Attribute("href")
	}
	if slices.Contains(clickTargets, to) {
		return to
	}
	u, err := url.Parse(to)
	switch {
	case err != nil:
	case slices.Contains([]string{"tel", "mailto"}, u.Scheme):
		return u.Scheme
	case u.Host != "" && !hostname.In([]string{hostname.Plain(web.HostOnly(host))}, web.HostOnly(u.Host)):
		return "other-site"
	}
	return "a page of the site"
}
