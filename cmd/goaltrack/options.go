package main

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"

	"github.com/goaltrack/goaltrack"
)

// proxyOptions are the settings of the proxy command.
type proxyOptions struct {
	siteOptions
	listen, to, rules          string
	views, consent, config     string
	consentCookie, consentTool string
	consentHoldBy              string
	staff, trustedProxies      string
	prefix                     string // --path-prefix; that of a site is in siteOptions
	keys                       string
	spool                      spoolOptions
	cookieDomain, create       string
	env                        string
	watch                      bool

	settings  *settings
	siteList  *yaml.Node // what stands under sites: in the settings file
	sitesFile string
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
	o.create = string(goaltrack.CreateVisit)
	return &settings{prefix: "GOALTRACK_", list: slices.Concat([]setting{
		{name: "listen", into: &o.listen, value: "HOST:PORT", about: "where visitors arrive; port 0 takes a free one"},
		{name: "to", into: &o.to, value: "URL", about: "the site behind the proxy, such as http://127.0.0.1:9000"},
		{name: "rules", into: &o.rules, value: "FILE", path: true, about: "the goals"},
		{name: "watch", on: &o.watch, about: "follow the file of --rules; one with faults leaves the rules in force"},
		{name: "env", into: &o.env, value: "NAME", about: "the environment, such as production, for goals that say env:"},
	}, o.shared(), []setting{
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
		{
			name: "consent-tool", into: &o.consentTool, oneOf: consentToolNames(),
			about: "the tool whose cookie says so, in place of --consent-cookie",
		},
		{name: "consent-hold-by", into: &o.consentHoldBy, value: "COOKIE", about: "hold what unknown visitors do until they answer, by a cookie the site sets anyway, such as that of its session"},
		{name: "staff", into: &o.staff, value: "NETWORKS", many: true, about: "whose visitors are not counted, such as 10.0.0.0/8,192.0.2.7"},
		{name: "trusted-proxies", into: &o.trustedProxies, value: "NETWORKS", many: true, about: "of the proxies in front of this one, whose X-Forwarded-For, X-Forwarded-Host and X-Forwarded-Prefix are believed"},
		{name: "path-prefix", into: &o.prefix, value: "PATH", about: "where visitors see the site, such as /shop, if a proxy in front takes that off; rules are written without it"},
		{name: "keys", into: &o.keys, value: "HEX,HEX[,OLDHASH,OLDBLOCK]", many: true, about: "seal the visit cookie: 32 random bytes and 32 more (openssl rand -hex 32); better given in the environment"},
		{name: "cookie-domain", into: &o.cookieDomain, value: "DOMAIN", about: "of the browser-ID cookie, as in the settings of the page's script"},
		{
			name: "create", into: &o.create, oneOf: []string{string(goaltrack.CreateVisit), string(goaltrack.CreateGoal), string(goaltrack.CreateNever)},
			about: "when a visitor gets a browser ID, which makes a guest in the CDP",
		},
	}, o.spool.list(), []setting{
		{name: "config", into: &o.config, value: "FILE", about: "a YAML file with these settings, such as goaltrack.yaml"},
	}), sections: map[string]func(*yaml.Node, string){
		"sites": func(n *yaml.Node, file string) { o.siteList, o.sitesFile = n, file },
	}, note: `The settings file may list several sites under sites:, each with settings of its
own beside name, hosts and path-prefix; those of the proxy are their defaults.
`}
}

// faults returns what is missing and what does not go together.
func (o *proxyOptions) faults() []error {
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

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
	return append(faults, o.spool.faults(o.settings)...)
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
