package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/goaltrack/goaltrack"
)

// siteOptions are the settings of one site: those of the proxy itself, or of an
// entry under sites: in the settings file.
type siteOptions struct {
	tenantOptions
	name, hosts, pathPrefix     string // only under sites:
	language, currency, channel string
	timeZone, sessionLength     string
}

// shared are the settings that have a flag too.
func (o *siteOptions) shared() []setting {
	return slices.Concat(o.list(), []setting{
		{name: "language", into: &o.language, value: "CODE", about: "two letters sent with every event; EN if not given"},
		{name: "currency", into: &o.currency, value: "CODE", about: "three letters sent with every event; needed for goals with a value"},
		{name: "channel", into: &o.channel, value: "NAME", about: "WEB if not given; auto tells phones apart; it has to be what the page's script sends"},
		{name: "time-zone", into: &o.timeZone, value: "ZONE", about: "where a day of \"once per day\" begins, such as Europe/Berlin; UTC if not given"},
		{name: "session-length", into: &o.sessionLength, value: "TIME", about: "how long a session may pause, such as 20m; 30m if not given"},
	})
}

// own are the settings that tell sites apart.
func (o *siteOptions) own() []setting {
	return []setting{
		{name: "name", into: &o.name},
		{name: "hosts", into: &o.hosts, many: true},
		{name: "path-prefix", into: &o.pathPrefix},
	}
}

// goaltrackSite makes the library's site of the settings; its CDP is nil if they
// have faults.
func (o *siteOptions) goaltrackSite(s *settings) (site goaltrack.Site, faults []error) {
	faults = o.tenantFaults(s)
	site = goaltrack.Site{
		Name: o.name, PathPrefix: o.pathPrefix, CDP: o.site(),
		Language: o.language, Currency: o.currency, Channel: o.channel, TimeZone: o.timeZone,
	}
	site.Hosts = listOf(o.hosts)
	if o.sessionLength != "" {
		var err error
		if site.SessionLength, err = time.ParseDuration(o.sessionLength); err != nil {
			faults = append(faults, fmt.Errorf("%s: %q is not a time such as 20m", s.from("session-length"), o.sessionLength))
		}
	}
	return site, faults
}

// listOf reads "a, b".
func listOf(text string) (list []string) {
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			list = append(list, word)
		}
	}
	return list
}

// sites makes the library's sites: one of the proxy's own settings, or those of
// the settings file, for which the proxy's own are the defaults.
func (o *proxyOptions) sites() ([]goaltrack.Site, error) {
	if o.siteList == nil {
		site, faults := o.goaltrackSite(o.settings)
		return []goaltrack.Site{site}, errors.Join(faults...)
	}
	if o.siteList.Kind != yaml.SequenceNode || len(o.siteList.Content) == 0 {
		return nil, fmt.Errorf("%s:%d: sites: is a list of sites, each beginning with - ", o.sitesFile, o.siteList.Line)
	}
	var sites []goaltrack.Site
	var faults []error
	for _, n := range o.siteList.Content {
		one := siteOptions{
			tenantOptions: o.tenantOptions, language: o.language, currency: o.currency,
			channel: o.channel, timeZone: o.timeZone, sessionLength: o.sessionLength,
		}
		table := &settings{list: slices.Concat(one.own(), one.shared())}
		if n.Kind != yaml.MappingNode {
			faults = append(faults, fmt.Errorf("%s:%d: a site is lines of the form name: value", o.sitesFile, n.Line))
			continue
		}
		given, err := readMapping(o.sitesFile, n, table)
		for i := range table.list {
			s := &table.list[i]
			v, ok := given[s.name]
			s.source = cmp.Or(v.source, s.name)
			if ok && v.text != "" && len(s.oneOf) > 0 && !slices.Contains(s.oneOf, v.text) {
				err = errors.Join(err, fmt.Errorf("%s: %q is not one of: %s", v.source, v.text, strings.Join(s.oneOf, ", ")))
			} else if ok {
				*s.into = v.text
			}
		}
		site, more := one.goaltrackSite(table)
		faults = append(append(faults, err), more...)
		sites = append(sites, site)
	}
	return sites, errors.Join(faults...)
}
