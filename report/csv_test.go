package report

import (
	"encoding/csv"
	"strings"
	"testing"
)

// TestCell: nothing that somebody wrote begins a formula, in whatever language the
// spreadsheet is that opens the table.
func TestCell(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "",
		"/pricing":                "/pricing",
		"a=b+c-d@e":               "a=b+c-d@e",
		"spring-sale":             "spring-sale",
		"=1+1":                    "'=1+1",
		"+1":                      "'+1",
		"-1":                      "'-1",
		"@SUM(A1)":                "'@SUM(A1)",
		"\t=1":                    "'\t'=1",
		"\r=1":                    "'\r'=1",
		"\n":                      "'\n",
		"  =1":                    "  '=1",
		"\u00a0=1":                "\u00a0'=1",
		"＝1":                      "'＝1",
		"x;=HYPERLINK(\"a\")":     "x;'=HYPERLINK(\"a\")",
		"x; =cmd|' /C calc'!A0":   "x; '=cmd|' /C calc'!A0",
		";=1":                     ";'=1",
		"x\t@A":                   "x\t'@A",
		"x\n+1":                   "x\n'+1",
		"a;b;c":                   "a;b;c",
		"<img src=x onerror=a()>": "<img src=x onerror=a()>",
		"'=1":                     "'=1",
	} {
		if got := Cell(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzCell: whatever separates cells, none begins with a sign of a formula.
func FuzzCell(f *testing.F) {
	for _, seed := range []string{"=1", "x;=1", "a\t+1", "\xff;@", " =", "a,b;-"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b strings.Builder
		out := csv.NewWriter(&b)
		if err := out.Write([]string{Cell(text), "5"}); err != nil {
			t.Fatal(err)
		}
		out.Flush()
		for _, cell := range strings.FieldsFunc(Cell(text), func(c rune) bool { return strings.ContainsRune(cellEnds, c) }) {
			if cell = strings.TrimSpace(cell); cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("%q: the cell %q begins a formula", text, cell)
			}
		}
	})
}
