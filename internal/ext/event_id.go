package ext

import "math/rand/v2"

// AppendEventID adds ext.eventId to an encoded event, in place. hasExt says whether it ends with
// an ext. The ID only has to differ from all others, so the fast generator will do.
func AppendEventID(body []byte, hasExt bool) []byte {
	if hasExt {
		body = append(body[:len(body)-2], ',')
	} else {
		body = append(body[:len(body)-1], `,"ext":{`...)
	}
	body = append(body, `"`+EventID+`":"`...)
	body = AppendUUID(body, rand.Uint64(), rand.Uint64()) //nolint:gosec // See above.
	return append(body, `"}}`...)
}
