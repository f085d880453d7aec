package test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const chromium = `"Not)A;Brand";v="8", "Chromium";v="152", "Google Chrome";v="152"`

// needingHints is a site whose pages need client hints, and a goal that counts its pages.
func needingHints(t *testing.T, accept, critical string) *world.World {
	t.Helper()
	return world.Setup{
		Rules: "{version: 1, goals: [{goal: SEEN, visit: /page, count: every}, {goal: ONCE, visit: /page, count: once per visitor}]}",
		Site: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Accept-CH", accept)
			w.Header().Set("Critical-CH", critical)
			world.HTML(w, r)
		}),
		Config: func(c *goaltrack.Config, _ *cdptest.Server) { c.Views = goaltrack.ViewsServer },
	}.Start(t)
}

// TestCriticalCH: the answer that Chrome throws away is no visit, and the one that it
// asks for then is one, also of a newcomer, who is one guest.
func TestCriticalCH(t *testing.T) {
	const hint = "Sec-CH-UA-Platform-Version"
	w := needingHints(t, "Sec-CH-UA-Model, "+hint, hint)
	v := w.Visitor()
	v.Get("/page", "Sec-CH-UA", chromium)
	first := v.ID()
	v.Get("/page", "Sec-CH-UA", chromium, hint, `"15.0.0"`)
	v.Get("/page", "Sec-CH-UA", chromium, hint, `"15.0.0"`)
	if id := v.ID(); id == "" || id != first {
		t.Errorf("the IDs are %q and %q", first, id)
	}
	w.Expect("SEEN", "fired 2, critical_ch 1")
	w.Expect("ONCE", "fired 1, already_counted 1, critical_ch 1")
	w.Expect("VIEW", "fired 2, critical_ch 1")
}

// TestCriticalCHWithoutRestartCounts: an answer that no browser throws away counts.
func TestCriticalCHWithoutRestartCounts(t *testing.T) {
	const hint = "Sec-CH-UA-Platform-Version"
	for name, c := range map[string]struct {
		accept, critical string
		header           []string
		want             string
	}{
		"as Chrome does it":          {hint, hint, []string{"Sec-CH-UA", chromium}, "critical_ch 1"},
		"in small letters":           {"dpr,sec-ch-ua-platform-version", "sec-ch-ua-platform-version", []string{"Sec-CH-UA", chromium}, "critical_ch 1"},
		"one of two is missing":      {"DPR, " + hint, "DPR, " + hint, []string{"Sec-CH-UA", chromium, "DPR", "2"}, "critical_ch 1"},
		"Firefox":                    {hint, hint, nil, "fired 1"},
		"Safari, some day":           {hint, hint, []string{"Sec-CH-UA", `"Safari";v="30"`}, "fired 1"},
		"the hint is there":          {hint, hint, []string{"Sec-CH-UA", chromium, hint, `""`}, "fired 1"},
		"it is not asked for":        {"DPR", hint, []string{"Sec-CH-UA", chromium}, "fired 1"},
		"nobody knows the hint":      {"Sec-CH-Mood", "Sec-CH-Mood", []string{"Sec-CH-UA", chromium}, "fired 1"},
		"sent only on demand":        {"Save-Data", "Save-Data", []string{"Sec-CH-UA", chromium}, "fired 1"},
		"sent with pictures":         {"Sec-CH-Width", "Sec-CH-Width", []string{"Sec-CH-UA", chromium}, "fired 1"},
		"an empty header":            {hint, "", []string{"Sec-CH-UA", chromium}, "fired 1"},
		"a script fetches the page":  {hint, hint, []string{"Sec-CH-UA", chromium, "Sec-Fetch-Mode", "cors", "HX-Boosted", "true"}, "fired 1"},
		"an old client says no mode": {hint, hint, []string{"Sec-CH-UA", chromium, "Sec-Fetch-Mode", ""}, "critical_ch 1"},
	} {
		w := needingHints(t, c.accept, c.critical)
		w.Visitor().Meet().Get("/page", c.header...)
		w.Done()
		if got := w.Fates("SEEN"); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestCriticalCHNever: a browser that never sends the hint counts from its second page on.
func TestCriticalCHNever(t *testing.T) {
	for name, known := range map[string]bool{"a newcomer": false, "a known visitor": true} {
		w := needingHints(t, "Sec-CH-UA-Model", "Sec-CH-UA-Model")
		v := w.Visitor()
		if known {
			v.Meet()
		}
		for range 3 {
			v.Get("/page", "Sec-CH-UA", chromium)
		}
		w.Done()
		if got := fmt.Sprint(w.Fates("SEEN"), "; ", w.Fates("ONCE")); got != "fired 2, critical_ch 1; fired 1, already_counted 1, critical_ch 1" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
