package cdp

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestAppendJSON(t *testing.T) {
	direct := Direct{Region: EU, ClientKey: "k", PointOfSale: "shop"}
	get := direct
	get.Transport = GET
	edge := Edge{ContextID: "c", SiteName: "s"}
	e := Event{
		BrowserID: knownID, Type: "E", Channel: "WEB", Language: "de", Currency: "EUR", Page: "p", RequestedAt: recordedAt,
		Referrer: "https://a.example/?q=<b>&c", UTM: []Attr{{"UTM_Source", "News"}, {"utm_x\\\"U", "y"}},
		Fields: map[string]any{"z": 1, "a": map[string]any{"<": ">"}, "pos": "not this", "utm_q": 1, "bad": math.NaN()},
		Ext:    Ext{{"b", true}, {"a", "x"}},
	}
	own := Event{BrowserID: knownID, Type: "E", PointOfSale: "other"}
	form := Form("f", "viewed", "")
	for _, tc := range []struct {
		name string
		e    Event
		site Site
		want string
	}{
		{"direct", e, direct, `{"browser_id":"` + knownID + `","type":"E","client_key":"k","pos":"shop","channel":"WEB","language":"DE","currency":"EUR","page":"p",` +
			`"referrer":"https://a.example/?q=<b>&c","utm_source":"News","utm_x\\\"u":"y","a":{"<":">"},"z":1,"ext":{"b":true,"a":"x"}}`},
		{"pointer", own, &direct, `{"browser_id":"` + knownID + `","type":"E","client_key":"k","pos":"other","page":""}`},
		{"GET", own, get, `{"browser_id":"` + knownID + `","type":"E","pos":"other","page":""}`},
		{"edge", Event{Type: "E", RequestedAt: recordedAt}, edge, `{"browser_id":"","type":"E","client_key":"","pos":"","page":"","requested_at":"2026-11-23T10:15:30.123Z"}`},
		{"edge without time", Event{Type: "E"}, edge, `{"browser_id":"","type":"E","client_key":"","pos":"","page":""}`},
		{"form", form, direct, `{"browser_id":"","type":"FORM","client_key":"k","pos":"shop","ext":{"formId":"f","interactionType":"VIEWED"}}`},
		{"no site", Event{Type: "E"}, nil, `{"browser_id":"","type":"E","client_key":"","pos":"","page":""}`},
		{"nil site", Event{Type: "E"}, (*Edge)(nil), `{"browser_id":"","type":"E","client_key":"","pos":"","page":""}`},
	} {
		if got := string(tc.e.AppendJSON([]byte("x"), tc.site)); got != "x"+tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", tc.name, got[1:], tc.want)
		}
	}
}

// The promise of AppendJSON: a stored body can be given its ID, and another
// attribute, without being parsed.
func TestLayout(t *testing.T) {
	e := valid()["IDENTITY"]
	e.Ext = Ext{{"a", 1}}
	body := string(e.AppendJSON(nil, directTo("http://cdp.invalid")))
	rest, ok := strings.CutPrefix(body, `{"browser_id":"`)
	if !ok || !strings.HasSuffix(body, `,"ext":{"a":1}}`) {
		t.Fatal(body)
	}
	body = `{"browser_id":"` + knownID + strings.TrimSuffix(rest, "}}") + `,"late":true}}`
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil || m["browser_id"] != knownID ||
		!reflect.DeepEqual(m["ext"], map[string]any{"a": 1.0, "late": true}) {
		t.Errorf("%s: %v", body, err)
	}
}

// Values JSON writes must come out as encoding/json writes them.
func TestScalarsAreEncodingJSONs(t *testing.T) {
	for _, v := range []any{
		"", "a", true, false, 0, -1, math.MaxInt, int8(-8), int16(16), int32(-32), int64(math.MinInt64),
		uint(1), uint8(8), uint16(16), uint32(math.MaxUint32), uint64(math.MaxUint64), uintptr(9),
		0.0, math.Copysign(0, -1), 1.5, 1e20, 1e21, 123456789e20, 1e-6, 9.99e-7, 1e-9, -1e-10, 1e-100, 1e100, math.MaxFloat64, math.SmallestNonzeroFloat64,
		float32(0.1), float32(1e21), float32(1e-7), float32(math.MaxFloat32), json.Number("1e3"), level(3), word("x"), nil,
		[]int{1},
		time.Second,
	} {
		want, err := json.Marshal(v)
		if got := appendScalar(nil, v); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%T: %s, want %s", v, got, want)
		}
	}
	for _, v := range []any{math.NaN(), math.Inf(1), float32(math.Inf(-1)), func() {}} {
		if got := string(appendScalar(nil, v)); got != "null" {
			t.Errorf("%T: %s", v, got)
		}
	}
	if got := string(appendScalar(nil, json.Number("1}"))); got != `"1}"` {
		t.Errorf("a number that is none: %s", got)
	}
}

func TestFlatten(t *testing.T) {
	loop := map[string]any{}
	loop["l"] = loop
	wide := map[string]any{}
	for k := range strings.SplitSeq("abcdefgh", "") {
		wide[k] = wide
	}
	for _, tc := range []struct {
		in   map[string]any
		want Ext
	}{
		{nil, nil},
		{map[string]any{"b": 1, "a": "x", "nul": nil, "empty": map[string]any{}}, Ext{{"a", "x"}, {"b", 1}}},
		{map[string]any{"deep": map[string]any{"x": map[string]any{"y": "z"}, "w": true}, "a": 1}, Ext{{"a", 1}, {"deep_w", true}, {"deep_x_y", "z"}}},
		{map[string]any{"a_b": 1, "a": map[string]any{"b": 2}}, Ext{{"a_b", 2}, {"a_b", 1}}},
		{map[string]any{"list": []any{1}}, Ext{{"list", []any{1}}}},
	} {
		if got := Flatten(tc.in); !reflect.DeepEqual(got, tc.want) {
			t.Errorf("%v: %v, want %v", tc.in, got, tc.want)
		}
	}
	for name, m := range map[string]map[string]any{"loop": loop, "wide": wide} {
		e := Custom("E", Flatten(m))
		if n := len(e.Ext); n == 0 || n > flattenSteps || e.Validate() == nil {
			t.Errorf("%s: %d attributes, %v", name, n, e.Validate())
		}
	}
}

func TestValidBrowserID(t *testing.T) {
	for id, want := range map[string]bool{
		knownID: true, strings.ToUpper(newID): true, newID: true,
		"": false, "undefined": false, "anonymous": false, newID[:35]: false, newID + "0": false,
		strings.Replace(newID, "-", "0", 1): false, strings.Replace(newID, "7", "g", 1): false,
		strings.Replace(newID, "7", "-", 1): false, "{" + newID[1:35] + "}": false, strings.Replace(newID, "7f", "é", 1): false,
		strings.Replace(newID, "7", "'", 1): false, strings.Replace(newID, "7", "\x10", 1): false,
	} {
		if ValidBrowserID(id) != want {
			t.Errorf("%q: want %v", id, want)
		}
	}
}

var site Site = Direct{Region: EU, ClientKey: "demoKey000", PointOfSale: "acme-shop"}

func TestAllocations(t *testing.T) {
	e := goal()
	e.RequestedAt = recordedAt
	e.UTM = []Attr{{"UTM_Source", "news"}}
	e.Ext = Ext{{"s", "text with \"quotes\" & é"}, {"i", 12}, {"f", 129.9}, {"b", true}, {"u", uint64(1)}}
	dst := make([]byte, 0, 1024)
	var edge Site = Edge{ContextID: "c", SiteName: "s"}
	for name, f := range map[string]func(){
		"AppendJSON direct": func() { dst = e.AppendJSON(dst[:0], site) },
		"AppendJSON edge":   func() { dst = e.AppendJSON(dst[:0], edge) },
		"Validate":          func() { _ = e.Validate() },
		"ValidBrowserID":    func() { _ = ValidBrowserID(knownID) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	e, dst := goal(), make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		dst = e.AppendJSON(dst[:0], site)
	}
	b.SetBytes(int64(len(dst)))
}

func BenchmarkValidate(b *testing.B) {
	e := goal()
	b.ReportAllocs()
	for b.Loop() {
		if err := e.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkIdentity(b *testing.B) {
	e, dst := ada().Event(), make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		dst = e.AppendJSON(dst[:0], site)
	}
}

// FuzzAppendJSON: whatever the event holds, the body is the JSON encoding/json
// makes of the same values, in the promised layout.
func FuzzAppendJSON(f *testing.F) {
	const between = "\x1e" // an ID, a type, a page, a name and a text in one
	f.Add(strings.Join([]string{"", "E", "p", "name", "text"}, between), int64(1), 1.5, true)
	f.Add(strings.Join([]string{knownID, "shop:E", "<p>&\u2028", "a\xffb", "\x00\x1f\"\\\u007f é €😀"}, between), int64(math.MinInt64), 1e-7, false)
	f.Fuzz(func(t *testing.T, texts string, i int64, x float64, flag bool) {
		id, texts, _ := strings.Cut(texts, between)
		typ, texts, _ := strings.Cut(texts, between)
		page, texts, _ := strings.Cut(texts, between)
		name, text, _ := strings.Cut(texts, between)
		e := Event{
			BrowserID: id, Type: typ, Page: page, Language: text, Currency: name, UTM: []Attr{{"utm_" + name, text}},
			Fields: map[string]any{"f" + name: text, "g": []any{i, text}}, Ext: Ext{{name, text}, {name + "1", i}, {name + "2", flag}},
		}
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			e.Ext = append(e.Ext, Attr{name + "3", x}, Attr{name + "4", float32(float32(x))})
			if math.IsInf(float64(float32(x)), 0) {
				e.Ext = e.Ext[:4]
			}
		}
		body := e.AppendJSON(nil, site)
		if !utf8.Valid(body) || !json.Valid(body) || !bytes.HasPrefix(body, []byte(`{"browser_id":"`)) || !bytes.HasSuffix(body, []byte("}}")) {
			t.Fatalf("%s", body)
		}
		var got struct {
			ID       string         `json:"browser_id"`
			Type     string         `json:"type"`
			Language string         `json:"language"`
			Ext      map[string]any `json:"ext"`
		}
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		ext := map[string]any{}
		for _, a := range e.Ext {
			ext[strings.ToValidUTF8(a.Name, "\uFFFD")] = a.Value
		}
		want := roundTripped(t, map[string]any{"id": id, "type": typ, "ext": ext})
		have := roundTripped(t, map[string]any{"id": got.ID, "type": got.Type, "ext": got.Ext})
		if utf8.ValidString(name) && !reflect.DeepEqual(have, want) {
			t.Errorf("%s\nhave %v\nwant %v", body, have, want)
		}
		if got.Language != upperASCII(jsonText(t, text)) {
			t.Errorf("language %q of %q", got.Language, text)
		}
		_ = e.Validate()
	})
}

func upperASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

func jsonText(t *testing.T, s string) string { return roundTripped(t, s).(string) }

func roundTripped(t *testing.T, v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var back any
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	return back
}
