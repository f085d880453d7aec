package compat

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/goaltrack/goaltrack/rule"
)

// ruleSchema is the JSON Schema of rule files, compiled by a library that knows nothing of
// them.
func ruleSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(rule.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("goals.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("goals.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// marked reports whether an editor marks a rule file: as YAML, or by the schema.
func marked(schema *jsonschema.Schema, text []byte) error {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return err
	}
	return schema.Validate(asEditors(doc.Content[0]))
}

// asEditors is a document as editors read it, by YAML 1.2: a date is a text.
func asEditors(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = asEditors(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, asEditors(item))
		}
		return list
	}
	var v any
	if n.ShortTag() == "!!timestamp" || n.Decode(&v) != nil {
		return n.Value
	}
	return v
}

func ruleFiles(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob("../rule/testdata/rules/" + pattern)
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	return files
}

// TestSchemaMarksWrongFiles: an editor marks what check refuses, as far as a schema can say
// it.
func TestSchemaMarksWrongFiles(t *testing.T) {
	schema := ruleSchema(t)
	// Dates that are over, other files and settings, and the meaning of texts are not for a
	// schema.
	unsaid := []string{"condition-contains", "condition-wildcard", "until-past", "value-no-currency", "visit-of-file"}
	count := 0
	for _, file := range ruleFiles(t, "wrong/*.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		err = marked(schema, text)
		if err != nil {
			count++
		}
		if name := strings.TrimSuffix(filepath.Base(file), ".yaml"); (err == nil) != slices.Contains(unsaid, name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if count < 31 {
		t.Errorf("%d are marked", count)
	}
}

// TestSchemaLetsGoodFilesPass: what is right is never marked.
func TestSchemaLetsGoodFilesPass(t *testing.T) {
	schema := ruleSchema(t)
	files := slices.Concat(ruleFiles(t, "good/*.yaml"), ruleFiles(t, "worked.yaml"),
		[]string{"../example/goals.yaml", "../e2e/goals.yaml", "../testdata/golden/v1/rules/goals.yaml", "../testdata/golden/inputs/goals.yaml"})
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := rule.Parse(text); err != nil {
			t.Logf("%s: is not right itself: %v", file, err)
			continue
		}
		if err := marked(schema, text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	tried := 0
	for _, name := range []string{"first-goals", "cookbook", "goals", "forms", "counting", "privacy"} {
		page, err := os.ReadFile("../docs/" + name + ".md")
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(page), "```yaml\n")[1:] {
			text, _, _ := strings.Cut(block, "```")
			if strings.HasPrefix(text, "- goal:") {
				text = "goals:\n" + text
			} else if strings.HasPrefix(text, "defaults:") {
				text += "goals: []\n"
			}
			if _, err := rule.Parse([]byte(text)); err != nil {
				continue
			}
			tried++
			if err := marked(schema, []byte(text)); err != nil {
				t.Errorf("%s\n%v", text, err)
			}
		}
	}
	if tried < 40 {
		t.Errorf("%d blocks of the pages were tried", tried)
	}
}

// TestSchemaIsNoStricter: of single values, the schema refuses none that Load takes.
func TestSchemaIsNoStricter(t *testing.T) {
	schema := ruleSchema(t)
	for key, values := range map[string][]string{
		"visit":    {"/", "/a", "/:id", "/a:b", "/{id:[0-9]?}", "/{id}?q", "/a?b", "/a#b", "a", "http://a/b", "'/*'", "'/**/{file}.pdf'", "/<id>", "/[id]", "/{a:b?}/c?d", "''", "5"},
		"count":    {"every", "once", "once per day", "once per week", "once per session for $query.q", "once per $query.q", "once per day for q", "twice", "once per session for  $query.q"},
		"from":     {"2026-12-01", "2026-12-01 18:00", "2026-12-01 9:00", "2026-12-01T18:00", "2026-12-01T18:00:00Z", "2026-12-01T18:00:00+01:00", "2026-12-01 24:00", "1.12.2026", "2026-12", "'2026-12-01'", "2026-12-01T18:00:00.5Z"},
		"language": {"EN", "de", "de-DE", "de_DE", "zh-Hant-TW", "$query.l", "English", "d", "de-", "$$a"},
		"currency": {"EUR", "eur", "none", "Euro", "XYZ", "$query.c", "5"},
		"value":    {"5", "0", "-5", "1.5", "'5'", "5 EUR", "$app.total", "{ amount: 5 }", "{ amount: 5, currency: EUR }", "{ amount: 5, currency: eur }", "{ from: $app.a, max: 10 }", "{ max: 5 }", ".5", "1e3", "0x10"},
		"within":   {"30m", "2h", "1h30m", "1.5h", "+30m", "-30m", "30", "2 hours", "0m", ".5h", "90s"},
		"status":   {"live", "draft", "paused", "active"},
		"if": {
			"{ query.q: a }", "{ path: /a }", "{ referrer: present }", "{ response.type: text/html }", "{ utm.source: [a, b] }", "{ $query.q: a }", "{ query: a }", "{ query.: a }", "{ app.x: true }",
			"{ header.X-A: 1 }", "{ json.user.plan: a }", "{ form.a b: c }", "{ q: a }", "{ host: a.example }", "{ response.header.X: a }",
		},
		"data":    {"{ a: b }", "{ e-mail: b }", "{ A1: $query.q }", "{ a: { from: $query.q, as: number } }", "{ a: { from: $query.q, as: float } }", "{ 1a: b }"},
		"used by": {"journey", "[journey, experiment]", "mail"},
	} {
		for _, value := range values {
			goal := "  - goal: A_SEEN\n    visit: /a\n    " + key + ": " + value + "\n"
			if key == "visit" {
				goal = "  - goal: A_SEEN\n    visit: " + value + "\n"
			}
			if key == "within" {
				goal += "    after: OTHER\n"
			}
			text := []byte("goals:\n  - { goal: OTHER, visit: /other }\n" + goal)
			_, wrong := rule.Parse(text)
			if err := marked(schema, text); err != nil && wrong == nil {
				t.Errorf("%s: %s is right, and marked: %v", key, value, err)
			}
		}
	}
	for _, success := range []string{"redirect", "redirect to /a", "303 to /a", "'200'", "200", "2xx", "confirmed", "redirect  to  /a", "201 to /a", "/a", "redirect /a", "'{ response.json.ok: true }'", "{ response.json.ok: true }", "9xx", "700"} {
		text := []byte("version: \"1\"\ngoals:\n  - goal: A_SENT\n    submit: { path: /a, method: post }\n    success: " + success + "\n")
		_, wrong := rule.Parse(text)
		if err := marked(schema, text); err != nil && wrong == nil {
			t.Errorf("success: %s is right, and marked: %v", success, err)
		}
	}
}

// TestSchemaOfFields: the fields of an event of Sitecore's are known by its type. All that
// docs/events.md shows passes.
func TestSchemaOfFields(t *testing.T) {
	schema := ruleSchema(t)
	page, err := os.ReadFile("../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for i, block := range strings.Split(string(page), "```") {
		text, ok := strings.CutPrefix(block, "yaml\n")
		if i%2 == 0 || !ok {
			continue
		}
		if !strings.Contains(text, "goals:") {
			text = "goals:\n" + text
		}
		if _, err := rule.Parse([]byte(text)); err != nil {
			continue // a part of a file
		}
		if shown++; marked(schema, []byte(text)) != nil {
			t.Errorf("%s\n%v", text, marked(schema, []byte(text)))
		}
	}
	if shown < 10 {
		t.Errorf("%d rules are shown", shown)
	}
	for _, test := range []struct {
		goal string
		ok   bool
	}{
		{"visit: /a, sends: SEARCH, fields: { product_name: $query.q, product_type: TEA }", true},
		{"visit: /a, sends: SEARCH, fields: { product_name: $query.q, product_typ: TEA }", false},
		{"visit: /a, sends: SEARCH, fields: { product_name: $query.q }", false},
		{"visit: /a, sends: SEARCH", false},
		{"code: true, sends: SEARCH", true},
		{"visit: /a, sends: SEARCH, fields: { product_name: a, product_type: TEA, item_id: 1 }", false},
		{"visit: /a, sends: CONFIRM, fields: { item_id: [a, b] }", true},
		{"visit: /a, sends: CONFIRM, fields: { item: a }", false},
		{"visit: /a, sends: PAYMENT, fields: { pay_type: paypal }", true},
		{"visit: /a, sends: PAYMENT, fields: { pay_type: $query.how }", true},
		{"visit: /a, sends: PAYMENT, fields: { pay_type: Gold }", false},
		{"visit: /a, sends: CHECKOUT, fields: { reference_id: 1, status: purchased }", true},
		{"visit: /a, sends: CHECKOUT, fields: { reference_id: 1, status: paid }", false},
		{"submit: /a, sends: ADD, fields: { type: TEA, item_id: 1, name: a, productId: 1, referenceId: 1, price: 1.5 }", true},
		{"submit: /a, sends: ADD, fields: { type: TEA, item_id: 1, name: a, productId: 1, referenceId: 1, price: $form.price }", true},
		{"submit: /a, sends: ADD, fields: { type: TEA, item_id: 1, name: a, productId: 1, referenceId: 1, price: dear }", false},
		{"submit: /a, sends: ADD, fields: { type: TEA, item_id: 1, name: a, productId: 1, referenceId: 1 }", false},
		{"submit: /a, sends: FORM, fields: { formId: a }", true},
		{"submit: /a, sends: FORM, data: { formId: a }", true},
		{"submit: /a, sends: FORM, data: { form: a }", false},
		{"submit: /a, sends: FORM, fields: { formId: a, interactionType: viewed }", true},
		{"submit: /a, sends: FORM, fields: { formId: a, interactionType: SEEN }", false},
		{"submit: /a, sends: ADD_CONTACTS, identityProvider: email, fields: { email: $app.email }", true},
		{"submit: /a, sends: ADD_CONTACTS", false},
		{"visit: /a, sends: CLEAR_CART", true},
		{"visit: /a, sends: CLEAR_CART, fields: { a: 1 }", false},
		{"visit: /a, fields: { item_id: 1 }", false},
		{"visit: /a, sends: SHARED, fields: { item_id: 1 }", false},
		{"visit: /a, sends: VIEW", true},
		{"submit: /a, sends: VIEW", false},
		{"visit: /a, sends: VIEW, value: 3", false},
		{"visit: /a, sends: IDENTITY", false},
		{"visit: /a, sends: IDENTITY, identify: { email: $app.email }, identityProvider: email", true},
		{"visit: /a, sends: ORDER_CHECKOUT", false},
		{"visit: /a, sends: ADD_CONSUMERS", false},
		{"code: true, sends: ADD_CONSUMERS", true},
		{"visit: /a, data: { a: $query.pin }", false},
		{"visit: /a, data: { a: $query.spin }", true},
	} {
		text := []byte("goals:\n  - { goal: A, " + test.goal + " }\n")
		_, loads := rule.Parse(text)
		if err := marked(schema, text); (err == nil) != test.ok || (loads == nil) != test.ok {
			t.Errorf("%s: marked %v, check says %v", test.goal, err, loads)
		}
	}
	allowed := []byte("allow: [pin]\ngoals:\n  - { goal: A, visit: /a, data: { a: $query.pin } }\n")
	if _, err := rule.Parse(allowed); err != nil || marked(schema, allowed) != nil {
		t.Errorf("%v, %v", err, marked(schema, allowed))
	}
}
