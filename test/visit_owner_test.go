package test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/world"
)

const onceRules = `
version: 1
goals:
  - { goal: EVER, visit: /ever, count: once per visitor }
  - { goal: SESSION, visit: /session, count: once per session }
  - { goal: STEP, visit: /step }
  - { goal: AFTER, visit: /after, after: STEP, count: once per session }
  - { goal: FROM, visit: /from, data: { campaign: $utm.campaign } }
`

// instance is one of several servers of a site: what it knows of a visitor that it
// has never seen is in their cookies.
func instance(t *testing.T, adjust ...func(*goaltrack.Config)) *world.World {
	t.Helper()
	return world.New(t, onceRules, http.HandlerFunc(world.HTML), append([]func(*goaltrack.Config){func(c *goaltrack.Config) {
		c.Keys = []goaltrack.Key{goldenKey}
	}}, adjust...)...)
}

// cookiesOf is what the visitor's browser sends.
func cookiesOf(v *world.Visitor) (list []string) {
	u, _ := url.Parse(v.World.Site.URL)
	for _, c := range v.Client.Jar.Cookies(u) {
		list = append(list, c.Name+"="+c.Value)
	}
	return list
}

// theirVisit is the visitor's, without the browser ID.
func theirVisit(t *testing.T, v *world.Visitor) string {
	t.Helper()
	for _, pair := range cookiesOf(v) {
		if strings.HasPrefix(pair, "gt_") {
			return pair
		}
	}
	t.Fatal("no visit cookie")
	return ""
}

// counts asks another instance for a page, with these cookies, and tells what becomes
// of a goal.
func counts(t *testing.T, path, goal string, cookies ...string) string {
	t.Helper()
	w := instance(t)
	for _, pair := range cookies {
		if id, ok := strings.CutPrefix(pair, bid+"="); ok {
			w.CDP.Know(id)
		}
	}
	w.Visitor().Get(path, "Cookie", strings.Join(cookies, "; "))
	w.Done()
	return w.Fates(goal)
}

// TestVisitCookieOfSomebodyElse: whoever can set cookies for a part of the domain can
// give a visitor their own visit cookie. It says nothing about that visitor.
func TestVisitCookieOfSomebodyElse(t *testing.T) {
	w := instance(t)
	w.CDP.Know(someID(1))
	attacker := w.Visitor()
	adopt(attacker, someID(1))
	attacker.Get("/ever")
	attacker.Get("/session")
	w.Done()
	visit := theirVisit(t, attacker)
	quoted := strings.Replace(visit, "=", `="`, 1) + `"`
	for _, c := range []struct {
		path, goal string
		cookies    []string
		want       string
	}{
		{"/ever", "EVER", []string{bid + "=" + someID(1), visit}, "already_counted 1"},
		{"/ever", "EVER", []string{bid + "=" + someID(1), quoted}, "already_counted 1"},
		{"/session", "SESSION", []string{bid + "=" + someID(1), visit}, "already_counted 1"},
		{"/ever", "EVER", []string{bid + "=" + someID(2), visit}, "fired 1"},
		{"/session", "SESSION", []string{bid + "=" + someID(2), visit}, "fired 1"},
		{"/ever", "EVER", []string{visit}, "fired 1"},
	} {
		if got := counts(t, c.path, c.goal, c.cookies...); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.path, c.cookies, got, c.want)
		}
	}
}

// TestVisitCookieOfNobody: a cookie that was sealed before its visitor had an ID is
// taken over as far as it cannot silence anybody. Our own ID seals all of it anew.
func TestVisitCookieOfNobody(t *testing.T) {
	w := instance(t, func(c *goaltrack.Config) { c.Cookie.Warm = -1 }) // none is ready
	v := w.Visitor()
	v.Get("/step?utm_campaign=spring")
	visit := theirVisit(t, v)
	w.Done()
	// The page's script makes an ID.
	script := bid + "=" + someID(3)
	if got := counts(t, "/after", "AFTER", script, visit); got != "fired 1" {
		t.Errorf("a step of the session: %s", got)
	}
	other := instance(t)
	other.CDP.Know(someID(3))
	other.Visitor().Get("/from", "Cookie", script+"; "+visit)
	other.Done()
	if e := other.CDP.Expect(t, "FROM").Once(); e.Ext["campaign"] != "spring" {
		t.Errorf("the campaign of the session is %v", e.Ext["campaign"])
	}

	// Somebody without an ID for whom a goal counted; none was ready.
	w = instance(t, func(c *goaltrack.Config) { c.Cookie.Warm = -1 })
	v = w.Visitor()
	v.Get("/ever")
	nobodys := theirVisit(t, v)
	if v.ID() != "" {
		t.Fatal("there was an ID")
	}
	if got := counts(t, "/ever", "EVER", nobodys); got != "already_counted 1" {
		t.Errorf("themselves, still without an ID: %s", got)
	}
	if got := counts(t, "/ever", "EVER", script, nobodys); got != "fired 1" {
		t.Errorf("somebody else: %s", got)
	}
	w.Flush()
	waitFor(t, func() bool { return w.Tracker.Snapshot().Delivery[0].IDsReady > 0 })
	v.Get("/nothing") // the ID comes with a page on which nothing counts
	if v.ID() == "" || theirVisit(t, v) == nobodys {
		t.Errorf("ID %q, and the visit is the same: %t", v.ID(), theirVisit(t, v) == nobodys)
	}
	w.Done()
	if got := counts(t, "/ever", "EVER", cookiesOf(v)...); got != "already_counted 1" {
		t.Errorf("with our ID: %s", got)
	}
}

// TestVisitFollowsANewID: where we ourselves replace an ID, or the application does, the
// visit goes on, at every site of the tenant.
func TestVisitFollowsANewID(t *testing.T) {
	t.Run("the CDP has forgotten it", func(t *testing.T) {
		w := instance(t, func(c *goaltrack.Config) {
			c.Cookie.Warm = -1
			german := c.Sites[0]
			german.Name, german.PathPrefix = "german", "/de"
			c.Sites = append(c.Sites, german)
		})
		for i := range 20 {
			w.CDP.Know(someID(i))
			w.Visitor().Get("/session", "Cookie", bid+"="+someID(i))
		}
		w.Flush()
		v := w.Visitor()
		adopt(v, someID(777))
		v.Get("/de/step") // of another site, whose rules are the same
		v.Get("/ever")
		before := theirVisit(t, v)
		w.Flush()
		v.Get("/nothing")
		if v.ID() == someID(777) || theirVisit(t, v) == before {
			t.Fatalf("ID %s, and the visit is the same: %t", v.ID(), theirVisit(t, v) == before)
		}
		w.Done()
		if got := counts(t, "/ever", "EVER", cookiesOf(v)...); got != "already_counted 1" {
			t.Errorf("on: %s", got)
		}
	})
	t.Run("the application replaces it", func(t *testing.T) {
		w := world.New(t, onceRules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/from" {
				w.Header().Add("Set-Cookie", bid+"="+someID(9)+"; Path=/")
			}
			world.HTML(w, r)
		}), func(c *goaltrack.Config) { c.Keys = []goaltrack.Key{goldenKey} })
		w.CDP.Know(someID(8))
		w.CDP.Know(someID(9))
		v := w.Visitor()
		adopt(v, someID(8))
		v.Get("/ever")
		v.Get("/from")
		w.Done()
		if got := counts(t, "/ever", "EVER", cookiesOf(v)...); v.ID() != someID(9) || got != "already_counted 1" {
			t.Errorf("%s: %s", v.ID(), got)
		}
	})
}

// TestVisitAtTheTenantsOtherSites follows a new ID, too.
func TestVisitAtTheTenantsOtherSites(t *testing.T) {
	two := func(c *goaltrack.Config) {
		german := c.Sites[0]
		german.Name, german.PathPrefix = "german", "/de"
		c.Sites = append(c.Sites, german)
		c.Keys = []goaltrack.Key{goldenKey}
	}
	const rules = "{version: 1, goals: [{goal: EVER, visit: /de/ever, count: once per visitor}, {goal: OTHER, visit: /other}]}"
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/other" {
			w.Header().Add("Set-Cookie", bid+"="+someID(9)+"; Path=/")
		}
		world.HTML(w, r)
	})
	w := world.New(t, rules, site, two)
	w.CDP.Know(someID(8))
	w.CDP.Know(someID(9))
	v := w.Visitor()
	adopt(v, someID(8))
	v.Get("/de/ever")
	v.Get("/other")
	w.Done()
	next := world.New(t, rules, site, two)
	next.CDP.Know(someID(9))
	next.Visitor().Get("/de/ever", "Cookie", strings.Join(cookiesOf(v), "; "))
	next.Expect("EVER", "already_counted 1")
}

// TestManySitesOnOneHost: the visit cookies of all sites that a visitor goes to stay
// below 2 KiB together, and the last ten sites remember them.
func TestManySitesOnOneHost(t *testing.T) {
	t.Parallel()
	var sites []string
	for i := range 24 {
		sites = append(sites, fmt.Sprintf("/s%02d", i))
	}
	const rules = "{version: 1, goals: [{goal: FOUND, visit: '/{site}/search', count: once per visitor for $query.q}, {goal: EVER, visit: '/{site}/ever', count: once per visitor}]}"
	w := world.New(t, rules, http.HandlerFunc(world.HTML), func(c *goaltrack.Config) {
		first := c.Sites[0]
		c.Sites = nil
		for i, prefix := range sites {
			s := first
			s.Name, s.PathPrefix = prefix, prefix
			if direct, ok := s.CDP.(cdp.Direct); ok && i%2 == 1 {
				direct.PointOfSale = "other"
				s.CDP = direct
			}
			c.Sites = append(c.Sites, s)
		}
		c.Keys = []goaltrack.Key{goldenKey}
	})
	w.CDP.Know(world.Known)
	v := w.Visitor()
	adopt(v, world.Known)
	most := 0
	size := func() int {
		n := len(strings.Join(cookiesOf(v), "; "))
		most = max(most, n)
		return n
	}
	for i, prefix := range sites {
		v.Get(prefix + "/ever")
		for q := range 40 {
			v.Get(fmt.Sprintf("%s/search?q=%d", prefix, q))
			if n := size(); n >= 2<<10 {
				t.Fatalf("after %d sites the browser sends %d bytes of cookies", i+1, n)
			}
		}
	}
	if most < 1<<10 {
		t.Errorf("at most %d bytes were sent", most)
	}
	cookies := strings.Join(cookiesOf(v), "; ")
	w.Done()
	next := world.New(t, rules, http.HandlerFunc(world.HTML), func(c *goaltrack.Config) {
		s := c.Sites[0]
		c.Sites = nil
		for _, prefix := range sites {
			s.Name, s.PathPrefix = prefix, prefix
			c.Sites = append(c.Sites, s)
		}
		c.Keys = []goaltrack.Key{goldenKey}
	})
	next.CDP.Know(world.Known)
	for _, prefix := range slices.Backward(sites[len(sites)-10:]) {
		next.Visitor().Get(prefix+"/ever", "Cookie", cookies)
	}
	next.Expect("EVER", "already_counted 10")
}
