// Package draft writes a first rule file: the goals that a log, a site or another system
// suggests, with comments that say why, for somebody to go through.
package draft

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
	"golang.org/x/text/unicode/norm"

	"github.com/goaltrack/goaltrack/cdp"
	"github.com/goaltrack/goaltrack/rule"
)

// File is a rule file to be.
type File struct {
	// About are lines at its top: what it was made from.
	About []string
	// Currency stands under defaults:. "" is nothing.
	Currency string
	Goals    []Goal
	// Left are lines at its end: what has no counterpart.
	Left []string
}

// Goal is a goal to be. Empty fields are left out.
type Goal struct {
	// Comment are lines above it.
	Comment []string
	// Name is made from any text by [File.Text], unique among the goals.
	Name               string
	Label, Note, Owner string
	Status             string
	// Visit, Submit and Download are paths; of several, one is enough. Without any, the goal
	// is raised in code.
	Visit, Submit, Download []string
	// Success is what success: says of a form.
	Success string
	// If is what has to be there, such as query.q. Data is a name and its $source.
	If   string
	Data []string
	// Value is above 0, in the file's currency or in its own.
	Value    float64
	Currency string
}

// Text writes the file. What it writes is a rule file without faults: a goal of which
// goaltrack takes no address, for example, becomes a comment.
func (f *File) Text() ([]byte, error) {
	taken := map[string]bool{}
	var goals []string
	for i := range f.Goals {
		g := f.Goals[i]
		g.Name = unique(Name(g.Name), taken)
		text := g.text()
		if _, err := rule.Parse([]byte(f.head() + text)); err != nil {
			faults, _ := errors.AsType[*rule.Error](err)
			text = commented(slices.Concat(g.Comment, []string{"This is no goal yet: " + reasonOf(faults, err)}), text)
			delete(taken, g.Name)
		}
		goals = append(goals, text)
	}
	var b strings.Builder
	for _, line := range f.About {
		b.WriteString(comment(line))
	}
	if len(f.About) > 0 {
		b.WriteByte('\n')
	}
	b.WriteString(f.head())
	if len(taken) == 0 {
		b.WriteString("  []\n")
	}
	b.WriteString("\n" + strings.Join(goals, "\n"))
	if len(f.Left) > 0 {
		b.WriteByte('\n')
		for _, line := range f.Left {
			b.WriteString(comment(line))
		}
	}
	text := []byte(strings.TrimRight(b.String(), "\n") + "\n")
	if _, err := rule.Parse(text); err != nil {
		return nil, fmt.Errorf("what was found makes no rule file: %w", err)
	}
	return text, nil
}

// reasonOf is the first fault without its place, which is one of no file.
func reasonOf(faults *rule.Error, err error) string {
	if faults == nil || len(faults.Faults) == 0 {
		return err.Error()
	}
	return faults.Faults[0].Message
}

// head is the file up to its goals.
func (f *File) head() string {
	text := "version: 1\n"
	if f.Currency != "" {
		text += "\ndefaults:\n  currency: " + f.Currency + "\n"
	}
	return text + "\ngoals:\n"
}

// text writes a goal under goals:.
func (g *Goal) text() string {
	var b strings.Builder
	for _, line := range g.Comment {
		b.WriteString("  " + comment(line))
	}
	key := func(name, value string) {
		if value != "" {
			b.WriteString("    " + name + ": " + value + "\n")
		}
	}
	b.WriteString("  - goal: " + scalar(g.Name) + "\n")
	key("label", scalar(g.Label))
	key("note", scalar(g.Note))
	key("owner", scalar(g.Owner))
	key("status", g.Status)
	g.triggers(&b, key)
	if len(g.Submit) > 0 {
		key("success", scalar(g.Success))
	}
	if g.If != "" {
		key("if", "{ "+g.If+": present }")
	}
	if len(g.Data) == 2 {
		key("data", "{ "+g.Data[0]+": "+g.Data[1]+" }")
	}
	if g.Value > 0 {
		value := strconv.FormatFloat(g.Value, 'f', -1, 64)
		if g.Currency != "" {
			value = "{ amount: " + value + ", currency: " + g.Currency + " }"
		}
		key("value", value)
	}
	return b.String()
}

// triggers writes what has to happen.
func (g *Goal) triggers(b *strings.Builder, key func(name, value string)) {
	type trigger struct{ name, path string }
	var all []trigger
	for _, of := range []struct {
		name  string
		paths []string
	}{{"visit", g.Visit}, {"submit", g.Submit}, {"download", g.Download}} {
		for _, path := range of.paths {
			all = append(all, trigger{of.name, path})
		}
	}
	switch len(all) {
	case 0:
		key("code", "true")
	case 1:
		key(all[0].name, scalar(all[0].path))
	default:
		b.WriteString("    any:\n")
		for _, t := range all {
			b.WriteString("      - " + t.name + ": " + scalar(t.path) + "\n")
		}
	}
}

// commented is a goal that is none, as a comment.
func commented(above []string, text string) string {
	var b strings.Builder
	for _, line := range above {
		b.WriteString("  " + comment(line))
	}
	for line := range strings.Lines(text) {
		if line = strings.TrimPrefix(strings.TrimRight(line, "\n"), "  "); !strings.HasPrefix(line, "#") {
			b.WriteString("  # " + line + "\n")
		}
	}
	return b.String()
}

// comment is a text in a line of its own. What was written by strangers must not end it.
func comment(text string) string { return strings.TrimRight("# "+plain(text), " ") + "\n" }

// plain is a text in one line, of characters that can be seen.
func plain(text string) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return ' '
		}
		if !unicode.IsPrint(c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(text), " ")
}

// scalar writes a text as YAML reads it, "" for none.
func scalar(text string) string {
	if text = plain(text); text == "" {
		return ""
	}
	var v any
	node := yaml.Node{}
	err := yaml.Unmarshal([]byte("k: "+text+"\n"), &node)
	if err == nil && len(node.Content) == 1 && node.Content[0].Kind == yaml.MappingNode {
		value := node.Content[0].Content[1]
		if value.Kind == yaml.ScalarNode && value.Style == 0 && value.Value == text && value.Decode(&v) == nil && v == any(text) {
			return text
		}
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// Name makes the name of a goal of any text: "Sign up!" is SIGN_UP. A text without a
// letter is NEW_GOAL.
func Name(text string) string {
	var b strings.Builder
	gap := false
	for _, c := range decompose(text) {
		switch {
		case 'a' <= c && c <= 'z':
			c -= 'a' - 'A'
		case 'A' <= c && c <= 'Z', '0' <= c && c <= '9' && b.Len() > 0:
		case unicode.Is(unicode.Mn, c) || c == '\'' || c == '’':
			continue // an accent is no gap, nor is an apostrophe
		default:
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('_')
			gap = false
		}
		b.WriteRune(c)
	}
	name := b.String()
	if len(name) > maxName {
		name = strings.TrimRight(name[:maxName], "_")
	}
	switch {
	case name == "":
		return "NEW_GOAL"
	case cdp.Reserved(name) || cdp.FormerlyReserved(name):
		return name + "_GOAL" // Sitecore keeps the name for itself
	}
	return name
}

// maxName leaves room for a number.
const maxName = 80

// apart are letters that are two, or that have no other beneath their mark.
var apart = strings.NewReplacer("ß", "ss", "ẞ", "SS", "æ", "ae", "Æ", "AE", "œ", "oe", "Œ", "OE", "ø", "o", "Ø", "O", "ł", "l", "Ł", "L")

// decompose parts letters from their accents.
func decompose(text string) string { return norm.NFD.String(apart.Replace(text)) }

// unique adds a number to a name that another goal has.
func unique(name string, taken map[string]bool) string {
	base := name
	for i := 2; taken[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	taken[name] = true
	return name
}
