package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// tenantFaults returns which settings that name the CDP are missing, and which
// do not fit together.
func tenantFaults(v *settings.Values) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	exclude := func(a, b string) {
		if v.Given(a) && v.Given(b) {
			fault("%s and %s exclude each other: leave one out", v.From(a), v.From(b))
		}
	}
	needs := func(a, b string) {
		if v.Given(a) && !v.Given(b) {
			fault("%s needs --%s", v.From(a), b)
		}
	}

	if !v.Given("client-key") && !v.Given("context-id") {
		fault("--client-key is missing (with --pos), or --context-id (with --site-name)")
	}
	if hasUser(v.Text("cdp")) {
		fault("%s: the address of a CDP has no user and no password", v.From("cdp"))
	}
	exclude("client-key", "context-id")
	exclude("region", "cdp")
	needs("client-key", "pos")
	needs("context-id", "site-name")
	if !v.Given("context-id") {
		needs("site-name", "context-id")
		if !v.Given("region") && !v.Given("cdp") {
			fault("--region or --cdp is missing: where the CDP is")
		}
		return faults
	}
	exclude("region", "context-id")
	exclude("pos", "context-id")
	return faults
}

// hasUser reports whether an address may contain a password, which no message
// may show.
func hasUser(address string) bool { return strings.Contains(address, "@") }

// tenant returns the CDP that the settings name, or nil if they have faults.
func tenant(v *settings.Values) cdp.Site {
	region, base := cdp.Region(v.Text("region")), v.Text("cdp")
	key, pos := v.Text("client-key"), v.Text("pos")
	id, name := v.Text("context-id"), v.Text("site-name")
	switch {
	case hasUser(base):
	case key != "" && id == "" && pos != "" && (region != "" || base != ""):
		return cdp.Direct{Region: region, BaseURL: base, ClientKey: key, PointOfSale: pos, PlainHTTP: v.On("cdp-plain-http")}
	case id != "" && key == "" && name != "":
		return cdp.Edge{BaseURL: base, ContextID: id, SiteName: name, PlainHTTP: v.On("cdp-plain-http")}
	}
	return nil
}

// whereTo names a CDP, and who sends to it, for people.
func whereTo(v *settings.Values, site cdp.Site) (where, who string) {
	where = cmp.Or(v.Text("cdp"), "region "+v.Text("region"))
	switch s := site.(type) {
	case cdp.Direct:
		who = "the client key " + s.ClientKey + ", point of sale " + s.PointOfSale
	case cdp.Edge:
		who = "the context " + s.ContextID + ", site " + s.SiteName
		if !v.Given("cdp") {
			where = "the Experience Edge"
		}
	}
	return where, who
}
