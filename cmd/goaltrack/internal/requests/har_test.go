package requests_test

import (
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/requests"
)

// recorded is a HAR file as Chrome and Firefox save it, shortened: a page, a form, a file
// that came from the browser's cache, one that nobody answered, and what is no web site's.
const recorded = "\ufeff" + `{ "log": {
  "version": "1.2", "creator": {"name": "WebInspector"}, "pages": [{"id": "page_1", "title": "entries"}],
  "entries": [
    {"startedDateTime": "2026-11-28T12:00:00.000Z", "_resourceType": "document",
     "request": {"method": "GET", "url": "https://shop.example/pricing?plan=pro#top", "httpVersion": "h2",
       "headers": [{"name": ":authority", "value": "shop.example"}, {"name": "sec-fetch-dest", "value": "document"}],
       "queryString": [], "cookies": [{"name": "theme", "value": "dark"}]},
     "response": {"status": 200, "headers": [{"name": "content-type", "value": "text/html; charset=utf-8"}],
       "content": {"size": 20, "mimeType": "text/html", "text": "<html>{}</html>"}, "redirectURL": ""}},
    {"startedDateTime": "2026-11-28T12:05:00.000Z",
     "request": {"method": "POST", "url": "https://shop.example/contact",
       "headers": [{"name": "Content-Type", "value": "application/x-www-form-urlencoded"}, {"name": "Cookie", "value": "a=b"}],
       "cookies": [{"name": "never", "value": "x"}],
       "postData": {"mimeType": "application/x-www-form-urlencoded", "text": "topic=sales&message=a+b", "params": [{"name": "topic", "value": "wrong"}]}},
     "response": {"status": 303, "headers": [{"name": "Location", "value": "https://shop.example/thanks"}],
       "content": {"mimeType": "x-unknown"}, "redirectURL": "https://shop.example/thanks"}},
    {"startedDateTime": "2026-11-28T12:05:01.000Z", "_fromCache": "disk",
     "request": {"method": "GET", "url": "https://shop.example/files/a.pdf", "headers": []}, "response": {"status": 200, "headers": [], "content": {}}},
    {"startedDateTime": "2026-11-28T12:05:02.000Z",
     "request": {"method": "GET", "url": "https://shop.example/slow", "headers": []}, "response": {"status": 0, "headers": [], "content": {}, "_error": "net::ERR_ABORTED"}},
    {"startedDateTime": "2026-11-28T12:05:03.000Z",
     "request": {"method": "POST", "url": "https://shop.example/api", "headers": [],
       "postData": {"mimeType": "application/json", "text": "{\"plan\":\"pro\"}"}},
     "response": {"status": 200, "headers": [{"name": "Content-Type", "value": "application/json"}],
       "content": {"mimeType": "application/json", "encoding": "base64", "text": "eyJvayI6dHJ1ZX0="}}},
    {"startedDateTime": "2026-11-28T12:05:04.000Z",
     "request": {"method": "POST", "url": "https://shop.example/upload", "headers": [],
       "postData": {"mimeType": "multipart/form-data; boundary=x", "params": [{"name": "topic", "value": "a+b"}, {"name": "photo", "value": "...", "fileName": "a.jpg"}]}},
     "response": {"status": 204, "headers": [], "content": {}}},
    {"request": {"method": "GET", "url": "wss://shop.example/live", "headers": []}, "response": {"status": 101}},
    {"request": {"method": "GET", "url": "data:text/plain,x", "headers": []}, "response": {"status": 200}}
  ] } }`

func TestHAR(t *testing.T) {
	list, err := requests.ReadAll(strings.NewReader(recorded))
	if err != nil || len(list) != 6 {
		t.Fatalf("%d requests, %v", len(list), err)
	}
	page, form, cached, unanswered, api, upload := list[0], list[1], list[2], list[3], list[4], list[5]
	e := page.Example
	if page.Line != "GET https://shop.example/pricing?plan=pro#top -> 200" || e.Host != "shop.example" || e.Path != "/pricing?plan=pro" ||
		e.Header.Get("Sec-Fetch-Dest") != "document" || len(e.Header) != 2 || e.Header.Get("Cookie") != "theme=dark" ||
		e.Status != http.StatusOK || e.ContentType != "text/html; charset=utf-8" || e.AnswerJSON != "" || page.Unseen != "" || page.After != 0 {
		t.Errorf("the page: %+v", page)
	}
	e = form.Example
	if form.After != 5*time.Minute || e.Form.Encode() != "message=a+b&topic=sales" || e.Header.Get("Cookie") != "a=b" ||
		e.Status != http.StatusSeeOther || e.Location != "https://shop.example/thanks" || form.Line != "POST https://shop.example/contact -> 303 https://shop.example/thanks" {
		t.Errorf("the form: %+v", form)
	}
	if !strings.Contains(cached.Unseen, "its own cache") {
		t.Errorf("from the cache: %+v", cached)
	}
	if !strings.Contains(unanswered.Unseen, "no answer") {
		t.Errorf("without an answer: %+v", unanswered)
	}
	if e = api.Example; e.JSON != `{"plan":"pro"}` || e.AnswerJSON != `{"ok":true}` || e.Header.Get("Content-Type") != "application/json" {
		t.Errorf("JSON: %+v", api)
	}
	if e = upload.Example; e.Form.Encode() != "topic=a%2Bb" || !strings.HasPrefix(e.Header.Get("Content-Type"), "multipart/") {
		t.Errorf("a file: %+v", upload)
	}
}

// TestNoHAR: each file that is none, or is broken, is refused with words that help.
func TestNoHAR(t *testing.T) {
	entry := func(s string) string { return `{"log":{"entries":[` + s + `]}}` }
	for text, want := range map[string]string{
		`{}`:                                    "no log.entries",
		`{"log":[]}`:                            "no log.entries",
		`{"log":{"entries":{}}}`:                "no log.entries",
		`{"entries":[]}`:                        "no log.entries",
		`{"log":{"pages":[{}],"entries":[`:      "ends too early",
		`{"log":{"entries":[{"request":`:        "entry 1: the HAR file ends too early",
		`{"log":{"entries":[{]}}`:               "entry 1: the HAR file is no JSON at byte",
		entry(``):                               "no request to a web site",
		entry(`{"request":{"url":"data:,x"}}`):  "no request to a web site",
		entry(`{"request":{"url":7}}`):          "request.url is a number",
		entry(`{"request":{"url":"https://"}}`): "is no address",
		"# nothing\n\n":                         "there is no request in it",
		"GET /\nnonsense\n":                     `"nonsense" does not begin with a method`,
	} {
		if list, err := requests.ReadAll(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %+v", text, err, list)
		}
	}
}

// endless is a HAR file with one body that never ends.
type endless struct{ begin io.Reader }

func (e endless) Read(b []byte) (int, error) {
	if n, err := e.begin.Read(b); err == nil {
		return n, nil
	}
	for i := range b {
		b[i] = 'x'
	}
	return len(b), nil
}

// TestHARIsBounded: a body of any length takes bounded memory, and many entries do not add
// up: of each, only what a rule can see is kept.
func TestHARIsBounded(t *testing.T) {
	const begin = `{"log":{"entries":[{"request":{"method":"GET","url":"https://a.example/","headers":[]},"response":{"status":200,"content":{"mimeType":"application/json","text":"`
	if _, err := requests.ReadAll(endless{strings.NewReader(begin)}); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("%v", err)
	}
	if _, err := requests.ReadAll(endless{strings.NewReader("GET /\n")}); err == nil || !strings.Contains(err.Error(), "larger than 4 MiB") {
		t.Errorf("%v", err)
	}
	many := []io.Reader{strings.NewReader(`{"log":{"entries":[`)}
	film := strings.Repeat("x", 1<<20)
	for i := range 40 {
		comma := ","
		if i == 39 {
			comma = "]}}"
		}
		many = append(many, strings.NewReader(begin[len(`{"log":{"entries":[`):]+film+`"}}}`+comma))
	}
	list, err := requests.ReadAll(io.MultiReader(many...))
	if err != nil || len(list) != 40 {
		t.Fatalf("%d requests, %v", len(list), err)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 20<<20 {
		t.Errorf("%d MiB are kept of 40", m.HeapAlloc>>20)
	}
	runtime.KeepAlive(list)
	one := begin[len(`{"log":{"entries":[`):] + `"}}}`
	text := `{"log":{"entries":[` + strings.Repeat(one+",", 20_001) + one + `]}}`
	if _, err := requests.ReadAll(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), "more than 20000 requests") {
		t.Errorf("%v", err)
	}
}

// TestFileOfRequests: a file has one request in each line, and curl commands of several.
func TestFileOfRequests(t *testing.T) {
	text := "\ufeff# what our visitors do\nGET /pricing\n\nhttps://shop.example/contact\r\n" + chromeBash + "\n" + chromeCmd + "\n" +
		"curl 'https://a.example/x\n# in quotes'\nPOST /contact topic=a -> 303 /thanks\n"
	list, err := requests.ReadAll(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range list {
		got = append(got, fmt.Sprintf("%s %s%s %s", r.Example.Method, r.Example.Host, r.Example.Path, r.Example.Form.Get("topic")))
	}
	const want = "GET /pricing |GET shop.example/contact |POST shop.example/contact?from=mail sales|POST shop.example/contact?from=mail sales|GET a.example/x\n |POST /contact a"
	if strings.Join(got, "|") != want {
		t.Errorf("got\n%s, want\n%s", strings.Join(got, "|"), want)
	}
}

// FuzzHAR: no file makes the reader panic, and what it reads can be judged.
func FuzzHAR(f *testing.F) {
	f.Add(recorded)
	f.Add(`{"log":{"entries":[]}}`)
	f.Add("{")
	f.Add("\ufeff")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := requests.ReadAll(strings.NewReader(text))
		for _, r := range list {
			if err == nil && (r.Example.Path == "" || strings.ContainsAny(r.Line, "\r\n") && !strings.Contains(text, "\r")) {
				t.Errorf("%+v", r)
			}
		}
	})
}
