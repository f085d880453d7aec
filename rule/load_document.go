package rule

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// loader walks the YAML nodes and notes where each key of each goal stands.
type loader struct {
	file  string
	goals []Goal
	// places holds, for each goal, where its keys stand; doc is the same for
	// the rest of the file.
	places []places
	doc    places
	list   []Fault
	name   string // of the goal being read
	met    int    // faults, also those that were known
	// refused are the nodes that the language has no use for, and mended the lines, from
	// and to, of goals that the parser did not understand.
	refused map[[2]int]bool
	mended  [][2]int
}

// places are nodes by key, such as "data.topic". The whole is "".
type places map[string]*yaml.Node

// fault reports what is wrong with a node, unless that comes of what was refused or taken
// out.
func (l *loader) fault(n *yaml.Node, message, hint string) {
	if l.met++; l.refused[[2]int{n.Line, n.Column}] || l.isMended(n.Line) && (strings.Contains(message, " is empty") || strings.Contains(message, " is expected to hold lines")) {
		return
	}
	l.list = append(l.list, Fault{File: l.file, Line: n.Line, Column: n.Column, Goal: l.name, Message: message, Hint: hint})
}

// position finds a key such as "data.topic", or the nearest there is. In a text on one line,
// it is the place behind so many of its bytes.
func (l *loader) position(goal int, key string, skip int) (line, column int) {
	at := l.doc
	if goal >= 0 {
		at = l.places[goal]
	}
	for key != "" && at[key] == nil {
		key = key[:max(strings.LastIndexByte(key, '.'), 0)]
	}
	n := at[key]
	if n.Kind != yaml.ScalarNode || skip <= 0 || skip > len(n.Value) || n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return n.Line, n.Column
	}
	if column = n.Column + utf8.RuneCountInString(n.Value[:skip]); n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		column++
	}
	return n.Line, column
}

// pairs walks a mapping. Unknown and repeated keys are faults; read is called
// for the others. example shows what the mapping looks like.
func (l *loader) pairs(n *yaml.Node, what, example string, known []string, read func(key string, v *yaml.Node)) {
	if n.Kind != yaml.MappingNode {
		if isNull(n) {
			l.fault(n, what+" is empty", "leave the line out, or write "+example)
		} else {
			hint := "for example " + example
			if n.Kind == yaml.SequenceNode && n == l.doc[""] { // the list of goals alone
				hint = "write version: 1 and goals: above the list"
			}
			l.fault(n, what+" is expected to hold lines of the form key: value", hint)
		}
		return
	}
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind != yaml.ScalarNode {
			l.fault(k, "a key is expected here", "put quotes around a text that begins with { or [")
			continue
		}
		key := k.Value
		if known != nil && !slices.Contains(known, key) {
			if key = l.unknownKey(k, v, known); key == "" {
				continue
			}
		}
		if seen[key] {
			l.fault(k, key+": is given twice", "the second would silently replace the first")
			continue
		}
		seen[key] = true
		if v.LineComment == "" && isNull(v) {
			v.LineComment = k.LineComment // key: #value, which YAML takes for a remark
		}
		read(key, v)
	}
}

// otherWords are what other tools, and other people, call a key.
var otherWords = map[string]string{
	"path": "visit", "uri": "visit", "address": "visit", "link": "click", "redirect": "success", "redirect to": "success", "condition": "if", "conditions": "if",
	"enabled": "status", "active": "status", "start": "from", "starts": "from", "end": "until", "ends": "until", "expires": "until", "points": "value", "worth": "value",
	"frequency": "count", "once": "count", "limit": "count", "environment": "env", "environments": "env", "team": "owner", "comment": "note", "test": "examples", "tests": "examples",
	"name": "goal", "title": "label", "description": "note", "type": "sends", "url": "visit", "pageview": "visit",
	"form": "submit", "post": "submit", "file": "download", "when": "if", "not": "unless", "properties": "data",
	"attributes": "data", "ext": "data", "revenue": "value", "pointOfSale": "pos", "point_of_sale": "pos",
	"formerly": "renamed", "was": "renamed", "old name": "renamed", "renamed from": "renamed", "previously": "renamed", "aliases": "renamed", "alias": "renamed",
	"visits": "session", "on visit": "session", "visit number": "session", "nth visit": "session", "n-th visit": "session", "sessions": "session",
	"page path": "on", "element": "click", "tap": "click", "visible": "seen", "video": "played", "play": "played", "scroll": "read", "time": "stay",
}

// unknownKey reports a key and returns the known one that was surely meant, so
// that what stands under it is judged as well, or "".
func (l *loader) unknownKey(k, v *yaml.Node, known []string) (meant string) {
	if word := strings.ToLower(v.Value); (k.Value == "type" || k.Value == "trigger") && slices.Contains(triggerKeys, word) && slices.Contains(known, word) {
		l.fault(k, fmt.Sprintf("unknown key %s:", k.Value), "the trigger is the key, for example "+word+": "+triggerExample(word))
		return ""
	}
	if (k.Value == "cookies" || k.Value == "allow") && !slices.Contains(known, "goals") {
		l.fault(k, fmt.Sprintf("unknown key %s:", k.Value), "it stands at the top of the file, for all goals")
		return ""
	}
	if slices.Contains(goalKeys, k.Value) && !slices.Contains(known, k.Value) && !slices.Contains(known, "goals") {
		l.fault(k, fmt.Sprintf("unknown key %s:", k.Value), "it stands in the goal itself, in the column of goal:")
		return ""
	}
	if message, hint := ofElsewhere(k.Value); hint != "" && slices.Contains(known, "visit") {
		l.fault(k, message, hint)
		return ""
	}
	if meant = otherWords[k.Value]; !slices.Contains(known, meant) {
		meant = nearest(k.Value, known)
	}
	hint := "keys are " + strings.Join(known, ", ")
	if meant != "" {
		hint = "did you mean " + meant + ":?"
	}
	l.fault(k, fmt.Sprintf("unknown key %s:", k.Value), hint)
	return meant
}

// triggerExample is a value that the trigger can have.
func triggerExample(key string) string {
	examples := map[string]string{"code": "true", "click": "book-demo", "seen": "price-table", "played": "video", "started": "form", "read": "75%", "stay": "30s", "event": "CLICKED"}
	return cmp.Or(examples[key], "/pricing")
}

func (l *loader) document(n *yaml.Node) (d Defaults) {
	l.doc = places{"": n}
	var list *yaml.Node
	var cookies, allow []string
	l.pairs(n, "the file", "version: 1 and goals:", []string{"version", "cookies", "allow", "defaults", "goals"}, func(key string, v *yaml.Node) {
		l.doc[key] = v
		switch key {
		case "version":
			if v.Value != "1" {
				l.fault(v, fmt.Sprintf("version %q is not known", v.Value), "version: 1")
			}
		case "cookies":
			cookies = l.texts(v, key, l.doc)
		case "allow":
			allow = l.texts(v, key, l.doc)
		case "defaults":
			d = l.defaults(v)
		case "goals":
			list = v
		}
	})
	d.Cookies, d.Allow = cookies, allow
	switch {
	case list == nil && n.Kind == yaml.MappingNode:
		l.fault(n, "there is no list of goals", "goals: begins it")
	case list != nil && list.Kind != yaml.SequenceNode:
		l.fault(list, "goals: is expected to be a list", "each goal begins with - goal: NAME")
	case list != nil:
		for _, item := range list.Content {
			l.goal(item)
		}
	}
	return d
}

// defaultKeys are the keys of defaults: that are texts.
var defaultKeys = []string{"channel", "connector", "consent", "count", "currency", "decimal", "identityProvider", "language", "timezone"}

func (l *loader) defaults(n *yaml.Node) (d Defaults) {
	into := map[string]*string{
		"language": &d.Language, "currency": &d.Currency, "channel": &d.Channel, "timezone": &d.Timezone,
		"count": &d.Count, "consent": &d.Consent, "decimal": &d.Decimal, "identityProvider": &d.IdentityProvider,
		"connector": &d.Connector,
	}
	l.pairs(n, "defaults:", "currency: EUR", append(slices.Clone(defaultKeys), "failure"), func(key string, v *yaml.Node) {
		l.doc["defaults."+key] = v
		if key == "failure" {
			d.Failure = l.texts(v, "defaults.failure", l.doc)
		} else {
			*into[key] = l.text(v, key)
		}
	})
	return d
}

// texts reads a text or a list of them, and notes where each stands.
func (l *loader) texts(n *yaml.Node, key string, at places) []string {
	items := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		items = n.Content
	}
	list := make([]string, 0, len(items))
	for i, item := range items {
		at[key+"."+strconv.Itoa(i)] = item
		if verb, _, _ := strings.Cut(item.Value, " "); actVerbs[verb] != "" {
			l.whole(item) // its element may have a #
		}
		if text := l.text(item, key[strings.LastIndexByte(key, '.')+1:]); text != "" {
			list = append(list, text)
		}
	}
	return list
}
