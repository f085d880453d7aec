package test

import (
	"context"
	"net/http"
	"testing"

	"github.com/gorilla/mux"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestMounts: the goal counts once however often the tracker is mounted, and a
// route is known wherever the innermost mount can see it.
func TestMounts(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: BY_NAME, visit: '/shop/**', if: { route: product } }
  - { goal: BY_TEMPLATE, visit: '/shop/**', if: { route: '/shop/products/{id}' } }
`
	named := func(tracker *goaltrack.Tracker, name string, outside, router, sub bool) http.Handler {
		r := mux.NewRouter()
		if router {
			r.Use(tracker.Handler)
		}
		shop := r.PathPrefix("/shop").Subrouter()
		if sub {
			shop.Use(tracker.Handler)
		}
		shop.HandleFunc("/products/{id}", world.HTML).Name(name)
		if outside {
			return tracker.Handler(r)
		}
		return r
	}
	for name, c := range map[string]struct {
		mount              func(*goaltrack.Tracker) http.Handler
		byName, byTemplate string
		page               string
	}{
		"outside a mux router": {
			func(t *goaltrack.Tracker) http.Handler { return named(t, "product", true, false, false) },
			"route_unknown 1", "route_unknown 1", "42",
		},
		"on the router": {
			func(t *goaltrack.Tracker) http.Handler { return named(t, "product", false, true, false) },
			"fired 1", "condition 1", "products",
		},
		"on the subrouter": {
			func(t *goaltrack.Tracker) http.Handler { return named(t, "", false, false, true) },
			"condition 1", "fired 1", "products",
		},
		"outside and on the router": {
			func(t *goaltrack.Tracker) http.Handler { return named(t, "product", true, true, false) },
			"fired 1", "condition 1", "products",
		},
		"everywhere": {
			func(t *goaltrack.Tracker) http.Handler { return named(t, "", true, true, true) },
			"condition 1", "fired 1", "products",
		},
		"outside a ServeMux": {func(t *goaltrack.Tracker) http.Handler {
			m := http.NewServeMux()
			m.HandleFunc("GET /shop/products/{id}", world.HTML)
			return t.Handler(m)
		}, "condition 1", "fired 1", "products"},
		"inside a ServeMux": {func(t *goaltrack.Tracker) http.Handler {
			m := http.NewServeMux()
			m.Handle("GET /shop/products/{id}", t.Handler(http.HandlerFunc(world.HTML)))
			return m
		}, "condition 1", "fired 1", "products"},
		"a ServeMux of subtrees": {func(t *goaltrack.Tracker) http.Handler {
			m := http.NewServeMux()
			m.HandleFunc("/shop/", world.HTML)
			return t.Handler(m)
		}, "route_unknown 1", "route_unknown 1", "42"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.Setup{Rules: rules, Mount: c.mount, Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Views = goaltrack.ViewsServer }}.Start(t)
			v := w.Visitor().Meet()
			v.Get("/shop/products/42")
			w.Expect("BY_NAME", c.byName)
			w.Expect("BY_TEMPLATE", c.byTemplate)
			w.Expect("VIEW", "fired 1")
			w.CDP.Expect(t, "VIEW").Once()
		})
	}
}

// TestPageOfARoute: an ID in the path is never the name of a page if a route
// says which part is the ID.
func TestPageOfARoute(t *testing.T) {
	w := world.Setup{Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Views = goaltrack.ViewsServer }, Mount: func(t *goaltrack.Tracker) http.Handler {
		r := mux.NewRouter()
		r.Use(t.Handler)
		r.HandleFunc("/products/{id}", world.HTML)
		r.HandleFunc("/products/{id}/reviews/{n}", world.HTML)
		r.PathPrefix("/").HandlerFunc(world.HTML)
		return r
	}}.Start(t)
	v := w.Visitor().Meet()
	for _, path := range []string{"/products/42", "/products/42/reviews/7", "/blog/spring", "/"} {
		v.Get(path)
	}
	w.Flush()
	for _, page := range []string{"products", "reviews", "spring", "Home Page"} {
		w.CDP.Expect(t, "VIEW").On(page).Once()
	}
}

func TestStripPrefix(t *testing.T) {
	type original struct{}
	w := world.Setup{
		Rules: "{version: 1, goals: [{goal: PAGE_VISITED, visit: '/app/{page}', data: {page: $path.page}}]}",
		Config: func(c *goaltrack.Config, _ *cdptest.Server) {
			c.Path = func(r *http.Request) string { return r.Context().Value(original{}).(string) }
		},
		Mount: func(t *goaltrack.Tracker) http.Handler {
			inner := http.StripPrefix("/app", t.Handler(http.HandlerFunc(world.HTML)))
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), original{}, r.URL.Path)))
			})
		},
	}.Start(t)
	w.Visitor().Meet().Get("/app/pricing")
	w.Flush()
	w.CDP.Expect(t, "PAGE_VISITED").On("app").With("page", "pricing").Once()
}

// TestTwoTrackers: two trackers around one site do not disturb each other.
func TestTwoTrackers(t *testing.T) {
	outer := world.New(t, world.EachTrigger, http.NotFoundHandler(), func(c *goaltrack.Config) {
		c.Sites[0].CDP = cdp.Direct{BaseURL: c.Sites[0].CDP.(cdp.Direct).BaseURL, ClientKey: "other", PointOfSale: "shop"}
	})
	var inner *goaltrack.Tracker
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, b := outer.Tracker.BrowserID(r), inner.BrowserID(r)
		if a == "" || b == "" || a == b {
			t.Errorf("IDs %q and %q", a, b)
		}
		if err := outer.Tracker.Trigger(r, "RAISED", nil); err != nil {
			t.Error(err)
		}
		world.HTML(w, r)
	})
	w := world.Setup{Rules: world.EachTrigger, Mount: func(t *goaltrack.Tracker) http.Handler {
		inner = t
		return outer.Tracker.Handler(t.Handler(outer.Tracker.Handler(site)))
	}}.Start(t)
	if got := w.Visitor().Get("/page").Header["Set-Cookie"]; len(got) != 2 {
		t.Errorf("Set-Cookie: %q", got)
	}
	w.Expect("PAGE_VISITED", "fired 1")
	outer.Expect("PAGE_VISITED", "fired 1")
	outer.Expect("RAISED", "fired 1")
}
