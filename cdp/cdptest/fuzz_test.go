package cdptest_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// FuzzSend posts anything. Whatever it is, the answer is one of the contract's,
// and what is taken in is JSON by everybody's measure and can be listed.
func FuzzSend(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "[]", event(), event("ext", `{"a":1}`), event("ext", `{"a":[1,{"b":null}]}`),
		event("type", `"IDENTITY"`, "identifiers", `[{"id":"a","provider":"b"}]`), event() + event(),
	} {
		f.Add(seed)
	}
	c := cdptest.New(cdptest.Options{Keep: 3})
	c.Know(knownID)
	f.Fuzz(func(t *testing.T, body string) {
		before := len(c.Events()) + c.Dropped()
		w := httptest.NewRecorder()
		c.ServeHTTP(w, request(t, "POST", direct, body))
		taken := len(c.Events()) + c.Dropped() - before
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("answered %s", w.Body)
		}
		switch w.Code {
		case 400, 401, 404:
			if taken != 0 {
				t.Errorf("answered %d and taken in", w.Code)
			}
		case 201:
			var members map[string]any
			if err := json.Unmarshal([]byte(body), &members); err != nil || taken != 1 {
				t.Errorf("%d taken in, %v", taken, err)
			}
			events := c.Events()
			if e := events[len(events)-1]; e.BrowserID != knownID || e.Type == "" || string(e.Raw) != body {
				t.Errorf("recorded as %+v", e)
			}
		default:
			t.Errorf("answered %d", w.Code)
		}
		for _, page := range []string{"/", "/events.json"} {
			w := httptest.NewRecorder()
			c.ServeHTTP(w, request(t, "GET", page, ""))
			if w.Code != 200 || strings.Contains(w.Body.String(), "<script") {
				t.Errorf("%s: %d %s", page, w.Code, w.Body)
			}
		}
	})
}
