package cdp

import (
	"encoding/json"
	"testing"
)

// FuzzMembers: what is read from an object is what encoding/json reads from it.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{
		`{}`, ` { "status" : "OK" , "ref" : "r" } `, `{"status":404,"error_msg":"a \"b\" \\","message":null}`,
		`{"customer":{"ref":"g","x":[{"ref":"no"},"}"]},"ref":["ref"],"browserRef":"\u00e9"}`,
		`{"status":"first","status":"last","st\u0061tus":"escaped"}`, `{"error":{"message":"inner"},"moreInfo":true}`,
		`{"developerMessage":"` + "\xff" + `","customer_ref":-1e9}`, `{"":""}`, `{"a":[],"b":{},"status":[1,2]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a := answer{body: []byte(text)}
		a.parse()
		var want map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &want); a.isJSON != (err == nil && want != nil) && text[:min(len(text), 3)] != "\uFEFF" {
			t.Fatalf("JSON %t, encoding/json says %v", a.isJSON, err)
		} else if err != nil || want == nil {
			return
		}
		var m members
		m.read([]byte(text)[len(text)-len(trimmed(text)):])
		for name, raw := range want {
			if into := m.member([]byte(name)); into != nil && string(*into) != string(raw) {
				t.Errorf("%q is %q, want %q", name, *into, raw)
			}
		}
		for _, name := range []string{"status", "ref", "browserRef", "customer_ref", "customer", "error_msg", "developerMessage", "message", "error", "moreInfo"} {
			if _, there := want[name]; !there && *m.member([]byte(name)) != nil {
				t.Errorf("%q is not there, yet %q", name, *m.member([]byte(name)))
			}
		}
	})
}

// trimmed is text from its brace on.
func trimmed(text string) string {
	for i := range len(text) {
		if text[i] == '{' {
			return text[i:]
		}
	}
	return ""
}

func TestAnswerCostsFewAllocations(t *testing.T) {
	a := answer{body: []byte(`{"status":"OK","version":"1.2","client_key":"k","ref":"6f1c1f0c-0000-4000-8000-000000000000"}`)}
	if n := testing.AllocsPerRun(100, a.parse); n > 2 { // the two texts kept
		t.Errorf("%v allocations", n)
	}
	if a.word != "OK" || a.ref != "6f1c1f0c-0000-4000-8000-000000000000" {
		t.Errorf("%+v", a)
	}
}
