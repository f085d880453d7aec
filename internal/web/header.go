package web

import "strings"

// IsHTML reports whether a Content-Type is that of a page. Parameters do not
// matter.
func IsHTML(contentType string) bool {
	mime, _, _ := strings.Cut(contentType, ";")
	if mime == "text/html" {
		return true // the usual case
	}
	mime = strings.TrimSpace(mime)
	return strings.EqualFold(mime, "text/html") || strings.EqualFold(mime, "application/xhtml+xml")
}

// First returns the first line of a header, and false if there is none. values
// is the header's entry under the canonical name. Header.Get would first have
// to check whether the name is canonical.
func First(values []string) (string, bool) {
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// ValidToken reports whether s may be the name of a cookie or a header
// (RFC 9110, section 5.6.2).
func ValidToken(s string) bool {
	if s == "" {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]{}`, c) >= 0 {
			return false
		}
	}
	return true
}
