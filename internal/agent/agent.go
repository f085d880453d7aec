// Package agent tells machines from people by what they call themselves in
// User-Agent.
//
// Two things are looked at:
//
//   - The form of the whole (shape.go). A program calls itself "aiohttp/3.9", or
//     "Mozilla/5.0 (compatible; Name/1.0)"; a browser says which system it runs on.
//   - Names of programs (names.go), and words that machines use of themselves, such
//     as "crawler" and "synthetics" (words.go). They count as whole words, and not
//     where the name of a device stands (device.go): there are phones called
//     "Cubot", "Spider 8" and "M bot 51".
//
// All of that is known after one look at each word (text.go, dictionary.go).
// docs/agents.md says how the lists are renewed, and .ci/agents measures them.
package agent

import "github.com/goaltrack/goaltrack/internal/web"

// Sign says by what a user agent is a machine's. "" means that a person may have
// sent it. Of the agent the first 512 bytes are looked at. It keeps nothing, and
// may be called by many at once.
func Sign(ua string) string {
	var t text
	t.read(web.CutUserAgent(ua))
	if sign := t.shape(); sign != "" {
		return sign
	}
	for i := range t.words[:t.n] {
		if sign := t.sign(&t.words[i]); sign != "" {
			return sign
		}
	}
	return ""
}

// sign finds a name or a word of a machine. Where the name of a device stands, it
// has to be a product with a version, "AcmeBot/2.1", or a name that no device has. The
// version behind an old phone is its own: "SAMSUNG-Scan/1.0".
func (t *text) sign(w *word) string {
	device := t.isDevice(w)
	if w.name != nil && (!device || w.name.beside) {
		return w.name.is
	}
	if device && (t.kind == phone || !t.hasVersion(int(w.to))) || w.flags&innocent != 0 {
		return ""
	}
	if sign := t.actsFor(w); sign != "" {
		return sign
	}
	if w.is == library && t.kind != other {
		return "" // browsers for a terminal, old phones and television name what they are made with
	}
	return w.is.String()
}

// actsFor finds what acts for somebody: "Claude-User/1.0", "Google-Agent)",
// "ResearchAgent/1.0". Apps have "AgentWeb/4.1" and "U_AGENT/Mozilla/5.0".
func (t *text) actsFor(w *word) string {
	if w.flags&acts == 0 {
		return ""
	}
	if t.has(int(w.from), "user") {
		if w.from > 0 && t.low[w.from-1] == '-' && t.at(int(w.to)) == '/' {
			return "an AI agent that fetches a page for one person"
		}
		return ""
	}
	switch t.at(int(w.to)) {
	case 0, ' ', ';', ')', ',':
		return "an agent"
	}
	if t.hasVersion(int(w.to)) {
		return "an agent"
	}
	return ""
}

// hasVersion says whether a version begins at a byte: "/2".
func (t *text) hasVersion(at int) bool { return t.at(at) == '/' && isDigit(t.at(at+1)) }
