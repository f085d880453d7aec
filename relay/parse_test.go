package relay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/sdk"
)

// FuzzEvent: whatever a body is, what is made of it is one JSON object in the layout that a
// queue completes: the visitor's ID first and once, ext last, and each member as it came.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`{"type":"VIEW","utm_source":"news","browser_id":"11111111-2222-4333-8444-555555555555","channel":"WEB","client_key":"ck","currency":"EUR","language":"EN","page":"product","pos":"shop"}`,
		`{"browser_id":"1","channel":"WEB","client_key":"","pos":"","requested_at":"2026-11-23T10:15:30.123Z","type":"VIEW","ext":{"a":1,"nested_b":true,"nested_c":["x","y"]},"referrer":"https://news.example/"}`,
		`{"type":"IDENTITY","email":"ada@example.com","identifiers":[{"id":"ada@example.com","provider":"email"}],"ext":{"vip":true}}`,
		`{"type":"FORM","ext":{"formId":"f","interactionType":"SUBMITTED"}}`,
		`{"type":"A","ext":null,"sc_search":{"data":{"a":[1,{"q":2}]},"metadata":{"ut_api_version":"1.0"}}}`,
		`{"type":"A","ext":{"eventId":"mine"}}`, `{"type":"\u0041","\u0065xt":{"\"":"\\"}}`,
		`{"browser\u005fid":"x","type":"A"}`, `{"type":"A","type":"B"}`, `{"TYPE":"A"}`, `[]`, `{}`, `null`, ` {"type" : "A" , "n" : 1e400 } `, `{"type":"A"}x`,
		`{"type":"A","ext":{"a":1,"A":2}}`, strings.Repeat(`{"a":`, 200),
		`{"type":"A","ext":[]}`, `{"type":"A","ext":"x"}`, `{"type":1}`, `{"type":""}`, `{"type":"A\u0000"}`, `{"type":"` + strings.Repeat("t", maxType+1) + `"}`, "{\"type\":\"\xff\"}", "{\"type\":\"A\x00\"}",
		`{"type":"A"` + many(maxMembers) + `}`, `{"type":"A","ext":{"a":1` + many(maxAttributes) + `}}`, `{"type":"VIEW","ext":{"pageVariantId":"spring"}}`, `{"type":"VIEW","ext":{"pageVariantId":"a b"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, s, ok := parse(body)
		if !ok {
			return
		}
		const id = "99999999-2222-4333-8444-555555555555"
		out := e.AppendJSON(nil, id)
		if !json.Valid(out) || !bytes.HasPrefix(out, []byte(`{"browser_id":"`+id+`"`)) {
			t.Fatalf("%q became %q", body, out)
		}
		again, said, ok := parse(out)
		if !ok || said.id != id || again.Type != e.Type || said.key != s.key || said.pos != s.pos || again.Attributes != e.Attributes {
			t.Fatalf("%q became %q", body, out)
		}
		var before, after map[string]any
		if json.Unmarshal(body, &before) != nil {
			return // a number that no float64 has
		}
		_ = json.Unmarshal(out, &after)
		delete(before, "browser_id")
		delete(after, "browser_id")
		if before["ext"] == nil || e.Attributes == 0 {
			delete(before, "ext")
			delete(after, "ext")
		}
		one, _ := json.Marshal(before)
		two, _ := json.Marshal(after)
		if !bytes.Equal(one, two) {
			t.Fatalf("%s became %s", one, two)
		}
		_ = e.CDP(id)
	})
}

// many are so many more members of an object.
func many(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, `,"n%d":1`, i)
	}
	return text.String()
}

// TestParseVectors: what the SDKs are recorded to send is read, and stays as it is.
func TestParseVectors(t *testing.T) {
	for _, name := range []string{"engage-1.4.3", "cloud-sdk-0.6.1", "content-sdk-2.1.2"} {
		text, err := os.ReadFile("../cdp/testdata/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var recorded struct {
			Cases []struct {
				Calls []struct {
					Method string
					Body   json.RawMessage
				}
			}
		}
		if err := json.Unmarshal(text, &recorded); err != nil {
			t.Fatal(err)
		}
		read := 0
		for _, v := range recorded.Cases {
			for _, c := range v.Calls {
				if c.Method != http.MethodPost {
					continue
				}
				read++
				e, s, ok := parse(c.Body)
				if !ok || s.id == "" || e.Type == "" {
					t.Errorf("%s: %s is not read", name, c.Body)
				}
			}
		}
		if read < 3 {
			t.Errorf("%s: %d events were read", name, read)
		}
	}
}

var sink *sdk.Event

// BenchmarkParse: what it costs to read an event.
func BenchmarkParse(b *testing.B) {
	body := []byte(`{"type":"CONTACT_FORM_SENT","product_id":"42","ext":{"goal":"contact","value":12.5,"deep_x_y":"z"},"browser_id":"11111111-2222-4333-8444-555555555555","channel":"WEB","client_key":"","currency":"EUR","language":"EN","page":"contact","pos":"","requested_at":"2026-11-23T10:15:30.123Z"}`)
	b.ReportAllocs()
	for b.Loop() {
		sink, _, _ = parse(body)
	}
}
