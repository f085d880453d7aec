package main

import (
	"errors"
	"fmt"
	"net"
	"strconv"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
)

// proxyOptions are the settings of the proxy command.
type proxyOptions struct {
	listen, to, rules      string
	cdp, region            string
	clientKey, pos         string
	contextID, siteName    string
	language, currency     string
	views, consent, config string
	consentCookie          string
	env                    string
	watch                  bool

	settings *settings
}

// The values of --consent.
const (
	consentRequired  = "required"
	consentNotNeeded = "not-needed"
)

// describe returns the table of the settings and fills in their defaults.
func (o *proxyOptions) describe() *settings {
	o.listen = "127.0.0.1:8080"
	o.views = string(goaltrack.ViewsOff)
	o.consent = consentNotNeeded
	return &settings{prefix: "GOALTRACK_", list: []setting{
		{name: "listen", into: &o.listen, value: "HOST:PORT", about: "where visitors arrive; port 0 takes a free one"},
		{name: "to", into: &o.to, value: "URL", about: "the site behind the proxy, such as http://127.0.0.1:9000"},
		{name: "rules", into: &o.rules, value: "FILE", path: true, about: "the goals"},
		{name: "watch", on: &o.watch, about: "follow the file of --rules; one with faults leaves the rules in force"},
		{name: "env", into: &o.env, value: "NAME", about: "the environment, such as production, for goals that say env:"},
		{name: "region", into: &o.region, oneOf: regions(), about: "where the CDP tenant lives"},
		{name: "cdp", into: &o.cdp, value: "URL", about: "another base address of the CDP, such as that of \"goaltrack cdp\""},
		{name: "client-key", into: &o.clientKey, value: "KEY", about: "the tenant; give it with --pos"},
		{name: "pos", into: &o.pos, value: "NAME", about: "point of sale"},
		{name: "context-id", into: &o.contextID, value: "ID", about: "the SitecoreAI edge instead of a tenant; give it with --site-name"},
		{name: "site-name", into: &o.siteName, value: "NAME", about: "site name on the edge"},
		{name: "language", into: &o.language, value: "CODE", about: "two letters sent with every event; EN if not given"},
		{name: "currency", into: &o.currency, value: "CODE", about: "three letters sent with every event; needed for goals with a value"},
		{
			name: "views", into: &o.views, oneOf: []string{string(goaltrack.ViewsOff), string(goaltrack.ViewsServer)},
			about: "who sends page views: off if a script in the pages does",
		},
		{
			name: "consent", into: &o.consent, oneOf: []string{consentNotNeeded, consentRequired},
			about: "required: refuse to start without a way to read the visitor's consent",
		},
		{
			name: "consent-cookie", into: &o.consentCookie, value: "NAME=VALUE",
			about: "the cookie that says the visitor agreed; nobody else is then counted",
		},
		{name: "config", into: &o.config, value: "FILE", about: "a YAML file with these settings, such as goaltrack.yaml"},
	}}
}

func regions() []string {
	return []string{string(cdp.EU), string(cdp.US), string(cdp.AP), string(cdp.JP)}
}

// faults returns what is missing and what does not go together.
func (o *proxyOptions) faults() []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	exclude := func(a, aName, b, bName string) {
		if a != "" && b != "" {
			fault("%s and %s exclude each other", o.settings.from(aName), o.settings.from(bName))
		}
	}
	needs := func(a, aName, b, bName string) {
		if a != "" && b == "" {
			fault("%s needs --%s", o.settings.from(aName), bName)
		}
	}

	if err := checkAddress(o.listen); err != nil {
		fault("%s: %w", o.settings.from("listen"), err)
	}
	if o.to == "" {
		fault("--to is missing: the address of the site, such as http://127.0.0.1:9000")
	}
	if o.rules == "" && o.views != string(goaltrack.ViewsServer) {
		fault("--rules is missing: without goals and with views off there is nothing to count")
	}
	if o.watch && o.rules == "" {
		fault("%s needs --rules", o.settings.from("watch"))
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
func (o *proxyOptions) site() cdp.Site {
	switch direct, edge := o.clientKey != "", o.contextID != ""; {
	case direct && !edge && o.pos != "" && (o.region != "" || o.cdp != ""):
		return cdp.Direct{Region: cdp.Region(o.region), BaseURL: o.cdp, ClientKey: o.clientKey, PointOfSale: o.pos}
	case edge && !direct && o.siteName != "":
		return cdp.Edge{BaseURL: o.cdp, ContextID: o.contextID, SiteName: o.siteName}
	}
	return nil
}

// checkAddress returns what is wrong with an address to listen on.
func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		return errors.New(strconv.Quote(address) + " is not an address such as 127.0.0.1:8080")
	}
	return nil
}
