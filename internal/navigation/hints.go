package navigation

import (
	"net/http"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// A site may say that it needs a client hint for its very first answer (Critical-CH,
// https://wicg.github.io/client-hints-infrastructure/#critical-ch). A browser of
// Chromium's that has not sent it throws that answer away and asks again, with the
// hint. Analytics count such a page twice
// (https://github.com/WICG/client-hints-infrastructure/issues/87).

// hints are those that Chromium sends with a navigation if it is asked for them. It
// throws nothing away for others: for those that it always sends, or only with pictures,
// or only if the visitor wants it (Save-Data), or does not know.
var hints = []string{
	"sec-ch-ua-arch", "sec-ch-ua-bitness", "sec-ch-ua-form-factors", "sec-ch-ua-full-version", "sec-ch-ua-full-version-list",
	"sec-ch-ua-model", "sec-ch-ua-platform-version", "sec-ch-ua-wow64",
	"sec-ch-prefers-color-scheme", "sec-ch-prefers-reduced-motion", "sec-ch-prefers-reduced-transparency",
	"sec-ch-device-memory", "sec-ch-dpr", "sec-ch-viewport-height", "sec-ch-viewport-width",
	"device-memory", "dpr", "viewport-width", "downlink", "ect", "rtt", //nolint:misspell // It is a hint.
}

// Restarts reports whether a browser will throw an answer away and ask again: one of
// Chromium's that goes to a page, and whose request lacks a hint that the answer needs
// and asks for.
func Restarts(request, answer http.Header) bool {
	critical := answer["Critical-Ch"]
	mode, told := web.First(request["Sec-Fetch-Mode"])
	if len(critical) == 0 || !isChromium(request) || told && mode != "navigate" || IsPrefetch(request) {
		return false
	}
	for hint := range names(critical) {
		if len(request[http.CanonicalHeaderKey(hint)]) == 0 && isAmong(hint, slices.Values(hints)) && isAmong(hint, names(answer["Accept-Ch"])) {
			return true
		}
	}
	return false
}

// isChromium reports whether the browser says that it is one of Chromium's.
func isChromium(h http.Header) bool {
	brands, _ := web.First(h["Sec-Ch-Ua"])
	return strings.Contains(brands, `"Chromium"`)
}

// names goes through the members of a list header.
func names(lines []string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, line := range lines {
			for member := range strings.SplitSeq(line, ",") {
				if member = strings.TrimSpace(member); member != "" && !yield(member) {
					return
				}
			}
		}
	}
}

func isAmong(name string, others func(yield func(string) bool)) bool {
	for other := range others {
		if strings.EqualFold(name, other) {
			return true
		}
	}
	return false
}
