package test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// TestGuestsAreOfBrowsers: a request makes a guest only if it names text/html in
// Accept or has Sec-Fetch headers, whatever its user agent is.
func TestGuestsAreOfBrowsers(t *testing.T) {
	const (
		guest = "fired 1"
		no    = "not_a_browser 1"
	)
	bare := []string{"Sec-Fetch-Dest", "", "Sec-Fetch-Mode", "", "Sec-Fetch-Site", ""}
	with := func(header ...string) []string { return append(slices.Clip(bare), header...) }
	for name, c := range map[string]struct {
		method string
		header []string
		want   string
	}{
		"a browser":                        {"GET", nil, guest},
		"an old browser":                   {"GET", with("Accept", "text/html,*/*;q=0.8"), guest},
		"an old browser, in capitals":      {"GET", with("Accept", "application/xml, Text/HTML ;level=1"), guest},
		"everything":                       {"GET", with("Accept", "*/*"), no},
		"no Accept":                        {"GET", with("Accept", ""), no},
		"JSON":                             {"GET", with("Accept", "application/json"), no},
		"pictures":                         {"GET", with("Accept", "image/avif,image/webp,*/*;q=0.8"), no},
		"no HTML":                          {"GET", with("Accept", "text/html;q=0, */*"), no},
		"no HTML, at length":               {"GET", with("Accept", "text/html; level=1; q=0.000, */*"), no},
		"little HTML":                      {"GET", with("Accept", "text/html;q=0.001, */*"), guest},
		"another type that begins so":      {"GET", with("Accept", "text/html-sandboxed, */*"), no},
		"the type in a parameter":          {"GET", with("Accept", "multipart/related;type=text/html"), no},
		"an empty Sec-Fetch-Site":          {"GET", with("Accept", "*/*", "Sec-Fetch-Site", " "), no},
		"a script's fetch":                 {"GET", with("Accept", "*/*", "Sec-Fetch-Mode", "cors"), "not_navigation 1"},
		"a browser from before Fetch-Dest": {"GET", with("Accept", "*/*", "Sec-Fetch-Mode", "navigate"), guest},
		"htmx in an old browser":           {"GET", with("Accept", "*/*", "Hx-Boosted", "true"), no},
		"a form of a browser":              {"POST", nil, guest},
		"a form by a script":               {"POST", []string{"Accept", "*/*", "Sec-Fetch-Dest", "empty", "Sec-Fetch-Mode", "cors"}, guest},
		"a form by a program":              {"POST", with("Accept", "*/*"), no},
		"a form by a program, JSON":        {"POST", with("Accept", "application/json"), no},
		"a form, no Accept":                {"POST", with("Accept", ""), no},
	} {
		t.Run(name, func(t *testing.T) {
			site := http.NewServeMux()
			site.HandleFunc("GET /page", world.HTML)
			site.Handle("POST /form", world.Answer(http.StatusSeeOther, "Location", "/thanks"))
			w := world.Setup{Rules: world.EachTrigger, Site: site}.Start(t)
			v := w.Visitor()
			path, goal := "/page", "PAGE_VISITED"
			if c.method == http.MethodPost {
				path, goal = "/form", "FORM_SENT"
				v.Post(path, "email=a%40b.example&topic=x", c.header...)
			} else {
				v.Get(path, c.header...)
			}
			w.Expect(goal, c.want)
			if (v.ID() != "") != (c.want == guest) {
				t.Errorf("browser ID %q", v.ID())
			}
		})
	}
}

// TestGuestsThatAreKnown: who has an ID goes on as before, and who is allowed to may
// make one.
func TestGuestsThatAreKnown(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: SENT, submit: /form }
  - { goal: SENT_BY_ANYBODY, submit: /open, bots: count }
  - { goal: RAISED, code: true }
`
	program := []string{"Accept", "*/*", "Sec-Fetch-Dest", "", "Sec-Fetch-Mode", "", "Sec-Fetch-Site", ""}
	for name, c := range map[string]struct {
		bots                 goaltrack.Bots
		known                bool
		agent                string
		sent, anybody, raise string
	}{
		"a newcomer":           {sent: "not_a_browser 1", anybody: "fired 1", raise: "not_a_browser 1"},
		"known":                {known: true, sent: "fired 1", anybody: "fired 1", raise: "fired 1"},
		"allowed":              {bots: goaltrack.Bots{Allow: []string{"Procurement"}}, agent: "Procurement/1.0", sent: "fired 1", anybody: "fired 1", raise: "fired 1"},
		"a machine":            {agent: "curl/8.5.0", sent: "bot 1", anybody: "fired 1", raise: "bot 1"},
		"a machine that knows": {agent: "curl/8.5.0", known: true, sent: "bot 1", anybody: "fired 1", raise: "bot 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.Setup{
				Rules:  rules,
				Config: func(config *goaltrack.Config, _ *cdptest.Server) { config.Bots = c.bots },
				Mount: func(tracker *goaltrack.Tracker) http.Handler {
					return tracker.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						if id := tracker.BrowserID(r); id != "" && !c.known && c.bots.Allow == nil {
							t.Errorf("the handler sees the ID %s", id)
						}
						if r.URL.Path == "/form" {
							if err := tracker.Trigger(r, "RAISED", nil); err != nil {
								t.Error(err)
							}
						}
						http.Redirect(w, r, "/thanks", http.StatusSeeOther)
					}))
				},
			}.Start(t)
			v := w.Visitor()
			if c.known {
				v.Meet()
			}
			if c.agent != "" {
				v.Header.Set("User-Agent", c.agent)
			}
			v.Post("/form", "a=b", program...)
			if made := v.ID() != "" && !c.known; made != (c.sent == "fired 1" && !c.known) {
				t.Errorf("browser ID %q", v.ID())
			}
			v.Post("/open", "a=b", program...)
			w.Expect("SENT", c.sent)
			w.Expect("SENT_BY_ANYBODY", c.anybody)
			w.Expect("RAISED", c.raise)
		})
	}
}

// TestGuestsOfHead: a HEAD looks at no page, and makes no guest.
func TestGuestsOfHead(t *testing.T) {
	w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML), func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
	for _, header := range [][]string{nil, {"Sec-Fetch-Dest", "", "Sec-Fetch-Mode", "", "Sec-Fetch-Site", ""}, {"Accept", "*/*"}} {
		v := w.Visitor()
		v.Do(http.MethodHead, "/page", "", header...)
		if v.ID() != "" {
			t.Errorf("%q: browser ID %s", header, v.ID())
		}
	}
	w.Expect("PAGE_VISITED", "none")
	w.Expect("VIEW", "none")
}

// TestMachinesMakeNoGuests: what reads pages for itself or for others makes no guest
// and counts for no goal, whatever it accepts. Each of these has made guests
// somewhere: in YOURLS (https://github.com/YOURLS/YOURLS/issues/3967), behind monitors
// (https://github.com/department-of-veterans-affairs/va.gov-team/issues/46103), and
// where one list of robots was trusted
// (https://github.com/robhunter/agentdeals/issues/1128).
func TestMachinesMakeNoGuests(t *testing.T) {
	w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML), func(c *goaltrack.Config) { c.Views = goaltrack.ViewsServer })
	const webkit, safari = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.7204.168 ", "Safari/537.36"
	machines := []string{
		"Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5",
		"WhatsApp/2.23.20.0 A",
		"Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0; +Claude-User@anthropic.com)",
		"Mozilla/5.0 (compatible; meta-externalagent/1.1)",
		webkit + safari + " DatadogSynthetics",
		"check_http/v2.3.3 (monitoring-plugins 2.3.3)",
		"Blackbox Exporter/0.24.0",
		"Datadog Agent/7.69.2",
		"Mozilla/5.00 (Nikto/2.1.5) (Evasions:None) (Test:Port Check)",
		"Python/3.12 aiohttp/3.9.5",
		"Mozilla/5.0 (compatible; Google-InspectionTool/1.0;)",
		"Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1",
		webkit + safari + " Playwright/1.40.0",
		"Mozilla/5.0 (X11; Linux x86_64; Catchpoint) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/75.0.3770.90 Safari/537.36",
		"Mozilla/5.0 (Windows NT 6.2; WOW64) AppleWebKit/537.4 (KHTML, like Gecko) Chrome/98 Safari/537.4 (StatusCake)",
		webkit + safari + " PTST/SpeedCurve/230120.120134",
		"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
	}
	for _, agent := range machines {
		for _, accept := range []string{"*/*", "text/html"} {
			v := w.Visitor()
			v.Get("/page", "User-Agent", agent, "Accept", accept, "Sec-Fetch-Dest", "", "Sec-Fetch-Mode", "", "Sec-Fetch-Site", "")
			if v.ID() != "" {
				t.Errorf("a guest: %s (%s)", agent, accept)
			}
		}
	}
	w.Expect("PAGE_VISITED", "bot 34") // each goes twice
}

// TestPeopleWithMachineWordsInUserAgentCount: people whose phone, app or carrier has the word of a
// machine count (https://github.com/omrilotan/isbot/issues/29,
// https://github.com/omrilotan/isbot/issues/314,
// https://github.com/JayBizzle/Crawler-Detect/issues/111).
func TestPeopleWithMachineWordsInUserAgentCount(t *testing.T) {
	w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML))
	people := []string{
		"Mozilla/5.0 (Linux; Android 14; Cubot X50) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (Linux; Android 9; X20 PRO; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/101.0.4951.61 Mobile Safari/537.36 Instagram 237.0.0.7.102 Android (28/9; 480dpi; 1080x2115; CUBOT; X20 PRO; X20_PRO; mt6771; it_IT; 372544735)",
		"Mozilla/5.0 (Linux; Android 7.0; S710 Ruby) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/85.0.4183.81 Mobile Safari/537.36",
		"Mozilla/5.0 (Linux; Android 4.4.2; ForwardRuby) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/78.0.3904.108 Mobile Safari/537.36",
		"[FBAN/FB4A;FBAV/567.1.0.52.74;FBCR/KPN;FBMF/samsung;FBDV/SM-S921B;FBSV/16;FBOP/1;FBCA/arm64-v8a:;]",
	}
	for _, agent := range people {
		v := w.Visitor()
		v.Get("/page", "User-Agent", agent)
		w.Flush() // so that there is another ID for the next
	}
	w.Expect("PAGE_VISITED", "fired 5")
}
