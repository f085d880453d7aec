package main

import (
	"errors"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// sites makes the library's sites: those that the settings file lists, or one
// from the proxy's own settings. If the settings of a site have faults, its CDP
// is nil.
func sites(v *settings.Values) (list []goaltrack.Site, err error) {
	if v.Given("sites") {
		for _, one := range v.Group("sites") {
			site := siteOf(one)
			site.Name, site.Hosts, site.PathPrefix = one.Text("name"), one.List("hosts"), one.Text("path-prefix")
			list, err = append(list, site), errors.Join(err, errors.Join(tenantFaults(one)...))
		}
		return list, err
	}
	return []goaltrack.Site{siteOf(v)}, errors.Join(tenantFaults(v)...)
}

// siteOf makes a site from the settings that every site has.
func siteOf(v *settings.Values) goaltrack.Site {
	return goaltrack.Site{
		CDP: tenant(v), Language: v.Text("language"), Currency: v.Text("currency"), Channel: v.Text("channel"),
		DataModel: v.Text("data-model"), TimeZone: v.Text("time-zone"), SessionLength: v.Time("session-length"),
	}
}
