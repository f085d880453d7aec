package views

import (
	"strings"
	"testing"
)

func TestVariantOf(t *testing.T) {
	for query, want := range map[string]string{
		"":                                      "",
		"variantid=B":                           "B",
		"a=b&variantid=p1_en_b":                 "p1_en_b",
		"variantid=":                            "",
		"variantid=%00":                         "",
		"variantid=a%20b":                       "",
		"variantid=%3Cscript%3E":                "",
		"myvariantid=B":                         "",
		"variantId=B":                           "", // the SDKs' name has no capital
		"variantid=%7BA-1%7D":                   "{A-1}",
		"variantid=" + strings.Repeat("a", 201): "",
	} {
		if got := VariantOf(query); got != want {
			t.Errorf("%.40q: %q, want %q", query, got, want)
		}
	}
}

func TestRewrittenTo(t *testing.T) {
	for _, tt := range []struct {
		header, path, want string
		unknown            bool
	}{
		{"", "/", "", false},
		{"/_site_default/about", "/about", "", false},
		{"/_variantId_B/about", "/about", "B", false},
		{"/_site_default/_variantId_B/about/", "/about", "B", false},
		{"/pricing/_variantId_abc_def", "/pricing", "abc_def", false},
		{"/_variantId_B", "/", "B", false},
		{"/_variantId__default/about", "/about", "default", false},
		{"/_variantId_hero_B/about", "/about", "hero_B", false},
		{"/_variantId_hero__default/about", "/about", "hero_default", false},
		{"/_variantId_hero_B/_variantId_p2/about", "/about", "p2", false},
		{"/_variantId_B/about?x=_variantId_C", "/about", "B", false},
		{"/_variantId_%7BA-1%7D/about", "/about", "{A-1}", false},
		// Seen, and not understood.
		{"/_variantId_/about", "/about", "", true},
		{"/_variantId_a b/about", "/about", "", true},
		{"/_variantId_B/_variantId_C/about", "/about", "", true},
		{"/_variantId_hero_B/_variantId_foot_C/about", "/about", "", true},
		{"/_variantId_" + strings.Repeat("a", 300), "/", "", true},
		// What a visitor asked for says nothing, and stops nothing.
		{"/_site_default/_variantId_%00/about", "/_variantId_%00/about", "", false},
		{"/_variantId_B/_variantId_X", "/_variantId_X", "", false},
	} {
		got, understood := RewrittenTo(tt.header, tt.path)
		if got != tt.want || understood == tt.unknown {
			t.Errorf("%.60s: %q, %t", tt.header, got, understood)
		}
	}
}

func TestHasScript(t *testing.T) {
	for _, tt := range []struct {
		page, policy string
		want         bool
	}{
		{"<p>A page", "", false},
		{`<script src="https://d1mj578wat5n4o.cloudfront.net/sitecore-engage-v.1.4.3.min.js">`, "", true},
		{`<script>engage.pageView({page: "a"})`, "", true},
		{"", "connect-src https://api-engage-eu.sitecorecloud.io", true},
		{`<link href="https://edge-platform.sitecorecloud.io/v1/files/pages/styles/content-styles.css">`, "", false},
		{"they engage with us", "default-src 'self'", false},
	} {
		if got := HasScript([]byte(tt.page), tt.policy); got != tt.want {
			t.Errorf("%s%s: %t", tt.page, tt.policy, got)
		}
	}
}
