package test

import (
	"net/http"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestPageFetchedAheadIsOpen: what comes from a page that the visitor has open in one tab does
// not tell that another tab shows its copy. So the copy counts nothing, whatever comes.
func TestPageFetchedAheadIsOpen(t *testing.T) {
	frame := []string{"Sec-Fetch-Dest", "iframe", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"}
	open, fetch := step{"GET /pricing", "", nil}, step{"GET /pricing", "/about", prefetched}
	hover := step{"GET /pricing", "/about", turboHover}
	file, next := step{"GET /assets/a.css", "/pricing", file}, step{"GET /about", "/pricing", link}
	turbo := step{"GET /", "/pricing", turboVisit}
	for name, c := range map[string]struct {
		steps []step
		want  string
	}{
		"a file":                              {[]step{open, fetch, file, file}, "fired 1, prefetch 1"},
		"a file of an old browser":            {[]step{open, fetch, {"GET /assets/a.css", "/pricing", fileOfTheOld}}, "fired 1, prefetch 1"},
		"the next page":                       {[]step{open, fetch, next}, "fired 1, prefetch 1"},
		"a form":                              {[]step{open, fetch, {"POST /contact", "/pricing", link}}, "fired 1, prefetch 1"},
		"a page that it fetches ahead":        {[]step{open, fetch, {"GET /about", "/pricing", turboHover}}, "fired 1, prefetch 1"},
		"a script":                            {[]step{open, hover, turbo}, "fired 1, prefetch 1"},
		"prerendered":                         {[]step{open, {"GET /pricing", "/about", prerendered}, file}, "fired 1, prefetch 1"},
		"fetched by two tabs":                 {[]step{open, fetch, {"GET /pricing", "/", prefetched}, file, next}, "fired 1, prefetch 2"},
		"fetched from a tab that it opened":   {[]step{open, next, fetch, file}, "fired 1, prefetch 1"},
		"opened from itself":                  {[]step{open, {"GET /pricing", "/pricing", link}, fetch, file}, "fired 2, prefetch 1"},
		"reloaded":                            {[]step{open, fetch, open, file}, "fired 2, prefetch 1"},
		"reloaded, then fetched":              {[]step{open, open, fetch, file}, "fired 2, prefetch 1"},
		"left, and gone back to":              {[]step{open, next, {"GET /last", "/about", link}, fetch, file}, "fired 1, prefetch 1"},
		"shown from a copy before":            {[]step{fetch, file, {"GET /pricing", "/", prefetched}, file}, "fired 1, prefetch 2"},
		"shown while it was fetched":          {[]step{fetch, next, {"GET /pricing", "/", prefetched}, next}, "fired 1, prefetch 2"},
		"a copy of the browser's":             {[]step{{"GET /", "", prefetched}, next, fetch, file}, "prefetch 1"},
		"not changed since":                   {[]step{{"GET /pricing?same", "", nil}, {"GET /pricing?same", "/about", prefetched}, {"GET /assets/a.css", "/pricing?same", file.header}}, "fired 1, prefetch 1"},
		"a frame":                             {[]step{{"GET /pricing", "/about", frame}, {"GET /pricing", "/about", prefetched}, file}, "not_navigation 1, prefetch 1"},
		"a frame, opened later":               {[]step{fetch, {"GET /pricing", "/about", frame}, file}, "not_navigation 1, prefetch 1"},
		"Turbo in one of two tabs":            {[]step{open, open, turbo, hover, file}, "fired 2, prefetch 1"},
		"Turbo on the same page":              {[]step{open, {"GET /pricing", "/pricing", turboVisit}, turbo, hover, file}, "fired 2, not_navigation 1, prefetch 1"},
		"a frame of Turbo":                    {[]step{open, {"GET /about", "/pricing", append(turboVisit, "Turbo-Frame", "a")}, hover, file}, "fired 1, prefetch 1"},
		"Turbo fetches the next page":         {[]step{open, {"GET /about", "/pricing", turboHover}, hover, file}, "fired 1, prefetch 1"},
		"left by Turbo":                       {[]step{open, turbo, hover, file}, "fired 2, prefetch 1"},
		"left by Turbo for a page it fetched": {[]step{open, {"GET /", "/pricing", turboHover}, {"GET /assets/a.css", "/", file.header}, {"GET /pricing", "/", turboHover}, file}, "fired 2, prefetch 1"},
		"left by Turbo, and gone back to":     {[]step{open, turbo, {"GET /", "/about", turboHover}, next, hover, file}, "fired 1, prefetch 1"},
		"not opened, since it was gone":       {[]step{{"GET /pricing?gone", "", nil}, {"GET /pricing?gone", "/about", prefetched}, {"GET /assets/a.css", "/pricing?gone", file.header}}, "fired 1, prefetch 1, status 1"},
		"another page is open":                {[]step{{"GET /about", "", nil}, fetch, file}, "fired 1, prefetch 1"},
		"another query is open":               {[]step{{"GET /pricing?a=b", "", nil}, fetch, file}, "fired 2, prefetch 1"},
		"opened by a robot":                   {[]step{{"GET /pricing", "", []string{"User-Agent", "Googlebot/2.1"}}, fetch, file}, "fired 1, bot 1, prefetch 1"},
		"fetched as data, not as a page":      {[]step{{"GET /pricing", "/about", []string{"Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors"}}, fetch, file}, "fired 1, not_navigation 1, prefetch 1"},
		"other pages of theirs":               {[]step{open, fetch, {"GET /", "/about", prefetched}, {"GET /assets/a.css", "/", file.header}, file}, "fired 1, prefetch 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, aheadRules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.RawQuery {
				case "same":
					if r.Header.Get("Sec-Purpose") == "" {
						w.WriteHeader(http.StatusNotModified)
						return
					}
				case "gone":
					if r.Header.Get("Sec-Purpose") == "" {
						w.WriteHeader(http.StatusNotFound)
						return
					}
				}
				aheadSite(w, r)
			}))
			browse(w.Visitor().Meet(), c.steps...)
			w.Expect("PRICING_VIEWED", c.want)
		})
	}
}

// TestPageFetchedAheadIsOpenToNewcomers: a page is known to be open from the answer on that
// gave its visitor an ID, and to nobody else.
func TestPageFetchedAheadIsOpenToNewcomers(t *testing.T) {
	fetch, shown := step{"GET /pricing", "/about", prefetched}, step{"GET /assets/a.css", "/pricing", file}
	w := world.New(t, aheadRules, http.HandlerFunc(aheadSite))
	browse(w.Visitor(), step{"GET /pricing", "", nil}, fetch, shown)
	w.Expect("PRICING_VIEWED", "fired 1, prefetch 1")
}

// TestPageFetchedAheadIsOpenToOthers: it is the visitor's own tabs that matter.
func TestPageFetchedAheadIsOpenToOthers(t *testing.T) {
	w := world.New(t, aheadRules, http.HandlerFunc(aheadSite))
	browse(w.Visitor().Meet(), step{"GET /pricing", "", nil})
	other := w.Visitor()
	browse(other, step{"GET /about", "", nil}, step{"GET /pricing", "/about", prefetched}, step{"GET /assets/a.css", "/pricing", file})
	w.Expect("PRICING_VIEWED", "fired 2, prefetch 1")
}

// TestPageFetchedAheadIsOpenBeforeItCounts: a page that is open counts nothing by its copy
// either where only the copy fits the rule.
func TestPageFetchedAheadIsOpenBeforeItCounts(t *testing.T) {
	const rules = `{version: 1, goals: [{goal: PRICING_VIEWED, visit: /pricing, if: {header.X-Try: b}}]}`
	w := world.New(t, rules, http.HandlerFunc(aheadSite), func(c *goaltrack.Config) { c.Cookie.Create = goaltrack.CreateGoal })
	browse(w.Visitor().Meet(), step{"GET /pricing", "", nil}, step{"GET /pricing", "/about", append(prefetched, "X-Try", "b")}, step{"GET /assets/a.css", "/pricing", file})
	w.Expect("PRICING_VIEWED", "condition 1, prefetch 1")
}
