package web

// Lengths are the lengths of some texts, as bits. A text of another length need
// not be compared with them. The last bit stands for all longer texts. The zero
// value stands for no text. When all are added, many goroutines may read it.
type Lengths uint64

// Add adds the length of a text.
func (l *Lengths) Add(text string) { *l |= 1 << min(len(text), 63) }

// MayHave reports whether a text of that many bytes may be among them.
func (l Lengths) MayHave(length int) bool { return l&(1<<min(length, 63)) != 0 }
