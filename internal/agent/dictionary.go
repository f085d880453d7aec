package agent

import "github.com/goaltrack/goaltrack/internal/web"

// flags are what a word says beside the kind of a machine.
type flags uint16

const (
	platform   flags = 1 << iota // a system or a device that browsers run on
	device                       // the words beside it name a device
	television                   // all comments are about the set
	old                          // a phone from before Android and iOS
	mobile                       // a phone or a tablet
	msie                         // Internet Explorer, whose toolbars wrote themselves into its agent
	machinely                    // "compatible", see text.isCompatible
	top                          // may end a domain
	engine                       // ends the name of a device that stands outside of brackets
	acts                         // see text.actsFor
	innocent                     // looks as a machine's word, and is none
	desktop                      // a system of desktops
	shows                        // a browser or its engine
)

// entry is what is known of a word.
type entry struct {
	flags flags
	is    sign
	names []*name // that begin with it
}

// name is a text of several words, or a word with what is around it.
type name struct {
	rest   string // what follows its first word
	is     string // what machine it is, "" if it is none
	flags  flags
	beside bool // no device is called so
}

// affix is how words begin or end.
type affix struct {
	text  string
	flags flags
	is    sign
}

// The dictionary is made of the tables in this package when the program starts.
var (
	entries  = map[string]*entry{}
	lengths  [256]web.Lengths // of the words in entries, by their first byte
	prefixes [256][]affix     // by their first byte
	suffixes [256][]affix     // by their last
)

// sign is what kind of machine has a word: the first three, or one more than those
// and the place in kinds.
type sign uint8

const (
	noSign sign = iota
	beginsSo
	endsSo
	library // the first of kinds
)

// String is the sign in words, "" for none.
func (s sign) String() string {
	switch s {
	case noSign:
		return ""
	case beginsSo:
		return "it begins as a machine's name"
	case endsSo:
		return "it ends as a machine's name"
	}
	return kinds[s-library].kind
}

func init() {
	for i, k := range kinds {
		for _, w := range k.words {
			entryOf(w).is = library + sign(i)
		}
	}
	for _, w := range notMachines {
		entryOf(w).flags |= innocent
	}
	for _, n := range names {
		addName(n.name, n.is, 0)
	}
	for _, s := range systems {
		for _, w := range s.words {
			addName(w, "", s.flags)
		}
		for _, b := range s.beginnings {
			prefixes[b[0]] = append(prefixes[b[0]], affix{b, s.flags, noSign})
		}
		for _, e := range s.endings {
			suffixes[e[len(e)-1]] = append(suffixes[e[len(e)-1]], affix{e, s.flags, noSign})
		}
	}
	for _, b := range beginnings {
		prefixes[b[0]] = append(prefixes[b[0]], affix{b, 0, beginsSo})
	}
	for _, e := range endings {
		suffixes[e[len(e)-1]] = append(suffixes[e[len(e)-1]], affix{e, 0, endsSo})
	}
}

func entryOf(word string) *entry {
	if entries[word] == nil {
		entries[word] = new(entry)
		lengths[word[0]].Add(word)
	}
	return entries[word]
}

// find finds what is known of a word. Most words are not known, and most of those
// are as long as none that begins so.
func find(word []byte) *entry {
	if !lengths[word[0]].MayHave(len(word)) {
		return nil
	}
	return entries[string(word)]
}

// addName adds a text of one word or several.
func addName(text, is string, f flags) {
	end := 0
	for end < len(text) && isWord(text[end]) {
		end++
	}
	e := entryOf(text[:end])
	if end == len(text) && is == "" {
		e.flags |= f
		return
	}
	e.names = append(e.names, &name{text[end:], is, f, besideDevices[text]})
}

// look finds what is known of a word: as a whole, by its beginning and its end, and
// by its parts.
func (t *text) look(w *word) {
	run := t.low[w.from:w.to]
	if e := find(run); e != nil {
		w.flags, w.is = e.flags, e.is
		for _, n := range e.names {
			if t.isName(n, int(w.to)) {
				w.flags |= n.flags
				if n.is != "" && w.name == nil {
					w.name = n
				}
			}
		}
	}
	for _, p := range prefixes[run[0]] {
		if len(run) >= len(p.text) && string(run[:len(p.text)]) == p.text {
			w.take(p)
		}
	}
	stem := run
	for len(stem) > 1 && isDigit(stem[len(stem)-1]) {
		stem = stem[:len(stem)-1] // "Daumbot2"
	}
	for _, s := range suffixes[stem[len(stem)-1]] {
		if len(stem) >= len(s.text) && string(stem[len(stem)-len(s.text):]) == s.text {
			w.take(s)
		}
	}
	if w.is == noSign {
		w.is = t.partsOf(int(w.from), int(w.to))
	}
}

func (w *word) take(a affix) {
	w.flags |= a.flags
	if w.is == noSign {
		w.is = a.is
	}
}

// isName says whether a name goes on at a byte, and ends there.
func (t *text) isName(n *name, at int) bool {
	if n.rest == "" {
		return true
	}
	if !t.has(at, n.rest) {
		return false
	}
	last := n.rest[len(n.rest)-1]
	return !isLetter(last) || !isWord(t.at(at+len(n.rest)))
}

// partsOf is the kind of machine by a part of a word that begins with a capital:
// "SiteMonitor".
func (t *text) partsOf(from, to int) sign {
	for i := from; i < to; {
		end := t.partEnd(i, to)
		if end-i > 2 && end-i < to-from {
			if e := find(t.low[i:end]); e != nil && e.is != noSign {
				return e.is
			}
		}
		i = end
	}
	return noSign
}

// partEnd is the end of the part of a word that begins somewhere: "Site" and
// "Monitor" in "SiteMonitor", "HTTP" and "Client" in "HTTPClient".
func (t *text) partEnd(from, to int) int {
	i := from + 1
	if !isLetter(t.ua[from]) {
		for i < to && !isLetter(t.ua[i]) {
			i++
		}
		return i
	}
	for ; i < to; i++ {
		c := t.ua[i]
		switch {
		case !isLetter(c), isUpper(c) && !isUpper(t.ua[i-1]):
			return i
		case isUpper(t.ua[i-1]) && !isUpper(c) && i-1 > from:
			return i - 1
		}
	}
	return to
}
