package relay_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
	"github.com/goaltrack/goaltrack/relay"
)

func bothEdges(t *testing.T, run func(t *testing.T, edge bool)) {
	t.Helper()
	t.Run("direct", func(t *testing.T) { run(t, false) })
	t.Run("edge", func(t *testing.T) { run(t, true) })
}

// TestEvent: an event is answered as the CDP answers, and arrives with all that the script
// said, an ID of its own, the visitor's user agent, and nothing that is the site's alone.
func TestEvent(t *testing.T) {
	bothEdges(t, func(t *testing.T, edge bool) {
		rd := open(t, setup{edge: edge})
		v := rd.known()
		body := rd.say("CONTACT_FORM_SENT", ours, `"product_id":"42"`, `"ext":{"goal":"contact","deep_x_y":"z","umlaut":"\u00fc ü"}`)
		res := post(v, rd.url("events"), body, "X-Library-Version", "1.4.3", "X-Client-Software-ID", "@sitecore/x 1")
		got := bodyOf(t, res)
		if res.StatusCode != http.StatusCreated || got["status"] != "OK" || got["version"] != "1.2" || !cdp.ValidBrowserID(fmt.Sprint(got["ref"])) {
			t.Errorf("%d %v", res.StatusCode, got)
		}
		if want := map[bool]string{false: cdptest.TestClientKey}[edge]; got["client_key"] != want {
			t.Errorf("client_key %q, want %q", got["client_key"], want)
		}
		if res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("Set-Cookie") != "" {
			t.Errorf("header %v", res.Header)
		}
		rd.Flush()
		e := rd.CDP.Events()[0]
		if e.BrowserID != ours || e.Ext["goal"] != "contact" || e.Ext["umlaut"] != "ü ü" || e.Body["product_id"] != "42" || e.Ext["eventId"] == nil {
			t.Errorf("it arrived as %s", e.Raw)
		}
		if e.Header.Get("User-Agent") != world.Chrome {
			t.Errorf("user agent %q", e.Header.Get("User-Agent"))
		}
		for _, name := range []string{"Cookie", "Authorization", "Referer", "Origin", "X-Forwarded-For"} {
			if e.Header[name] != nil {
				t.Errorf("%s passed: %q", name, e.Header[name])
			}
		}
		if edge && e.Body["requested_at"] != "2026-11-23T10:15:30.123Z" {
			t.Errorf("requested_at is %v", e.Body["requested_at"])
		}
		if got := rd.Fates("relayed"); got != "fired 1" {
			t.Errorf("the ledger says %s", got)
		}
	})
}

// TestEventWithForeignIDIsRefused: a script may say the visitor's own ID, or none. Another one's is refused.
func TestEventWithForeignIDIsRefused(t *testing.T) {
	rd := open(t, setup{})
	for _, tc := range []struct {
		says   string
		status int
	}{
		{ours, 201}, {"", 201}, {"undefined", 201}, {"anonymous", 201}, {theirs, 400},
	} {
		res := post(rd.known(), rd.url("events"), rd.say("CLICKED", tc.says, `"page2":"`+tc.says+`"`))
		if res.StatusCode != tc.status {
			t.Errorf("%q: %d, want %d", tc.says, res.StatusCode, tc.status)
		}
	}
	rd.Flush()
	for _, e := range rd.CDP.Events() {
		if e.BrowserID != ours {
			t.Errorf("it arrived as %s", e.Raw)
		}
	}
	if n := len(rd.CDP.Events()); n != 4 {
		t.Errorf("%d events arrived", n)
	}
	if n := rd.Note("relay_foreign_id"); n != 1 {
		t.Errorf("relay_foreign_id %d", n)
	}
}

// TestCreate: a visitor gets an ID that is ready, or their own, and their events are theirs
// also while no cookie comes back.
func TestCreate(t *testing.T) {
	bothEdges(t, func(t *testing.T, edge bool) {
		rd := open(t, setup{edge: edge})
		v := rd.browser()
		res := v.Get(rd.url("create"))
		made := bodyOf(t, res)
		id := fmt.Sprint(made["ref"])
		if res.StatusCode != http.StatusOK || made["status"] != "OK" || !cdp.ValidBrowserID(id) || !cdp.ValidBrowserID(fmt.Sprint(made["customer_ref"])) {
			t.Fatalf("%d %v", res.StatusCode, made)
		}
		if got := bodyOf(t, rd.known().Get(rd.url("create"))); got["ref"] != ours {
			t.Errorf("whoever has an ID gets %v", got)
		}
		if res := post(v, rd.url("events"), rd.say("CLICKED", id)); res.StatusCode != http.StatusCreated {
			t.Errorf("an event without a cookie: %d", res.StatusCode)
		}
		shown := bodyOf(t, v.Get(rd.url(id)))
		if customer, _ := shown["customer"].(map[string]any); customer["ref"] != made["customer_ref"] || shown["ref"] != id {
			t.Errorf("show.json says %v, create.json said %v", shown, made)
		}
		rd.Flush()
		if e := rd.CDP.Events(); len(e) != 1 || e[0].BrowserID != id {
			t.Errorf("%v arrived", e)
		}
		for _, r := range rd.CDP.Requests() {
			if r.Kind == cdptest.Shows {
				t.Error("the CDP was asked for a guest that is known")
			}
		}
	})
}

// TestShow: the guest of an ID that this process did not make is asked for once.
func TestShow(t *testing.T) {
	bothEdges(t, func(t *testing.T, edge bool) {
		rd := open(t, setup{edge: edge})
		for range 2 {
			res := rd.known().Get(rd.url(ours))
			got := bodyOf(t, res)
			if customer, _ := got["customer"].(map[string]any); res.StatusCode != http.StatusOK || !cdp.ValidBrowserID(fmt.Sprint(customer["ref"])) {
				t.Errorf("%d %v", res.StatusCode, got)
			}
		}
		asked := 0
		for _, r := range rd.CDP.Requests() {
			if r.Kind == cdptest.Shows {
				asked++
			}
		}
		if asked != 1 {
			t.Errorf("the CDP was asked %d times", asked)
		}
		if res := rd.known().Get(rd.url(theirs)); res.StatusCode != http.StatusBadRequest {
			t.Errorf("another one's guest: %d", res.StatusCode)
		}
	})
}

// TestRefusals: whatever is not what an SDK sends is refused by name, with JSON, and nothing
// of it reaches the CDP, the site or a rule.
func TestRefusals(t *testing.T) {
	rules := "{version: 1, goals: [{goal: ANY_SENT, submit: '/**', success: 2xx}]}"
	direct, edge := open(t, setup{rules: rules}), open(t, setup{edge: true, rules: rules})
	key, pos := cdptest.TestClientKey, cdptest.TestPointOfSale
	get, send := http.MethodGet, http.MethodPost
	good, goodEdge := direct.say("CLICKED", ours), edge.say("CLICKED", ours)
	for _, tc := range []struct {
		name         string
		edge         bool
		method, path string
		body         string
		header       []string
		reason       string
		status       int
	}{
		{"another path", false, get, relay.Path + "/", "", nil, "relay_path", 404},
		{"a page of the site", false, get, relay.Path + "/index.html", "", nil, "relay_path", 404},
		{"a guest of no ID", false, get, relay.Path + "/v1.2/browser/undefined/show.json?client_key=" + key, "", nil, "relay_path", 404},
		{"the REST API", false, get, relay.Path + "/v2.1/guests/" + ours, "", nil, "relay_path", 404},
		{"an event by GET", false, get, direct.url("events"), "", nil, "relay_method", 405},
		{"an ID by POST", false, send, direct.url("create"), "{}", nil, "relay_method", 405},
		{"a preflight", false, http.MethodOptions, direct.url("events"), "", nil, "relay_method", 405},
		{"another site's script", false, send, direct.url("events"), good, []string{"Sec-Fetch-Site", "cross-site"}, "relay_origin", 403},
		{"another host of the site", false, send, direct.url("events"), good, []string{"Sec-Fetch-Site", "same-site"}, "relay_origin", 403},
		{"an address that was typed", false, get, direct.url("create"), "", []string{"Sec-Fetch-Site", "none"}, "relay_origin", 403},
		{"an old browser on another site", false, send, direct.url("events"), good, []string{"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, "relay_origin", 403},
		{"no origin at all", false, send, direct.url("events"), good, []string{"Sec-Fetch-Site", "", "Origin", ""}, "relay_origin", 403},
		{"the origin null", false, send, direct.url("events"), good, []string{"Sec-Fetch-Site", "", "Origin", "null"}, "relay_origin", 403},
		{"an ID for another page", false, get, direct.url("create"), "", []string{"Sec-Fetch-Site", "", "Referer", "https://evil.example/"}, "relay_origin", 403},
		{"text", false, send, direct.url("events"), good, []string{"Content-Type", "text/plain"}, "relay_type", 415},
		{"a form", false, send, direct.url("events"), good, []string{"Content-Type", "application/x-www-form-urlencoded"}, "relay_type", 415},
		{"packed", false, send, direct.url("events"), good, []string{"Content-Encoding", "gzip"}, "relay_type", 415},
		{"Latin-1", false, send, direct.url("events"), good, []string{"Content-Type", "application/json; charset=latin1"}, "relay_type", 415},
		{"too large", false, send, direct.url("events"), `{"type":"` + strings.Repeat("x", 40<<10) + `"}`, nil, "relay_too_large", 413},
		{"no JSON", false, send, direct.url("events"), good[:len(good)-1], nil, "relay_body", 400},
		{"more than one", false, send, direct.url("events"), good + good, nil, "relay_body", 400},
		{"a list", false, send, direct.url("events"), "[" + good + "]", nil, "relay_body", 400},
		{"null", false, send, direct.url("events"), "null", nil, "relay_body", 400},
		{"nothing", false, send, direct.url("events"), " ", nil, "relay_body", 400},
		{"no UTF-8", false, send, direct.url("events"), strings.Replace(good, "product", "\xff", 1), nil, "relay_body", 400},
		{"no type", false, send, direct.url("events"), direct.say("", ours), nil, "relay_body", 400},
		{"a type that is a number", false, send, direct.url("events"), strings.Replace(good, `"CLICKED"`, "7", 1), nil, "relay_body", 400},
		{"a long type", false, send, direct.url("events"), direct.say(strings.Repeat("A", 201), ours), nil, "relay_body", 400},
		{"two IDs", false, send, direct.url("events"), direct.say("CLICKED", ours, `"browser_id":"`+theirs+`"`), nil, "relay_body", 400},
		{"a second ID, escaped", false, send, direct.url("events"), direct.say("CLICKED", ours, `"browser\u005fid":"`+theirs+`"`), nil, "relay_body", 400},
		{"a second ID, in capitals", false, send, direct.url("events"), direct.say("CLICKED", ours, `"Browser_ID":"`+theirs+`"`), nil, "relay_body", 400},
		{"an ID in capitals alone", false, send, direct.url("events"), strings.Replace(good, "browser_id", "BROWSER_ID", 1), nil, "relay_body", 400},
		{"two types", false, send, direct.url("events"), direct.say("CLICKED", ours, `"TYPE":"IDENTITY"`), nil, "relay_body", 400},
		{"ext is a list", false, send, direct.url("events"), direct.say("CLICKED", ours, `"ext":[1]`), nil, "relay_body", 400},
		{"ext twice", false, send, direct.url("events"), direct.say("CLICKED", ours, `"ext":{"a":1}`, `"ext":{"a":2}`), nil, "relay_body", 400},
		{"an attribute twice", false, send, direct.url("events"), direct.say("CLICKED", ours, `"ext":{"a":1,"a":2}`), nil, "relay_body", 400},
		{"many members", false, send, direct.url("events"), direct.say("CLICKED", ours, many(200)...), nil, "relay_body", 400},
		{"another tenant", false, send, direct.url("events"), strings.Replace(good, key, "other", 1), nil, "relay_site", 403},
		{"no tenant", false, send, direct.url("events"), strings.Replace(good, key, "", 1), nil, "relay_site", 403},
		{"a tenant that is a number", true, send, edge.url("events"), strings.Replace(goodEdge, `"client_key":""`, `"client_key":7`, 1), nil, "relay_site", 403},
		{"another tenant through the edge", true, send, edge.url("events"), strings.Replace(goodEdge, `"client_key":""`, `"client_key":"other"`, 1), nil, "relay_site", 403},
		{"another point of sale", false, send, direct.url("events"), strings.Replace(good, `"pos":"`+pos, `"pos":"other`, 1), nil, "relay_site", 403},
		{"a point of sale that is a list", false, send, direct.url("events"), strings.Replace(good, `"pos":"`+pos+`"`, `"pos":["`+pos+`"]`, 1), nil, "relay_site", 403},
		{"an ID of another tenant", false, get, relay.Path + "/v1.2/browser/create.json?client_key=other", "", nil, "relay_site", 403},
		{"an ID of the edge", false, get, edge.url("create"), "", nil, "relay_site", 403},
		{"a guest of another tenant", false, get, relay.Path + "/v1.2/browser/" + ours + "/show.json?client_key=other&api_token=other", "", nil, "relay_site", 403},
		{"a flow of another tenant", false, send, direct.url("personalize"), `{"clientKey":"other","browserId":"` + ours + `"}`, nil, "relay_site", 403},
		{"a flow of another point of sale", false, send, direct.url("personalize"), `{"clientKey":"` + key + `","pointOfSale":"other"}`, nil, "relay_site", 403},
		{"a flow of another point of sale, in capitals", false, send, direct.url("personalize"), `{"clientKey":"` + key + `","PointOfSale":"other"}`, nil, "relay_body", 400},
		{"a flow of another tenant through the edge", true, send, edge.url("personalize"), `{"clientKey":"other","browserId":"` + ours + `"}`, nil, "relay_site", 403},
		{"an ID of another tenant through the edge", true, get, edge.url("create") + "other", "", nil, "relay_site", 403},
		{"another one's event", false, send, direct.url("events"), direct.say("CLICKED", theirs), nil, "relay_foreign_id", 400},
		{"another one's flow", false, send, direct.url("personalize"), `{"clientKey":"` + key + `","browserId":"` + theirs + `"}`, nil, "relay_foreign_id", 400},
		{"another one's flow, in capitals", false, send, direct.url("personalize"), `{"clientKey":"` + key + `","BrowserId":"` + theirs + `"}`, nil, "relay_foreign_id", 400},
		{"a flow that is no JSON", false, send, direct.url("personalize"), `{"clientKey`, nil, "relay_body", 400},
		{"another context", true, send, relay.Path + "/v1/events/v1.2/events?sitecoreContextId=other&siteId=" + siteName, goodEdge, nil, "relay_site", 403},
		{"another site", true, send, relay.Path + "/v1/events/v1.2/events?sitecoreContextId=" + contextID + "&siteId=other", goodEdge, nil, "relay_site", 403},
		{"no site", true, send, relay.Path + "/v1/events/v1.2/events?sitecoreContextId=" + contextID, goodEdge, nil, "relay_site", 403},
		{"two contexts", true, send, edge.url("events"), goodEdge, []string{"X-Sitecore-ContextId", "other"}, "relay_site", 403},
		{"a search elsewhere", true, send, relay.Path + "/v1/search?sitecoreContextId=other", "{}", nil, "relay_site", 403},
		{"a search that is no JSON", true, send, edge.url("search"), "{", nil, "relay_body", 400},
		{"a script's address elsewhere", true, get, relay.Path + "/v1/personalize/cdn-url?sitecoreContextId=other", "", nil, "relay_site", 403},
		{"a direct event on the edge", true, send, direct.url("events"), good, nil, "relay_site", 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rd := direct
			if tc.edge {
				rd = edge
			}
			v := rd.known()
			v.World = &world.World{T: t, CDP: rd.CDP, Tracker: rd.Tracker, Site: rd.Site}
			before := rd.Note(tc.reason)
			var res *http.Response
			if tc.method == send {
				res = post(v, tc.path, tc.body, tc.header...)
			} else {
				res = v.Do(tc.method, tc.path, "", tc.header...)
			}
			got := bodyOf(t, res)
			if res.StatusCode != tc.status || got["error_msg"] != tc.reason {
				t.Errorf("%d %v, want %d %s", res.StatusCode, got, tc.status, tc.reason)
			}
			if n := rd.Note(tc.reason) - before; n != 1 {
				t.Errorf("%s was counted %d times", tc.reason, n)
			}
		})
	}
	for _, rd := range []*road{direct, edge} {
		if passed, _ := rd.asked(); len(passed) > 0 {
			t.Errorf("%s %s reached the CDP", passed[0].Method, passed[0].URL)
		}
		rd.Flush()
		if e := rd.CDP.Events(); len(e) > 0 {
			t.Errorf("it arrived: %s", e[0].Raw)
		}
		if got := rd.Fates("ANY_SENT"); got != "none" {
			t.Errorf("ANY_SENT: %s", got)
		}
	}
}

func many(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf(`"m%d":1`, i))
	}
	return list
}

// TestOldBrowser: a browser that says no more than its origin is heard, whatever a proxy calls
// the host.
func TestOldBrowser(t *testing.T) {
	rd := open(t, setup{})
	for host, origin := range map[string]string{
		"shop.example": "https://shop.example", "shop.example:443": "https://shop.example", "shop.example.": "https://SHOP.example", "[::1]:8080": "http://[::1]:8080",
		"müller.example": "https://xn--mller-kva.example",
	} {
		res := post(rd.known(), rd.url("events"), rd.say("CLICKED", ours), "Sec-Fetch-Site", "", "Host", host, "Origin", origin)
		if res.StatusCode != http.StatusCreated {
			t.Errorf("%s, of %s: %d", host, origin, res.StatusCode)
		}
	}
}

// TestNobodyWhoMayNotBeCounted: nothing of them is sent, they get no ID, and their scripts go
// on quietly.
func TestNobodyWhoMayNotBeCounted(t *testing.T) {
	bothEdges(t, func(t *testing.T, edge bool) {
		rd := open(t, setup{edge: edge, config: func(c *goaltrack.Config) {
			c.Consent = goaltrack.ConsentCookie("consent", "yes")
		}})
		for _, tc := range []struct {
			reason string
			header []string
		}{
			{"consent_unknown", nil},
			{"opt_out", []string{"Cookie", "consent=yes; gt_optout=1"}},
			{"gpc", []string{"Cookie", "consent=yes", "Sec-Gpc", "1"}},
			{"bot", []string{"Cookie", "consent=yes", "User-Agent", "Googlebot/2.1"}},
			{"editor", []string{"Cookie", "consent=yes", "Referer", rd.Site.URL + "/products/42?sc_mode=edit"}},
			{"editor", []string{"Cookie", "consent=yes", "Referer", rd.Site.URL + "/sitecore/shell"}},
		} {
			v, name := rd.browser(), tc.reason
			v.World = rd.World
			v.Header.Set("Cookie", rd.cookie()+"="+ours)
			header := slices.Clone(tc.header)
			if res := post(v, rd.url("events"), rd.say("CLICKED", ours, `"page2":"`+name+`"`), header...); res.StatusCode != http.StatusCreated || bodyOf(t, res)["status"] != "OK" {
				t.Errorf("%s: an event is answered %d", name, res.StatusCode)
			}
			calls := []string{"create", ours}
			if edge {
				calls = append(calls, "cdn-url")
			}
			for _, call := range calls {
				res := v.Get(rd.url(call), header...)
				if got := bodyOf(t, res); res.StatusCode != http.StatusForbidden || got["ref"] != nil || got["error_msg"] != tc.reason || res.Header.Get("Set-Cookie") != "" {
					t.Errorf("%s: %s is answered %d %v", name, call, res.StatusCode, got)
				}
			}
			if res := post(v, rd.url("personalize"), `{"clientKey":"`+map[bool]string{false: cdptest.TestClientKey}[edge]+`","browserId":"`+ours+`"}`, header...); res.StatusCode != http.StatusForbidden {
				t.Errorf("%s: personalize is answered %d", name, res.StatusCode)
			}
			if edge {
				if res := post(v, rd.url("search"), `{}`, header...); res.StatusCode != http.StatusForbidden {
					t.Errorf("%s: search is answered %d", name, res.StatusCode)
				}
			}
		}
		rd.Flush()
		if passed, _ := rd.asked(); len(rd.CDP.Events())+len(passed) > 0 {
			t.Errorf("%v, %v arrived", rd.CDP.Events(), passed)
		}
		if got, want := rd.Fates("relayed"), "bot 1, consent_unknown 1, editor 2, gpc 1, opt_out 1"; got != want {
			t.Errorf("the ledger says %s, want %s", got, want)
		}
	})
}

// TestPrerendered: the script of a page that nobody looks at yet gets its ID, which it asks
// for once. Its page view is not sent.
func TestPrerendered(t *testing.T) {
	rd := open(t, setup{})
	v := rd.browser()
	id := fmt.Sprint(bodyOf(t, v.Get(rd.url("create"), "Sec-Purpose", "prefetch;prerender"))["ref"])
	if !cdp.ValidBrowserID(id) {
		t.Errorf("the ID is %q", id)
	}
	if res := post(v, rd.url("events"), rd.say("VIEW", id), "Sec-Purpose", "prefetch;prerender"); res.StatusCode != http.StatusCreated {
		t.Errorf("status %d", res.StatusCode)
	}
	rd.Flush()
	if got := rd.Fates("relayed"); got != "prefetch 1" {
		t.Errorf("the ledger says %s", got)
	}
}

// TestMounts: the relay works stripped and not, and inside of the tracker's handler.
func TestMounts(t *testing.T) {
	rules := "{version: 1, goals: [{goal: ANY_SENT, submit: '/**', success: 2xx}]}"
	for name, mount := range map[string]func(*road, *goaltrack.Tracker) http.Handler{
		"as it is": func(rd *road, _ *goaltrack.Tracker) http.Handler { return rd.relay },
		"stripped": func(rd *road, _ *goaltrack.Tracker) http.Handler { return http.StripPrefix(relay.Path, rd.relay) },
		"inside": func(rd *road, tracker *goaltrack.Tracker) http.Handler {
			mux := http.NewServeMux()
			mux.Handle(relay.Path+"/", rd.relay)
			mux.Handle("/", world.Shop())
			return tracker.Handler(mux)
		},
	} {
		t.Run(name, func(t *testing.T) {
			rd := open(t, setup{rules: rules, mount: mount})
			if res := post(rd.known(), rd.url("events"), rd.say("CLICKED", ours)); res.StatusCode != http.StatusCreated {
				t.Errorf("status %d", res.StatusCode)
			}
			rd.Done()
			rd.CDP.Expect(t, "CLICKED").From(ours).Once()
			rd.CDP.Expect(t, "ANY_SENT").Never()
		})
	}
}

// TestNew: every fault of the options is named at once.
func TestNew(t *testing.T) {
	_, err := relay.New(nil, relay.Options{Path: "r/", Timeout: -1})
	for _, want := range []string{"tracker", "Path", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

// TestReasons: every reason has a name, a status and a text, and stands in the page.
func TestReasons(t *testing.T) {
	page := readFile(t, "../docs/relay.md")
	for _, r := range relay.Reasons() {
		if !strings.HasPrefix(r.Name, "relay_") || r.Status < 200 || r.Text == "" {
			t.Errorf("%+v", r)
		}
		if !strings.Contains(page, fmt.Sprintf("| `%s` | %d |", r.Name, r.Status)) {
			t.Errorf("docs/relay.md has no row for %s with %d", r.Name, r.Status)
		}
	}
	if n := strings.Count(page, "| `relay_"); n != len(relay.Reasons()) {
		t.Errorf("docs/relay.md has %d rows, and there are %d reasons", n, len(relay.Reasons()))
	}
}

func drainBody(res *http.Response) string {
	text, _ := io.ReadAll(res.Body)
	return string(text)
}
