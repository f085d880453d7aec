package navigation

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// The app router of Next.js fetches the components of a page (RSC: 1) when a visitor
// clicks a link, and also when a script asks for the page that is open once more
// (router.refresh). It sends what it has of the page as a tree, and marks there what it
// wants. A mark on the root is a refresh:
//
//	["",{"children":["dash",{...}]},null,"refetch"]
//
// A mark further down is a click on a link that was fetched ahead in part. A script can
// also fetch a page whole that nobody clicked (prefetch={true}), and nothing tells that
// from a click (https://github.com/vercel/next.js/issues/85836).

// isRefresh reports whether the components are those of the page that is open.
func isRefresh(h http.Header) bool {
	if len(h["Next-Hmr-Refresh"]) > 0 {
		return true // the developer's server, after a change
	}
	text, _ := web.First(h["Next-Router-State-Tree"])
	if !strings.Contains(text, refetch) {
		return false
	}
	if len(text) > maxTree {
		return true // nobody can say, and a visit is not made up
	}
	text, err := url.PathUnescape(text)
	if err != nil {
		return true
	}
	var root []json.RawMessage
	if json.Unmarshal([]byte(text), &root) != nil {
		return true
	}
	return len(root) > markAt && string(root[markAt]) == `"`+refetch+`"`
}

const (
	refetch = "refetch"
	markAt  = 3 // the place of the mark in the root
	maxTree = 32 << 10
)

// QueryOf returns the query that the address of a page has, by that of a request for the
// page or its data. Next.js adds to it: _rsc to the address of components, and what it
// read from the page's path to the address of data.
func QueryOf(path, page, rawQuery string) string {
	if rawQuery == "" {
		return ""
	}
	isNext := strings.Contains(path, nextData)
	if !isNext && !strings.Contains(rawQuery, componentsKey) {
		return rawQuery
	}
	var kept []string
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if name == componentsKey {
			continue
		}
		if v, err := url.QueryUnescape(value); isNext && err == nil && v != "" && strings.Contains(page+"/", "/"+v+"/") {
			continue
		}
		kept = append(kept, pair)
	}
	return strings.Join(kept, "&")
}

const componentsKey = "_rsc"
