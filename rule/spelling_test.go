package rule

import (
	"slices"
	"testing"
)

func TestWords(t *testing.T) {
	for name, want := range map[string][]string{
		"":            nil,
		"userPin":     {"user", "pin"},
		"user_pin2":   {"user", "pin"},
		"PINCode":     {"pin", "code"},
		"XMLHttpID":   {"xml", "http", "id"},
		"a.b[c]-d":    {"a", "b", "c", "d"},
		"ÄpfelKüche":  {"äpfel", "küche"},
		"123":         nil,
		"\xffa\xffB":  {"a", "b"},
		"__Host-Csrf": {"host", "csrf"},
	} {
		if got := words(name); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
