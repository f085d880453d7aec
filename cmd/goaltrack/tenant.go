package main

import (
	"fmt"

	"github.com/goaltrack/goaltrack/cdp"
)

// tenantOptions are the settings that name the CDP, of every command that talks
// to it.
type tenantOptions struct {
	cdp, region         string
	clientKey, pos      string
	contextID, siteName string
}

func (o *tenantOptions) list() []setting {
	return []setting{
		{name: "region", into: &o.region, oneOf: regions(), about: "where the CDP tenant lives"},
		{name: "cdp", into: &o.cdp, value: "URL", about: "another base address of the CDP, such as that of \"goaltrack cdp\""},
		{name: "client-key", into: &o.clientKey, value: "KEY", about: "the tenant; give it with --pos"},
		{name: "pos", into: &o.pos, value: "NAME", about: "point of sale"},
		{name: "context-id", into: &o.contextID, value: "ID", about: "the SitecoreAI edge instead of a tenant; give it with --site-name"},
		{name: "site-name", into: &o.siteName, value: "NAME", about: "site name on the edge"},
	}
}

func regions() []string {
	return []string{string(cdp.EU), string(cdp.US), string(cdp.AP), string(cdp.JP)}
}

// tenantFaults returns what is missing and what does not go together.
func (o *tenantOptions) tenantFaults(s *settings) (faults []error) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	exclude := func(a, aName, b, bName string) {
		if a != "" && b != "" {
			fault("%s and %s exclude each other", s.from(aName), s.from(bName))
		}
	}
	needs := func(a, aName, b, bName string) {
		if a != "" && b == "" {
			fault("%s needs --%s", s.from(aName), bName)
		}
	}

	if o.clientKey == "" && o.contextID == "" {
		fault("--client-key is missing (with --pos), or --context-id (with --site-name)")
	}
	exclude(o.clientKey, "client-key", o.contextID, "context-id")
	exclude(o.region, "region", o.cdp, "cdp")
	needs(o.clientKey, "client-key", o.pos, "pos")
	needs(o.contextID, "context-id", o.siteName, "site-name")
	if o.contextID == "" {
		needs(o.siteName, "site-name", o.contextID, "context-id")
		if o.region == "" && o.cdp == "" {
			fault("--region or --cdp is missing: where the CDP is")
		}
		return faults
	}
	exclude(o.region, "region", o.contextID, "context-id")
	exclude(o.pos, "pos", o.contextID, "context-id")
	return faults
}

// site returns the CDP that the settings name, or nil if they have faults.
func (o *tenantOptions) site() cdp.Site {
	switch direct, edge := o.clientKey != "", o.contextID != ""; {
	case direct && !edge && o.pos != "" && (o.region != "" || o.cdp != ""):
		return cdp.Direct{Region: cdp.Region(o.region), BaseURL: o.cdp, ClientKey: o.clientKey, PointOfSale: o.pos}
	case edge && !direct && o.siteName != "":
		return cdp.Edge{BaseURL: o.cdp, ContextID: o.contextID, SiteName: o.siteName}
	}
	return nil
}
