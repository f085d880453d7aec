package rule

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	urlpath "github.com/goaltrack/goaltrack/internal/path"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
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
	// CookieAge is how long browsers keep its cookies, 0 if that is not known.
	CookieAge time.Duration
}

// named is the site in a message.
func (s *Site) named() string {
	if s.Name == "" {
		return "of the site"
	}
	return "of the site " + s.Name
}

// daysInWords is a time in days, if it is whole ones.
func daysInWords(d time.Duration) string {
	if days := d / (24 * time.Hour); days > 0 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%d days", days)
	}
	return d.String()
}

// outlasts is the time for which the goal asks what happened before, and where it does, if
// that is longer than cookies are kept. It is "" if nothing is.
func (g *goal) outlasts(age time.Duration) (at spot, asked string) {
	if age <= 0 {
		return spot{}, ""
	}
	for _, side := range []struct {
		at   spot
		each map[string]Often
		past []visit.Often
	}{{g.lines.after, g.AfterEach, g.past.Each}, {g.lines.notAfter, g.NotAfterEach, g.past.NotEach}} {
		for i, name := range slices.Sorted(maps.Keys(side.each)) {
			if o := side.past[i]; o.Within != visit.Ever && o.Within > int64(age/time.Minute) {
				return side.at, "within: " + side.each[name].Within
			}
		}
	}
	const day = 24 * time.Hour
	if g.past.Scope == visit.PerWeek && age < 7*day || g.past.Scope == visit.PerMonth && age < 31*day || g.past.Scope == visit.PerDay && age < day {
		return g.lines.count, "count: " + g.Count
	}
	return spot{}, ""
}

// Misfits warns of goals that cannot do on these sites what their rules say. Their value or
// order has no currency, or they count on none of the sites, or not in the environment env.
// Or they ask what happened longer ago than browsers keep the visit cookie. The list is the
// caller's.
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
		for _, site := range sites {
			if at, asked := g.outlasts(site.CookieAge); asked != "" {
				warn(at, asked+" looks further back than browsers keep the cookies "+site.named()+": "+daysInWords(site.CookieAge), "what is longer ago is forgotten; see cookie-max-age")
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

// Fits compares the goal with a site that has these hosts, begins at prefix ("" for all
// paths), and says that of its events. The goal lacks a currency if it has a value, and
// neither says in which. The keys of otherSession, such as "pos: shop-de", bring the goal's
// events into another session than those of the site's pages. The CDP keeps sessions by point
// of sale, channel and browser ID (doc.sitecore.com, "Understanding sessions"). What only a
// request shows is not among them.
func (c *Cause) Fits(site Base, hosts []string, prefix string) (lacksCurrency bool, otherSession []string) {
	g := c.goal
	if g == nil {
		return false, nil
	}
	lacksCurrency = (g.value.set || g.fieldUnset(unsetCurrency)) && g.value.currency == "" && g.Currency == "" && site.Currency == ""
	if g.Status == statusPaused || !shareHost(g.Hosts, hosts) || !g.isBelow(prefix) {
		return lacksCurrency, nil
	}
	for _, own := range []struct {
		key  string
		at   int
		site string
	}{{"pos", basePointOfSale, site.PointOfSale}, {"channel", baseChannel, site.Channel}} {
		if s := &g.base[own.at]; s.kind == sourceLiteral && s.text != "" && s.text != own.site {
			otherSession = append(otherSession, own.key+": "+s.text)
		}
	}
	return lacksCurrency, otherSession
}

// isBelow reports whether the goal can happen at the prefix or below it. One that is raised
// in code can happen anywhere.
func (g *goal) isBelow(prefix string) bool {
	return slices.ContainsFunc(g.causes, func(c Cause) bool {
		text := c.path.Text
		fixed := text
		if open := strings.IndexAny(text, "{*"); open >= 0 {
			fixed = text[:open]
		}
		if len(fixed) < len(text) && len(fixed) <= len(prefix) || text == "" {
			return strings.EqualFold(fixed, prefix[:len(fixed)])
		}
		return urlpath.IsOrBelow(fixed, prefix)
	})
}

// shareHost reports whether a host can be one of both lists. An empty list is every host.
func shareHost(a, b []string) bool {
	some := func(all, one []string) bool {
		return slices.ContainsFunc(one, func(h string) bool {
			host := web.HostOnly(h)
			return web.HostIn(all, host) || strings.HasPrefix(host, "*.") && web.HostIn(all, "x"+host[1:])
		})
	}
	return len(a) == 0 || len(b) == 0 || some(a, b) || some(b, a)
}
