package agent

import "slices"

// The signs of a shape that no browser has.
const (
	signEmpty      = "it is empty"
	signShort      = "it is one bare name"
	signAddress    = "it has an address to turn to"
	signCompatible = `it is "compatible", and names no system`
	signNoSystem   = "it names no system"
	signNoBrowser  = "it names a system, and no browser"
)

// shape finds a form that only machines have.
func (t *text) shape() string {
	if t.n == 0 {
		return signEmpty
	}
	if o := t.opening(); o != "" {
		return o
	}
	switch {
	case t.isBare():
		return signShort
	case t.hasAddress():
		return signAddress
	case t.isCompatible():
		return signCompatible
	case t.lacksSystem():
		return signNoSystem
	case t.lacksBrowser():
		return signNoBrowser
	}
	return ""
}

// opening finds a program that begins as one of openings.
func (t *text) opening() string {
	if t.has(0, "mozilla") {
		return ""
	}
	for _, o := range openings {
		if t.has(0, o.name) {
			return o.is
		}
	}
	if t.has(0, "whatsapp") && !t.contains(" device/") {
		return "a link preview" // with a device it is the app itself
	}
	return ""
}

// isBare says whether the agent is a name, perhaps with a version, as HTTP
// libraries have it.
func (t *text) isBare() bool {
	if t.kind != other || t.has(0, "mozilla ") {
		return false
	}
	blank, slash := false, false
	for _, c := range t.low[:t.size] {
		blank, slash = blank || c == ' ', slash || c == '/'
	}
	return t.size < 10 || !blank || !slash
}

// homes are addresses that browsers name: their own, or that of the toolkit they
// were made with.
var homes = []string{"bsalsa.com", "www.xbmc.org", "kodi.tv", "www.qtweb.net", "avantbrowser.com", "crazybrowser.com"}

// hasAddress says whether somebody can be reached: by a page that explains the
// machine (https://developers.google.com/search/docs/crawling-indexing/overview-google-crawlers),
// or by mail.
func (t *text) hasAddress() bool {
	if t.kind == alone || !t.link && !t.hasDomain() {
		return false
	}
	return !slices.ContainsFunc(homes, t.contains)
}

// hasDomain says whether a host stands in the agent, as in "inoreader.com; 2
// subscribers". Apps on phones are called so ("Ask.com Mobile Browser",
// "Booking.com/23.1"), and so were toolbars of Internet Explorer.
func (t *text) hasDomain() bool {
	if t.flags&top == 0 || t.flags&(mobile|msie) != 0 {
		return false
	}
	for i := range t.words[:t.n] {
		w := &t.words[i]
		if w.flags&top != 0 && w.from > 1 && t.low[w.from-1] == '.' && isLetter(t.low[w.from-2]) && t.endsDomain(int(w.to)) {
			return true
		}
	}
	return false
}

// endsDomain says whether a host can end before a byte. "com.android.chrome" is a
// package, and "Battle.net/2.6" a program.
func (t *text) endsDomain(at int) bool {
	switch t.at(at) {
	case '.', '-':
		return false
	case '/':
		end := at + 1
		for isDigit(t.at(end)) || t.at(end) == '.' {
			end++
		}
		return end == at+1 || isWord(t.at(end))
	}
	return true
}

// isCompatible says whether a comment has the word by which machines have always
// begun ("compatible; Googlebot/2.1"). Old browsers began so, too, and went on with
// words of their own ("compatible; MSIE 6.0; Windows NT 5.1"): they are none.
func (t *text) isCompatible() bool {
	for _, c := range t.comments[:t.nComment] {
		if c.flags&(machinely|platform) == machinely {
			return true
		}
	}
	return false
}

// lacksSystem says whether an agent that begins as a browser does has no comment,
// or a short one that names no system: "Mozilla/5.0 Jorgee", "Mozilla/5.0 (Hydra)".
func (t *text) lacksSystem() bool {
	if !t.has(0, "mozilla/") || t.flags&platform != 0 {
		return false
	}
	if t.nComment == 0 {
		return true
	}
	c := t.comments[0]
	for i := c.from; i < c.to; i++ {
		if t.low[i] == ';' || t.has(i, "rv:") {
			return false
		}
	}
	return c.to-c.from > len("(en-us)")
}

// lacksBrowser says whether an agent begins as that of a browser on a desktop, and goes
// on with what shows no pages there: "Mozilla/5.0 (Macintosh; Intel Mac OS X)
// Word/14.63.0". A browser names itself or its engine, if it names anything. Apps on
// phones and television do not, and what is cut off may.
func (t *text) lacksBrowser() bool {
	if !t.has(0, "mozilla/5") || t.nComment == 0 || t.flags&(shows|device|television|old|mobile) != 0 || t.size == len(t.low) {
		return false
	}
	c := &t.comments[0]
	for i := c.from; i < c.to; i++ {
		if t.has(i, "rv:") {
			return false // as Firefox and its kin have it
		}
	}
	return c.flags&desktop != 0 && int(t.words[t.n-1].from) > c.to
}

// contains says whether a part stands somewhere in the text.
func (t *text) contains(part string) bool {
	for i := range t.size {
		if t.low[i] == part[0] && t.has(i, part) {
			return true
		}
	}
	return false
}
