package web

import "testing"

func TestWireLanguage(t *testing.T) {
	for s, want := range map[string]string{
		"de": "DE", "de-DE": "DE", "de_AT": "DE", "DE": "DE", "": "", "d": "", "deu": "", "d1": "", "é": "", "-de": "", "de-": "DE",
	} {
		if got := Language(s); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}
