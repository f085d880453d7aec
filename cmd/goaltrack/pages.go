package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/page"
	"github.com/goaltrack/goaltrack/relay"
)

// pages puts a tracker in front of a site. In front of the tracker it puts what answers
// scripts in pages, as far as the settings say so: goaltrack's own script, and the relay for
// Sitecore's.
func (p *proxyProgram) pages(tracker *goaltrack.Tracker, site http.Handler) http.Handler {
	counted := func(site http.Handler) http.Handler { return tracker.Handler(tracker.AskReadable(site)) }
	v := p.settings
	if !v.On("page") && !v.On("relay") {
		return counted(site)
	}
	o := page.Options{Path: v.Text("page-path"), SeveralProcesses: v.On("page-several")}
	pages, err := page.New(tracker, o)
	if err == nil && v.On("relay") {
		if o.Relay, err = p.relay(tracker, pages.Path()); err == nil && !v.On("page") {
			return relayAlone{pages.Path(), o.Relay, counted(site)}
		}
		if err == nil {
			pages, err = page.New(tracker, o)
		}
	}
	if err != nil {
		return counted(site) // pageFaults has said so
	}
	if v.On("page-inject") {
		site = pages.Inject(site)
	}
	return pages.Around(counted(site))
}

// relayBelow is where the relay is, below the path of the script.
const relayBelow = "/r"

// relay takes what Sitecore's own scripts send.
func (p *proxyProgram) relay(tracker *goaltrack.Tracker, path string) (http.Handler, error) {
	v := p.settings
	return relay.New(tracker, relay.Options{
		Path: path + relayBelow, ForwardIP: v.On("relay-forward-ip"), AllowIdentity: v.On("relay-identity"),
		SearchWithoutConsent: v.On("relay-search-without-consent"),
	})
}

// relayAlone answers what is below a path, and passes all else on. Only the relay is there;
// the rest is not found.
type relayAlone struct {
	path        string
	relay, next http.Handler
}

// ServeHTTP implements [http.Handler].
func (a relayAlone) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	below, ok := strings.CutPrefix(r.URL.Path, a.path)
	switch {
	case !ok || below != "" && below[0] != '/':
		a.next.ServeHTTP(w, r)
	case strings.HasPrefix(below, relayBelow+"/"):
		a.relay.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

// needRelay are the settings that say how the relay works.
var needRelay = []string{"relay-forward-ip", "relay-identity", "relay-search-without-consent"}

// sayPages says what the site's pages still need, or the proxy.
func (p *proxyProgram) sayPages(log *slog.Logger) {
	goals := 0
	if p.config.Rules != nil {
		goals = len(p.config.Rules.PageGoals())
	}
	switch path := p.settings.Text("page-path"); {
	case p.settings.On("page") && path != page.Derived && !p.settings.On("page-inject"):
		log.Info("the script of pages is served; the site's pages need its tag", "tag", `<script src="`+p.settings.Text("path-prefix")+path+`/s.js" defer></script>`)
	case !p.settings.On("page") && goals > 0:
		log.Warn("goals happen inside pages and never count without --page", "goals", goals)
	}
}

// pageFaults returns what is wrong with the settings about pages.
func pageFaults(v *settings.Values) (faults []error) {
	fault := func(name, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", v.From(name), fmt.Sprintf(format, args...)))
	}
	for _, name := range needRelay {
		if v.On(name) && !v.On("relay") {
			fault(name, "it needs --relay")
		}
	}
	for _, name := range []string{"page-inject", "page-several"} {
		if v.On(name) && !v.On("page") {
			fault(name, "it needs --page")
		}
	}
	path := v.Text("page-path")
	if !v.On("page") && !v.On("relay") {
		if v.Given("page-path") {
			fault("page-path", "it needs --page or --relay")
		}
		return faults
	}
	if path == page.Derived && len(v.List("keys")) == 0 {
		fault("page-path", "%q needs --keys", path)
	}
	if err := page.CheckPath(path); err != nil {
		fault("page-path", "%v", err)
	}
	return faults
}
