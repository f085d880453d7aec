package selector

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/internal/spelling"
)

// plainPseudos are the pseudo-classes without brackets that all of today's browsers know
// (https://developer.mozilla.org/docs/Web/CSS/Pseudo-classes).
var plainPseudos = []string{
	"active", "any-link", "autofill", "checked", "default", "defined", "disabled", "empty", "enabled", "first-child",
	"first-of-type", "focus", "focus-visible", "focus-within", "fullscreen", "hover", "in-range", "indeterminate", "invalid", "last-child",
	"last-of-type", "link", "modal", "only-child", "only-of-type", "optional", "out-of-range", "placeholder-shown",
	"popover-open", "read-only", "read-write", "required", "root", "scope", "target", "user-invalid", "user-valid", "valid", "visited",
}

// pseudoElements are parts of elements that CSS can style, and nobody can click.
var pseudoElements = []string{
	"after", "backdrop", "before", "cue", "details-content", "file-selector-button", "first-letter", "first-line", "grammar-error", "highlight", "marker", "part",
	"placeholder", "selection", "slotted", "spelling-error", "target-text", "view-transition",
}

// notOfCSS are pseudo-classes of jQuery and of older browsers, and what to write.
var notOfCSS = map[string]string{ //nolint:gosec // One is called password, and is none.
	"any": "write :is(...)", "matches": "write :is(...)", "-webkit-any": "write :is(...)", "-moz-any": "write :is(...)",
	"contains": "a text breaks with every translation: give the element a data-goal", "text": `write [type="text"]`,
	"icontains": "a text breaks with every translation: give the element a data-goal", "has-text": "a text breaks with every translation: give the element a data-goal",
	"visible": "leave it out", "hidden": "leave it out", "animated": "leave it out",
	"first": "write :first-child or :first-of-type", "last": "write :last-child or :last-of-type", "eq": "write :nth-child(1), which counts from 1", "nth": "write :nth-child(1), which counts from 1",
	"gt": "write :nth-child(n+2)", "lt": "write :nth-child(-n+2)", "odd": "write :nth-child(odd)", "even": "write :nth-child(even)",
	"input": "write :is(input, select, textarea, button)", "button": `write :is(button, [type="button"])`, "submit": `write [type="submit"]`,
	"checkbox": `write [type="checkbox"]`, "radio": `write [type="radio"]`, "file": `write [type="file"]`, "image": `write [type="image"]`, "password": `write [type="password"]`,
	"reset": `write [type="reset"]`, "header": "write :is(h1, h2, h3, h4, h5, h6)", "parent": "write :not(:empty)", "selected": "write :checked",
	"host": "the script looks at the page, and through open shadow roots", "host-context": "the script looks at the page, and through open shadow roots",
}

// refuseElement refuses what stands behind two colons.
func (p *parser) refuseElement(at int, name string) {
	if name == "" {
		p.fail(at, "nothing follows the two colons", "")
	}
	hint := "leave it out: it belongs to the element before it"
	if slices.Contains(plainPseudos, name) || functions[name] != nil {
		hint = "write one colon, :" + name
	}
	p.fail(at, "::"+name+" is a part of an element, and no element", hint)
}

// refusePseudo says what is wrong with a pseudo-class that is not known.
func (p *parser) refusePseudo(at int, name string, brackets bool) {
	switch {
	case slices.Contains(pseudoElements, name):
		p.fail(at, ":"+name+" is a part of an element, and no element", "leave it out: it belongs to the element before it")
	case notOfCSS[name] != "":
		p.fail(at, ":"+name+" is not a pseudo-class of CSS", notOfCSS[name])
	case !brackets && functions[name] != nil:
		p.fail(at, ":"+name+" needs brackets", "write :"+name+"(...)")
	case brackets && slices.Contains(plainPseudos, name):
		p.fail(at, ":"+name+" takes no brackets", "write :"+name)
	}
	hint := "is the colon part of a class? Then write \\: for it"
	if near := nearest(name, slices.Concat(plainPseudos, slices.Sorted(maps.Keys(functions)))); near != "" {
		hint = "did you mean :" + near + "?"
	}
	p.fail(at, ":"+name+" is not a pseudo-class that every browser knows", hint)
}

// nearest finds the word that was perhaps meant.
func nearest(word string, words []string) string {
	best, least := "", min(2, (len(word)+2)/3)+1
	for _, w := range words {
		if d := spelling.Distance(word, w); d < least && len(word) <= 40 {
			best, least = w, d
		}
	}
	return best
}

// looksLikeSomethingElse refuses texts of other languages, of which no single character
// would tell what is wrong.
func looksLikeSomethingElse(text string) *Fault {
	lower := strings.ToLower(text)
	switch {
	case text == "":
		return &Fault{0, "the selector is empty", "for example a.button"}
	case !utf8.ValidString(text) || strings.ContainsFunc(text, isControl):
		return &Fault{0, "the selector holds characters that cannot be printed", ""}
	case spelling.Unseen(strings.TrimSpace(text)) != "":
		return &Fault{0, fmt.Sprintf("the selector %q has %s", text, spelling.Unseen(strings.TrimSpace(text))), "type it anew, without that"}
	case strings.HasPrefix(text, "<"):
		return &Fault{0, "a selector is no HTML", "write a.button for <a class=\"button\">"}
	case strings.HasPrefix(text, "/"), strings.HasPrefix(lower, "xpath"):
		return &Fault{0, "a path is no selector, and neither is XPath", "write for example #hero a.button; the page stands under on:"}
	case strings.HasPrefix(text, "$("), strings.HasPrefix(lower, "jquery("), strings.HasPrefix(lower, "document."):
		return &Fault{0, "this is a call of JavaScript", "write only what stands between its quotes"}
	}
	return nil
}

func isControl(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\t' && r != '\r' && r != '\f'
}

// hintHere says what was perhaps meant by the character at which the parser stopped.
func (p *parser) hintHere() string {
	switch c := p.peek(); {
	case c == '=':
		return `an attribute stands in brackets, as [href="/contact"]`
	case c == '"' || c == '\'':
		return "a text is no selector: give the element a data-goal"
	case c == '!':
		return "write :not(...)"
	case c == '@' || c == '/':
		return "that is XPath or a remark; write for example #hero a.button"
	case c == '{':
		return "write what stands before the brace"
	case c == '&':
		return "leave it out"
	case '0' <= c && c <= '9':
		return "no element's name begins with a digit"
	}
	return ""
}

// elements are kinds of elements that pages have and people name in rules.
var elements = strings.Fields("a article aside audio body button canvas dialog div dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr iframe img input label legend li link main map nav object ol option p picture pre section select span summary svg table tbody td textarea th tr ul video")

// IsElement reports whether the text is the name of a kind of element, such as button.
func IsElement(text string) bool { return slices.Contains(elements, strings.ToLower(text)) }
