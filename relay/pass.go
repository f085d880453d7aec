package relay

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/fair"
	"github.com/goaltrack/goaltrack/internal/views"
	"github.com/goaltrack/goaltrack/internal/web"
	"github.com/goaltrack/goaltrack/rule"
)

// What is passed through to the CDP, because only that can answer it. A request is made anew
// from what is known of the site. Of the script's own header only these go on: never a
// cookie, authorization, or an address that somebody invented.
var passedHeaders = []string{"User-Agent", "Accept-Language", "X-Library-Version", "X-Client-Software-Id", "X-Sc-Correlation-Id"}

const (
	maxAnswer = 1 << 20
	maxURL    = 2 << 10
	cdnTime   = 5 * time.Minute
)

// personalize asks for a decision about the visitor, once the events on which it may rest are
// sent. It waits for them 300 ms at most.
func (c *call) personalize() {
	body, ok := c.read()
	if !ok {
		return
	}
	members, ok := membersOf(body, maxMembers)
	if !ok {
		c.refuse(reasonBody)
		return
	}
	n := c.namedByURL()
	for i := range members {
		switch name := members[i].name; {
		case name == "clientKey":
			if key := nameIn(members[i].value); !c.is.edge || key != "" {
				n.key = key
			}
		case name == "pointOfSale":
			n.pos = nameIn(members[i].value)
		case strings.EqualFold(name, "clientKey"), strings.EqualFold(name, "pointOfSale"):
			c.refuse(reasonBody) // somebody may read it as one of these
			return
		}
	}
	if !c.belongs(n, true) {
		c.refuse(reasonSite)
		return
	}
	if !c.counts() {
		return
	}
	if body, ok = c.asVisitor(members); !ok {
		c.refuse(reasonForeignID)
		return
	}
	c.who.Drained(c.r.Context(), c.times.drain)
	path, query := "/v2/callFlows", url.Values{}
	if c.is.edge {
		path = "/v1/personalize"
		query.Set("siteId", c.site.CDP.(cdp.Edge).SiteName)
	}
	status, answer, ok := c.pass(path, query, body)
	if !ok {
		return
	}
	if status/100 == 2 {
		c.tellVariant(answer, text(members, "friendlyId"))
	}
	c.answer(status, answer)
}

// asVisitor puts the visitor's ID into a call. It is not ok if the call is about somebody
// else's browser. A call about an e-mail address or an identifier has no browser.
func (c *call) asVisitor(members []member) (body []byte, ok bool) {
	for i := range members {
		m := &members[i]
		switch {
		case m.name == "browserId":
			if !c.who.Owns(textOf(m.value)) {
				return nil, false
			}
			if c.who.ID() == "" {
				return nil, false
			}
			if id := textOf(m.value); !cdp.ValidBrowserID(id) {
				m.value = appendText(nil, c.who.ID())
			}
		case strings.EqualFold(m.name, "browserId"):
			return nil, false
		}
	}
	return append(write([]byte{'{'}, members), '}'), true
}

// embedded begins the names of the flows by which SitecoreAI personalizes pages and
// components. Their variants are those of the page (github.com/Sitecore/content-sdk, package
// personalize). Those of other flows belong to the flow.
var embedded = []string{"embedded_", "component_"}

// tellVariant tells a report which variant a decision names.
func (c *call) tellVariant(answer []byte, flow string) {
	var says struct {
		VariantID string `json:"variantId"`
	}
	if json.Unmarshal(answer, &says) != nil || !views.ValidVariant(says.VariantID) {
		return
	}
	component := rule.PageVariant
	if views.ValidVariant(flow) && !strings.HasPrefix(flow, embedded[0]) && !strings.HasPrefix(flow, embedded[1]) {
		component = flow
	}
	c.who.Showed(component, says.VariantID)
}

// search passes a call of the Search SDK.
func (c *call) search() {
	body, ok := c.read()
	if !ok {
		return
	}
	if _, ok := membersOf(body, maxMembers); !ok {
		c.refuse(reasonBody)
		return
	}
	if !c.belongs(c.namedByURL(), false) {
		c.refuse(reasonSite)
		return
	}
	if !c.options.SearchWithoutConsent && !c.counts() {
		return
	}
	if status, answer, ok := c.pass("/v1/search", url.Values{}, body); ok {
		c.answer(status, answer)
	}
}

// cdn is the address of a script, as the CDP said it.
type cdn struct {
	mu    sync.Mutex
	url   string
	until time.Time
}

// cdnURL tells from where the SDK loads its script for personalization. What is no address
// would become one all the same: the SDK makes a script of whatever it gets.
func (c *call) cdnURL() {
	if !c.belongs(c.namedByURL(), false) {
		c.refuse(reasonSite)
		return
	}
	if !c.counts() {
		return
	}
	known := &c.cdns[c.site.Index]
	known.mu.Lock()
	address, until := known.url, known.until
	known.mu.Unlock()
	if address == "" || time.Now().After(until) {
		status, answer, ok := c.ask("/v1/personalize/cdn-url", url.Values{"client_key": {""}}, nil)
		if !ok {
			return
		}
		if address = addressIn(answer); status/100 != 2 || address == "" {
			c.refuse(reasonAnswer)
			return
		}
		known.mu.Lock()
		known.url, known.until = address, time.Now().Add(cdnTime)
		known.mu.Unlock()
	}
	h := c.w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = io.WriteString(c.w, address)
}

// addressIn is the https URL that an answer is, "" if it is none.
func addressIn(answer []byte) string {
	text := strings.Trim(string(answer), " \t\r\n\"")
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURL || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Opaque != "" ||
		strings.ContainsAny(text, "<>\"'`\\{} \t\r\n") {
		return ""
	}
	return text
}

// askGuest asks the CDP for the guest of an ID that this process did not make.
func (c *call) askGuest() (guest string, ok bool) {
	path, query := browserPath, url.Values{"client_key": {""}, "api_token": {""}}
	if d, direct := c.site.CDP.(cdp.Direct); direct {
		// Engage sends the client key as api_token. It is not the secret token.
		query = url.Values{"client_key": {d.ClientKey}, "api_token": {d.ClientKey}}
	} else {
		path = edgeEvents + path
	}
	status, answer, ok := c.pass(path+c.id+showPath, query, nil)
	if !ok {
		return "", false
	}
	var says struct{ Customer struct{ Ref string } }
	if status/100 != 2 || json.Unmarshal(answer, &says) != nil || !cdp.ValidBrowserID(says.Customer.Ref) {
		if status/100 == 2 {
			c.refuse(reasonAnswer)
		} else {
			c.answer(status, answer)
		}
		return "", false
	}
	c.kept.put(strings.Clone(c.id), says.Customer.Ref)
	return says.Customer.Ref, true
}

// pass asks the CDP for JSON. If there is none, the call is refused.
func (c *call) pass(path string, query url.Values, body []byte) (status int, answer []byte, ok bool) {
	status, answer, ok = c.ask(path, query, body)
	if ok && !json.Valid(answer) {
		c.refuse(reasonAnswer)
		return 0, nil, false
	}
	return status, answer, ok
}

// ask asks the CDP. If it does not answer, or leads elsewhere, the call is refused.
func (c *call) ask(path string, query url.Values, body []byte) (status int, answer []byte, ok bool) {
	if c.settings.DryRun {
		c.refuse(reasonUnreachable)
		return 0, nil, false
	}
	network := c.tracker.Network(c.r)
	who := fair.Who{Visitor: c.names.Visitor(c.who.ID()), Network: network}
	if _, room := c.passes.Enter(who, fair.Asked{Events: 1, Amount: 1, Used: c.passing.Load()}); !room || c.passing.Load() >= passRoom {
		if room {
			c.passes.Leave(who, false, 1, 1)
		}
		c.refuse(reasonBusy)
		return 0, nil, false
	}
	c.passing.Add(1)
	defer func() {
		c.passing.Add(-1)
		c.passes.Leave(who, false, 1, 1)
	}()
	ctx, cancel := context.WithTimeout(c.r.Context(), c.options.Timeout)
	defer cancel()
	res, err := c.roundTrip(ctx, path, query, body)
	if err != nil {
		c.refuse(reasonUnreachable)
		return 0, nil, false
	}
	defer func() { _ = res.Body.Close() }()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		c.refuse(reasonUnreachable)
	case len(answer) > maxAnswer, res.StatusCode/100 == 3, res.StatusCode < 200:
		c.refuse(reasonAnswer)
	default:
		return res.StatusCode, answer, true
	}
	return 0, nil, false
}

// roundTrip makes the request. No redirect is followed.
func (c *call) roundTrip(ctx context.Context, path string, query url.Values, body []byte) (*http.Response, error) {
	inHeader := ""
	if edge, ok := c.site.CDP.(cdp.Edge); ok {
		if _, said := web.First(c.r.Header[contextHeader]); said {
			inHeader = edge.ContextID
		} else {
			query.Set("sitecoreContextId", edge.ContextID)
		}
	}
	target := cdp.BaseURL(c.site.CDP) + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, c.is.method, target, reader)
	if err != nil {
		return nil, err
	}
	for _, name := range passedHeaders {
		if said, ok := web.First(c.r.Header[name]); ok {
			req.Header[name] = []string{said}
		}
	}
	if c.r.Header["User-Agent"] == nil {
		req.Header["User-Agent"] = []string{""} // and not Go's
	}
	req.Header["Accept"] = []string{"application/json"}
	if body != nil {
		req.Header["Content-Type"] = []string{"application/json"}
	}
	if inHeader != "" {
		req.Header[contextHeader] = []string{inHeader}
	}
	if a := c.tracker.Address(c.r); c.options.ForwardIP && a.IsValid() {
		req.Header["X-Forwarded-For"] = []string{a.String()}
	}
	return c.transport.RoundTrip(req)
}
