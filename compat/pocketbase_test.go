package compat

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pocketbase/pocketbase/apis"
	"github.com/pocketbase/pocketbase/core"
	"github.com/pocketbase/pocketbase/tools/router"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// pocketSite is a site with PocketBase's router, events and errors. It needs
// neither an application nor its database.
func pocketSite(t *testing.T, use ...func(*core.RequestEvent) error) http.Handler {
	t.Helper()
	r := router.NewRouter(func(w http.ResponseWriter, r *http.Request) (*core.RequestEvent, router.EventCleanupFunc) {
		e := new(core.RequestEvent)
		e.Response, e.Request = w, r
		return e, nil
	})
	r.BindFunc(use...)
	r.POST("/api/signup", func(e *core.RequestEvent) error {
		if e.Request.FormValue("email") == "" {
			return e.BadRequestError("bad", nil)
		}
		return e.JSON(http.StatusOK, map[string]bool{"ok": true})
	})
	r.POST("/contact", func(e *core.RequestEvent) error {
		if e.Request.FormValue("email") == "" {
			return e.Error(http.StatusUnprocessableEntity, "bad", nil)
		}
		return e.Redirect(http.StatusSeeOther, "/thanks")
	})
	r.GET("/files/{name}", func(e *core.RequestEvent) error {
		if e.Request.PathValue("name") != "a.pdf" {
			return e.NotFoundError("", nil)
		}
		return e.Blob(http.StatusOK, "application/pdf", []byte("%PDF"))
	})
	mux, err := r.BuildMux()
	if err != nil {
		t.Fatal(err)
	}
	return mux
}

// TestPocketBaseAround mounts goaltrack as the README says. It does with the
// event what apis.Serve does.
func TestPocketBaseAround(t *testing.T) {
	play(t, func(tracker *goaltrack.Tracker) http.Handler {
		app := core.NewBaseApp(core.BaseAppConfig{DataDir: t.TempDir()})
		app.OnServe().BindFunc(func(se *core.ServeEvent) error {
			if err := se.Next(); err != nil {
				return err
			}
			se.Server.Handler = tracker.Handler(se.Server.Handler)
			return nil
		})
		event := &core.ServeEvent{App: app, Server: new(http.Server)}
		err := app.OnServe().Trigger(event, func(se *core.ServeEvent) error {
			se.Server.Handler = pocketSite(t)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return event.Server.Handler
	}, told)
}

func TestPocketBaseBind(t *testing.T) {
	play(t, func(tracker *goaltrack.Tracker) http.Handler {
		return pocketSite(t, apis.WrapStdMiddleware(tracker.Handler))
	}, untold)
}

// TestPocketBaseReadsTwice binds the body more than once, as handlers of
// PocketBase may. goaltrack stands between them and a body that can be read
// again, and sees the form once.
func TestPocketBaseReadsTwice(t *testing.T) {
	rules, err := goaltrack.ParseRules([]byte(`{version: 1, goals: [{goal: JSON_SENT, submit: /api/twice, success: 2xx, if: {json.email: ada}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	stand := cdptest.NewServer(t, cdptest.Options{})
	tracker, err := goaltrack.New(goaltrack.Config{Sites: []goaltrack.Site{{CDP: stand.Direct()}}, Rules: rules, Logger: slog.New(slog.DiscardHandler), DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	r := router.NewRouter(func(w http.ResponseWriter, r *http.Request) (*core.RequestEvent, router.EventCleanupFunc) {
		e := new(core.RequestEvent)
		e.Response, e.Request = w, r
		return e, nil
	})
	r.BindFunc(apis.WrapStdMiddleware(tracker.Handler))
	r.POST("/api/twice", func(e *core.RequestEvent) error {
		for range 3 {
			var body struct{ Email string }
			if err := e.BindBody(&body); err != nil || body.Email != "ada" {
				t.Errorf("the handler got %+v, %v", body, err)
			}
		}
		return e.JSON(http.StatusOK, nil)
	})
	mux, err := r.BuildMux()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(mux)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL+"/api/twice", strings.NewReader(`{"email":"ada"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", chrome)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if a, err := tracker.Close(ctx); a.Fired != 1 || err != nil {
		t.Errorf("%v, %v", a, err)
	}
}
