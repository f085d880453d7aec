package rule

import (
	"maps"
	"testing"
)

// TestReplayPages: what a log shows is a page if its ending can be one, also if the browser
// had it (304), on every machine. What a live site ignores counts nothing.
func TestReplayPages(t *testing.T) {
	rules, err := Parse([]byte("goals: [{ goal: SEEN, visit: /** }, { goal: GOT, download: /** }]"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		target string
		status int
		want   map[string]uint64 // SEEN and why not
	}{
		{"/blog/", 200, nil},
		{"/blog/", 304, nil},
		{"/blog/v1.2", 304, nil},
		{"/page.aspx", 304, nil},
		{"/blog/img/logo.png", 200, map[string]uint64{"not_html": 1}},
		{"/blog/img/logo.png", 304, map[string]uint64{"not_html": 1}},
		{"/a.WOFF2", 304, map[string]uint64{"not_html": 1}},
		{"/a.webmanifest", 200, map[string]uint64{"not_html": 1}},
		{"/a.js.map", 200, map[string]uint64{"not_html": 1}},
		{"/nginx.conf", 200, map[string]uint64{"not_html": 1}},
		{"/a.jar", 200, map[string]uint64{"not_html": 1}},
		{"/healthz", 200, map[string]uint64{"health_check": 1}},
		{"/Healthz/", 200, map[string]uint64{"health_check": 1}},
		{"/sitecore/shell", 200, map[string]uint64{"editor": 1}},
		{"/sitecores", 200, nil},
		{"/a?sc_mode=edit", 200, map[string]uint64{"editor": 1}},
		{"/a?sc_mode=normal", 200, nil},
	} {
		replay := rules.NewReplay()
		replay.Add(LogEntry{Method: "GET", Target: test.target, Status: test.status})
		c := replay.Counts()[0]
		if (c.Count == 1) != (test.want == nil) || !maps.Equal(c.NotFired, test.want) && len(test.want) > 0 {
			t.Errorf("%s %d: %d, not %v, want %v", test.target, test.status, c.Count, c.NotFired, test.want)
		}
	}
	replay := rules.NewReplay()
	replay.HealthPaths, replay.EditorPaths, replay.EditorModes = []string{"/up/"}, nil, nil
	for _, target := range []string{"/up", "/healthz", "/sitecore/shell", "/a?sc_mode=edit"} {
		replay.Add(LogEntry{Method: "GET", Target: target, Status: 200})
	}
	if c := replay.Counts()[0]; c.Count != 3 || c.NotFired["health_check"] != 1 {
		t.Errorf("%+v", c)
	}
}
