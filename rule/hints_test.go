package rule_test

import (
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/rule"
)

// TestExampleHints: an example that is not understood says what to write.
func TestExampleHints(t *testing.T) {
	for line, want := range map[string]string{
		"POST /b name=Ann Lee -> 303 /thanks": `"Lee" is no field=value: a value with blanks needs quotes, such as name="Ann Lee"`,
		"POST /b name=Ann 303 /thanks":        `"303" is no field=value: write -> before the status`,
		"POST /b => 303 /thanks":              `"=>" is no field=value: the arrow before the answer is written ->`,
		"POST /b → 303 /thanks":               `"→" is no field=value: the arrow before the answer is written ->`,
		"POST /b = 303 /thanks":               `"=" is no field=value: the arrow before the answer is written ->`,
		"post /b -> 303 /thanks":              `"post /b -> 303 /thanks" does not begin with a method and a path: write POST /b`,
		"POST b -> 303 /thanks":               `"POST b -> 303 /thanks" does not begin with a method and a path: write POST /b`,
		"/pricing":                            `"/pricing" does not begin with a method and a path: write GET /pricing for a page, POST /pricing for a form`,
		"GET":                                 `"GET" does not begin with a method and a path; put quotes around the whole of it, such as "GET /pricing"`,
		"contact":                             `"contact" does not begin with a method and a path, such as GET /pricing`,
		"contact us":                          `"contact us" does not begin with a method and a path, such as GET /pricing`,
		"":                                    `"" does not begin with a method and a path, such as GET /pricing`,
		"POST /b -> thanks":                   `"thanks" is no status, such as 200, or 303 before the page that follows`,
		"POST /b -> 99":                       `"99" is no status, such as 200, or 303 before the page that follows`,
	} {
		if _, err := rule.ParseExample(line); err == nil || err.Error() != want {
			t.Errorf("%q:\n%v, want\n%s", line, err, want)
		}
	}
}

// TestWarningHints: what another program understands, and this one takes for a plain text,
// is warned of.
func TestWarningHints(t *testing.T) {
	for goal, want := range map[string]string{
		"visit: /a/<id>":             `<id> is just that text in a path, and no variable (write {id})`,
		"visit: /a/<int:id>/b":       `<int:id> is just that text in a path, and no variable (write {id})`,
		"download: '/f/[name]'":      `[name] is just that text in a path, and no variable (write {name})`,
		"visit: '/blog/[...slug]'":   `[...slug] is just that text in a path, and no variable (write **)`,
		"visit: '/blog/[[...slug]]'": `[[...slug]] is just that text in a path, and no variable (write **)`,
		"visit: /files/<path:rest>":  `<path:rest> is just that text in a path, and no variable (write **)`,
		"visit: /files/<rest..>":     `<rest..> is just that text in a path, and no variable (write **)`,
		"visit: /a/$id":              `$id is just that text in a path, and no variable (write {id})`,
		"click: b\n    on: /a/<id>":  `<id> is just that text in a path, and no variable (write {id})`,
		"event: Click":               `event: Click is an event of that name, which one of Sitecore's scripts has to send (for what happens in a page write click: book-demo)`,
		"event: CLICKED":             "",
		"visit: /a/x[1]/<b>c/$/{id}": "",
	} {
		if got := strings.TrimSpace(warningsOf(t, "goals:\n  - goal: X\n    "+goal+"\n")); got != want {
			t.Errorf("%q:\n%s, want\n%s", goal, got, want)
		}
	}
}
