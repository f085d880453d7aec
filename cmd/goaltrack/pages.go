package main

import (
	"fmt"
	"net/http"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
	"github.com/goaltrack/goaltrack/page"
)

// pages puts the script of pages, and what belongs to it, in front of a tracker's handler,
// if the settings say so. relay gets what is below "r" at the script's path; nil is nobody.
func (p *proxyProgram) pages(tracker *goaltrack.Tracker, next, relay http.Handler) http.Handler {
	if !p.settings.On("page") && relay == nil {
		return next
	}
	pages, err := page.New(tracker, page.Options{Path: p.settings.Text("page-path"), SeveralProcesses: p.settings.On("page-several"), Relay: relay})
	if err != nil {
		return next // pageFaults has said so
	}
	return pages.Around(next)
}

// pageFaults returns what is wrong with the settings about pages.
func pageFaults(v *settings.Values) (faults []error) {
	if !v.On("page") {
		for _, name := range []string{"page-path", "page-several"} {
			if v.Given(name) {
				faults = append(faults, fmt.Errorf("%s needs --page", v.From(name)))
			}
		}
		return faults
	}
	path := v.Text("page-path")
	if path == page.Derived && len(v.List("keys")) == 0 {
		faults = append(faults, fmt.Errorf("%s: %q needs --keys", v.From("page-path"), path))
	}
	if err := page.CheckPath(path); err != nil {
		faults = append(faults, fmt.Errorf("%s: %w", v.From("page-path"), err))
	}
	return faults
}
