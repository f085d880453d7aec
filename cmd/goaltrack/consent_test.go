package main

import (
	"net/http"
	"testing"

	"github.com/goaltrack/goaltrack"
)

func TestConsentReader(t *testing.T) {
	read, err := consentReader("consent=yes")
	if err != nil {
		t.Fatal(err)
	}
	for cookies, want := range map[string]goaltrack.Consent{
		"":                         goaltrack.ConsentUnknown,
		"other=yes":                goaltrack.ConsentUnknown,
		"consent=yes":              goaltrack.ConsentGranted,
		"a=b; consent=yes":         goaltrack.ConsentGranted,
		"consent=no":               goaltrack.ConsentRefused,
		"consent=":                 goaltrack.ConsentRefused,
		"consent=yes; consent=no":  goaltrack.ConsentRefused,
		"consent=yes; consent=yes": goaltrack.ConsentGranted,
	} {
		r := &http.Request{Header: http.Header{"Cookie": {cookies}}}
		if got := read(r); got != want {
			t.Errorf("%q is %v, want %v", cookies, got, want)
		}
	}
	for _, bad := range []string{"consent", "consent=", "=yes", "a b=yes"} {
		if _, err := consentReader(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if read, err := consentReader(""); read != nil || err != nil {
		t.Error("nothing described is no reader")
	}
}
