package rule

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/goaltrack/goaltrack/internal/spelling"
)

// source is where a rule reads a value: the left side of a condition, or a
// $source in data, value and the base fields of an event.
type source struct {
	kind sourceKind
	name string
	// decomposed is the name in Unicode's form NFD, "" if that is the same. A page that
	// was written so sends its fields under it.
	decomposed string
	text       string // for sourceLiteral
	// ofVisit: a $utm.x or $referrer is that of the session's first page. In a
	// condition it is that of the request.
	ofVisit bool
}

const (
	sourceLiteral sourceKind = iota
	sourcePath               // a variable of the trigger's path template
	sourceQuery
	sourceHeader
	sourceCookie
	sourceForm
	sourceJSON           // a member of the request's JSON body, "a.b"
	sourceRedirect       // a variable of the success rule's target
	sourceResponseHeader // a header of the response
	sourceResponseJSON   // a member of the answer's JSON body
	sourceApp            // set by the handler
	sourceUTM            // a utm_ parameter of the address
	sourceReferrer       // the other site the visitor came from
	sourceElement        // an attribute data-goal-x of the element in the page
	sourceEvent          // an attribute of a relayed event
	sourceFirst          // a utm_ parameter, or the referrer, of the visitor's first session

	// These stand only on the left of a condition, without a name.
	sourceWholePath
	sourceHost
	sourceRoute
	sourceResponseType
)

// parseSource reads "$kind.name". Any other text is a literal; "$$" at the
// beginning stands for one dollar sign.
func parseSource(s string) (source, error) {
	if len(s) > maxCollected {
		return source{}, fmt.Errorf("the text is longer than %d bytes", maxCollected)
	}
	if strings.HasPrefix(s, "$$") || !strings.HasPrefix(s, "$") {
		return source{text: composed(strings.TrimPrefix(s, "$"))}, nil
	}
	src, err := parseSourceName(s[1:], "$")
	src.ofVisit = src.kind == sourceUTM || src.kind == sourceReferrer
	if a, ok := errors.AsType[*advice](err); ok {
		a.message = s + ": " + a.message
		if hint := elsewhere(s); hint != "" {
			a.hint = hint
			return src, err
		}
		if a.hint == sourceHint {
			a.hint += "; a text that begins with a dollar sign is written $" + s
		}
	}
	return src, err
}

// parseSourceName reads "kind.name". sign stands before it where it is written.
func parseSourceName(s, sign string) (source, error) {
	if s == "referrer" {
		return source{kind: sourceReferrer}, nil
	}
	word, name, _ := strings.Cut(s, ".")
	if word == "response" { // response.header.x, response.json.a.b
		var part string
		part, name, _ = strings.Cut(name, ".")
		word += "." + part
	}
	kind, ok := sourceKinds[word]
	switch {
	case !ok:
		hint := sourceHint
		if near := nearest(word, slices.Sorted(maps.Keys(sourceKinds))); near != "" {
			hint = "did you mean " + sign + near + "." + name + "?"
		}
		return source{}, &advice{"unknown source", hint}
	case name == "":
		return source{}, &advice{"a source needs a name", "for example " + sign + word + ".email"}
	}
	if unseen := spelling.Unseen(name); unseen != "" {
		return source{}, &advice{fmt.Sprintf("%q has %s", name, unseen), "type it anew, without that"}
	}
	src := source{kind: kind, name: composed(name)}
	if d := norm.NFD.String(src.name); d != src.name {
		src.decomposed = d
	}
	return src, src.allowed()
}

// composed writes a text in Unicode's form NFC, in which rules are compared: computers
// write an ü as one character or as two (https://unicode.org/reports/tr15/).
func composed(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return norm.NFC.String(s) // which is s if it is so already
		}
	}
	return s
}

// isUnsaid reports whether the rule says nothing there.
func (s *source) isUnsaid() bool { return s.kind == sourceLiteral && s.text == "" }

// names are those under which a page may send what the source reads.
func (s *source) names() []string {
	if s.decomposed == "" {
		return []string{s.name}
	}
	return []string{s.name, s.decomposed}
}

const sourceHint = "sources are path.x query.x form.x json.x header.x cookie.x redirect.x response.header.x response.json.x app.x element.x event.x utm.x referrer first.x"
