package goaltrack

import "strings"

// bodyLimit is how many bytes of a request's body are kept to be read. It bounds
// the work, too: a body that is longer has no fields, and no members.
const bodyLimit = 64 << 10

// formKind is what a Content-Type makes of a body.
type formKind uint8

const (
	formKindNone formKind = iota
	formKindURLEncoded
	formKindMultipart
	formKindJSON
)

// formKindOf looks at the media type alone; parameters do not change the kind.
func formKindOf(contentType string) formKind {
	media := mediaType(contentType)
	switch {
	case strings.EqualFold(media, "application/x-www-form-urlencoded"):
		return formKindURLEncoded
	case strings.EqualFold(media, "multipart/form-data"):
		return formKindMultipart
	case isJSON(media):
		return formKindJSON
	}
	return formKindNone
}

// isJSON reports whether a media type is JSON, or a format made of it
// (RFC 6839, section 3.1).
func isJSON(media string) bool {
	const suffix = "+json"
	return strings.EqualFold(media, "application/json") ||
		len(media) > len(suffix) && strings.EqualFold(media[len(media)-len(suffix):], suffix)
}

// bodyKinds are the kinds of body that somebody reads.
type bodyKinds struct{ form, json bool }

func (k bodyKinds) has(kind formKind) bool {
	switch kind {
	case formKindURLEncoded, formKindMultipart:
		return k.form
	case formKindJSON:
		return k.json
	case formKindNone:
	}
	return false
}

// mediaType is a Content-Type without its parameters.
func mediaType(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.TrimSpace(media)
}
