package path

import (
	"net/url"
	"strings"
)

// A slash that is sent as %2F is not a slash between two segments (RFC 3986, section
// 3.3), and net/url tells it from one only in [url.URL.RawPath]. These functions write
// it as %2F in a path that is decoded otherwise.

const encodedSlash = "%2F"

// HasEncodedSlash reports whether a path as it was sent has one. One that also has an
// encoded %2 is left alone, since nobody could tell the two apart once it is decoded.
func HasEncodedSlash(raw string) bool {
	return (strings.Contains(raw, encodedSlash) || strings.Contains(raw, "%2f")) && !strings.Contains(raw, "%252")
}

// KeepSlashes decodes a path as it was sent, but for these slashes.
func KeepSlashes(raw string) (string, error) {
	raw = strings.ReplaceAll(raw, "%2f", encodedSlash)
	return url.PathUnescape(strings.ReplaceAll(raw, encodedSlash, "%252F"))
}

// PartSlashes makes slashes between segments of them.
func PartSlashes(path string) string { return strings.ReplaceAll(path, encodedSlash, "/") }
