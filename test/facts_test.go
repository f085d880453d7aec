package test

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/facts"
	"github.com/goaltrack/goaltrack/internal/world"
)

// keeper is a sink that keeps everything.
type keeper struct {
	mu   sync.Mutex
	kept []fact.Fact
}

func (k *keeper) Report(f fact.Fact) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = append(k.kept, *facts.Keep(f))
}

// of returns the facts of a kind.
func (k *keeper) of(kind fact.Kind) (list []fact.Fact) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, f := range k.kept {
		if f.Kind == kind {
			list = append(list, f)
		}
	}
	return list
}

// last is the last fact of a kind in one line, without its times.
func (k *keeper) last(kind fact.Kind) string {
	list := k.of(kind)
	if len(list) == 0 {
		return "none"
	}
	return factLine(list[len(list)-1])
}

func factLine(f fact.Fact) string {
	parts := []string{cmp.Or(f.Goal, "page"), f.Reason}
	if f.Uncountable {
		parts = append(parts, "uncountable")
	}
	for _, p := range []struct{ name, text string }{
		{"on", f.Page},
		{"source", f.Source},
		{"campaign", f.Campaign},
		{"language", f.Language},
		{"device", f.Device},
		{"led to", f.LedTo},
		{"nearly", f.NearMiss},
	} {
		if p.text != "" {
			parts = append(parts, p.name+" "+p.text)
		}
	}
	for _, v := range f.Variants {
		parts = append(parts, "variant "+v.Component+"="+v.Name)
	}
	if f.Value.Known {
		parts = append(parts, fmt.Sprintf("value %d %s", f.Value.Minor, cmp.Or(f.Value.Currency, "points")))
	}
	if f.Browser != [16]byte{} {
		parts = append(parts, fmt.Sprintf("browser %x", f.Browser[:2]))
	}
	return strings.Join(parts, ", ")
}

const factRules = `
version: 1
goals:
  - { goal: PRICED, visit: /pricing, value: { amount: 2.5, currency: EUR } }
  - { goal: LOOKED, visit: "/products/{id}", consent: not-needed }
  - { goal: ASKED, submit: /ask, success: redirect to /thanks, data: { variant: $form.variant } }
  - { goal: TAKEN, download: "/files/**" }
  - { goal: CALLED, code: true, value: $app.total }
  - { goal: TRIED, visit: /pricing, status: draft }
`

// factSite answers what the tests of facts ask for.
func factSite(tracker *goaltrack.Tracker) http.Handler {
	site := http.NewServeMux()
	site.HandleFunc("GET /", world.HTML)
	site.HandleFunc("GET /shown", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Sc-Rewrite", "/_site_shop/_variantId_hero_B/_variantId_mobile/shown")
		world.HTML(w, r)
	})
	site.HandleFunc("GET /missing", http.NotFound)
	site.Handle("POST /ask", world.Answer(http.StatusSeeOther, "Location", "/thanks"))
	site.Handle("POST /ask/again", world.Answer(http.StatusOK))
	site.HandleFunc("GET /call", func(w http.ResponseWriter, r *http.Request) {
		_ = tracker.Trigger(r, "CALLED", goaltrack.Data{"total": 12.345})
		world.HTML(w, r)
	})
	site.HandleFunc("GET /files/a.pdf", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/pdf")
		_, _ = w.Write([]byte("%PDF"))
	})
	return tracker.Handler(site)
}

// reporting makes a world whose tracker reports to the keeper.
func reporting(t *testing.T, k *keeper, adjust ...func(*goaltrack.Config)) *world.World {
	t.Helper()
	return world.Setup{Rules: factRules, Mount: factSite, Config: func(c *goaltrack.Config, _ *cdptest.Server) {
		c.Report = k
		for _, a := range adjust {
			a(c)
		}
	}}.Start(t)
}

// TestFacts: what one request says of a goal, and of the page.
func TestFacts(t *testing.T) {
	const mobile = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
	const who = ", browser 1111"
	for _, test := range []struct {
		name, path, form string
		header           []string
		goal, page       string // the last facts
	}{
		{name: "page without a goal", path: "/about", goal: "none", page: "page, fired, on /about, device desktop" + who},
		{
			name: "all of a visit", path: "/pricing?utm_source=news&utm_campaign=Spring+Sale", header: []string{"Accept-Language", "de-DE,de;q=0.9,en;q=0.8", "User-Agent", mobile},
			goal: "TRIED, draft", page: "page, fired, on /pricing, source news, campaign Spring Sale, language DE, device mobile" + who,
		},
		{
			name: "other site", path: "/products/4711", header: []string{"Referer", "https://www.Search.example/find?q=secret", "Sec-Fetch-Site", "cross-site"},
			goal: "LOOKED, fired, on /products/{id}, source search.example, device desktop" + who, page: "page, fired, on /products/{id}, source search.example, device desktop" + who,
		},
		{name: "no page", path: "/missing", goal: "none", page: "none"},
		{name: "IDs are cut out", path: "/orders/2026-1234/ada@example.com", goal: "none", page: "page, fired, on /orders/*/*, device desktop" + who},
		{name: "variants", path: "/shown", goal: "none", page: "page, fired, on /shown, device desktop, variant hero=B, variant page=mobile" + who},
		{
			name: "form", path: "/ask", form: "variant=blue", header: []string{"Referer", "{site}/contact?utm_source=ads"},
			goal: "ASKED, fired, on /contact, source ads, device desktop, led to /thanks, variant page=blue" + who, page: "none",
		},
		{name: "from code", path: "/call", goal: "CALLED, fired, on /call, device desktop, value 1235 EUR" + who, page: "page, fired, on /call, device desktop" + who},
		{name: "download", path: "/files/a.pdf", goal: "TAKEN, fired, on /files/a.pdf, device desktop" + who, page: "none"},
		{name: "robot", path: "/pricing", header: []string{"User-Agent", "Googlebot/2.1"}, goal: "TRIED, bot, uncountable", page: "page, bot, uncountable"},
		{name: "GPC", path: "/about?utm_source=news", header: []string{"Sec-Gpc", "1"}, goal: "none", page: "page, gpc, uncountable"},
		{name: "prefetch", path: "/about", header: []string{"Sec-Purpose", "prefetch"}, goal: "none", page: "none"},
		{
			name: "hostile texts", path: "/about?utm_source=%3Cb%3E%00%e2%80%ae" + strings.Repeat("x", 300) + "&utm_campaign=%ff",
			goal: "none", page: "page, fired, on /about, source <b>" + strings.Repeat("x", 193) + ", device desktop" + who,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := new(keeper)
			w := reporting(t, k)
			v := w.Visitor().Meet()
			header := slices.Clone(test.header)
			for i := range header {
				header[i] = strings.Replace(header[i], "{site}", w.Site.URL, 1)
			}
			if test.form != "" {
				v.Post(test.path, test.form, header...)
			} else {
				v.Get(test.path, header...)
			}
			if got := k.last(fact.Decision); got != test.goal {
				t.Errorf("goal: %s, want %s", got, test.goal)
			}
			if got := k.last(fact.Visit); got != test.page {
				t.Errorf("page: %s, want %s", got, test.page)
			}
		})
	}
}

// TestFactRoute: the page is the route of a router inside the tracker.
func TestFactRoute(t *testing.T) {
	k := new(keeper)
	w := world.Setup{Mount: func(tracker *goaltrack.Tracker) http.Handler {
		router := mux.NewRouter()
		router.Use(tracker.Handler)
		router.HandleFunc("/teams/{team}/members", world.HTML)
		return router
	}, Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Report = k }}.Start(t)
	w.Visitor().Meet().Get("/teams/blue/members")
	if got, want := k.last(fact.Visit), "page, fired, on /teams/{team}/members, device desktop, browser 1111"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestFactsOfTheUnasked: whoever has not agreed is a reason and nothing else, also where
// a goal may count without.
func TestFactsOfTheUnasked(t *testing.T) {
	k := new(keeper)
	w := reporting(t, k, func(c *goaltrack.Config) { c.Consent = answers })
	w.Visitor().Meet().Get("/pricing?utm_source=news")
	w.Visitor().Meet().Get("/products/7?utm_source=news")
	var got []string
	for _, f := range append(k.of(fact.Decision), k.of(fact.Visit)...) {
		got = append(got, factLine(f))
	}
	want := []string{
		"PRICED, consent_unknown, uncountable", "TRIED, consent_unknown, uncountable", "LOOKED, fired",
		"page, consent_unknown, uncountable", "page, consent_unknown, uncountable",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestFactsOfTheHeld: what was held is told when the visitor agrees, with the time at
// which it happened, and otherwise as a reason.
func TestFactsOfTheHeld(t *testing.T) {
	for _, test := range []struct{ answer, want string }{
		{"yes", "LANDED, fired, on /landing, source news, device desktop"},
		{"no", "LANDED, consent_refused, uncountable"},
	} {
		t.Run(test.answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := new(keeper)
				a := newAsker(t, func(c *goaltrack.Config) { c.Report = k })
				happened := time.Now()
				a.get("/landing?utm_source=news", "1111111111111111", "")
				if got := k.last(fact.Decision); strings.HasPrefix(got, "LANDED") {
					t.Errorf("before the answer: %s", got)
				}
				time.Sleep(10 * time.Minute)
				a.get("/other", "1111111111111111", test.answer)
				list := k.of(fact.Decision)
				last := list[len(list)-1]
				if got := factLine(last); got != test.want || test.answer == "yes" && !last.Time.Equal(happened) {
					t.Errorf("%s at %v, want %s at %v", got, last.Time, test.want, happened)
				}
			})
		})
	}
}

// TestFactOfSend: a goal of a visitor who is not there has its value, and no page.
func TestFactOfSend(t *testing.T) {
	k := new(keeper)
	w := reporting(t, k)
	w.Visitor().Meet()
	if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "CALLED", goaltrack.Data{"total": 7}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	if got, want := k.last(fact.Decision), "CALLED, fired, value 700 EUR, browser 1111"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestPrivateFacts: a sink is told which goals may say what somebody typed.
func TestPrivateFacts(t *testing.T) {
	k := new(keeper)
	w := reporting(t, k)
	v := w.Visitor().Meet()
	v.Get("/pricing")
	v.Post("/ask", "variant=B")
	v.Get("/call")
	if err := w.Tracker.Send(t.Context(), goaltrack.Visitor{BrowserID: world.Known}, "CALLED", goaltrack.Data{"total": 7}); err != nil {
		t.Fatal(err)
	}
	w.Flush()
	var got []string
	for _, f := range k.of(fact.Decision) {
		if f.Reason == fact.Fired {
			got = append(got, fmt.Sprint(f.Goal, " ", f.Private))
		}
	}
	if want := "[PRICED false ASKED true CALLED true CALLED true]"; fmt.Sprint(got) != want {
		t.Errorf("%v, want %s", got, want)
	}
}

// TestFactsOfRules: a report is told which rules are in force.
func TestFactsOfRules(t *testing.T) {
	k := new(keeper)
	w := reporting(t, k)
	if err := w.Tracker.SetRules(world.MustParse(t, "{version: 1, goals: [{goal: A, label: An A, visit: /a}, {goal: B, visit: /b, after: [A]}]}")); err != nil {
		t.Fatal(err)
	}
	told := k.of(fact.RulesChanged)
	if len(told) != 2 {
		t.Fatalf("told %d times", len(told))
	}
	want := []fact.Goal{{Name: "A", Label: "An A", Status: "live"}, {Name: "B", Status: "live", After: []string{"A"}}}
	if r := told[1].Rules; r.Hash == "" || r.Hash == told[0].Rules.Hash || !slices.EqualFunc(r.Goals, want, func(a, b fact.Goal) bool {
		return a.Name == b.Name && a.Label == b.Label && a.Status == b.Status && slices.Equal(a.After, b.After)
	}) {
		t.Errorf("got %+v, want %+v", r, want)
	}
}

// panicking is a sink with a fault.
type panicking struct{}

func (panicking) Report(fact.Fact) { panic("a fault of the sink") }

// TestSinkPanics: a sink that panics harms neither the answer nor the goal.
func TestSinkPanics(t *testing.T) {
	w := world.Setup{Rules: factRules, Mount: factSite, Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Report = panicking{} }}.Start(t)
	if status := w.Visitor().Meet().Get("/pricing").StatusCode; status != http.StatusOK {
		t.Errorf("answered %d", status)
	}
	w.Expect("PRICED", "fired 1")
}

// TestFactsAreTheLedgers: after traffic of all kinds the facts add up to the ledger.
func TestFactsAreTheLedgers(t *testing.T) {
	k := new(keeper)
	w := reporting(t, k, func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
	for i := range 40 {
		v := w.Visitor()
		if i%3 > 0 {
			v.Meet()
		}
		switch i % 5 {
		case 0:
			v.Get("/pricing")
		case 1:
			v.Post("/ask", "a=b")
		case 2:
			v.Get("/products/1", "User-Agent", "Googlebot/2.1")
		case 3:
			v.Get("/missing")
			v.Get("/call")
		case 4:
			v.Get("/pricing", "Sec-Gpc", "1")
		}
	}
	got := map[string]map[string]uint64{}
	for _, f := range k.of(fact.Decision) {
		if got[f.Goal] == nil {
			got[f.Goal] = map[string]uint64{}
		}
		got[f.Goal][f.Reason]++
	}
	visits := uint64(0)
	for _, f := range k.of(fact.Visit) {
		if f.Reason == fact.Fired {
			visits++
		}
	}
	for _, g := range w.Tracker.Snapshot().Goals {
		want := maps.Clone(g.NotFired)
		if g.Fired > 0 {
			want[fact.Fired] = g.Fired
		}
		switch {
		case g.Goal == "VIEW":
			if lacked := g.NotFired["no_browser_id"]; visits != g.Fired+lacked {
				t.Errorf("%d visits; the ledger has %d", visits, g.Fired+lacked)
			}
		case g.Goal != "IDENTITY" && !maps.Equal(got[g.Goal], want):
			t.Errorf("%s: %v, and in the ledger %v", g.Goal, got[g.Goal], want)
		}
	}
}
