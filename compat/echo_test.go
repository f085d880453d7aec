package compat

import (
	"net/http"
	"testing"

	"github.com/labstack/echo/v4"

	"github.com/goaltrack/goaltrack"
)

// echoSite is a site in Echo. Its handlers return errors, as is usual in Echo.
// Echo answers with the errors when every middleware has returned.
func echoSite(use ...echo.MiddlewareFunc) *echo.Echo {
	e := echo.New()
	e.Use(use...)
	e.POST("/api/signup", func(c echo.Context) error {
		if c.FormValue("email") == "" {
			return echo.NewHTTPError(http.StatusBadRequest, "bad")
		}
		return c.JSON(http.StatusOK, echo.Map{"ok": true})
	})
	e.POST("/contact", func(c echo.Context) error {
		if c.FormValue("email") == "" {
			return echo.NewHTTPError(http.StatusUnprocessableEntity, "bad")
		}
		return c.Redirect(http.StatusSeeOther, "/thanks")
	})
	e.GET("/files/:name", func(c echo.Context) error {
		if c.Param("name") != "a.pdf" {
			return echo.ErrNotFound
		}
		return c.Blob(http.StatusOK, "application/pdf", []byte("%PDF"))
	})
	return e
}

// TestEchoAround puts goaltrack around the whole. Then every refusal has its
// own reason.
func TestEchoAround(t *testing.T) {
	play(t, func(tracker *goaltrack.Tracker) http.Handler { return tracker.Handler(echoSite()) }, told)
}

// TestEchoUse puts goaltrack inside, by Echo's own adapter. It then does not
// see refusals, and still counts nothing for them.
func TestEchoUse(t *testing.T) {
	play(t, func(tracker *goaltrack.Tracker) http.Handler {
		return echoSite(echo.WrapMiddleware(tracker.Handler))
	}, untold)
}
