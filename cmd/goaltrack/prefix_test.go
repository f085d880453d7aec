package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

const prefixRules = `
version: 1
goals:
  - { goal: CONTACT_SENT, submit: /contact }
`

// TestProxyBehindAPrefix puts the proxy behind another that takes /shop off: of
// three refused forms and one accepted, one counts.
func TestProxyBehindAPrefix(t *testing.T) {
	for name, flags := range map[string][]string{
		"set":       {"--path-prefix", "/shop"},
		"forwarded": {"--trusted-proxies", "127.0.0.1,::1"},
	} {
		t.Run(name, func(t *testing.T) {
			site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", r.Header.Get("X-To"))
				w.WriteHeader(http.StatusSeeOther)
			}))
			defer site.Close()
			stand := cdptest.NewServer(t, cdptest.Options{})
			proxy := start(t, append([]string{
				"proxy", "--listen=127.0.0.1:0", "--to=" + site.URL, "--rules=" + write(t, "goals.yaml", prefixRules),
				"--cdp=" + stand.URL, "--client-key=key", "--pos=shop",
			}, flags...)...)
			for _, to := range []string{"/shop/contact?error=1", "/shop/contact;jsessionid=1C22", "/shop/contact-us", "/shop/thanks"} {
				req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, proxy.url+"/contact", strings.NewReader("a=b"))
				if err != nil {
					t.Fatal(err)
				}
				req.Header = http.Header{
					"User-Agent": {person}, "Accept": {"text/html"}, "X-To": {to}, "X-Forwarded-Prefix": {"/shop"}, "Referer": {proxy.url + "/shop/contact-us"},
					"Content-Type": {"application/x-www-form-urlencoded"},
				}
				res, err := http.DefaultTransport.RoundTrip(req)
				if err != nil {
					t.Fatal(err)
				}
				_ = res.Body.Close()
			}
			code, out := proxy.stop()
			if want := "decisions 4 = fired 1 + not fired 3 (not_successful 3)"; code != exitOK || !strings.Contains(out, want) {
				t.Errorf("exit code %d, no %q in\n%s", code, want, out)
			}
		})
	}
}

// TestPrefixTried tries and replays rules for a site under a prefix.
func TestPrefixTried(t *testing.T) {
	rules := write(t, "goals.yaml", prefixRules)
	_, stdout, _ := carry(t, "try", "--path-prefix", "/shop", rules, "POST /shop/contact -> 303 /shop/thanks")
	printed(t, stdout, "fired   CONTACT_SENT\n        sends CONTACT_SENT  page \"contact\"\n")
	_, stdout, _ = carry(t, "try", "--path-prefix", "/shop", rules, "POST /contact -> 303 /shop/contact?error=1")
	printed(t, stdout, "-       CONTACT_SENT  answered 303 to /shop/contact?error=1; that is the form itself; if accepted forms lead there too, only the application can tell: success: confirmed\n")

	var log strings.Builder
	for _, to := range []string{"/shop/thanks", "/shop/thanks", "/shop/contact?e=1", "/shop/welcome"} {
		fmt.Fprintf(&log, `{"host":"shop.example","request_method":"POST","request_uri":"/shop/contact","status":303,"http_user_agent":%q,"sent_http_location":%q}`+"\n", person, to)
	}
	logFile := write(t, "access.log", log.String())
	_, stdout, _ = carry(t, "replay", "--path-prefix=/shop/", rules, logFile)
	printed(t, stdout, logFile+`: JSON, UTF-8; 4 lines, 4 read

4 lines

GOAL          COUNT  GUESSED  WHY NOT
CONTACT_SENT  3      0        not successful 1

Where accepted forms led:
  CONTACT_SENT: /thanks 2, /welcome 1

What the log does not tell:
  All goals: consent, opt-outs and prefetches; all counts are at most.
`)
	_, stdout, _ = carry(t, "replay", "--json", "--path-prefix=/shop", rules, logFile)
	printed(t, stdout, `{"lines":4,"unreadable":0,"files":[{"name":"`+logFile+`","format":"JSON","lines":4,"read":4}],"goals":{"CONTACT_SENT":3},"ledTo":{"CONTACT_SENT":[{"to":"/thanks","times":2},{"to":"/welcome","times":1}]}}`+"\n")

	for _, command := range []string{"try", "replay"} {
		code, _, stderr := carry(t, command, "--path-prefix=shop", rules, logFile)
		if want := `--path-prefix: "shop" is not a path such as /shop`; code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, no %q in %q", command, code, want, stderr)
		}
	}
}
