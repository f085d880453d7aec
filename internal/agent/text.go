package agent

import (
	"strings"

	"github.com/goaltrack/goaltrack/internal/web"
)

// text is a user agent, and what is known of its parts.
type text struct {
	ua   string
	size int
	low  [web.MaxUserAgent]byte // ua in lower case, as far as it is ASCII

	words    [maxWords]word // in order
	n        int
	comments [maxComments]comment // in order
	nComment int
	flags    flags // of all words
	kind     kind
	first    int  // where the first blank is
	link     bool // it has a "://", or something else to turn to
}

// word is a run of letters and digits, from a byte to before another.
type word struct {
	from, to int16
	flags    flags
	comment  int8  // that it stands in, or none
	is       sign  // a machine's
	bare     bool  // it stands in the name of a device outside of brackets
	name     *name // that begins with it
}

// comment is a part in brackets, with those inside it.
type comment struct {
	from, to int
	flags    flags // of its words
	device   int   // where the name of a device ends in it, from if there is none
}

// An agent in which a machine hides behind more than these is cut there. A browser
// has twenty or thirty words.
const (
	maxWords    = 128
	maxComments = 16
	none        = -1
)

// read takes the agent apart.
func (t *text) read(ua string) {
	t.ua, t.size = ua, len(ua)
	for i := range len(ua) {
		c := ua[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		t.low[i] = c
	}
	t.first = len(ua)
	depth, bare := 0, false
	for i := 0; i < len(ua); {
		if isWord(t.low[i]) {
			end, letters := i, false
			for end < len(ua) && isWord(t.low[end]) {
				letters = letters || !isDigit(t.low[end])
				end++
			}
			if letters && end-i > 1 && t.n < maxWords { // half of an agent is versions
				w := t.add(i, end, depth > 0)
				bare = w.comment == none && (bare || w.flags&(device|mobile) == device|mobile) && w.flags&engine == 0
				w.bare = bare
			}
			i = end
			continue
		}
		depth = t.mark(i, depth)
		i++
	}
	t.kind = t.kindOf()
	t.findDevices()
}

// mark notes brackets and links, and returns how many brackets are open.
func (t *text) mark(i, depth int) int {
	switch t.low[i] {
	case ' ':
		t.first = min(t.first, i)
	case '(', '[':
		if depth == 0 {
			if t.nComment == maxComments {
				return 0
			}
			t.comments[t.nComment] = comment{from: i, to: t.size, device: i}
			t.nComment++
		}
		t.link = t.link || t.has(i, "[at]") || t.has(i, "(at)")
		return depth + 1
	case ')', ']':
		if depth == 0 {
			return 0
		}
		if depth == 1 {
			t.comments[t.nComment-1].to = i + 1
		}
		return depth - 1
	case ':':
		t.link = t.link || t.has(i, "://")
	case '+':
		t.link = t.link || t.has(i, "+www.")
	case '@':
		t.link = t.link || t.isMail(i)
	}
	return depth
}

// add adds a word, and what the dictionary knows of it.
func (t *text) add(from, to int, commented bool) *word {
	w := &t.words[t.n]
	t.n++
	*w = word{from: int16(from), to: int16(to), comment: none} //nolint:gosec // Not more than web.MaxUserAgent.
	t.look(w)
	t.flags |= w.flags
	if commented {
		w.comment = int8(t.nComment - 1) //nolint:gosec // Less than maxComments.
		t.comments[w.comment].flags |= w.flags
	}
	return w
}

// at is a byte of the text, 0 behind its end.
func (t *text) at(i int) byte {
	if i < t.size {
		return t.low[i]
	}
	return 0
}

// has says whether a part begins at a byte.
func (t *text) has(at int, part string) bool {
	return t.size-at >= len(part) && string(t.low[at:at+len(part)]) == part
}

// begins says whether the text begins by one of some parts.
func (t *text) begins(parts []string) bool {
	for _, p := range parts {
		if t.has(0, p) {
			return true
		}
	}
	return false
}

// isMail says whether the @ at a byte is of an address. Apps have
// "600000@taobao_android_9.1", which is none.
func (t *text) isMail(at int) bool {
	if at == 0 || !isLetter(t.low[at-1]) {
		return false
	}
	end := at + 1
	for isWord(t.at(end)) || t.at(end) == '-' || t.at(end) == '.' {
		end++
	}
	host := strings.Trim(string(t.low[at+1:end]), ".")
	dot := strings.LastIndexByte(host, '.')
	return dot > 0 && isLetter(host[dot+1]) && t.at(end) != '_'
}

func isLetter(c byte) bool { return (c|0x20)-'a' < 26 }

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isWord says whether a byte is a part of a word. Letters beyond ASCII are.
func isWord(c byte) bool { return inWords[c] }

var inWords = func() (in [256]bool) {
	for c := range in {
		b := byte(c)
		in[c] = isLetter(b) || isDigit(b) || b >= 0x80
	}
	return in
}()
