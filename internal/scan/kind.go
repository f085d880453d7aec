// Package scan reads the bodies of requests and answers as bytes: the wanted
// fields of a form ([Form]), and members of JSON ([JSON]). [Answer] and [Tee]
// keep an answer while it is written, and read JSON from it even if it is
// compressed. The package knows nothing of rules and connections.
//
// kind.go says what a body is by its Content-Type. A form is read by pairs.go or parts.go into
// the fields of form.go, in the letters of charset.go; JSON by json.go. Of an answer, tee.go
// keeps the bytes, coding.go unpacks them and answer.go looks for members; readable.go has
// proxies ask for answers that can be read. outcome.go names what can become of a body, and
// kept.go is what is left of it.
//
// Everything is bounded. Of a request, it reads JSON up to [BodyLimit]. A form of any
// length is read as it passes ([Pairs], [Parts]): of one in parts, the headers of up to
// 1000 of them, each up to 16 KiB. A value is read up to 2 KiB. Of an answer, it
// reads up to [AnswerLimit], before and after it is unpacked, and undoes up to
// four codings. What lies beyond a bound is reported as not known, and never
// taken for absent.
//
// A value belongs to one request and must not be used by two goroutines at
// once.
package scan

import "strings"

// BodyLimit is how many bytes of a request's body are kept to be read if nothing
// else is set. The caller sees to it. If more had to be kept, nothing is read. Of a
// form, only the wanted fields are kept.
const BodyLimit = 64 << 10

// Kind is a kind of body, as its Content-Type says.
type Kind uint8

// The kinds of body.
const (
	KindNone Kind = iota // none that can be read
	KindURLEncoded
	KindMultipart
	KindJSON
	KindText // plain text, which is JSON if it surely is an object; see IsObject
)

// KindOf returns the kind for a Content-Type. Parameters do not matter.
func KindOf(contentType string) Kind {
	media := mediaType(contentType)
	switch {
	case strings.EqualFold(media, "application/x-www-form-urlencoded"):
		return KindURLEncoded
	case strings.EqualFold(media, "multipart/form-data"):
		return KindMultipart
	case isJSON(media):
		return KindJSON
	case strings.EqualFold(media, "text/plain"):
		return KindText
	}
	return KindNone
}

// isJSON reports whether a media type is JSON or is based on it (RFC 6839,
// section 3.1).
func isJSON(media string) bool {
	const suffix = "+json"
	return strings.EqualFold(media, "application/json") ||
		len(media) > len(suffix) && strings.EqualFold(media[len(media)-len(suffix):], suffix)
}

// Kinds are the kinds of body that somebody wants to read.
type Kinds struct{ Form, JSON bool }

// Has reports whether a kind is among them.
func (k Kinds) Has(kind Kind) bool {
	switch kind {
	case KindURLEncoded, KindMultipart:
		return k.Form
	case KindJSON, KindText:
		return k.JSON
	case KindNone:
	}
	return false
}

// mediaType returns a Content-Type without its parameters.
func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(media)
}
