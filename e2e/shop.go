package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/page"
	"github.com/goaltrack/goaltrack/relay"
)

//go:embed goals.yaml
var goals []byte

// The SDKs in the pages and goaltrack know the same tenant by these names.
const (
	clientKey   = "e2e-key"
	pointOfSale = "e2e-shop"
	contextID   = "e2e-context"
	siteName    = "e2e-site"
)

// options say how a shop is set up. The zero value is a site of the edge behind
// goaltrack's defaults.
type options struct {
	// SDK is the SDK in the pages: "cloud", "content" or "engage". With engage
	// the site has a tenant's cookie (bid_...), with the others the edge's
	// (sc_cid).
	SDK string `json:"sdk"`
	// Create, Domain and Warm are goaltrack's [goaltrack.Cookie] settings.
	Create goaltrack.Create `json:"create"`
	Domain string           `json:"domain"`
	Warm   int              `json:"warm"`
	// PageDomain is the SDK's own setting of the cookie's domain.
	PageDomain string `json:"pageDomain"`
	// Relay lets the SDK send through the site.
	Relay bool `json:"relay"`
	// Trouble is what ails the CDP once the first browser IDs are ready: "slow",
	// "slower", "down", "reset" or "html". The order "fail/nothing" ends it.
	Trouble string `json:"trouble"`
	// TLS serves https, with a certificate that nobody has signed.
	TLS bool `json:"tls"`
	// Page puts goaltrack's script into the pages below /in: with the rules of the page
	// ("script"), as the loader ("loader"), not yet ("later"), or as package page puts it
	// into pages that have none ("inject").
	Page string `json:"page"`
	// Clicks are so many goals more that happen by clicks.
	Clicks int `json:"clicks"`
	// Slow is how many milliseconds the collector takes.
	Slow int `json:"slow"`
	// Personal lets the SDK ask for decisions, and load a script for them.
	Personal bool `json:"personal"`
	// Consent asks for a cookie, consent=yes.
	Consent bool `json:"consent"`
}

// shop is one site: its server, its tracker and its CDP.
type shop struct {
	o       options
	cdp     *cdptest.CDP
	api     *httptest.Server // the CDP's
	tracker *goaltrack.Tracker
	site    *httptest.Server
	served  sync.WaitGroup // requests to the site, goaltrack's part included
	visits  visitLog
	page    *page.Page // nil without one
}

// openShop opens a shop whose first browser IDs are ready.
func openShop(ctx context.Context, o options, bundles string) (*shop, error) {
	rules, err := goaltrack.ParseRules(o.rules())
	if err != nil {
		return nil, err
	}
	s := &shop{o: o, cdp: cdptest.New(cdptest.Options{
		ClientKeys: []string{clientKey}, PointsOfSale: []string{pointOfSale},
		ContextIDs: []string{contextID}, SiteNames: []string{siteName},
	})}
	s.api = httptest.NewServer(s.decides(s.cdp))
	s.tracker, err = goaltrack.New(goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: s.tenant(), Language: "EN", Currency: "EUR"}},
		Rules:  rules,
		Cookie: goaltrack.Cookie{Create: o.Create, Domain: o.Domain, Warm: o.Warm}, Consent: o.consent(),
		Logger: slog.New(slog.DiscardHandler),
		// A CDP that resets is tried as often as a slow machine takes to mend it.
		Delivery: goaltrack.Delivery{UnknownAttempts: 1 << 20},
	})
	if err != nil {
		s.api.Close()
		return nil, err
	}
	handler, err := s.scripted(s.pages(bundles))
	if err == nil && o.Relay {
		handler, err = s.relayed(handler)
	}
	if err != nil {
		s.api.Close()
		return nil, err
	}
	s.site = httptest.NewUnstartedServer(s.watch(handler))
	if o.TLS {
		s.site.EnableHTTP2 = true // as browsers get it
		s.site.StartTLS()
	} else {
		s.site.Start()
	}
	if err := s.tracker.Ready(ctx); err != nil {
		return s, err
	}
	return s, s.ail(o.Trouble)
}

// relayed puts the relay in front of the site.
func (s *shop) relayed(site http.Handler) (http.Handler, error) {
	handler, err := relay.New(s.tracker, relay.Options{})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle(relay.Path+"/", handler)
	mux.Handle("/", site)
	return mux, nil
}

// ail makes the CDP do to everybody what the tests want to see.
func (s *shop) ail(trouble string) error {
	faults := map[string]cdptest.Fault{
		"slow": cdptest.Delay(300 * time.Millisecond), "slower": cdptest.Delay(2 * time.Second), "down": cdptest.Status(http.StatusServiceUnavailable),
		"reset": cdptest.ResetBefore(), "html": cdptest.Garbage(),
	}
	f, ok := faults[trouble]
	switch {
	case ok:
		s.cdp.Fault(f)
	case trouble != "":
		return fmt.Errorf("%q is nothing that ails a CDP", trouble)
	}
	return nil
}

func (s *shop) tenant() cdp.Site {
	if s.o.SDK == "engage" {
		return cdp.Direct{BaseURL: s.api.URL, ClientKey: clientKey, PointOfSale: pointOfSale}
	}
	return cdp.Edge{BaseURL: s.api.URL, ContextID: contextID, SiteName: siteName}
}

func (s *shop) port() int { return s.site.Listener.Addr().(*net.TCPAddr).Port }

// know returns a browser ID that the CDP made some other day.
func (s *shop) know() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	id := fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	s.cdp.Know(id)
	return id
}

// fail gives browsers that ask the CDP for an ID an error or no answer. They
// try again a few times. Servers get their answer.
func (s *shop) fail(how string) error {
	var f cdptest.Fault
	switch how {
	case "nothing":
		s.cdp.ClearFaults()
		return nil
	case "error":
		f = cdptest.Status(http.StatusInternalServerError)
	case "reset":
		f = cdptest.ResetBefore()
	default:
		return fmt.Errorf("%q is no way to fail", how)
	}
	s.cdp.Fault(f.On(cdptest.Creates).If(fromBrowser))
	return nil
}

// close closes the shop and returns what became of its events.
func (s *shop) close() (goaltrack.Account, error) {
	s.site.CloseClientConnections()
	s.site.Close()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	account, err := s.tracker.Close(ctx)
	_ = s.cdp.Close()
	s.api.Close()
	return account, err
}
