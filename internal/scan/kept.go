package scan

// Kept is what is known of a request's body that was read to its end: its bytes,
// or the fields of one whose parts were read as they passed. Its zero value is that
// of a body of which nothing is known.
type Kept struct {
	// Text is the body, which is only to be read.
	Text []byte
	// Parts are the wanted fields of a multipart body.
	Parts Fields
}

// Form returns the wanted fields of a body of that type.
func (k Kept) Form(contentType string, want []string) Fields {
	if KindOf(contentType) == KindMultipart {
		return k.Parts
	}
	return Form(contentType, k.Text, want)
}
