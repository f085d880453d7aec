package test

import (
	"net/http"
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
