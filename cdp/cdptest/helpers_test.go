package cdptest_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// knownID is made known by start; unknownID never is.
const (
	knownID   = "6f1c2e0a-3b7d-4a55-9a51-0c8e2f7b1d90"
	unknownID = "11111111-2222-4333-8444-555555555555"
)

func start(t *testing.T, o cdptest.Options) *cdptest.Server {
	t.Helper()
	s := cdptest.NewServer(t, o)
	s.Know(knownID)
	return s
}

// got is an answer as a client sees it.
type got struct {
	status  int
	header  http.Header
	text    string
	members map[string]any // nil when the body is no JSON object
}

// client has no connections kept from elsewhere, so nothing is sent twice by
// net/http, and follows no redirects.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func request(t *testing.T, method, url, body string, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for pair := range slices.Chunk(header, 2) {
		if name, value := pair[0], pair[1]; value == "" {
			r.Header.Del(name)
		} else {
			r.Header.Set(name, value)
		}
	}
	return r
}

func do(c *http.Client, r *http.Request) (got, error) {
	res, err := c.Do(r)
	if err != nil {
		return got{}, err
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	g := got{status: res.StatusCode, header: res.Header, text: string(text)}
	if json.Unmarshal(bytes.TrimSpace(text), &g.members) != nil {
		g.members = nil
	}
	return g, err
}

func call(t *testing.T, method, url, body string, header ...string) got {
	t.Helper()
	g, err := do(client(t), request(t, method, url, body, header...))
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	return g
}

// event is the JSON of a good direct event, changed by pairs of member and
// JSON text; the text "" takes the member out.
func event(changes ...string) string {
	members := map[string]json.RawMessage{
		"browser_id": json.RawMessage(`"` + knownID + `"`),
		"client_key": json.RawMessage(`"test-key"`),
		"pos":        json.RawMessage(`"shop"`),
		"type":       json.RawMessage(`"CONTACT_SENT"`),
		"page":       json.RawMessage(`"contact"`),
		"channel":    json.RawMessage(`"WEB"`),
		"language":   json.RawMessage(`"EN"`),
		"currency":   json.RawMessage(`"EUR"`),
	}
	for pair := range slices.Chunk(changes, 2) {
		if name, text := pair[0], pair[1]; text == "" {
			delete(members, name)
		} else {
			members[name] = json.RawMessage(text)
		}
	}
	b, err := json.Marshal(members)
	if err != nil {
		panic(err)
	}
	return string(b)
}
