package deliver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/internal/atrest"
	"github.com/goaltrack/goaltrack/queue"
)

// sampleEvents have all the layouts that AppendJSON promises about.
func sampleEvents() map[string]cdp.Event {
	return map[string]cdp.Event{
		"plain":      {Type: "A"},
		"with ID":    {Type: "A", BrowserID: visitorID(1), Channel: "WEB", Page: "home"},
		"one ext":    {Type: "A", Ext: cdp.Ext{{Name: "n", Value: 1}}},
		"exts":       {Type: "A", BrowserID: visitorID(2), Ext: cdp.Ext{{Name: "n", Value: 1.5}, {Name: "s", Value: `"},{"}}`}, {Name: "b", Value: true}}},
		"an ext {":   {Type: "A", Ext: cdp.Ext{{Name: "n", Value: "{"}}},
		"braces":     {Type: "A", Page: `{"browser_id":"x"}}`},
		"fields":     {Type: "IDENTITY", Fields: map[string]any{"email": "a@b.example", "identifiers": []map[string]string{{"id": "1"}}}},
		"fields {}}": {Type: "ADD", Fields: map[string]any{"product": map[string]any{"x": map[string]any{}}}},
		"unicode":    {Type: "A", Page: "Café 日本 \u2028 \x00 \xff", Ext: cdp.Ext{{Name: "ключ", Value: "знач\nение"}}},
		"VIEW":       {Type: "VIEW", Referrer: "https://x.example/?a=b&c", UTM: []cdp.Attr{{Name: "utm_source", Value: "s"}}},
	}
}

var samplePlaces = map[string]cdp.Site{
	"direct": cdp.Direct{ClientKey: "k", PointOfSale: "p"},
	"edge":   cdp.Edge{ContextID: "c", SiteName: "s"},
}

// decoded is the event as encoding/json understands it; what it writes is the
// measure of what was spliced.
func decoded(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return m
}

func TestSplicesAreWhatEncodingJSONWouldWrite(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.FixedZone("", 3600))
	for place, site := range samplePlaces {
		for name, event := range sampleEvents() {
			t.Run(place+"/"+name, func(t *testing.T) {
				head := Envelope{Site: "shop", Goal: "g", UserAgent: "UA", HasExt: len(event.Ext) > 0}
				start := len(head.AppendHead(nil))
				stored := event.AppendJSON(head.AppendHead(nil), site)
				kept := bytes.Clone(stored)
				e, err := ParseEnvelope(stored)
				if err != nil {
					t.Fatal(err)
				}
				if id := e.BrowserID(); id != event.BrowserID {
					t.Errorf("ID %q, want %q", id, event.BrowserID)
				}
				want := decoded(t, stored[start:])
				e.setBrowserID(visitorID(77))
				want["browser_id"] = visitorID(77)
				if got := decoded(t, e.body); !reflect.DeepEqual(got, want) {
					t.Errorf("with an ID:\n%v, want\n%v", got, want)
				}
				e.markLate(at)
				ext, _ := want["ext"].(map[string]any)
				ext = maps.Clone(ext)
				if ext == nil {
					ext = map[string]any{}
				}
				ext["occurredAt"], ext["late"] = "2026-03-04T04:06:07Z", true
				want["ext"] = ext
				if got := decoded(t, e.body); !reflect.DeepEqual(got, want) {
					t.Errorf("late:\n%v, want\n%v", got, want)
				}
				e.setBrowserID(visitorID(78)) // also afterwards
				want["browser_id"] = visitorID(78)
				if got := decoded(t, e.body); !reflect.DeepEqual(got, want) {
					t.Errorf("with another ID:\n%v, want\n%v", got, want)
				}
				if !bytes.Equal(stored, kept) {
					t.Error("the stored event was changed")
				}
			})
		}
	}
}

func TestParseEnvelopeRefuses(t *testing.T) {
	good := string(testEvent("shop", "goal", visitorID(1)))
	for name, b := range map[string]string{
		"nothing":            "",
		"one byte":           "\x01",
		"another version":    "\x02" + good[1:],
		"no strings":         "\x01\x00",
		"a length too long":  "\x01\x00\x05shop",
		"an endless length":  "\x01\x00" + strings.Repeat("\xff", 11),
		"a huge length":      "\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + good[3:],
		"no body":            good[:strings.IndexByte(good, '{')],
		"a body cut at once": good[:strings.IndexByte(good, '{')+3],
		"a body cut later":   good[:len(good)-1],
		"an ID without end":  good[:strings.IndexByte(good, '{')] + `{"browser_id":"x}`,
		"no ext as promised": "\x01\x01" + good[2:],
		"an empty ext":       "\x01\x01\x00\x00\x00" + `{"browser_id":"","ext":{}}`,
		"another body":       good[:strings.IndexByte(good, '{')] + `{"type":"A"}`,
	} {
		if e, err := ParseEnvelope([]byte(b)); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if _, err := ParseEnvelope([]byte(good)); err != nil {
		t.Errorf("a good one: %v", err)
	}
}

func FuzzParseEnvelope(f *testing.F) {
	for _, site := range samplePlaces {
		for _, event := range sampleEvents() {
			head := Envelope{Site: "shop", Goal: "g", UserAgent: "UA", HasExt: len(event.Ext) > 0}
			f.Add(event.AppendJSON(head.AppendHead(nil), site))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEnvelope(b)
		if err != nil {
			return
		}
		if e.Sealed() {
			return // FuzzSealed has those
		}
		e.awaited = 0 // which waits adds to what is written, and so not AppendHead
		again, err := ParseEnvelope(append(e.AppendHead(nil), e.body...))
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("%+v became %+v, %v", e, again, err)
		}
		valid := json.Valid(e.body)
		old := e.BrowserID()
		e.setBrowserID(visitorID(1))
		if e.BrowserID() != visitorID(1) {
			t.Fatalf("the ID is %q", e.BrowserID())
		}
		e.markLate(time.Unix(1e9, 0))
		if !bytes.Contains(e.body, []byte(`"late":true`)) {
			t.Fatalf("not late: %s", e.body)
		}
		// What was JSON still is, provided that it is what the flag says: an
		// event whose last member is ext, or has none.
		var m struct {
			Ext map[string]any `json:"ext"`
		}
		if valid && !strings.Contains(old, `\`) && !again.HasExt && !json.Valid(e.body) {
			t.Fatalf("no JSON any more: %s", e.body)
		}
		if valid && json.Unmarshal(e.body, &m) == nil && len(m.Ext) > 0 && again.HasExt && bytes.Count(e.body, []byte(`"ext"`)) == 1 && bytes.Count(e.body, []byte{'}'}) == 2 && m.Ext["late"] != true {
			t.Fatalf("late went elsewhere: %s", e.body)
		}
	})
}

func TestEnvelopeHeadRoundTrip(t *testing.T) {
	for _, long := range []int{0, 1, 127, 128, 512, 20_000} {
		for _, hasExt := range []bool{false, true} {
			body := `{"browser_id":""}`
			if hasExt {
				body = `{"browser_id":"","ext":{"a":1}}`
			}
			want := Envelope{Site: strings.Repeat("s", long), Goal: "gö\x00al", UserAgent: strings.Repeat("\xff", long), HasExt: hasExt, body: []byte(body)}
			got, err := ParseEnvelope(append(want.AppendHead(nil), body...))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%d: %v", long, err)
			}
		}
	}
}

func BenchmarkEnvelope(b *testing.B) {
	stored := testEvent("shop", "GOAL", visitorID(1))
	b.ReportAllocs()
	for b.Loop() {
		e, err := ParseEnvelope(stored)
		if err != nil {
			b.Fatal(err)
		}
		e.setBrowserID(visitorID2)
	}
}

var visitorID2 = visitorID(2)

// TestEnvelopeAddress: the visitor's address goes with an event, in the open and sealed, and
// an event without one is as before.
func TestEnvelopeAddress(t *testing.T) {
	seal, err := NewSeal(atrest.Secret{Hash: []byte("hash"), Block: []byte("block")})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"", "203.0.113.7", "2001:db8::7"} {
		head := Envelope{Site: "shop", Goal: "relayed", UserAgent: "agent", Address: address, Private: true}
		e := cdp.Event{BrowserID: visitorID(1), Type: "CLICKED"}
		plain := e.AppendJSON(head.AppendHead(nil), cdp.Direct{ClientKey: "k", PointOfSale: "p"})
		items := []queue.Item{{Body: bytes.Clone(plain)}}
		seal.Mark(items)
		if address != "" && bytes.Contains(items[0].Body, []byte(address)) {
			t.Errorf("%s lies there in the open", address)
		}
		for _, body := range [][]byte{plain, items[0].Body} {
			got, err := ParseEnvelope(body)
			if err == nil {
				err = seal.Open(&got)
			}
			if err != nil || got.Address != address || got.UserAgent != "agent" || got.BrowserID() != visitorID(1) || got.EventType() != "CLICKED" {
				t.Errorf("%q: %+v, %v", address, got, err)
			}
		}
		other, err := WithBrowserID(plain, visitorID(2))
		if got, _ := ParseEnvelope(other); err != nil || got.Address != address || got.BrowserID() != visitorID(2) {
			t.Errorf("%q, with another ID: %+v, %v", address, got, err)
		}
	}
}

// TestLateHasRoom: an event that has nearly as many attributes as the CDP takes does not say
// that it is late.
func TestLateHasRoom(t *testing.T) {
	for n, want := range map[int]int{48: 50, 49: 49, 50: 50} {
		ext := cdp.Ext{}
		for i := range n {
			ext = append(ext, cdp.Attr{Name: fmt.Sprintf("a%d", i), Value: i})
		}
		e := cdp.Event{BrowserID: visitorID(1), Type: "CLICKED", Ext: ext}
		head := Envelope{Site: "shop", HasExt: true}
		parsed, err := ParseEnvelope(e.AppendJSON(head.AppendHead(nil), cdp.Direct{ClientKey: "k", PointOfSale: "p"}))
		if err != nil {
			t.Fatal(err)
		}
		parsed.markLate(time.Unix(0, 0))
		var got struct{ Ext map[string]any }
		if err := json.Unmarshal(parsed.body, &got); err != nil || len(got.Ext) != want {
			t.Errorf("%d attributes became %d, want %d (%v)", n, len(got.Ext), want, err)
		}
	}
}
