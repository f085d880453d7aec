package rule

import (
	"net/url"
	"strings"

	"github.com/goaltrack/goaltrack/cdp"
)

// homePage is how the SDKs name the page at "/".
const homePage = "Home Page"

// pageName names a page as Sitecore's browser scripts do, by the last segment of its
// path. If that looks like a key to something, it is the segment before: a reset token
// or a share link must not reach the CDP.
func pageName(path string) string {
	path = strings.TrimRight(path, "/")
	for path != "" {
		i := strings.LastIndexByte(path, '/')
		name := path[i+1:]
		if name != "" && !looksLikeToken(name) {
			return cleanText(name[:min(len(name), maxCollected)])
		}
		path = path[:max(i, 0)]
	}
	return homePage
}

// tokenLength is how long an unbroken run of letters and digits is in a token
// and hardly ever in a word.
const tokenLength = 20

// looksLikeToken reports a UUID, or a long run of letters and digits mixed.
func looksLikeToken(s string) bool {
	if cdp.ValidBrowserID(s) {
		return true
	}
	run, digits := 0, 0
	for _, c := range []byte(s) {
		switch {
		case '0' <= c && c <= '9':
			digits++
			run++
		case 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_':
			run++
		default:
			run, digits = 0, 0
		}
		if run >= tokenLength && digits > 0 {
			return true
		}
	}
	return false
}

// submitPage is the page a form was on: the page of the Referer, if it is one
// of this host.
func submitPage(x *Exchange) (string, bool) {
	path, _ := x.formPage()
	if path == "" {
		return "", false
	}
	return pageName(path), true
}

// formPage is the page in the Referer, its path as rules see paths and its
// query, "" if there is none of this host.
func (x *Exchange) formPage() (path, rawQuery string) {
	if x.referer == "" || len(x.referer) > maxInput {
		return "", ""
	}
	if !x.pageKnown {
		x.pageKnown, x.page.path, x.page.rawQuery = true, "", ""
		if u, err := url.Parse(x.referer); err == nil && u.Host != "" && u.Path != "" && x.sameHost(u.Host) {
			x.page.path, x.page.rawQuery = x.ownPath(u.Path), u.RawQuery
		}
	}
	return x.page.path, x.page.rawQuery
}
