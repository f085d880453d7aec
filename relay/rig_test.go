package relay_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/relay"
)

const (
	contextID = "ctx-1234"
	siteName  = "shop"
	ours      = world.Known
	theirs    = "99999999-2222-4333-8444-555555555555"
)

// road is a site with a relay, the CDP behind it, and what arrived there beside the calls of
// the stream API.
type road struct {
	*world.World
	relay *relay.Relay
	edge  bool

	mu     sync.Mutex
	passed []*http.Request // to personalize, search and cdn-url
	bodies []string
	answer http.HandlerFunc // to these
}

type setup struct {
	edge    bool
	rules   string
	options relay.Options
	config  func(*goaltrack.Config)
	log     io.Writer
	mount   func(*road, *goaltrack.Tracker) http.Handler
	cold    bool // no ID is ready
	hurried bool // what takes time takes no more than it does for users
}

// hangs ends what would never end.
const hangs = 10 * time.Minute

// open starts a road. It ends with the test.
func open(t *testing.T, s setup) *road {
	t.Helper()
	rd := &road{edge: s.edge, answer: func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) }}
	upstream := httptest.NewUnstartedServer(nil)
	t.Cleanup(upstream.Close)
	rd.World = world.Setup{
		Rules: s.rules, Log: s.log,
		Mount: func(tracker *goaltrack.Tracker) http.Handler {
			if s.options.Timeout == 0 {
				s.options.Timeout = hangs
			}
			var err error
			if rd.relay, err = relay.New(tracker, s.options); err != nil {
				t.Fatal(err)
			}
			if !s.hurried {
				rd.relay.Unhurried(hangs)
			}
			if s.mount != nil {
				return s.mount(rd, tracker)
			}
			mux := http.NewServeMux()
			mux.Handle(relay.Path+"/", rd.relay)
			mux.Handle("/", tracker.Handler(world.Shop()))
			return mux
		},
		Config: func(c *goaltrack.Config, s0 *cdptest.Server) {
			upstream.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/v1.2/") {
					s0.ServeHTTP(w, r)
					return
				}
				body, _ := io.ReadAll(r.Body)
				r.Body = io.NopCloser(bytes.NewReader(body))
				rd.mu.Lock()
				rd.passed, rd.bodies = append(rd.passed, r), append(rd.bodies, string(body))
				answer := rd.answer
				rd.mu.Unlock()
				answer(w, r)
			})
			upstream.Start()
			c.Sites[0].CDP = cdp.Direct{BaseURL: upstream.URL, ClientKey: cdptest.TestClientKey, PointOfSale: cdptest.TestPointOfSale}
			if s.edge {
				c.Sites[0].CDP = cdp.Edge{BaseURL: upstream.URL, ContextID: contextID, SiteName: siteName}
			}
			if s.cold {
				c.Cookie.Warm = -1
			}
			if s.config != nil {
				s.config(c)
			}
		},
	}.Start(t)
	return rd
}

// browser is a visitor whose scripts ask the relay.
func (rd *road) browser() *world.Visitor {
	v := rd.Visitor()
	v.Header = http.Header{
		"User-Agent": {world.Chrome}, "Accept": {"*/*"}, "Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"},
		"Referer": {rd.Site.URL + "/products/42"},
	}
	return v
}

// known is one that the CDP knows as well.
func (rd *road) known() *world.Visitor {
	rd.CDP.Know(ours)
	v := rd.browser()
	v.Header.Set("Cookie", rd.cookie()+"="+ours+"; session=SECRET")
	v.Header.Set("Authorization", "Basic SECRET")
	return v
}

func (rd *road) cookie() string {
	if rd.edge {
		return "sc_cid"
	}
	return "bid_" + cdptest.TestClientKey
}

// url is the address of a call.
func (rd *road) url(what string) string {
	switch key := cdptest.TestClientKey; {
	case what == "create" && rd.edge:
		return relay.Path + "/v1/events/v1.2/browser/create.json?sitecoreContextId=" + contextID + "&client_key="
	case what == "create":
		return relay.Path + "/v1.2/browser/create.json?client_key=" + key + "&message={}"
	case what == "events" && rd.edge:
		return relay.Path + "/v1/events/v1.2/events?sitecoreContextId=" + contextID + "&siteId=" + siteName
	case what == "events":
		return relay.Path + "/v1.2/events"
	case what == "personalize" && rd.edge:
		return relay.Path + "/v1/personalize?sitecoreContextId=" + contextID + "&siteId=" + siteName
	case what == "personalize":
		return relay.Path + "/v2/callFlows"
	case what == "cdn-url":
		return relay.Path + "/v1/personalize/cdn-url?sitecoreContextId=" + contextID + "&client_key="
	case what == "search":
		return relay.Path + "/v1/search?sitecoreContextId=" + contextID
	case rd.edge: // show, of an ID
		return relay.Path + "/v1/events/v1.2/browser/" + what + "/show.json?sitecoreContextId=" + contextID + "&client_key=&api_token="
	default:
		return relay.Path + "/v1.2/browser/" + what + "/show.json?client_key=" + key + "&api_token=" + key
	}
}

// say is the body of an event of that type.
func (rd *road) say(typ, id string, more ...string) string {
	key, pos := cdptest.TestClientKey, cdptest.TestPointOfSale
	if rd.edge {
		key, pos = "", ""
	}
	extra := ""
	if rd.edge {
		extra = `,"requested_at":"2026-11-23T10:15:30.123Z"`
	}
	if len(more) > 0 {
		extra += "," + strings.Join(more, ",")
	}
	return `{"type":"` + typ + `","browser_id":"` + id + `","channel":"WEB","client_key":"` + key + `","currency":"EUR","language":"EN","page":"product","pos":"` + pos + `"` + extra + `}`
}

// post sends JSON.
func post(v *world.Visitor, path, body string, header ...string) *http.Response {
	v.World.Helper()
	return v.Do(http.MethodPost, path, body, append([]string{"Content-Type", "application/json", "Origin", v.World.Site.URL}, header...)...)
}

func bodyOf(t *testing.T, res *http.Response) map[string]any {
	t.Helper()
	text, _ := io.ReadAll(res.Body)
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%d %q: %v", res.StatusCode, text, err)
	}
	return m
}

func (rd *road) answers(h http.HandlerFunc) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	rd.answer = h
}

func (rd *road) asked() ([]*http.Request, []string) {
	rd.mu.Lock()
	defer rd.mu.Unlock()
	return rd.passed, rd.bodies
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
