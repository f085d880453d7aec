package main

import (
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"github.com/goaltrack/goaltrack/internal/hostname"
)

// TestSuffixesAreOnTheList: what the library takes for a public suffix without the
// list is on the list.
func TestSuffixesAreOnTheList(t *testing.T) {
	n := 0
	for first := range strings.FieldsSeq("ac co com edu go gov mil ne net nom or org sch shop www") {
		for a := 'a'; a <= 'z'; a++ {
			for b := 'a'; b <= 'z'; b++ {
				name := first + "." + string(a) + string(b)
				if !hostname.IsSuffix(name) {
					continue
				}
				if n++; publicsuffix.List.PublicSuffix(name) != name {
					t.Errorf("%s is no public suffix", name)
				}
			}
		}
	}
	for _, name := range []string{"github.io", "azurewebsites.net", "vercel.app", "up.railway.app", "workers.dev"} {
		if !hostname.IsSuffix(name) || publicsuffix.List.PublicSuffix(name) != name {
			t.Errorf("%s: %t, and the list has %s", name, hostname.IsSuffix(name), publicsuffix.List.PublicSuffix(name))
		}
	}
	if n < 700 {
		t.Errorf("only %d are known", n)
	}
}

// TestCookieDomainByTheList: the proxy refuses what only the list knows.
func TestCookieDomainByTheList(t *testing.T) {
	for domain, want := range map[string]bool{"shop.example": true, "chiyoda.tokyo.jp": false, "s3.amazonaws.com": false, "co.uk": false, "shop.co.uk": true} {
		v, err := proxyValues([]string{"--to=http://127.0.0.1:1", "--region=eu", "--client-key=key", "--pos=shop", "--views=server", "--cookie-domain=" + domain}, noEnv)
		if err != nil {
			t.Fatal(err)
		}
		err = new(proxyProgram).check(v, nil)
		if (err == nil) != want || err != nil && !strings.Contains(err.Error(), "public suffix") {
			t.Errorf("%s: %v", domain, err)
		}
	}
}
