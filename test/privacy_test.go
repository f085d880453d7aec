package test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestGPC: what each setting makes of the Global Privacy Control, for each consent that a
// goal can need, and what a page is told.
func TestGPC(t *testing.T) {
	for name, c := range map[string]struct {
		gpc                                       goaltrack.GPC
		ignore                                    bool
		answer                                    string
		required, analytics, marketing, notNeeded string
		privacy                                   goaltrack.Privacy
		honored                                   bool
	}{
		"by default": {
			answer: "yes", required: "gpc 1", analytics: "gpc 1", marketing: "gpc 1", notNeeded: "gpc 1",
			privacy: goaltrack.Privacy{GPC: true, Answer: granted, Counts: refused, Reason: "gpc"}, honored: true,
		},
		"of marketing": {
			gpc: goaltrack.GPCMarketing, answer: "yes", required: "gpc 1", analytics: "fired 1", marketing: "gpc 1", notNeeded: "fired 1",
			privacy: goaltrack.Privacy{GPC: true, Answer: granted, Counts: mixed(granted, refused), Reason: "gpc"}, honored: true,
		},
		"of marketing, not answered": {
			gpc: goaltrack.GPCMarketing, required: "gpc 1", analytics: "consent_unknown 1", marketing: "gpc 1", notNeeded: "fired 1",
			privacy: goaltrack.Privacy{GPC: true, Counts: mixed(unknown, refused), Reason: "gpc"}, honored: true,
		},
		"of marketing, refused": {
			gpc: goaltrack.GPCMarketing, answer: "no", required: "gpc 1", analytics: "consent_refused 1", marketing: "gpc 1", notNeeded: "fired 1",
			privacy: goaltrack.Privacy{GPC: true, Answer: refused, Counts: refused, Reason: "gpc"}, honored: true,
		},
		"ignored": {
			gpc: goaltrack.GPCIgnore, answer: "yes", required: "fired 1", analytics: "fired 1", marketing: "fired 1", notNeeded: "fired 1",
			privacy: goaltrack.Privacy{GPC: true, Answer: granted, Counts: granted},
		},
		"ignored, the old way, refused": {
			ignore: true, answer: "no", required: "consent_refused 1", analytics: "consent_refused 1", marketing: "consent_refused 1", notNeeded: "fired 1",
			privacy: goaltrack.Privacy{GPC: true, Answer: refused, Counts: refused, Reason: "consent_refused"}, honored: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var seen, early goaltrack.Privacy
			w := world.Setup{
				Rules: consentRules,
				Config: func(config *goaltrack.Config, _ *cdptest.Server) {
					config.Consent, config.GPC = answers, c.gpc
					config.IgnoreGPC = c.ignore //nolint:staticcheck // It still works.
				},
				Mount: func(tracker *goaltrack.Tracker) http.Handler {
					inner := tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						seen = tracker.Privacy(r)
						world.HTML(w, r)
					}))
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						early = tracker.Privacy(r)
						inner.ServeHTTP(w, r)
					})
				},
			}.Start(t)
			v := w.Visitor()
			v.Header.Set("Cookie", "answer="+c.answer)
			v.Get("/page", "Sec-GPC", "1")
			for goal, want := range map[string]string{"REQUIRED": c.required, "ANALYTICS": c.analytics, "MARKETING": c.marketing, "NOT_NEEDED": c.notNeeded} {
				w.Expect(goal, want)
			}
			if seen != c.privacy || early != c.privacy || seen.GPCHonored() != c.honored {
				t.Errorf("the page is told %+v, and before it %+v; want %+v", seen, early, c.privacy)
			}
		})
	}
}

// TestPrivacy: what a page is told without the Global Privacy Control, and that only 1
// is one (https://www.w3.org/TR/gpc/, 3.1).
func TestPrivacy(t *testing.T) {
	for name, c := range map[string]struct {
		cookies, gpc string
		noReader     bool
		want         goaltrack.Privacy
	}{
		"agreed":       {cookies: "answer=yes", want: goaltrack.Privacy{Answer: granted, Counts: granted}},
		"in part":      {cookies: "answer=analytics", want: goaltrack.Privacy{Answer: mixed(granted, refused), Counts: mixed(granted, refused), Reason: "consent_refused"}},
		"not answered": {want: goaltrack.Privacy{Reason: "consent_unknown"}},
		"opted out":    {cookies: "answer=yes; gt_optout=1", want: goaltrack.Privacy{OptedOut: true, Answer: granted, Counts: refused, Reason: "opt_out"}},
		"nobody asks":  {noReader: true, want: goaltrack.Privacy{Counts: granted}},
		"GPC is 0":     {cookies: "answer=yes", gpc: "0", want: goaltrack.Privacy{Answer: granted, Counts: granted}},
		"opted out, and GPC": {cookies: "answer=yes; gt_optout=1", gpc: "1", want: goaltrack.Privacy{
			GPC: true, OptedOut: true, Answer: granted, Counts: refused, Reason: "opt_out",
		}},
	} {
		config := workingConfig()
		if config.Consent = answers; c.noReader {
			config.Consent = nil
		}
		tracker, err := goaltrack.New(config)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", c.cookies)
		if c.gpc != "" {
			r.Header.Set("Sec-GPC", c.gpc)
		}
		if got := tracker.Privacy(r); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
