package cdp

// ValidCurrency reports whether s is an ISO 4217 code in use, in upper case.
func ValidCurrency(s string) bool { return knownCurrency(s) }

// ValidChannel reports whether s may be a channel: upper case letters and _.
// Sitecore's list has grown before, so a channel need not be on it.
func ValidChannel(s string) bool { return channelName(s) }
