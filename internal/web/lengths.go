package web

// Lengths are those of some texts, as bits: if a text is of another, it need
// not be compared with them. The last bit is for all that are longer.
// The zero value is of no text. It may be read by many at once, once all are added.
type Lengths uint64

// Add takes a text in.
func (l *Lengths) Add(text string) { *l |= 1 << min(len(text), 63) }

// MayHave reports whether a text of that many bytes may be among them.
func (l Lengths) MayHave(length int) bool { return l&(1<<min(length, 63)) != 0 }
