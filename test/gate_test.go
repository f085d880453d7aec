package test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
	"github.com/goaltrack/goaltrack/internal/world"
)

// networks reads prefixes.
func networks(texts ...string) (list []netip.Prefix) {
	for _, s := range texts {
		list = append(list, netip.MustParsePrefix(s))
	}
	return list
}

// TestGateIgnores: health checks, editors and staff have reasons of their own,
// make no guest, and everybody else counts.
func TestGateIgnores(t *testing.T) {
	for name, c := range map[string]struct {
		path   string
		header []string
		adjust func(*goaltrack.Config)
		want   string
	}{
		"a page":                      {"/page", nil, nil, "fired 1"},
		"health":                      {"/healthz", nil, nil, "health_check 1"},
		"health, another case":        {"/HealthZ/", nil, nil, "health_check 1"},
		"below health":                {"/health/advice", nil, nil, "fired 1"},
		"like health":                 {"/healthy", nil, nil, "fired 1"},
		"a page called status":        {"/status", nil, nil, "fired 1"},
		"health of one's own":         {"/status", nil, func(c *goaltrack.Config) { c.Ignore.HealthPaths = []string{"/status/"} }, "health_check 1"},
		"instead of the usual":        {"/healthz", nil, func(c *goaltrack.Config) { c.Ignore.HealthPaths = []string{"/status"} }, "fired 1"},
		"none":                        {"/healthz", nil, func(c *goaltrack.Config) { c.Ignore.HealthPaths = []string{} }, "fired 1"},
		"Sitecore":                    {"/sitecore/shell/default.aspx", nil, nil, "editor 1"},
		"Sitecore itself":             {"/Sitecore", nil, nil, "editor 1"},
		"about Sitecore":              {"/sitecore-partners", nil, nil, "fired 1"},
		"an editing host":             {"/api/editing/render", nil, nil, "editor 1"},
		"no editors":                  {"/sitecore/login", nil, func(c *goaltrack.Config) { c.Ignore.EditorPaths = []string{} }, "fired 1"},
		"edit mode":                   {"/page?sc_mode=edit&sc_lang=en", nil, nil, "editor 1"},
		"preview mode":                {"/page?sc_mode=preview", nil, nil, "editor 1"},
		"normal mode":                 {"/page?sc_mode=normal", nil, nil, "fired 1"},
		"no mode":                     {"/page?sc_mode=", nil, nil, "fired 1"},
		"another parameter":           {"/page?my_sc_mode=edit", nil, nil, "fired 1"},
		"edit mode by cookie":         {"/page", []string{"Cookie", "a=b; website#sc_mode=edit"}, nil, "editor 1"},
		"edit mode by plain cookie":   {"/page", []string{"Cookie", "sc_mode=edit"}, nil, "editor 1"},
		"normal mode by cookie":       {"/page", []string{"Cookie", "website#sc_mode=normal"}, nil, "fired 1"},
		"normal mode over the cookie": {"/page?sc_mode=normal", []string{"Cookie", "website#sc_mode=edit"}, nil, "fired 1"},
		"a cookie that says sc_mode":  {"/page", []string{"Cookie", "a=sc_mode=edit"}, nil, "fired 1"},
		"no mode asked for":           {"/page?sc_mode=edit", nil, func(c *goaltrack.Config) { c.Ignore.EditorModes = []string{} }, "fired 1"},
		"staff":                       {"/page", nil, func(c *goaltrack.Config) { c.Staff = networks("127.0.0.0/8") }, "staff 1"},
		"staff, as IPv6 has it":       {"/page", nil, func(c *goaltrack.Config) { c.Staff = networks("::ffff:127.0.0.0/104") }, "staff 1"},
		"not of the staff":            {"/page", nil, func(c *goaltrack.Config) { c.Staff = networks("10.0.0.0/8", "fd00::/8") }, "fired 1"},
		"staff behind a proxy": {"/page", []string{"X-Forwarded-For", "10.1.2.3"}, func(c *goaltrack.Config) {
			c.Staff, c.TrustedProxies = networks("10.0.0.0/8"), networks("127.0.0.1/32")
		}, "staff 1"},
		"who says to be staff":  {"/page", []string{"X-Forwarded-For", "10.1.2.3"}, func(c *goaltrack.Config) { c.Staff = networks("10.0.0.0/8") }, "fired 1"},
		"said no, and is staff": {"/page", []string{"Sec-GPC", "1"}, func(c *goaltrack.Config) { c.Staff = networks("127.0.0.0/8") }, "gpc 1"},
	} {
		t.Run(name, func(t *testing.T) {
			rules := "{version: 1, goals: [{goal: SEEN, visit: '/**', if: {path: present}}]}"
			w := world.New(t, rules, http.HandlerFunc(world.HTML), func(config *goaltrack.Config) {
				config.Views = goaltrack.ViewsServer
				if c.adjust != nil {
					c.adjust(config)
				}
			})
			v := w.Visitor()
			v.Get(c.path, c.header...)
			w.Expect("SEEN", c.want)
			w.Expect("VIEW", c.want)
			if (v.ID() != "") != (c.want == "fired 1") {
				t.Errorf("his ID is %q", v.ID())
			}
		})
	}
}

func TestBots(t *testing.T) {
	const tv, monitor = "SomeTV/1.0 (Pingdom.com_bot_version_1.4)", "Mozilla/5.0 (compatible; Acme-Monitor/2.1; +https://acme.example)"
	for name, c := range map[string]struct {
		bots  goaltrack.Bots
		agent string
		want  string
	}{
		"a browser":                 {goaltrack.Bots{}, world.Chrome, "fired 1"},
		"a bot":                     {goaltrack.Bots{}, tv, "bot 1"},
		"a bot that is allowed":     {goaltrack.Bots{Allow: []string{"pingdom"}}, tv, "fired 1"},
		"a browser that is denied":  {goaltrack.Bots{Deny: []string{"CHROME/143"}}, world.Chrome, "bot 1"},
		"both":                      {goaltrack.Bots{Allow: []string{"SomeTV"}, Deny: []string{"SomeTV"}}, tv, "bot 1"},
		"with a star":               {goaltrack.Bots{Deny: []string{"Windows*Safari"}}, world.Chrome, "bot 1"},
		"the parts the wrong way":   {goaltrack.Bots{Deny: []string{"Safari*Windows"}}, world.Chrome, "fired 1"},
		"parts that would overlap":  {goaltrack.Bots{Deny: []string{"Chrome/143*143"}}, world.Chrome, "fired 1"},
		"another":                   {goaltrack.Bots{Allow: []string{"Acme-Other"}}, monitor, "bot 1"},
		"several":                   {goaltrack.Bots{Allow: []string{"x", "acme*monitor/2"}}, monitor, "fired 1"},
		"no user agent, and denied": {goaltrack.Bots{Deny: []string{"x"}}, "", "bot 1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML), func(config *goaltrack.Config) { config.Bots = c.bots })
			v := w.Visitor()
			v.Header["User-Agent"] = []string{c.agent}
			v.Get("/page")
			v.Get("/page") // from the cache
			w.Expect("PAGE_VISITED", strings.Replace(c.want, "1", "2", 1))
		})
	}
}

// TestForwardedHost: the host that rules, sites and the tests for one's own
// pages see is a proxy's word only if the proxy is trusted.
func TestForwardedHost(t *testing.T) {
	const rules = `
version: 1
goals:
  - { goal: IN_SHOP, visit: /page, hosts: [shop.example] }
  - { goal: FORM_SENT, submit: /form }
`
	for name, c := range map[string]struct {
		trusted    []netip.Prefix
		header     []string
		shop, site string
	}{
		"trusted":                  {networks("127.0.0.0/8"), []string{"X-Forwarded-Host", "shop.example"}, "fired 1", "shop"},
		"with a port":              {networks("127.0.0.0/8"), []string{"X-Forwarded-Host", "shop.example:8443"}, "fired 1", "shop"},
		"not trusted":              {networks("10.0.0.0/8"), []string{"X-Forwarded-Host", "shop.example"}, "other_host 1", "backend"},
		"nobody trusted":           {nil, []string{"X-Forwarded-Host", "shop.example"}, "other_host 1", "backend"},
		"no header":                {networks("127.0.0.0/8"), nil, "other_host 1", "backend"},
		"made up before the last":  {networks("127.0.0.0/8"), []string{"X-Forwarded-Host", "shop.example, evil.example"}, "other_host 1", ""},
		"appended to":              {networks("127.0.0.0/8"), []string{"X-Forwarded-Host", "evil.example, shop.example"}, "fired 1", "shop"},
		"not a host":               {networks("127.0.0.0/8"), []string{"X-Forwarded-Host", "shop.example/path"}, "other_host 1", "backend"},
		"nothing after the comma":  {networks("127.0.0.0/8"), []string{"X-Forwarded-Host", "shop.example,"}, "other_host 1", "backend"},
		"longer than any host may": {networks("127.0.0.0/8"), []string{"X-Forwarded-Host", strings.Repeat("a", 400)}, "other_host 1", "backend"},
	} {
		t.Run(name, func(t *testing.T) {
			site := http.NewServeMux()
			site.HandleFunc("GET /page", world.HTML)
			site.Handle("POST /form", world.Answer(http.StatusSeeOther, "Location", "https://shop.example/thanks"))
			w := world.Setup{Rules: rules, Site: site, Config: func(config *goaltrack.Config, s *cdptest.Server) {
				config.TrustedProxies = c.trusted
				one := config.Sites[0]
				one.Name, one.Hosts = "shop", []string{"shop.example"}
				two := one
				direct := s.Direct()
				direct.PointOfSale = "backend"
				two.Name, two.Hosts, two.CDP = "backend", []string{"127.0.0.1"}, direct
				config.Sites = []goaltrack.Site{one, two}
			}}.Start(t)
			v := w.Visitor().Meet()
			v.Get("/page", c.header...)
			v.Post("/form", "a=b", append([]string{"Referer", "https://shop.example/contact"}, c.header...)...)
			w.Done()
			if got := w.Fates("IN_SHOP"); c.site != "" && got != c.shop {
				t.Errorf("IN_SHOP: %s, want %s", got, c.shop)
			}
			switch c.site {
			case "shop": // the redirect and the Referer are of this host
				e := w.CDP.Expect(t, "FORM_SENT").On("contact").Once()
				if e.PointOfSale == "backend" {
					t.Error("the form is of the wrong site")
				}
			case "backend": // they are of another
				w.Expect("FORM_SENT", "not_successful 1")
			default:
				if got := w.Fates("IN_SHOP") + w.Fates("FORM_SENT"); got != "nonenone" {
					t.Errorf("no site serves this host: %s", got)
				}
			}
		})
	}
}

// TestSecureByForwardedHost: a Secure cookie is not for the localhost on which a
// proxy finds the server, but for the host that the browser asked for.
func TestSecureByForwardedHost(t *testing.T) {
	w := world.New(t, world.EachTrigger, http.HandlerFunc(world.HTML), func(c *goaltrack.Config) { c.TrustedProxies = networks("127.0.0.0/8") })
	plain := []string{"Sec-Fetch-Site", "", "Sec-Fetch-Dest", "", "Sec-Fetch-Mode", ""}
	if res := w.Visitor().Get("/page", plain...); res.Header["Set-Cookie"] == nil {
		t.Error("no cookie for localhost itself")
	}
	if res := w.Visitor().Get("/page", append(plain, "X-Forwarded-Host", "shop.example")...); res.Header["Set-Cookie"] != nil {
		t.Errorf("Set-Cookie %q over plain HTTP", res.Header["Set-Cookie"])
	}
	if res := w.Visitor().Get("/page", append(plain, "X-Forwarded-Host", "shop.example", "X-Forwarded-Proto", "https")...); res.Header["Set-Cookie"] == nil {
		t.Error("no cookie over HTTPS")
	}
}

// TestWithdrawal: visitors who say no while their browser still sends our
// cookies lose them, as far as the answer may say so.
func TestWithdrawal(t *testing.T) {
	const bid = "bid_" + cdptest.TestClientKey
	for name, c := range map[string]struct {
		path, cookies string
		header        []string
		adjust        func(*goaltrack.Config)
		deleted       bool
		control       string
	}{
		"refused":                  {path: "/page", cookies: "answer=no", deleted: true, control: "private"},
		"refused, with a goal":     {path: "/goal", cookies: "answer=no", deleted: true, control: "private"},
		"refused, private already": {path: "/private", cookies: "answer=no", deleted: true, control: "private, max-age=5"},
		"refused, public":          {path: "/public", cookies: "answer=no", control: "max-age=60"},
		"refused, no-cache":        {path: "/asked", cookies: "answer=no", deleted: true, control: "private, no-cache"},
		"refused, a 304":           {path: "/same", cookies: "answer=no", control: "private"},
		"refused, not found":       {path: "/missing", cookies: "answer=no"},
		"refused, no page":         {path: "/page", cookies: "answer=no", header: []string{"Sec-Fetch-Dest", "image"}},
		"refused, a bot":           {path: "/page", cookies: "answer=no", header: []string{"User-Agent", "Googlebot/2.1"}, deleted: true, control: "private"},
		"refused in part":          {path: "/page", cookies: "answer=analytics", deleted: true, control: "private"},
		"agreed":                   {path: "/page", cookies: "answer=yes"},
		"not answered":             {path: "/page"},
		"opted out":                {path: "/page", cookies: "answer=yes; gt_optout=1", deleted: true, control: "private"},
		"GPC":                      {path: "/page", cookies: "answer=yes", header: []string{"Sec-GPC", "1"}, deleted: true, control: "private"},
		"GPC ignored":              {path: "/page", cookies: "answer=yes", header: []string{"Sec-GPC", "1"}, adjust: func(c *goaltrack.Config) { c.GPC = goaltrack.GPCIgnore }},
		"GPC is of marketing":      {path: "/page", cookies: "answer=yes", header: []string{"Sec-GPC", "1"}, adjust: func(c *goaltrack.Config) { c.GPC = goaltrack.GPCMarketing }, deleted: true, control: "private"},
		"GPC and a goal for analytics": {path: "/page", cookies: "answer=yes", header: []string{"Sec-GPC", "1"}, adjust: func(c *goaltrack.Config) {
			c.GPC, c.Rules = goaltrack.GPCMarketing, withdrawalRules(t, "analytics")
		}},
		"an editor":                  {path: "/page?sc_mode=edit", cookies: "answer=no"},
		"set by the site":            {path: "/theirs", cookies: "answer=no"},
		"a domain and a path":        {path: "/page", cookies: "answer=no", adjust: func(c *goaltrack.Config) { c.Cookie.Domain, c.Cookie.Path = "site.example", "/" }, deleted: true, control: "private"},
		"a goal that needs no leave": {path: "/page", cookies: "answer=no", adjust: func(c *goaltrack.Config) { c.Rules = withdrawalRules(t, "not-needed") }},
		"a goal for analytics":       {path: "/page", cookies: "answer=analytics", adjust: func(c *goaltrack.Config) { c.Rules = withdrawalRules(t, "analytics") }},
		"a goal for marketing":       {path: "/page", cookies: "answer=analytics", adjust: func(c *goaltrack.Config) { c.Rules = withdrawalRules(t, "marketing") }, deleted: true, control: "private"},
		"a dry run":                  {path: "/page", cookies: "answer=no", adjust: func(c *goaltrack.Config) { c.DryRun, c.Views = true, goaltrack.ViewsServer }},
	} {
		t.Run(name, func(t *testing.T) {
			site := http.NewServeMux()
			site.HandleFunc("GET /", world.HTML)
			site.HandleFunc("GET /missing", http.NotFound)
			site.HandleFunc("GET /private", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "private, max-age=5")
				world.HTML(w, r)
			})
			site.HandleFunc("GET /public", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "max-age=60")
				world.HTML(w, r)
			})
			site.HandleFunc("GET /asked", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", "no-cache")
				world.HTML(w, r)
			})
			site.Handle("GET /same", world.Answer(http.StatusNotModified, "Cache-Control", "private"))
			site.HandleFunc("GET /theirs", func(w http.ResponseWriter, r *http.Request) {
				w.Header().Add("Set-Cookie", bid+"="+world.Known)
				world.HTML(w, r)
			})
			w := world.Setup{Site: site, Config: func(config *goaltrack.Config, _ *cdptest.Server) {
				config.Rules, config.Consent = withdrawalRules(t, "required"), answers
				if c.adjust != nil {
					c.adjust(config)
				}
			}}.Start(t)
			v := w.Visitor()
			v.Header.Set("Cookie", c.cookies+"; "+bid+"="+world.Known+"; theme=dark")
			res := v.Get(c.path, c.header...)
			var deleted []string
			for _, line := range res.Header["Set-Cookie"] {
				if strings.Contains(line, "Max-Age=0") {
					deleted = append(deleted, line)
				}
			}
			if (len(deleted) > 0) != c.deleted {
				t.Errorf("deleted %q", deleted)
			}
			for _, line := range deleted {
				if !strings.HasPrefix(line, bid+"=;") {
					t.Errorf("deleted %q", line)
				}
			}
			if got := res.Header.Get("Cache-Control"); got != c.control {
				t.Errorf("Cache-Control %q, want %q", got, c.control)
			}
			if w.Note("cookie_withdrawn") > 0 != c.deleted {
				t.Errorf("noted %d times", w.Note("cookie_withdrawn"))
			}
		})
	}
}

func withdrawalRules(t *testing.T, consent string) *goaltrack.Rules {
	t.Helper()
	return world.MustParse(t, "{version: 1, goals: [{goal: SEEN, visit: /goal, consent: "+consent+"}]}")
}

// TestWithdrawalTakesTheVisitCookie: that one and those of former names go, too,
// and none that the browser does not have.
func TestWithdrawalTakesTheVisitCookie(t *testing.T) {
	w := world.Setup{
		Rules: "{version: 1, goals: [{goal: SEEN, visit: /page, count: once per visitor}]}",
		Site:  world.Answer(http.StatusOK, "Content-Type", "text/html"),
		Config: func(c *goaltrack.Config, s *cdptest.Server) {
			edge := s.Edge()
			c.Sites[0].CDP, c.Consent = edge, answers
		},
	}.Start(t)
	v := w.Visitor()
	v.Header.Set("Cookie", "answer=yes")
	var names []string
	for _, c := range v.Get("/page").Cookies() {
		names = append(names, c.Name)
	}
	if len(names) != 2 || names[0] != "sc_cid" || !strings.HasPrefix(names[1], "gt_") {
		t.Fatalf("he agreed, and got %q", names)
	}
	v.Header.Set("Cookie", "answer=no")
	res := v.Get("/page")
	got := res.Cookies()
	if len(got) != 2 || got[0].Name != names[0] || got[1].Name != names[1] || got[0].MaxAge != -1 || got[1].MaxAge != -1 ||
		got[0].Path != "/" || got[1].Path != "/" {
		t.Errorf("deleted %q", res.Header["Set-Cookie"])
	}
	if res := v.Get("/page"); res.Header["Set-Cookie"] != nil || res.Header["Cache-Control"] != nil {
		t.Errorf("he has none any more, and got %q", res.Header)
	}
	former := w.CDP.Edge().LegacyCookieNames()[0]
	v.Header.Set("Cookie", "answer=no; "+former+"=anything; sc_cid=")
	if got := v.Get("/page").Cookies(); len(got) != 2 || got[0].Name != "sc_cid" || got[1].Name != former {
		t.Errorf("of junk under our names there is deleted %v", got)
	}
}

// TestConfigOfTheGate: what cannot be meant is refused when the tracker is made.
func TestConfigOfTheGate(t *testing.T) {
	for want, spoil := range map[string]func(*goaltrack.Config){
		`ConsentHoldBy: "my session" is not`:                          func(c *goaltrack.Config) { c.Consent, c.ConsentHoldBy = answers, "my session" },
		"ConsentHoldBy: no Consent reader":                            func(c *goaltrack.Config) { c.ConsentHoldBy = "session" },
		`GPC: "yes" is not one of "refuse", "marketing" and "ignore"`: func(c *goaltrack.Config) { c.GPC = "yes" },
		`IgnoreGPC: it is set, and GPC says "marketing"`:              func(c *goaltrack.Config) { c.GPC, c.IgnoreGPC = goaltrack.GPCMarketing, true }, //nolint:staticcheck // It still works.
		`Bots.Allow: ""`:                         func(c *goaltrack.Config) { c.Bots.Allow = []string{""} },
		`Bots.Deny: "* *"`:                       func(c *goaltrack.Config) { c.Bots.Deny = []string{"* *"} },
		"Bots.Deny: more than 256":               func(c *goaltrack.Config) { c.Bots.Deny = strings.Split(strings.Repeat("a ", 256)+"b", " ") },
		`Ignore.HealthPaths: "healthz"`:          func(c *goaltrack.Config) { c.Ignore.HealthPaths = []string{"healthz"} },
		`Ignore.EditorPaths: "/a/*"`:             func(c *goaltrack.Config) { c.Ignore.EditorPaths = []string{"/a/*"} },
		`Ignore.EditorModes: "a b"`:              func(c *goaltrack.Config) { c.Ignore.EditorModes = []string{"a b"} },
		"Staff: a network is invalid":            func(c *goaltrack.Config) { c.Staff = []netip.Prefix{{}} },
		"TrustedProxies: 0.0.0.0/0 covers every": func(c *goaltrack.Config) { c.TrustedProxies = networks("0.0.0.0/0") },
		"Staff: ::/0 covers every address":       func(c *goaltrack.Config) { c.Staff = networks("::/0") },
	} {
		c := workingConfig()
		spoil(&c)
		if _, err := goaltrack.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	c := workingConfig()
	c.Consent, c.ConsentHoldBy = answers, "session"
	c.Bots = goaltrack.Bots{Allow: []string{"a*b"}, Deny: []string{" x"}}
	c.Staff, c.TrustedProxies = networks("192.0.2.1/32", "2001:db8::/32"), networks("10.0.0.0/8")
	if _, err := goaltrack.New(c); err != nil {
		t.Error(err)
	}
}
