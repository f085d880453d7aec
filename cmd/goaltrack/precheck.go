package main

import (
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/goaltrack/goaltrack/cmd/goaltrack/internal/settings"
)

// socketPeer stands for whoever connects to a Unix socket that is trusted: a
// connection to it comes from this machine, and has no address.
var socketPeer = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0)

// precheck is what the proxy itself does with requests before anybody else sees them. It
// gives those of a trusted Unix socket an address, and says whether the proxy is ready.
type precheck struct {
	readyPath  string
	trustsUnix bool
	ending     *atomic.Bool
}

func precheckOf(v *settings.Values) *precheck {
	return &precheck{readyPath: v.Text("ready-path"), trustsUnix: v.On("trust-unix")}
}

// answers reports whether it has answered the request.
func (d *precheck) answers(w http.ResponseWriter, r *http.Request) bool {
	if d.trustsUnix && !strings.Contains(r.RemoteAddr, ":") {
		r.RemoteAddr = socketPeer.String()
	}
	if d.readyPath == "" || r.URL.Path != d.readyPath || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	w.Header().Set("Cache-Control", "no-store")
	if d.ending.Load() {
		http.Error(w, "ending", http.StatusServiceUnavailable)
		return true
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	say(w, "ready\n")
	return true
}
