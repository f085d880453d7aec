package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// checked loads a proxy's settings from a file and returns what is wrong.
func checked(t *testing.T, text string, args ...string) (*proxyProgram, string) {
	t.Helper()
	p := &proxyProgram{}
	goals := write(t, "goals.yaml", rules)
	args = append([]string{"--to=http://127.0.0.1:9", "--rules=" + goals, "--config=" + write(t, "goaltrack.yaml", text)}, args...)
	v, err := proxyValues(args, noEnv)
	if err = errors.Join(err, p.check(v, nil)); err != nil {
		return p, err.Error()
	}
	return p, ""
}

// TestSites lists several sites, with settings of the proxy as their defaults.
func TestSites(t *testing.T) {
	p, faults := checked(t, `
region: eu
currency: EUR
session-length: 20m
sites:
  - name: shop
    hosts: [shop.example, "*.shop.example"]
    client-key: one
    pos: shop
    time-zone: Europe/Berlin
  - name: press
    path-prefix: /press
    region: jp
    client-key: two
    pos: press
    currency: JPY
    language: JA
    channel: auto
    session-length: 45m
  - hosts: news.example, blog.example
    region: ""
    context-id: three
    site-name: news
`)
	if faults != "" {
		t.Fatal(faults)
	}
	var got strings.Builder
	for _, s := range p.config.Sites {
		fmt.Fprintf(&got, "%s %v %s %T %s %s %s %s %v\n", s.Name, s.Hosts, s.PathPrefix, s.CDP, s.Language, s.Currency, s.Channel, s.TimeZone, s.SessionLength)
	}
	printed(t, got.String(), `shop [shop.example *.shop.example]  cdp.Direct  EUR  Europe/Berlin 20m0s
press [] /press cdp.Direct JA JPY auto  45m0s
 [news.example blog.example]  cdp.Edge  EUR   20m0s
`)
	if d := p.config.Sites[1].CDP.(cdp.Direct); d != (cdp.Direct{Region: cdp.JP, ClientKey: "two", PointOfSale: "press"}) {
		t.Errorf("%+v", d)
	}
}

// TestSitesFaults names every fault with its place.
func TestSitesFaults(t *testing.T) {
	for _, test := range []struct {
		text string
		want []string
	}{
		{"sites: shop\n", []string{"goaltrack.yaml:1:8: sites: is a list: each entry begins"}},
		{"sites: []\n", []string{"goaltrack.yaml:1:8: sites: is a list: each entry begins"}},
		{"sites:\n  - shop\n", []string{"goaltrack.yaml:2:5: a site is lines of the form name: value"}},
		{
			"sites:\n  - host: a\n    client-key: k\n    region: mars\n    session-length: long\n",
			[]string{`goaltrack.yaml:2:5: there is no setting "host"; did you mean hosts?`, `goaltrack.yaml:4:13: region: "mars" is not one of`, "client-key needs --pos", `goaltrack.yaml:5:21: session-length: "long" is not a time`},
		},
		{"sites:\n  - region: eu\n    client-key: k\n    pos: {a: b}\n", []string{"goaltrack.yaml:4:10: pos: a single value is needed"}},
		{
			"region: eu\nsites:\n  - {client-key: k, pos: a, hosts: [a.example]}\n  - {client-key: k, pos: b, hosts: [a.example]}\n",
			[]string{"no request to a.example would reach it"},
		},
	} {
		_, faults := checked(t, test.text)
		for _, want := range test.want {
			if !strings.Contains(faults, want) {
				t.Errorf("%q: %s\nwant %s", test.text, faults, want)
			}
		}
	}
}

// TestKeys reads pairs of keys, and gives none away.
func TestKeys(t *testing.T) {
	hash, block := strings.Repeat("ab", 32), strings.Repeat("cd", 16)
	for _, test := range []struct {
		text  string
		pairs int
		fault string
	}{
		{"", 0, ""},
		{hash + "," + block, 1, ""},
		{" " + hash + ", " + block + " ," + hash + "," + block, 2, ""},
		{hash, 0, "this is 1 key;"},
		{hash + "," + block + "," + hash, 0, "this is 3 keys;"},
		{hash + ",xyz", 0, "the key at place 2"},
	} {
		keys, err := parseKeys(words(test.text))
		if len(keys) != test.pairs || (err != nil) != (test.fault != "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%q: %d pairs, %v", test.text, len(keys), err)
		}
		if err != nil && (strings.Contains(err.Error(), hash) || strings.Contains(err.Error(), "xyz")) {
			t.Errorf("a key is given away: %v", err)
		}
	}
	for _, short := range []string{"abcd," + block, hash + ",abcd"} {
		if _, faults := checked(t, "region: eu\nclient-key: k\npos: shop\nkeys: ["+short+"]\n"); !strings.Contains(faults, "Keys[0]") || strings.Contains(faults, block) {
			t.Errorf("%q", faults)
		}
	}
}

// words are those between commas.
func words(text string) (list []string) {
	for word := range strings.SplitSeq(text, ",") {
		if word = strings.TrimSpace(word); word != "" {
			list = append(list, word)
		}
	}
	return list
}

// TestProxyCookies has the proxy make browser IDs for goals alone, for a domain,
// and remember over a restart what it counted.
func TestProxyCookies(t *testing.T) {
	stand := cdptest.NewServer(t, cdptest.Options{})
	site := httptest.NewServer(&plainSite{})
	t.Cleanup(site.Close)
	goals := write(t, "goals.yaml", "version: 1\ngoals:\n  - {goal: SEEN_ONCE, visit: \"/products/{id}\", count: once per visitor}\n")
	keys := strings.Repeat("ab", 32) + "," + strings.Repeat("cd", 32)
	args := []string{
		"proxy", "--listen=127.0.0.1:0", "--to=" + site.URL, "--rules=" + goals, "--cdp=" + stand.URL,
		"--client-key=key", "--pos=shop", "--create=goal", "--cookie-domain=" + host, "--keys=" + keys,
	}
	visitor := newBrowser(t)
	var cookies []*http.Cookie
	for round := range 2 {
		proxy := start(t, args...)
		for _, target := range []string{"/", "/products/7"} {
			r := request(t, http.MethodGet, proxy.url, target, nil, navigation)
			for _, c := range cookies {
				r.AddCookie(c)
			}
			response := do(t, visitor, r)
			got := response.Cookies()
			if target == "/" && round == 0 && len(got) > 0 {
				t.Errorf("a page without a goal sets %v", got)
			}
			for _, c := range got {
				cookies = append(slices.DeleteFunc(cookies, func(old *http.Cookie) bool { return old.Name == c.Name }), c)
			}
		}
		if code, account := proxy.stop(); code != exitOK || !strings.Contains(account, " = fired 1 + not fired 0") == (round == 0) {
			t.Errorf("round %d: exit code %d, %s\n%s", round, code, account, proxy.stderr)
		}
	}
	stand.Expect(t, "SEEN_ONCE").Once()
	if !slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return c.Name == "bid_key" }) || slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return c.Domain != host }) {
		t.Errorf("the cookies are %v", cookies)
	}
}
