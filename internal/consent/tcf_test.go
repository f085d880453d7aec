package consent

import (
	"encoding/base64"
	"strings"
	"testing"
)

// purposesBitByBit reads the purposes as the specification has them, from the
// decoded text and one after the other: what purposesWithConsent must agree with. Whether
// the string is one at all is told by its first 39 characters, which are the
// fields up to the list of vendors.
func purposesBitByBit(s string) (purposes []int, ok bool) {
	if len(s) < 39 || strings.ContainsAny(s[:39], "\r\n") { // which the decoder skips
		return nil, false
	}
	if _, err := base64.RawURLEncoding.DecodeString(s[:39] + "A"); err != nil {
		return nil, false
	}
	raw, _ := base64.RawURLEncoding.DecodeString(s[:36])
	for p := 1; p <= 24; p++ {
		if i := 151 + p; raw[i/8]>>(7-i%8)&1 == 1 {
			purposes = append(purposes, p)
		}
	}
	return purposes, raw[0]>>2 == 2
}

// FuzzConsentTCF holds the reader against one that decodes everything.
func FuzzConsentTCF(f *testing.F) {
	for _, s := range []string{
		"COw4XqLOw4XqLAAAAAENAXCAAAAAAAAAAAAAAAAAAAAA", "BOEFEAyOEFEAyAHABDENAI4AAAB9vABAASA",
		"CLcVDxRMWfGmWAVAHCENAXCkAKDAADnAABRgA5mdfCKZuYJez-NQm0TBMYA4oCAAGQYIAAAAAAEAIAEgAA.argAC0gAAAAAAAAAAAA",
		"", "C", "C" + strings.Repeat("_", 60),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, ok := purposesWithConsent(s)
		purposes, wellFormed := purposesBitByBit(s)
		if ok != wellFormed {
			t.Fatalf("%q: is read %t, is well-formed %t", s, ok, wellFormed)
		}
		if want := PurposesOf(purposes); ok && set != want {
			t.Errorf("%q: purposes %024b, want %024b", s, set, want)
		}
	})
}
