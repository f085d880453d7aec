package page

import (
	"bytes"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// head is what is known of the head of a page.
type head struct {
	end  int    // where </head> begins, -1 if it is not there
	amp  bool   // nobody's own scripts may stand there (https://amp.dev/documentation/guides-and-tutorials/learn/spec/amphtml)
	base string // of its addresses, "" for that of the page itself
}

// readHead reads the head of a page. In comments and scripts, </head> is no tag.
func readHead(text []byte) (h head) {
	z, based := html.NewTokenizer(bytes.NewReader(text)), false
	for h.end = 0; ; {
		kind := z.Next()
		raw := len(z.Raw())
		if kind == html.ErrorToken {
			h.end = -1
			return h
		}
		name, more := z.TagName()
		switch tag := string(name); {
		case kind == html.EndTagToken && tag == "head":
			return h
		case kind != html.StartTagToken && kind != html.SelfClosingTagToken:
		case tag == "html":
			for more {
				var key []byte
				if key, _, more = z.TagAttr(); string(key) == "amp" || bytes.HasPrefix(key, []byte("amp4")) || bytes.HasPrefix(key, []byte("⚡")) {
					h.amp = true
				}
			}
		case tag == "base" && !based:
			for more {
				var key, value []byte
				if key, value, more = z.TagAttr(); string(key) == "href" && !based {
					h.base, based = string(value), true // the first one is it
				}
			}
		}
		h.end += raw
	}
}

// allows reports whether a Content-Security-Policy lets the script of the site's own
// address run, and send.
func allows(policies string) bool {
	for policy := range strings.SplitSeq(policies, ",") {
		directives := map[string][]string{}
		for directive := range strings.SplitSeq(strings.ToLower(policy), ";") {
			if words := strings.Fields(directive); len(words) > 0 && directives[words[0]] == nil {
				directives[words[0]] = words
			}
		}
		// In a sandbox, the page is of an origin of its own unless that is allowed.
		if box := directives["sandbox"]; box != nil && (!slices.Contains(box, "allow-scripts") || !slices.Contains(box, "allow-same-origin")) {
			return false
		}
		if slices.Contains(directives["require-sri-for"], "script") {
			return false
		}
		for _, names := range [][]string{{"script-src-elem", "script-src", "default-src"}, {"connect-src", "default-src"}} {
			for _, name := range names {
				sources := directives[name]
				if sources == nil {
					continue
				}
				if !slices.Contains(sources, "'self'") || name != "connect-src" && slices.ContainsFunc(sources, needsNonce) {
					return false
				}
				break
			}
		}
	}
	return true
}

// needsNonce reports whether a source keeps scripts without a nonce from running.
func needsNonce(source string) bool {
	return strings.HasPrefix(source, "'nonce-") || source == "'strict-dynamic'"
}
