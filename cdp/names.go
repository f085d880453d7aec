package cdp

import "time"

// FormatTime writes a time as the CDP expects the times of orders and products:
// in UTC, with milliseconds and Z.
func FormatTime(t time.Time) string { return isoUTC(t) }

// ValidCurrency reports whether s is a currency code of ISO 4217, in upper case. Codes that
// were withdrawn since 2020 count, too. It allocates nothing.
func ValidCurrency(s string) bool { return knownCurrency(s) }

// ValidChannel reports whether s may be a channel: upper case letters and "_", or empty.
// Sitecore's list ("Event object") has grown before, so a channel need not be on it.
func ValidChannel(s string) bool { return channelName(s) }
