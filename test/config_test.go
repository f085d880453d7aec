package test

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

func workingConfig() goaltrack.Config {
	return goaltrack.Config{
		Sites:  []goaltrack.Site{{CDP: cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}, Currency: "EUR"}},
		Logger: slog.New(slog.DiscardHandler),
		DryRun: true,
	}
}

// TestConfigFaults: each fault is found, and said in words that name its place.
func TestConfigFaults(t *testing.T) {
	direct := cdp.Direct{Region: cdp.EU, ClientKey: "key", PointOfSale: "shop"}
	for want, spoil := range map[string]func(*goaltrack.Config){
		"Sites: at least one":                        func(c *goaltrack.Config) { c.Sites = nil },
		"Sites[0]: CDP: a cdp.Direct or cdp.Edge":    func(c *goaltrack.Config) { c.Sites[0].CDP = nil },
		"Sites[0]: CDP: a cdp.Direct or cdp.Edge is": func(c *goaltrack.Config) { c.Sites[0].CDP = (*cdp.Direct)(nil) },
		"Sites[0]: CDP: ":                            func(c *goaltrack.Config) { c.Sites[0].CDP = cdp.Direct{} },
		`Hosts: "https://shop.example"`:              func(c *goaltrack.Config) { c.Sites[0].Hosts = []string{"https://shop.example"} },
		`Hosts: "shop.*"`:                            func(c *goaltrack.Config) { c.Sites[0].Hosts = []string{"shop.*"} },
		`Hosts: ""`:                                  func(c *goaltrack.Config) { c.Sites[0].Hosts = []string{""} },
		`PathPrefix: "de"`:                           func(c *goaltrack.Config) { c.Sites[0].PathPrefix = "de" },
		`Language: "Deutsch"`:                        func(c *goaltrack.Config) { c.Sites[0].Language = "Deutsch" },
		`Currency: "Euro"`:                           func(c *goaltrack.Config) { c.Sites[0].Currency = "Euro" },
		`Channel: "by telepathy"`:                    func(c *goaltrack.Config) { c.Sites[0].Channel = "by telepathy" },
		`the name "shop" is used twice`: func(c *goaltrack.Config) {
			c.Sites = append(c.Sites, goaltrack.Site{CDP: direct, Currency: "EUR", PathPrefix: "/b"})
		},
		"no request would reach it": func(c *goaltrack.Config) {
			c.Sites = append(c.Sites, goaltrack.Site{CDP: direct, Currency: "EUR", Name: "b"})
		},
		"no request to A.example would reach it": func(c *goaltrack.Config) {
			c.Sites[0].Hosts = []string{"a.example"}
			c.Sites = append(c.Sites, goaltrack.Site{CDP: direct, Currency: "EUR", Name: "b", Hosts: []string{"A.example"}})
		},
		`TimeZone: "Berlin"`: func(c *goaltrack.Config) { c.Sites[0].TimeZone = "Berlin" },
		`TimeZone: "Local"`:  func(c *goaltrack.Config) { c.Sites[0].TimeZone = "Local" },
		"SessionLength: 1s":  func(c *goaltrack.Config) { c.Sites[0].SessionLength = time.Second },
		"SessionLength: 25h": func(c *goaltrack.Config) { c.Sites[0].SessionLength = 25 * time.Hour },
		"Keys[1]: Hash: 31 bytes are fewer than 32\nBlock: 33 bytes are none of 16, 24, 32": func(c *goaltrack.Config) {
			c.Keys = []goaltrack.Key{testKey('k'), {Hash: make([]byte, 31), Block: make([]byte, 33)}}
		},
		"the visit cookie has no room": func(c *goaltrack.Config) {
			c.Cookie.Path = "/" + strings.Repeat("p", 900)
			c.Sites[0].PathPrefix = c.Cookie.Path
		},
		`Views: "client"`:            func(c *goaltrack.Config) { c.Views = "client" },
		`Cookie.Create: "often"`:     func(c *goaltrack.Config) { c.Cookie.Create = "often" },
		"Cookie.MaxAge: 1ms":         func(c *goaltrack.Config) { c.Cookie.MaxAge = time.Millisecond },
		`Cookie.Domain: "a; Secure"`: func(c *goaltrack.Config) { c.Cookie.Domain = "a; Secure" },
		`Cookie.Domain: "b.example" does not cover`: func(c *goaltrack.Config) {
			c.Cookie.Domain = "b.example"
			c.Sites[0].Hosts = []string{"a.b.example", "xb.example"}
		},
		"Cookie: CreatePerSecond and CreateBurst":              func(c *goaltrack.Config) { c.Cookie.CreateBurst = -1 },
		"Cookie: CreatePerSecond and CreateBurst must":         func(c *goaltrack.Config) { c.Cookie.CreatePerSecond = math.NaN() },
		"RequireConsent: no Consent reader":                    func(c *goaltrack.Config) { c.RequireConsent = true },
		`OptOutCookie: "no thanks"`:                            func(c *goaltrack.Config) { c.OptOutCookie = "no thanks" },
		"Forms.BodyBytes: -1 is not between 1024 and 16777216": func(c *goaltrack.Config) { c.Forms.BodyBytes = -1 },
		"Forms.BodyBytes: 1023 is not between":                 func(c *goaltrack.Config) { c.Forms.BodyBytes = 1023 },
		"Forms.BodyBytes: 16777217 is not between":             func(c *goaltrack.Config) { c.Forms.BodyBytes = 16<<20 + 1 },
		"Forms.TotalBytes: -1 is not between 0 and 4294967296": func(c *goaltrack.Config) { c.Forms.TotalBytes = -1 },
		"Forms.TotalBytes: 4294967297 is not between":          func(c *goaltrack.Config) { c.Forms.TotalBytes = 4<<30 + 1 },
		"Forms.TotalBytes: 65535 leaves no room for one body":  func(c *goaltrack.Config) { c.Forms.TotalBytes = 1<<16 - 1 },
		"Delivery.Workers: must not be negative":               func(c *goaltrack.Config) { c.Delivery.Workers = -1 },
		"Delivery.Workers: 5000 is more than 1024":             func(c *goaltrack.Config) { c.Delivery.Workers = 5000 },
		"Delivery.QueueEvents: must not be negative":           func(c *goaltrack.Config) { c.Delivery.QueueEvents = -1 },
		"Delivery.QueueBytes: must not be negative":            func(c *goaltrack.Config) { c.Delivery.QueueBytes = -1 },
		"Delivery.MaxAge: must not be negative":                func(c *goaltrack.Config) { c.Delivery.MaxAge = -1 },
		"Delivery.Timeout: must not be negative":               func(c *goaltrack.Config) { c.Delivery.Timeout = -1 },
		"Delivery.UnknownAttempts: must not be":                func(c *goaltrack.Config) { c.Delivery.UnknownAttempts = -1 },
		"Delivery.BackoffBase: must not be negative":           func(c *goaltrack.Config) { c.Delivery.BackoffBase = -1 },
		"Delivery.BackoffMax: must not be negative":            func(c *goaltrack.Config) { c.Delivery.BackoffMax = -1 },
		"goal PAID: its value has no currency, and nei": func(c *goaltrack.Config) {
			c.Sites[0].Currency = ""
			c.Rules, _ = goaltrack.NewRules(goaltrack.Goal{Name: "PAID", Visit: "/", Value: goaltrack.Value{Amount: 5}})
		},
	} {
		c := workingConfig()
		spoil(&c)
		tracker, err := goaltrack.New(c)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "goaltrack: ") {
			t.Errorf("error %v, want one with %q", err, want)
		}
		if tracker != nil {
			t.Errorf("%s: a tracker nevertheless", want)
		}
	}
}

// TestConfigFaultsTogether: nobody has to correct a configuration one error at
// a time, and the order of the faults does not depend on chance.
func TestConfigFaultsTogether(t *testing.T) {
	rules, err := goaltrack.NewRules(goaltrack.Goal{Name: "PAID", Code: true, Value: goaltrack.Value{Amount: 5}})
	if err != nil {
		t.Fatal(err)
	}
	c := goaltrack.Config{
		Sites: []goaltrack.Site{
			{CDP: cdp.Edge{SiteName: "shop"}, Language: "??"},
			{CDP: cdp.Edge{SiteName: "shop", ContextID: "c"}, PathPrefix: "x"},
		},
		Rules: rules, Views: "?", Cookie: goaltrack.Cookie{Create: "?", Domain: "?"}, RequireConsent: true, OptOutCookie: "?",
		Delivery: goaltrack.Delivery{QueueEvents: -1, Workers: -1, Timeout: -1},
	}
	_, err = goaltrack.New(c)
	if err == nil {
		t.Fatal("no error")
	}
	at := -1
	for _, want := range []string{
		"Sites[0]: CDP: ", "Language", "Sites[1]: PathPrefix", "used twice", "Views", "Cookie.Create", "Cookie.Domain", "RequireConsent", "OptOutCookie",
		"Delivery.QueueEvents", "Delivery.Workers", "Delivery.Timeout", "goal PAID",
	} {
		i := strings.Index(err.Error(), want)
		if i <= at {
			t.Errorf("%q is at %d, after %d, in\n%v", want, i, at, err)
		}
		at = i
	}
}

// TestNewStartsNothingOnError: no goroutine is left, and no guest was made for
// a tracker that is not.
func TestNewStartsNothingOnError(t *testing.T) {
	var calls atomic.Int32
	c := workingConfig()
	c.DryRun = false
	c.Cookie.Warm = 5
	c.Delivery.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		calls.Add(1)
		return nil, context.Canceled
	})}
	c.Sites = append(c.Sites, c.Sites[0]) // the same name twice, which is found last
	if _, err := goaltrack.New(c); err == nil {
		t.Fatal("no error")
	}
	started := func() bool {
		stacks := ourGoroutines()
		return strings.Contains(stacks, "idpool") || strings.Contains(stacks, "sender")
	}
	for deadline := time.Now().Add(time.Minute); started() && time.Now().Before(deadline); { // those of the test before end
		runtime.Gosched()
	}
	if started() || calls.Load() > 0 {
		t.Errorf("%d calls, and running:\n%s", calls.Load(), ourGoroutines())
	}
}

// TestConfigIsCopied: New copies what it needs.
func TestConfigIsCopied(t *testing.T) {
	var kept goaltrack.Config
	w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML), func(c *goaltrack.Config) {
		c.Sites[0].Hosts = []string{"shop.example"}
		kept = *c
	})
	kept.Sites[0].Hosts[0] = "other.example"
	kept.Sites[0] = goaltrack.Site{}
	w.Visitor().Meet().Get("/page", "Host", "shop.example")
	w.Expect("PAGE_VISITED", "fired 1")
}

// TestSiteByPointer: a pointer to a site is a site, too.
func TestSiteByPointer(t *testing.T) {
	w := world.Setup{Rules: world.EachTrigger, Site: http.HandlerFunc(world.HTML), Config: func(c *goaltrack.Config, s *cdptest.Server) {
		edge := s.Edge()
		c.Sites[0].CDP = &edge
	}}.Start(t)
	w.CDP.Know(world.Known)
	// The cookie of the present name counts, whatever a former one says.
	w.Visitor().Get("/page", "Cookie", "sc_test-context="+world.Known[:35]+"6; sc_cid="+world.Known)
	w.Flush()
	w.CDP.Expect(t, "PAGE_VISITED").From(world.Known).Once()
}

func TestBeforeSend(t *testing.T) {
	for name, c := range map[string]struct {
		f    func(*cdp.Event) bool
		want string
	}{
		"changes the event": {func(e *cdp.Event) bool { e.Ext = append(e.Ext, cdp.Attr{Name: "region", Value: "north"}); return true }, "fired 1"},
		"drops the event":   {func(*cdp.Event) bool { return false }, "before_send 1"},
		"spoils the event":  {func(e *cdp.Event) bool { e.Type = "not a type"; return true }, "event_invalid 1"},
		"spoils the ID":     {func(e *cdp.Event) bool { e.BrowserID = "x"; return true }, "event_invalid 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML), func(config *goaltrack.Config) { config.BeforeSend = c.f })
			w.Visitor().Meet().Get("/page")
			w.Expect("PAGE_VISITED", c.want)
			if c.want == "fired 1" {
				w.CDP.Expect(t, "PAGE_VISITED").With("region", "north").Once()
			}
		})
	}
}

func TestNoEventID(t *testing.T) {
	for _, without := range []bool{true, false} {
		w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML), func(c *goaltrack.Config) { c.NoEventID = without })
		v := w.Visitor().Meet()
		v.Get("/page")
		v.Get("/page")
		w.Flush()
		ids := make(map[any]bool)
		for _, e := range w.CDP.Expect(t, "PAGE_VISITED").Times(2) {
			if e.Ext["eventId"] != nil {
				ids[e.Ext["eventId"]] = true
			}
		}
		if want := map[bool]int{true: 0, false: 2}[without]; len(ids) != want {
			t.Errorf("NoEventID %t: %d event IDs of 2", without, len(ids))
		}
	}
}

// TestConfigOfTheCookie: what a browser would refuse, or would not send back to
// every page, is refused at the start: each page would make another guest.
func TestConfigOfTheCookie(t *testing.T) {
	for _, tc := range []struct {
		want   string // "" if it is fine
		cookie goaltrack.Cookie
		hosts  []string
		prefix string
	}{
		{"", goaltrack.Cookie{}, nil, ""},
		{"", goaltrack.Cookie{Domain: "shop.example"}, []string{"shop.example", "*.shop.example"}, ""},
		{"", goaltrack.Cookie{Domain: ".shop.example"}, []string{"www.shop.example"}, ""},
		{"", goaltrack.Cookie{Domain: "localhost"}, nil, ""},
		{"", goaltrack.Cookie{Domain: "127.0.0.1"}, nil, ""},
		{"", goaltrack.Cookie{Domain: "xn--mller-kva.example"}, []string{"müller.example", "*.MÜLLER.example"}, ""},
		{"does not cover", goaltrack.Cookie{Domain: "xn--mller-kva.example"}, []string{"muller.example"}, ""},
		{"with xn--", goaltrack.Cookie{Domain: "müller.example"}, []string{"müller.example"}, ""},
		{"Cookie.Domain", goaltrack.Cookie{Domain: "example"}, nil, ""},
		{"is an address", goaltrack.Cookie{Domain: "192.0.2.1"}, nil, ""},
		{"is an address", goaltrack.Cookie{Domain: "shop.1"}, nil, ""},
		{"is a public suffix", goaltrack.Cookie{Domain: "co.uk"}, nil, ""},
		{"is a public suffix", goaltrack.Cookie{Domain: ".CO.JP"}, nil, ""},
		{"is a public suffix", goaltrack.Cookie{Domain: "github.io"}, nil, ""},
		{"", goaltrack.Cookie{Domain: "shop.co.uk"}, nil, ""},
		{"", goaltrack.Cookie{Domain: "shop.github.io"}, nil, ""},
		{"", goaltrack.Cookie{Domain: "co.de"}, nil, ""}, // somebody's
		{"", goaltrack.Cookie{Domain: "com.example"}, nil, ""},
		{"is a public suffix", goaltrack.Cookie{Domain: "rent.example", PublicSuffixes: suffixes{"rent.example"}}, nil, ""},
		{"", goaltrack.Cookie{Domain: "co.uk", PublicSuffixes: suffixes{"uk"}}, nil, ""}, // the list decides alone
		{"Cookie.Domain", goaltrack.Cookie{Domain: "shop..example"}, nil, ""},
		{"Cookie.Domain", goaltrack.Cookie{Domain: "shop.example."}, nil, ""},
		{"Cookie.Domain", goaltrack.Cookie{Domain: "."}, nil, ""},
		{"Cookie.Domain", goaltrack.Cookie{Domain: "-shop.example"}, nil, ""},
		{"Cookie.Domain", goaltrack.Cookie{Domain: "shop.example; HttpOnly"}, nil, ""},
		{"Cookie.Domain", goaltrack.Cookie{Domain: "shop.example:8080"}, nil, ""},
		{"Cookie.Domain", goaltrack.Cookie{Domain: "www.shop.example"}, []string{"shop.example"}, ""},
		{"Cookie.Domain", goaltrack.Cookie{Domain: "hop.example"}, []string{"shop.example"}, ""},
		{"", goaltrack.Cookie{Path: "/shop"}, nil, "/shop/"},
		{"", goaltrack.Cookie{Path: "/shop"}, nil, "/shop/de"},
		{"Cookie.Path", goaltrack.Cookie{Path: "/shop"}, nil, ""},
		{"Cookie.Path", goaltrack.Cookie{Path: "/shop"}, nil, "/shopping"},
		{"Cookie.Path", goaltrack.Cookie{Path: "/shop/"}, nil, "/shop"}, // /shop itself would not get it
		{"Cookie.Path", goaltrack.Cookie{Path: "shop"}, nil, "/shop"},
		{"Cookie.Path", goaltrack.Cookie{Path: "/; HttpOnly"}, nil, ""},
		{"Cookie.Path", goaltrack.Cookie{Path: "/a b"}, nil, "/a b"},
		{"Cookie.Path", goaltrack.Cookie{Path: "/a\r\nX: 1"}, nil, ""},
		{"Cookie.MaxAge", goaltrack.Cookie{MaxAge: time.Millisecond}, nil, ""},
		{"Cookie.MaxAge", goaltrack.Cookie{MaxAge: -time.Hour}, nil, ""},
		{"", goaltrack.Cookie{Wait: 10 * time.Second}, nil, ""},
		{"Cookie.Wait", goaltrack.Cookie{Wait: time.Minute}, nil, ""},
		{"Cookie.Wait", goaltrack.Cookie{Wait: -1}, nil, ""},
	} {
		c := workingConfig()
		c.DryRun, c.Cookie = true, tc.cookie
		c.Sites[0].Hosts, c.Sites[0].PathPrefix = tc.hosts, tc.prefix
		_, err := goaltrack.New(c)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%+v, hosts %v, prefix %q: %v, want a fault of %q", tc.cookie, tc.hosts, tc.prefix, err, tc.want)
		}
	}
}

// suffixes is a list of public suffixes with one entry.
type suffixes [1]string

func (s suffixes) PublicSuffix(domain string) string {
	if strings.HasSuffix("."+domain, "."+s[0]) {
		return s[0]
	}
	return domain[strings.LastIndexByte(domain, '.')+1:]
}

func (suffixes) String() string { return "of a test" }
