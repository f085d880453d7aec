package relay

import (
	"net/http"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/web"
)

// endpoint is a call that an SDK makes. The paths are those of @sitecore/engage 1.4.3,
// @sitecore-cloudsdk 0.6.1 and @sitecore-content-sdk 2.1.
type endpoint struct {
	path   string
	method string
	edge   bool // of the Cloud SDK and the Content SDK
	serve  func(*call)
}

const (
	edgeEvents  = "/v1/events"
	browserPath = "/v1.2/browser/"
	showPath    = "/show.json"
)

var endpoints = []endpoint{
	{browserPath + "create.json", http.MethodGet, false, (*call).create},
	{"/v1.2/events", http.MethodPost, false, (*call).event},
	{"/v2/callFlows", http.MethodPost, false, (*call).personalize},
	{edgeEvents + browserPath + "create.json", http.MethodGet, true, (*call).create},
	{edgeEvents + "/v1.2/events", http.MethodPost, true, (*call).event},
	{"/v1/personalize", http.MethodPost, true, (*call).personalize},
	{"/v1/personalize/cdn-url", http.MethodGet, true, (*call).cdnURL},
	{"/v1/search", http.MethodPost, true, (*call).search},
}

// shows are show.json, which has a browser ID in its path.
var shows = [...]endpoint{
	{browserPath, http.MethodGet, false, (*call).show},
	{edgeEvents + browserPath, http.MethodGet, true, (*call).show},
}

// find finds the call of a path.
func find(path string) (is *endpoint, id string, ok bool) {
	for i := range endpoints {
		if endpoints[i].path == path {
			return &endpoints[i], "", true
		}
	}
	for i := range shows {
		rest, begins := strings.CutPrefix(path, shows[i].path)
		if id, ends := strings.CutSuffix(rest, showPath); begins && ends && cdp.ValidBrowserID(id) {
			return &shows[i], id, true
		}
	}
	return nil, "", false
}

// named is what a call says of whose it is.
type named struct {
	key     string // the client key; "" on the edge
	pos     string // the point of sale of a direct event or flow, "" if it names none
	context string // of the edge
	site    string // on the edge, "" where a call names none
}

// namedByURL reads what the address and the header of a call say. A context that is said
// twice, and differently, is none.
func (c *call) namedByURL() (n named) {
	n.key, _ = web.QueryValue(c.r.URL.RawQuery, "client_key")
	n.site, _ = web.QueryValue(c.r.URL.RawQuery, "siteId")
	n.context, _ = web.QueryValue(c.r.URL.RawQuery, "sitecoreContextId")
	if said, ok := web.First(c.r.Header[contextHeader]); ok {
		if n.context != "" && n.context != said || len(c.r.Header[contextHeader]) > 1 {
			said = ""
		}
		n.context = said
	}
	return n
}

const contextHeader = "X-Sitecore-Contextid"

// belongs finds the site that a call names: of several points of sale of one tenant, the one
// that is named. withSite says that it has to name a site of the edge. There, no script names
// a client key, since the context stands for it.
func (c *call) belongs(n named, withSite bool) bool {
	return c.whose(func(s cdp.Site) bool {
		switch s := s.(type) {
		case cdp.Direct:
			return !c.is.edge && s.ClientKey == n.key && (s.PointOfSale == n.pos || n.pos == "")
		case cdp.Edge:
			return c.is.edge && n.key == "" && s.ContextID == n.context && (s.SiteName == n.site || n.site == "" && !withSite)
		}
		return false
	})
}
