package web

// MaxUserAgent is how many bytes of a user agent are used. Longer ones are
// attacks on parsers.
const MaxUserAgent = 512

// CutUserAgent cuts a user agent to MaxUserAgent bytes.
func CutUserAgent(ua string) string {
	if len(ua) > MaxUserAgent {
		return ua[:MaxUserAgent]
	}
	return ua
}
