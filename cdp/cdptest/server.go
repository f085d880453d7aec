package cdptest

import (
	"net/http/httptest"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
)

// The names of a [Server]'s sites, unless its options have others.
const (
	TestClientKey   = "test-key"
	TestPointOfSale = "shop"
	TestContextID   = "test-context"
	TestSiteName    = "shop"
)

// Server is a [CDP] on a port of the loopback interface. It is safe for concurrent use. Make it
// with [NewServer].
type Server struct {
	*CDP
	URL string // "http://127.0.0.1:" and the port, without a slash

	o Options
}

// NewServer starts a stand-in and closes it at the end of the test, with the requests that hang.
// Main programs use [New] with a [net/http.Server].
func NewServer(tb testing.TB, o Options) *Server {
	tb.Helper()
	c := New(o)
	s := httptest.NewServer(c)
	tb.Cleanup(func() {
		_ = c.Close() // first: the server waits for its handlers
		s.Close()
	})
	return &Server{CDP: c, URL: s.URL, o: o}
}

// Direct returns a tenant at this server. It has the first client key and the first point of
// sale of the options, or else [TestClientKey] and [TestPointOfSale].
func (s *Server) Direct() cdp.Direct {
	return cdp.Direct{
		BaseURL:     s.URL,
		ClientKey:   first(s.o.ClientKeys, TestClientKey),
		PointOfSale: first(s.o.PointsOfSale, TestPointOfSale),
	}
}

// Edge returns a site behind an edge proxy at this server. It has the first context ID and the
// first site name of the options, or else [TestContextID] and [TestSiteName].
func (s *Server) Edge() cdp.Edge {
	return cdp.Edge{
		BaseURL:   s.URL,
		ContextID: first(s.o.ContextIDs, TestContextID),
		SiteName:  first(s.o.SiteNames, TestSiteName),
	}
}

func first(names []string, otherwise string) string {
	if len(names) > 0 {
		return names[0]
	}
	return otherwise
}
