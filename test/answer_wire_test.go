package test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/internal/world"
)

// answerRules look into answers in every direction. Each is at its own path.
const answerRules = `
version: 1
goals:
  - { goal: ABSENT, submit: /absent, success: { response.json.errors: absent } }
  - { goal: TYPE, submit: /type, success: { response.type: application/json } }
  - { goal: UNLESS, submit: /unless, success: 2xx, unless: { response.json.errors: present } }
  - { goal: OK, submit: /ok, success: { response.json.ok: true } }
  - { goal: NOT_FALSE, submit: /not_false, success: 2xx, unless: { response.json.ok: false } }
  - { goal: LIST, submit: /list, success: 2xx, if: { response.json.ok: [true, maybe] } }
  - { goal: HEADER, submit: /header, success: { response.header.X-Error: absent } }
  - { goal: DATA, submit: /data, success: 2xx, data: { id: $response.json.id } }
`

var answerGoals = []string{"ABSENT", "TYPE", "UNLESS", "OK", "NOT_FALSE", "LIST", "HEADER", "DATA"}

// jsonAnswer answers with that status, type and body, and more headers.
func jsonAnswer(status int, contentType, body string, header ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// packed compresses a text with codings, one after the other.
func packed(text string, codings ...string) string {
	for _, c := range codings {
		var b bytes.Buffer
		var w io.WriteCloser
		switch c {
		case "gzip":
			w = gzip.NewWriter(&b)
		case "zlib":
			w = zlib.NewWriter(&b)
		case "flate":
			w, _ = flate.NewWriter(&b, flate.DefaultCompression)
		}
		_, _ = io.WriteString(w, text)
		_ = w.Close()
		text = b.String()
	}
	return text
}

// TestAnswerSays: without an answer, nothing counts. Each row is an answer,
// about which every rule above is asked over real connections. 1 is a goal that
// arrived at the CDP, 0 one that was refused, and u an answer that could not be
// read.
func TestAnswerSays(t *testing.T) {
	t.Parallel()
	const (
		asJSON = "application/json"
		yes    = `{"ok":true,"id":"a7"}`
		no     = `{"ok":false,"id":"a7","errors":["email"]}`
		enc    = "Content-Encoding"
	)
	long := `{"ok":true,"id":"a7","text":"` + strings.Repeat("x", 17<<10) + `"}`
	padded := yes + strings.Repeat(" ", 16<<10-len(yes))
	for _, row := range []struct {
		name string
		site http.Handler
		want string // of the goals in their order
	}{
		//                                                                  ABSENT TYPE UNLESS OK NOT_FALSE LIST HEADER DATA
		{"accepted", jsonAnswer(200, asJSON, yes), "1 1 1 1 1 1 1 1"},
		{"refused with 200", jsonAnswer(200, asJSON, no), "0 1 0 0 0 0 1 1"},
		{"refused with 200, gzip", jsonAnswer(200, asJSON, packed(no, "gzip"), enc, "gzip"), "0 1 0 0 0 0 1 1"},
		{"accepted as text", jsonAnswer(200, "text/plain; charset=utf-8", yes), "1 0 1 1 1 1 1 1"},
		{"refused as text", jsonAnswer(200, "text/plain", no), "0 0 0 0 0 0 1 1"},
		{"the form again", jsonAnswer(200, "text/html; charset=utf-8", "<!doctype html><form>"), "u 0 u u u u 1 1"},
		{"422", jsonAnswer(422, asJSON, `{"message":"no"}`), "0 0 0 0 0 0 0 0"},
		{"401", jsonAnswer(401, asJSON, `{"message":"no"}`), "0 0 0 0 0 0 0 0"},
		{"500", jsonAnswer(500, asJSON, yes), "0 0 0 0 0 0 0 0"},
		{"to the log-in page", jsonAnswer(302, "", "", "Location", "/login"), "0 0 0 0 0 0 0 0"},

		{"accepted with 201", jsonAnswer(201, "application/problem+json", yes), "1 0 1 1 1 1 1 1"},
		{"on to another page", jsonAnswer(303, "", "", "Location", "/thanks"), "u 0 0 u 0 0 1 0"},
		{"on to another page, with JSON", jsonAnswer(303, asJSON, yes, "Location", "/thanks"), "1 1 0 1 0 0 1 0"},
		{"back to another site", jsonAnswer(303, asJSON, yes, "Location", "https://sso.example/"), "0 0 0 0 0 0 0 0"},
		{"repeated elsewhere", jsonAnswer(307, asJSON, yes, "Location", "/thanks"), "0 0 0 0 0 0 0 0"},
		{"an error in the header", jsonAnswer(200, asJSON, yes, "X-Error", "no"), "1 1 1 1 1 1 0 1"},

		{"gzip", jsonAnswer(200, asJSON, packed(yes, "gzip"), enc, "gzip"), "1 1 1 1 1 1 1 1"},
		{"gzip in capitals", jsonAnswer(200, asJSON, packed(yes, "gzip"), enc, "GZIP"), "1 1 1 1 1 1 1 1"},
		{"x-gzip", jsonAnswer(200, asJSON, packed(yes, "gzip"), enc, "x-gzip"), "1 1 1 1 1 1 1 1"},
		{"deflate", jsonAnswer(200, asJSON, packed(yes, "zlib"), enc, "deflate"), "1 1 1 1 1 1 1 1"},
		{"deflate, bare", jsonAnswer(200, asJSON, packed(yes, "flate"), enc, "deflate"), "1 1 1 1 1 1 1 1"},
		{"identity", jsonAnswer(200, asJSON, yes, enc, "identity"), "1 1 1 1 1 1 1 1"},
		{"deflate, then gzip", jsonAnswer(200, asJSON, packed(yes, "zlib", "gzip"), enc, "deflate, identity ,,gzip"), "1 1 1 1 1 1 1 1"},
		{"the same on two lines", jsonAnswer(200, asJSON, packed(yes, "flate", "gzip"), enc, "deflate", enc, "x-gzip"), "1 1 1 1 1 1 1 1"},
		{"two gzip members", jsonAnswer(200, asJSON, packed(yes[:5], "gzip")+packed(yes[5:], "gzip"), enc, "gzip"), "1 1 1 1 1 1 1 1"},
		{"gzip as text", jsonAnswer(200, "text/html", packed(yes, "gzip"), enc, "gzip"), "1 0 1 1 1 1 1 1"},
		{"a long text, well compressed", jsonAnswer(200, asJSON, packed(padded, "gzip"), enc, "gzip"), "1 1 1 1 1 1 1 1"},

		{"brotli", jsonAnswer(200, asJSON, "\x8b\x00\x80"+yes+"\x03", enc, "br"), "u 1 u u u u 1 u"},
		{"zstd after gzip", jsonAnswer(200, asJSON, packed(yes, "gzip"), enc, "gzip, zstd"), "u 1 u u u u 1 u"},
		{"compressed five times", jsonAnswer(200, asJSON, packed(yes, "gzip", "gzip", "gzip", "gzip", "gzip"), enc, "gzip,gzip,gzip,gzip,gzip"), "u 1 u u u u 1 u"},
		{"gzip, cut off", jsonAnswer(200, asJSON, packed(yes, "gzip")[:20], enc, "gzip"), "u 1 u u u u 1 u"},
		{"gzip, cut off at its checksum", jsonAnswer(200, asJSON, packed(yes, "gzip")[:len(packed(yes, "gzip"))-4], enc, "gzip"), "u 1 u u u u 1 u"},
		{"gzip, broken", jsonAnswer(200, asJSON, strings.Replace(packed(yes, "gzip"), "\x1f\x8b\x08", "\x1f\x8b\x09", 1), enc, "gzip"), "u 1 u u u u 1 u"},
		{"gzip, and more", jsonAnswer(200, asJSON, packed(yes, "gzip")+no, enc, "gzip"), "u 1 u u u u 1 u"},
		{"deflate, and more", jsonAnswer(200, asJSON, packed(yes, "zlib")+no, enc, "deflate"), "u 1 u u u u 1 u"},
		{"said to be gzip, and is not", jsonAnswer(200, asJSON, yes, enc, "gzip"), "u 1 u u u u 1 u"},
		{"a bomb", jsonAnswer(200, asJSON, packed(`{"ok":true,"x":"`+strings.Repeat("x", 4<<20)+`"}`, "gzip"), enc, "gzip"), "u 1 u u u u 1 u"},
		{"a bomb in a bomb", jsonAnswer(200, asJSON, packed(strings.Repeat(" ", 4<<20)+yes, "gzip", "gzip"), enc, "gzip, gzip"), "u 1 u u u u 1 u"},
		{"nothing, compressed", jsonAnswer(200, asJSON, packed("", "gzip"), enc, "gzip"), "u 1 u u u u 1 1"},
		{"brotli that may be HTML", jsonAnswer(200, "text/html", "\x0b\x02\x80", enc, "br"), "u 0 u u u u 1 1"},

		{"too long", jsonAnswer(200, asJSON, long), "u 1 u u u u 1 u"},
		{"too long, and says so", jsonAnswer(200, asJSON, long, "Content-Length", strconv.Itoa(len(long))), "u 1 u u u u 1 u"},
		{"just short enough", jsonAnswer(200, asJSON, padded), "1 1 1 1 1 1 1 1"},
		{"a byte too long", jsonAnswer(200, asJSON, padded+" "), "u 1 u u u u 1 u"},
		{"cut off", jsonAnswer(200, asJSON, yes[:12]), "u 1 u u u u 1 u"},
		{"two documents", jsonAnswer(200, asJSON, yes+"\n"+yes), "u 1 u u u u 1 u"},
		{"no body", jsonAnswer(200, asJSON, ""), "u 1 u u u u 1 1"},
		{"no body, said to be compressed", jsonAnswer(201, "", "", enc, "gzip"), "u 0 u u u u 1 1"},
		{"204", jsonAnswer(204, "", ""), "u 0 u u u u 1 1"},
		{"JSON without a type", jsonAnswer(200, "", yes), "1 0 1 1 1 1 1 1"},
		{"a text that begins like JSON", jsonAnswer(200, "text/plain", "{ok} all is well"), "u 0 u u u u 1 1"},
		{"a text in JSON, as text", jsonAnswer(200, "text/plain", `"ok"`), "u 0 u u u u 1 1"},
		{"JSON in a page", jsonAnswer(200, "text/html", "<textarea>"+yes+"</textarea>"), "u 0 u u u u 1 1"},
		{"an empty list", jsonAnswer(200, asJSON, "[]"), "1 1 1 0 1 0 1 1"},
		{"a list", jsonAnswer(200, asJSON, `[{"errors":["email"]}]`), "u 1 u u u u 1 1"}, // as GraphQL answers several queries
		{"a text", jsonAnswer(200, asJSON, `"no such address"`), "u 1 u u u u 1 1"},
		{"false", jsonAnswer(200, asJSON, "false"), "u 1 u u u u 1 1"},
		{"errors are an empty list", jsonAnswer(200, asJSON, `{"ok":true,"errors":[]}`), "1 1 1 1 1 1 1 1"},
		{"errors are null", jsonAnswer(200, asJSON, `{"ok":true,"errors":null}`), "1 1 1 1 1 1 1 1"},
		{"a byte order mark", jsonAnswer(200, asJSON, "\xef\xbb\xbf \r\n"+yes), "1 1 1 1 1 1 1 1"},
		{"XML", jsonAnswer(200, "application/xml", "<errors/>"), "u 0 u u u u 1 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := world.New(t, answerRules, row.site, func(c *goaltrack.Config) { c.Cookie.Create = goaltrack.CreateNever })
			v := w.Visitor().Meet()
			for _, goal := range answerGoals {
				v.Post("/"+strings.ToLower(goal), "a=b", "Accept-Encoding", "gzip, br")
			}
			w.Done()
			words := map[string]string{"fired 1": "1", "not_successful 1": "0", "condition 1": "0", "answer_unreadable 1": "u"}
			var got []string
			for _, goal := range answerGoals {
				fate := w.Fates(goal)
				if word, ok := words[fate]; ok {
					fate = word
				}
				got = append(got, fate)
				if arrived := slices.Contains(w.CDP.Types(), goal); arrived != (fate == "1") {
					t.Errorf("%s: %s, and arrived is %t", goal, fate, arrived)
				}
			}
			if got := strings.Join(got, " "); got != row.want {
				t.Errorf("%s\n%s, want\n%s", strings.Join(answerGoals, " "), got, row.want)
			}
		})
	}
}

// TestAnswerHeaderSays: what a header does not tell is not taken for absent, and
// what it tells is enough.
func TestAnswerHeaderSays(t *testing.T) {
	const asJSON, yes = "application/json", `{"ok":true}`
	for _, row := range []struct {
		name, rule string
		site       http.Handler
		want       string
	}{
		{"type detected by net/http", "success: { response.type: text/html }", jsonAnswer(200, "", "<!doctype html><p>Thanks"), "fired 1"},
		{"the same by its header", "success: 2xx, unless: { response.header.content-type: '~ ^text/html' }", jsonAnswer(200, "", "<!doctype html><form>"), "condition 1"},
		{"no type, and a body nobody knows", "success: 2xx, unless: { response.type: text/html }", jsonAnswer(200, "", packed("<form>", "gzip"), "Content-Encoding", "gzip"), "answer_unreadable 1"},
		{"no type, and no body", "success: 2xx, unless: { response.type: text/html }", jsonAnswer(201, "", ""), "fired 1"},
		{"an empty type", "success: 2xx, unless: { response.type: text/html }", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseForm()
			w.Header()["Content-Type"] = []string{""}
			_, _ = io.WriteString(w, "<form>")
		}), "answer_unreadable 1"},
		{"a Next.js server action", `success: { response.header.X-Action-Redirect: "~ ^/thanks" }`, jsonAnswer(303, "", "", "X-Action-Redirect", "/thanks;push"), "fired 1"},
		{"the same that leads elsewhere", `success: { response.header.X-Action-Redirect: "~ ^/thanks" }`, jsonAnswer(303, "", "", "X-Action-Redirect", "/login;push"), "not_successful 1"},
		{"303 that leads nowhere", "success: { response.header.X-Error: absent }", jsonAnswer(303, "", ""), "not_successful 1"},
		{"303 with a header of other use", "success: { response.header.X-Error: absent, response.header.X-Kind: a }", jsonAnswer(303, "", ""), "not_successful 1"},
		{"a payment page that is named", `success: { response.header.location: "~ ^https://pay[.]example/" }`, jsonAnswer(302, "", "", "Location", "https://pay.example/1"), "fired 1"},
		{"another site than the payment page", `success: { response.header.location: "~ ^https://pay[.]example/" }`, jsonAnswer(302, "", "", "Location", "https://sso.example/"), "not_successful 1"},
		{"any other site", "success: { response.header.location: present }", jsonAnswer(302, "", "", "Location", "https://sso.example/"), "not_successful 1"},
		{"the log-in page, whatever the header", "success: { response.header.location: present, response.header.X-Kind: a }", jsonAnswer(302, "", "", "Location", "/login", "X-Kind", "a"), "not_successful 1"},
		{"500, whatever the header", "success: { response.header.X-Kind: a }", jsonAnswer(500, asJSON, yes, "X-Kind", "a"), "not_successful 1"},
		{"header there", "success: { response.header.X-Kind: [a, b] }", jsonAnswer(200, asJSON, yes, "X-Kind", "b"), "fired 1"},
		{"header refused", "success: 2xx, unless: { response.header.X-Error: present }", jsonAnswer(200, asJSON, yes, "X-Error", "1"), "condition 1"},
		{"a status that says no, and is what the rule asks for", "success: 422, if: { response.json.ok: true }", jsonAnswer(422, asJSON, yes), "fired 1"},
		{"value of an unreadable answer", "success: 2xx, value: { from: $response.json.total, currency: EUR }", jsonAnswer(200, asJSON, yes, "Content-Encoding", "br"), "answer_unreadable 1"},
		{"value of no answer", "success: redirect, value: { from: $response.json.total, currency: EUR }", jsonAnswer(303, "", "", "Location", "/thanks"), "fired 1"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := world.New(t, "version: 1\ngoals:\n  - { goal: FORM_SENT, submit: /form, "+row.rule+" }\n", row.site)
			w.Visitor().Meet().Post("/form", "a=b")
			w.Expect("FORM_SENT", row.want)
		})
	}
}

// TestAnswerNotModified: a 304 repeats little of the header of the page that the
// browser has, and nothing of its body.
func TestAnswerNotModified(t *testing.T) {
	for rule, want := range map[string]string{
		"if: { response.header.X-Plan: pro }":              "fired 1",
		"unless: { response.header.X-Plan: pro }":          "condition 1",
		"unless: { response.header.X-Draft: present }":     "answer_unreadable 1",
		"if: { response.header.X-Draft: absent }":          "answer_unreadable 1",
		"unless: { response.type: application/pdf }":       "answer_unreadable 1",
		"unless: { response.json.draft: true }":            "answer_unreadable 1",
		"data: { plan: $response.json.plan }":              "fired 1",
		"data: { plan: $response.header.X-Draft }":         "fired 1",
		"if: { response.header.X-Plan: pro, path: /page }": "fired 1",
	} {
		t.Run(rule, func(t *testing.T) {
			w := world.New(t, "version: 1\ngoals:\n  - { goal: PAGE_SEEN, visit: /page, "+rule+" }\n", jsonAnswer(304, "", "", "X-Plan", "pro"))
			w.Visitor().Meet().Get("/page")
			w.Expect("PAGE_SEEN", want)
		})
	}
}

// TestAnswerPages: a goal that would take something from a JSON answer counts a
// page of HTML all the same, typed or not, short or long.
func TestAnswerPages(t *testing.T) {
	const rules = "version: 1\ngoals:\n  - { goal: PAGE_SEEN, visit: /page, data: { plan: $response.json.plan } }\n"
	for name, site := range map[string]http.Handler{
		"typed":       jsonAnswer(200, "text/html", "<!doctype html>"+strings.Repeat("<p>x", 9<<10)),
		"untyped":     jsonAnswer(200, "", "<!doctype html>"+strings.Repeat("<p>x", 9<<10)),
		"gzip, long":  jsonAnswer(200, "text/html", packed(strings.Repeat("<p>x", 9<<10), "gzip"), "Content-Encoding", "gzip"),
		"brotli":      jsonAnswer(200, "text/html", "\x0b\x02\x80", "Content-Encoding", "br"),
		"empty":       jsonAnswer(200, "text/html", ""),
		"many blanks": jsonAnswer(200, "text/html", strings.Repeat("\n", 17<<10)+"<p>"),
		"template":    jsonAnswer(200, "text/html", "{{ this was never filled in }}"),
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, rules, site)
			w.Visitor().Meet().Get("/page")
			w.Expect("PAGE_SEEN", "fired 1")
		})
	}
}

// TestAnswerCopied: an answer that comes by io.Copy, as from a file or a proxy, is
// read as far as it is kept, and arrives whole.
func TestAnswerCopied(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, contentType, body, want string
	}{
		{"short", "application/json", `{"ok":true}`, "fired 1"},
		{"long", "application/json", `{"ok":true,"x":"` + strings.Repeat("x", 90<<10) + `"}`, "answer_unreadable 1"},
		{"a long text", "text/plain", strings.Repeat("x", 90<<10), "answer_unreadable 1"},
		{"just as long as is kept", "application/json", `{"ok":true}` + strings.Repeat(" ", 16<<10-11), "fired 1"},
	} {
		for _, early := range []bool{false, true} {
			t.Run(row.name, func(t *testing.T) {
				bothProtocols(t, func(t *testing.T, http2 bool) {
					w := world.Setup{Rules: answerRules, HTTP2: http2, Site: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						_ = r.ParseForm()
						w.Header().Set("Content-Type", row.contentType)
						if early {
							w.WriteHeader(http.StatusOK)
						}
						n, err := io.Copy(w, struct{ io.Reader }{strings.NewReader(row.body)})
						if n != int64(len(row.body)) || err != nil {
							t.Errorf("%d bytes were copied, %v", n, err)
						}
					})}.Start(t)
					res := w.Visitor().Meet().Post("/ok", "a=b")
					if got, _ := io.ReadAll(res.Body); string(got) != row.body {
						t.Errorf("%d bytes arrived", len(got))
					}
					w.Expect("OK", row.want)
				})
			})
		}
	}
}

// TestAnswerInPieces: an answer means the same however it is written.
func TestAnswerInPieces(t *testing.T) {
	const mark = "\xef\xbb\xbf"
	for body, want := range map[string]string{
		`{"ok":true}`:                  "fired 1",
		mark + `{"ok":true}`:           "fired 1",
		mark + " \r\n" + `{"ok":true}`: "fired 1",
		mark:                           "answer_unreadable 1",
		mark[:2] + `{"ok":true}`:       "answer_unreadable 1",
		mark + `<p>{"ok":true}`:        "answer_unreadable 1",
	} {
		for _, media := range []string{"", "text/html", "text/plain", "application/json"} {
			for _, flushes := range []bool{false, true} {
				w := world.New(t, answerRules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_ = r.ParseForm()
					if media != "" {
						w.Header().Set("Content-Type", media)
					}
					for i := range len(body) {
						_, _ = io.WriteString(w, body[i:i+1])
						if flushes {
							_ = http.NewResponseController(w).Flush()
						}
					}
				}))
				w.Visitor().Meet().Post("/ok", "a=b")
				if w.Done(); w.Fates("OK") != want {
					t.Errorf("%q as %q, flushed %t: %s, want %s", body, media, flushes, w.Fates("OK"), want)
				}
			}
		}
	}
}

// TestAnswerCutOff: an answer that is shorter than it said is cut off, also if
// what there is of it is JSON.
func TestAnswerCutOff(t *testing.T) {
	for length, want := range map[string]string{"11": "fired 1", "12": "answer_unreadable 1", "": "fired 1"} {
		w := world.New(t, answerRules, http.NotFoundHandler())
		var header []string
		if length != "" {
			header = []string{"Content-Length", length}
		}
		r := w.Visitor().Meet().Request(http.MethodPost, "/ok", nil)
		w.Tracker.Handler(jsonAnswer(200, "application/json", `{"ok":true}`, header...)).ServeHTTP(httptest.NewRecorder(), r)
		w.Expect("OK", want)
	}
}
