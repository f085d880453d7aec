package consent

// bits reads numbers out of a text of base64url (RFC 4648, section 5), each
// character of which stands for six bits. So they are read in place.
type bits struct {
	text string
	at   int // the next bit
}

// take reads the number in the next n bits, at most 32. It is false at the end, and at
// a character that is not of base64url.
func (b *bits) take(n int) (number uint32, ok bool) {
	if b.at+n > 6*len(b.text) {
		return 0, false
	}
	for end := b.at + n; b.at < end; {
		six := base64Value(b.text[b.at/6])
		if six > 63 {
			return 0, false
		}
		within := b.at % 6
		many := min(6-within, end-b.at)
		part := six << within & 63 >> (6 - many)
		number = number<<many | uint32(part)
		b.at += many
	}
	return number, true
}

// onlyPadding reports whether nothing follows but the zeros that fill up the text.
// Encoders fill it up to whole characters, or to whole groups of four.
func (b *bits) onlyPadding() bool {
	if 6*len(b.text)-b.at >= 24 {
		return false
	}
	for b.at < 6*len(b.text) {
		if one, ok := b.take(1); !ok || one != 0 {
			return false
		}
	}
	return true
}

// base64Value is the value of a character of base64url, 64 if it is none.
func base64Value(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c - 'A'
	case 'a' <= c && c <= 'z':
		return c - 'a' + 26
	case '0' <= c && c <= '9':
		return c - '0' + 52
	case c == '-':
		return 62
	case c == '_':
		return 63
	}
	return 64
}
