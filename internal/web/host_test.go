package web

import "testing"

func TestHostOnly(t *testing.T) {
	for host, want := range map[string]string{
		"": "", "a.example": "a.example", "a.example:80": "a.example", "[::1]": "[::1]", "[::1]:80": "[::1]", "127.0.0.1:8080": "127.0.0.1", "a:": "a",
		"a.example.": "a.example", "a.example.:80": "a.example", "a.example..": "a.example.", ".": "",
	} {
		if got := HostOnly(host); got != want {
			t.Errorf("%q: %q, want %q", host, got, want)
		}
	}
}
