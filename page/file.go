package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goaltrack/goaltrack/internal/script"
	"github.com/goaltrack/goaltrack/rule"
)

// A file of the script has the base and the parts that its rules need. It comes in two
// forms. The plain one reads its rules from the tag, so that it is the same for all pages
// with such goals. The whole one has the rules of all pages in it, and is a module: only
// so can the loader fetch it under every Content-Security-Policy, Trusted Types included.

//go:embed script.min.js
var minified string

// parts are the base and the parts of the script, by name. A line of the file is one.
var parts = func() map[string]string {
	m := map[string]string{}
	for line := range strings.Lines(minified) {
		name, code, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		m[name] = code
	}
	return m
}()

// partOf is the part that a kind of goal needs; the base has clicks.
var partOf = map[rule.PageKind]string{
	rule.PageClick: "", rule.PageSeen: "seen", rule.PageRead: "read",
	rule.PageStay: "stay", rule.PagePlayed: "played", rule.PageStarted: "started",
}

// consentTools is the part that listens to consent tools.
const consentTools = "tools"

// file is one file of the script.
type file struct {
	name         string
	text, zipped []byte
}

const (
	plainEnd = ".js"
	wholeEnd = ".mjs"
)

// everything is the plain file with all parts.
var everything = makeFile(assemble([]string{"tools", "seen", "read", "stay", "played", "started"}, "document.currentScript"), plainEnd)

// assemble writes a file with these parts. tag is an expression: what the base reads.
func assemble(names []string, tag string) string {
	codes := make([]string, 0, len(names))
	for _, name := range names {
		codes = append(codes, parts[name])
	}
	return "(" + parts["base"] + ")([" + strings.Join(codes, ",") + "]," + tag + ")\n"
}

// hashLength is that of a file's name before its end.
const hashLength = 16

func makeFile(text, end string) *file {
	sum := sha256.Sum256([]byte(text))
	f := &file{name: base64.RawURLEncoding.EncodeToString(sum[:])[:hashLength] + end, text: []byte(text)}
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one
	_, _ = z.Write(f.text)
	_ = z.Close() // to memory, it never fails
	f.zipped = b.Bytes()
	return f
}

// isFile reports whether a name may be a file's.
func isFile(name string) bool {
	hash, end, ok := strings.Cut(name, ".")
	return ok && len(hash) == hashLength && (end == plainEnd[1:] || end == wholeEnd[1:]) && isWord(hash, "-_")
}

// loader is the script that fetches a whole file. It is at most 300 bytes.
func loader(name string) string { return `import("./` + name + `").catch(()=>{})` }

// files are those made so far for the rules in force, by what they were made of and by
// their names. They are bounded, as there are few combinations of goals.
type files struct {
	rules  *rule.Set
	made   map[string]*file
	names  map[string]*file
	before map[string]*file                     // of the rules before, for pages that are being loaded
	goals  map[*rule.PageGoal]map[string]string // as the script reads them, by prefix
}

const (
	mostFiles    = 64
	mostPrefixes = 16 // a site has one or two
)

// use forgets what belongs to other rules.
func (f *files) use(rules *rule.Set) {
	if f.made != nil && f.rules == rules && len(f.made) < mostFiles {
		return
	}
	f.rules, f.before = rules, f.names
	f.made, f.names, f.goals = map[string]*file{}, map[string]*file{}, map[*rule.PageGoal]map[string]string{}
}

// find returns the file of a name, nil if there is none.
func (f *files) find(name string) *file {
	switch {
	case f.names[name] != nil:
		return f.names[name]
	case f.before[name] != nil:
		return f.before[name]
	case name == everything.name:
		return everything
	}
	return nil
}

// of is the file made of a key.
func (f *files) of(key string, text func() string, end string) *file {
	if f.made[key] == nil {
		one := makeFile(text(), end)
		f.made[key], f.names[one.name] = one, one
	}
	return f.made[key]
}

// plain is the file for a page whose tag has the rules.
func (f *files) plain(l *script.Look) *file {
	f.use(l.Rules)
	names := partsFor(l)
	return f.of("plain "+strings.Join(names, " "), func() string { return assemble(names, "document.currentScript") }, plainEnd)
}

// whole is the file with the rules of all pages.
func (f *files) whole(l *script.Look, shown shownPages) *file {
	f.use(l.Rules)
	settings := f.settings(l, shown)
	return f.of(settings, func() string {
		return assemble(partsFor(l), "{src:import.meta.url,dataset:{r:"+strconv.QuoteToASCII(settings)+"}}")
	}, wholeEnd)
}

// partsFor are the parts that a page needs beside the base.
func partsFor(l *script.Look) (names []string) {
	if l.Asked {
		names = append(names, consentTools)
	}
	for _, g := range l.Goals {
		if part := partOf[g.Kind]; part != "" && !slices.Contains(names, part) {
			names = append(names, part)
		}
	}
	slices.Sort(names)
	return names
}

// shownPages says which pages tell that they are shown.
type shownPages int

const (
	noneShown shownPages = iota
	allShown
	onlyCached // those that may not have come from the server just now
)

// settings are what the script reads of its tag, in JSON; script/base.js says what it is.
func (f *files) settings(l *script.Look, shown shownPages) string {
	var b strings.Builder
	b.WriteString(`{"r":[`)
	for i, g := range l.Goals {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(f.goal(g, l.Prefix))
	}
	b.WriteByte(']')
	if l.Shown && shown != noneShown {
		fmt.Fprintf(&b, `,"c":%d`, shown)
	}
	optOut := textOf(`(^|; *)` + regexp.QuoteMeta(l.OptOut) + `=(?!"?(0|false)?"?(;|$))`)
	b.WriteString(`,"o":` + optOut)
	if l.GPC {
		b.WriteString(`,"p":1`)
	}
	b.WriteByte('}')
	return b.String()
}

// goal is a goal as the script reads it.
func (f *files) goal(g *rule.PageGoal, prefix string) string {
	if len(f.goals[g]) == 0 || len(f.goals[g]) >= mostPrefixes {
		f.goals[g] = map[string]string{}
	}
	if f.goals[g][prefix] == "" {
		f.goals[g][prefix] = goalText(g, prefix)
	}
	return f.goals[g][prefix]
}

// goalText writes a goal for the script.
func goalText(g *rule.PageGoal, prefix string) string {
	one := struct {
		Name     string   `json:"n"`
		Kind     string   `json:"k"`
		Selector string   `json:"s,omitempty"`
		Path     string   `json:"p,omitempty"`
		Data     []string `json:"d"`
		Amount   int      `json:"a,omitempty"`
		Away     int      `json:"x,omitempty"`
	}{Name: g.Name, Kind: kindLetters[g.Kind], Selector: selectorOf(g), Path: pathFor(g.OnRegexp, prefix), Data: g.Element, Amount: g.Percent}
	if one.Data == nil {
		one.Data = []string{}
	}
	if g.Kind == rule.PageStay {
		one.Amount = int(g.Stay / time.Second)
	}
	if g.To == "other-site" {
		one.Away = 1
	}
	return textOf(one)
}

var kindLetters = map[rule.PageKind]string{
	rule.PageClick: "c", rule.PageSeen: "s", rule.PageRead: "r",
	rule.PageStay: "t", rule.PagePlayed: "v", rule.PageStarted: "f",
}

// links are the elements that lead somewhere, by the word that a rule has for it.
var links = map[string]string{
	"other-site": `:is(a,area)[href]`,
	"tel":        `:is(a,area)[href^="tel:" i]`,
	"mailto":     `:is(a,area)[href^="mailto:" i]`,
}

// selectorOf is the CSS selector of a goal's elements: of a click that has to lead
// somewhere, the link in such an element or the link that is one.
func selectorOf(g *rule.PageGoal) string {
	selector := g.Selector
	if g.DataGoal != "" {
		selector = `[data-goal="` + g.DataGoal + `"]`
	}
	switch link := links[g.To]; {
	case link == "":
		return selector
	case selector == "":
		return link
	default:
		return fmt.Sprintf(":is(%s) %s,%s:is(%[1]s)", selector, link, link)
	}
}

// pathFor makes the pattern of a normal path one of the path as the browser has it: below
// the prefix that a proxy takes off, with parameters (";jsessionid=...") and slashes that
// mean nothing. At the path's end, where mail programs and people put them, the semicolon may be
// encoded, and blanks may follow. Their number is bounded, so that a browser is soon done.
func pathFor(pattern, prefix string) string {
	pattern, ok := strings.CutPrefix(pattern, "^")
	if !ok {
		return ""
	}
	const slash, parameter = `\/`, `(?:;[^/]*)?`
	pattern = strings.ReplaceAll(strings.TrimSuffix(pattern, slash+"?$"), slash, parameter+slash+"+")
	if prefix != "" {
		prefix = "(?:" + strings.ReplaceAll(regexp.QuoteMeta(prefix), "/", slash) + ")?"
	}
	return "^" + prefix + pattern + `(?:;[^/]*|%3b[^/]{0,99})?[\/ ]{0,9}$`
}

// textOf is JSON that may stand in a page: < > & are escaped by the encoder.
func textOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "null" // no value here can fail
	}
	return string(text)
}

// write answers with a script.
func write(w http.ResponseWriter, r *http.Request, caching string, text []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/javascript; charset=utf-8")
	h.Set("Cache-Control", caching)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) //nolint:gosec // The script is this package's. The visitor may have left.
	}
}

// acceptsGzip reports whether a client takes gzip (RFC 9110, section 12.5.3).
func acceptsGzip(r *http.Request) bool {
	for _, line := range r.Header["Accept-Encoding"] {
		for member := range strings.SplitSeq(line, ",") {
			name, weight, _ := strings.Cut(member, ";")
			if strings.EqualFold(strings.TrimSpace(name), "gzip") {
				_, q, given := strings.Cut(weight, "q=")
				n, err := strconv.ParseFloat(strings.TrimSpace(q), 32)
				return !given || err == nil && n > 0
			}
		}
	}
	return false
}
