package cdp

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goaltrack/goaltrack/internal/loopback"
)

// A Region is where a Sitecore CDP tenant lives. At the host of another region, its client key
// is answered 401 (doc.sitecore.com, "Troubleshooting").
type Region string

// The regions that Sitecore publishes hosts for ("Sending events"). In the host name of Japan
// the label is "jpe".
const (
	EU Region = "eu" // api-engage-eu.sitecorecloud.io
	US Region = "us" // api-engage-us.sitecorecloud.io
	AP Region = "ap" // api-engage-ap.sitecorecloud.io
	JP Region = "jp" // api-engage-jpe.sitecorecloud.io
)

// URL returns the region's base URL, or "" for a region that is not one of those above.
func (r Region) URL() string {
	switch r {
	case EU, US, AP:
		return "https://api-engage-" + string(r) + ".sitecorecloud.io"
	case JP:
		return "https://api-engage-jpe.sitecorecloud.io"
	default:
		return ""
	}
}

// A Transport is how an event travels to a [Direct] site.
type Transport string

const (
	// POST sends the event as the body of POST /v1.2/events, as every published version
	// of Sitecore's Engage SDK does. It is the default.
	POST Transport = "POST"

	// GET sends the event in the query of GET /v1.2/event/create.json. It is the only
	// form in plain HTTP that doc.sitecore.com documents ("Sending events"). The
	// visitor's data is then in the access log of every proxy on the way. An event whose
	// URL would be longer than 8 KiB cannot be sent ([EventBad]).
	GET Transport = "GET"
)

// A Site says where events go and under whose name: [Direct] for a CDP or Personalize tenant,
// [Edge] for SitecoreAI (XM Cloud). Only these two implement it. Both are plain values that
// may be copied and used by several goroutines at the same time.
type Site interface {
	// Validate returns an error that joins every fault of the site's settings, or nil.
	Validate() error

	// CookieName returns the name of the cookie in which the official browser SDK of
	// this kind of site keeps the browser ID. Case matters.
	CookieName() string

	// LegacyCookieNames returns the names that earlier SDKs used, the best first. Their
	// value is the same kind of ID and may be moved to the cookie CookieName.
	LegacyCookieNames() []string

	endpoints() endpoints
	wire() wire
}

// endpoints are the finished URLs of a site.
type endpoints struct {
	create       string
	show, suffix string // the browser ID goes between them
	events       string // with inQuery, everything before the message
	inQuery      bool   // the event goes into the query of a GET
	contextID    string // for the header x-sitecore-contextid; "" for no header
}

// wire is what a site adds to the body of an event.
type wire struct {
	clientKey   string
	pointOfSale string
	omitKey     bool // the client key is in the URL instead
	edge        bool
}

// Direct is a Sitecore CDP or Personalize tenant at its own host, as the Boxever library and
// the Engage SDK reach it.
type Direct struct {
	// Region chooses the host. Required, unless BaseURL is set.
	Region Region

	// BaseURL is used instead of Region's: scheme, host and perhaps a path. A slash at
	// the end is cut off, and so is /v1.2, which people copy with the "target" of the
	// Boxever script. Another version is a fault.
	BaseURL string

	// ClientKey names the tenant. It is a part of every page that loads a browser SDK, so
	// it is no secret. The API token is one, and is not needed here. Required.
	ClientKey string

	// PointOfSale is the name of one of the tenant's points of sale, spelled exactly so.
	// With a wrong one the CDP answers 201, and the event never appears
	// (doc.sitecore.com, "Troubleshooting"). Required.
	PointOfSale string

	// Transport is how events travel. Default: [POST].
	Transport Transport

	// PlainHTTP allows a BaseURL with http:// that leads to another machine. Then
	// anybody on the network path can read and change the events, with people's
	// addresses in them. Default: false; only loopback addresses may be asked
	// over plain HTTP.
	PlainHTTP bool
}

// CookieName returns "bid_" and the client key, as Engage 1.x and the Boxever library name it.
func (d Direct) CookieName() string { return "bid_" + d.ClientKey }

// LegacyCookieNames returns the name that Engage 0.x used: "BID_" and the client key.
func (d Direct) LegacyCookieNames() []string { return []string{"BID_" + d.ClientKey} }

// Validate returns an error that joins every fault of the settings, or nil.
func (d Direct) Validate() error {
	var errs []error
	switch {
	case d.BaseURL != "":
		errs = append(errs, checkBase(d.base(), d.PlainHTTP))
	case d.Region == "":
		errs = append(errs, errors.New("cdp: Direct: Region or BaseURL is required"))
	case d.Region.URL() == "":
		errs = append(errs, fmt.Errorf("cdp: Direct.Region %q is not one of eu, us, ap, jp", d.Region))
	}
	errs = append(errs,
		checkToken("Direct.ClientKey", d.ClientKey),
		checkLabel("Direct.PointOfSale", d.PointOfSale))
	switch d.Transport {
	case "", POST, GET:
	default:
		errs = append(errs, fmt.Errorf("cdp: Direct.Transport %q is neither POST nor GET", d.Transport))
	}
	return errors.Join(errs...)
}

func (d Direct) base() string {
	if d.BaseURL == "" {
		return d.Region.URL()
	}
	base := strings.TrimRight(d.BaseURL, "/")
	return strings.TrimRight(strings.TrimSuffix(base, "/v1.2"), "/")
}

func (d Direct) endpoints() endpoints {
	base, key := d.base(), escape(d.ClientKey)
	e := endpoints{
		// The literal message={} is documented nowhere, but both Engage and
		// Sitecore JSS send it.
		create: base + "/v1.2/browser/create.json?client_key=" + key + "&message=%7B%7D",
		show:   base + "/v1.2/browser/",
		// Engage sends the client key as api_token. It is not the secret token.
		suffix: "/show.json?client_key=" + key + "&api_token=" + key,
		events: base + "/v1.2/events",
	}
	if d.Transport == GET {
		e.events = base + "/v1.2/event/create.json?client_key=" + key + "&message="
		e.inQuery = true
	}
	return e
}

func (d Direct) wire() wire {
	return wire{clientKey: d.ClientKey, pointOfSale: d.PointOfSale, omitKey: d.Transport == GET}
}

// defaultEdge is the edge proxy's URL in Sitecore's Cloud SDK.
const defaultEdge = "https://edge-platform.sitecorecloud.io"

// Edge is a SitecoreAI (XM Cloud) site behind the Experience Edge proxy, as the Cloud SDK and
// the Content SDK reach it.
type Edge struct {
	// BaseURL is the proxy's URL without a version. Set it if the site has a custom
	// hostname. Default: https://edge-platform.sitecorecloud.io.
	BaseURL string

	// ContextID is the environment's context ID. Required.
	ContextID string

	// SiteName is the name of the site in SitecoreAI. Required.
	SiteName string

	// ContextHeader sends the context ID in the header x-sitecore-contextid, as the
	// Content SDK 2.x does. Default: it is sent in the query, as the Cloud SDK 0.6 does.
	ContextHeader bool

	// PlainHTTP allows a BaseURL with http:// that leads to another machine, as in
	// [Direct]. Default: false.
	PlainHTTP bool
}

// CookieName returns "sc_cid", the name since Cloud SDK 0.6.
func (Edge) CookieName() string { return "sc_cid" }

// LegacyCookieNames returns "sc_" and the context ID (Cloud SDK up to 0.5.8)
// and "sc_rid" (Cloud SDK 0.5.7 only).
func (e Edge) LegacyCookieNames() []string { return []string{"sc_" + e.ContextID, "sc_rid"} }

// Validate returns an error that joins every fault of the settings, or nil.
func (e Edge) Validate() error {
	return errors.Join(
		checkBase(e.base(), e.PlainHTTP),
		checkToken("Edge.ContextID", e.ContextID),
		checkLabel("Edge.SiteName", e.SiteName))
}

func (e Edge) base() string {
	if e.BaseURL == "" {
		return defaultEdge
	}
	return strings.TrimRight(e.BaseURL, "/")
}

func (e Edge) endpoints() endpoints {
	base := e.base() + "/v1/events/v1.2"
	// The edge knows the client key of the context; the SDKs send it empty.
	context, id := "sitecoreContextId="+escape(e.ContextID)+"&", ""
	if e.ContextHeader {
		context, id = "", e.ContextID
	}
	return endpoints{
		create:    base + "/browser/create.json?" + context + "client_key=",
		show:      base + "/browser/",
		suffix:    "/show.json?" + context + "client_key=&api_token=",
		events:    base + "/events?" + context + "siteId=" + escape(e.SiteName),
		contextID: id,
	}
}

func (Edge) wire() wire { return wire{edge: true} }

// BaseURL returns the URL below which a site's calls are, without a version and without a
// slash at the end. It is "" if site is neither a Direct nor an Edge. It does not check
// the URL; Validate does.
func BaseURL(site Site) string {
	plainSite, _ := plain(site)
	switch s := plainSite.(type) {
	case Direct:
		return s.base()
	case Edge:
		return s.base()
	}
	return ""
}

// plain turns a pointer to a site into the site. So a nil pointer is found here, and not by a
// panic later.
func plain(site Site) (Site, error) {
	switch s := site.(type) {
	case nil:
		return nil, errors.New("cdp: no site: want a Direct or an Edge")
	case *Direct:
		if s == nil {
			return nil, errors.New("cdp: the site is a nil *Direct")
		}
		return *s, nil
	case *Edge:
		if s == nil {
			return nil, errors.New("cdp: the site is a nil *Edge")
		}
		return *s, nil
	default:
		return site, nil
	}
}

// escape percent-encodes a query value. A space becomes %20, which every server reads as a
// space. Only servers that expect a form read "+" as one.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// checkBase accepts an absolute https URL without a version, and an http one if that is
// allowed or leads to this machine.
func checkBase(base string, plainHTTP bool) error {
	u, err := url.Parse(base)
	switch {
	case err != nil:
		return fmt.Errorf("cdp: BaseURL is not a URL: %w", errors.Unwrap(err))
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return fmt.Errorf("cdp: BaseURL %q: want https://host", cut(base, 80))
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(base, "#"):
		return errors.New("cdp: BaseURL has user information, a query or a fragment")
	case u.Scheme == "http" && !plainHTTP && !loopback.IsOrBelow(u.Hostname()):
		return fmt.Errorf("cdp: BaseURL %q is plain HTTP: whoever is on the way could read the events and the addresses in them; write https, or allow it with PlainHTTP", cut(base, 80))
	}
	last := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
	if len(last) > 1 && last[0] == 'v' && strings.Trim(last[1:], "0123456789.") == "" {
		return fmt.Errorf("cdp: BaseURL ends in /%s: leave the version of the API out, it is added", cut(last, 20))
	}
	return nil
}

// checkToken accepts a value that may stand in a cookie name and in a header.
func checkToken(name, s string) error {
	if s == "" {
		return fmt.Errorf("cdp: %s is required", name)
	}
	for i := range len(s) {
		// The token characters of RFC 9110 section 5.6.2.
		if c := s[i]; !letter(c) && !digit(c) && !strings.ContainsRune("!#$%&'*+-.^_`|~", rune(c)) {
			return fmt.Errorf("cdp: %s has a character that a cookie name cannot have, at byte %d", name, i)
		}
	}
	return nil
}

// checkLabel accepts one line of text without space around it.
func checkLabel(name, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("cdp: %s is required", name)
	case !utf8.ValidString(s):
		return fmt.Errorf("cdp: %s is not valid UTF-8", name)
	case strings.TrimSpace(s) != s:
		return fmt.Errorf("cdp: %s has space around it", name)
	case strings.ContainsFunc(s, unicode.IsControl):
		return fmt.Errorf("cdp: %s has control characters", name)
	}
	return nil
}
