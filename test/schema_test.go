package test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/goaltrack/goaltrack"
)

// good are all the good rule files there are to test with, by name.
func good(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"../example/goals.yaml", workedFile} {
		files[name] = readText(t, name)
	}
	for _, page := range []string{firstPage, cookbook, docsPage, formsPage, countingPage, privacyPage} {
		for _, b := range yamlBlocks(t, page) {
			if b.fault == "" {
				files[page+":"+strconv.Itoa(b.line)] = b.text
			}
		}
	}
	return files
}

func TestSchemaTakesGoodFiles(t *testing.T) {
	root := schema(t)
	for name, text := range good(t) {
		if _, err := goaltrack.ParseRules([]byte(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, fault := range root.validate("", plain(t, text)) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

func TestSchemaRefusesBadFiles(t *testing.T) {
	root := schema(t)
	for _, tt := range []struct{ name, text string }{
		{"a list", "- goal: A"},
		{"no goals", "version: 1"},
		{"another version", "version: 2\ngoals: []"},
		{"an unknown key", "goal: A"},
		{"goals that are no list", "goals: { goal: A }"},
		{"a goal that is no mapping", "goals: [A]"},
		{"a goal without a name", "goals: [{ visit: /a }]"},
		{"an unknown key of a goal", "goals: [{ goal: A, vist: /a }]"},
		{"an unknown default", "goals: []\ndefaults: { label: a }"},
		{"a list as a text", "goals: [{ goal: A, visit: [/a] }]"},
		{"a mapping as a text", "goals: [{ goal: A, visit: { path: /a } }]"},
		{"code: false", "goals: [{ goal: A, code: false }]"},
		{"an unknown word", "goals: [{ goal: A, visit: /a, status: off }]"},
		{"an unknown key of submit", "goals: [{ goal: A, submit: { path: /a, verb: PUT } }]"},
		{"alternatives that are no list", "goals: [{ goal: A, any: { visit: /a } }]"},
		{"an unknown alternative", "goals: [{ goal: A, any: [{ vist: /a }] }]"},
		{"an amount that is a word", "goals: [{ goal: A, visit: /a, value: { amount: much } }]"},
		{"an unknown type", "goals: [{ goal: A, visit: /a, data: { n: { from: $query.n, as: date } } }]"},
		{"a list in data", "goals: [{ goal: A, visit: /a, data: { n: [1] } }]"},
		{"a number in identify", "goals: [{ goal: A, visit: /a, identify: { crm: 1 } }]"},
		{"a mapping in a condition", "goals: [{ goal: A, visit: /a, if: { query.q: { is: a } } }]"},
		{"an unknown key of order", "goals: [{ goal: A, visit: /a, order: { nr: 1 } }]"},
		{"an unknown kind of example", "goals: [{ goal: A, visit: /a, examples: { count: GET /a } }]"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if faults := root.validate("", plain(t, tt.text)); len(faults) == 0 {
				t.Error("the schema takes it")
			}
			if _, err := goaltrack.ParseRules([]byte(tt.text)); err == nil {
				t.Error("the loader takes it")
			}
		})
	}
}

// part is a part of a JSON Schema. Its methods know the subset of the language
// that Schema uses.
type part map[string]any

func schema(t *testing.T) part {
	t.Helper()
	var root part
	if err := json.Unmarshal(goaltrack.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	return root
}

// plain decodes YAML to what JSON has: an editor shows the schema a date as
// text.
func plain(t *testing.T, text string) any {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return plainNode(t, doc.Content[0])
}

func plainNode(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = plainNode(t, n.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, item := range n.Content {
			list = append(list, plainNode(t, item))
		}
		return list
	}
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int", "!!float":
		v, err := strconv.ParseFloat(n.Value, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	return n.Value
}

// validate returns what is wrong with a value at a place.
func (p part) validate(at string, v any) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, at+": "+fmt.Sprintf(format, args...)) }
	for word, says := range p {
		switch word {
		case "$schema", "title", "description", "defaultSnippets", "then":
		case "pattern", "minimum", "maximum", "not", "allOf", "oneOf", "if", "propertyNames":
			faults = append(faults, p.validateMore(at, word, v)...)
		case "const":
			if v != says {
				fault("%v is not %v", v, says)
			}
		case "enum":
			if !slices.Contains(says.([]any), v) {
				fault("%v is none of %v", v, says)
			}
		case "type":
			if types := oneOrMore(says); !slices.Contains(types, any(typeOf(v))) && (says != "integer" || typeOf(v) != "number") {
				fault("%v is none of %v", v, types)
			}
		case "anyOf":
			if len(p.fitting(v)) == 0 {
				fault("%v fits none of the alternatives", v)
			}
		case "required":
			object, _ := v.(map[string]any)
			for _, key := range says.([]any) {
				if _, ok := object[key.(string)]; !ok {
					fault("%s is missing", key)
				}
			}
		case "items":
			list, _ := v.([]any)
			for i, item := range list {
				faults = append(faults, part(says.(map[string]any)).validate(at+"."+strconv.Itoa(i), item)...)
			}
		case "properties", "additionalProperties": // both below
		default:
			fault("the schema has the word %s, which this test does not know", word)
		}
	}
	object, _ := v.(map[string]any)
	for key, member := range object {
		if sub := p.property(key); sub != nil {
			faults = append(faults, sub.validate(at+"."+key, member)...)
		} else if p["additionalProperties"] == false {
			fault("the key %s is unknown", key)
		}
	}
	return faults
}

// validateMore is validate for the words that say more of texts, and of keys together.
func (p part) validateMore(at, word string, v any) (faults []string) {
	fails := false
	fits := func(says any) bool { return len(part(says.(map[string]any)).validate("", v)) == 0 }
	text, isText := v.(string)
	number, isNumber := v.(float64)
	switch says := p[word]; word {
	case "pattern":
		fails = isText && !regexp.MustCompile(says.(string)).MatchString(text)
	case "minimum":
		fails = isNumber && number < says.(float64)
	case "maximum":
		fails = isNumber && number > says.(float64)
	case "not":
		fails = fits(says)
	case "allOf":
		fails = slices.ContainsFunc(says.([]any), func(one any) bool { return !fits(one) })
	case "oneOf":
		n := 0
		for _, one := range says.([]any) {
			if fits(one) {
				n++
			}
		}
		fails = n != 1
	case "if":
		fails = fits(says) && !fits(p["then"])
	case "propertyNames":
		object, _ := v.(map[string]any)
		for key := range object {
			faults = append(faults, part(says.(map[string]any)).validate(at+"."+key, key)...)
		}
	}
	if fails {
		faults = append(faults, fmt.Sprintf("%s: %v is not what %s says", at, v, word))
	}
	return faults
}

func oneOrMore(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case float64:
		return "number"
	case string:
		return "string"
	case []any:
		return "array"
	}
	return "object"
}

// property is the schema of a member of an object, nil if there is none.
func (p part) property(key string) part {
	properties, _ := p["properties"].(map[string]any)
	if sub, ok := properties[key].(map[string]any); ok {
		return sub
	}
	sub, _ := p["additionalProperties"].(map[string]any)
	return sub
}

// fitting are the alternatives that a value fits.
func (p part) fitting(v any) (list []part) {
	for _, sub := range p.alternatives() {
		if len(sub.validate("", v)) == 0 {
			list = append(list, sub)
		}
	}
	return list
}

func (p part) alternatives() (list []part) {
	alternatives, _ := p["anyOf"].([]any)
	for _, sub := range alternatives {
		list = append(list, sub.(map[string]any))
	}
	return list
}

// inside names the place a key opens. An alternative under any: has the keys of
// a goal.
func inside(place, key string) string {
	switch {
	case place == "":
		return key
	case key == "any":
		return place
	}
	return place + "." + key
}

// keys collects all keys as place/key.
func (p part) keys(place string, into map[string]bool) {
	p.walk(place, func(at, key string, _ part) { into[at+"/"+key] = true })
}

// at finds the schema of a key, nil if there is none.
func (p part) at(place, key string) (found part) {
	if place == "goals.identify" {
		return p.at("goals", "identify").property(key)
	}
	p.walk("", func(at, k string, sub part) {
		if at == place && k == key && found == nil {
			found = sub
		}
	})
	return found
}

// walk visits every key there is, below a place.
func (p part) walk(place string, each func(place, key string, sub part)) {
	properties, _ := p["properties"].(map[string]any)
	for key, sub := range properties {
		each(place, key, sub.(map[string]any))
		part(sub.(map[string]any)).walk(inside(place, key), each)
	}
	for _, word := range []string{"items", "additionalProperties"} {
		if sub, ok := p[word].(map[string]any); ok {
			part(sub).walk(place, each)
		}
	}
	for _, sub := range p.alternatives() {
		sub.walk(place, each)
	}
}

// used collects the keys that a value uses, as place/key.
func (p part) used(place string, v any, into map[string]bool) {
	for _, sub := range p.fitting(v) {
		sub.used(place, v, into)
	}
	if items, ok := p["items"].(map[string]any); ok {
		list, _ := v.([]any)
		for _, item := range list {
			part(items).used(place, item, into)
		}
	}
	properties, _ := p["properties"].(map[string]any)
	object, _ := v.(map[string]any)
	for key, member := range object {
		if properties[key] != nil {
			into[place+"/"+key] = true
			p.property(key).used(inside(place, key), member, into)
		} else if sub := p.property(key); sub != nil {
			sub.used(place, member, into)
		}
	}
}
