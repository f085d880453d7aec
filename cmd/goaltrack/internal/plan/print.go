package plan

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/goaltrack/goaltrack/report"
)

// Markdown writes the plan as a page: a table of all goals, and a section for each.
func Markdown(w io.Writer, goals []Goal, title string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n| goal | event | when | used by | owner |\n|---|---|---|---|---|\n", text(title))
	for _, g := range goals {
		var types []string
		for _, e := range g.Events {
			types = append(types, code(e.Type))
		}
		row(&b, fmt.Sprintf("[%s](#%s)", text(g.Name), anchor(g.Name)), strings.Join(types, ", "), text(g.When), text(strings.Join(g.UsedBy, ", ")), text(g.Owner))
	}
	for _, g := range goals {
		g.section(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (g *Goal) section(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n", text(g.Name))
	if g.Label != "" {
		fmt.Fprintf(b, "%s\n\n", text(g.Label))
	}
	fmt.Fprintf(b, "%s\n", text(g.When))
	if g.Note != "" {
		fmt.Fprintf(b, "\n%s\n", text(g.Note))
	}
	b.WriteString("\n")
	for _, fact := range []struct{ name, value string }{
		{"Status", g.Status}, {"Consent", g.Consent}, {"Used by", strings.Join(g.UsedBy, ", ")}, {"Owner", g.Owner},
	} {
		if fact.value != "" {
			fmt.Fprintf(b, "- %s: %s\n", fact.name, text(fact.value))
		}
	}
	for _, e := range g.Events {
		if len(e.Attributes) == 0 {
			fmt.Fprintf(b, "\nSends %s, without attributes of its own.\n", code(e.Type))
			continue
		}
		fmt.Fprintf(b, "\nSends %s:\n\n| attribute | type | from | example |\n|---|---|---|---|\n", code(e.Type))
		for _, a := range e.Attributes {
			from := text(a.From)
			if strings.HasPrefix(a.From, "$") {
				from = code(a.From)
			}
			row(b, code(a.Name), a.Type, from, code(a.Example))
		}
	}
	examples(b, "Counts", g.Counts)
	examples(b, "Does not count", g.Ignores)
}

func examples(b *strings.Builder, what string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n\n", what)
	for _, line := range lines {
		fmt.Fprintf(b, "- %s\n", code(line))
	}
}

func row(b *strings.Builder, cells ...string) {
	for _, c := range cells {
		b.WriteString(strings.TrimRight("| "+strings.ReplaceAll(c, "|", `\|`), " ") + " ")
	}
	b.WriteString("|\n")
}

// text writes what people wrote so that Markdown shows just that.
func text(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	return strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "<", "&lt;", "[", `\[`, "]", `\]`).Replace(s)
}

// code writes a text as it is. One with a backquote stands between two of them.
func code(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	switch {
	case s == "":
		return ""
	case strings.Contains(s, "`"):
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}

// anchor is the name of a heading in a link, as GitHub makes it.
func anchor(name string) string { return strings.ToLower(strings.ReplaceAll(name, ":", "")) }

// Header are the columns of [CSV].
var Header = []string{"goal", "label", "event", "status", "when", "consent", "used by", "owner", "attribute", "type", "from", "example"}

// CSV writes a line for each attribute (RFC 4180), and one for an event without any.
func CSV(w io.Writer, goals []Goal) error {
	out := csv.NewWriter(w)
	_ = out.Write(Header) // an error comes again from out.Error
	for _, g := range goals {
		for _, e := range g.Events {
			about := []string{g.Name, g.Label, e.Type, g.Status, g.When, g.Consent, strings.Join(g.UsedBy, ", "), g.Owner}
			if len(e.Attributes) == 0 {
				_ = out.Write(cells(about, "", "", "", ""))
			}
			for _, a := range e.Attributes {
				_ = out.Write(cells(about, a.Name, a.Type, a.From, a.Example))
			}
		}
	}
	out.Flush()
	return out.Error()
}

// cells keeps a spreadsheet from taking what a rule says for a formula.
func cells(about []string, more ...string) []string {
	line := slices.Concat(about, more)
	for i, c := range line {
		line[i] = report.Cell(c)
	}
	return line
}
