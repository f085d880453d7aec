package rule

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/internal/web"
)

// maxFactText bounds each text of a fact, in bytes.
const maxFactText = 200

// Tell adds to a fact what is known of the request: where it happened, where the visitor came
// from, by what, and what they were shown. It is for facts about visitors who may be counted,
// from [Exchange.Ended] on. described says what a router knows, as in [Cause.Page]. language
// is the header Accept-Language as the request had it.
func (c *Cause) Tell(x *Exchange, f *fact.Fact, language string, described func(path string) string) {
	if x.isNone() {
		return
	}
	x.at(c)
	f.Page = cutFact(c.factPage(x, described))
	x.cameThrough(f, x.rawQuery)
	if _, query := x.formPage(); f.Source == "" && query != "" {
		x.cameThrough(f, query) // the form is on the page that the session began with
	}
	f.Language, f.Device = firstLanguage(language), x.device()
	f.Variants = VariantsOf(x.responseHeader)
	if c.kind == causeSubmit && f.Reason == fact.Fired {
		f.LedTo = cutFact(x.leadsTo())
	}
}

// factPage is the page on which a goal happened, as a path.
func (c *Cause) factPage(x *Exchange, described func(path string) string) string {
	if c.kind == causeSubmit {
		if path, _ := x.formPage(); path != "" {
			return plainLead(path)
		}
	}
	if route := described(x.wholePath()); route != "" {
		return route
	}
	if (c.IsPage() || c.told()) && len(c.path.Names) > 0 && !slices.Contains(c.path.Names, "") {
		return c.path.Text // a star would make one page of many
	}
	return plainLead(x.path)
}

// cameThrough is where the visitor came from, by the parameters of an address or else by
// the other site that led here.
func (x *Exchange) cameThrough(f *fact.Fact, rawQuery string) {
	if strings.Contains(rawQuery, "utm_") {
		f.Source, f.Campaign = factParameter(rawQuery, "utm_source"), factParameter(rawQuery, "utm_campaign")
		f.Tagged = f.Source != "" || f.Campaign != ""
	}
	if other := x.otherSite(); f.Source == "" && other != "" {
		if u, err := url.Parse(other); err == nil && web.ValidHost(web.HostOnly(u.Host)) {
			f.Source = cutFact(strings.TrimPrefix(strings.ToLower(web.HostOnly(u.Host)), "www."))
		}
	}
}

// factParameter reads a parameter of an address that anybody may have written.
func factParameter(rawQuery, name string) string {
	v, _ := web.QueryValue(rawQuery, name)
	return cutFact(v)
}

// cutFact bounds a text, and takes out of it what nobody can see.
func cutFact(s string) string {
	if len(s) > maxFactText {
		s = s[:maxFactText]
	}
	s = strings.TrimSpace(strings.ToValidUTF8(s, ""))
	if strings.IndexFunc(s, isUnseen) < 0 {
		return s
	}
	return strings.Map(func(c rune) rune {
		if isUnseen(c) {
			return -1
		}
		return c
	}, s)
}

func isUnseen(c rune) bool { return !unicode.IsPrint(c) }

// firstLanguage is the first language that a browser asks for (RFC 9110, section
// 12.5.4), as two letters.
func firstLanguage(header string) string {
	first, _, _ := strings.Cut(header, ",")
	first, _, _ = strings.Cut(first, ";")
	return web.Language(strings.TrimSpace(first))
}

// device tells phones and tablets from the rest, by the client hint if there is one.
func (x *Exchange) device() string {
	switch {
	case x.deviceChannel() != "WEB":
		return "mobile"
	case strings.Contains(x.userAgent, "iPad"), strings.Contains(x.userAgent, "Tablet"), strings.Contains(x.userAgent, "Android"):
		return "tablet"
	}
	return "desktop"
}

// The header by which Sitecore's middleware for Next.js says to which version of a page
// it rewrote a request, as in /_site_default/_variantId_hero_B/about. What stands behind
// the prefix is a version of the page, or one of a component after the component's ID
// (github.com/Sitecore/content-sdk, package personalize).
const (
	rewriteHeader = "X-Sc-Rewrite"
	variantPrefix = "_variantId_"
)

// PageVariant is the component of a variant that is one of the whole page.
const PageVariant = "page"

// VariantsOf returns the variants that an answer with that header says it shows, at most
// [fact.MaxVariants]. What is no variant is passed over.
func VariantsOf(h http.Header) (list []fact.Variant) {
	rewritten, _ := web.First(h[rewriteHeader])
	for len(list) < fact.MaxVariants {
		_, rest, ok := strings.Cut(rewritten, variantPrefix)
		if !ok {
			break
		}
		var id string
		id, rewritten, _ = strings.Cut(rest, "/")
		if v, ok := variantOf(id); ok && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// variantOf reads a version, "component_version" or one of the page.
func variantOf(id string) (v fact.Variant, ok bool) {
	v = fact.Variant{Component: PageVariant, Name: id}
	if i := strings.LastIndexByte(id, '_'); i > 0 {
		v = fact.Variant{Component: id[:i], Name: id[i+1:]}
	}
	v.Component, v.Name = cutFact(v.Component), cutFact(strings.TrimPrefix(v.Name, "_"))
	return v, v.Name != "" && v.Component != ""
}

// Facts are the goals as a report shows them, for a site of that environment.
func (s *Set) Facts(env string) *fact.Rules {
	r := &fact.Rules{Hash: s.hash}
	for _, g := range s.goals {
		told := fact.Goal{Name: g.Name, Label: g.Label, Status: cmp.Or(g.Status, statusLive), Sentence: g.Sentence(), After: slices.Clone(g.After)}
		told.Renamed = slices.Clone(g.Renamed)
		for _, name := range slices.Sorted(maps.Keys(g.AfterEach)) {
			told.Asks = append(told.Asks, fact.Asked{Goal: name, Says: g.AfterEach[name].says()})
		}
		g.expectedOn(env, &told)
		r.Goals = append(r.Goals, told)
	}
	return r
}
