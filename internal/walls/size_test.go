package walls

import (
	"strings"
	"testing"
)

// TestFaceIsSmall: who asks the go command what goaltrack is gets an answer that
// can be read in a sitting.
func TestFaceIsSmall(t *testing.T) {
	const most = 120
	noteSources(t)
	if lines := strings.Count(goTool(t, nil, "doc", "."), "\n"); lines > most {
		t.Errorf(`"go doc ." has %d lines, and may have %d: what few need belongs in a package of its own, or in a struct that stands there already`, lines, most)
	}
}
