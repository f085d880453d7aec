package main

import (
	"crypto/tls"
	"errors"
	"regexp"
	"strings"
)

// What goes wrong between the proxy and the site, for the log.

// quoted is a text that an error quotes, as strconv.Quote writes it.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"?`)

// withoutQuotes says what is wrong, and not in which words. net/http quotes lines of an answer
// that it cannot read, and such a line may be somebody's session.
func withoutQuotes(text string) string { return quoted.ReplaceAllString(text, `"..."`) }

// adviceOn is what the operator can do about an answer that did not come, "" if the error says
// all that is known.
func adviceOn(err error) string {
	var untrusted *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	switch text := err.Error(); {
	case errors.As(err, &untrusted):
		return "the certificate of the site has to be valid for the host of --to, and its root to be trusted here: in the system's list, or in the file that SSL_CERT_FILE names"
	case errors.As(err, &noTLS):
		return "the site does not speak TLS at this address: --to may have to begin with http://"
	case strings.Contains(text, `malformed HTTP response "\x15\x03`), strings.Contains(text, `malformed HTTP response "\x16\x03`):
		return "the site speaks TLS at this address: --to may have to begin with https://" // an alert or a handshake, RFC 8446, section 5.1
	case strings.Contains(text, `malformed HTTP response "\x00\x00`):
		return "the site speaks HTTP/2 without TLS (h2c) at this address, and the proxy speaks HTTP/1.1 with it" // SETTINGS, RFC 9113, section 3.4
	}
	return ""
}

// brokenAnswers is the log of httputil.ReverseProxy. It writes a line there if an answer of the
// site has begun and does not come to its end.
type brokenAnswers struct{ to *limitedLog }

// Write takes a line from a [log.Logger].
func (b brokenAnswers) Write(line []byte) (int, error) {
	text := withoutQuotes(strings.TrimSpace(string(line)))
	if _, cause, ok := strings.Cut(text, "error during body copy: "); ok {
		b.to.warn("the site broke off its answer", "error", cause)
	} else {
		b.to.warn(text)
	}
	return len(line), nil
}
