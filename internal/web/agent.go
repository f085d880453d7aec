package web

// MaxUserAgent is where a user agent is cut: longer ones are attacks on those
// who parse them.
const MaxUserAgent = 512

// CutUserAgent cuts a longer one.
func CutUserAgent(ua string) string {
	if len(ua) > MaxUserAgent {
		return ua[:MaxUserAgent]
	}
	return ua
}
