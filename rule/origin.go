package rule

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/visit"
	"github.com/goaltrack/goaltrack/internal/web"
)

// Origin reads where a session came from off its first page, as far as n asks, which is
// [Set.Past] of the goals. Texts are cut to what the visit cookie holds. The referrer is an
// address without its query.
func (x *Exchange) Origin(n *visit.Needs) (o visit.Origin) {
	if len(n.Origins) == 0 {
		return o
	}
	o.Known = true
	for _, name := range n.UTM {
		if v, ok := web.QueryValue(x.rawQuery, "utm_"+name); ok && v != "" && len(v) <= maxCollected && len(o.UTM) < maxUTM {
			o.UTM = append(o.UTM, visit.UTM{Name: name, Value: visit.CutText(cleanText(v), visit.MaxOrigin)})
		}
	}
	if n.Referrer {
		o.Referrer = visit.CutText(withoutQuery(x.otherSite()), visit.MaxOrigin)
	}
	return o
}

// firstIn is where a visitor first came from whose first page this is, as far as n asks, nil
// if it came from nowhere.
func (x *Exchange) firstIn(n *visit.Needs) *visit.Origin {
	if len(n.First) == 0 || !x.navigation {
		return nil
	}
	o := x.Origin(&visit.Needs{UTM: n.FirstUTM, Referrer: n.FirstReferrer, Origins: n.First})
	if len(o.UTM)+len(o.Referrer) == 0 {
		return nil
	}
	return &o
}

// maxUTM bounds the utm_ parameters taken from one address.
const maxUTM = 10

// utmOf reads the utm_ parameters of an address as the SDKs send them.
func utmOf(rawQuery string) (utm []cdp.Attr) {
	for rawQuery != "" && len(utm) < maxUTM {
		var pair string
		pair, rawQuery, _ = strings.Cut(rawQuery, "&")
		k, v, _ := strings.Cut(pair, "=")
		if len(k) < 5 || len(k) > 64 || !strings.EqualFold(k[:4], "utm_") || !web.ValidToken(k) {
			continue
		}
		k = strings.ToLower(k)
		v, err := url.QueryUnescape(v)
		if err != nil || v == "" || len(v) > maxCollected || slices.ContainsFunc(utm, func(a cdp.Attr) bool { return a.Name == k }) {
			continue
		}
		utm = append(utm, cdp.Attr{Name: k, Value: cleanText(v)})
	}
	return utm
}

// otherSite is the Referer, if it is of another host.
func (x *Exchange) otherSite() string {
	if x.referer == "" || len(x.referer) > maxInput || !utf8.ValidString(x.referer) {
		return ""
	}
	if x.fetchSite == "same-origin" {
		return "" // whatever a proxy calls this site
	}
	u, err := url.Parse(x.referer)
	if err != nil || u.Host == "" || x.sameHost(u.Host) {
		return ""
	}
	return x.referer
}

// withoutQuery is an address up to the ? or #.
func withoutQuery(address string) string {
	if i := strings.IndexAny(address, "?#"); i >= 0 {
		return address[:i]
	}
	return address
}
