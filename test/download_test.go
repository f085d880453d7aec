package test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/internal/world"
)

// TestFileHandedOver: where the site leaves the sending to the server in front of it,
// the request says which part of the file is sent.
func TestFileHandedOver(t *testing.T) {
	rules := world.MustParse(t, "{version: 1, goals: [{goal: GOT, download: /files/a.pdf}]}")
	const over = " response.header.X-Accel-Redirect=/protected/a.pdf"
	for _, tt := range []struct {
		header, answer string
		fires          bool
	}{
		{"", over, true},
		{"header.Range=bytes=0-", over, true},
		{"header.Range=bytes=0-499999", over, true},
		{"header.Range=Bytes=0-", over, true},
		{"header.Range=bytes=500000-,0-9999", over, true},
		{"header.Range=bytes=500000-999999", over, false},
		{"header.Range=bytes=1-", over, false},
		{"header.Range=bytes=-500", over, false},
		{"header.Range=bytes=0-1", over, false}, // a probe
		{"header.Range=bytes=500000-,-500", over, false},
		{"header.Range=pages=2-3", over, true}, // of another unit: the whole file
		{"header.Range=bytes=5-3", over, true}, // no range
		{"header.Range=bytes=x-y", over, true},
		{"header.Range=bytes", over, true},
		{"header.Range=bytes=500000-", " response.header.X-Sendfile=/srv/a.pdf", false},
		{"header.Range=bytes=500000-", " response.header.X-LIGHTTPD-send-file=/srv/a.pdf", false},
		{"header.Range=bytes=500000-", " response.header.X-Reproxy-URL=http://store/a.pdf", false},
		// Without such a header the site sends the file itself, and 200 is all of it.
		{"header.Range=bytes=500000-", "", true},
		{"header.Range=bytes=500000-", " response.header.X-Accel-Buffering=no", true},
	} {
		line := "GET /files/a.pdf " + tt.header + " -> 200 type=application/pdf" + tt.answer
		if v := explain(t, rules, line)["GOT"]; v.Fired != tt.fires {
			t.Errorf("%s: fired %t, %q", line, v.Fired, v.Reason)
		}
	}

	w := world.New(t, "{version: 1, goals: [{goal: GOT, download: /files/a.pdf}]}", world.Answer(http.StatusOK, "X-Accel-Redirect", "/protected/a.pdf"))
	v := w.Visitor().Meet()
	for _, part := range []string{"bytes=0-499999", "bytes=500000-999999", "bytes=1000000-1499999", "bytes=-10"} {
		v.Get("/files/a.pdf", "Range", part)
	}
	w.Done()
	if goal := w.Tracker.Snapshot().Goals[0]; goal.Fired != 1 || goal.NotFired["range"] != 3 {
		t.Errorf("%+v", goal)
	}
}

// TestNotAFile: what comes in the place of a file, with 200, is no download. Where the type
// alone does not tell, the download counts.
func TestNotAFile(t *testing.T) {
	const (
		page    = "<!doctype html><title>Log in</title>"
		pdf     = "%PDF-1.7\n"
		problem = `{"error":"log in"}`
		no      = "not_a_file 1"
	)
	for _, tt := range []struct {
		path   string
		status int
		header string // such as "Content-Type: text/html|Content-Disposition: inline"
		body   string
		want   string
	}{
		{"/files/a.pdf", 200, "Content-Type: application/pdf", pdf, "fired 1"},
		{"/files/a.pdf", 200, "", pdf, "fired 1"},
		{"/files/a.pdf", 200, "Content-Type: application/octet-stream", pdf, "fired 1"},
		{"/files/a.pdf", 200, "Content-Type: text/plain", "Something.", "fired 1"}, // what servers say of files that they do not know
		{"/files/a.pdf", 200, "Content-Type: text/html; charset=utf-8", page, no},
		{"/files/a.pdf", 200, "Content-Type: TEXT/HTML", page, no},
		{"/files/a.pdf", 200, "Content-Type: application/xhtml+xml", page, no},
		{"/files/a.pdf", 200, "", page, no},
		{"/files/a.pdf", 200, "", "\n\n  " + page, no},
		{"/files/a.PDF", 200, "Content-Type: text/html", page, no},
		{"/files/a.pdf/", 200, "Content-Type: text/html", page, no},
		{"/files/a.pdf", 206, "Content-Type: text/html|Content-Range: bytes 0-35/36", page, no},
		{"/files/a.pdf", 401, "Content-Type: text/html", page, "status 1"},
		{"/files/a.pdf", 200, "Content-Type: application/json", problem, no},
		{"/files/a.pdf", 200, "Content-Type: application/problem+json", problem, no},
		{"/files/a.json", 200, "Content-Type: application/json", problem, "fired 1"},
		{"/files/a.webmanifest", 200, "Content-Type: application/json", problem, "fired 1"},
		{"/files/export", 200, "Content-Type: application/json", problem, "fired 1"}, // it may be what was asked for
		{"/files/a.zip", 200, "Content-Type: text/html", page, no},
		{"/-/media/files/a.ashx", 200, "Content-Type: text/html", page, no},
		{"/-/media/files/a.ashx", 200, "Content-Type: application/pdf", pdf, "fired 1"},
		// Nothing says that these are no pages.
		{"/files/7", 200, "Content-Type: text/html", page, "fired 1"},
		{"/files/get.php", 200, "Content-Type: text/html", page, "fired 1"},
		// Saved, whatever it is.
		{"/files/a.pdf", 200, "Content-Type: text/html|Content-Disposition: attachment; filename=a.pdf", pdf, "fired 1"},
		{"/files/7", 200, "Content-Type: text/html|Content-Disposition: Attachment", page, "fired 1"},
		{"/files/a.pdf", 200, "Content-Type: text/html|Content-Disposition: inline; filename=a.pdf", page, no},
		{"/files/a.pdf", 200, "Content-Type: text/html|Content-Disposition: filename=a.pdf", page, no},
		// A file that is a page.
		{"/files/a.html", 200, "Content-Type: text/html", page, "fired 1"},
		{"/files/a.HTM", 200, "", page, "fired 1"},
		// The server in front sends the file, and its type.
		{"/files/a.pdf", 200, "Content-Type: text/html|X-Accel-Redirect: /protected/a.pdf", "", "fired 1"},
		{"/files/a.pdf", 200, "Content-Type: text/html|X-Sendfile: /srv/a.pdf", "", "fired 1"},
		// The rule says which type it is.
		{"/typed/a.pdf", 200, "Content-Type: text/html", page, "fired 1"},
		{"/typed/a.pdf", 200, "Content-Type: application/pdf", pdf, "condition 1"},
		// What nobody typed, and is no text of HTML.
		{"/files/a.pdf", 200, "Content-Encoding: br", "\x8b", "fired 1"},
		{"/files/a.pdf", 200, "", "", "fired 1"},
		{"/files/a.pdf", 200, "Content-Type: text/html", "", "fired 1"},
	} {
		t.Run(tt.path+" "+tt.header, func(t *testing.T) {
			w := world.New(t, "{version: 1, goals: [{goal: GOT, any: [{download: /files/**}, {download: /-/media/**}]}, {goal: TYPED, download: /typed/**, if: {response.type: text/html}}]}",
				http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					for line := range strings.SplitSeq(tt.header, "|") {
						if name, value, ok := strings.Cut(line, ": "); ok {
							w.Header().Set(name, value)
						}
					}
					w.WriteHeader(tt.status)
					_, _ = io.WriteString(w, tt.body)
				}))
			goal := "GOT"
			if strings.HasPrefix(tt.path, "/typed") {
				goal = "TYPED"
			}
			w.Visitor().Meet().Get(tt.path)
			w.Expect(goal, tt.want)
		})
	}
}

// TestNotAFileInAnExample: an example that does not say of what type the answer is means the
// file.
func TestNotAFileInAnExample(t *testing.T) {
	rules := world.MustParse(t, "{version: 1, goals: [{goal: GOT, download: /**}]}")
	for line, want := range map[string]string{
		"GET /a.pdf -> 200":                                 "",
		"GET /a -> 200":                                     "",
		"GET /a.ashx":                                       "",
		"GET /a.pdf -> 200 type=text/html":                  "the answer is text/html, which is not the file; if the site says so of the file itself, add if: { response.type: text/html }",
		"GET /a -> 200 type=text/html":                      "",
		"GET /a.ashx -> 200 type=text/html":                 "the answer is text/html, which is not the file; if the site says so of the file itself, add if: { response.type: text/html }",
		"GET /a.pdf -> 200 type=application/json":           "the answer is application/json, which is not the file; if the site says so of the file itself, add if: { response.type: application/json }",
		"GET /a.pdf -> 200 response.json.error=loggedout":   "the answer is application/json, which is not the file; if the site says so of the file itself, add if: { response.type: application/json }",
		`GET /a.pdf -> 200 type="text/html; charset=utf-8"`: "the answer is text/html; charset=utf-8, which is not the file; if the site says so of the file itself, add if: { response.type: text/html }",
		"GET /a.zip -> 200 type=text/html response.header.Content-Disposition=attachment": "",
	} {
		if v := explain(t, rules, line)["GOT"]; v.Fired != (want == "") || v.Reason != want {
			t.Errorf("%s: fired %t, %q", line, v.Fired, v.Reason)
		}
	}
	// What it advises helps.
	rules = world.MustParse(t, "{version: 1, goals: [{goal: GOT, download: /**, if: { response.type: text/html }}]}")
	for _, line := range []string{"GET /a.pdf -> 200 type=text/html", `GET /a.pdf -> 200 type="text/html; charset=utf-8"`} {
		if v := explain(t, rules, line)["GOT"]; !v.Fired {
			t.Errorf("%s: %q", line, v.Reason)
		}
	}
}

// TestFileCountsEarly: a file whose type only its first bytes tell is still counted in the
// visit cookie, which goes with the header.
func TestFileCountsEarly(t *testing.T) {
	for body, early := range map[string]bool{
		"%PDF-1.7\n":                    true,
		strings.Repeat("a;b\n", 200):    true,
		strings.Repeat("a;b\n", 2):      false, // net/http may yet find something else
		"<!doctype html><p>Log in here": false,
	} {
		w := world.New(t, "{version: 1, goals: [{goal: GOT, download: /files/a.pdf, count: once per session}]}", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, body)
		}))
		if got := visitCookie(t, w.Visitor().Meet().Get("/files/a.pdf")) != ""; got != early {
			t.Errorf("%.20q: in the cookie %t", body, got)
		}
	}
}
