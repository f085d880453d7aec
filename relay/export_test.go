package relay

import "time"

// Unhurried lets everything take as long, so that a machine that stops for some seconds changes
// nothing.
func (h *Relay) Unhurried(d time.Duration) { h.times = times{drain: d, body: d, leave: d, resent: d} }
