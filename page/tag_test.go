package page_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/page"
)

// tag is what a page's tag says.
type tag struct {
	Rules []struct {
		Name     string `json:"n"`
		Kind     string `json:"k"`
		Selector string `json:"s"`
		Path     string `json:"p"`
		Amount   int    `json:"a"`
		Away     int    `json:"x"`
	} `json:"r"`
	Shown  int    `json:"c"`
	OptOut string `json:"o"`
	GPC    int    `json:"p"`
	names  string
	src    string
}

var tagSyntax = regexp.MustCompile(`^<!DOCTYPE html><script src="([^"<>]*)" defer data-r='([^'<>]*)'(?: nonce="[^"<>]*")?></script>$`)

func readTag(t *testing.T, text string) (g tag) {
	t.Helper()
	m := tagSyntax.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("%s is no tag", text)
	}
	if err := json.Unmarshal([]byte(html.UnescapeString(m[2])), &g); err != nil {
		t.Fatal(err)
	}
	g.src = m[1]
	var names []string
	for _, r := range g.Rules {
		names = append(names, r.Name)
	}
	g.names = strings.Join(names, " ")
	return g
}

const asDocument = "document"

func (s *shop) html(path string, header ...string) string {
	s.Helper()
	_, text := s.get(s.visitor(), path, append([]string{"Sec-Fetch-Dest", asDocument, "Sec-Fetch-Mode", "navigate"}, header...)...)
	return text
}

// TestTagOfPage: a page's tag has the goals of that page.
func TestTagOfPage(t *testing.T) {
	s := open(t, page.Options{})
	for path, want := range map[string]string{
		"/":           "BOOKED",
		"/products/7": "DEMO_CLICKED BOOKED",
		"/contact":    "BOOKED CALLED FORM_STARTED",
		"/pricing":    "BOOKED PRICES_SEEN",
		"/blog/a/b":   "BOOKED ARTICLE_READ STAYED",
	} {
		g := readTag(t, s.html(path))
		if g.names != want {
			t.Errorf("%s: %s, want %s", path, g.names, want)
		}
		if shown := map[bool]int{true: 2}[path == "/pricing"]; g.Shown != shown {
			t.Errorf("%s: tells that it is shown: %d", path, g.Shown)
		}
		if res, code := s.get(s.visitor(), g.src); res.StatusCode != http.StatusOK || !strings.Contains(code, "composedPath") || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %s %v", g.src, res.Status, res.Header)
		}
	}
}

// TestPageThatNoGoalConcernsHasNoScript: a page that no goal concerns, and one of whoever may not be counted, has no
// script.
func TestPageThatNoGoalConcernsHasNoScript(t *testing.T) {
	s := openWith(t, "{version: 1, goals: [{goal: A, click: a, on: /a}, {goal: B, visit: /b}]}", page.Options{}, func(c *goaltrack.Config) {
		c.Consent = goaltrack.ConsentCookie("consent", "yes")
	})
	agreed := []string{"Cookie", "consent=yes"}
	for name, c := range map[string]struct {
		path   string
		header []string
		tag    bool
	}{
		"agreed":              {"/a", agreed, true},
		"agreed, for a visit": {"/b", agreed, true},
		"fetched ahead":       {"/a", []string{"Cookie", "consent=yes", "Sec-Purpose", "prefetch"}, true},
		"no goal":             {"/c", agreed, false},
		"not agreed":          {"/a", nil, false},
		"refused":             {"/a", []string{"Cookie", "consent=no"}, false},
		"GPC":                 {"/a", []string{"Cookie", "consent=yes", "Sec-GPC", "1"}, false},
		"opted out":           {"/a", []string{"Cookie", "consent=yes; gt_optout=1"}, false},
		"a robot":             {"/a", []string{"Cookie", "consent=yes", "User-Agent", "Googlebot/2.1"}, false},
		"an editor":           {"/a?sc_mode=edit", agreed, false},
	} {
		text := s.html(c.path, c.header...)
		if got := strings.Contains(text, "<script"); got != c.tag {
			t.Errorf("%s: %s", name, text)
		}
		_, loader := s.get(s.Visitor(), s.page.Path()+"/s.js", c.header...)
		if ok := c.tag || name == "no goal" || name == "an editor"; (loader != "") != ok { // which the loader does not know
			t.Errorf("%s: the loader is %q", name, loader)
		}
	}
}

// TestKindsOfConsent: only goals to which the visitor agreed are told to their page.
func TestKindsOfConsent(t *testing.T) {
	s := openWith(t, `{version: 1, goals: [
		{goal: A, click: a, consent: analytics}, {goal: M, click: m, consent: marketing}, {goal: N, click: n, consent: not-needed}]}`, page.Options{}, func(c *goaltrack.Config) {
		c.Consent = func(r *http.Request) goaltrack.Consent {
			if _, err := r.Cookie("analytics"); err == nil {
				return goaltrack.MixedConsent(goaltrack.ConsentGranted, goaltrack.ConsentRefused)
			}
			return goaltrack.ConsentUnknown
		}
	})
	if g := readTag(t, s.html("/", "Cookie", "analytics=1")); g.names != "A N" {
		t.Errorf("of analytics: %s", g.names)
	}
	if g := readTag(t, s.html("/", "Cookie", "a=1")); g.names != "N" {
		t.Errorf("of nothing: %s", g.names)
	}
	_, some := s.get(s.Visitor(), s.page.Path()+"/s.js", "Cookie", "analytics=1")
	_, none := s.get(s.Visitor(), s.page.Path()+"/s.js")
	if some == none {
		t.Errorf("both have %s", some)
	}
}

// TestLoader: it names a file that has all rules of the site, and is never kept.
func TestLoader(t *testing.T) {
	s := open(t, page.Options{})
	if got, want := string(s.page.Loader(nil)), `<script src="/goals/e/s.js" defer></script>`; got != want {
		t.Errorf("the tag is %s", got)
	}
	v := s.visitor()
	res, text := s.get(v, "/goals/e/s.js")
	name := regexp.MustCompile(`^import\("\./([\w-]{16}\.mjs)#p[\w-]+"\)`).FindStringSubmatch(text)
	if name == nil || res.Header.Get("Cache-Control") != "no-store" || len(text) > 300 {
		t.Fatalf("%q, %v", text, res.Header)
	}
	res, code := s.get(v, "/goals/e/"+name[1])
	for _, goal := range []string{"DEMO_CLICKED", "BOOKED", "CALLED", "PRICES_SEEN", "ARTICLE_READ", "STAYED", "FILM_PLAYED", "FORM_STARTED"} {
		if !strings.Contains(code, goal) {
			t.Errorf("it lacks %s", goal)
		}
	}
	if strings.Contains(code, "OFFER_SENT") || strings.Contains(code, "PRICING_VIEWED") {
		t.Error("it has goals of the server")
	}
	for name, want := range map[string]string{
		"Cache-Control": "public, max-age=31536000, immutable", "Content-Type": "text/javascript; charset=utf-8",
		"Cross-Origin-Resource-Policy": "same-origin", "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding",
	} {
		if got := res.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	// Of other rules, another file; the one before is there for pages that are being loaded.
	other, err := goaltrack.ParseRules([]byte("{version: 1, goals: [{goal: NEW, click: new}]}"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Tracker.SetRules(other); err != nil {
		t.Fatal(err)
	}
	_, again := s.get(v, "/goals/e/s.js")
	if again == text {
		t.Error("the loader names the file of the old rules")
	}
	if _, old := s.get(v, "/goals/e/"+name[1]); old != code {
		t.Error("the file of the old rules is gone")
	}
	// One that another instance has made is answered by what this one has, and not kept.
	res, code = s.get(v, "/goals/e/AAAAAAAAAAAAAAAA.mjs")
	if res.Header.Get("Cache-Control") != "no-store" || !strings.Contains(code, "NEW") {
		t.Errorf("%v %s", res.Header, code)
	}
}

// TestUnknownPathBelowTheScriptsIs404: what is not known below the path is answered 404, and never by the
// site.
func TestUnknownPathBelowTheScriptsIs404(t *testing.T) {
	s := open(t, page.Options{})
	for _, path := range []string{"", "/", "/x", "/s.js/", "/s.js.map", "/c/", "/c/d", "/r", "/r/v1.2/events", "/../pricing", "/AAAAAAAAAAAAAAAA.css", "/short.js"} {
		res := s.Visitor().Get("/goals/e" + path)
		if path == "" || path == "/../pricing" {
			continue // the router's
		}
		if res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	around := s.page.Around(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	for path, want := range map[string]int{
		"/goals/e": 404, "/goals/e/": 404, "/goals/e/s.js": 200, "/goals/ex": 418, "/goals": 418, "/": 418,
		// Whatever a client makes of a path below it, the site does not get it.
		"/goals/e/../pricing": 404, "/goals/e/%2e%2e/pricing": 404, "/goals/e/..%2Fpricing": 404, "/goals/e//": 404, "/goals/e//s.js": 404, "/goals/e/%00": 404,
		"/goals/e/c%00": 404, "/goals/e/s.js%00": 404, "/goals/e/c;a=b": 404, "/goals%2Fe/x": 404, "/goals/%65/x": 404, "/goals/e/" + strings.Repeat("a/", 1000): 404,
		"/goals/e/%FF": 404, "/goals/e/C": 404, "/goals/e/c%2F": 404, "/goals/e/r/../../../pricing": 404, "/goals/e/.": 404, "/goals/e/<script>": 404,
	} {
		w := httptest.NewRecorder()
		around.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if strings.Contains(w.Body.String(), "<script") {
			t.Errorf("%s: the answer repeats it", path)
		}
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

// TestRelay: what is below r is somebody else's.
func TestRelay(t *testing.T) {
	s := open(t, page.Options{Relay: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.Path)) })})
	for _, path := range []string{"/goals/e/r", "/goals/e/r/v1.2/events"} {
		if _, text := s.get(s.Visitor(), path); text != path {
			t.Errorf("%s: %q", path, text)
		}
	}
}

// TestPath: which addresses may be taken.
func TestPath(t *testing.T) {
	keys := func(hash byte) func(*goaltrack.Config) {
		return func(c *goaltrack.Config) {
			c.Keys = []goaltrack.Key{{Hash: []byte(strings.Repeat(string('a'+hash), 32)), Block: []byte(strings.Repeat("b", 32))}}
		}
	}
	derived := func(hash byte) string { return open(t, page.Options{Path: page.Derived}, keys(hash)).page.Path() }
	one := derived(0)
	if !regexp.MustCompile(`^/_[a-z2-7]{6}$`).MatchString(one) || derived(0) != one || derived(1) == one {
		t.Errorf("derived: %s, %s, %s", one, derived(0), derived(1))
	}
	if got := open(t, page.Options{Path: "/_x"}).page.Path(); got != "/_x" {
		t.Errorf("a path of one's own: %s", got)
	}
	tracker := open(t, page.Options{}).Tracker
	for _, path := range []string{"goals", "/", "/goals/", "//goals", "/a b", "/a?b", "/a/../b", "/{id}", "/" + strings.Repeat("a", 100), page.Derived} {
		if _, err := page.New(tracker, page.Options{Path: path}); err == nil {
			t.Errorf("%s is taken", path)
		}
	}
	if _, err := page.New(nil, page.Options{}); err == nil {
		t.Error("no tracker is taken")
	}
}

// TestOptOutCookie: the script finds the cookie that says no, as the tracker does.
func TestOptOutCookie(t *testing.T) {
	s := open(t, page.Options{}, func(c *goaltrack.Config) { c.OptOutCookie = "no.thanks" })
	pattern := readTag(t, s.html("/")).OptOut
	before, after, ok := strings.Cut(pattern, "(?!") // which Go does not have
	if !ok {
		t.Fatalf("%s", pattern)
	}
	name, yes := regexp.MustCompile(before), regexp.MustCompile("^"+strings.TrimSuffix(after, ")"))
	for cookies, want := range map[string]bool{
		"": false, "no.thanks=1": true, "a=b; no.thanks=yes": true, "a=b;no.thanks=yes; c=d": true, `no.thanks="1"`: true,
		"no.thanks=": false, "no.thanks=0": false, "no.thanks=false; a=b": false, `no.thanks="0"`: false, `no.thanks="false"; a=1`: false,
		"no.thanks=01": true, "noXthanks=1": false, "xno.thanks=1": false, "no.thanksx=1": false,
	} {
		at := name.FindStringIndex(cookies)
		if got := at != nil && !yes.MatchString(cookies[at[1]:]); got != want {
			t.Errorf("%s: %t", cookies, got)
		}
	}
}

// TestNonce: the tag has what the policy of the answer names.
func TestNonce(t *testing.T) {
	s := open(t, page.Options{Nonce: func(r *http.Request) string { return r.Header.Get("X-Nonce") }})
	if text := s.html("/", "X-Nonce", `a"b`); !strings.Contains(text, ` nonce="a&#34;b"></script>`) {
		t.Errorf("%s", text)
	}
	if text := s.html("/"); strings.Contains(text, "nonce") {
		t.Errorf("%s", text)
	}
}

// TestPrefix: below what a proxy takes off the addresses, the tag has it, and the rules do
// not need it.
func TestPrefix(t *testing.T) {
	s := open(t, page.Options{}, func(c *goaltrack.Config) { c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	below := []string{"X-Forwarded-Prefix", "/shop"}
	g := readTag(t, s.html("/products/7", below...))
	if !strings.HasPrefix(g.src, "/shop/goals/e/") {
		t.Errorf("%s", g.src)
	}
	if ok, err := regexp.MatchString("(?i)"+g.Rules[0].Path, "/shop/products/7"); !ok || err != nil {
		t.Errorf("%s does not fit (%v)", g.Rules[0].Path, err)
	}
	s.tell(s.visitor(), message("DEMO_CLICKED", "/shop/products/7", ""), below...)
	s.Expect("DEMO_CLICKED", "fired 1")
}

// TestPatterns: a page's path as a browser has it fits the pattern in the tag.
func TestPatterns(t *testing.T) {
	s := openWith(t, `{version: 1, goals: [
		{goal: ROOT, click: a, on: /}, {goal: ONE, click: a, on: '/products/{id}'}, {goal: NUMBER, click: a, on: '/n/{id:[0-9]+}'}, {goal: ALL, click: a, on: '/blog/**'}]}`, page.Options{})
	_, loader := s.get(s.visitor(), "/goals/e/s.js")
	_, code := s.get(s.visitor(), "/goals/e/"+regexp.MustCompile(`\./(.*)#`).FindStringSubmatch(loader)[1])
	var settings string
	if err := json.Unmarshal([]byte(regexp.MustCompile(`dataset:\{r:("(?:[^"\\]|\\.)*")`).FindStringSubmatch(code)[1]), &settings); err != nil {
		t.Fatal(err)
	}
	var g tag
	if err := json.Unmarshal([]byte(settings), &g); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/": "ROOT", "//": "ROOT", "/products/7": "ONE", "/Products/7/": "ONE", "//products//7": "ONE", "/products;v=1/7;jsessionid=A": "ONE",
		"/products/7/a": "", "/products": "", "/n/12": "NUMBER", "/n/a": "", "/blog": "ALL", "/blog/a/b/c": "ALL", "/blogs": "",
	} {
		var fits []string
		for _, r := range g.Rules {
			if regexp.MustCompile("(?i)" + r.Path).MatchString(path) {
				fits = append(fits, r.Name)
			}
		}
		if got := strings.Join(fits, " "); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
