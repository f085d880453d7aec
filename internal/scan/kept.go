package scan

// Kept is what is known of a request's body that was read to its end: its bytes, or the
// fields of a form, which was read as it passed. Its zero value is that of a body of
// which nothing is known.
type Kept struct {
	// Text is a body that is no form, which is only to be read.
	Text []byte
	// Form are the wanted fields of a form.
	Form Fields
}
