package cdptest

import (
	"net/http"
	"net/url"
	"strings"
)

// edgePrefix is the path below which the edge proxy has the stream API.
const edgePrefix = "/v1/events"

// call is what a request asks for, as far as its URL says.
type call struct {
	kind      Kind
	edge      bool
	method    string // the only method of this path
	browserID string // of show.json
	guest     string // of the REST API
	clientKey string // as sent: in the query, or in the body of a POST
	query     url.Values
	malformed error // of the query
}

// route makes the call that a URL asks for.
func route(u *url.URL) *call {
	c := &call{kind: Others}
	path := u.Path
	if rest, ok := strings.CutPrefix(path, edgePrefix); ok {
		path, c.edge = rest, true
	}
	switch {
	case path == "/v1.2/events":
		c.kind, c.method = Sends, http.MethodPost
	case path == "/v1.2/event/create.json" && !c.edge:
		c.kind, c.method = Sends, http.MethodGet
	case path == "/v1.2/browser/create.json":
		c.kind, c.method = Creates, http.MethodGet
	case strings.HasPrefix(path, "/v2.1/guests/") && !c.edge:
		c.kind, c.method, c.guest = Reads, http.MethodGet, strings.TrimPrefix(path, "/v2.1/guests/")
	default:
		rest, ok1 := strings.CutPrefix(path, "/v1.2/browser/")
		id, ok2 := strings.CutSuffix(rest, "/show.json")
		if ok1 && ok2 && !strings.Contains(id, "/") {
			c.kind, c.method, c.browserID = Shows, http.MethodGet, id
		}
	}
	c.query, c.malformed = url.ParseQuery(u.RawQuery)
	c.clientKey = c.query.Get("client_key")
	return c
}

// keyName returns the name of the client key in the answer. That of show.json differs.
func (c *call) keyName() string {
	if c.kind == Shows {
		return "clientKey"
	}
	return "client_key"
}

// contextID returns the context ID: the Content SDK 2 sends it in the header, the Cloud SDK 0.6
// in the query.
func (c *call) contextID(h http.Header) string {
	if id := h.Get("X-Sitecore-ContextId"); id != "" {
		return id
	}
	return c.query.Get("sitecoreContextId")
}
