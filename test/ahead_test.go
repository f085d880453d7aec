package test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/world"
)

// The requests of a page that was fetched ahead, as Chromium and Turbo send them.
var (
	prefetched   = []string{"Sec-Purpose", "prefetch", "Sec-Fetch-Site", "same-origin"}
	prerendered  = []string{"Sec-Purpose", "prefetch;prerender", "Sec-Fetch-Site", "same-origin"}
	turboHover   = []string{"X-Sec-Purpose", "prefetch", "X-Turbo-Request-Id", "1", "Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin"}
	turboVisit   = turboHover[2:]
	file         = []string{"Sec-Fetch-Dest", "style", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Site", "same-origin"}
	fileOfTheOld = []string{"Sec-Fetch-Dest", "", "Sec-Fetch-Mode", "", "Sec-Fetch-Site", ""}
	link         = []string{"Sec-Fetch-Site", "same-origin"}
)

// step is one request of a visitor: "GET /pricing" from a page, "" for none.
type step struct {
	what, from string
	header     []string
}

// browse sends the requests of a visitor, one after the other.
func browse(v *world.Visitor, steps ...step) {
	v.World.Helper()
	for _, s := range steps {
		method, path, _ := strings.Cut(s.what, " ")
		header := s.header
		if s.from != "" {
			header = append([]string{"Referer", v.World.Site.URL + s.from}, header...)
		}
		form := ""
		if method == http.MethodPost {
			form = "a=b"
		}
		v.Do(method, path, form, header...)
	}
}

// aheadSite has pages, and files under /assets.
func aheadSite(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/assets/"):
		w.Header().Set("Content-Type", "text/css")
		w.Header().Set("Cache-Control", "max-age=600")
	case strings.HasPrefix(r.URL.Path, "/gone"):
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodPost:
		http.Redirect(w, r, "/thanks", http.StatusSeeOther)
	default:
		world.HTML(w, r)
	}
}

const aheadRules = `
version: 1
goals:
  - { goal: PRICING_VIEWED, visit: /pricing }
  - { goal: RED_VIEWED, visit: /list, if: { query.color: red } }
  - { goal: HOME_VIEWED, visit: / }
  - { goal: FORM_SENT, submit: /contact }
`

// TestPageFetchedAhead: a page counts once, when something tells that it is shown.
func TestPageFetchedAhead(t *testing.T) {
	fetch := step{"GET /pricing", "/", prefetched}
	shown := step{"GET /assets/a.css", "/pricing", file}
	for name, c := range map[string]struct {
		steps []step
		goal  string
		want  string
	}{
		"never shown":                 {[]step{fetch}, "", "prefetch 1"},
		"shown, told by a file":       {[]step{fetch, shown}, "", "fired 1, prefetch 1"},
		"by many files":               {[]step{fetch, shown, shown, {"GET /assets/b.png", "/pricing", file}}, "", "fired 1, prefetch 1"},
		"by a link on it":             {[]step{fetch, {"GET /about", "/pricing", link}}, "", "fired 1, prefetch 1"},
		"by a form on it":             {[]step{fetch, {"POST /contact", "/pricing", link}}, "", "fired 1, prefetch 1"},
		"by an old browser's file":    {[]step{fetch, {"GET /assets/a.css", "/pricing", fileOfTheOld}}, "", "fired 1, prefetch 1"},
		"by what it fetches ahead":    {[]step{fetch, {"GET /about", "/pricing", turboHover}}, "", "fired 1, prefetch 1"},
		"prerendered, then left":      {[]step{{"GET /pricing", "/", prerendered}, {"GET /about", "/pricing", link}}, "", "fired 1, prefetch 1"},
		"prerendered, with its files": {[]step{{"GET /pricing", "/", prerendered}, {"GET /assets/a.css", "/pricing", append(file, "Sec-Purpose", "prefetch;prerender")}}, "", "prefetch 1"},
		"Turbo, hover and click":      {[]step{{"GET /pricing", "/", turboHover}, shown}, "", "fired 1, prefetch 1"},
		"Turbo, hover":                {[]step{{"GET /pricing", "/", turboHover}, {"GET /assets/a.css", "/", file}}, "", "prefetch 1"},
		"asked for again":             {[]step{fetch, {"GET /pricing", "/", link}, shown}, "", "fired 1, prefetch 1"},
		"asked for again by a script": {[]step{{"GET /pricing", "/", turboHover}, {"GET /pricing", "/", append(turboHover[2:], link...)}, shown}, "", "fired 1, prefetch 1"},
		"fetched twice":               {[]step{fetch, fetch, shown, shown}, "", "fired 1, prefetch 2"},
		"shown, and opened again":     {[]step{fetch, shown, {"GET /pricing", "/about", link}}, "", "fired 2, prefetch 1"},
		"another page's file":         {[]step{fetch, {"GET /assets/a.css", "/about", file}}, "", "prefetch 1"},
		"a page with another query":   {[]step{fetch, {"GET /assets/a.css", "/pricing?x=1", file}}, "", "prefetch 1"},
		"a slash at its end":          {[]step{fetch, {"GET /assets/a.css", "/pricing/", file}}, "", "fired 1, prefetch 1"},
		"another site's page":         {[]step{fetch, {"GET /assets/a.css", "", append([]string{"Referer", "https://other.example/pricing"}, fileOfTheOld...)}}, "", "prefetch 1"},
		"a site that a proxy renames": {[]step{fetch, {"GET /assets/a.css", "", append([]string{"Referer", "https://shop.example/pricing"}, file...)}}, "", "fired 1, prefetch 1"},
		"from itself":                 {[]step{{"GET /", "/", prefetched}, {"GET /assets/a.css", "/", file}}, "HOME_VIEWED", "prefetch 1"},
		"not found":                   {[]step{{"GET /gone", "/", prefetched}, {"GET /assets/a.css", "/gone", file}}, "", "none"},
		"whose condition fails":       {[]step{{"GET /list?color=blue", "/", prefetched}, {"GET /assets/a.css", "/list?color=blue", file}}, "RED_VIEWED", "prefetch 1"},
		"one of two":                  {[]step{{"GET /list?color=red", "/", prefetched}, {"GET /list?color=blue", "/", prefetched}, {"GET /assets/a.css", "/list?color=blue", file}}, "RED_VIEWED", "prefetch 2"},
		"the other":                   {[]step{{"GET /list?color=red", "/", prefetched}, {"GET /list?color=blue", "/", prefetched}, {"GET /assets/a.css", "/list?color=red", file}}, "RED_VIEWED", "fired 1, prefetch 2"},
		"shown to a robot":            {[]step{fetch, {"GET /assets/a.css", "/pricing", append(file, "User-Agent", "Googlebot/2.1")}}, "", "prefetch 1"},
		"shown to who said no":        {[]step{fetch, {"GET /assets/a.css", "/pricing", append(file, "Sec-Gpc", "1")}}, "", "prefetch 1"},
		"of a Referer that is broken": {[]step{fetch, {"GET /assets/a.css", "/pricing%zz", file}}, "", "prefetch 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, aheadRules, http.HandlerFunc(aheadSite))
			v := w.Visitor().Meet()
			browse(v, c.steps...)
			if c.goal == "" {
				c.goal = "PRICING_VIEWED"
			}
			w.Expect(c.goal, c.want)
			if n := strings.Count(fmt.Sprint(w.CDP.Types()), c.goal); fmt.Sprint("fired ", n) != strings.Split(c.want, ",")[0] && n > 0 {
				t.Errorf("the CDP got %d events", n)
			}
		})
	}
}

// TestPageFetchedAheadIsTheVisitors: nothing is kept of somebody whom no cookie tells
// apart, or who may not be counted, and nobody else's requests tell of a page.
func TestPageFetchedAheadIsTheVisitors(t *testing.T) {
	fetch, shown := step{"GET /pricing", "/", prefetched}, step{"GET /assets/a.css", "/pricing", file}
	t.Run("a newcomer", func(t *testing.T) {
		w := world.New(t, aheadRules, http.HandlerFunc(aheadSite), func(c *goaltrack.Config) { c.Cookie.Create = goaltrack.CreateGoal })
		browse(w.Visitor(), fetch, shown)
		w.Expect("PRICING_VIEWED", "prefetch 1")
	})
	t.Run("a robot", func(t *testing.T) {
		w := world.New(t, aheadRules, http.HandlerFunc(aheadSite))
		v := w.Visitor().Meet()
		v.Header.Set("User-Agent", "Googlebot/2.1")
		browse(v, fetch, step{"GET /about", "/pricing", turboHover})
		w.Expect("PRICING_VIEWED", "prefetch 1")
	})
	t.Run("somebody else", func(t *testing.T) {
		w := world.New(t, aheadRules, http.HandlerFunc(aheadSite))
		browse(w.Visitor().Meet(), fetch)
		other := w.Visitor()
		other.Get("/about")
		browse(other, shown)
		w.Expect("PRICING_VIEWED", "prefetch 1")
	})
	t.Run("consent is refused, then given", func(t *testing.T) {
		w := world.New(t, aheadRules, http.HandlerFunc(aheadSite), func(c *goaltrack.Config) { c.Consent = answers })
		v := w.Visitor().Meet()
		id := v.Header.Get("Cookie")
		v.Header.Set("Cookie", id+"; answer=no")
		browse(v, fetch)
		v.Header.Set("Cookie", id+"; answer=yes")
		browse(v, shown)
		w.Expect("PRICING_VIEWED", "consent_refused 1")
	})
	t.Run("consent is given, then refused", func(t *testing.T) {
		w := world.New(t, aheadRules, http.HandlerFunc(aheadSite), func(c *goaltrack.Config) { c.Consent = answers })
		v := w.Visitor().Meet()
		id := v.Header.Get("Cookie")
		v.Header.Set("Cookie", id+"; answer=yes")
		browse(v, fetch)
		v.Header.Set("Cookie", id+"; answer=no")
		browse(v, shown)
		w.Expect("PRICING_VIEWED", "prefetch 1")
	})
}

// TestPageFetchedAheadInViews: a VIEW counts like a goal, with the page's own values.
func TestPageFetchedAheadInViews(t *testing.T) {
	w := world.New(t, aheadRules, http.HandlerFunc(aheadSite), func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
	browse(w.Visitor().Meet(), step{"GET /pricing?utm_source=mail", "/", prefetched}, step{"GET /assets/a.css", "/pricing?utm_source=mail", file})
	w.Expect("VIEW", "fired 1, prefetch 1")
	w.CDP.Expect(t, "VIEW").On("pricing").From(world.Known).Once()
	w.CDP.Expect(t, "PRICING_VIEWED").On("pricing").From(world.Known).Once()
}

// TestPageFetchedAheadCountsOnce: count: and after: hold for pages that are shown later,
// also in another process, which knows only the cookie.
func TestPageFetchedAheadCountsOnce(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: PRICING_VIEWED, visit: /pricing, count: once per session }
  - { goal: FORM_SENT, submit: /contact, after: PRICING_VIEWED }
  - { goal: FORM_VIEWED, visit: /contact }
`
	fetch, shown := step{"GET /pricing", "/about", prefetched}, step{"GET /assets/a.css", "/pricing", file}
	keys := []goaltrack.Key{{Hash: make([]byte, 32), Block: make([]byte, 32)}}
	open := func(t *testing.T) *world.World {
		return world.Setup{Rules: rules, Site: http.HandlerFunc(aheadSite), Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Keys = keys }}.Start(t)
	}
	t.Run("again", func(t *testing.T) {
		w := open(t)
		browse(w.Visitor().Meet(), fetch, shown, step{"GET /contact", "/pricing", turboVisit}, fetch, shown, step{"GET /pricing", "/about", link})
		w.Expect("PRICING_VIEWED", "fired 1, already_counted 2, prefetch 2")
	})
	t.Run("a form on it comes after it", func(t *testing.T) {
		w := open(t)
		browse(w.Visitor().Meet(), fetch, step{"POST /contact", "/pricing", link})
		w.Expect("FORM_SENT", "fired 1")
	})
	t.Run("the cookie goes with the next page, not with a file", func(t *testing.T) {
		w := open(t)
		v := w.Visitor()
		v.Get("/about")
		visitCookies := func(res *http.Response) (n int) {
			for _, c := range res.Cookies() {
				if strings.HasPrefix(c.Name, "gt_") {
					n++
				}
			}
			return n
		}
		browse(v, fetch)
		res := v.Get("/assets/a.css", append([]string{"Referer", w.Site.URL + "/pricing"}, file...)...)
		if n := len(res.Cookies()); n != 0 {
			t.Errorf("the file carries %d cookies", n)
		}
		if n := visitCookies(v.Get("/next", "Referer", w.Site.URL+"/pricing")); n != 1 {
			t.Errorf("the next page carries %d visit cookies", n)
		}
		if n := visitCookies(v.Get("/last", "Referer", w.Site.URL+"/next")); n != 0 {
			t.Errorf("the page after it carries %d visit cookies", n)
		}
		w.Expect("PRICING_VIEWED", "fired 1, prefetch 1")
	})
}

// TestPageShownWhileItIsFetched: a browser shows the beginning of a page that is still
// being made, or asks for it a second time meanwhile.
func TestPageShownWhileItIsFetched(t *testing.T) {
	for name, c := range map[string]struct {
		meanwhile step
		more      bool // one more file of the page is asked for when it is there
		want      string
	}{
		"shown":               {step{"GET /assets/a.css", "/pricing", file}, false, "fired 1, prefetch 1"},
		"shown, with more":    {step{"GET /assets/a.css", "/pricing", file}, true, "fired 1, prefetch 1"},
		"not shown":           {step{"GET /assets/a.css", "/", file}, false, "prefetch 1"},
		"shown later":         {step{"GET /assets/a.css", "/", file}, true, "fired 1, prefetch 1"},
		"asked for once more": {step{"GET /pricing", "/", link}, true, "fired 1, prefetch 1"},
	} {
		t.Run(name, func(t *testing.T) {
			begun, goOn := make(chan bool), make(chan bool)
			w := world.New(t, aheadRules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Sec-Purpose") == "" {
					aheadSite(w, r)
					return
				}
				w.Header().Set("Content-Type", "text/html")
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush()
				begun <- true
				<-goOn
			}))
			v := w.Visitor().Meet()
			req := v.Request(http.MethodGet, "/pricing", nil, append([]string{"Referer", w.Site.URL + "/"}, prefetched...)...)
			done := make(chan bool)
			go func() { defer close(done); v.Send(req) }()
			<-begun
			browse(v, c.meanwhile)
			goOn <- true
			<-done
			if c.more {
				browse(v, step{"GET /assets/b.css", "/pricing", file})
			}
			w.Expect("PRICING_VIEWED", c.want)
		})
	}
}

// TestPageFetchedAheadInFacts: a report is told of a page when it is shown, and of its
// goals, also of a page without goals.
func TestPageFetchedAheadInFacts(t *testing.T) {
	told := new(keeper)
	w := world.New(t, aheadRules, http.HandlerFunc(aheadSite), func(c *goaltrack.Config) { c.Report = told })
	v := w.Visitor().Meet()
	browse(v, step{"GET /pricing", "/", prefetched}, step{"GET /about", "/", prefetched}, step{"GET /never", "/", prefetched})
	if n := len(told.of(fact.Visit)); n != 0 {
		t.Errorf("%d visits before a page is shown", n)
	}
	browse(v, step{"GET /assets/a.css", "/pricing", file})
	if got, want := told.last(fact.Visit), "page, fired, on /pricing, device desktop, browser 1111"; got != want {
		t.Errorf("visit: %s, want %s", got, want)
	}
	if got, want := told.last(fact.Decision), "PRICING_VIEWED, fired, on /pricing, device desktop, browser 1111"; got != want {
		t.Errorf("goal: %s, want %s", got, want)
	}
	browse(v, step{"GET /assets/a.css", "/about", file})
	w.Done()
	if n := len(told.of(fact.Visit)); n != 2 {
		t.Errorf("%d visits, want 2", n)
	}
}
