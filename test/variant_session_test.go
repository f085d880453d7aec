package test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/report"
)

const variantSessionRules = `
version: 1
goals:
  - { goal: LANDED, visit: /landing, count: once per session }
  - { goal: ASKED, visit: /asked, count: once per session }
  - { goal: EACH, visit: /asked }
  - { goal: KEYED, visit: /asked, count: once per session for $query.n }
`

// twoInstances are two trackers of one site, with a key in common. What the tracker says of
// the page is said by both.
func twoInstances(t *testing.T, sinks [2]fact.Sink, site func(tracker *goaltrack.Tracker) http.Handler) [2]*world.World {
	t.Helper()
	server := cdptest.NewServer(t, cdptest.Options{})
	var instances [2]*world.World
	for i, sink := range sinks {
		instances[i] = world.Setup{Rules: variantSessionRules, Mount: site, Config: func(c *goaltrack.Config, _ *cdptest.Server) {
			c.Sites[0].CDP, c.Keys, c.Report = server.Direct(), []goaltrack.Key{testKey('k')}, sink
		}}.Start(t)
	}
	return instances
}

// variantSite shows variants at /landing and /plain as its address asks for them.
func variantSite(tracker *goaltrack.Tracker) http.Handler {
	return tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if rewritten := q.Get("rewritten"); rewritten != "" {
			w.Header().Set("X-Sc-Rewrite", rewritten)
		}
		if said := q.Get("said"); said != "" {
			_ = tracker.SetVariant(r, said)
		}
		world.HTML(w, r)
	}))
}

func flushAll(instances [2]*world.World) {
	for _, w := range instances {
		w.Flush()
	}
}

// beforeOf is what a fact says that the session was shown before.
func beforeOf(f *fact.Fact) string {
	parts := make([]string, 0, len(f.Before))
	for _, v := range f.Before {
		parts = append(parts, v.Component+"="+v.Name)
	}
	return strings.Join(parts, " ")
}

// TestVariantOnAnotherInstance: what a session was shown, and what it came by, goes with the
// visit cookie to whichever instance counts the goal.
func TestVariantOnAnotherInstance(t *testing.T) {
	long := strings.Repeat("x", 65)
	for _, c := range []struct {
		name, first string // the first page
		want        string // what the goal that counts once knows of it
		campaign    string
	}{
		{name: "nothing", first: "/landing"},
		{name: "components", first: "/landing?rewritten=/_variantId_hero_B/_variantId_foot_C/landing", want: "hero=B foot=C"},
		{name: "the page", first: "/landing?rewritten=/_variantId_mobile/landing", want: "page=mobile"},
		{name: "the address", first: "/landing?variantid=B", want: "page=B"},
		{name: "the handler", first: "/landing?variantid=B&said=p_en_c", want: "page=p_en_c"},
		{name: "five", first: "/landing?rewritten=/_variantId_a_1/_variantId_b_2/_variantId_c_3/_variantId_d_4/&said=p", want: "b=2 c=3 d=4 page=p"},
		{name: "too long for a cookie", first: "/landing?rewritten=/_variantId_hero_" + long + "/_variantId_foot_C/", want: "foot=C"},
		{name: "junk", first: "/landing?rewritten=/_variantId_/landing&variantid=%00"},
		{name: "no cookie for this alone", first: "/plain?rewritten=/_variantId_hero_B/plain"},
		{name: "a campaign", first: "/landing?utm_campaign=Spring&utm_source=news&utm_content=x", campaign: "Spring"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := new(keeper), new(keeper)
			instances := twoInstances(t, [2]fact.Sink{a, b}, variantSite)
			v := instances[0].Visitor()
			res := v.Get(c.first)
			if sets := strings.Contains(strings.Join(res.Header["Set-Cookie"], "\n"), "gt_"); sets != strings.HasPrefix(c.first, "/landing") {
				t.Errorf("a visit cookie is set: %t", sets)
			}
			v.World = instances[1]
			v.Get("/asked?n=1")
			flushAll(instances)
			facts := map[string]fact.Fact{}
			for _, f := range b.of(fact.Decision) {
				facts[f.Goal] = f
			}
			asked, each, keyed := facts["ASKED"], facts["EACH"], facts["KEYED"]
			if got := beforeOf(&asked); got != c.want || asked.Campaign != c.campaign {
				t.Errorf("%q by %q, want %q by %q", got, asked.Campaign, c.want, c.campaign)
			}
			if each.Reason != fact.Fired || keyed.Reason != fact.Fired || len(each.Before)+len(keyed.Before) > 0 {
				t.Errorf("a goal that may count again: %+v, %+v", each, keyed)
			}
			for _, f := range append(a.of(fact.Decision), b.of(fact.Visit)...) {
				if len(f.Before) > 0 {
					t.Errorf("%s has %v", factLine(f), f.Before)
				}
			}
		})
	}
}

// TestVariantAfterRestart: a report that knows nothing of the session counts a goal for the
// variant that was shown, once, and never for more than saw it.
func TestVariantAfterRestart(t *testing.T) {
	store := report.NewMemory(1)
	var sinks [2]fact.Sink
	var recorders [2]*report.Recorder
	for i := range sinks {
		r, err := report.New(report.Options{Store: store})
		if err != nil {
			t.Fatal(err)
		}
		sinks[i], recorders[i] = r, r
	}
	instances := twoInstances(t, sinks, variantSite)
	v := instances[0].Visitor()
	v.Get("/landing?rewritten=/_variantId_hero_B/landing")
	v.World = instances[1]
	for range 3 {
		v.Get("/asked?n=1")
	}
	flushAll(instances)
	for _, r := range recorders {
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	today := report.DayOf(time.Now(), nil)
	result, err := report.Ask(t.Context(), store, report.Query{From: today - 1, To: today, By: report.ByVariant, Goal: "ASKED"}) // midnight may have passed
	if err != nil || len(result.Rows) != 1 {
		t.Fatal(result.Rows, err)
	}
	if row := result.Rows[0]; row.Key != "hero=B" || row.Visits != 1 || row.Conversions != 1 {
		t.Errorf("%+v", row)
	}
}
