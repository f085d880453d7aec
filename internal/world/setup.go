package world

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// Setup says how a world differs from the simplest one. The simplest world has
// no rules, and one site with the CDP of the world.
type Setup struct {
	// Rules is a rule file. Default: none.
	Rules string
	// Site is the site around which the tracker goes.
	Site http.Handler
	// Mount makes what the server serves, if that is more than the site with
	// the tracker around it. Then Site is not used.
	Mount func(*goaltrack.Tracker) http.Handler
	// Config may change the configuration as the last step.
	Config func(*goaltrack.Config, *cdptest.Server)
	// HTTP2 makes the server speak HTTP/2, over TLS.
	HTTP2 bool
	// Unsettled says that events may be left at the end.
	Unsettled bool
	// Log gets the log. Default: the log is thrown away.
	Log io.Writer
}

// New starts a world with these rules ("" for none) around a site. Its account
// must balance at the end of the test.
func New(t *testing.T, rules string, site http.Handler, adjust ...func(*goaltrack.Config)) *World {
	t.Helper()
	return Setup{Rules: rules, Site: site, Config: func(c *goaltrack.Config, _ *cdptest.Server) {
		for _, a := range adjust {
			a(c)
		}
	}}.Start(t)
}

// Start starts the world. It ends with the test.
func (s Setup) Start(t *testing.T) *World {
	t.Helper()
	w := &World{T: t, CDP: cdptest.NewServer(t, cdptest.Options{})}
	config := goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: w.CDP.Direct(), Language: "EN", Currency: "EUR"}},
		Logger: slog.New(slog.DiscardHandler),
		// An attempt that is given up too early is an event that comes twice, and a machine that
		// does too much may stop for seconds.
		Delivery: goaltrack.Delivery{BackoffBase: 5 * time.Millisecond, BackoffMax: 50 * time.Millisecond, Timeout: 10 * time.Minute},
	}
	if s.Log != nil {
		config.Logger = slog.New(slog.NewTextHandler(s.Log, nil))
	}
	if s.Rules != "" {
		config.Rules = MustParse(t, s.Rules)
	}
	if s.Config != nil {
		s.Config(&config, w.CDP)
	}
	var err error
	if w.Tracker, err = goaltrack.New(config); err != nil {
		t.Fatal(err)
	}
	if err := w.Tracker.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Mount == nil {
		s.Mount = func(tracker *goaltrack.Tracker) http.Handler { return tracker.Handler(s.Site) }
	}
	w.Site = httptest.NewUnstartedServer(s.Mount(w.Tracker))
	w.Site.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	if s.HTTP2 {
		w.Site.EnableHTTP2 = true
		w.Site.StartTLS()
	} else {
		w.Site.Start()
	}
	if s.Unsettled {
		t.Cleanup(func() { w.CloseNow() })
	} else {
		t.Cleanup(w.End)
	}
	return w
}
