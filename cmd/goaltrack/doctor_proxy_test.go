package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/goaltrack/goaltrack/cdp"
)

// TestDoctorBehindAProxy: a 407 on the way is the outgoing proxy's, with TLS and without.
func TestDoctorBehindAProxy(t *testing.T) {
	for _, err := range []error{
		&cdp.Error{Outcome: cdp.NotProcessed, Err: fmt.Errorf("proxyconnect: %w", cdp.ErrProxyAuth)},
		&cdp.Error{Outcome: cdp.SenderBad, Status: http.StatusProxyAuthRequired},
	} {
		if f := (&visit{}).trouble(err); !strings.Contains(f.Advice, "user and password into the address of the proxy") {
			t.Errorf("%v: %+v", err, f)
		}
	}
}
