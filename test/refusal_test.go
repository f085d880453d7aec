package test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

const (
	accepted   = "fired"
	turnedDown = "not_successful"
	doubtful   = "doubtful_redirect"
)

// formRules has a goal for the form at that path.
func formRules(form string) string {
	path, _, _ := strings.Cut(form, ";")
	return "version: 1\ngoals:\n  - { goal: SENT, submit: \"" + strings.ReplaceAll(path, "%C3%BC", "ü") + "\" }\n"
}

// TestRedirectsTried goes through the table as goaltrack try does.
func TestRedirectsTried(t *testing.T) {
	for _, row := range redirectRows {
		line := "POST " + row.form + " host=shop.example header.Referer=" + row.page + " -> 302 " + row.location
		e, err := goaltrack.ParseExample(line)
		if err != nil {
			t.Fatal(err)
		}
		v := world.MustParse(t, formRules(row.form)).Explain(e)[0]
		if v.Fired != (row.want == accepted) || strings.Contains(v.Reason, "home page") != (row.want == doubtful) {
			t.Errorf("%s on %q -> %s: fired %t, %q; want %s", row.form, row.page, row.location, v.Fired, v.Reason, row.want)
		}
		if row.want == doubtful && !strings.HasSuffix(v.Reason, "; if this is success, write success: redirect to "+strings.TrimPrefix(v.Reason[strings.LastIndexByte(v.Reason, ' '):], " ")) {
			t.Errorf("%s: %q", row.location, v.Reason)
		}
	}
}

// TestRedirectsOnTheWire goes through the table on a live server.
func TestRedirectsOnTheWire(t *testing.T) {
	for _, row := range redirectRows {
		t.Run(row.form+" "+row.page+" to "+row.location, func(t *testing.T) {
			t.Parallel()
			w := world.New(t, formRules(row.form), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Location"] = []string{row.location}
				w.WriteHeader(http.StatusFound)
			}))
			w.Visitor().Meet().Post(row.form, "a=b", "Host", "shop.example", "Referer", row.page)
			w.Expect("SENT", row.want+" 1")
		})
	}
}

// TestFailure: failure: adds pages to those that are known by their words, and
// takes some away.
func TestFailure(t *testing.T) {
	rules := world.MustParse(t, `
version: 1
defaults:
  failure: [/oops/**, /verify-email, "!/challenge/**", "!/de/login", "!/shop"]
goals:
  - { goal: SENT, submit: /contact }
  - { goal: NAMED, submit: /contact, success: redirect to /login }
`)
	for location, want := range map[string]string{
		"/thanks": "SENT", "/oops": "", "/oops/a": "", "/verify-email": "", "/challenge": "SENT", "/Challenge/day-1": "SENT",
		"/de/login": "SENT", "/login": "NAMED", "/en/login": "", "/de/login?error=1": "", "/contact": "", "/": "",
	} {
		for name, v := range explain(t, rules, "POST /contact -> 302 "+location) {
			if v.Fired != (name == want) {
				t.Errorf("%s: %s fired %t, %q", location, name, v.Fired, v.Reason)
			}
		}
	}
	home := world.MustParse(t, "{version: 1, defaults: {failure: '!/'}, goals: [{goal: SENT, submit: /contact}]}")
	if v := explain(t, home, "POST /contact -> 302 /")["SENT"]; !v.Fired {
		t.Errorf("the home page is taken away from failure: %q", v.Reason)
	}
}

// TestRedirectReasons: whoever tries a form that does not count reads why, and
// what to write.
func TestRedirectReasons(t *testing.T) {
	rules := world.MustParse(t, "{version: 1, defaults: {failure: /oops}, goals: [{goal: SENT, submit: /contact}, {goal: NAMED, submit: /contact, success: redirect to /thanks}]}")
	const renamed = "; if visitors know this site as shop.example, a proxy asks for it as example.com: let it send X-Forwarded-Host and name it under TrustedProxies (trusted-proxies)"
	const hint = "; if this is success, write success: redirect to "
	for _, test := range []struct{ answer, sent, named string }{
		{"302 /", "answered 302 to /; that may be the home page or a log-in page" + hint + "/", "answered 302 to /; success needs a redirect to /thanks"},
		{"302 /en/login?a=b", `answered 302 to /en/login?a=b; "login" is a word of log-in and error pages` + hint + "/en/login", "answered 302 to /en/login?a=b; success needs a redirect to /thanks"},
		{"302 /orders/17?err=2", `answered 302 to /orders/17?err=2; "err" there says that it failed` + hint + "/orders/*", "answered 302 to /orders/17?err=2; success needs a redirect to /thanks"},
		{"302 /404", `answered 302 to /404; "404" is a word of log-in and error pages; if this is success, name that page under success:`, "answered 302 to /404; success needs a redirect to /thanks"},
		{"302 /portal?next=/contact", `answered 302 to /portal?next=/contact; "next" there leads back to the form` + hint + "/portal", "answered 302 to /portal?next=/contact; success needs a redirect to /thanks"},
		{"302 /oops", "answered 302 to /oops; failure: names that page" + hint + "/oops", "answered 302 to /oops; success needs a redirect to /thanks"},
		{"302 /tea", "answered 302 to /tea; that is the page the form was on" + hint + "/tea", "answered 302 to /tea; success needs a redirect to /thanks"},
		{"302 /contact?sent=1", "answered 302 to /contact?sent=1; that is the form itself; if accepted forms lead there too, only the application can tell: success: confirmed", "answered 302 to /contact?sent=1; success needs a redirect to /thanks"},
		{"302 https://shop.example/thanks", "answered 302 to https://shop.example/thanks; that is not a page of example.com" + renamed, "answered 302 to https://shop.example/thanks; that is not a page of example.com" + renamed},
		{"302", "answered 302; it does not say where to", "answered 302; it does not say where to"},
		{"200", "answered 200; success needs a redirect to another page, 201, 202 or 204", "answered 200; success needs a redirect to /thanks"},
	} {
		v := explain(t, rules, "POST https://example.com/contact header.Referer=https://example.com/tea -> "+test.answer)
		if got := v["SENT"].Reason; got != test.sent {
			t.Errorf("%s: %q, want %q", test.answer, got, test.sent)
		}
		if got := v["NAMED"].Reason; got != "line 1: "+test.named {
			t.Errorf("%s: %q, want %q", test.answer, got, test.named)
		}
	}
}

// TestRedirectNearMisses: the snapshot says the same, without what belongs to
// one visitor.
func TestRedirectNearMisses(t *testing.T) {
	for location, want := range map[string]string{
		"/":                                      "answered 303 to /; that may be the home page or a log-in page | if this is success, write success: redirect to /",
		"/users/ann@example.com/login?token=abc": `answered 303 to /users/*/login; "login" is a word of log-in and error pages | if this is success, write success: redirect to /users/*/login`,
		"/orders/A-1001?err=ann@example.com":     `answered 303 to /orders/*; "err" there says that it failed | if this is success, write success: redirect to /orders/*`,
		"/orders/A-1001?errors%5Bann@example.com%5D=used": `answered 303 to /orders/*; "the query" there says that it failed | if this is success, write success: redirect to /orders/*`,
		"https://pay.example/1":                           "answered 303 to //pay.example; that is not a page of 127.0.0.1 | if visitors know this site as pay.example, a proxy asks for it as 127.0.0.1: let it send X-Forwarded-Host and name it under TrustedProxies (trusted-proxies)",
	} {
		w := world.New(t, "{version: 1, goals: [{goal: SENT, submit: /contact}]}", world.Answer(http.StatusSeeOther, "Location", location))
		w.Visitor().Meet().Post("/contact", "a=b")
		w.Done()
		misses := w.Tracker.Snapshot().Goals[0].NearMisses
		if len(misses) != 1 || misses[0].What+" | "+misses[0].Hint != want {
			t.Errorf("%s: %+v, want %q", location, misses, want)
		}
	}
}

// TestLeavingHome: whoever logs out is led home, or to the log-in page.
func TestLeavingHome(t *testing.T) {
	rules := world.MustParse(t, "{version: 1, goals: [{goal: LOGGED_OUT, submit: /logout, forget: true}]}")
	for location, want := range map[string]bool{"/": true, "/login": true, "/account/sign-in": true, "/error": false, "/logout": false, "/bye?error=1": false} {
		if v := explain(t, rules, "POST /logout -> 302 "+location)["LOGGED_OUT"]; v.Fired != want {
			t.Errorf("%s: fired %t, %q", location, v.Fired, v.Reason)
		}
	}
	if w := rules.Warnings(); len(w) > 0 {
		t.Errorf("warnings: %v", w)
	}
}

// TestNamedByAVariable: whoever writes /orders/{id} does not mean the form, or a page of
// errors. What is written as it is, is meant.
func TestNamedByAVariable(t *testing.T) {
	for _, test := range []struct{ submit, success, form, location, want string }{
		{"/orders/new", "303 to /orders/{id}", "/orders/new", "/orders/A-1001", accepted},
		{"/orders/new", "303 to /orders/{id}", "/orders/new", "/orders/new", turnedDown},
		{"/orders/new", "303 to /orders/{id}", "/orders/new", "/en/../orders/NEW/", turnedDown},
		{"/orders/new", "303 to /orders/{id}", "/orders/new", "/orders/error", turnedDown},
		{"/orders/new", "303 to /orders/{id}", "/orders/new", "/orders/login", turnedDown},
		{"/orders/new", "303 to /orders/{id}", "/orders/new", "/orders/oops-page", turnedDown}, // by failure:
		{"/orders/new", "303 to /orders/{id}", "/orders/new", "/orders/retry", accepted},       // by failure:, too
		{"/orders/new", "303 to /orders/{id}", "/orders/new", "/orders/404", accepted},
		{"/orders/new", "303 to /orders/{id}", "/orders/new", "/orders/trial-and-error", accepted},
		{"/orders/new", "redirect to /orders/error", "/orders/new", "/orders/error", accepted},
		{"/orders/new", "redirect to /orders/new", "/orders/new", "/orders/new", accepted},
		{"/orders/cancel", "redirect to /orders/{state}", "/orders/cancel", "/orders/cancelled", accepted},
		{"/checkout/pay", "redirect to /checkout/**", "/checkout/pay", "/checkout/done", accepted},
		{"/checkout/pay", "redirect to /checkout/**", "/checkout/pay", "/checkout", accepted},
		{"/checkout/pay", "redirect to /checkout/**", "/checkout/pay", "/checkout/payment/declined", turnedDown},
		{"/checkout/pay", "redirect to /checkout/**", "/checkout/pay", "/checkout/pay", turnedDown},
		{"/register", "redirect to /{language}/login", "/register", "/de/login", accepted},
		{"/register", "redirect to /{language}/{page}", "/register", "/de/login", turnedDown},
		{"/register", "redirect to /welcome-{what}", "/register", "/welcome-error", turnedDown},
		{"/products/{id}", "303", "/products/7", "/products/7?error=1", turnedDown},
		{"/products/{id}", "redirect to /products/{id}", "/products/7", "/products/7", accepted}, // put into the cart
		{"/products/{id:[0-9]{1,5}}", "redirect to /products/{product}", "/products/7", "/products/7", accepted},
		{"/products/*", "redirect to /products/{product}", "/products/7", "/products/7", accepted},
		{"/products/7", "redirect to /products/{product}", "/products/7", "/products/7", turnedDown},
		{"/products/{id}/add", "redirect to /products/{id}", "/products/7/add", "/products/7", accepted},
		{"/jobs/apply", "redirect to /jobs/{title}/applied", "/jobs/apply", "/jobs/error/applied", accepted}, // its name is written out
		{"/jobs/apply", "redirect to /jobs/{title:[a-z/]+}/applied/", "/jobs/apply", "/jobs/it/login/applied", accepted},
		{"/jobs/apply", "redirect to /jobs/{title}/{step}", "/jobs/apply", "/jobs/error/applied", turnedDown},
		{"/jobs/{title}/apply", "redirect to /jobs/{title}/{step}", "/jobs/error/apply", "/jobs/error/apply", turnedDown},
		{"/errors/report", "redirect to /errors/{id}", "/errors/report", "/errors/17", accepted},
		{"/login", "redirect to /login/**", "/login", "/login/welcome", accepted},
		{"/login", "redirect to /login/**", "/login", "/login", turnedDown},
	} {
		rules := world.MustParse(t, fmt.Sprintf("{version: 1, defaults: {failure: [/orders/oops-page, '!/orders/retry']}, goals: [{goal: SENT, submit: %q, success: %q}]}", test.submit, test.success))
		v := explain(t, rules, "POST "+test.form+" -> 303 "+test.location)["SENT"]
		if v.Fired != (test.want == accepted) {
			t.Errorf("%s, %s, to %s: fired %t, %q", test.submit, test.success, test.location, v.Fired, v.Reason)
		}
	}
}

// TestOnlyTheOriginIsSaid: where a site lets browsers name no more than its origin, nobody knows
// that a form was on the page to which it leads.
func TestOnlyTheOriginIsSaid(t *testing.T) {
	rules := world.MustParse(t, "{version: 1, goals: [{goal: SENT, submit: /contact/send}]}")
	for _, test := range []struct{ page, policy, want string }{
		{"/", "strict-origin", turnedDown},
		{"/", "Origin", turnedDown},
		{"/", "no-referrer, strict-origin", turnedDown},
		{"/", "strict-origin-when-cross-origin", accepted},
		{"/", "strict-origin, same-origin", accepted},
		{"/tea", "strict-origin", accepted},
		{"/?a=b", "strict-origin", accepted},
	} {
		line := "POST /contact/send header.Referer=https://example.com" + test.page + ` -> 303 /contact response.header.Referrer-Policy="` + test.policy + `"`
		if v := explain(t, rules, line)["SENT"]; v.Fired != (test.want == accepted) {
			t.Errorf("%s with %s: fired %t, %q", test.page, test.policy, v.Fired, v.Reason)
		}
	}
}

// TestLocationNamed: a condition on Location says where accepted forms lead, and
// wins over what is known of other pages.
func TestLocationNamed(t *testing.T) {
	rules := world.MustParse(t, `{version: 1, goals: [{goal: SENT, submit: /newsletter, success: {response.header.Location: "~ [?&]done=1$"}}]}`)
	for location, want := range map[string]bool{"/tea?done=1": true, "/newsletter?done=1": true, "/?done=1": true, "/tea": false, "/tea?done=0": false} {
		line := "POST /newsletter header.Referer=https://example.com/tea -> 303 " + location
		if v := explain(t, rules, line)["SENT"]; v.Fired != want {
			t.Errorf("%s: fired %t, %q", location, v.Fired, v.Reason)
		}
	}
}

// TestLedTo: the snapshot and replay count where accepted forms led, each page
// once however it is spelled, without what belongs to one visitor, and bounded.
func TestLedTo(t *testing.T) {
	const rules = "{version: 1, goals: [{goal: SENT, submit: /contact}, {goal: ANY, submit: /any, success: '303'}]}"
	locations := map[string]int{
		"/thanks": 3, "/thanks?id=17": 2, "/thanks;jsessionid=1C22": 1, "http://shop.example//thanks": 1, "/orders/A-1001": 1, "/orders/A-1002": 1,
		"/u/ann@example.com": 1, "/login": 1, "/a/b/c/d/e/f/g/h": 1,
	}
	want := []goaltrack.Lead{{To: "/thanks", Times: 7}, {To: "/orders/*", Times: 2}, {To: "/a/b/c/d/e/f/**", Times: 1}, {To: "/u/*", Times: 1}}
	w := world.New(t, rules, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", r.Header.Get("X-To"))
		w.WriteHeader(http.StatusSeeOther)
	}))
	replay := world.MustParse(t, rules).NewReplay()
	v := w.Visitor().Meet()
	post := func(path, to string) {
		v.Post(path, "", "X-To", to, "Host", "shop.example")
		replay.Add(goaltrack.LogEntry{Method: http.MethodPost, Host: "shop.example", Target: path, Status: http.StatusSeeOther, Location: to, UserAgent: world.Chrome})
	}
	for to, times := range locations {
		for range times {
			post("/contact", to)
		}
	}
	post("/any", "https://Pay.example:443/1?a=b")
	for i := range 20 {
		post("/any", "/page-"+string(rune('a'+i)))
	}
	w.Done()
	goals, counts := w.Tracker.Snapshot().Goals, replay.Counts()
	for name, got := range map[string][]goaltrack.Lead{"live": goals[0].LedTo, "replay": counts[0].LedTo} {
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	for name, got := range map[string][]goaltrack.Lead{"live": goals[1].LedTo, "replay": counts[1].LedTo} {
		if len(got) != 17 || got[0] != (goaltrack.Lead{To: "//pay.example", Times: 1}) || got[16] != (goaltrack.Lead{To: "", Times: 5}) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestReplayRefuses: what a log says of a redirect is judged as on a live site.
func TestReplayRefuses(t *testing.T) {
	for location, want := range map[string]string{"/thanks": accepted, "/wp-login.php": turnedDown, "/": doubtful, "/tea": turnedDown, "": accepted} {
		for _, host := range []string{"shop.example", ""} {
			replay := world.MustParse(t, "{version: 1, goals: [{goal: SENT, submit: /contact}]}").NewReplay()
			to := location
			if host == "" && to != "" {
				to = "https://shop.example" + to // a log that does not tell the host
			}
			replay.Add(goaltrack.LogEntry{
				Method: http.MethodPost, Host: host, Target: "//contact;jsessionid=1", Status: http.StatusFound, Location: to, UserAgent: world.Chrome,
				Referer: "https://shop.example/tea",
			})
			c := replay.Counts()[0]
			if got := c.NotFired[want] + c.Count; got != 1 || (c.Count == 1) != (want == accepted) {
				t.Errorf("to %q on host %q: %d and %v, want %s", location, host, c.Count, c.NotFired, want)
			}
		}
	}
}

// TestStrippedInside: behind http.StripPrefix a form sent back is refused without
// a setting, and one line says what is missing.
func TestStrippedInside(t *testing.T) {
	for _, test := range []struct {
		title, target, location, want string
		config                        func(*goaltrack.Config)
		said                          int
	}{
		{"back to the form", "/shop/contact", "/shop/contact?error=1", "not_successful 2", nil, 1},
		{"home", "/shop/contact", "/shop/", "doubtful_redirect 2", nil, 1},
		{"accepted", "/shop/contact", "/shop/thanks", "fired 2", nil, 1},
		{"relative", "/shop/contact", "thanks", "fired 2", nil, 1},
		{"set, back to the form", "/shop/contact", "/shop/contact?error=1", "not_successful 2", func(c *goaltrack.Config) { c.PathPrefix = "/shop" }, 0},
		{"set, accepted", "/shop/contact", "/shop/thanks", "fired 2", func(c *goaltrack.Config) { c.PathPrefix = "/shop" }, 0},
		{"a function", "/shop/contact", "/shop/contact?error=1", "not_successful 2", func(c *goaltrack.Config) {
			c.Path = func(r *http.Request) string { return "/shop" + r.URL.Path }
		}, 0},
	} {
		t.Run(test.title, func(t *testing.T) {
			var log syncBuffer
			w := world.Setup{
				Rules: "{version: 1, goals: [{goal: SENT, any: [{submit: /contact}, {submit: /shop/contact}]}]}",
				Log:   &log,
				Config: func(c *goaltrack.Config, _ *cdptest.Server) {
					if test.config != nil {
						test.config(c)
					}
				},
				Mount: func(tracker *goaltrack.Tracker) http.Handler {
					return http.StripPrefix("/shop", tracker.Handler(world.Answer(http.StatusSeeOther, "Location", test.location)))
				},
			}.Start(t)
			v := w.Visitor().Meet()
			v.Post(test.target, "a=b")
			v.Post(test.target, "a=b")
			w.Expect("SENT", test.want)
			if n := strings.Count(log.String(), "set PathPrefix or Path"); n != test.said {
				t.Errorf("said %d times, want %d:\n%s", n, test.said, &log)
			}
		})
	}
}

// TestHtmxRedirect: where htmx leads the browser, the status says nothing.
func TestHtmxRedirect(t *testing.T) {
	for to, want := range map[string]string{"/thanks": accepted, "/login": turnedDown, "/": doubtful, "/contact?error=1": turnedDown, "": accepted} {
		header := []string{"X-Any", "1"}
		if to != "" {
			header = []string{"HX-Redirect", to}
		}
		w := world.New(t, formRules("/contact"), world.Answer(http.StatusNoContent, header...))
		w.Visitor().Meet().Post("/contact", "a=b", "HX-Request", "true")
		w.Expect("SENT", want+" 1")
	}
	for to, want := range map[string]string{
		"/thanks": accepted, `{"path":"/thanks","target":"#main"}`: accepted, "/login": turnedDown, `{"path":"/login","target":"#main"}`: turnedDown,
		`{"path":"/contact"}`: turnedDown, `{"path":"/"}`: doubtful, `{"target":"#main"}`: turnedDown, `{"path":`: turnedDown,
	} {
		w := world.New(t, formRules("/contact"), world.Answer(http.StatusNoContent, "HX-Location", to))
		w.Visitor().Meet().Post("/contact", "a=b", "HX-Request", "true")
		w.Expect("SENT", want+" 1")
	}
}

// TestAnswersBesideTheForm: a status of success is none if a firewall answered, if nobody
// asked for more than a check, or if a script is told to lead to a refusal.
func TestAnswersBesideTheForm(t *testing.T) {
	type pairs []string
	rows := []struct {
		success string // of the goal, "" for none
		request pairs
		status  int
		answer  pairs
		want    string
	}{
		// A form that is checked while somebody fills it in.
		{"", pairs{"Precognition", "true", "Precognition-Validate-Only", "email"}, 204, pairs{"Precognition-Success", "true"}, turnedDown},
		{"2xx", pairs{"Precognition", "true"}, 204, nil, turnedDown},
		{"", pairs{"Precognition", "false"}, 204, nil, accepted},
		{"200", pairs{"X-Up-Validate", "email"}, 200, nil, turnedDown},
		{"200", pairs{"X-Up-Target", "main"}, 200, nil, accepted},
		{"redirect to /thanks", pairs{"Precognition", "true"}, 303, pairs{"Location", "/thanks"}, turnedDown},
		// A firewall.
		{"", nil, 202, pairs{"X-Amzn-Waf-Action", "challenge"}, turnedDown},
		{"2xx", nil, 200, pairs{"Cf-Mitigated", "challenge"}, turnedDown},
		{"{ response.header.X-A: absent }", nil, 202, pairs{"X-Amzn-Waf-Action", "captcha"}, turnedDown},
		{"", nil, 202, nil, accepted},
		// Scripts that are led on.
		{"", nil, 204, pairs{"X-Remix-Redirect", "/login"}, turnedDown},
		{"", nil, 204, pairs{"X-Remix-Redirect", "/thanks"}, accepted},
		{"", nil, 202, pairs{"X-Remix-Response", "yes"}, turnedDown},
		{"", nil, 204, pairs{"X-Redirect-To", "/form?error=1"}, turnedDown},
		{"2xx", nil, 200, pairs{"HX-Redirect", "/login"}, turnedDown},
		{"200", nil, 200, pairs{"HX-Redirect", "/thanks?status=failed"}, turnedDown},
		{"200", nil, 200, pairs{"HX-Redirect", "https://pay.example/login"}, accepted},
		{"200", nil, 200, pairs{"HX-Location", "/"}, accepted},
		{"{ response.header.HX-Redirect: /login }", nil, 200, pairs{"HX-Redirect", "/login"}, accepted},
		{"200", nil, 200, pairs{"HX-Redirect", "/form?error=1"}, turnedDown},
		{"200", nil, 200, pairs{"X-Action-Redirect", "/login;push"}, turnedDown},
		{"200", nil, 200, pairs{"X-Action-Redirect", "/thanks?sent=0;push"}, turnedDown},
		{"200", nil, 200, pairs{"X-Action-Redirect", "/thanks?sent=1;replace"}, accepted},
		{"", nil, 204, pairs{"X-Action-Redirect", "/thanks;push"}, accepted},
		{"", nil, 204, pairs{"Ajax-Location", "./login"}, turnedDown},
		{"200", nil, 200, pairs{"Spring-Redirect-URL", "/error"}, turnedDown},
		{"200", nil, 200, pairs{"X-Responded-JSON", `{"status":401,"headers":{"location":"https://shop.example/Account/Login"}}`}, turnedDown},
		{"", nil, 202, pairs{"X-Responded-JSON", `{"status":403,"headers":{}}`}, turnedDown},
		{"200", nil, 200, pairs{"X-Responded-JSON", `{"status":200}`}, accepted},
		{"200", nil, 200, pairs{"X-Responded-JSON", "yes"}, accepted},
		// By a header that browsers obey, unless they show the page first.
		{"200", nil, 200, pairs{"Refresh", "0;url=/login"}, turnedDown},
		{"200", nil, 200, pairs{"Refresh", `0.0, URL = "/login?a=b"`}, turnedDown},
		{"200", nil, 200, pairs{"Refresh", "0;'/error'x"}, turnedDown},
		{"200", nil, 200, pairs{"Refresh", "0;url=/form?a=b&error=1"}, turnedDown},
		{"", nil, 201, pairs{"Refresh", "0 /login"}, turnedDown},
		{"200", nil, 200, pairs{"Refresh", "3;url=/login"}, accepted},
		{"200", nil, 200, pairs{"Refresh", "0;url=/thanks"}, accepted},
		{"", nil, 201, pairs{"Refresh", "0;url=/"}, accepted},
		{"200", nil, 200, pairs{"Refresh", "0"}, accepted},
		{"200", nil, 200, pairs{"Refresh", "0;url="}, accepted},
		// A redirect, where the status is success.
		{"303", nil, 303, pairs{"Location", "/login"}, turnedDown},
		{"303", nil, 303, pairs{"Location", "/form?error=1"}, turnedDown},
		{"303", nil, 303, pairs{"Location", "/portal?next=/"}, accepted},
		{"3xx", nil, 302, pairs{"Location", "/errors/500"}, turnedDown},
		{"303", nil, 303, pairs{"Location", "/thanks"}, accepted},
		{"303", nil, 303, pairs{"Location", "/"}, accepted},
		{"303", nil, 303, pairs{"Location", "https://pay.example/login"}, accepted},
		{"303", nil, 303, nil, accepted},
		{"303", nil, 303, pairs{"X-Action-Redirect", "/login"}, turnedDown},
		{"422", nil, 422, pairs{"HX-Redirect", "/login"}, accepted}, // as the rule says
		// To the page that the rule names, by an address that says that it failed.
		{"redirect to /form", nil, 303, pairs{"Location", "/form?error=1"}, turnedDown},
		{`"303 to /thanks/{id}"`, nil, 303, pairs{"Location", "/thanks/7?payment_status=failed"}, turnedDown},
		{"redirect to /thanks", nil, 303, pairs{"Location", "/thanks?error=0&status=ok"}, accepted},
		{"redirect to /app", nil, 303, pairs{"Location", "/app#error=denied"}, turnedDown},
		{"redirect to /thanks", nil, 303, pairs{"Location", "/thanks?reason=wrong_size"}, accepted},
		{"redirect to /thanks", nil, 303, pairs{"Location", "/thanks?reason=cancel"}, turnedDown},
		{"redirect to /app", nil, 303, pairs{"Location", "/app#/form"}, accepted},
		{"redirect to /thanks", nil, 303, pairs{"Location", "/thanks;error=1"}, turnedDown},
		{"redirect to /thanks", nil, 303, pairs{"Location", "/thanks;jsessionid=1C22"}, accepted},
		{"redirect to /bookings", nil, 303, pairs{"Location", "/bookings?id=cancelled-7"}, accepted},
		{`{ response.header.Location: "~ ^/form[?]error=" }`, nil, 303, pairs{"Location", "/form?error=1"}, accepted},
	}
	var rules strings.Builder
	rules.WriteString("version: 1\ngoals:\n")
	for i, row := range rows {
		fmt.Fprintf(&rules, "  - { goal: SENT_%d, submit: /form%d", i, i)
		if row.success != "" {
			rules.WriteString(", success: " + row.success)
		}
		rules.WriteString(" }\n")
	}
	w := world.New(t, rules.String(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/form"))
		if err != nil {
			t.Error(err)
		}
		for a := rows[i].answer; len(a) > 0; a = a[2:] {
			w.Header().Set(a[0], a[1])
		}
		w.WriteHeader(rows[i].status)
	}))
	v := w.Visitor().Meet()
	for i, row := range rows {
		v.Post(fmt.Sprint("/form", i), "a=b", row.request...)
	}
	w.Done()
	for i, row := range rows {
		if got := w.Fates(fmt.Sprint("SENT_", i)); got != row.want+" 1" {
			t.Errorf("success: %s, %v -> %d %v: %s, want %s", row.success, row.request, row.status, row.answer, got, row.want)
		}
	}
}
