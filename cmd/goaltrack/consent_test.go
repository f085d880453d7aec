package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/goaltrack/goaltrack"
	"github.com/goaltrack/goaltrack/cdp/cdptest"
)

// TestConsentReader has a cookie of the site's own, and those of the tools.
func TestConsentReader(t *testing.T) {
	for _, test := range []struct {
		cookie, tool, header string
		want                 goaltrack.Consent
	}{
		{cookie: "consent=yes", header: "other=yes", want: goaltrack.ConsentUnknown},
		{cookie: "consent=yes", header: "a=b; consent=yes", want: goaltrack.ConsentGranted},
		{cookie: "consent=yes", header: "consent=no", want: goaltrack.ConsentRefused},
		{tool: "cookiebot", header: "CookieConsent=0", want: goaltrack.ConsentRefused},
		{tool: "cookiebot", header: "CookieConsent=-1", want: goaltrack.ConsentGranted},
		{
			tool: "onetrust", header: "OptanonAlertBoxClosed=2026-11-20T10:00:00.000Z; OptanonConsent=groups=C0001%3A1%2CC0002%3A1%2CC0004%3A0",
			want: goaltrack.MixedConsent(goaltrack.ConsentGranted, goaltrack.ConsentRefused),
		},
		{tool: "tcf", header: "euconsent-v2=nonsense", want: goaltrack.ConsentUnknown},
	} {
		v, err := proxyValues([]string{"--consent-cookie=" + test.cookie, "--consent-tool=" + test.tool}, noEnv)
		if err != nil {
			t.Fatal(err)
		}
		read, err := consentReader(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(&http.Request{Header: http.Header{"Cookie": {test.header}}}); got != test.want {
			t.Errorf("%s%s: %q is %v, want %v", test.cookie, test.tool, test.header, got, test.want)
		}
	}
	for _, bad := range [][2]string{{"consent", ""}, {"consent=", ""}, {"=yes", ""}, {"a b=yes", ""}, {"consent=yes", "tcf"}} {
		v, err := proxyValues([]string{"--consent-cookie=" + bad[0], "--consent-tool=" + bad[1]}, noEnv)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := consentReader(v); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	v, err := proxyValues(nil, noEnv)
	if err != nil {
		t.Fatal(err)
	}
	if read, err := consentReader(v); read != nil || err != nil {
		t.Error("nothing described is no reader")
	}
}

// TestNetworks reads networks and single addresses.
func TestNetworks(t *testing.T) {
	p, faults := checked(t, "region: eu\nclient-key: k\npos: shop\nstaff:\n  - 10.0.0.0/8\n  - 192.0.2.7\ntrusted-proxies: 2001:db8::/32\n")
	if got := fmt.Sprint(p.config.Staff, p.config.TrustedProxies); faults != "" || got != "[10.0.0.0/8 192.0.2.7/32] [2001:db8::/32]" {
		t.Errorf("%s, %s", got, faults)
	}
	_, faults = checked(t, "region: eu\nclient-key: k\npos: shop\n", "--staff=office,10.0.0.0/99", "--consent-hold-by=session")
	for _, want := range []string{`--staff: "office" is not a network`, `--staff: "10.0.0.0/99" is not a network`} {
		if !strings.Contains(faults, want) {
			t.Errorf("%s, want %s", faults, want)
		}
	}
	if _, faults = checked(t, "region: eu\nclient-key: k\npos: shop\n", "--consent-hold-by=session"); !strings.Contains(faults, "--consent-hold-by: neither --consent-cookie nor --consent-tool is given") {
		t.Errorf("holding without a reader: %q", faults)
	}
}

// TestConsentHold holds what a visitor does until they have answered.
func TestConsentHold(t *testing.T) {
	stand := cdptest.NewServer(t, cdptest.Options{})
	site := httptest.NewServer(&plainSite{})
	t.Cleanup(site.Close)
	proxy := start(t, "proxy", "--listen=127.0.0.1:0", "--to="+site.URL, "--rules="+write(t, "goals.yaml", rules), "--cdp="+stand.URL,
		"--client-key=key", "--pos=shop", "--consent-cookie=consent=yes", "--consent-hold-by=session")
	visitor := newBrowser(t)
	ask := func(target, cookies string) {
		r := request(t, http.MethodGet, proxy.url, target, nil, navigation)
		r.Header.Set("Cookie", cookies)
		do(t, visitor, r)
	}
	const session = "session=0123456789abcdef"
	ask("/products/7", session)
	ask("/", session)
	stand.Expect(t, "PRODUCT_VIEWED").Never()
	ask("/", session+"; consent=yes")
	stand.Expect(t, "PRODUCT_VIEWED").With("productId", "7").Within(2 * time.Minute).Once()
	if code, account := proxy.stop(); code != exitOK || !strings.Contains(account, "delivered 1") {
		t.Errorf("exit code %d, %s", code, account)
	}
}

// TestGPCSettings: the newer setting and the older one.
func TestGPCSettings(t *testing.T) {
	for args, want := range map[string]string{
		"":                             "refuse",
		"--gpc=marketing":              "marketing",
		"--gpc=ignore --ignore-gpc":    "ignore",
		"--ignore-gpc":                 "ignore",
		"--gpc=marketing --ignore-gpc": "--gpc and --ignore-gpc exclude each other",
		"--gpc=refuse --ignore-gpc":    "--gpc and --ignore-gpc exclude each other",
	} {
		v, err := proxyValues(strings.Fields(args), noEnv)
		if err != nil {
			t.Fatal(err)
		}
		got, err := gpcOf(v)
		if c, bad := proxyConfig(v); err == nil && c.GPC != got || err != nil && !strings.Contains(bad.Error(), err.Error()) {
			t.Errorf("%s: the library is told %q: %v", args, c.GPC, bad)
		}
		if err == nil && string(got) != want || err != nil && err.Error() != want {
			t.Errorf("%s: %q, %v; want %s", args, got, err, want)
		}
	}
}
