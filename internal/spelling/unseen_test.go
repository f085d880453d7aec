package spelling

import "testing"

func TestUnseen(t *testing.T) {
	for text, want := range map[string]string{
		"":                "",
		"/pricing":        "",
		"/how to choose":  "",
		"/日本/プラン":         "",
		"/نمی\u200cخواهم": "", // Persian writes words with it
		"/क्\u200dष":      "",
		"/👩\u200d💻":       "",
		"/pricing\u200b":  "U+200B, which cannot be seen",
		"\ufeff/pricing":  "U+FEFF, which cannot be seen",
		"/pri\u00adcing":  "U+00AD, which cannot be seen",
		"/pricing\u200d":  "U+200D, which cannot be seen",
		"/pri\u200ccing":  "U+200C, which cannot be seen",
		"/a\u202eb":       "U+202E, which cannot be seen",
		"/a\u2028b":       "U+2028, which cannot be seen",
		"/❤\ufe0f":        "",
		"/1\ufe0f\u20e3":  "",
		"/©\ufe0f":        "",
		"/葛\ufe00":        "",
		"/pri\ufe0fcing":  "U+FE0F, which cannot be seen",
		"\ufe0f/pricing":  "U+FE0F, which cannot be seen",
		"/葛\U000e0100":    "", // a form of the letter that a name has
		"/pri\U000e0100c": "U+E0100, which cannot be seen",
		"/pri\u180bcing":  "U+180B, which cannot be seen",
		"/ᠠ\u180b":        "",
		"/pri\u0085cing":  "U+0085, which cannot be seen",
		"/a\u3164":        "U+3164, which cannot be seen",
		"/pricing\u00a0":  "U+00A0, a blank of another kind",
		"/a\u202fb":       "U+202F, a blank of another kind",
		"/a\u3000b":       "U+3000, a blank of another kind",
		"/pricing ":       "a blank at the end",
		" /pricing":       "a blank at the beginning",
		" ":               "a blank at the beginning",
		"/\xff":           "",
		"/د\u200c\u200cه": "U+200C, which cannot be seen",
	} {
		if got := Unseen(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
