package page_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/page"
	"github.com/goaltrack/goaltrack/rule"
)

// TestPathFor: the script finds the goals of every page on which the server lets them count,
// however the browser's address writes its path, and none of a page that is quite another.
func TestPathFor(t *testing.T) {
	t.Parallel()
	paths := strings.Fields(`/ // /p /p/ /p;s=1 /p/a /p/a/ //p//a// /p;s=1/a;t=2;u /p/a/b /p/a;s/b /p/a//b;s/ /p/7 /p/70/b /P/A.b-c /p/ä /p/😀 /p/a.pdf
		/p/x/y/b /b /p;/b; /p/a;b/c;d/b /p/=a /p/a:b /q/p/a /shop/p/a /shop/p;s/a/b
		/p%3Bs=1 /p/a%3bjsessionid=1C22.node1/ /p/7%3B /P/%20 /p/a%20%20/ /p/70/b;s%20 /b%3Bs%20`)
	for _, tt := range []struct{ on, not string }{
		{"/", "/p /b"},
		{"/p", "/ /p/a /q/p/a"},
		{"/p/{id}", "/p /p/a/b /q/p/a"},
		{"/p/{id:[0-9]+}", "/p/a /p/70/b"},
		{"/p/{id:[^/]+}", "/p /p/a/b /q/p/a"},
		{"/p/{id:[^/.]+}", "/p /p/a/b /p/a.pdf"},
		{"/p/{rest:[a-z/]+}", "/p /b"},
		{"/p/{rest:[!-z]+}", "/p /b"},
		{"/p/{id:a/?b}", "/b"},
		{"/p/{id:(?:a/b|7)}", "/p/a /p/70/b"},
		{"/p/{id:[:-=]*a}", "/p/7 /p/a/b"},
		{"/p/{rest:.*}", "/b /q/p/a"},
		{"/p/{rest:.+}.pdf", "/p/a /b"},
		{"/p/a.b", "/p/a /p/a/b"},
		{"/p/*", "/p /p/a/b"},
		{"/p/*.pdf", "/p/a /p/a/b"},
		{"/p/**", "/b /q/p/a"},
		{"/**/b", "/p/a /p/a;b/c;d"},
		{"/**/{x:[^/]+}/b", "/p/a"},
	} {
		set, err := rule.Parse([]byte("goals:\n  - { goal: A_CLICK, click: \"#a\", on: '" + tt.on + "' }\n"))
		if err != nil {
			t.Errorf("%s: %v", tt.on, err)
			continue
		}
		g := &set.PageGoals()[0]
		for _, prefix := range []string{"", "/shop"} {
			text := page.PathFor(g.OnRegexp, prefix)
			re, err := regexp.Compile("(?i)" + text)
			if err != nil {
				t.Errorf("%s: %v", tt.on, err)
				continue
			}
			for _, p := range paths {
				decoded, err := url.PathUnescape(p)
				if err != nil {
					t.Fatal(err)
				}
				p = strings.ReplaceAll(p, "%20", " ") // as decodeURI does; it leaves the semicolon
				inside, _ := strings.CutPrefix(decoded, prefix)
				if normal := path.Normal(inside); g.MayCount("", normal, "", time.Now()) && !re.MatchString(p) {
					t.Errorf("%s: counts on %s, and %s does not fit", tt.on, p, text)
				}
			}
			for p := range strings.FieldsSeq(tt.not) {
				if re.MatchString(prefix + p) {
					t.Errorf("%s: %s fits %s", tt.on, text, prefix+p)
				}
			}
		}
	}
	if got := page.PathFor("", ""); got != "" {
		t.Errorf("a goal of all pages has the pattern %s", got)
	}
}

// TestPathForIsQuick: a segment and the parameters behind it share no character. A browser
// would else try every way to part them, so that a link with thirty of them stops the page.
func TestPathForIsQuick(t *testing.T) {
	t.Parallel()
	set, err := rule.Parse([]byte("goals:\n  - { goal: A_CLICK, click: \"#a\", on: '/**/{x:[^/]+}/b' }\n"))
	if err != nil {
		t.Fatal(err)
	}
	const parameter = `(?:;[^/]*)?`
	want := `^(?:` + parameter + `\/+[^/;]+)*` + parameter + `\/+(?:[` + "\x00-" + `\.0-:<-` + "\U0010ffff" + `]+)` + parameter + `\/+b(?:;[^/]*|%3b[^/]{0,99})?[\/ ]{0,9}$`
	if got := page.PathFor(set.PageGoals()[0].OnRegexp, ""); got != want {
		t.Errorf("\n%q, want\n%q", got, want)
	}
}
