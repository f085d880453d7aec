package rule

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Example is one request and its answer, for trying rules out with [Set.Explain]. Nothing
// in it is checked: a path that no browser would send matches no rule.
type Example struct {
	// Method is that of the request, in upper case. Default: GET.
	Method string
	// Act is what happens in a page, in place of a request for one. Path is then the page's,
	// and neither method, body nor answer matter. Default: a request.
	Act *Act
	// Host is the host asked, perhaps with a port. Default: one on which the goal
	// counts.
	Host string
	// Path is the address without the host: escaped, and with its query.
	// Default: "/".
	Path string
	// PathPrefix is taken off addresses, as goaltrack's Config.PathPrefix is.
	// Default: what Header says in X-Forwarded-Prefix.
	PathPrefix string
	// Form are the fields of a form, JSON a body in its place. The Content-Type
	// and the Content-Encoding in Header win. JSON of more than 64 KiB is too
	// large, which is the default of goaltrack's Config.Forms, whatever a site has
	// set. Default: no body.
	Form url.Values
	JSON string
	// Header is that of the request, by canonical names.
	Header http.Header
	// Route is the name or the template of the route that answered.
	Route string
	// App is what the handler sets, for $app.
	App map[string]any

	// At is when it happens, for goals with from: or until:. Default: now.
	At time.Time

	// Status is that of the answer. Default: 200.
	Status int
	// Location is where the answer redirects to.
	Location string
	// AnswerHeader is the answer's header, by canonical names.
	AnswerHeader http.Header
	// ContentType is the answer's type. Default: JSON with AnswerJSON, else by the
	// ending of the path, else text/html.
	ContentType string
	// AnswerJSON is the answer's body, if it is JSON.
	AnswerJSON string
	// Confirmed says that the handler called goaltrack's Tracker.Confirm.
	Confirmed bool
}

// ParseExample reads a line such as
//
//	POST /contact topic=sales message="Call me" -> 303 /thanks
//
// Before the arrow stand the method, the path and the fields of the form. A name may
// also say what else it is: json.user.plan=pro, header.X-Kind=a, cookie.k=v,
// app.total=12, host=shop.example, route=contact. A field with such a name is written
// form.host=a. After the arrow stand the status and where it redirects to. There may also
// stand "confirmed", type=application/json, response.header.X-Kind=a and
// response.json.ok=true. An answer with response.json is JSON, unless type says something
// else. How it was compressed is response.header.Content-Encoding=br. Without an arrow
// the answer is 200.
//
// In place of the path there may stand a whole address, such as
// https://shop.example/pricing, which also says the host. Without a method, it is a GET.
//
// What happens in a page is a line such as
//
//	CLICK #hero a.demo on /products/7 plan=pro -> tel:+4930123
//	SEEN price-table on /pricing
//	PLAYED video 50% on /film
//	STARTED form on /contact
//	READ 80% on /blog/tea
//	STAY 40s on /blog/tea
//	EVENT CLICKED on /products/7 label=brochure
//
// Behind the word stands the element, as a rule may name it, or as it is: a.demo in #hero.
// Then come the page, the data of the element (plan=pro is data-goal-plan) or the
// attributes of the event, and behind the arrow where a link leads. header.X-Kind=a,
// cookie.k=v and host=shop.example may stand there, too.
//
// The error says which word is not understood, for the person who wrote it.
func ParseExample(line string) (Example, error) {
	e := Example{Form: url.Values{}, Header: http.Header{}, AnswerHeader: http.Header{}, App: map[string]any{}, Status: http.StatusOK}
	if verb, rest, _ := strings.Cut(strings.TrimSpace(line), " "); actVerbs[verb] != "" {
		return e, e.readAct(verb, rest)
	}
	words, err := splitWords(line)
	if err != nil {
		return e, err
	}
	if len(words) > 0 && actVerbs[strings.ToUpper(words[0])] != "" {
		return e, fmt.Errorf("%q begins with %s, which is written %s", line, words[0], strings.ToUpper(words[0]))
	}
	if words, err = e.address(words); err != nil {
		return e, err
	}
	if len(words) < 2 || !isMethod(words[0]) || !strings.HasPrefix(words[1], "/") {
		return e, fmt.Errorf("%q does not begin with a method and a path%s", line, beginning(words))
	}
	e.Method, e.Path = words[0], words[1]
	body, answer := map[string]any{}, map[string]any{}
	words = words[2:]
	for len(words) > 0 && words[0] != "->" {
		if err := e.request(words[0], body); err != nil {
			return e, err
		}
		words = words[1:]
	}
	if len(words) > 0 {
		if err := e.answer(words[1:], answer); err != nil {
			return e, err
		}
	}
	if len(body) > 0 && len(e.Form) > 0 {
		return e, fmt.Errorf("%q has a form and JSON, and a request has one body", line)
	}
	e.JSON, e.AnswerJSON = encodeBody(body), encodeBody(answer)
	return e, nil
}

// beginning says how the words of a request have to begin.
func beginning(words []string) string {
	switch {
	case len(words) > 0 && strings.HasPrefix(words[0], "/"):
		return ": write GET " + words[0] + " for a page, POST " + words[0] + " for a form"
	case len(words) == 1 && isMethod(words[0]):
		return `; put quotes around the whole of it, such as "` + words[0] + ` /pricing"`
	case len(words) > 1 && isMethod(words[0]):
		return ": write " + words[0] + " /" + words[1]
	case len(words) > 1 && isMethod(strings.ToUpper(words[0])) && strings.HasPrefix(words[1], "/"):
		return ": write " + strings.ToUpper(words[0]) + " " + words[1]
	}
	return ", such as GET /pricing"
}

// notAField says what a word of a request is that is no field=value.
func notAField(word string) error {
	code, err := strconv.Atoi(word)
	switch {
	case err == nil && 100 <= code && code < 600:
		return fmt.Errorf("%q is no field=value: write -> before the status", word)
	case slices.Contains([]string{"=>", "-->", "→", "=", "-", ">", "–>", "—>"}, word):
		return fmt.Errorf("%q is no field=value: the arrow before the answer is written ->", word)
	}
	return fmt.Errorf("%q is no field=value: a value with blanks needs quotes, such as name=\"Ann Lee\"", word)
}

func isMethod(s string) bool {
	return s != "" && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// request reads one word of the request.
func (e *Example) request(word string, body map[string]any) error {
	name, value, ok := strings.Cut(word, "=")
	if !ok || name == "" {
		return notAField(word)
	}
	kind, rest, dotted := strings.Cut(name, ".")
	switch {
	case name == "host":
		e.Host = value
	case name == "route":
		e.Route = value
	case dotted && kind == "form":
		e.Form.Add(rest, value)
	case dotted && kind == "json":
		putMember(body, rest, value)
	case dotted && kind == "header":
		e.Header.Add(rest, value)
	case dotted && kind == "cookie":
		e.Header.Add("Cookie", rest+"="+value)
	case dotted && kind == "app":
		e.App[rest] = scalarOf(value)
	default:
		e.Form.Add(name, value)
	}
	return nil
}

// answer reads what stands after the arrow.
func (e *Example) answer(words []string, body map[string]any) error {
	if len(words) == 0 {
		return errors.New("a status is missing after ->")
	}
	var err error
	if e.Status, err = strconv.Atoi(words[0]); err != nil || e.Status < 100 || e.Status > 999 {
		return fmt.Errorf("%q is no status, such as 200, or 303 before the page that follows", words[0])
	}
	for _, word := range words[1:] {
		name, value, ok := strings.Cut(word, "=")
		switch {
		case word == "confirmed":
			e.Confirmed = true
		case ok && name == "type":
			e.ContentType = value
		case ok && strings.HasPrefix(name, "response.header."):
			e.AnswerHeader.Add(strings.TrimPrefix(name, "response.header."), value)
		case ok && strings.HasPrefix(name, "response.json."):
			putMember(body, strings.TrimPrefix(name, "response.json."), value)
		case e.Location == "" && (strings.ContainsAny(word[:min(1, len(word))], `/.?#\`) || strings.Contains(word, "://")):
			e.Location = word
		default:
			return fmt.Errorf("%q is neither where the answer redirects to nor response.header.x=value", word)
		}
	}
	return nil
}

// splitWords cuts at spaces that are not between quotes.
func splitWords(line string) (words []string, err error) {
	var word strings.Builder
	quoted, started := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, started = !quoted, true
		case !quoted && (r == ' ' || r == '\t'):
			if started {
				words = append(words, word.String())
				word.Reset()
			}
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quoted {
		return nil, fmt.Errorf("a quote is opened and never closed in %q", line)
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

// scalarOf reads a number, true or false as what it is.
func scalarOf(s string) any {
	var v any
	if json.Unmarshal([]byte(s), &v) == nil {
		switch v.(type) {
		case float64, bool:
			return v
		}
	}
	return s
}

// putMember puts a value at a path such as "user.plan".
func putMember(object map[string]any, at, value string) {
	for {
		name, rest, nested := strings.Cut(at, ".")
		if !nested {
			object[name] = scalarOf(value)
			return
		}
		inner, ok := object[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			object[name] = inner
		}
		object, at = inner, rest
	}
}

func encodeBody(object map[string]any) string {
	if len(object) == 0 {
		return ""
	}
	b, err := json.Marshal(object)
	if err != nil {
		return ""
	}
	return string(b)
}
