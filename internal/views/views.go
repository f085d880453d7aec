// Package views reads what a VIEW event has to know of a page beside its name. That is which
// variant of the page was shown, and whether a script in it sends such events too.
package views

import (
	"bytes"
	"net/url"
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// SitecoreAI counts the variants of its personalization and of its A/B tests by
// ext.pageVariantId of VIEW events. Sitecore's SDKs take it from the page's own code, or
// else from the parameter variantid of the address (Content SDK, PageViewEvent).

// VariantOf returns the variant that the query of an address names, "" if it names none
// that could be one. The visitor may have written it.
func VariantOf(rawQuery string) string {
	if !strings.Contains(rawQuery, addressKey) {
		return ""
	}
	id, _ := web.QueryValue(rawQuery, addressKey)
	if !ValidVariant(id) {
		return ""
	}
	return id
}

const addressKey = "variantid"

// ValidVariant reports whether a text may be the ID of a variant: letters, digits, "-",
// "_", ".", ":" and braces, at most 200.
func ValidVariant(id string) bool {
	if id == "" || len(id) > maxVariant {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', strings.IndexByte("-_.:{}", c) >= 0:
		default:
			return false
		}
	}
	return true
}

const maxVariant = 200

// RewriteHeader is the header by which Sitecore's middleware for Next.js says to which
// version of a page it rewrote a request, as in /_site_default/_variantId_B/about. A
// version of one component stands behind the component's ID: _variantId_hero_B. The
// version without a change is called _default
// (github.com/Sitecore/jss, package sitecore-jss, personalize).
const RewriteHeader = "X-Sc-Rewrite"

const (
	rewritePrefix = "_variantId_"
	plainVariant  = "_default"
)

// RewrittenTo returns the variant that the header names, "" if it names none. It is that
// of the page, or that of the one component which has variants. If it names something
// that cannot be sent as one variant, understood is false. path is what was asked for: a
// visitor who writes such a name into it is told apart from the middleware.
func RewrittenTo(header, path string) (id string, understood bool) {
	if !strings.Contains(header, rewritePrefix) || strings.Contains(path, rewritePrefix) {
		return "", true
	}
	header, _, _ = strings.Cut(header, "?")
	var page, components []string
	for segment := range strings.SplitSeq(header, "/") {
		_, name, ok := strings.Cut(segment, rewritePrefix)
		if !ok {
			continue
		}
		if plain, err := url.PathUnescape(name); err == nil {
			name = plain
		}
		switch {
		case !ValidVariant(name):
			return "", false
		case name == plainVariant, !strings.Contains(name, "_"):
			page = append(page, strings.TrimPrefix(name, "_"))
		default:
			components = append(components, strings.Replace(name, "_"+plainVariant, plainVariant, 1))
		}
	}
	switch {
	case len(page) == 1:
		return page[0], true
	case len(page) == 0 && len(components) == 1:
		return components[0], true
	}
	return "", false
}

// marks are parts of pages in which one of Sitecore's scripts sends events. They are the name
// of Engage's file on its CDN, calls and packages of the SDKs, and the addresses to which
// events go.
var marks = [][]byte{
	[]byte("sitecore-engage-v"), []byte("engage.pageView("), []byte("@sitecore/engage"), []byte("@sitecore-cloudsdk/"), []byte("@sitecore-content-sdk/events"),
	[]byte("api-engage-"), []byte("edge-platform.sitecorecloud.io/v1/events"),
}

// HasScript reports whether the beginning of a page, or what its header allows it to ask
// for, names one of these. Scripts in files of their own are not seen.
func HasScript(page []byte, policy string) bool {
	for _, m := range marks {
		if bytes.Contains(page, m) || strings.Contains(policy, string(m)) {
			return true
		}
	}
	return false
}
