package loopback

import "testing"

func TestIs(t *testing.T) {
	for _, tt := range []struct {
		host          string
		is, isOrBelow bool
	}{
		{"localhost", true, true},
		{"LocalHost", true, true},
		{"localhost.", true, true},
		{"127.0.0.1", true, true},
		{"127.255.0.9", true, true},
		{"::1", true, true},
		{"[::1]", true, true},
		{"::ffff:127.0.0.1", true, true},
		{"[::ffff:127.0.0.1]", true, true},
		{"shop.localhost", false, true},
		{"a.b.LOCALHOST.", false, true},
		// Others.
		{"", false, false},
		{".", false, false},
		{".localhost", false, false},
		{"notlocalhost", false, false},
		{"localhost.example", false, false},
		{"localhost:80", false, false}, // a host with a port is for the caller to cut
		{"127.0.0.1:80", false, false},
		{"127.1", false, false}, // some programs read this as an address, and Go does not
		{"2130706433", false, false},
		{"0.0.0.0", false, false}, // every address of this machine, so others can reach it
		{"::", false, false},
		{"10.0.0.1", false, false},
		{"192.0.2.1", false, false},
		{"127.0.0.1.example", false, false},
		{"127.0.0.1.", false, false}, // Go asks DNS for this
	} {
		if is, isOrBelow := Is(tt.host), IsOrBelow(tt.host); is != tt.is || isOrBelow != tt.isOrBelow {
			t.Errorf("%q: %t and %t, want %t and %t", tt.host, is, isOrBelow, tt.is, tt.isOrBelow)
		}
	}
}
