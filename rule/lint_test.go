package rule

import (
	"fmt"
	"strings"
	"testing"
)

// TestManyTails: paths that the index cannot file are worth a warning when there
// are many.
func TestManyTails(t *testing.T) {
	var text strings.Builder
	text.WriteString("goals:\n")
	for i := range maxTails + 1 {
		fmt.Fprintf(&text, "  - { goal: G_%d, download: '/files/**/{name}-%d.pdf' }\n", i, i)
	}
	rules, err := Parse([]byte(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if w := rules.Warnings(); len(w) != 1 || !strings.Contains(w[0].Message, "more than 100 paths") || w[0].Line != maxTails+2 {
		t.Errorf("warnings %v", w)
	}
}
