package facts

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// What a session came by and was shown is known to the report of the process that saw it.
// The visit cookie carries it to other instances, and over a restart.

// remembered adds to a fact what the visit knows of the session.
func (d *Decision) remembered(f *fact.Fact) {
	if d.Visit == nil {
		return
	}
	if source, campaign := cameBy(&d.Visit.Origin); !f.Tagged && (source != "" || campaign != "") {
		f.Source, f.Campaign = source, campaign
	}
	if h := d.Visit.History; d.Once && h != nil {
		for _, s := range h.Shown[:min(len(h.Shown), fact.MaxVariants)] {
			if !slices.ContainsFunc(f.Variants, func(v fact.Variant) bool { return v.Component == s.Component }) {
				f.Before = append(f.Before, fact.Variant{Component: s.Component, Name: s.Variant})
			}
		}
	}
}

// cameBy is the source and the campaign of a session, as far as the visit has them: it has
// what goals read of them.
func cameBy(o *visit.Origin) (source, campaign string) {
	for _, p := range o.UTM {
		switch p.Name {
		case "source":
			source = p.Value
		case "campaign":
			campaign = p.Value
		}
	}
	if source == "" && o.Referrer != "" {
		if u, err := url.Parse(o.Referrer); err == nil && web.ValidHost(web.HostOnly(u.Host)) {
			source = strings.TrimPrefix(strings.ToLower(web.HostOnly(u.Host)), "www.")
		}
	}
	return source, campaign
}

// Origin is where a session came from, to be kept in its visit cookie: what the goals read,
// and with a report its source and campaign, too. r may be nil.
func (r *Request) Origin(x *rule.Exchange, asked *visit.Needs) visit.Origin {
	if r == nil {
		return x.Origin(asked)
	}
	n := visit.Needs{UTM: slices.Clone(asked.UTM), Referrer: true, Origins: [][]string{nil}}
	for _, name := range []string{"source", "campaign"} {
		if !slices.Contains(n.UTM, name) {
			n.UTM = append(n.UTM, name)
		}
	}
	o := x.Origin(&n)
	if u, err := url.Parse(o.Referrer); !asked.Referrer && err == nil && u.Host != "" {
		o.Referrer = u.Scheme + "://" + u.Host // a report asks for nothing else
	}
	return o
}

// Show notes in a visit what an answer with that header shows, and the variant of the page
// that was named, "" for none. What a visit has no room for is left out, as a part of its
// name would be another variant.
func Show(v *visit.Visit, h http.Header, named string) {
	list := rule.VariantsOf(h)
	if named != "" {
		list = append(list, fact.Variant{Component: rule.PageVariant, Name: named})
	}
	for _, s := range list {
		if len(s.Component) <= visit.MaxVariant && len(s.Name) <= visit.MaxVariant {
			v.Show(visit.Variant{Component: s.Component, Variant: s.Name})
		}
	}
}
