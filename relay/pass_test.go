package relay_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/fact"
	"github.com/goaltrack/goaltrack/relay"
)

// flow is a call for a decision.
func (rd *road) flow(id, name string) string {
	key, pos := cdptest.TestClientKey, cdptest.TestPointOfSale
	if rd.edge {
		key, pos = "", ""
	}
	return `{"browserId":"` + id + `","channel":"WEB","clientKey":"` + key + `","currencyCode":"EUR","friendlyId":"` + name + `","language":"EN","pointOfSale":"` + pos + `"}`
}

// TestPersonalize: a call goes to the CDP with what the CDP needs, and with nothing that is
// the site's alone. The answer comes back without a cookie.
func TestPersonalize(t *testing.T) {
	bothEdges(t, func(t *testing.T, edge bool) {
		rd := open(t, setup{edge: edge})
		rd.answers(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Set-Cookie", "theirs=1")
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Server", "edge")
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `{"variantId":"B","nested":{"a":[1]}}`)
		})
		for _, says := range []string{ours, "", "undefined"} {
			res := post(rd.known(), rd.url("personalize"), rd.flow(says, "hero"), "X-Sc-Correlation-Id", "abc", "Accept-Language", "de", "X-Forwarded-For", "6.6.6.6", "Proxy-Authorization", "SECRET")
			if got := bodyOf(t, res); res.StatusCode != http.StatusAccepted || got["variantId"] != "B" {
				t.Errorf("%d %v", res.StatusCode, got)
			}
			for _, name := range []string{"Set-Cookie", "Access-Control-Allow-Origin", "Server"} {
				if res.Header[name] != nil {
					t.Errorf("%s came back", name)
				}
			}
		}
		passed, bodies := rd.asked()
		for i, r := range passed {
			if !strings.Contains(bodies[i], `"browserId":"`+ours+`"`) {
				t.Errorf("it asked %s", bodies[i])
			}
			for _, name := range []string{"Cookie", "Authorization", "Proxy-Authorization", "Referer", "Origin", "X-Forwarded-For"} {
				if r.Header[name] != nil {
					t.Errorf("%s passed: %q", name, r.Header[name])
				}
			}
			if r.Header.Get("X-Sc-Correlation-Id") != "abc" || r.Header.Get("Accept-Language") != "de" || !strings.HasPrefix(r.Header.Get("User-Agent"), "Mozilla/5.0") {
				t.Errorf("header %v", r.Header)
			}
			want := "/v2/callFlows"
			if edge {
				want = "/v1/personalize?siteId=" + siteName + "&sitecoreContextId=" + contextID
			}
			if r.RequestURI != want {
				t.Errorf("it asked for %s, want %s", r.RequestURI, want)
			}
		}
	})
}

// TestContextHeader: where the Content SDK says its context in the header, so does the relay.
func TestContextHeader(t *testing.T) {
	rd := open(t, setup{edge: true})
	path := relay.Path + "/v1/personalize?siteId=" + siteName
	if res := post(rd.known(), path, rd.flow(ours, "hero"), "X-Sitecore-ContextId", contextID); res.StatusCode != http.StatusOK {
		t.Fatalf("status %d", res.StatusCode)
	}
	passed, _ := rd.asked()
	if got := passed[0]; got.Header.Get("X-Sitecore-ContextId") != contextID || got.RequestURI != "/v1/personalize?siteId="+siteName {
		t.Errorf("it asked %s, %v", got.RequestURI, got.Header)
	}
	res := post(rd.known(), relay.Path+"/v1/events/v1.2/events?siteId="+siteName, rd.say("CLICKED", ours), "X-Sitecore-ContextId", contextID)
	if res.StatusCode != http.StatusCreated {
		t.Errorf("an event: %d", res.StatusCode)
	}
}

// TestDrained: a decision is asked for when the visitor's events are sent, and not much
// later if they cannot be.
func TestDrained(t *testing.T) {
	t.Run("sent", func(t *testing.T) {
		rd := open(t, setup{})
		rd.CDP.Fault(cdptest.Delay(30 * time.Millisecond).On(cdptest.Sends))
		sent := make(chan int, 1)
		rd.answers(func(w http.ResponseWriter, _ *http.Request) {
			sent <- int(rd.Tracker.Snapshot().Delivered)
			_, _ = io.WriteString(w, "{}")
		})
		v := rd.known()
		for i := range 3 {
			post(v, rd.url("events"), rd.say("CLICKED", ours, fmt.Sprintf(`"n":%d`, i)))
		}
		post(v, rd.url("personalize"), rd.flow(ours, "hero"))
		if n := <-sent; n != 3 {
			t.Errorf("%d events were sent before it was asked", n)
		}
	})
	t.Run("cannot be sent", func(t *testing.T) {
		rd := open(t, setup{hurried: true})
		rd.CDP.Fault(cdptest.Status(503).On(cdptest.Sends).Times(40))
		v := rd.known()
		post(v, rd.url("events"), rd.say("CLICKED", ours))
		if res := post(v, rd.url("personalize"), rd.flow(ours, "hero")); res.StatusCode != http.StatusOK {
			t.Errorf("status %d", res.StatusCode)
		}
		rd.CDP.ClearFaults()
	})
}

// TestAnswers: whatever comes back, the SDK gets JSON, or an address that is one.
func TestAnswers(t *testing.T) {
	patient := open(t, setup{edge: true, options: relay.Options{Timeout: hangs}})
	impatient := open(t, setup{edge: true, options: relay.Options{Timeout: 200 * time.Millisecond}})
	reply := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://elsewhere.example/")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	const html = "<!doctype html><title>Sorry</title>"
	script := "https://cdn.example/web-flow-libs/1/web-version.min.js?v=2"
	for _, tc := range []struct {
		name   string
		call   string
		answer http.HandlerFunc
		status int
		body   string // or the reason
	}{
		{"JSON", "personalize", reply(200, `{"a":1}`), 200, `{"a":1}`},
		{"null", "search", reply(200, `null`), 200, `null`},
		{"an error in JSON", "personalize", reply(503, `{"code":1}`), 503, `{"code":1}`},
		{"HTML", "personalize", reply(200, html), 502, "relay_answer"},
		{"HTML, searched", "search", reply(200, html), 502, "relay_answer"},
		{"an error in HTML", "personalize", reply(503, html), 502, "relay_answer"},
		{"nothing", "personalize", reply(204, ""), 502, "relay_answer"},
		{"elsewhere", "personalize", reply(302, `{}`), 502, "relay_answer"},
		{"reset", "personalize", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 504, "relay_unreachable"},
		{"silence", "personalize", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 504, "relay_unreachable"},
		{"without an end", "personalize", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := io.WriteString(w, strings.Repeat(" ", 1<<16)); err != nil {
					return
				}
			}
		}, 502, "relay_answer"},
		{"in drops", "search", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "{")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, 504, "relay_unreachable"},
		{"no script: HTML", "cdn-url", reply(200, html), 502, "relay_answer"},
		{"no script: nothing", "cdn-url", reply(200, ""), 502, "relay_answer"},
		{"no script: http", "cdn-url", reply(200, "http://cdn.example/a.js"), 502, "relay_answer"},
		{"no script: code", "cdn-url", reply(200, "javascript:alert(1)"), 502, "relay_answer"},
		{"no script: data", "cdn-url", reply(200, "data:text/javascript,alert(1)"), 502, "relay_answer"},
		{"no script: a path", "cdn-url", reply(200, "/a.js"), 502, "relay_answer"},
		{"no script: two", "cdn-url", reply(200, "https://a.example/a.js https://b.example/"), 502, "relay_answer"},
		{"no script: a tag behind it", "cdn-url", reply(200, `https://a.example/"><script>`), 502, "relay_answer"},
		{"no script: somebody's name", "cdn-url", reply(200, "https://a@b.example/a.js"), 502, "relay_answer"},
		{"no script: an error", "cdn-url", reply(404, script), 502, "relay_answer"},
		{"a script", "cdn-url", reply(200, script+"\n"), 200, script},
		{"a script that is known", "cdn-url", reply(500, html), 200, script},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rd := patient
			if tc.name == "silence" || tc.name == "in drops" { // these end with the time alone
				rd = impatient
			}
			rd.answers(tc.answer)
			v := rd.known()
			var res *http.Response
			switch tc.call {
			case "cdn-url":
				res = v.Get(rd.url("cdn-url"))
			case "search":
				res = post(v, rd.url("search"), "{}")
			default:
				res = post(v, rd.url("personalize"), rd.flow(ours, "hero"))
			}
			if got := drainBody(res); res.StatusCode != tc.status || !strings.Contains(got, tc.body) || strings.Contains(got, html) {
				t.Errorf("%d %s, want %d %s", res.StatusCode, got, tc.status, tc.body)
			}
			if res.Header.Get("Location") != "" {
				t.Error("it leads elsewhere")
			}
		})
	}
}

// TestSearchWithoutConsent: a site can let its search work for everybody.
func TestSearchWithoutConsent(t *testing.T) {
	rd := open(t, setup{edge: true, options: relay.Options{SearchWithoutConsent: true}, config: func(c *goaltrack.Config) {
		c.Consent = goaltrack.ConsentCookie("consent", "yes")
	}})
	if res := post(rd.known(), rd.url("search"), "{}"); res.StatusCode != http.StatusOK {
		t.Errorf("status %d", res.StatusCode)
	}
}

// TestPassesAreShared: one visitor cannot take the calls of all others.
func TestPassesAreShared(t *testing.T) {
	rd := open(t, setup{})
	release, arrived := make(chan struct{}), make(chan struct{}, 100)
	rd.answers(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- struct{}{}
		<-release
		_, _ = io.WriteString(w, "{}")
	})
	var wg sync.WaitGroup
	busy := make(chan int, 100)
	for range 20 {
		wg.Go(func() {
			res := post(rd.known(), rd.url("personalize"), rd.flow(ours, "hero"))
			busy <- res.StatusCode
		})
	}
	for range 12 {
		if s := <-busy; s != http.StatusServiceUnavailable {
			t.Errorf("status %d", s)
		}
	}
	for range 8 {
		<-arrived
	}
	close(release)
	wg.Wait()
	if n := rd.Note("relay_busy"); n != 12 {
		t.Errorf("relay_busy %d", n)
	}
}

// facts keeps what a report is told.
type facts struct {
	mu   sync.Mutex
	list []fact.Fact
}

func (f *facts) Report(one fact.Fact) {
	one.Variants = slices.Clone(one.Variants)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, one)
}

// TestVariants: a report is told which variants a page view and a decision name, and of
// relayed events nothing that it would take for a conversion.
func TestVariants(t *testing.T) {
	for _, tc := range []struct {
		name, flow, answer string
		view               string
		want               string
	}{
		{"a page view", "", "", `"ext":{"pageVariantId":"b1"}`, "page=b1"},
		{"a decision about the page", "embedded_1_en", `{"variantId":"b2"}`, "", "page=b2"},
		{"a decision about a component", "component_1_hero_en", `{"variantId":"hero_b"}`, "", "page=hero_b"},
		{"a flow of the site's own", "spring_offer", `{"variantId":"b3","text":"x"}`, "", "spring_offer=b3"},
		{"no variant", "spring_offer", `{"text":"x"}`, "", ""},
		{"what is no variant", "spring_offer", `{"variantId":"<script>"}`, "", ""},
		{"a list", "spring_offer", `[1]`, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			told := &facts{}
			rd := open(t, setup{config: func(c *goaltrack.Config) { c.Report = told }})
			rd.answers(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tc.answer) })
			if tc.view != "" {
				post(rd.known(), rd.url("events"), rd.say("VIEW", ours, tc.view))
			} else {
				post(rd.known(), rd.url("personalize"), rd.flow(ours, tc.flow))
			}
			rd.Done()
			var got []string
			for _, f := range told.list {
				switch f.Kind {
				case fact.RulesChanged, fact.Spent:
				case fact.Shown:
					for _, v := range f.Variants {
						got = append(got, v.Component+"="+v.Name)
					}
					if f.Browser == [16]byte{} || f.Site == "" {
						t.Errorf("%+v", f)
					}
				default:
					t.Errorf("a report is told %+v", f)
				}
			}
			if strings.Join(got, " ") != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// TestForwardIP: only if the owner says so is the visitor's address sent, with events and with
// what passes through. It is the one that the proxies tell which can be trusted.
func TestForwardIP(t *testing.T) {
	for _, on := range []bool{false, true} {
		rd := open(t, setup{options: relay.Options{ForwardIP: on}, config: func(c *goaltrack.Config) {
			c.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
		}})
		v := rd.known()
		post(v, rd.url("events"), rd.say("CLICKED", ours), "X-Forwarded-For", "6.6.6.6, 203.0.113.7")
		post(v, rd.url("personalize"), rd.flow(ours, "hero"), "X-Forwarded-For", "6.6.6.6, 203.0.113.7")
		rd.Flush()
		passed, _ := rd.asked()
		want := ""
		if on {
			want = "203.0.113.7"
		}
		if e, p := rd.CDP.Events()[0].Header.Get("X-Forwarded-For"), passed[0].Header.Get("X-Forwarded-For"); e != want || p != want {
			t.Errorf("ForwardIP %v: %q and %q, want %q", on, e, p, want)
		}
	}
}
