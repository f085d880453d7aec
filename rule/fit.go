package rule

import (
	"fmt"
	"slices"
	"strings"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
)

// Site is what [Set.Misfits] has to know of a site.
type Site struct {
	// Name is for the messages. "" means that nothing is known of the site.
	Name string
	// Base is what the site says of its events.
	Base
	// Hosts are its hosts; none is every host. PathPrefix is where it begins; "" is
	// everywhere.
	Hosts      []string
	PathPrefix string
}

// Misfits warns of goals that cannot do on these sites what their rules say. Their value or
// order has no currency, or they count on none of the sites, or not in the environment env.
// The list is the caller's.
func (s *Set) Misfits(env string, sites ...Site) []Fault {
	f := &faults{file: s.file}
	for _, g := range s.goals {
		if g.Status == statusPaused || len(g.causes) == 0 {
			continue
		}
		warn := func(at spot, message, hint string) {
			f.list = append(f.list, Fault{File: s.file, Line: at.line, Column: at.column, Goal: g.Name, Message: message, Hint: hint})
		}
		for _, site := range sites {
			if at, lacks := g.lacksCurrency(site.Currency); lacks {
				warn(at, site.noCurrency(), "write currency: EUR under defaults: or with the goal, or in the settings of the site")
				break
			}
		}
		on := func(site Site) bool {
			return shareHost(g.Hosts, site.Hosts) && g.isBelow(urlpath.Trim(urlpath.Normal(site.PathPrefix)))
		}
		known := len(sites) > 0 && sites[0].Name != ""
		switch {
		case !known:
		case !g.hasEnv(env):
			warn(g.lines.env, "never counts with these settings: env: is "+strings.Join(g.Env, ", ")+", and the settings say "+orNone(env), "start the site with --env, or change env:")
		case slices.ContainsFunc(sites, on):
		case !slices.ContainsFunc(sites, func(site Site) bool { return shareHost(g.Hosts, site.Hosts) }):
			warn(g.lines.hosts, "never counts with these settings: hosts: names no host of "+namesOfSites(sites), "write a host of the settings, or leave hosts: out")
		default:
			warn(g.lines.trigger, "never counts with these settings: its path is outside of "+namesOfSites(sites), "write a path below the path-prefix of a site")
		}
	}
	return f.list
}

// lacksCurrency reports whether what the goal is worth has no currency, if the site's is
// that one, and where the goal says what it is worth.
func (g *goal) lacksCurrency(site string) (at spot, lacks bool) {
	switch {
	case site != "" || g.Currency != "":
	case g.value.set && g.value.currency == "":
		return g.lines.value, true
	case g.order != nil && g.Order.Currency == "":
		return g.lines.order, true
	}
	return spot{}, false
}

func (s *Site) noCurrency() string {
	if s.Name == "" {
		return "neither the goal nor defaults: says a currency, so the settings of the site must"
	}
	return fmt.Sprintf("neither the goal nor the site %s says a currency, so the site refuses the rules", s.Name)
}

func namesOfSites(sites []Site) string {
	names := make([]string, 0, len(sites))
	for _, s := range sites {
		names = append(names, s.Name)
	}
	return "the site " + strings.Join(names, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
