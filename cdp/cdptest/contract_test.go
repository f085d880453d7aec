package cdptest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

const (
	direct = "/v1.2/events"
	edge   = "/v1/events/v1.2/events?sitecoreContextId=test-context&siteId=shop"
)

func numbered(n int) string {
	var members []string
	for i := range n {
		members = append(members, fmt.Sprintf(`"a%d":%d`, i, i))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// paid is the least that an order says.
const paid = `{"referenceId":"7","orderedAt":"2025-08-23T16:17:16.000Z","status":"PURCHASED","currencyCode":"EUR","price":1,"paymentType":"Other"}`

// added is a product as the page "ADD event" has it.
const added = `{"type":"BET","item_id":"EXACT_90","name":"Exact score","orderedAt":"2025-08-23T16:17:16.000Z","quantity":1,"price":100.00,` +
	`"productId":"CORRECT_SCORE","currency":"EUR","originalPrice":100.00,"originalCurrencyCode":"EUR","referenceId":"BET_001-1"}`

// TestStandardBodies: what a standard event holds is checked by the page of its type.
func TestStandardBodies(t *testing.T) {
	s := start(t, cdptest.Options{ClientKeys: []string{"test-key"}})
	order := func(replace ...string) string { return strings.NewReplacer(replace...).Replace(paid) }
	product := func(replace ...string) string { return strings.NewReplacer(replace...).Replace(added) }
	flight := []string{"type", `"SEARCH"`, "product_name", `"DUB-LON"`, "product_type", `"FLIGHT"`, "flight_type", `"OW"`, "origin", `"DUB"`, "destination", `"LON"`, "start", `"2025-08-21T16:17"`, "adults", "1", "children", "0", "infants", "0"}
	for _, test := range []struct {
		name, body, says string // "" is accepted
	}{
		{"ADD", event("type", `"ADD"`, "product", product()), ""},
		{"ADD without", event("type", `"ADD"`), "needs product"},
		{"ADD of a list", event("type", `"ADD"`, "product", "["+added+"]"), "product must be an object, this is array"},
		{"ADD without item", event("type", `"ADD"`, "product", product(`"item_id":"EXACT_90",`, "")), "needs item_id"},
		{"ADD with a price in quotes", event("type", `"ADD"`, "product", product(`"price":100.00`, `"price":"100.00"`)), "price must be a number, this is string"},
		{"ADD at a local time", event("type", `"ADD"`, "product", product("16.000Z", "16+01:00")), "orderedAt must be a time in UTC"},
		{"ADD of a type in lower case", event("type", `"ADD"`, "product", product("BET", "Bet")), "type must be in upper case"},
		{"CONFIRM", event("type", `"CONFIRM"`, "product", `[{"item_id":"a"},{"item_id":"b"}]`), ""},
		{"CONFIRM of an object", event("type", `"CONFIRM"`, "product", `{"item_id":"a"}`), "must be a list"},
		{"CONFIRM of texts", event("type", `"CONFIRM"`, "product", `["a"]`), "product [0] must be an object"},
		{"ADD_CONTACTS", event("type", `"ADD_CONTACTS"`, "contact", `[{"identifiers":[{"id":"a","provider":"email","expiry_date":"2025-04-15T08:39:44.868Z"}],"street":["1"]}]`), ""},
		{"ADD_CONTACTS with half of an identifier", event("type", `"ADD_CONTACTS"`, "contact", `[{"identifiers":[{"id":"a"}]}]`), "needs provider"},
		{"ADD_CONSUMERS", event("type", `"ADD_CONSUMERS"`, "consumer", `[{"title":"Ms","firstname":"A","lastname":"L"}]`), ""},
		{"ADD_CONSUMERS without a title", event("type", `"ADD_CONSUMERS"`, "consumer", `[{"firstname":"A","lastname":"L"}]`), "needs title"},
		{"PAYMENT", event("type", `"PAYMENT"`, "pay_type", `"Card"`), ""},
		{"PAYMENT in lower case", event("type", `"PAYMENT"`, "pay_type", `"card"`), "pay_type must be one of"},
		{"CHECKOUT", event("type", `"CHECKOUT"`, "reference_id", `"ABC123"`, "status", `"PURCHASED"`), ""},
		{"CHECKOUT without a status", event("type", `"CHECKOUT"`, "reference_id", `"ABC123"`), "needs status"},
		{"SEARCH", event("type", `"SEARCH"`, "product_name", `"tea"`, "product_type", `"TEA"`), ""},
		{"SEARCH without", event("type", `"SEARCH"`, "product_name", `"tea"`), "needs product_type"},
		{"SEARCH for a flight", event(flight...), ""},
		{"SEARCH for a flight from nowhere", event(append(flight, "origin", "")...), "needs origin for a FLIGHT"},
		{"SEARCH for half a child", event(append(flight, "children", "0.5")...), "children must be a whole number"},
		{"FORM", event("type", `"FORM"`, "ext", `{"formId":"f","interactionType":"SUBMITTED"}`), ""},
		{"FORM without an interaction", event("type", `"FORM"`, "ext", `{"formId":"f"}`), "needs interactionType"},
		{"ORDER_CHECKOUT with an item", event("type", `"ORDER_CHECKOUT"`, "order", order("}", `,"orderItems":[{"type":"TEA"}]}`)), ""},
		{"ORDER_CHECKOUT with an empty list", event("type", `"ORDER_CHECKOUT"`, "order", order("}", `,"orderItems":[]}`)), "orderItems must be a list of at least one"},
		{"ORDER_CHECKOUT by card", event("type", `"ORDER_CHECKOUT"`, "order", order("Other", "Card")), "needs cardType with Card"},
		{"ORDER_CHECKOUT confirmed", event("type", `"ORDER_CHECKOUT"`, "order", order("PURCHASED", "CONFIRMED")), "status must be one of"},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := call(t, "POST", s.URL+direct, test.body)
			if test.says == "" && g.status != http.StatusCreated || test.says != "" && (g.status != http.StatusBadRequest || !strings.Contains(g.text, test.says)) {
				t.Errorf("answered %d %s", g.status, g.text)
			}
		})
	}
}

func TestAcceptedEvents(t *testing.T) {
	s := start(t, cdptest.Options{
		ClientKeys: []string{"test-key"}, PointsOfSale: []string{"shop"},
		ContextIDs: []string{"test-context"}, SiteNames: []string{"shop"},
	})
	inURL := "/v1.2/event/create.json?client_key=test-key&message="
	for _, test := range []struct {
		name, method, target, body string
		header                     []string
	}{
		{"direct POST", "POST", direct, event(), nil},
		{"with charset", "POST", direct, event(), []string{"Content-Type", `application/json; charset="UTF-8"`}},
		{"with ext", "POST", direct, event("ext", `{"topic":"sales","pages":12,"vip":false}`), nil},
		{"ext empty", "POST", direct, event("ext", `{}`), nil},
		{"ext full", "POST", direct, event("ext", numbered(50), "type", `"FULL"`), nil},
		{"ext flattened by an SDK", "POST", direct, event("ext", `{"deep_x_y":"z"}`), nil},
		{"site in the type", "POST", direct, event("type", `"ACME:BROCHURE_REQUESTED"`), nil},
		{"site in the type, as documented", "POST", direct, event("type", `"shop:BROCHURE_REQUESTED"`), nil},
		{"only what a 400 asks for", "POST", direct, event("page", "", "channel", "", "language", "", "currency", ""), nil},
		{"base attributes null", "POST", direct, event("page", `null`), nil},
		{"attributes beside the base", "POST", direct, event("product_id", `"42"`, "utm_source", `"news"`), nil},
		{"IDENTITY", "POST", direct, event("type", `"IDENTITY"`, "identifiers", `[{"id":"a","provider":"email"}]`), nil},
		{"ORDER_CHECKOUT", "POST", direct, event("type", `"ORDER_CHECKOUT"`, "order", paid), nil},
		{"the documented GET", "GET", inURL + url.QueryEscape(event("client_key", "")), "", nil},
		{"edge, context in the query", "POST", edge, event("client_key", `""`, "pos", `""`), nil},
		{
			"edge, context in the header", "POST", "/v1/events/v1.2/events?siteId=shop", event("client_key", `""`, "pos", `""`),
			[]string{"x-sitecore-contextid", "test-context"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(s.Events())
			g := call(t, test.method, s.URL+test.target, test.body, test.header...)
			if g.status != http.StatusCreated || g.members["status"] != "OK" || g.members["version"] != "1.2" {
				t.Fatalf("answered %d %s", g.status, g.text)
			}
			if ref, _ := g.members["ref"].(string); !uuid.MatchString(ref) {
				t.Errorf("ref %v is no UUID", g.members["ref"])
			}
			events := s.Events()
			if len(events) != before+1 {
				t.Fatalf("%d events, want %d", len(events), before+1)
			}
			if e := events[before]; e.Lost || e.BrowserID != knownID || e.PointOfSale != "shop" || e.Ref != g.members["ref"] {
				t.Errorf("recorded as %+v", e)
			}
		})
	}
}

func TestRefusedEvents(t *testing.T) {
	s := start(t, cdptest.Options{ClientKeys: []string{"test-key"}, ContextIDs: []string{"test-context"}})
	call(t, "POST", s.URL+direct, event("type", `"TYPED"`, "ext", `{"pages":12}`))
	inURL := "/v1.2/event/create.json?client_key=test-key&message="
	for _, test := range []struct {
		name, method, target, body string
		header                     []string
		status                     int
		says                       string
	}{
		{"no body", "POST", direct, "", nil, 400, "no JSON"},
		{"no JSON", "POST", direct, "type=VIEW", nil, 400, "malformed JSON"},
		{"cut off", "POST", direct, `{"type":"VIEW"`, nil, 400, "malformed JSON"},
		{"a list", "POST", direct, "[" + event() + "]", nil, 400, "this is array"},
		{"trailing data", "POST", direct, event() + "{}", nil, 400, "malformed JSON"},
		{"duplicate member", "POST", direct, `{"type":"VIEW",` + event()[1:], nil, 400, `"type" appears twice`},
		{"duplicate member, escaped and nested", "POST", direct, event("ext", `{"a":1,"\u0061":2}`), nil, 400, `"a" appears twice`},
		{"not UTF-8", "POST", direct, event("page", `"x`+"\xff"+`"`), nil, 400, "not UTF-8"},
		{"nested too deep", "POST", direct, event("x", strings.Repeat("[", 70)+strings.Repeat("]", 70)), nil, 400, "nested deeper"},
		{"number too large", "POST", direct, event("x", "1e999"), nil, 400, "malformed JSON"},
		{"no browser ID", "POST", direct, event("browser_id", ""), nil, 400, "browser_id is missing"},
		{"empty browser ID", "POST", direct, event("browser_id", `""`), nil, 400, "browser_id is missing"},
		{"browser ID null", "POST", direct, event("browser_id", `null`), nil, 400, "browser_id is missing"},
		{"browser ID a number", "POST", direct, event("browser_id", `7`), nil, 400, "browser_id must be a string"},
		{"no type", "POST", direct, event("type", ""), nil, 400, "type is missing"},
		{
			"all at once", "POST", direct, event("browser_id", "", "type", `"sent"`, "ext", `{"a":[]}`), nil, 400,
			`browser_id is missing; type "sent" must be upper-case; ext attribute "a"`,
		},
		{"page a number", "POST", direct, event("page", `7`), nil, 400, "page must be a string, this is number"},
		{"type not upper-case", "POST", direct, event("type", `"Contact_Sent"`), nil, 400, "must be upper-case"},
		{"type not upper-case after the site", "POST", direct, event("type", `"shop:sent"`), nil, 400, "must be upper-case"},
		{"type reserved", "POST", direct, event("type", `"SC_SENT"`), nil, 400, "is reserved"},
		{"IDENTITY without identifiers", "POST", direct, event("type", `"IDENTITY"`), nil, 400, "needs identifiers"},
		{"IDENTITY with none", "POST", direct, event("type", `"IDENTITY"`, "identifiers", `[]`), nil, 400, "identifiers must be a list of at least one"},
		{
			"IDENTITY with half of one", "POST", direct, event("type", `"IDENTITY"`, "identifiers", `[{"id":"a"}]`), nil, 400,
			"identifiers [0] needs provider",
		},
		{"IDENTITY with text", "POST", direct, event("type", `"IDENTITY"`, "identifiers", `["a"]`), nil, 400, "identifiers [0] must be an object"},
		{"ORDER_CHECKOUT without order", "POST", direct, event("type", `"ORDER_CHECKOUT"`), nil, 400, "needs order"},
		{"ext a list", "POST", direct, event("ext", `[]`), nil, 400, "ext must be an object, this is array"},
		{"ext null", "POST", direct, event("ext", `null`), nil, 400, "ext must be an object, this is null"},
		{"ext nested", "POST", direct, event("ext", `{"a":{"b":1}}`), nil, 400, "this is object"},
		{"ext attribute a list", "POST", direct, event("ext", `{"a":["b"]}`), nil, 400, "this is array"},
		{"ext attribute null", "POST", direct, event("ext", `{"a":null}`), nil, 400, "this is null"},
		{"ext too full", "POST", direct, event("ext", numbered(51)), nil, 400, "51 attributes, 50 are allowed"},
		{"ext attribute name", "POST", direct, event("ext", `{"a-b":1}`), nil, 400, "letters and digits"},
		{"ext attribute without a name", "POST", direct, event("ext", `{"":1}`), nil, 400, "letters and digits"},
		{
			"ext attribute changed its type", "POST", direct, event("type", `"TYPED"`, "ext", `{"pages":"12"}`), nil, 400,
			"was a number before, this is string",
		},
		{"no client key", "POST", direct, event("client_key", ""), nil, 401, "client key"},
		{"empty client key", "POST", direct, event("client_key", `""`), nil, 401, "client key"},
		{"client key only in the query", "POST", direct + "?client_key=test-key", event("client_key", ""), nil, 401, "client key"},
		{"wrong client key", "POST", direct, event("client_key", `"other"`), nil, 401, "client key"},
		{"edge without context", "POST", "/v1/events/v1.2/events?siteId=shop", event(), nil, 401, "context ID"},
		{"edge with wrong context", "POST", strings.Replace(edge, "test-context", "x", 1), event(), nil, 401, "context ID"},
		{"unknown browser ID", "POST", direct, event("browser_id", `"`+unknownID+`"`), nil, 404, "invalid browser reference"},
		{"undefined, as Engage writes it", "POST", direct, event("browser_id", `"undefined"`), nil, 404, "invalid browser reference"},
		{"GET on the POST path", "GET", direct, "", nil, 405, "POST is"},
		{"PUT", "PUT", direct, event(), nil, 405, "POST is"},
		{"POST on the GET path", "POST", inURL, event(), nil, 405, "GET is"},
		{"a form", "POST", direct, event(), []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "application/json"},
		{"no content type", "POST", direct, event(), []string{"Content-Type", ""}, 415, "application/json"},
		{"wrong charset", "POST", direct, event(), []string{"Content-Type", "application/json; charset=latin1"}, 415, "application/json"},
		{"compressed", "POST", direct, event(), []string{"Content-Encoding", "gzip"}, 415, "Content-Encoding"},
		{"too large", "POST", direct, event("page", `"`+strings.Repeat("x", 1<<20)+`"`), nil, 413, "1 MB"},
		{"GET without message", "GET", "/v1.2/event/create.json?client_key=test-key", "", nil, 400, "no JSON"},
		{"GET without client key", "GET", strings.Replace(inURL, "test-key", "", 1) + url.QueryEscape(event()), "", nil, 401, "client key"},
		{"GET with half an escape", "GET", inURL + "%7B%7", "", nil, 400, "malformed query"},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := len(s.Events())
			g := call(t, test.method, s.URL+test.target, test.body, test.header...)
			says, _ := g.members["error_msg"].(string)
			if g.status != test.status || !strings.Contains(says, test.says) {
				t.Fatalf("answered %d %s, want %d and %q", g.status, g.text, test.status, test.says)
			}
			if word := strings.ToUpper(strings.ReplaceAll(http.StatusText(test.status), " ", "_")); g.members["status"] != word {
				t.Errorf("status is %v, want %s", g.members["status"], word)
			}
			if allow := g.header.Get("Allow"); (test.status == 405) != (allow != "") {
				t.Errorf("Allow is %q", allow)
			}
			if n := len(s.Events()); n != before {
				t.Errorf("%d events taken in", n-before)
			}
			all := s.Requests()
			last := all[len(all)-1]
			if last.Status != test.status || last.Refusal != says || last.Kind != cdptest.Sends {
				t.Errorf("recorded as %s %d %q", last.Kind, last.Status, last.Refusal)
			}
		})
	}
}

func TestCreateAndShow(t *testing.T) {
	s := start(t, cdptest.Options{ClientKeys: []string{"test-key"}, ContextIDs: []string{"test-context"}})
	const (
		directCreate = "/v1.2/browser/create.json"
		edgeCreate   = "/v1/events/v1.2/browser/create.json"
	)
	for _, test := range []struct {
		name, method, target string
		header               []string
		status               int
	}{
		{"as documented", "GET", directCreate + "?client_key=test-key", nil, 200},
		{"as Engage does", "GET", directCreate + "?client_key=test-key&message={}", nil, 200},
		{"as Cloud SDK does", "GET", edgeCreate + "?sitecoreContextId=test-context&client_key=", nil, 200},
		{"as Content SDK does", "GET", edgeCreate + "?client_key=", []string{"X-Sitecore-ContextId", "test-context"}, 200},
		{"no client key", "GET", directCreate, nil, 401},
		{"empty client key", "GET", directCreate + "?client_key=", nil, 401},
		{"wrong client key", "GET", directCreate + "?client_key=x", nil, 401},
		{"no context", "GET", edgeCreate + "?client_key=test-key", nil, 401},
		{"wrong context", "GET", edgeCreate, []string{"X-Sitecore-ContextId", "x"}, 401},
		{"message is no JSON", "GET", directCreate + "?client_key=test-key&message={", nil, 400},
		{"POST", "POST", directCreate + "?client_key=test-key", nil, 405},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := s.Made()
			g := call(t, test.method, s.URL+test.target, "", test.header...)
			if g.status != test.status {
				t.Fatalf("answered %d %s", g.status, g.text)
			}
			if test.status != 200 {
				if s.Made() != before {
					t.Error("made a browser ID")
				}
				return
			}
			ids := s.Browsers()
			id, _ := g.members["ref"].(string)
			guest, _ := g.members["customer_ref"].(string)
			if !uuid.MatchString(id) || !uuid.MatchString(guest) || id == guest || len(ids) != before+1 || ids[before] != id {
				t.Errorf("answered %s, made %v", g.text, ids)
			}
			show := "/v1.2/browser/" + id + "/show.json?client_key=test-key&api_token=test-key"
			if g := call(t, "GET", s.URL+show, ""); g.status != 200 || g.members["ref"] != id ||
				g.members["clientKey"] != "test-key" || g.members["customer"].(map[string]any)["ref"] != guest {
				t.Errorf("show answered %d %s", g.status, g.text)
			}
			show = "/v1/events/v1.2/browser/" + id + "/show.json?client_key=&api_token=&sitecoreContextId=test-context"
			if g := call(t, "GET", s.URL+show, ""); g.status != 200 || g.members["ref"] != id {
				t.Errorf("show on the edge answered %d %s", g.status, g.text)
			}
		})
	}
	for _, test := range []struct {
		target string
		status int
	}{
		{"/v1.2/browser/" + unknownID + "/show.json?client_key=test-key&api_token=test-key", 404},
		{"/v1.2/browser/" + knownID + "/show.json?client_key=test-key", 401},
		{"/v1.2/browser/" + knownID + "/show.json?client_key=x&api_token=x", 401},
		{"/v1/events/v1.2/browser/" + knownID + "/show.json", 401},
	} {
		if g := call(t, "GET", s.URL+test.target, ""); g.status != test.status || g.members["error_msg"] == nil {
			t.Errorf("%s answered %d %s, want %d", test.target, g.status, g.text, test.status)
		}
	}
}

func TestOtherPaths(t *testing.T) {
	s := start(t, cdptest.Options{})
	for _, path := range []string{
		"/favicon.ico", "/v1.2/", "/v1.2/events/", "/v1/events", "/events/v1.2/events", "/v1/events/v1.2/event/create.json",
		"/v2/callFlows", "/v1.2/browser/a/b/show.json", "/v1.2/browser/create.json/",
	} {
		g := call(t, "GET", s.URL+path, "")
		if g.status != 404 || g.members != nil || !strings.HasPrefix(g.header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s answered %d %s", path, g.status, g.text)
		}
	}
	for _, r := range s.Requests() {
		if r.Kind != cdptest.Others || r.Status != 404 {
			t.Errorf("recorded as %s %d", r.Kind, r.Status)
		}
	}
}

func TestLostEvents(t *testing.T) {
	s := start(t, cdptest.Options{PointsOfSale: []string{"shop"}, SiteNames: []string{"shop"}})
	for _, test := range []struct {
		name, target, body, pos string
		lost                    bool
	}{
		{"known", direct, event(), "shop", false},
		{"misspelt", direct, event("pos", `"Shop"`), "Shop", true},
		{"missing", direct, event("pos", ""), "", true},
		{"edge", edge, event("pos", `""`), "shop", false},
		{"edge, misspelt site", strings.Replace(edge, "=shop", "=Shop", 1), event("pos", `""`), "Shop", true},
		{"edge, no site", strings.Replace(edge, "&siteId=shop", "", 1), event(), "", true},
	} {
		g := call(t, "POST", s.URL+test.target, test.body)
		events := s.Events()
		if e := events[len(events)-1]; g.status != 201 || e.Lost != test.lost || e.PointOfSale != test.pos {
			t.Errorf("%s: answered %d, point of sale %q, lost %v", test.name, g.status, e.PointOfSale, e.Lost)
		}
	}
}

// TestGuest reads back whether an event was taken in or lost.
func TestGuest(t *testing.T) {
	s := cdptest.NewServer(t, cdptest.Options{ClientKeys: []string{"key"}, PointsOfSale: []string{"shop"}, APIToken: "token"})
	read := func(guest, key, token string) (int, map[string]any) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v2.1/guests/"+guest, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(key, token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var members map[string]any
		if err := json.NewDecoder(res.Body).Decode(&members); err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, members
	}
	tenant := s.Direct()
	client, err := cdp.New(tenant, cdp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	b, err := client.CreateBrowser(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		pos  string
		seen bool
	}{{"mistyped", false}, {"shop", true}} {
		tenant.PointOfSale = step.pos
		sender, err := cdp.New(tenant, cdp.Options{})
		if err != nil {
			t.Fatal(err)
		}
		e := cdp.Custom("A", nil)
		e.BrowserID = b.ID
		if _, err := sender.Send(t.Context(), &e); err != nil {
			t.Fatal(err)
		}
		sender.Close()
		status, guest := read(b.Guest, "key", "token")
		if _, seen := guest["lastSeen"]; status != http.StatusOK || guest["ref"] != b.Guest || seen != step.seen {
			t.Errorf("after an event for %s: %d, %v", step.pos, status, guest)
		}
	}
	for _, bad := range [][3]string{{b.Guest, "other", "token"}, {b.Guest, "key", "other"}, {b.Guest, "", ""}} {
		if status, _ := read(bad[0], bad[1], bad[2]); status != http.StatusUnauthorized {
			t.Errorf("%q: %d", bad, status)
		}
	}
	if status, _ := read("nobody", "key", "token"); status != http.StatusNotFound {
		t.Errorf("nobody: %d", status)
	}
}
