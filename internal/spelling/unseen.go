package spelling

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Unseen names the first character of a text that nobody can see, "" if there
// is none. That is a character without a shape, such as U+200B, or a blank that
// is not the common one, such as the no-break space. A blank at the beginning
// or the end is one, too. Texts that are pasted from a chat, a wiki or an
// office program have such characters. A rule with one looks right and never
// matches.
func Unseen(text string) string {
	for i, r := range text {
		switch {
		case r == ' ' && i == 0:
			return "a blank at the beginning"
		case r == ' ' && i == len(text)-1:
			return "a blank at the end"
		case r < utf8.RuneSelf: // of ASCII, only blanks cannot be seen
		case (r == '\u200c' || r == '\u200d') && joins(text[:i], text[i+3:]):
		case unicode.Is(selectors, r) && varies(text[:i], text[i+utf8.RuneLen(r):]):
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unseenLetters, selectors):
			return fmt.Sprintf("U+%04X, which cannot be seen", r)
		case r != ' ' && unicode.Is(unicode.Zs, r):
			return fmt.Sprintf("U+%04X, a blank of another kind", r)
		}
	}
	return ""
}

// unseenLetters are letters and signs that are drawn as nothing.
var unseenLetters = &unicode.RangeTable{R16: []unicode.Range16{
	{Lo: 0x034f, Hi: 0x034f, Stride: 1},
	{Lo: 0x115f, Hi: 0x1160, Stride: 1},
	{Lo: 0x17b4, Hi: 0x17b5, Stride: 1},
	{Lo: 0x2800, Hi: 0x2800, Stride: 1},
	{Lo: 0x3164, Hi: 0x3164, Stride: 1},
	{Lo: 0xffa0, Hi: 0xffa0, Stride: 1},
}}

// selectors are the variation selectors, those of Mongolian and of ideographs among them.
var selectors = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x180b, Hi: 0x180d, Stride: 1}, {Lo: 0x180f, Hi: 0x180f, Stride: 1}, {Lo: 0xfe00, Hi: 0xfe0f, Stride: 1}},
	R32: []unicode.Range32{{Lo: 0xe0100, Hi: 0xe01ef, Stride: 1}},
}

// varies reports whether a variation selector between two texts may say how a character is
// drawn: an emoji, a digit on a key, or a letter of another script. Latin letters have no
// variants (https://www.unicode.org/Public/UCD/latest/ucd/StandardizedVariants.txt).
func varies(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	return last > unicode.MaxLatin1 && last != utf8.RuneError || last == '©' || last == '®' || strings.HasPrefix(after, "\u20e3")
}

// joins reports whether a joiner between two texts is a part of how they are written:
// between letters of Persian or Hindi, say, or the parts of an emoji
// (https://www.unicode.org/reports/tr31/#Layout_and_Format_Control_Characters).
func joins(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	first, _ := utf8.DecodeRuneInString(after)
	return last > unicode.MaxLatin1 && first > unicode.MaxLatin1 && !unicode.Is(unicode.Cf, last) && !unicode.Is(unicode.Cf, first) &&
		last != utf8.RuneError && first != utf8.RuneError
}
