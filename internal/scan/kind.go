// Package scan reads the bodies of requests and of answers as bytes: the wanted
// fields of a form ([Form]), members of JSON ([JSON]), and the JSON in an answer
// that is kept while it is written, compressed as it may be ([Answer], [Tee]). It
// knows no rules, and nothing of connections.
//
// All that it does is bounded. A request's body is read up to [BodyLimit], a value
// up to 2 KiB and a multipart body up to 1000 parts; an answer up to [AnswerLimit],
// before and after it is unpacked, and through four codings. What is beyond is
// reported as not known, and never taken for absent.
//
// A value belongs to one request and must not be used from two goroutines at once.
package scan

import "strings"

// BodyLimit is how many bytes of a request's body are kept to be read. Whoever
// keeps them sees to it: of a longer body nothing is read.
const BodyLimit = 64 << 10

// Kind is what a Content-Type makes of a body.
type Kind uint8

// The kinds of body.
const (
	KindNone Kind = iota // none that can be read
	KindURLEncoded
	KindMultipart
	KindJSON
)

// KindOf knows a body by its Content-Type. Parameters do not change the kind.
func KindOf(contentType string) Kind {
	media := mediaType(contentType)
	switch {
	case strings.EqualFold(media, "application/x-www-form-urlencoded"):
		return KindURLEncoded
	case strings.EqualFold(media, "multipart/form-data"):
		return KindMultipart
	case isJSON(media):
		return KindJSON
	}
	return KindNone
}

// isJSON reports whether a media type is JSON, or a format made of it
// (RFC 6839, section 3.1).
func isJSON(media string) bool {
	const suffix = "+json"
	return strings.EqualFold(media, "application/json") ||
		len(media) > len(suffix) && strings.EqualFold(media[len(media)-len(suffix):], suffix)
}

// Kinds are the kinds of body that somebody reads.
type Kinds struct{ Form, JSON bool }

// Has reports whether a kind is among them.
func (k Kinds) Has(kind Kind) bool {
	switch kind {
	case KindURLEncoded, KindMultipart:
		return k.Form
	case KindJSON:
		return k.JSON
	case KindNone:
	}
	return false
}

// mediaType is a Content-Type without its parameters.
func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(media)
}
