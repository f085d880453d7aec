package requests

import (
	"strings"
	"testing"
)

// TestOtherTools: what a browser copies for other programs is told from a request, with what
// to copy in its place.
func TestOtherTools(t *testing.T) {
	for text, want := range map[string]string{
		"$session = New-Object X\nInvoke-WebRequest -Uri \"https://shop.example/\" `\n-Method \"POST\"": "this is PowerShell",
		"Invoke-RestMethod https://shop.example/":                                                       "this is PowerShell",
		"fetch(\"https://shop.example/\", { \"method\": \"POST\" });":                                   "this is JavaScript",
		"await fetch('https://shop.example/')":                                                          "this is JavaScript",
		"wget https://shop.example/":                                                                    "this is a wget command",
		"http POST shop.example/contact topic=a":                                                        "this is an HTTPie command",
		"shop.example/pricing?a=1":                                                                      "write https://shop.example/pricing?a=1",
		"GET /fetch(":                                                                                   "",
		"POST /a x=Invoke-WebRequest -> 303 /b":                                                         "",
		"https://shop.example/$a=Invoke-WebRequest":                                                     "",
		"/pricing": "does not begin with a method",
	} {
		_, err := Parse(text)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
