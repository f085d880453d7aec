package test

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// A redirectRow is a form, the page it was on, where its answer leads with 302,
// and what became of the goal. The host is shop.example.
type redirectRow struct{ form, page, location, want string }

const (
	accepted   = "fired"
	turnedDown = "not_successful"
	doubtful   = "doubtful_redirect"
)

var redirectRows = []redirectRow{
	// Back to the form or its page, in every spelling.
	{"/contact", "", "/contact", turnedDown},
	{"/contact", "", "/contact?error=1", turnedDown},
	{"/contact", "", "/contact?sent=1", turnedDown},
	{"/contact", "", "/contact#errors", turnedDown},
	{"/contact", "", "/contact;jsessionid=1C22?error", turnedDown},
	{"/contact", "", "/contact;jsessionid=1C22", turnedDown},
	{"/contact;jsessionid=1C22", "", "/contact", turnedDown},
	{"/contact", "", "http://shop.example//contact?e=1", turnedDown},
	{"/contact", "", "//shop.example/contact", turnedDown},
	{"/contact", "", "/contact%20?e=1", turnedDown},
	{"/contact", "", "/contact%C2%A0", turnedDown},
	{"/contact", "", "/%63ontact", turnedDown},
	{"/shop/contact", "", "/shop/./contact", turnedDown},
	{"/shop/contact", "", "./contact?e=1", turnedDown},
	{"/shop/contact", "", "/shop//contact", turnedDown},
	{"/shop/contact", "", "/x/..;/shop/contact", turnedDown},
	{"/m%C3%BCnchen", "", "/mu%CC%88nchen?x=1", turnedDown},
	{"/m%C3%BCnchen", "", "/münchen", turnedDown},
	{"/contact", "http://shop.example/contact-us", "/contact-us", turnedDown},
	{"/contact", "http://shop.example/contact-us", "/contact-us?error=1", turnedDown},
	{"/contact", "http://shop.example/contact-us", "http://shop.example/Contact-Us/", turnedDown},
	{"/contact", "http://shop.example/contact-us?topic=tea", "/contact-us?topic=tea", turnedDown},
	{"/contact", "http://shop.example:8080/contact-us;jsessionid=1", "/contact-us", turnedDown},
	{"/contact", "https://shop.example/a//contact-us", "/a/contact-us", turnedDown},
	{"/newsletter", "http://shop.example/products", "/products", turnedDown},
	{"/newsletter", "http://shop.example/products?subscribed=1", "/products?subscribed=1", turnedDown},
	{"/newsletter", "http://shop.example/products", "/products?subscribed=0", turnedDown},
	{"/newsletter", "http://shop.example/products", "/products?page=1", turnedDown},
	{"/", "http://shop.example/", "/", turnedDown},
	{"/", "", "/", turnedDown},
	{"/contact", "http://shop.example/", "/", turnedDown},
	{"/", "", "/index.php?e=1", turnedDown},

	{"/contact", "", "/en/contact", turnedDown},
	{"/de/contact", "", "/contact?error=1", turnedDown},
	{"/de-DE/contact", "", "/en/contact/", turnedDown},
	{"/contact/", "", "/contact/index.php?e=1", turnedDown},
	{"/contact", "", "/(S(lit3py55t21z5v55vlm25s55))/contact", turnedDown},
	{"/contact", "http://shop.example/de/contact-us", "/contact-us/index.html", turnedDown},

	{"/zh-Hans-CN/contact", "", "/contact", turnedDown},
	{"/en-001/contact", "", "/contact", turnedDown},
	{"/contact/index/post", "http://shop.example/contact", "/contact/index/", turnedDown},
	{"/contact/index/post", "http://shop.example/contact/index/index", "/contact", turnedDown},
	{"/contact", "", "/contact/index.xhtml", turnedDown},

	// To a log-in page.
	{"/contact", "", "/login", turnedDown},
	{"/contact", "", "/Login/", turnedDown},
	{"/contact", "", "/login.php", turnedDown},
	{"/contact", "", "/wp-login.php", turnedDown},
	{"/contact", "", "/wp-login.php?redirect_to=https%3A%2F%2Fshop.example%2Fcontact", turnedDown},
	{"/contact", "", "/account/login?ReturnUrl=%2Fcontact", turnedDown},
	{"/contact", "", "/accounts/login/?next=/contact", turnedDown},
	{"/contact", "", "/accounts/login/", turnedDown},
	{"/contact", "", "/Identity/Account/Login", turnedDown},
	{"/contact", "", "/MicrosoftIdentity/Account/SignIn", turnedDown},
	{"/contact", "", "/sitecore/login", turnedDown},
	{"/contact", "", "/users/sign_in", turnedDown},
	{"/contact", "", "/log-in", turnedDown},
	{"/contact", "", "/de/sign-in/", turnedDown},
	{"/contact", "", "/pt-BR/signin", turnedDown},
	{"/contact", "", "/en/account/logon.aspx", turnedDown},
	{"/contact", "", "/LogIn.jsp", turnedDown},
	{"/contact", "", "/user/login/required", turnedDown},
	{"/contact", "", "/login-required", turnedDown},
	{"/contact", "", "/login/identifier", turnedDown},
	{"/contact", "", "/dealer-login", turnedDown},
	{"/contact", "", "/customer_login.asp", turnedDown},
	{"/contact", "", "/WebLoginPage.aspx", turnedDown},
	{"/contact", "", "/login.do", turnedDown},
	{"/contact", "", "/login2.html", turnedDown},
	{"/contact", "", "/session/new", turnedDown},
	{"/contact", "", "/kundenlogin", turnedDown},
	{"/contact", "", "/sso/start", turnedDown},
	{"/contact", "", "/einloggen", turnedDown},
	{"/contact", "", "/fr/connexion", turnedDown},
	{"/contact", "", "/es/iniciar-sesion", turnedDown},
	{"/login", "http://shop.example/login", "/login?failed=1", turnedDown},
	{"/session", "http://shop.example/login", "/login", turnedDown},
	{"/register", "", "/login?registered=1", turnedDown},

	{"/contact", "", "/logged-out", turnedDown},
	{"/contact", "", "/logout", turnedDown},
	{"/contact", "", "/user_session/new", turnedDown},
	{"/contact", "", "/simplesaml/module.php/core/loginuserpass.php", turnedDown},
	{"/contact", "", "/spring_security_login", turnedDown},
	{"/login", "", "/Identity/Account/LoginWith2fa", turnedDown},
	{"/login", "", "/Identity/Account/Lockout", turnedDown},
	{"/contact", "", "/component/users/?view=login&return=aW5kZXgucGhw", turnedDown},
	{"/contact", "", "/shop/index.php?route=account/login", turnedDown},
	{"/contact", "", "/shop/index.php?route=checkout/failure", turnedDown},
	{"/contact", "", "/ru/войти", turnedDown},

	// To authentication, or a challenge.
	{"/contact", "", "/auth/realms/shop/protocol/openid-connect/auth", turnedDown},
	{"/contact", "", "/oauth/authorize?client_id=a", turnedDown},
	{"/contact", "", "/oauth2/start?rd=%2Fcontact", turnedDown},
	{"/contact", "", "/saml2/login", turnedDown},
	{"/contact", "", "/cdn-cgi/challenge-platform/x", turnedDown},
	{"/contact", "", "/captcha", turnedDown},
	{"/contact", "", "/verify-captcha", turnedDown},
	{"/contact", "", "/2fa", turnedDown},
	{"/contact", "", "/account/two-factor", turnedDown},
	{"/auth/register", "", "/auth/login", turnedDown},
	{"/auth/register", "", "/auth", turnedDown},

	{"/contact", "", "/cdn-cgi/l/chk_jschl", turnedDown},
	{"/contact", "", "/validatecaptcha", turnedDown},
	{"/contact", "", "/outpost.goauthentik.io/start?rd=x", turnedDown},
	{"/contact", "", "/bot-check", turnedDown},
	{"/contact", "", "/fr/authentification", turnedDown},

	// To an error page.
	{"/contact", "", "/errors/500", turnedDown},
	{"/contact", "", "/error", turnedDown},
	{"/contact", "", "/Home/Error", turnedDown},
	{"/contact", "", "/error.jsp", turnedDown},
	{"/contact", "", "/500.html", turnedDown},
	{"/contact", "", "/404", turnedDown},
	{"/contact", "", "/en/404.aspx", turnedDown},
	{"/contact", "", "/page-not-found", turnedDown},
	{"/contact", "", "/contact-error", turnedDown},
	{"/contact", "", "/contact/failed", turnedDown},
	{"/checkout", "", "/payment/declined", turnedDown},
	{"/contact", "", "/Account/AccessDenied", turnedDown},
	{"/contact", "", "/session-expired", turnedDown},
	{"/contact", "", "/de/fehler.html", turnedDown},
	{"/contact", "", "/not-sent", turnedDown},

	{"/checkout", "", "/payment/cancelled", turnedDown},
	{"/checkout", "", "/checkout/cancel", turnedDown},
	{"/contact", "", "/session/expired", turnedDown},
	{"/contact", "", "/form-invalid", turnedDown},
	{"/contact", "", "/something-went-wrong", turnedDown},
	{"/contact", "", "/sitecore/service/noaccess.aspx", turnedDown},
	{"/contact", "", "/sitecore/service/nolayout.aspx", turnedDown},
	{"/contact", "", "/static/404.html", turnedDown},
	{"/contact", "", "/system/403", turnedDown},
	{"/contact", "", "/mailfailed.php", turnedDown},
	{"/contact", "", "/nicht-gesendet", turnedDown},
	{"/contact", "", "/de/seite-nicht-gefunden", turnedDown},
	{"/invitations/decline", "", "/invitations/error", turnedDown},

	// The query says that it failed, or leads back.
	{"/contact", "", "/contact.html?err=1", turnedDown},
	{"/contact", "", "/form?error", turnedDown},
	{"/contact", "", "/form?errors%5Bemail%5D=required", turnedDown},
	{"/contact", "", "/form?login_error=1", turnedDown},
	{"/contact", "", "/form?errorCode=17", turnedDown},
	{"/contact", "", "/form?status=failed", turnedDown},
	{"/contact", "", "/form?status=422", turnedDown},
	{"/contact", "", "/form?message=Login+failed", turnedDown},
	{"/contact", "", "/form?success=false", turnedDown},
	{"/contact", "", "/form?sent=0", turnedDown},
	{"/contact", "", "/thanks?error=1", turnedDown},
	{"/contact", "", "/portal?ReturnUrl=%2Fcontact", turnedDown},
	{"/contact", "", "/portal?next=/contact/%3Fa=b", turnedDown},
	{"/contact", "http://shop.example/contact-us", "/portal?redirect_to=http%3A%2F%2Fshop.example%2Fcontact-us", turnedDown},
	{"/contact", "", "/portal?returnTo=%252Fcontact", turnedDown},
	{"/contact", "", "/portal?return_url=%2Fcontact", turnedDown},

	{"/contact", "", "/form?mail=failed", turnedDown},
	{"/contact", "", "/form?captcha=failed", turnedDown},
	{"/contact", "", "/form?type=error", turnedDown},
	{"/checkout", "", "/form?status=expired", turnedDown},
	{"/contact", "", "/form?valid=0", turnedDown},
	{"/contact", "", "/page.aspx?aspxerrorpath=/Contact", turnedDown},

	// To the home page from elsewhere.
	{"/category/save", "", "/", doubtful},
	{"/category/save", "http://shop.example/categories", "http://shop.example/", doubtful},
	{"/category/save", "", "/?x=1", doubtful},
	{"/contact", "", "//shop.example", doubtful},
	{"/contact", "", "/en/", doubtful},
	{"/contact", "", "/de-DE", doubtful},
	{"/contact", "", "/ch/de/", doubtful},
	{"/contact", "", "/index.php", doubtful},
	{"/contact", "", "/;jsessionid=1C22", doubtful},
	{"/login", "http://shop.example/login", "/", doubtful},

	// Elsewhere: no success on another host.
	{"/contact", "", "http://pay.example/thanks", turnedDown},
	{"/contact", "", "//pay.example/thanks", turnedDown},

	// Accepted.
	{"/contact", "", "/thanks", accepted},
	{"/contact", "", "/thanks;jsessionid=1C22", accepted},
	{"/contact;jsessionid=1C22", "", "/thanks", accepted},
	{"/contact", "http://shop.example/contact-us", "/thanks", accepted},
	{"/contact", "http://other.example/thanks", "/thanks", accepted},
	{"/contact", "", "/thanks?next=/shop", accepted},
	{"/contact", "http://shop.example/contact-us", "/thanks?next=/shop", accepted},
	{"/contact", "", "/thanks?from=/contact", accepted},
	{"/contact", "", "/thanks?error=0", accepted},
	{"/contact", "", "/thanks?errors=false&ok=1", accepted},
	{"/contact", "", "/thanks?e=1", accepted},
	{"/contact", "", "/thanks?utm_campaign=error", accepted},
	{"/contact", "", "/thanks?q=failed", accepted},
	{"/contact", "", "/en/thanks", accepted},
	{"/contact", "", "//shop.example/thanks", accepted},
	{"/contact", "", "http://SHOP.example:8443//thanks", accepted},
	{"/contact", "", "/contact/thanks", accepted},
	{"/contact", "", "/contact/sent", accepted},
	{"/contact", "", "/contact-thanks", accepted},
	{"/contact", "", "/contact.php?e=1", accepted}, // nobody can know, and docs/forms.md says so
	{"/newsletter", "http://shop.example/products", "/newsletter/thanks", accepted},
	{"/newsletter", "http://shop.example/products", "/products?subscribed=1", accepted},
	{"/newsletter", "http://shop.example/products?page=2", "/products?page=2&newsletter=ok", accepted},
	{"/newsletter", "http://shop.example/", "/?contact_posted=true", accepted},
	{"/newsletter", "http://shop.example/tea", "/tea?thank-you#newsletter", accepted},
	{"/newsletter", "http://shop.example/tea", "/tea?signup=success", accepted},
	{"/newsletter", "http://shop.example/tea", "/tea?sent=1&error=email", turnedDown},
	{"/newsletter", "http://shop.example/tea", "/tea?not_sent=1", turnedDown},
	{"/newsletter", "http://shop.example/login", "/welcome", accepted},
	{"/blog/join", "", "/blog-in-berlin", accepted},
	{"/contact", "", "/authors", accepted},
	{"/contact", "", "/author/jane", accepted},
	{"/contact", "", "/terror-films", accepted},
	{"/contact", "", "/login-guide-thanks", accepted},
	{"/contact", "", "/blog/how-to-log-in", accepted},
	{"/contact", "", "/guides/login-help", accepted},
	{"/contact", "", "/errors-and-omissions-insurance", accepted},
	{"/contact", "", "/forbidden-planet", accepted},
	{"/contact", "", "/trial-and-error", accepted},
	{"/contact", "", "/thanks?status=200", accepted},
	{"/contact", "", "/en/contact/thanks", accepted},
	{"/en/contact", "", "/en/thanks", accepted},
	{"/login", "http://shop.example/login", "/account", accepted},
	{"/login", "", "/login/success", accepted},
	{"/auth/register", "", "/auth/profile", accepted},
	{"/api/join", "http://shop.example/challenge", "/challenge/day-1", accepted},
	{"/challenge/join", "", "/challenge/thanks", accepted},
	{"/register", "", "/verify-email", accepted},
	{"/checkout", "", "/orders/404", accepted},
	{"/checkout", "", "/orders/500", accepted},
	{"/checkout", "", "/order-confirmation", accepted},
	{"/contact", "", "/danke", accepted},
	{"/contact", "", "/de/vielen-dank.html", accepted},
	{"/contact", "", "/fa/thanks", accepted},
	{"/contact", "", "/ok", accepted},
	{"/contact", "", "/my/account", accepted},
	{"/signup", "", "/signup/complete", accepted},
	{"/session-feedback", "", "/sessions/42", accepted},
	{"/contact", "", "/catalog-in-english", accepted},
	{"/newsletter", "http://shop.example/tea", "/tea?mailsent=1", accepted},
	{"/newsletter", "http://shop.example/tea", "/tea?enviado=1", accepted},
	{"/contact", "", "/thanks?errors={}", accepted},
	{"/checkout", "", "/thanks?order=512", accepted},
	{"/contact", "", "/thanks?form=404", accepted},
	{"/contact", "", "/thanks?page=404&view=list", accepted},
	{"/checkout", "", "/shop/index.php?route=checkout/success", accepted},
	{"/bookings/cancel", "", "/bookings/cancelled", accepted},
	{"/invitations/decline", "", "/invitations/declined", accepted},
	{"/services/maintenance", "", "/services/maintenance/booked", accepted},
	{"/veranstaltung", "", "/veranstaltung/anmelden/bestaetigung", accepted},
	{"/contact", "", "/terror", accepted},
	{"/contact", "", "/blocked-drains", accepted},
	{"/contact", "", "/contact/default", accepted},
	{"/errors/report", "", "/errors/thanks", accepted},
	{"/settings/2fa", "", "/settings/2fa/recovery-codes", accepted},
}

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
		{"302 https://shop.example/thanks", "answered 302 to https://shop.example/thanks; that is no page of example.com" + renamed, "answered 302 to https://shop.example/thanks; that is no page of example.com" + renamed},
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
		"https://pay.example/1":                           "answered 303 to //pay.example; that is no page of 127.0.0.1 | if visitors know this site as pay.example, a proxy asks for it as 127.0.0.1: let it send X-Forwarded-Host and name it under TrustedProxies (trusted-proxies)",
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
			var log bytes.Buffer
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
