package path

import (
	"unicode"
	"unicode/utf8"
)

// AppendFold appends s in a form that is the same for texts that differ only in
// case. It folds like (?i) in package regexp: each rune becomes the smallest of
// the runes that fold together with it. strings.ToLower would be wrong: it
// keeps s and ſ apart, which (?i) takes for equal.
func AppendFold(dst []byte, s string) []byte {
	dst = append(dst, s...)
	folded := dst[len(dst)-len(s):]
	for i, c := range folded {
		switch {
		case c >= utf8.RuneSelf:
			return appendFoldRunes(dst[:len(dst)-len(s)+i], s[i:])
		case 'a' <= c && c <= 'z':
			folded[i] = c - ('a' - 'A')
		}
	}
	return dst
}

// appendFoldRunes is AppendFold for texts that are not all ASCII.
func appendFoldRunes(dst []byte, s string) []byte {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, s[i]) // not UTF-8: only equal to itself
		} else {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
		i += n
	}
	return dst
}

// foldsTo reports whether folded is what AppendFold makes of s.
func foldsTo(s, folded string) bool {
	for i := range len(s) {
		c := s[i]
		if c >= utf8.RuneSelf {
			var buf [128]byte
			return string(AppendFold(buf[:0], s)) == folded
		}
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if i >= len(folded) || c != folded[i] {
			return false
		}
	}
	return len(s) == len(folded)
}

// foldRune returns the smallest of the runes that fold together with r.
func foldRune(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return least
}
